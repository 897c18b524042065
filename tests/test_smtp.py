"""A composed letter leaves by each kind of mail server, waits for one that is away, or is kept as a file."""

from __future__ import annotations

import asyncio
import email
import re
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import trustme
from smtp_server import Command, Scheme, SmtpServer, smtp_server

from bot import smtp
from bot.mail import Letter, MailError, compose
from bot.smtp import check_url, send, write_eml

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

LOGIN = ("bot@x.kz", "п@роль: /?#%")
PERMANENT_AT: list[Command] = ["MAIL", "RCPT", "DATA"]

# Aigul asks allurauto to delete her profile.
AIGUL = Letter(
    number="ALU-2026-000001",
    token="k3x9f2",
    message_id="<ALU-2026-000001.k3x9f2@x.kz>",
    shop="Allurauto.kz",
    kind="удаление данных",
    opened=datetime(2026, 11, 21, 9, 5, tzinfo=UTC),
    contact="aigul@example.kz",
    identity="не подтверждена, адрес назван в чате",
    words="Удалите мой профиль, пожалуйста.\n\nИ письма больше не шлите.",
    details="заказ 1204",
    clause_number="8.2",
    clause_text="Получатель претензии в течение 30 календарных дней уведомляет заявителя претензии.",
    edition="23 апреля 2020 г.",
    policy_says_nothing=False,
    deadline="до 21 декабря 2026 г.",
    deadline_source="пункт 8.2 политики",
    to="info@allurauto.kz",
    sender="Konfident <bot@x.kz>",
    replies_are_read=True,
)


def part(message: EmailMessage, subtype: str) -> str:
    """Give the plain or the html text of a letter."""
    body = message.get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def files_in(folder: Path) -> set[Path]:
    """List a folder."""
    return set(folder.iterdir())


# Sending


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Make the authority that the machine of these tests trusts."""
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.LeafCert:
    """Give a certificate for localhost; its authority stands in SSL_CERT_FILE."""
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority.issue_cert("localhost")


async def refused(server: SmtpServer, url: str = "", *, seconds: float = 5.0) -> MailError:
    """Send, and give the error that says why it failed."""
    with pytest.raises(MailError) as caught:
        await send(compose(AIGUL), url or server.url, timeout=seconds)
    assert caught.value.__cause__ is None  # the library's error may hold what the server repeated
    assert LOGIN[1] not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls", "smtps"])
@pytest.mark.parametrize("login", [None, LOGIN])
async def test_a_letter_arrives_whole_by_each_kind_of_server(
    scheme: Scheme, login: tuple[str, str] | None, certificate: trustme.LeafCert
) -> None:
    async with smtp_server(scheme, login=login, certificate=certificate) as server:
        await send(compose(AIGUL), server.url)
        delivery = await server.next_delivery()
        assert (delivery.sender, delivery.recipients) == ("bot@x.kz", ["info@allurauto.kz"])
        assert delivery.content == compose(AIGUL).as_bytes()
        assert delivery.letter["Subject"] == "[ALU-2026-000001] Удаление данных: Allurauto.kz"
        assert delivery.over_tls == (scheme != "smtp")
        assert delivery.user == (login[0] if login else "")
        assert server.heard[-1] == "QUIT"


async def test_letters_are_met_in_the_order_in_which_they_arrive() -> None:
    async with smtp_server() as server:
        for words in ("первое", "второе"):
            await send(compose(replace(AIGUL, words=words)), server.url)
        assert "> первое\n" in part(await server.next_letter(), "plain")
        assert "> второе\n" in part(await server.next_letter(), "plain")


@pytest.mark.parametrize("command", PERMANENT_AT)
@pytest.mark.parametrize(
    ("answer", "permanent"), [("550 5.1.1 no such box", True), ("451 4.3.0 come back later", False)]
)
async def test_a_servers_never_is_permanent_and_its_not_now_is_not(
    command: Command, answer: str, *, permanent: bool
) -> None:
    async with smtp_server(login=LOGIN) as server:
        server.refuse[command] = answer
        error = await refused(server)
        assert error.permanent == permanent
        assert answer in str(error)
        assert server.delivered == []


async def test_a_server_that_is_closed_for_the_day_is_tried_again() -> None:
    async with smtp_server() as server:
        server.refuse["EHLO"] = "421 4.3.2 closed"
        assert not (await refused(server)).permanent


async def test_a_wrong_password_is_the_operators_matter_and_stays_out_of_the_error() -> None:
    async with smtp_server(login=("bot@x.kz", "right")) as server:
        error = await refused(server, server.url.replace("right", quote(LOGIN[1], safe="")))
        assert not error.permanent
        assert error.is_operators
        assert "535" in str(error)


async def test_a_missing_login_is_the_operators_matter_too() -> None:
    async with smtp_server(login=("bot@x.kz", "right")) as server:
        error = await refused(server, server.url.replace("bot%40x.kz:right@", ""))
        assert "530" in str(error)
        assert not error.permanent
        assert error.is_operators


async def test_a_login_that_the_server_repeats_stays_out_of_the_error() -> None:
    async with smtp_server(login=LOGIN) as server:
        server.refuse["AUTH"] = "535 you said"
        error = await refused(server)
        assert str(error) == f"localhost:{server.port}: 535 you said: PLAIN ***"


@pytest.mark.parametrize("command", ["EHLO", "AUTH", "MAIL", "RCPT", "DATA"])
async def test_a_dropped_line_is_tried_again(command: Command) -> None:
    async with smtp_server(login=LOGIN) as server:
        server.drop_at = command
        assert not (await refused(server)).permanent
        assert server.heard[-1] == command


@pytest.mark.parametrize("command", ["EHLO", "RCPT", "DATA"])
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_that_falls_silent_is_left_in_time(
    scheme: Scheme, command: Command, certificate: trustme.LeafCert
) -> None:
    async with smtp_server(scheme, certificate=certificate) as server:
        server.hang_at = command
        async with asyncio.timeout(5):
            assert not (await refused(server, seconds=0.3)).permanent


async def test_a_closed_port_is_tried_again() -> None:
    async with smtp_server() as server:
        pass
    assert not (await refused(server)).permanent


@pytest.mark.parametrize("drop", [True, False])
async def test_a_letter_that_was_taken_is_not_sent_again_for_a_missing_goodbye(
    monkeypatch: pytest.MonkeyPatch, *, drop: bool
) -> None:
    monkeypatch.setattr(smtp, "_GOODBYE", 0.05)
    async with smtp_server() as server:
        server.drop_at, server.hang_at = ("QUIT", None) if drop else (None, "QUIT")
        await send(compose(AIGUL), server.url)
        assert (await server.next_letter())["Message-ID"] == AIGUL.message_id


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
async def test_a_certificate_of_an_unknown_authority_gets_neither_login_nor_letter(
    scheme: Scheme, certificate: trustme.LeafCert
) -> None:
    del certificate  # only its authority is trusted
    async with smtp_server(scheme, login=LOGIN, certificate=trustme.CA().issue_cert("localhost")) as server:
        assert not (await refused(server)).permanent
        assert not {"AUTH", "MAIL"} & set(server.heard)


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
@pytest.mark.usefixtures("certificate")
async def test_a_certificate_of_another_host_gets_neither_login_nor_letter(
    scheme: Scheme, authority: trustme.CA
) -> None:
    async with smtp_server(scheme, login=LOGIN, certificate=authority.issue_cert("other.kz")) as server:
        assert not (await refused(server)).permanent
        assert not {"AUTH", "MAIL"} & set(server.heard)


async def test_a_server_without_starttls_gets_neither_login_nor_letter() -> None:
    async with smtp_server(login=LOGIN) as server:
        error = await refused(server, server.url.replace("smtp:", "smtp+starttls:"))
        assert not error.permanent
        assert "STARTTLS" in str(error)
        assert server.heard == ["EHLO"]


async def test_plain_smtp_never_turns_into_tls_by_itself(certificate: trustme.LeafCert) -> None:
    async with smtp_server("smtp+starttls", certificate=certificate) as server:
        error = await refused(server, server.url.replace("smtp+starttls:", "smtp:"))
        assert "530 Must issue a STARTTLS command first" in str(error)


async def test_a_password_is_not_shown_to_the_network() -> None:
    with pytest.raises(MailError, match=r"take smtp\+starttls:// or smtps://") as caught:
        await send(compose(AIGUL), "smtp://bot:secret@mail.x.kz")
    assert caught.value.permanent
    assert "secret" not in str(caught.value)


# Addresses of servers


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("", "begin with"),
        ("mail.x.kz:25", "begin with"),
        ("http://bot:secret@x.kz", "begin with"),
        ("smtp://", "host is missing"),
        ("smtps://bot:secret@", "host is missing"),
        ("smtps://bot:secret@:465", "host is missing"),
        ("smtps://bot:secret@[::1", "host"),
        ("smtps://bot:secret@x..kz", "host"),
        ("smtps://bot:secret@x.kz:99999", "port"),
        ("smtps://bot:secret@x.kz:0", "port"),
        ("smtps://bot:secret@x.kz:imap", "port"),
        ("smtps://bot:sec#ret@x.kz", "percent-encode"),
        ("smtps://bot:sec/ret@x.kz", "percent-encode"),
        ("smtps://bot:sec ret@x.kz", "percent-encode"),
        ("smtps://bot:secret%@x.kz", "percent-encode"),
        ("smtps://bot:secret@x.kz\n", "percent-encode"),
        ("smtps://bot:secret@x.kz/INBOX", "nothing may follow the port"),
        ("smtps://bot:secret%ff@x.kz", "UTF-8"),
        ("smtps://bot@x.kz", "a user needs a password"),
        ("smtps://:secret@x.kz", "a password a user"),
        ("smtp://bot:secret@x.kz", "show the password"),
    ],
)
def test_a_wrong_server_address_is_explained_but_not_quoted(url: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong) as caught:
        check_url(url)
    assert "sec" not in str(caught.value).replace("second", "")
    assert "x.kz" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "password"),
    [
        ("smtp://mail", "mail", 25, "", ""),
        ("smtp://bot:secret@localhost/", "localhost", 25, "bot", "secret"),
        ("smtp://bot:secret@[::1]:2525", "::1", 2525, "bot", "secret"),
        ("SMTP+StartTLS://bot%40x.kz:p%40ss%3A%25@Mail.x.kz", "mail.x.kz", 587, "bot@x.kz", "p@ss:%"),
        ("smtps://bot:secret@почта.рф", "xn--80a1acny.xn--p1ai", 465, "bot", "secret"),
    ],
)
def test_a_right_server_address_is_read_whole(url: str, host: str, port: int, user: str, password: str) -> None:
    check_url(url)
    server = smtp._server(url)
    assert (server.host, server.port, server.user, server.password) == (host, port, user, password)
    assert "secret" not in repr(server)


# Letters kept as files


async def test_a_kept_letter_is_a_file_that_a_mail_program_opens(tmp_path: Path) -> None:
    path = await write_eml(compose(AIGUL), tmp_path / "var" / "letters")
    assert re.fullmatch(r"ALU-2026-000001-[0-9a-f]{16}\.eml", path.name)
    assert path.read_bytes() == compose(AIGUL).as_bytes()


async def test_the_same_letter_again_replaces_its_file_and_another_stands_beside_it(tmp_path: Path) -> None:
    first = await write_eml(compose(AIGUL), tmp_path)
    again = await write_eml(compose(replace(AIGUL, words="иначе")), tmp_path)
    other = await write_eml(compose(replace(AIGUL, message_id="<second@x.kz>")), tmp_path)
    assert first == again
    assert files_in(tmp_path) == {first, other}
    kept = email.message_from_bytes(first.read_bytes(), policy=policy.default)
    assert "> иначе\n" in part(kept, "plain")


async def test_a_ticket_number_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    path = await write_eml(compose(replace(AIGUL, number="../../etc/passwd")), tmp_path / "letters")
    assert path.parent == tmp_path / "letters"
    assert path.name.startswith("letter-")


async def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("a file stands where the folder should")
    with pytest.raises(MailError, match="letters") as caught:
        await write_eml(compose(AIGUL), tmp_path / "letters")
    assert not caught.value.permanent
