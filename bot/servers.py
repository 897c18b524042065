"""SMTP_URL or IMAP_URL -> Server. What is wrong is said without quoting the address: it may hold a password."""

import re
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

_LARGEST_PORT = 65535
_UNENCODED = re.compile(r"[\s?#]|%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Server:
    """Where a mail server listens and who logs in; user and password are both "" or both given."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    path: str  # without the slash before it, "" where there is none

    def without_login(self, text: str) -> str:
        """Take the login out of a server's words: it may repeat the command that it refuses."""
        secrets = (self.password, f"\0{self.user}\0{self.password}") if self.password else ()
        for secret in secrets:
            text = text.replace(secret, "***").replace(b64encode(secret.encode()).decode(), "***")
        return text


def read_url(url: str, ports: Mapping[str, int]) -> Server:
    """Read an address; `ports` holds the known schemes, the one without TLS first. Raises ValueError."""
    parts = _split(url)
    *others, last = (f"{scheme}://" for scheme in ports)
    if parts.scheme not in ports:
        raise ValueError(f"it must begin with {', '.join(others)} or {last}")
    path = unquote(parts.path.removeprefix("/"), errors="replace")
    server = Server(parts.scheme, _host(parts), _port(parts, ports), *_login(parts), path)
    bare, *encrypted = ports
    if server.password and server.scheme == bare and not is_loopback(server.host):
        better = " or ".join(f"{scheme}://" for scheme in encrypted)
        raise ValueError(f"{bare}:// would show the password to the network: take {better}")
    return server


def is_loopback(host: str) -> bool:
    """Whether a connection to this host stays on the machine."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _split(url: str) -> SplitResult:
    # urlsplit quotes the value in its errors, and drops line breaks without a word.
    if _UNENCODED.search(url.partition("://")[2]):
        raise ValueError("percent-encode spaces / ? # % in the user and the password")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("the host cannot be read") from None
    if "@" in parts.path:  # a slash in a password makes the host end early
        raise ValueError("percent-encode spaces / ? # % in the user and the password")
    return parts


def _host(parts: SplitResult) -> str:
    try:
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("the host is not a name that a network knows") from None
    if not host:
        raise ValueError("the host is missing")
    return host


def _port(parts: SplitResult, ports: Mapping[str, int]) -> int:
    with suppress(ValueError):
        port = ports[parts.scheme] if parts.port is None else parts.port
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
