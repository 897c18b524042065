"""Received mails, read: raw bytes -> Received. Pure, and nothing in a damaged mail raises."""

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import getaddresses
from typing import Literal

from bot.mime import Attachment, decoded, files_of, heading, leaves, messages_in, parts_of, text_of
from bot.verdict import Verdict, verdict_of

Kind = Literal["reply", "auto", "bounce"]

_IDENTIFIER = re.compile(r"<[!-;=?A-~]+@[!-;=?-~]+>")
_TOKEN = re.compile(r"\+([0-9a-z]{6,64})@", re.IGNORECASE)
_LONGEST_HEADER, _MOST_HEADERS = 20_000, 20  # a longer one is no mail program's
_RECIPIENTS = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_PERMANENT_BY_DEFAULT = "5.0.0"

_MACHINES = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "List-Id", "List-Unsubscribe", "Feedback-ID")
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_AWAY = re.compile(
    r"(?:авто(?:матический |-)?ответ|нет на (?:рабочем )?месте|вне офиса|в отпуске|не на работе"
    r"|auto(?:matic|-)? ?(?:reply|response)|out of (?:the )?office|on vacation|прочтено:|read:|not read:)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Received:
    """A mail as the post needs it.

    `key` names the mail, once and for all: its Message-ID, or a digest. `sender` is "" when it is not one address.
    `tokens` stand in recipients, `references` are Message-IDs. Of a bounce: `failed` are the Message-IDs that it speaks
    of, `status` like "5.1.1". `verdict_text` is for the customer. `left_out` counts the files beyond the limits.
    """

    key: str
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    references: tuple[str, ...]
    tokens: tuple[str, ...]
    kind: Kind
    failed: tuple[str, ...]
    status: str
    text: str
    verdict: Verdict
    verdict_text: str
    attachments: tuple[Attachment, ...]
    left_out: int

    @property
    def failed_for_good(self) -> bool:
        """Whether the letter of which a bounce speaks will never arrive."""
        return self.status.startswith("5")


def read(raw: bytes) -> Received:
    """Read a mail, as much of it as can be read."""
    message = _parsed(raw)
    parts = leaves(message)
    message_id = next(iter(_identifiers(message, "Message-ID")), "")
    recipients = _addresses(message, *_RECIPIENTS)
    failed, status = _failure(message, parts)
    kind: Kind = "bounce" if status else "auto" if _is_auto(message) else "reply"
    text = text_of(parts) if kind == "reply" else ""
    verdict, verdict_text = verdict_of(text)
    attachments, left_out = files_of(parts if kind == "reply" else (), with_pictures=not text)
    return Received(
        key=message_id or f"sha256:{hashlib.sha256(raw).hexdigest()}",
        message_id=message_id,
        sender=_sender(message),
        recipients=recipients,
        references=tuple(dict.fromkeys(_identifiers(message, "In-Reply-To", "References"))),
        tokens=tuple(dict.fromkeys(token.lower() for each in recipients for token in _TOKEN.findall(each)[-1:])),
        kind=kind,
        failed=failed,
        status=status,
        text=text,
        verdict=verdict,
        verdict_text=verdict_text,
        attachments=attachments,
        left_out=left_out,
    )


def _parsed(raw: bytes) -> EmailMessage:
    with suppress(Exception):  # such as RecursionError
        return message_from_bytes(raw, policy=policy.default)
    return EmailMessage()


# headers: as they came, for Python's reading of a damaged one may raise


def _raw(message: Message, *names: str) -> list[str]:
    wanted = {name.lower() for name in names}
    return [str(value)[:_LONGEST_HEADER] for name, value in message.raw_items() if name.lower() in wanted][
        :_MOST_HEADERS
    ]


def _identifiers(message: Message, *names: str) -> list[str]:
    return [found for value in _raw(message, *names) for found in _IDENTIFIER.findall(value)]


def _addresses(message: Message, *names: str) -> tuple[str, ...]:
    with suppress(Exception):
        found = getaddresses(_raw(message, *names))
        return tuple(dict.fromkeys(address.lower() for _, address in found if "@" in address and address.isprintable()))
    return ()


def _sender(message: Message) -> str:
    senders = _addresses(message, "From")
    return senders[0] if len(senders) == 1 and len(_raw(message, "From")) == 1 else ""


def _subject(message: Message) -> str:
    return heading(" ".join(_raw(message, "Subject")))


def _word(message: Message, name: str) -> str:
    return " ".join(_raw(message, name)).partition(";")[0].strip().lower()


# machines


def _is_auto(message: Message) -> bool:
    subject = _subject(message)
    return (
        _word(message, "Auto-Submitted") not in {"", "no"}
        or bool(_raw(message, *_MACHINES))
        or _word(message, "Precedence") in _BULK
        or (bool(_raw(message, "X-Auto-Response-Suppress")) and bool(_AWAY.search(subject)))
        or (message.get_content_type() == "multipart/report")
    )


def _failure(message: EmailMessage, parts: Sequence[Message]) -> tuple[tuple[str, ...], str]:
    """Message-IDs and status of a bounce; no status when the mail is none."""
    status = _status_of(message, parts)
    if not status:
        return (), ""
    returned = [found for part in parts_of(message) for found in _original_ids(part, is_whole=part is message)]
    told = _identifiers(message, "In-Reply-To", "References")
    return tuple(dict.fromkeys(returned or told)), status


def _status_of(message: EmailMessage, parts: Sequence[Message]) -> str:
    """The worst status of a report; one that nothing failed (2.x.x) is no bounce."""
    reports = [part for part in parts_of(message) if part.get_content_type() == "message/delivery-status"]
    values = [value for report in reports for block in messages_in(report) for value in _raw(block, "Status")]
    found = [match[0] for value in values if (match := _STATUS.search(value))]
    if not reports and _raw(message, "X-Failed-Recipients"):
        words = "".join(decoded(part) for part in parts if part.get_content_type() == "text/plain")
        found = [next((each for each in _STATUS.findall(words) if each[0] != "2"), _PERMANENT_BY_DEFAULT)]
    worst = max(found, default="")
    return worst if worst[:1] in {"4", "5"} else ""


def _original_ids(part: Message, *, is_whole: bool) -> list[str]:
    kind = part.get_content_type()
    if kind in {"text/rfc822-headers", "text/plain"}:  # a server that sends no report returns the letter in its words
        return re.findall(r"^(?:X-Original-)?Message-ID:\s*(<[!-;=?-~]+>)", decoded(part), re.IGNORECASE | re.MULTILINE)
    return [] if is_whole else _identifiers(part, "Message-ID", "X-Original-Message-ID", "Original-Message-ID")
