"""A real Dovecot on loopback: an unprivileged process with its own folder, one user and a Maildir.

Root runs it as nobody, so its folder lies where nobody can go: not in pytest's.
"""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
import shutil
import signal
import socket
import tempfile
import time
from base64 import b64encode
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    import trustme

Scheme = Literal["imap", "imap+starttls", "imaps"]
LOGIN = ("bot@shop.kz", "п@роль: /?#%")
PLACES = (*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/usr/local/sbin")
_PATIENCE = 10.0  # seconds, for a start or a stop

_CONFIG = """
base_dir = {run}
state_dir = {run}
instance_name = konfident-{port}
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
log_path = {home}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
ssl_cert = <{home}/server.pem
ssl_key = <{home}/server.key
disable_plaintext_auth = {plain_refused}
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail
}}
mail_location = maildir:{home}/mail
first_valid_uid = 0
first_valid_gid = 0
protocol imap {{
  mail_max_userip_connections = 50
  imap_capability = {capability}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


def need_dovecot() -> str:
    """Path of the program; without it the test is skipped, or fails where KONFIDENT_REQUIRE_DOVECOT is set."""
    found = shutil.which("dovecot", path=":".join(PLACES))
    if found:
        return found
    reason = "dovecot is not installed (Debian and Ubuntu: apt-get install dovecot-imapd)"
    if os.environ.get("KONFIDENT_REQUIRE_DOVECOT"):
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass
class Dovecot:
    """A running server; `mail` is the Maildir of its one user."""

    scheme: Scheme
    home: Path
    port: int
    program: str
    numbers: Iterator[int] = field(default_factory=count)
    process: asyncio.subprocess.Process | None = None

    @property
    def mail(self) -> Path:
        """The folder of the user's mail."""
        return self.home / "mail"

    @property
    def url(self) -> str:
        """Give the address for IMAP_URL."""
        user, password = (quote(part, safe="") for part in LOGIN)
        return f"{self.scheme}://{user}:{password}@localhost:{self.port}/INBOX"

    def deliver(self, raw: bytes) -> None:
        """Put a mail into the Maildir, as a mail server does."""
        name = f"{time.time_ns()}.{next(self.numbers):06d}.test"
        (self.mail / "tmp" / name).write_bytes(raw)
        _give(self.mail / "tmp" / name)
        (self.mail / "tmp" / name).rename(self.mail / "new" / name)

    def unread(self) -> list[bytes]:
        """Mails that a clerk who shares the mailbox sees as unread."""
        return [content for flags, content in self._kept() if "S" not in flags]

    def read(self) -> list[bytes]:
        """Mails that are marked as read."""
        return [content for flags, content in self._kept() if "S" in flags]

    def log(self) -> str:
        """What the server said; "Login:" where somebody came in."""
        return (self.home / "dovecot.log").read_text(encoding="utf-8")

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """Stop the server for a while; connections are cut."""
        await self.stop()
        try:
            yield
        finally:
            await self.start()

    async def start(self) -> None:
        """Start the process and wait until it listens."""
        uid, gid = _owner()
        way: dict[str, Any] = {"user": uid, "group": gid, "extra_groups": []} if os.getuid() == 0 else {}
        config = str(self.home / "dovecot.conf")
        self.process = await asyncio.create_subprocess_exec(
            self.program, "-F", "-c", config, start_new_session=True, **way
        )
        await _listening(self, self.process)

    async def stop(self) -> None:
        """End the process and whatever it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()

    def _kept(self) -> list[tuple[str, bytes]]:
        paths = sorted(path for folder in ("new", "cur") for path in (self.mail / folder).iterdir())
        return [(path.name.partition(":2,")[2], path.read_bytes()) for path in paths]


@asynccontextmanager
async def dovecot(
    certificate: trustme.LeafCert, scheme: Scheme = "imaps", *, capability: str = "", tls: bool = True
) -> AsyncIterator[Dovecot]:
    """Run a server; `capability` replaces what it offers after the login."""
    program = need_dovecot()
    imap, imaps = _free_ports()
    with tempfile.TemporaryDirectory(prefix="dovecot-") as folder:
        server = Dovecot(scheme, Path(folder), imaps if scheme == "imaps" else imap, program)
        ssl = "no" if not tls else "yes" if scheme == "imap" else "required"
        _furnish(server, certificate, {"imap": imap, "imaps": imaps, "ssl": ssl, "capability": capability})
        try:
            await server.start()
            yield server
        finally:
            await server.stop()


def _owner() -> tuple[int, int]:
    """User and group that run the server."""
    nobody = pwd.getpwnam("nobody")
    return (nobody.pw_uid, nobody.pw_gid) if os.getuid() == 0 else (os.getuid(), os.getgid())


def _give(path: Path) -> None:
    if os.getuid() == 0:
        os.chown(path, *_owner())


def _furnish(server: Dovecot, certificate: trustme.LeafCert, wishes: Mapping[str, object]) -> None:
    home = server.home
    for folder in ("mail/new", "mail/cur", "mail/tmp", "run"):
        (home / folder).mkdir(parents=True)
    certificate.private_key_pem.write_to_path(str(home / "server.key"))
    (home / "server.pem").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    (home / "users").write_text(f"{LOGIN[0]}:{{PLAIN.b64}}{b64encode(LOGIN[1].encode()).decode()}\n", encoding="utf-8")
    (home / "dovecot.conf").write_text(_configured(server, wishes), encoding="utf-8")
    for path in (home, *home.rglob("*")):
        _give(path)


def _configured(server: Dovecot, wishes: Mapping[str, object]) -> str:
    uid, gid = _owner()
    return _CONFIG.format(
        home=server.home,
        run=server.home / "run",
        port=server.port,
        user=pwd.getpwuid(uid).pw_name,
        group=grp.getgrgid(gid).gr_name,
        uid=uid,
        gid=gid,
        plain_refused="no" if server.scheme == "imap" else "yes",
        **wishes,
    )


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


async def _listening(server: Dovecot, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            if process.returncode is not None:
                log = server.home / "dovecot.log"
                pytest.fail(f"dovecot has stopped: {log.read_text() if log.exists() else 'without a word'}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
