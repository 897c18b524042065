"""Letters to a shop's staff, composed: the same for the same arguments."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, AddressHeader, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import Policy
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

_LONGEST_NAME = 120  # characters of free text in a header

_MANY_LINES = frozenset({"words", "details", "clause_text"})
# Control characters, and the marks that turn the direction of the text after them.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_MAILBOX = re.compile(r"(?:(?P<name>[^<>]*)<(?P<named>[^<>\s]+)>|(?P<bare>[^<>\s]+))")
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9 ]{0,40}")
_IDENTIFIER = re.compile(r"<(?!.*=\?)[!-;=?-~]{3,900}>")  # without =?, which begins an encoded word


class MailError(Exception):
    """Mail did not move. `permanent`: trying again is of no use; `is_operators`: not before the settings are mended."""

    def __init__(self, message: str, *, permanent: bool, is_operators: bool = False) -> None:
        """Keep the decision beside the message."""
        super().__init__(message)
        self.permanent, self.is_operators = permanent, is_operators


@dataclass(frozen=True)
class Letter:
    """A customer's request as staff read it: strings ready to be shown, "" where there is nothing to say.

    `news` is what happened since, in a later letter: replied, withdrawn, reopened, reminder.
    """

    number: str
    token: str
    message_id: str
    shop: str
    kind: str
    opened: datetime
    contact: str
    identity: str
    words: str
    details: str
    clause_number: str
    clause_text: str
    edition: str
    policy_says_nothing: bool
    deadline: str
    deadline_source: str
    to: str
    sender: str
    replies_are_read: bool
    news: str = ""


# When it folds a long header, Python's email package (seen in 3.11.7) loses spaces after commas and the quotes of a
# name, and hides an identifier in an encoded word. So the headers that carry others' text are folded here.


class _Identifiers(UnstructuredHeader, BaseHeader):
    def fold(self, *, policy: Policy) -> str:
        """Write each Message-ID whole, on a line of its own: a mail program finds the thread by them."""
        return f"{self.name}: " + f"{policy.linesep} ".join(str(self).split()) + policy.linesep


class _Subject(UnstructuredHeader, BaseHeader):
    def fold(self, *, policy: Policy) -> str:
        """Write all of it in encoded words."""
        words = Header(str(self), "utf-8", header_name=self.name)
        return f"{self.name}: {words.encode(linesep=policy.linesep)}{policy.linesep}"


class _Mailbox(AddressHeader, BaseHeader):  # type: ignore[misc]  # the registry itself joins these two
    def fold(self, *, policy: Policy) -> str:
        """Write one address; its name in encoded words, unless it is a few plain letters."""
        (box,) = self.addresses
        words = Header(header_name=self.name)
        if box.display_name:
            words.append(box.display_name, "us-ascii" if _PLAIN_NAME.fullmatch(box.display_name) else "utf-8")
        words.append(f"<{box.addr_spec}>", "us-ascii")
        return f"{self.name}: {words.encode(linesep=policy.linesep)}{policy.linesep}"


def _headers() -> HeaderRegistry:
    registry = HeaderRegistry()
    registry.map_to_type("subject", _Subject)
    for name in ("from", "to", "reply-to"):
        registry.map_to_type(name, _Mailbox)
    for name in ("message-id", "in-reply-to", "references"):
        registry.map_to_type(name, _Identifiers)
    return registry


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "letters"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"sentence": _sentence, "quoted": _quoted, "one_line": one_line, "tojson_ru": _as_json}
    return templates


def _block(text: str) -> str:
    # Telegram's JSON may carry halves of a character, which no letter can: whole ones are joined, others marked.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    lines = (_UNSEEN.sub("", line).rstrip() for line in whole.splitlines())
    return "\n".join(lines).strip("\n")


def one_line(text: str) -> str:
    """Join a text's lines and drop what cannot be seen."""
    return " ".join(_block(text).split())


_POLICY = SMTP_POLICY.clone(header_factory=_headers())
_TEMPLATES = _templates()


def render(template: str, values: Mapping[str, object]) -> str:
    """Fill a text of letters/ that is no letter to a shop; `template` is its name without `.j2`."""
    return _TEMPLATES.get_template(f"{template}.j2").render(values)


def _in_header(text: str) -> str:
    name = one_line(text)
    short = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    # Python reads encoded words in what it is given, line breaks inside them too (CVE-2024-6923).
    return short.replace("=?", "= ?")


def _address(text: str) -> Address:
    found = _MAILBOX.fullmatch(one_line(text))
    local, _, domain = (found["named"] or found["bare"] if found else "").rpartition("@")
    with suppress(UnicodeError):
        host = domain.encode("idna").decode("ascii")
        if found and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(host):
            name = (found["name"] or "").strip().strip('"')
            return Address(_in_header(name), local, host)
    raise MailError(f"not an address that a letter can carry: {one_line(text)[:_LONGEST_NAME]}", permanent=True)


def reply_address(sender: str, token: str) -> str:
    """Give the address that carries a ticket's token, after the last plus: bot@x.kz -> bot+token@x.kz."""
    own = _address(sender)
    return _address(f"{own.username}+{token}@{own.domain}").addr_spec


def _identifier(text: str) -> str:
    if not _IDENTIFIER.fullmatch(text):
        raise MailError(f"not a Message-ID: {one_line(text)[:_LONGEST_NAME]}", permanent=True)
    return text


def _threaded(thread: Iterable[str]) -> Iterator[tuple[str, str]]:
    # Others' programs make these: an odd one is left out, the reply address finds the ticket without it.
    known = [one for one in thread if _IDENTIFIER.fullmatch(one)]
    if known:
        yield "In-Reply-To", known[-1]
        yield "References", " ".join(known)


def _addressed(letter: Letter) -> Iterator[tuple[str, str | Address]]:
    kind = letter.kind[:1].upper() + letter.kind[1:]
    yield "Subject", f"[{_in_header(letter.number)}] {_in_header(kind)}: {_in_header(letter.shop)}"
    yield "From", _address(letter.sender)
    yield "To", _address(letter.to)
    yield "Reply-To", reply_address(letter.sender, letter.token)
    yield "Message-ID", _identifier(letter.message_id)
    yield "Auto-Submitted", "auto-generated"
    # Not "All": that would also silence the report that a letter could not be delivered.
    yield "X-Auto-Response-Suppress", "OOF, AutoReply, DR, RN, NRN"


def _shown(letter: Letter) -> dict[str, object]:
    fields = asdict(letter).items()
    strings = {name: value for name, value in fields if isinstance(value, str)}
    mended = {name: (_block if name in _MANY_LINES else one_line)(value) for name, value in strings.items()}
    return {**dict(fields), **mended}


def compose(
    letter: Letter,
    thread: Sequence[str] = (),
    *,
    written: datetime | None = None,
    template: str = "request",
    files: Sequence[tuple[str, str, bytes]] = (),
) -> EmailMessage:
    """Make a letter, the same for the same arguments; `thread`: earlier Message-IDs, oldest first.

    `written` dates a later letter, the first bears `letter.opened`; `template` is a name in letters/.
    `files`: each its name, type and content.
    MailError: an address or the id is unusable.
    """
    message = EmailMessage(policy=_POLICY)
    for name, value in (*_addressed(letter), *_threaded(thread)):
        message[name] = value
    message["Date"] = written or letter.opened
    message["MIME-Version"] = "1.0"
    # A boundary by chance would make a repeated letter differ; base64 has no "_", so no text can hold this one.
    message.make_alternative(boundary=f"=_{digest(letter.message_id)}")
    message["Content-Language"] = "ru"
    for subtype, ending in (("plain", "txt"), ("html", "html")):
        text = _TEMPLATES.get_template(f"{template}.{ending}.j2").render(_shown(letter), later=bool(thread))
        message.add_alternative(f"{text}\n", subtype=subtype, charset="utf-8", cte="base64")
    if files:
        message.make_mixed(boundary=f"=_{digest(f'{letter.message_id} and files')}")
    for name, kind, content in files:
        group, _, subtype = kind.partition("/")
        message.add_attachment(content, maintype=group, subtype=subtype, filename=_in_header(name))
    return message


def compose_note(text: str, to: str, sender: str, message_id: str, written: datetime) -> EmailMessage:
    """Make a letter to a customer, which is no part of a thread; the text's first line is its subject.

    MailError: an address is unusable.
    """
    subject, _, rest = text.partition("\n")
    message = EmailMessage(policy=_POLICY)
    message["Subject"], message["From"], message["To"] = _in_header(subject), _address(sender), _address(to)
    message["Message-ID"], message["Date"] = _identifier(message_id), written
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply, DR, RN, NRN"
    message.set_content(f"{rest.strip()}\n", charset="utf-8", cte="base64")
    return message


def digest(text: str) -> str:
    """Name a text in sixteen letters and digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
