"""The staff chat: a card for each ticket, its buttons, what the staff writes there, the list of open tickets."""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiogram import F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Command
from aiogram.types import CallbackQuery, ForceReply, Message, User

from bot.messages import MakePaper, no_paper, send
from bot.register import Ticket, deadline_values
from bot.responses import Reply, Responses
from bot.tickets import Origin, Tickets
from bot.verdict import verdict_of

_NUMBER = re.compile(r"\b[A-Z]{2,5}-\d{4}-\d{6}\b")
_DEEDS = {"take": "accepted", "done": "done", "close": "closed"}
# A button that asks for words, and what the words then are.
_PROMPTS = {"answer": "utter_staff_answer_how", "ask": "utter_staff_ask_how", "refuse": "utter_staff_refuse_how"}
_WORDS_OF = {"ask": "question", "refuse": "refused"}


@dataclass(frozen=True)
class Desk:
    """The staff chat: cards and what their buttons do."""

    chat: int | None
    tickets: Tickets
    responses: Responses
    shop_names: Mapping[str, str]
    clock: Callable[[], datetime]
    paper: MakePaper = no_paper

    def card(self, ticket: Ticket, response: str = "utter_staff_card", more: Mapping[str, Any] | None = None) -> Reply:
        """A ticket as the staff sees it, or news of it."""
        return self.responses.render(response, {**self._values(ticket), **(more or {})})

    def listed(self) -> Reply:
        """All open tickets, overdue ones first."""
        now = self.clock()
        tickets = sorted(self.tickets.still_open(), key=lambda ticket: not ticket.is_overdue(now))
        lines = [self.card(ticket, "utter_staff_line").text for ticket in tickets]
        return Reply("\n\n".join(lines)) if lines else self.responses.render("utter_staff_no_tickets", {})

    def told(self, ticket: Ticket, body: Mapping[str, Any]) -> Reply:
        """What the customer is told of a ticket."""
        values = {
            **vars(ticket),
            "deadline": f"{ticket.deadline:%d.%m.%Y}" if ticket.deadline else "",
            "shop_name": self.shop_names.get(ticket.shop, ticket.shop),
            "open_number": ticket.number if ticket.is_open else "",
        }
        return self.responses.render(body["response"], {**values, **body})

    def _values(self, ticket: Ticket) -> dict[str, Any]:
        for_staff = f"staff_{ticket.status}"  # some states are worded to the customer
        return {
            **vars(ticket),
            **deadline_values(ticket, self.clock()),
            "status": for_staff if f"utter_status_{for_staff}" in self.responses else ticket.status,
            "shop_name": self.shop_names.get(ticket.shop, ticket.shop),
            "new_number": ticket.number if ticket.status == "opened" else "",
            "open_number": ticket.number if ticket.is_open else "",
        }


def staff_router(desk: Desk, after: Callable[[], None]) -> Router:
    """Handlers of the staff chat; `after` is called when there may be something to deliver."""
    staff, router = _Staff(desk, after), Router(name="staff")
    router.message.filter(F.chat.id == desk.chat)
    router.callback_query.filter(F.message.chat.id == desk.chat)
    router.callback_query.register(staff.tapped, F.data.regexp(rf"^/({'|'.join(_DEEDS)}) \S+$"))
    router.callback_query.register(staff.asked, F.data.regexp(rf"^/({'|'.join(_PROMPTS)}) \S+$"))
    router.message.register(staff.listed, Command("tickets"))
    router.message.register(staff.wrote, F.reply_to_message.from_user.is_bot)
    return router


class _Staff:
    """Handlers of the staff chat."""

    def __init__(self, desk: Desk, after: Callable[[], None]) -> None:
        self._desk, self._after = desk, after

    async def tapped(self, query: CallbackQuery) -> None:
        """A button that does something at once; the card follows by the outbox."""
        deed, number = (query.data or "").removeprefix("/").split(" ")
        origin = Origin(f"tap {query.id}", "", _who(query.from_user))
        done = self._desk.tickets.receive(number, _DEEDS[deed], "", self._desk.clock(), origin)
        self._after()
        with suppress(TelegramBadRequest):  # an old query cannot be answered any more
            await query.answer(self._desk.responses.word("utter_staff_done" if done else "utter_staff_too_late"))

    async def asked(self, query: CallbackQuery) -> None:
        """A button that needs words."""
        deed, number = (query.data or "").removeprefix("/").split(" ")
        with suppress(TelegramBadRequest):
            await query.answer()
        if isinstance(query.message, Message):
            await self._ask(query.message, deed, number)

    async def listed(self, message: Message) -> None:
        """The command /tickets."""
        topic = message.message_thread_id if message.is_topic_message else None
        await send(message.bot, message.chat.id, self._desk.listed(), topic or 0)

    async def wrote(self, message: Message) -> None:
        """A reply to a card or to a request for words: what a mail with these words would do."""
        asked = (message.reply_to_message and message.reply_to_message.text) or ""
        number, text, files = _NUMBER.search(asked), message.text or message.caption or "", list(_files(message))
        if number is None or not (text or files):
            return
        deed = next((deed for deed in _WORDS_OF if asked == self._prompt(deed, number[0])), "")
        verdict, words = (_WORDS_OF[deed], text) if deed else verdict_of(text)
        if verdict in {"question", "refused"} and not words:
            await self._ask(message, "ask" if verdict == "question" else "refuse", number[0])
            return
        words = words or (self._desk.responses.word("utter_see_file") if files else "")
        origin = Origin(f"message {message.chat.id} {message.message_id}", "", _who(message.from_user))
        if self._desk.tickets.receive(number[0], verdict, words, self._desk.clock(), origin, shown=files):
            self._after()
            await message.answer(self._desk.responses.render("utter_staff_answered", {"number": number[0]}).text)

    async def _ask(self, message: Message, deed: str, number: str) -> None:
        await message.answer(html.escape(self._prompt(deed, number)), reply_markup=ForceReply(selective=True))

    def _prompt(self, deed: str, number: str) -> str:
        return self._desk.responses.render(_PROMPTS[deed], {"number": number}).text


def _who(user: User | None) -> str:
    return f"tg:{user.id}" if user else ""


def _files(message: Message) -> Iterator[dict[str, str]]:
    """Photos and documents of a message, by Telegram's ids."""
    if message.photo:
        yield {"kind": "photo", "id": message.photo[-1].file_id}
    if message.document:
        yield {"kind": "document", "id": message.document.file_id}
