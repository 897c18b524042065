"""aiogram: customers' updates in; what comes of them is kept, then sent."""

import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ChatAction, ParseMode
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest
from aiogram.filters import Command, CommandObject
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State as FsmState
from aiogram.fsm.storage.base import BaseStorage, StorageKey
from aiogram.fsm.storage.memory import SimpleEventIsolation
from aiogram.types import BotCommand, BotCommandScopeChat, CallbackQuery, ErrorEvent, Message, Update

from bot.desk import Desk, staff_router
from bot.dialogue import FORGOTTEN, Dialogue
from bot.failures import without_words
from bot.files import Files
from bot.messages import inline, messages, send, send_turn
from bot.outbox import Delivery
from bot.post import LEASE, deliver
from bot.responses import Responses
from bot.tickets import Tickets
from bot.turn import Incoming
from bot.uploads import Uploads, open_form

COMMANDS: Mapping[str, str] = {
    "start": "start",
    "help": "help",
    "shop": "choose_shop",
    "requests": "ticket_status",
    "wishes": "list_wishes",
    "human": "human",
    "privacy": "privacy",
    "mydata": "mydata",
    "forget": "forget",
    "cancel": "cancel",
}
_REMEMBERED = 20

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


def connect(token: str, api_url: str) -> Bot:
    """A bot at Telegram's own server or at another one's address."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_url))
    return Bot(token, session=session, default=DefaultBotProperties(parse_mode=ParseMode.HTML))


def make_dispatcher(dialogue: Dialogue, desk: Desk, after: Callable[[], None]) -> Dispatcher:
    """All handlers; `after` is called when an update has been handled, so that the outbox is looked at."""
    states = ChatStates(desk.tickets, desk.clock)
    dispatcher = Dispatcher(storage=states, events_isolation=SimpleEventIsolation())
    if desk.chat is not None:
        dispatcher.include_router(staff_router(desk, after))
    dispatcher.include_router(_Customers(dialogue, desk, after).router())
    return dispatcher


async def introduce(bot: Bot, responses: Responses, staff: int | None = None) -> None:
    """Tell Telegram the commands and what they do, those of the staff's chat apart."""
    commands = [BotCommand(command=name, description=responses.word(f"utter_command_{name}")) for name in COMMANDS]
    await bot.set_my_commands(commands)
    if staff is not None:
        listed = BotCommand(command="tickets", description=responses.word("utter_command_tickets"))
        try:
            await bot.set_my_commands([listed], scope=BotCommandScopeChat(chat_id=staff))
        except TelegramBadRequest:
            log.warning("STAFF_CHAT_ID: the bot is no member of this chat")


class _Customers:
    """Handlers of private chats."""

    def __init__(self, dialogue: Dialogue, desk: Desk, after: Callable[[], None]) -> None:
        self._dialogue, self._desk, self._after = dialogue, desk, after
        self._uploads = Uploads(Files(desk.tickets), desk.clock)

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
        for observer in (router.message, router.edited_message, router.callback_query):
            observer.middleware(_once)
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
        """A file is kept while a request is formed or waits for words; an album is answered once, and goes one way."""
        known, album = await state.get_data(), message.media_group_id or ""
        shown = known.get("album") or ["", 0, ""]
        is_more = bool(album) and shown[0] == album
        if is_more and shown[2]:
            known.setdefault("slots", {})["adding"] = shown[2]
            await state.set_data(known)
        form, request = self._wanted(_chat(message.chat.id), known)
        refusal = await self._uploads.take(message, _chat(message.chat.id), known, form)
        incoming = Incoming(text=message.caption or "", file=True)
        if refusal:
            await self._refuse(message, refusal, state, event_update)
        elif is_more:
            await self._amend(message, incoming, state, event_update, shown[1])
        else:
            sent = await self._turn(message, incoming, state, event_update)
            if album:
                await state.update_data(album=[album, sent, request])

    def _wanted(self, chat: str, state: Mapping[str, Any]) -> tuple[str, str]:
        """Under which form a file is kept, and the number of the request that waits for it; "" where there is none."""
        form, chosen = open_form(state), state.get("slots", {}).get("adding") or ""
        awaiting = [each for each in self._desk.tickets.awaiting(chat, chosen) if each.is_open]
        if form or len(awaiting) != 1:
            return form, ""
        return awaiting[0].form, awaiting[0].number

    async def _refuse(self, message: Message, refusal: str, state: FSMContext, update: Update) -> None:
        known, album = await state.get_data(), message.media_group_id or ""
        if not album or known.get("refused_album") != album:
            await self._say(message, refusal)
        if album and known:
            await state.update_data(refused_album=album)
        if message.caption and refusal == "utter_no_documents":
            await self._turn(message, Incoming(text=message.caption), state, update)

    async def _amend(self, message: Message, incoming: Incoming, state: FSMContext, update: Update, shown: int) -> None:
        """One more of an album: the answer to its first one is brought up to date."""
        done = await self._dialogue.handle(_chat(message.chat.id), await state.get_data(), incoming)
        _mark(done.state, update)
        await state.set_data(done.state)
        keys = inline(done.reply)
        if message.bot is not None and keys is not None and shown:
            with suppress(TelegramBadRequest):  # it has a keyboard instead of buttons, or reads the same
                text = list(messages(done.reply.text))[-1]
                await message.bot.edit_message_text(text, chat_id=message.chat.id, message_id=shown, reply_markup=keys)

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
        log.error("an update failed: %s", without_words(event.exception))
        message = event.update.message or (event.update.callback_query and event.update.callback_query.message)
        if isinstance(message, Message):
            with suppress(TelegramAPIError):
                await self._say(message, "utter_failure")

    async def _say(self, message: Message, response: str) -> None:
        await send(message.bot, message.chat.id, self._dialogue.responses.render(response, {}))

    async def _turn(self, message: Message, incoming: Incoming, state: FSMContext, update: Update) -> int:
        """One message of a conversation: its reply is kept before it is sent, and sent later if it cannot be now.

        Gives the reply's message id, 0 when it was not sent.
        """
        if message.bot is None:
            return 0
        with suppress(TelegramAPIError):
            await message.bot.send_chat_action(message.chat.id, ChatAction.TYPING)
        done = await self._dialogue.handle(_chat(message.chat.id), await state.get_data(), incoming)
        if done.outcome != FORGOTTEN:
            _mark(done.state, update)
        tickets, now = self._desk.tickets, self._desk.clock()
        buttons = [[each.title, each.payload] for each in done.reply.buttons]
        reply = {"text": done.reply.text, "buttons": buttons, "enclosed": done.reply.enclosed}
        delivery = tickets.keep_turn(_chat(message.chat.id), done.state, reply, now, LEASE)
        sent: list[int] = [0]

        async def hand_over(_: Delivery) -> None:
            sent.append(await send_turn(message.bot, delivery, self._desk.paper))

        await deliver(tickets, delivery, hand_over, now)
        self._after()
        return sent[-1]


async def _once(handler: Any, event: Any, data: dict[str, Any]) -> Any:
    """Handle an update that comes again no second time."""
    state: FSMContext = data["state"]
    before = await state.get_data()
    if data["event_update"].update_id in before.get("updates", []):
        return
    await handler(event, data)
    kept = await state.get_data()
    is_forgotten = bool(before) and not kept  # then this update is not remembered either
    if not is_forgotten and _mark(kept, data["event_update"]):
        await state.set_data(kept)


def _mark(state: dict[str, Any], update: Update) -> bool:
    """Remember an update as handled; False when it was remembered already."""
    handled = state.get("updates", [])
    state["updates"] = [*handled, update.update_id][-_REMEMBERED:] if update.update_id not in handled else handled
    return update.update_id not in handled


def _chat(telegram_id: int) -> str:
    return f"tg:{telegram_id}"


def _is_id(text: str | None) -> bool:
    return bool(text) and re.fullmatch(r"[\w-]{1,40}", text or "") is not None
