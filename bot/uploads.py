"""Files that a customer sends for an open request: checked, fetched from Telegram and kept."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from aiogram.exceptions import TelegramAPIError
from aiogram.types import Message

from bot.files import MOST_BYTES, Files, Sent, names_identity_document


class Uploads:
    """Gives the response that refuses a file, or nothing when it was kept."""

    def __init__(self, files: Files, clock: Callable[[], datetime]) -> None:
        """`files` are the house's."""
        self._files, self._clock = files, clock

    async def take(self, message: Message, chat: str, state: Mapping[str, Any], form: str) -> str:
        """Keep a file for a form ("": none); "" when it was kept, else the name of a response that says why not."""
        sent = sent_file(message)
        if not form or sent is None:
            return "utter_no_documents"
        if names_identity_document(f"{message.caption or ''} {sent.name}") or _is_refused(sent, state):
            self._files.erase(each for each in self._files.of_form(form) if sent.album and each.album == sent.album)
            return "utter_no_identity_documents"
        if sent.size > MOST_BYTES or not self._files.has_room(form, sent.size):
            return "utter_file_too_much"
        content = await _fetched(message, sent)
        if content is None:
            return "utter_file_not_taken"
        if not self._files.has_room(form, len(content)):
            return "utter_file_too_much"
        self._files.keep(chat, form, sent, content, self._clock())
        return ""


def open_form(state: Mapping[str, Any]) -> str:
    """What files are kept under while a form is open; "" when none is."""
    return str(state.get("slots", {}).get("form_id") or "") if state.get("form") else ""


def sent_file(message: Message) -> Sent | None:
    """The photo, document or video of a message; a photo is named by its time, as Telegram names none."""
    return next(_sent(message), None)


def _sent(message: Message) -> Iterator[Sent]:
    album, made = message.media_group_id or "", f"{message.date:%Y-%m-%d_%H-%M-%S}_{message.message_id}"
    if message.photo:
        best = message.photo[-1]
        yield Sent(f"photo_{made}.jpg", "image/jpeg", best.file_size or 0, "photo", best.file_id, album)
    for kind, file in (("document", message.document), ("video", message.video)):
        if file is not None:
            ending = ".mp4" if kind == "video" else ""
            name = file.file_name or f"{kind}_{made}{ending}"
            yield Sent(name, file.mime_type or "", file.file_size or 0, kind, file.file_id, album)


def _is_refused(sent: Sent, state: Mapping[str, Any]) -> bool:
    """The other pictures of an album go the way of the one that has the words."""
    return bool(sent.album) and state.get("refused_album") == sent.album


async def _fetched(message: Message, sent: Sent) -> bytes | None:
    """A file's content; None when Telegram does not give it."""
    if message.bot is None:
        return None
    try:
        stream = await message.bot.download(sent.telegram)
    except (TelegramAPIError, OSError, TimeoutError):
        return None
    return stream.read() if stream is not None else None
