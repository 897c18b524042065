"""A composed letter -> a mail server, or a folder of .eml files."""

import asyncio
import re
import ssl
import tempfile
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from bot.mail import MailError, digest, one_line
from bot.servers import Server, read_url

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_REFUSALS = (SMTPSenderRefused, SMTPRecipientRefused, SMTPDataError)
_FOREVER = 500  # replies from here on say "never", those below "not now" (RFC 5321, 4.2.1)
# No login, a wrong one, or one that wants TLS (RFC 4954, 6; RFC 3207, 4): the operator's matter, not the letter's.
_LOGIN = frozenset({530, 534, 535, 538})
_GOODBYE = 5.0  # seconds
_LONGEST_ERROR = 500
_TICKET = re.compile(r"\[([A-Za-z0-9-]+)\]")


def check_url(url: str) -> None:
    """Raise ValueError saying what is wrong with an SMTP address, without quoting it: it may hold a password."""
    _server(url)


def _server(url: str) -> Server:
    server = read_url(url, _PORTS)
    if server.path:
        raise ValueError("nothing may follow the port; percent-encode spaces / ? # % in the user and the password")
    return server


async def _client(server: Server, seconds: float) -> SMTP:
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


def _failure(error: SMTPException | OSError, server: Server) -> MailError:
    answer = f"{error.code} {error.message}" if isinstance(error, SMTPResponseException) else str(error)
    text = one_line(server.without_login(answer))[:_LONGEST_ERROR] or type(error).__name__
    code = error.code if isinstance(error, SMTPResponseException) else 0
    permanent = isinstance(error, _REFUSALS) and code >= _FOREVER and code not in _LOGIN
    return MailError(f"{server.host}:{server.port}: {text}", permanent=permanent, is_operators=code in _LOGIN)


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
    name = f"{ticket[1] if ticket else 'letter'}-{digest(message['Message-ID'])}.eml"
    try:
        await asyncio.to_thread(_replace, folder / name, message.as_bytes())
    except OSError as error:
        raise MailError(f"{folder}: {error.strerror or error}", permanent=False) from error
    return folder / name
