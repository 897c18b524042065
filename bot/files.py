"""Customers' files: kept under random names until their request has ended, never opened, sent on with its letter."""

import re
import secrets
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.database import Store

MOST_FILES = 10
MOST_BYTES = 20 * 1024 * 1024  # of a form's files together; Telegram gives a bot no larger one either
UNSENT_STAY = timedelta(days=7)
_LONGEST_NAME = 100
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_TYPE = re.compile(r"(?:application|audio|image|text|video)/[a-z0-9][a-z0-9.+-]{0,80}")
# What a person would call a picture of an identity document, in Russian, Kazakh, English or transliterated.
_IDENTITY = re.compile(
    r"паспорт|удостоверени|уд\.? ?личност|\bиин(?![а-яё])|id[- ]?карт|вид на жительство"
    r"|свидетельств\w* о рожд|права водит"
    r"|жеке куәлік|төлқұжат|\bжсн\b|passport|pasport|udostoveren|(?<![a-z])iin(?![a-z])|id[-_ ]?card|driver.?s? licen",
    re.IGNORECASE,
)
_OFFERED = re.compile(
    r"\b(?:вот|это|мо[йеёя]|скан\w*|копи\w+|фото\w*|снимок|при(?:кладываю|крепляю|лагаю)|отправля\w+)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Sent:
    """A file as a customer sent it: `size` in bytes (0: unknown), `kind` photo, document or video.

    `telegram` is Telegram's id of it, `album` that of the album it came in.
    """

    name: str
    type: str
    size: int
    kind: str = "document"
    telegram: str = ""
    album: str = ""


@dataclass(frozen=True)
class Kept:
    """A file in the house; `form` is what it was sent for, `ticket` is empty until that became one."""

    key: str
    form: str
    ticket: str
    chat: str
    name: str
    type: str
    size: int
    at: str
    kind: str
    telegram: str
    album: str


class Files:
    """The table of files and the folder of their contents."""

    def __init__(self, store: Store) -> None:
        """Contents lie in `files/` beside the database; the folder is made with the first file."""
        self._db, self._folder = store.database, store.path.parent / "files"

    def has_room(self, form: str, size: int) -> bool:
        """Whether one more file of `size` bytes is within the limits of a form."""
        kept = self.of_form(form)
        return len(kept) < MOST_FILES and sum(each.size for each in kept) + size <= MOST_BYTES

    def keep(self, chat: str, form: str, sent: Sent, content: bytes, now: datetime) -> Kept:
        """Write a file under a random name."""
        key = secrets.token_hex(16)
        path = self._path(form, key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
        known = (safe_name(sent.name), safe_type(sent.type), len(content), now.isoformat())
        kept = Kept(key, form, "", chat, *known, sent.kind, sent.telegram, sent.album)
        self._db.table("files").insert(vars(kept))
        return kept

    def of_form(self, form: str) -> list[Kept]:
        """The files sent for a form, in their order."""
        return self._all("form = ?", form)

    def of_chat(self, chat: str) -> list[Kept]:
        """All files of a chat, in their order."""
        return self._all("chat = ?", chat)

    def of_ticket(self, number: str) -> list[Kept]:
        """All files of a request, in their order."""
        return self._all("ticket = ?", number)

    def move(self, form: str, other: str) -> None:
        """What was sent for a form belongs to another one that goes on from it."""
        if self._path(form, "").is_dir():
            self._path(form, "").rename(self._path(other, ""))
        self._db.execute("UPDATE files SET form = ? WHERE form = ?", [other, form])

    def settle(self, form: str, number: str) -> None:
        """What was sent for a form belongs to this ticket now."""
        self._db.execute("UPDATE files SET ticket = ? WHERE form = ?", [number, form])

    def contents(self, keys: Iterable[str]) -> list[tuple[str, str, bytes]]:
        """Name, type and content of each file that is still there."""
        rows = [row for key in keys for row in self._all("key = ?", key)]
        return [(row.name, row.type, content) for row in rows if (content := self._read(row)) is not None]

    def erase(self, kept: Iterable[Kept]) -> None:
        """Remove files for good, the row last: a power cut leaves nothing that nobody knows of."""
        for each in kept:
            self._path(each.form, each.key).unlink(missing_ok=True)
            self._db.table("files").delete_where("key = ?", [each.key])
            folder = self._path(each.form, "")
            if folder.is_dir() and not any(folder.iterdir()):
                shutil.rmtree(folder, ignore_errors=True)

    def erase_unsent(self, now: datetime) -> None:
        """Files of forms that were never finished do not stay."""
        self.erase(self._all("ticket = '' AND at <= ?", (now - UNSENT_STAY).isoformat()))

    def _all(self, where: str, *values: str) -> list[Kept]:
        rows = self._db.query(f"SELECT * FROM files WHERE {where} ORDER BY rowid", list(values))  # noqa: S608  # ours
        return [Kept(**{field.name: row[field.name] for field in fields(Kept)}) for row in rows]

    def _path(self, form: str, key: str) -> Path:
        return self._folder / re.sub(r"\W", "_", form) / key

    def _read(self, kept: Kept) -> bytes | None:
        path = self._path(kept.form, kept.key)
        return path.read_bytes() if path.is_file() else None


def for_outbox(kept: Iterable[Kept]) -> list[Mapping[str, Any]]:
    """What an outbox row says of files: our key for a letter, Telegram's id for a chat."""
    return [{"key": each.key, "name": each.name, "kind": each.kind, "id": each.telegram} for each in kept]


def safe_name(name: str) -> str:
    """A bare file name without signs that cannot be seen; never empty."""
    bare = _UNSEEN.sub("", re.split(r"[/\\]", name)[-1])
    bare = re.sub(r'[<>:"|?*;]+', "_", " ".join(bare.split())).strip(". ")
    stem, dot, ending = bare.rpartition(".")
    if len(bare) > _LONGEST_NAME:
        bare = f"{(stem or ending)[: _LONGEST_NAME - len(ending[:10]) - 1]}{dot}{ending[:10] if stem else ''}"
    return bare or "file"


def safe_type(declared: str) -> str:
    """The declared type where it is an ordinary one: a sender may declare anything."""
    return declared.lower() if _TYPE.fullmatch(declared.lower()) else "application/octet-stream"


def names_identity_document(caption: str) -> bool:
    """Whether words beside a file say that it shows an identity document."""
    return _IDENTITY.search(caption.replace("_", " ")) is not None


def offers_identity_document(text: str) -> bool:
    """Whether a message says that the file just sent is one: «это мой паспорт»."""
    return len(text.split()) <= 8 and names_identity_document(text) and _OFFERED.search(text) is not None
