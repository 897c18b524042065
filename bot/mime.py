"""The parts of a received mail: its newly written words and its files. Nothing in a damaged one raises."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from email.header import decode_header, make_header
from email.message import Message
from typing import NamedTuple

from bot.quotes import own_words, text_of_html, unflowed

_MOST_BYTES, _MOST_FILES = 20_000_000, 10
_MOST_BODIES, _LONGEST_BODY = 5, 300_000  # characters: what a person writes is in them
_LONGEST_NAME = 120
_SEALS = frozenset({
    "application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature", "text/x-amp-html",
})  # fmt: skip


class Attachment(NamedTuple):
    """A file that came with a mail; `name` is a bare file name."""

    name: str
    type: str
    content: bytes


def parts_of(message: Message) -> list[Message]:
    """Give the mail itself and every part, also those of a mail inside it."""
    with suppress(Exception):  # such as RecursionError
        return list(message.walk())
    return []


def leaves(message: Message) -> list[Message]:
    """Give the parts that hold something; a mail inside a mail is one of them."""
    with suppress(Exception):
        return list(_leaves(message))
    return []


def _leaves(message: Message) -> Iterator[Message]:
    payload = message.get_payload()
    if message.get_content_maintype() == "multipart" and isinstance(payload, list):
        for part in payload:
            yield from _leaves(part) if isinstance(part, Message) else ()
    else:
        yield message


def text_of(parts: Sequence[Message]) -> str:
    """Read the newly written words; "" when there are none.

    The page goes first: it has whole paragraphs where the plain part has broken lines.
    """
    bodies = [part for part in parts if _is_body(part)]
    pages = [part for part in bodies if part.get_content_type() == "text/html"]
    plains = [part for part in bodies if part.get_content_type() == "text/plain"]
    texts = (own_words("\n".join(_plain(part) for part in chosen[:_MOST_BODIES])) for chosen in (pages, plains))
    return next(filter(None, texts), "")


def files_of(parts: Sequence[Message], *, with_pictures: bool) -> tuple[tuple[Attachment, ...], int]:
    """Give the files within the limits, and how many are beyond them; `with_pictures`: those in the text too."""
    taken: list[Attachment] = []
    room, left_out = _MOST_BYTES, 0
    for part in parts:
        if not _is_file(part, with_pictures=with_pictures):
            continue
        content = content_of(part)
        if len(content) > room or len(taken) == _MOST_FILES:
            left_out += 1
            continue
        room -= len(content)
        kind = part.get_content_type()
        taken.append(Attachment(_filename(part) or kind.replace("/", "."), kind, content))
    return tuple(taken), left_out


def decoded(part: Message) -> str:
    """Read a part's text in its charset, or in the likeliest one."""
    content = content_of(part)
    charset = None
    with suppress(Exception):
        charset = part.get_content_charset()
    for known in (charset, "utf-8", "windows-1251"):
        with suppress(UnicodeError, LookupError, ValueError):
            if known:
                return _whole(content.decode(known))
    return content.decode("utf-8", "replace")


def content_of(part: Message) -> bytes:
    """Give a part's bytes, as many as can be decoded."""
    with suppress(Exception):
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            return payload
        return b"\n".join(inner.as_bytes() for inner in messages_in(part))
    return b""


def messages_in(part: Message) -> list[Message]:
    """Give the mails, or the blocks of a report, that a part consists of."""
    payload = part.get_payload()
    return [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []


def heading(value: str) -> str:
    """Read a header's encoded words."""
    shown = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # some programs encode nothing
    with suppress(Exception):
        return _whole(str(make_header(decode_header(shown))))
    return shown


def _whole(text: str) -> str:
    """Replace halves of characters, which odd charsets give and no database takes."""
    return text.encode("utf-8", "replace").decode()


def _is_body(part: Message) -> bool:
    is_text = part.get_content_type() in {"text/plain", "text/html"}
    return is_text and part.get_content_disposition() != "attachment" and not _filename(part)


def _plain(part: Message) -> str:
    text = decoded(part)[:_LONGEST_BODY]
    if part.get_content_type() == "text/html":
        with suppress(Exception):
            return text_of_html(text)
        return ""
    return unflowed(text) if str(part.get_param("format", "")).lower() == "flowed" else text


def _filename(part: Message) -> str:
    with suppress(Exception):
        name = re.split(r"[/\\]", heading(part.get_filename() or ""))[-1]
        return re.sub(r"[\x00-\x1f\x7f]", "", name).strip(". ")[-_LONGEST_NAME:]
    return ""


def _is_file(part: Message, *, with_pictures: bool) -> bool:
    """Whether it was attached by hand; a picture that is named by the page is a logo, beside words at least."""
    if part.get_content_type() in _SEALS:
        return False
    is_picture = bool(part["Content-ID"]) and part.get_content_maintype() == "image"
    is_attached = part.get_content_disposition() == "attachment"
    return is_attached or (bool(_filename(part)) and (with_pictures or not is_picture))
