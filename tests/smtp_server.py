"""A real SMTP server on loopback, in the test's own event loop, which refuses or falls silent on demand."""

from __future__ import annotations

import asyncio
import email
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from typing import Any, Literal, NoReturn, cast
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if __debug__:  # trustme is typed, its import is only for names
    import trustme

Scheme = Literal["smtp", "smtp+starttls", "smtps"]
Command = Literal["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]


@dataclass(frozen=True)
class Delivered:
    """A letter as it arrived, and the way it came."""

    sender: str
    recipients: list[str]
    content: bytes
    over_tls: bool
    user: str

    @property
    def letter(self) -> EmailMessage:
        """Parse the letter as a mail program does."""
        return cast("EmailMessage", email.message_from_bytes(self.content, policy=policy.default))


@dataclass
class SmtpServer:
    """What a test says to the server (`refuse`, `drop_at`, `hang_at`) and what the server heard."""

    scheme: Scheme
    login: tuple[str, str] | None
    port: int = 0
    refuse: dict[Command, str] = field(default_factory=dict)
    drop_at: Command | None = None
    hang_at: Command | None = None
    heard: list[Command] = field(default_factory=list)
    delivered: list[Delivered] = field(default_factory=list)
    _arrived: asyncio.Queue[Delivered] = field(default_factory=asyncio.Queue)

    @property
    def url(self) -> str:
        """The address for SMTP_URL, with the login that the server takes."""
        login = ":".join(quote(part, safe="") for part in self.login) + "@" if self.login else ""
        return f"{self.scheme}://{login}localhost:{self.port}"

    async def next_delivery(self, timeout: float = 5.0) -> Delivered:  # noqa: ASYNC109 (the test's patience)
        """Wait for the next letter that nobody has taken yet."""
        async with asyncio.timeout(timeout):
            return await self._arrived.get()

    async def next_letter(self, timeout: float = 5.0) -> EmailMessage:  # noqa: ASYNC109 (the test's patience)
        """Wait for the next letter and parse it."""
        return (await self.next_delivery(timeout)).letter

    async def answer(self, command: Command, connection: SMTP) -> str | None:
        """Give the refusal of a command if there is one; or drop the line, or say nothing for ever."""
        self.heard.append(command)
        if self.drop_at == command:
            cast("asyncio.Transport", connection.transport).abort()
        if command in {self.drop_at, self.hang_at}:
            await _for_ever()
        return self.refuse.get(command)

    def take(self, session: Session, envelope: Envelope) -> None:
        """Keep a letter and wake the test that waits for it."""
        user = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else ""
        recipients = [str(address) for address in envelope.rcpt_tos]
        over_tls = self.scheme == "smtps" or session.ssl is not None
        letter = Delivered(str(envelope.mail_from), recipients, cast("bytes", envelope.content), over_tls, user)
        self.delivered.append(letter)
        self._arrived.put_nowait(letter)


async def _for_ever() -> NoReturn:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody answers this")


class _Hooks:
    """What aiosmtpd asks at each command."""

    def __init__(self, desk: SmtpServer) -> None:
        self.desk = desk

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        refusal = await self.desk.answer("EHLO", server)
        session.host_name = hostname
        return [refusal] if refusal else responses

    async def handle_AUTH(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, _session: Session, _envelope: Envelope, args: list[str]
    ) -> Any:
        refusal = await self.desk.answer("AUTH", server)
        return f"{refusal}: {' '.join(args)}" if refusal else _MISSING

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refusal = await self.desk.answer("MAIL", server)
        if self.desk.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return refusal or "250 OK"

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refusal = await self.desk.answer("RCPT", server)
        if not refusal:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        refusal = await self.desk.answer("DATA", server)
        if not refusal:
            self.desk.take(session, envelope)
        return refusal or "250 taken"

    async def handle_QUIT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        return await self.desk.answer("QUIT", server) or "221 Bye"
