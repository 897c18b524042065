"""What leaves for Telegram's chats: the staff's cards, kept current, and news for staff and customers."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest

from bot.desk import Desk
from bot.messages import edit, hand_over, refusals, send_turn
from bot.outbox import Delivery, Undelivered
from bot.register import Card, Ticket
from bot.responses import Reply

_LONGEST_TOPIC = 128  # characters

log = logging.getLogger(__name__)


def chat_sender(bot: Bot, desk: Desk) -> Callable[[Delivery], Awaitable[None]]:
    """Delivers outbox rows for customers' chats: the shop's words and changes of state."""

    async def deliver(delivery: Delivery) -> None:
        if not delivery.ticket:
            await send_turn(bot, delivery, desk.paper)
            return
        ticket = desk.tickets.ticket(delivery.ticket)
        if ticket is not None and ticket.chat:  # a forgotten chat is told nothing
            reply, chat = desk.told(ticket, delivery.body), int(ticket.chat.removeprefix("tg:"))
            await hand_over(bot, chat, reply, files=delivery.body.get("files", ()))

    return deliver


def staff_sender(bot: Bot, desk: Desk) -> Callable[[Delivery], Awaitable[None]]:
    """Delivers outbox rows of the staff chat; without a staff chat there is nobody to tell."""

    async def deliver(delivery: Delivery) -> None:
        ticket = desk.tickets.ticket(delivery.ticket)
        if desk.chat is None or ticket is None:
            return
        if delivery.body["response"] == "utter_staff_card":
            await _show(bot, desk, desk.chat, ticket)
            news = Reply("")  # the card's files follow it
        else:
            news = desk.card(ticket, delivery.body["response"], delivery.body)
        files = delivery.body.get("files", ())
        if news.text or files:
            await _put(bot, desk.chat, news, _topic_of(desk, desk.chat, ticket), files)

    return deliver


def _topic_of(desk: Desk, chat: int, ticket: Ticket) -> int:
    card = desk.tickets.card(ticket.number)
    return card.topic if card is not None and card.chat == chat else 0


async def _show(bot: Bot, desk: Desk, chat: int, ticket: Ticket) -> None:
    """Put the card into its topic, or change the one that is there; an ended ticket's topic is closed."""
    card = desk.tickets.card(ticket.number)
    if card is None or card.chat != chat:
        card = Card(chat, 0, await _new_topic(bot, desk, chat, ticket))
        desk.tickets.keep_card(ticket.number, card)  # a topic is made once, whatever becomes of the card
    elif card.topic:
        await _turn_topic(bot, card, is_open=ticket.is_open)
    reply = desk.card(ticket)
    if not card.message or not await edit(bot, chat, card.message, reply):
        message = await _put(bot, chat, reply, card.topic)
        desk.tickets.keep_card(ticket.number, Card(chat, message, card.topic))


async def _put(bot: Bot, chat: int, reply: Reply, topic: int, files: Sequence[Mapping[str, str]] = ()) -> int:
    """Send to a topic; where that was deleted, to the chat. Raises Undelivered."""
    try:
        return await hand_over(bot, chat, reply, files, topic)
    except Undelivered as error:
        if not (topic and error.permanent):
            raise
        return await hand_over(bot, chat, reply, files)


async def _new_topic(bot: Bot, desk: Desk, chat: int, ticket: Ticket) -> int:
    """A ticket's own topic where the chat is a forum and the bot may make one; else 0."""
    with refusals():
        try:
            if not (await bot.get_chat(chat)).is_forum:
                return 0
            name = desk.card(ticket, "utter_staff_topic").text[:_LONGEST_TOPIC]
            return (await bot.create_forum_topic(chat, name)).message_thread_id
        except TelegramBadRequest:
            log.warning("no topic for %s: the bot may not make topics in the staff chat", ticket.number)
            return 0


async def _turn_topic(bot: Bot, card: Card, *, is_open: bool) -> None:
    """Open or close a topic; Telegram refuses what is so already."""
    turn = bot.reopen_forum_topic if is_open else bot.close_forum_topic
    with refusals(), suppress(TelegramBadRequest):
        await turn(card.chat, card.topic)
