"""The staff chat: a card for each ticket, its buttons, the shop's answers on their way to the customer."""

import html
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, ForceReply, Message

from bot.messages import MakePaper, hand_over, inline, messages, no_paper, send_turn
from bot.responses import Reply, Responses
from bot.tickets import Delivery, Ticket, Tickets

_NUMBER = re.compile(r"\b[A-Z]{2,5}-\d{4}-\d{6}\b")


@dataclass(frozen=True)
class Desk:
    """The staff chat: cards and what their buttons do."""

    chat: int | None
    tickets: Tickets
    responses: Responses
    shop_names: Mapping[str, str]
    clock: Callable[[], datetime]
    paper: MakePaper = no_paper

    def card(self, ticket: Ticket, response: str = "utter_staff_card") -> Reply:
        """A ticket as the staff sees it."""
        deadline = ticket.deadline.strftime("%d.%m.%Y") if ticket.deadline else ""
        values = {**vars(ticket), "deadline": deadline, "shop_name": self.shop_names.get(ticket.shop, ticket.shop)}
        return self.responses.render(response, values)


def staff_router(desk: Desk, after: Callable[[], None]) -> Router:
    """Handlers of the staff chat; `after` is called when there may be something to deliver."""
    router = Router(name="staff")
    router.message.filter(F.chat.id == desk.chat)
    router.callback_query.filter(F.message.chat.id == desk.chat)

    @router.callback_query(F.data.regexp(r"^/(take|close|answer) \S+$"))
    async def tapped(query: CallbackQuery) -> None:
        action, number = (query.data or "").removeprefix("/").split(" ")
        if action == "answer":
            await ask_for_answer(query, number)
            return
        move = desk.tickets.take if action == "take" else desk.tickets.close_ticket
        done = move(number, desk.clock())
        after()
        with suppress(TelegramBadRequest):  # an old query cannot be answered any more
            await query.answer(desk.responses.word("utter_staff_done" if done else "utter_staff_too_late"))
        ticket = desk.tickets.ticket(number)
        if done and ticket and isinstance(query.message, Message):
            card = desk.card(ticket)
            text = next(iter(messages(card.text)))
            await query.message.edit_text(text, reply_markup=inline(card))

    async def ask_for_answer(query: CallbackQuery, number: str) -> None:
        how = desk.responses.render("utter_staff_answer_how", {"number": number})
        with suppress(TelegramBadRequest):
            await query.answer()
        if isinstance(query.message, Message):
            await query.message.answer(html.escape(how.text), reply_markup=ForceReply(selective=True))

    @router.message(F.reply_to_message.from_user.is_bot)
    async def answered(message: Message) -> None:
        asked = message.reply_to_message
        number = _NUMBER.search((asked and asked.text) or "")
        text, files = message.text or message.caption or "", list(_files(message))
        if number is None or not (text or files):
            return
        if desk.tickets.answer(number[0], text or desk.responses.word("utter_see_file"), desk.clock(), files):
            after()
            await message.answer(desk.responses.render("utter_staff_answered", {"number": number[0]}).text)

    return router


def _files(message: Message) -> Iterator[dict[str, str]]:
    """Photos and documents of a message, by Telegram's ids."""
    if message.photo:
        yield {"kind": "photo", "id": message.photo[-1].file_id}
    if message.document:
        yield {"kind": "document", "id": message.document.file_id}


def staff_sender(bot: Bot, desk: Desk) -> Callable[[Delivery], Awaitable[None]]:
    """Delivers outbox rows of the staff chat; without a staff chat there is nobody to tell."""

    async def deliver(delivery: Delivery) -> None:
        ticket = desk.tickets.ticket(delivery.ticket)
        if desk.chat is not None and ticket is not None:
            card = desk.card(ticket, delivery.body["response"])
            await hand_over(bot, desk.chat, card, files=delivery.body.get("files", ()))

    return deliver


def chat_sender(bot: Bot, desk: Desk) -> Callable[[Delivery], Awaitable[None]]:
    """Delivers outbox rows for customers' chats: the shop's words and changes of state."""

    async def deliver(delivery: Delivery) -> None:
        if not delivery.ticket:
            await send_turn(bot, delivery, desk.paper)
            return
        ticket = desk.tickets.ticket(delivery.ticket)
        if ticket is not None and ticket.chat:  # a forgotten chat is told nothing
            values = {**vars(ticket), **delivery.body, "shop_name": desk.shop_names.get(ticket.shop, ticket.shop)}
            reply = desk.responses.render(delivery.body["response"], values)
            await hand_over(bot, int(ticket.chat.removeprefix("tg:")), reply, files=delivery.body.get("files", ()))

    return deliver
