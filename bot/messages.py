"""Replies -> Telegram's messages: split under its limit, quotations as such, buttons below, refusals told apart."""

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
)

from bot.outbox import Delivery, Undelivered
from bot.papers import Paper
from bot.responses import Button, Reply
from bot.turn import SHARE_CONTACT

_LONGEST = 3800
_LONGEST_TITLE = 60
_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n")
_PERMANENT = (TelegramForbiddenError, TelegramBadRequest, TelegramNotFound, TelegramUnauthorizedError)


MakePaper = Callable[[str, str], Paper | None]


def no_paper(what: str, chat: str) -> Paper | None:
    """There are none here."""
    del what, chat
    return None


async def send_turn(bot: Bot | None, delivery: Delivery, paper: MakePaper = no_paper) -> int:
    """A reply in a conversation, as the dialogue worded it, with its paper; gives the message's id, 0 without one."""
    body = delivery.body
    reply = Reply(body["text"], tuple(Button(*button) for button in body["buttons"]))
    enclosed = paper(body["enclosed"], body["chat"]) if body.get("enclosed") else None
    return await hand_over(bot, int(body["chat"].removeprefix("tg:")), reply, enclosed=enclosed)


async def hand_over(
    bot: Bot | None,
    chat: int,
    reply: Reply,
    files: Sequence[Mapping[str, str]] = (),
    topic: int = 0,
    enclosed: Paper | None = None,
) -> int:
    """Send a reply and the files that come with it; the id of its last message. Raises Undelivered."""
    with refusals():
        message = await send(bot, chat, reply, topic)
        if bot is not None and enclosed is not None:
            await bot.send_document(chat, BufferedInputFile(enclosed.content, enclosed.name))
        for file in files:
            await _send_file(bot, chat, file, topic or None)
    return message


async def edit(bot: Bot, chat: int, message: int, reply: Reply) -> bool:
    """Change a message into the last one of a reply; False when it is not there any more. Raises Undelivered."""
    with refusals():
        try:
            text = list(messages(reply.text))[-1]
            await bot.edit_message_text(text, chat_id=chat, message_id=message, reply_markup=inline(reply))
        except TelegramBadRequest as error:
            return "not modified" in error.message
    return True


@contextmanager
def refusals() -> Iterator[None]:
    """What Telegram refuses is Undelivered."""
    try:
        yield
    except TelegramRetryAfter as error:
        pause = timedelta(seconds=error.retry_after)
        raise Undelivered(type(error).__name__, permanent=False, pause=pause) from error
    except _PERMANENT as error:
        raise Undelivered(type(error).__name__, permanent=True) from error
    except TelegramAPIError as error:
        raise Undelivered(type(error).__name__, permanent=False) from error


async def send(bot: Bot | None, chat: int, reply: Reply, topic: int = 0) -> int:
    """Send a reply in as many messages as Telegram's limit asks for: buttons under the last one, whose id it gives.

    Without a bot or a text nothing is sent, and the id is 0.
    """
    if bot is None or not reply.text:
        return 0
    texts = list(messages(reply.text))
    for text in texts[:-1]:
        await bot.send_message(chat, text, message_thread_id=topic or None)
    last = await bot.send_message(chat, texts[-1], message_thread_id=topic or None, reply_markup=_markup(reply))
    return last.message_id


def messages(text: str) -> Iterator[str]:
    """HTML messages under the limit: quotations as such, long ones cut after a sentence."""
    message, length = "", 0
    for quoted, block in _blocks(text):
        for piece in _pieces(block):
            if message and length + _units(piece) > _LONGEST:
                yield message.strip("\n")
                message, length = "", 0
            escaped = html.escape(piece, quote=False)
            message += f"<blockquote>{escaped}</blockquote>\n" if quoted else f"{escaped}\n"
            length += _units(piece) + 1
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
    while _units(block) > _LONGEST:
        longest = block.encode("utf-16-le")[: _LONGEST * 2].decode("utf-16-le", "ignore")
        ends = [match.start() for match in _SENTENCE.finditer(longest, len(longest) // 2)]
        cut = ends[-1] if ends else len(longest)
        yield block[:cut]
        block = block[cut:].lstrip()
    yield block


def _units(text: str) -> int:
    """Length as Telegram counts it, in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _markup(reply: Reply) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | None:
    """Buttons below the message; Telegram's own contact button is a keyboard that hides when it has been used."""
    if all(button.payload != SHARE_CONTACT for button in reply.buttons):
        return inline(reply)
    keys = [
        KeyboardButton(text=button.title, request_contact=button.payload == SHARE_CONTACT or None)
        for button in reply.buttons
    ]
    return ReplyKeyboardMarkup(keyboard=[[key] for key in keys], resize_keyboard=True, one_time_keyboard=True)


def inline(reply: Reply) -> InlineKeyboardMarkup | None:
    """One button a row: titles are sentences, screens are narrow."""
    rows = [
        [InlineKeyboardButton(text=button.title[:_LONGEST_TITLE], callback_data=button.payload)]
        for button in reply.buttons
    ]
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


async def _send_file(bot: Bot | None, chat: int, file: Mapping[str, str], topic: int | None) -> None:
    """A file that Telegram has already, by its id."""
    if bot is not None and file["kind"] == "photo":
        await bot.send_photo(chat, file["id"], message_thread_id=topic)
    elif bot is not None and file["kind"] == "video":
        await bot.send_video(chat, file["id"], message_thread_id=topic)
    elif bot is not None:
        await bot.send_document(chat, file["id"], message_thread_id=topic)
