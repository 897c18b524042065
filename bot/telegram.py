"""aiogram: updates in, replies and buttons out; the staff chat's cards."""

import html
import logging
import re
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ChatAction, ParseMode
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.filters import Command, CommandObject
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State as FsmState
from aiogram.fsm.storage.base import BaseStorage, StorageKey
from aiogram.fsm.storage.memory import SimpleEventIsolation
from aiogram.types import (
    BotCommand,
    CallbackQuery,
    ErrorEvent,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
    Update,
)

from bot.dialogue import SHARE_CONTACT, Dialogue, Incoming
from bot.responses import Reply, Responses
from bot.tickets import Delivery, Ticket, Tickets, Undelivered

COMMANDS: Mapping[str, str] = {
    "start": "start",
    "help": "help",
    "shop": "choose_shop",
    "requests": "ticket_status",
    "wishes": "list_wishes",
    "human": "human",
    "privacy": "privacy",
    "cancel": "cancel",
}
_LONGEST = 3800
_LONGEST_TITLE = 60
_REMEMBERED = 20
_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n")
_NUMBER = re.compile(r"\b[A-Z]{2,5}-\d{4}-\d{6}\b")
_PERMANENT = (TelegramForbiddenError, TelegramBadRequest, TelegramNotFound, TelegramUnauthorizedError)

log = logging.getLogger(__name__)


class ChatStates(BaseStorage):
    """aiogram's storage in the tickets' database: a restart forgets no conversation."""

    def __init__(self, tickets: Tickets, clock: Callable[[], datetime]) -> None:
        """States live as long as the database."""
        self._tickets, self._clock = tickets, clock

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        """A chat's state."""
        return self._tickets.chat_state(_chat(key.chat_id))

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """Replace a chat's state."""
        self._tickets.keep_chat_state(_chat(key.chat_id), data, self._clock())

    async def get_state(self, key: StorageKey) -> str | None:  # noqa: ARG002  # the dialogue's state is data
        """Aiogram's own states are not used."""
        return None

    async def set_state(self, key: StorageKey, state: str | FsmState | None = None) -> None:
        """Aiogram's own states are not used."""

    async def close(self) -> None:
        """The database is closed by its owner."""


@dataclass(frozen=True)
class Desk:
    """The staff chat: cards and what their buttons do."""

    chat: int | None
    tickets: Tickets
    responses: Responses
    shop_names: Mapping[str, str]
    clock: Callable[[], datetime]

    def card(self, ticket: Ticket, response: str = "utter_staff_card") -> Reply:
        """A ticket as the staff sees it."""
        deadline = ticket.deadline.strftime("%d.%m.%Y") if ticket.deadline else ""
        values = {**vars(ticket), "deadline": deadline, "shop_name": self.shop_names.get(ticket.shop, ticket.shop)}
        return self.responses.render(response, values)


def connect(token: str, api_url: str) -> Bot:
    """A bot at Telegram's own server or at another one's address."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_url))
    return Bot(token, session=session, default=DefaultBotProperties(parse_mode=ParseMode.HTML))


def make_dispatcher(dialogue: Dialogue, desk: Desk, after: Callable[[], None]) -> Dispatcher:
    """All handlers; `after` is called when an update has been handled, so that the outbox is looked at."""
    states = ChatStates(desk.tickets, desk.clock)
    dispatcher = Dispatcher(storage=states, events_isolation=SimpleEventIsolation())
    if desk.chat is not None:
        dispatcher.include_router(_staff_router(desk, after))
    dispatcher.include_router(_Customers(dialogue, after).router())
    return dispatcher


async def introduce(bot: Bot, responses: Responses) -> None:
    """Tell Telegram the commands and what they do."""
    commands = [BotCommand(command=name, description=responses.word(f"utter_command_{name}")) for name in COMMANDS]
    await bot.set_my_commands(commands)


class _Customers:
    """Handlers of private chats."""

    def __init__(self, dialogue: Dialogue, after: Callable[[], None]) -> None:
        self._dialogue, self._after = dialogue, after

    def router(self) -> Router:
        router = Router(name="customers")
        router.message.filter(F.chat.type == "private")
        router.message.register(self.command, Command(*COMMANDS))
        router.message.register(self.contact, F.contact)
        router.message.register(self.text, F.text)
        router.message.register(self.file, F.photo | F.document | F.video)
        router.message.register(self.other)
        router.edited_message.register(self.edited, F.chat.type == "private")
        router.callback_query.register(self.tapped, F.message.chat.type == "private")
        router.errors.register(self.failed)
        return router

    async def command(self, message: Message, command: CommandObject, state: FSMContext, event_update: Update) -> None:
        shop = f'{{"shop":"{command.args}"}}' if command.command == "start" and _is_id(command.args) else ""
        await self._turn(message, Incoming(payload=f"/{COMMANDS[command.command]}{shop}"), state, event_update)

    async def contact(self, message: Message, state: FSMContext, event_update: Update) -> None:
        """Only the sender's own number counts."""
        shared, sender = message.contact, message.from_user
        if shared is None or sender is None or shared.user_id != sender.id:
            await self._say(message, "utter_foreign_contact")
            return
        await self._turn(message, Incoming(phone=shared.phone_number), state, event_update)

    async def text(self, message: Message, state: FSMContext, event_update: Update) -> None:
        await self._turn(message, Incoming(text=message.text or ""), state, event_update)

    async def file(self, message: Message, state: FSMContext, event_update: Update) -> None:
        await self._say(message, "utter_no_documents")
        if message.caption:
            await self._turn(message, Incoming(text=message.caption), state, event_update)

    async def other(self, message: Message) -> None:
        await self._say(message, "utter_text_only")

    async def edited(self, message: Message) -> None:
        await self._say(message, "utter_edited")

    async def tapped(self, query: CallbackQuery, state: FSMContext, event_update: Update) -> None:
        with suppress(TelegramBadRequest):  # an old query cannot be answered any more
            await query.answer()
        if isinstance(query.message, Message) and query.data:
            tap = f"{query.message.message_id}{query.data}"
            await self._turn(query.message, Incoming(payload=query.data, tap=tap), state, event_update)

    async def failed(self, event: ErrorEvent) -> None:
        _log_without_words(event.exception)
        message = event.update.message or (event.update.callback_query and event.update.callback_query.message)
        if isinstance(message, Message):
            with suppress(TelegramAPIError):
                await self._say(message, "utter_failure")

    async def _say(self, message: Message, response: str) -> None:
        await send(message.bot, message.chat.id, self._dialogue.responses.render(response, {}))

    async def _turn(self, message: Message, incoming: Incoming, state: FSMContext, update: Update) -> None:
        """One message of a conversation; an update that comes again does nothing."""
        data = await state.get_data()
        handled = data.get("updates", [])
        if update.update_id in handled or message.bot is None:
            return
        with suppress(TelegramAPIError):
            await message.bot.send_chat_action(message.chat.id, ChatAction.TYPING)
        done = await self._dialogue.handle(_chat(message.chat.id), data, incoming)
        done.state["updates"] = [*handled, update.update_id][-_REMEMBERED:]
        try:
            await send(message.bot, message.chat.id, done.reply)
        finally:
            await state.set_data(done.state)
            self._after()


# staff


def _staff_router(desk: Desk, after: Callable[[], None]) -> Router:
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
        await query.answer(desk.responses.word("utter_staff_done" if done else "utter_staff_too_late"))
        ticket = desk.tickets.ticket(number)
        if done and ticket and isinstance(query.message, Message):
            card = desk.card(ticket)
            text = next(iter(_messages(card.text)))
            await query.message.edit_text(text, reply_markup=_inline(card))

    async def ask_for_answer(query: CallbackQuery, number: str) -> None:
        how = desk.responses.render("utter_staff_answer_how", {"number": number})
        await query.answer()
        if isinstance(query.message, Message):
            await query.message.answer(html.escape(how.text), reply_markup=ForceReply(selective=True))

    @router.message(F.text, F.reply_to_message.from_user.is_bot)
    async def answered(message: Message) -> None:
        asked = message.reply_to_message
        number = _NUMBER.search((asked and asked.text) or "")
        if number and desk.tickets.answer(number[0], message.text or "", desk.clock()):
            after()
            await message.answer(desk.responses.render("utter_staff_answered", {"number": number[0]}).text)

    return router


def staff_sender(bot: Bot, desk: Desk) -> Callable[[Delivery], Awaitable[None]]:
    """Delivers outbox rows of the staff chat; without a staff chat there is nobody to tell."""

    async def deliver(delivery: Delivery) -> None:
        ticket = desk.tickets.ticket(delivery.ticket)
        if desk.chat is not None and ticket is not None:
            await _deliver(bot, desk.chat, desk.card(ticket, delivery.body["response"]))

    return deliver


def chat_sender(bot: Bot, desk: Desk) -> Callable[[Delivery], Awaitable[None]]:
    """Delivers outbox rows for customers' chats: the shop's words and changes of state."""

    async def deliver(delivery: Delivery) -> None:
        ticket = desk.tickets.ticket(delivery.ticket)
        if ticket is not None:
            values = {**vars(ticket), **delivery.body, "shop_name": desk.shop_names.get(ticket.shop, ticket.shop)}
            reply = desk.responses.render(delivery.body["response"], values)
            await _deliver(bot, int(ticket.chat.removeprefix("tg:")), reply)

    return deliver


async def _deliver(bot: Bot, chat: int, reply: Reply) -> None:
    try:
        await send(bot, chat, reply)
    except _PERMANENT as error:
        raise Undelivered(type(error).__name__, permanent=True) from error
    except TelegramAPIError as error:
        raise Undelivered(type(error).__name__, permanent=False) from error


# messages


async def send(bot: Bot | None, chat: int, reply: Reply) -> None:
    """Send a reply in as many messages as Telegram's limit asks for; the buttons go under the last."""
    if bot is None or not reply.text:
        return
    texts = list(_messages(reply.text))
    for text in texts[:-1]:
        await bot.send_message(chat, text)
    await bot.send_message(chat, texts[-1], reply_markup=_markup(reply))


def _messages(text: str) -> Iterator[str]:
    """HTML messages under the limit: quotations as such, long ones cut after a sentence."""
    message, length = "", 0
    for quoted, block in _blocks(text):
        for piece in _pieces(block):
            if message and length + len(piece) > _LONGEST:
                yield message.strip("\n")
                message, length = "", 0
            escaped = html.escape(piece, quote=False)
            message += f"<blockquote>{escaped}</blockquote>\n" if quoted else f"{escaped}\n"
            length += len(piece) + 1
    yield message.strip("\n")


def _blocks(text: str) -> Iterator[tuple[bool, str]]:
    """Neighbouring lines that are quoted, or not, as one block."""
    lines: list[str] = []
    quoted = False
    for line in text.splitlines():
        if lines and line.startswith("> ") != quoted:
            yield quoted, "\n".join(lines)
            lines = []
        quoted = line.startswith("> ")
        lines.append(line.removeprefix("> "))
    yield quoted, "\n".join(lines)


def _pieces(block: str) -> Iterator[str]:
    while len(block) > _LONGEST:
        ends = [match.start() for match in _SENTENCE.finditer(block, 0, _LONGEST)]
        cut = ends[-1] if ends else _LONGEST
        yield block[:cut]
        block = block[cut:].lstrip()
    yield block


def _markup(reply: Reply) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | None:
    if any(button.payload == SHARE_CONTACT for button in reply.buttons):
        keys = [
            KeyboardButton(text=button.title, request_contact=button.payload == SHARE_CONTACT or None)
            for button in reply.buttons
        ]
        return ReplyKeyboardMarkup(keyboard=[[key] for key in keys], resize_keyboard=True, one_time_keyboard=True)
    return _inline(reply)


def _inline(reply: Reply) -> InlineKeyboardMarkup | None:
    """One button a row: titles are sentences, screens are narrow."""
    rows = [
        [InlineKeyboardButton(text=button.title[:_LONGEST_TITLE], callback_data=button.payload)]
        for button in reply.buttons
    ]
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


def _chat(telegram_id: int) -> str:
    return f"tg:{telegram_id}"


def _is_id(text: str | None) -> bool:
    return bool(text) and re.fullmatch(r"[\w-]{1,40}", text or "") is not None


def _log_without_words(error: BaseException) -> None:
    """Where it happened and of what kind; an exception's message may quote the customer."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames[-6:]))
    log.error("an update failed: %s at %s", type(error).__name__, where)
