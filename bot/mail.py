"""Letters to a shop's staff: composed, sent by SMTP or kept as .eml files."""

import asyncio
import hashlib
import re
import ssl
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, AddressHeader, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import Policy
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_LARGEST_PORT = 65535
_REFUSALS = (SMTPSenderRefused, SMTPRecipientRefused, SMTPDataError, SMTPAuthenticationError)
_FOREVER = 500  # replies from here on say "never", those below "not now" (RFC 5321, 4.2.1)
_GOODBYE = 5.0  # seconds
_LONGEST_NAME = 120  # characters of free text in a header
_LONGEST_ERROR = 500

_MANY_LINES = frozenset({"words", "details", "clause_text"})
# Control characters, and the marks that turn the direction of the text after them.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_UNENCODED = re.compile(r"[\s/?#]|%(?![0-9A-Fa-f]{2})")
_MAILBOX = re.compile(r"(?:(?P<name>[^<>]*)<(?P<named>[^<>\s]+)>|(?P<bare>[^<>\s]+))")
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9 ]{0,40}")
_IDENTIFIER = re.compile(r"<(?!.*=\?)[!-;=?-~]{3,900}>")  # without =?, which begins an encoded word
_TICKET = re.compile(r"\[([A-Za-z0-9-]+)\]")


class MailError(Exception):
    """A letter did not leave; `permanent` says that trying again is of no use."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        """Keep the decision beside the message."""
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True)
class Letter:
    """A customer's request as staff read it: strings ready to be shown, "" where there is nothing to say."""

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


def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "letters"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"sentence": _sentence, "quoted": _quoted}
    return templates


_POLICY = SMTP_POLICY.clone(header_factory=_headers())
_TEMPLATES = _templates()


def _block(text: str) -> str:
    # Telegram's JSON may carry halves of a character, which no letter can: whole ones are joined, others marked.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    lines = (_UNSEEN.sub("", line).rstrip() for line in whole.splitlines())
    return "\n".join(lines).strip("\n")


def _line(text: str) -> str:
    return " ".join(_block(text).split())


def _in_header(text: str) -> str:
    name = _line(text)
    short = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    # Python reads encoded words in what it is given, line breaks inside them too (CVE-2024-6923).
    return short.replace("=?", "= ?")


def _address(text: str) -> Address:
    found = _MAILBOX.fullmatch(_line(text))
    local, _, domain = (found["named"] or found["bare"] if found else "").rpartition("@")
    with suppress(UnicodeError):
        host = domain.encode("idna").decode("ascii")
        if found and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(host):
            name = (found["name"] or "").strip().strip('"')
            return Address(_in_header(name), local, host)
    raise MailError(f"not an address that a letter can carry: {_line(text)[:_LONGEST_NAME]}", permanent=True)


def reply_address(sender: str, token: str) -> str:
    """Give the address that carries a ticket's token, after the last plus: bot@x.kz -> bot+token@x.kz."""
    own = _address(sender)
    return _address(f"{own.username}+{token}@{own.domain}").addr_spec


def _identifier(text: str) -> str:
    if not _IDENTIFIER.fullmatch(text):
        raise MailError(f"not a Message-ID: {_line(text)[:_LONGEST_NAME]}", permanent=True)
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
    mended = {name: (_block if name in _MANY_LINES else _line)(value) for name, value in strings.items()}
    return {**dict(fields), **mended}


def compose(letter: Letter, thread: Sequence[str] = (), *, written: datetime | None = None) -> EmailMessage:
    """Make a letter, the same for the same arguments; `thread`: earlier Message-IDs, oldest first.

    `written` dates a later letter, the first bears `letter.opened`. MailError: an address or the id is unusable.
    """
    message = EmailMessage(policy=_POLICY)
    for name, value in (*_addressed(letter), *_threaded(thread)):
        message[name] = value
    message["Date"] = written or letter.opened
    message["MIME-Version"] = "1.0"
    # A boundary by chance would make a repeated letter differ; base64 has no "_", so no text can hold this one.
    message.make_alternative(boundary=f"=_{_digest(letter.message_id)}")
    message["Content-Language"] = "ru"
    for subtype, template in (("plain", "request.txt.j2"), ("html", "request.html.j2")):
        text = _TEMPLATES.get_template(template).render(_shown(letter), later=bool(thread))
        message.add_alternative(f"{text}\n", subtype=subtype, charset="utf-8", cte="base64")
    return message


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Server:
    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)


def _split(url: str) -> SplitResult:
    # urlsplit quotes the value in its errors, and drops line breaks without a word.
    if _UNENCODED.search(url.partition("://")[2].removesuffix("/")):
        raise ValueError("percent-encode spaces / ? # % in the user and the password; nothing may follow the port")
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError("the host cannot be read") from None


def _host(parts: SplitResult) -> str:
    try:
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("the host is not a name that a network knows") from None
    if not host:
        raise ValueError("the host is missing")
    return host


def _port(parts: SplitResult) -> int:
    with suppress(ValueError):
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
        if 1 <= port <= _LARGEST_PORT:
            return port
    raise ValueError(f"the port must be a number from 1 to {_LARGEST_PORT}")


def _login(parts: SplitResult) -> tuple[str, str]:
    try:
        user = unquote(parts.username or "", errors="strict")
        password = unquote(parts.password or "", errors="strict")
    except UnicodeDecodeError:
        raise ValueError("the user and the password must be percent-encoded as UTF-8") from None
    if bool(user) != bool(password):
        raise ValueError("a user needs a password, and a password a user")
    return user, password


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _server(url: str) -> _Server:
    parts = _split(url)
    if parts.scheme not in _PORTS:
        raise ValueError("it must begin with smtp://, smtp+starttls:// or smtps://")
    server = _Server(parts.scheme, _host(parts), _port(parts), *_login(parts))
    if server.password and server.scheme == "smtp" and not _is_loopback(server.host):
        raise ValueError("smtp:// would show the password to the network: take smtp+starttls:// or smtps://")
    return server


def check_url(url: str) -> None:
    """Raise ValueError saying what is wrong with an SMTP address, without quoting it: it may hold a password."""
    _server(url)


async def _client(server: _Server, seconds: float) -> SMTP:
    return SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user or None,
        password=server.password or None,
        timeout=seconds,
        use_tls=server.scheme == "smtps",
        start_tls=server.scheme == "smtp+starttls",  # False, not None: None takes TLS or leaves it as offered
        tls_context=await asyncio.to_thread(ssl.create_default_context),
    )


async def _hand_over(client: SMTP, message: EmailMessage) -> None:
    await client.connect()
    await client.mail(message["From"].addresses[0].addr_spec)
    for address in message["To"].addresses:
        await client.rcpt(address.addr_spec)
    await client.data(message.as_bytes())


def _without_login(text: str, server: _Server) -> str:
    # A server may repeat the command that it refuses, and AUTH holds the login in base64.
    for secret in (server.password, f"\0{server.user}\0{server.password}") if server.password else ():
        text = text.replace(secret, "***").replace(b64encode(secret.encode()).decode(), "***")
    return text


def _failure(error: SMTPException | OSError, server: _Server) -> MailError:
    answer = f"{error.code} {error.message}" if isinstance(error, SMTPResponseException) else str(error)
    text = _line(_without_login(answer, server))[:_LONGEST_ERROR] or type(error).__name__
    permanent = isinstance(error, _REFUSALS) and error.code >= _FOREVER
    return MailError(f"{server.host}:{server.port}: {text}", permanent=permanent)


# The caller's lease must outlast a delivery, so it says here how long one may take.
async def send(message: EmailMessage, url: str, *, timeout: float = 30.0) -> None:  # noqa: ASYNC109
    """Hand a composed letter to the mail server within `timeout` seconds, or raise MailError."""
    try:
        server = _server(url)
    except ValueError as error:
        raise MailError(f"SMTP address: {error}", permanent=True) from None
    client = await _client(server, timeout)
    try:
        async with asyncio.timeout(timeout):
            await _hand_over(client, message)
        # The letter is taken: a server that now forgets its manners must not have it sent again.
        with suppress(SMTPException, OSError):
            await client.quit(timeout=_GOODBYE)
    except (SMTPException, OSError) as error:
        raise _failure(error, server) from None
    finally:
        client.close()


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".letter-", delete=False) as file:
        draft = Path(file.name)
        try:
            file.write(content)
            file.close()
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


async def write_eml(message: EmailMessage, folder: Path) -> Path:
    """Keep a letter as folder/<number>-<digest of its Message-ID>.eml, whole or not at all; give its path."""
    ticket = _TICKET.match(message["Subject"])
    name = f"{ticket[1] if ticket else 'letter'}-{_digest(message['Message-ID'])}.eml"
    try:
        await asyncio.to_thread(_replace, folder / name, message.as_bytes())
    except OSError as error:
        raise MailError(f"{folder}: {error.strerror or error}", permanent=False) from error
    return folder / name
