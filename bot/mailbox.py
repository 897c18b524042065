"""A folder of an IMAP server: unread mails, one by one, without marking them as read. Thin."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from imapclient import SEEN, IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from bot.mail import MailError, one_line
from bot.servers import Server, read_url

# The one without TLS first.
_PORTS = {"imap": 143, "imap+starttls": 143, "imaps": 993}
# A keyword that other programs show as nothing: the mail stays unread for whoever shares the mailbox.
PASSED_OVER = "$KonfidentUnmatched"
_TIMEOUT = 30.0  # seconds, for a connection and for an answer
_SLICE = 1.0  # seconds: a program that is told to stop waits no longer
_POLL = 20.0  # seconds, where the server offers no IDLE
_LONGEST_ERROR = 500
LARGEST = 30_000_000  # bytes

_Result = TypeVar("_Result")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mail:
    """An unread mail; `uid` means it only together with `validity`."""

    validity: int
    uid: int
    raw: bytes = field(repr=False)


def check_url(url: str) -> None:
    """Raise ValueError saying what is wrong with an IMAP address, without quoting it: it may hold a password."""
    _server(url)


def _server(url: str) -> Server:
    server = read_url(url, _PORTS)
    if not server.user:
        raise ValueError("a user and a password are needed before the host")
    return server


class Mailbox:
    """One folder, connected when it is needed. Its work stands in one thread, so that commands never mix."""

    def __init__(self, url: str, *, largest: int = LARGEST) -> None:
        """Take IMAP_URL. Raises ValueError."""
        self._server = _server(url)
        self._largest = largest
        self._thread = ThreadPoolExecutor(1, "mailbox")
        self._client: IMAPClient | None = None
        self._validity = 0
        self._keeps_keywords = False
        self._passed: set[tuple[int, int]] = set()

    async def next_unread(self) -> Mail | None:
        """Give the oldest unread mail that was not passed over, or None. Raises MailError, as all methods here do."""
        return await self._do(self._next_unread)

    async def mark_read(self, mail: Mail) -> None:
        """Mark a mail as read, for everybody."""
        await self._do(lambda: self._flag(mail, SEEN))

    async def pass_over(self, mail: Mail) -> None:
        """Leave a mail unread and do not give it again."""
        await self._do(lambda: self._pass_over(mail))

    async def wait(self, seconds: float) -> None:
        """Return when something changes in the folder, or after `seconds`."""
        # What arrived while IDLE began may lie read and unseen in the library: the end of a first short spell tells.
        for spell in (_SLICE, seconds):
            if not await self._do(self._begin_idle):
                await asyncio.sleep(min(seconds, _POLL))
                return
            seen = await self._watch(spell)
            if await self._do(self._end_idle) or seen:
                return

    async def _watch(self, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            if await self._do(self._changed):
                return True
        return False

    async def close(self) -> None:
        """Hang up for good."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._hang_up)
        self._thread.shutdown(wait=False)

    async def _do(self, work: Callable[[], _Result]) -> _Result:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, work)
        except (IMAPClientError, OSError) as error:
            await loop.run_in_executor(self._thread, self._hang_up)  # the next call connects again
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> MailError:
        server = self._server
        text = one_line(server.without_login(str(error)))[:_LONGEST_ERROR] or type(error).__name__
        is_operators = isinstance(error, LoginError)
        return MailError(f"{server.host}:{server.port}: {text}", permanent=False, is_operators=is_operators)

    # in the thread

    def _connected(self) -> IMAPClient:
        if self._client is None:
            self._client = _connect(self._server)
            folder = self._server.path or "INBOX"
            state = self._client.select_folder(folder)
            self._validity = int(state.get(b"UIDVALIDITY", 0))
            allowed = state.get(b"PERMANENTFLAGS", ())
            self._keeps_keywords = b"\\*" in allowed or PASSED_OVER.encode() in allowed
        return self._client

    def _next_unread(self) -> Mail | None:
        client = self._connected()
        client.noop()  # the server tells of new mail
        for uid in sorted(client.search(self._unread())):
            if (self._validity, uid) in self._passed:
                continue
            if raw := self._fetch(client, uid):
                return Mail(self._validity, uid, raw)
        return None

    def _unread(self) -> list[str]:
        return ["UNSEEN", "UNDELETED", *(["UNKEYWORD", PASSED_OVER] if self._keeps_keywords else [])]

    def _fetch(self, client: IMAPClient, uid: int) -> bytes:
        size = client.fetch([uid], ["RFC822.SIZE"]).get(uid, {}).get(b"RFC822.SIZE", 0)
        if size > self._largest:
            log.warning("mail %d has %d bytes, too many to be read; it stays unread", uid, size)
            self._pass_over(Mail(self._validity, uid, b""))
            return b""
        raw: bytes = client.fetch([uid], ["BODY.PEEK[]"]).get(uid, {}).get(b"BODY[]", b"")
        return raw

    def _pass_over(self, mail: Mail) -> None:
        self._passed.add((mail.validity, mail.uid))
        self._connected()
        if self._keeps_keywords:
            self._flag(mail, PASSED_OVER.encode())

    def _flag(self, mail: Mail, flag: bytes) -> None:
        client = self._connected()
        if mail.validity == self._validity:  # otherwise the number means another mail now
            client.add_flags([mail.uid], [flag], silent=True)

    def _begin_idle(self) -> bool:
        client = self._connected()
        if not client.has_capability("IDLE"):
            return False
        client.idle()
        return True

    def _changed(self) -> bool:
        begun = time.monotonic()
        told = self._connected().idle_check(_SLICE)
        if not told:  # a connection that was cut gives nothing, at once: the end of IDLE will say so
            return time.monotonic() - begun < _SLICE / 2
        return _is_news(told)

    def _end_idle(self) -> bool:
        _, told = self._connected().idle_done()
        return _is_news(told)

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(IMAPClientError, OSError):
                client.shutdown()


def _is_news(told: Sequence[Sequence[object]]) -> bool:
    return any(each[0] != b"OK" for each in told)  # «* OK Still here»


def _connect(server: Server) -> IMAPClient:
    context = ssl.create_default_context()
    is_tls = server.scheme == "imaps"
    client = IMAPClient(server.host, server.port, ssl=is_tls, ssl_context=context if is_tls else None, timeout=_TIMEOUT)
    try:
        if server.scheme == "imap+starttls":
            client.starttls(context)
        # PLAIN carries any letters, LOGIN only ASCII.
        login = client.plain_login if client.has_capability("AUTH=PLAIN") else client.login
        login(server.user, server.password)
    except BaseException:
        with suppress(IMAPClientError, OSError):
            client.shutdown()
        raise
    return client
