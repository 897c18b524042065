"""A real SMTP server on loopback, in the test's own event loop, that refuses, drops or falls silent on demand."""

from __future__ import annotations

import asyncio
import email
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import quote

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from email.message import EmailMessage

    import trustme

Scheme = Literal["smtp", "smtp+starttls", "smtps"]
Command = Literal["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]


@dataclass(frozen=True)
class Delivery:
    """A letter as it arrived, and the way it came; `user` is "" when nobody logged in."""

    sender: str
    recipients: list[str]
    content: bytes
    over_tls: bool
    user: str

    @property
    def letter(self) -> EmailMessage:
        """Parse the letter as a mail program does."""
        return email.message_from_bytes(self.content, policy=policy.default)


@dataclass
class SmtpServer:
    """What a test tells the server (`refuse`, `drop_at`, `hang_at`), and what the server heard and took."""

    scheme: Scheme
    login: tuple[str, str] | None = None
    port: int = 0
    refuse: dict[Command, str] = field(default_factory=dict)
    drop_at: Command | None = None
    hang_at: Command | None = None
    heard: list[Command] = field(default_factory=list)
    delivered: list[Delivery] = field(default_factory=list)
    _untaken: asyncio.Queue[Delivery] = field(default_factory=asyncio.Queue)

    @property
    def url(self) -> str:
        """Give the address for SMTP_URL, with the login that the server accepts."""
        login = ":".join(quote(part, safe="") for part in self.login) + "@" if self.login else ""
        return f"{self.scheme}://{login}localhost:{self.port}"

    async def next_delivery(self, timeout: float = 5.0) -> Delivery:  # noqa: ASYNC109 (a test's patience)
        """Wait for the next letter that no test has taken yet."""
        async with asyncio.timeout(timeout):
            return await self._untaken.get()

    async def next_letter(self, timeout: float = 5.0) -> EmailMessage:  # noqa: ASYNC109 (a test's patience)
        """Wait for the next letter and parse it."""
        return (await self.next_delivery(timeout)).letter

    def authenticate(self, _smtp: SMTP, _session: Session, _envelope: Envelope, _way: str, given: object) -> AuthResult:
        """Accept the one login."""
        known = self.login and LoginPassword(*(part.encode() for part in self.login))
        return AuthResult(success=given == known, handled=False, auth_data=given)

    # From here on aiosmtpd's hooks: it looks them up by these names.

    async def handle_EHLO(  # noqa: N802
        self, smtp: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        refusal = await self._answer("EHLO", smtp)
        session.host_name = hostname
        return [refusal] if refusal else responses

    async def handle_AUTH(  # noqa: N802
        self, smtp: SMTP, _session: Session, _envelope: Envelope, args: list[str]
    ) -> object:
        refusal = await self._answer("AUTH", smtp)
        # Some servers repeat what they refuse.
        return f"{refusal}: {' '.join(args)}" if refusal else MISSING

    async def handle_MAIL(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refusal = await self._answer("MAIL", smtp)
        if self.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return refusal or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refusal = await self._answer("RCPT", smtp)
        if not refusal:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        refusal = await self._answer("DATA", smtp)
        if not refusal:
            self._take(session, envelope)
        return refusal or "250 Taken"

    async def handle_QUIT(self, smtp: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        return await self._answer("QUIT", smtp) or "221 Bye"

    async def _answer(self, command: Command, smtp: SMTP) -> str | None:
        self.heard.append(command)
        if self.drop_at == command:
            cast("asyncio.Transport", smtp.transport).abort()
        if command in {self.drop_at, self.hang_at}:
            await asyncio.get_running_loop().create_future()  # the end of the connection ends this
        return self.refuse.get(command)

    def _take(self, session: Session, envelope: Envelope) -> None:
        user = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else ""
        delivery = Delivery(
            sender=str(envelope.mail_from),
            recipients=[str(address) for address in envelope.rcpt_tos],
            content=cast("bytes", envelope.content),
            over_tls=self.scheme == "smtps" or session.ssl is not None,
            user=user,
        )
        self.delivered.append(delivery)
        self._untaken.put_nowait(delivery)


@asynccontextmanager
async def smtp_server(
    scheme: Scheme = "smtp", *, login: tuple[str, str] | None = None, certificate: trustme.LeafCert | None = None
) -> AsyncIterator[SmtpServer]:
    """Run a server: plain, STARTTLS required, or TLS from the first byte; with `login` nobody else may send."""
    desk, tls, connections = SmtpServer(scheme, login), _context(certificate), list[SMTP]()

    def connection() -> SMTP:
        starttls = tls if scheme == "smtp+starttls" else None
        connections.append(
            SMTP(
                desk,
                hostname="localhost",
                tls_context=starttls,
                require_starttls=starttls is not None,
                auth_require_tls=False,  # aiosmtpd does not know that it stands behind TLS in smtps
                auth_exclude_mechanism=["LOGIN"],  # one way in, so that one answer decides
                authenticator=desk.authenticate,
                loop=asyncio.get_running_loop(),
            )
        )
        return connections[-1]

    implicit = tls if scheme == "smtps" else None
    listener = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0, ssl=implicit)
    desk.port = listener.sockets[0].getsockname()[1]
    try:
        yield desk
    finally:
        listener.close()
        await _hang_up(connections)


def _context(certificate: trustme.LeafCert | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


async def _hang_up(connections: list[SMTP]) -> None:
    for connection in connections:
        if connection.transport is not None:
            cast("asyncio.Transport", connection.transport).abort()
    talks = [connection._handler_coroutine for connection in connections if connection._handler_coroutine]
    for talk in talks:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)
