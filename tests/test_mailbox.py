"""Unread mail is given once and stays unread, over TLS, and a mailbox that is away comes back by itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import trustme
from dovecot import LOGIN, Scheme, dovecot

from bot import mailbox
from bot.mail import MailError
from bot.mailbox import Mail, Mailbox, check_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

FIRST, SECOND = (b"From: olga@protorg.kz\nSubject: %d\n\nhello\n" % number for number in (1, 2))


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


@asynccontextmanager
async def opened(url: str, *, largest: int = mailbox.LARGEST) -> AsyncIterator[Mailbox]:
    box = Mailbox(url, largest=largest)
    try:
        yield box
    finally:
        await box.close()


def as_sent(raw: bytes) -> bytes:
    """Write a mail as IMAP gives it."""
    return raw.replace(b"\n", b"\r\n")


async def refused(url: str) -> MailError:
    """Ask for mail, and give the error that says why there was none."""
    async with opened(url) as box:
        with pytest.raises(MailError) as caught:
            await box.next_unread()
    assert LOGIN[1] not in str(caught.value)
    assert caught.value.__cause__ is None
    assert not caught.value.permanent
    return caught.value


async def given(box: Mailbox) -> Mail:
    mail = await box.next_unread()
    assert mail is not None
    return mail


# giving


@pytest.mark.parametrize("scheme", ["imap", "imap+starttls", "imaps"])
async def test_unread_mail_is_given_oldest_first_and_stays_unread(
    scheme: Scheme, certificate: trustme.LeafCert
) -> None:
    async with dovecot(certificate, scheme) as server, opened(server.url) as box:
        assert await box.next_unread() is None
        server.deliver(FIRST)
        server.deliver(SECOND)
        assert (await given(box)).raw == as_sent(FIRST)
        assert (await given(box)).raw == as_sent(FIRST)
        assert server.unread() == [FIRST, SECOND]


async def test_a_mail_that_was_acted_on_is_read_for_everybody(certificate: trustme.LeafCert) -> None:
    async with dovecot(certificate) as server, opened(server.url) as box:
        server.deliver(FIRST)
        server.deliver(SECOND)
        await box.mark_read(await given(box))
        assert (server.read(), server.unread()) == ([FIRST], [SECOND])
        assert (await given(box)).raw == as_sent(SECOND)


async def test_a_mail_that_was_passed_over_stays_unread_and_is_not_given_again_after_a_restart(
    certificate: trustme.LeafCert,
) -> None:
    async with dovecot(certificate) as server:
        server.deliver(FIRST)
        async with opened(server.url) as box:
            await box.pass_over(await given(box))
            assert await box.next_unread() is None
        async with opened(server.url) as box:
            assert await box.next_unread() is None
        assert server.unread() == [FIRST]


async def test_where_no_keyword_can_be_kept_the_program_itself_remembers(
    certificate: trustme.LeafCert, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dovecot(certificate) as server, opened(server.url) as box:
        server.deliver(FIRST)
        mail = await given(box)
        monkeypatch.setattr(box, "_keeps_keywords", False)
        await box.pass_over(mail)
        assert await box.next_unread() is None
        assert server.unread() == [FIRST]
        async with opened(server.url) as another:
            assert (await given(another)).raw == as_sent(FIRST)


async def test_a_mail_that_is_too_large_is_told_of_once_and_does_not_stop_the_next(
    certificate: trustme.LeafCert, caplog: pytest.LogCaptureFixture
) -> None:
    async with dovecot(certificate) as server, opened(server.url, largest=5000) as box:
        huge = FIRST + b"x" * 6000
        server.deliver(huge)
        server.deliver(SECOND)
        for _ in range(2):
            assert (await given(box)).raw == as_sent(SECOND)
        told = [each for each in caplog.records if each.name == "bot.mailbox"]
        assert [each.levelname for each in told] == ["WARNING"]
        assert "too many" in told[0].getMessage()
        assert huge in server.unread()


async def test_a_mail_that_is_gone_meanwhile_is_no_error(certificate: trustme.LeafCert) -> None:
    async with dovecot(certificate) as server, opened(server.url) as box:
        server.deliver(FIRST)
        mail = await given(box)
        for path in (server.mail / "cur").iterdir():
            path.unlink()
        await box.mark_read(mail)
        assert await box.next_unread() is None


async def test_a_number_from_an_older_life_of_the_folder_marks_nothing(certificate: trustme.LeafCert) -> None:
    async with dovecot(certificate) as server, opened(server.url) as box:
        server.deliver(FIRST)
        mail = await given(box)
        await box.mark_read(Mail(mail.validity - 1, mail.uid, b""))
        assert server.unread() == [FIRST]


async def test_another_folder_may_be_named(certificate: trustme.LeafCert) -> None:
    async with dovecot(certificate) as server:
        url = server.url.replace("/INBOX", f"/{quote('Заявки')}")
        error = await refused(url)
        assert "localhost" in str(error)
        async with opened(server.url) as box:
            assert await box.next_unread() is None


# waiting


async def test_new_mail_ends_the_waiting(certificate: trustme.LeafCert) -> None:
    async with dovecot(certificate) as server, opened(server.url) as box:
        assert await box.next_unread() is None
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(box.wait(60))
            server.deliver(FIRST)
        assert (await given(box)).raw == as_sent(FIRST)


async def test_without_new_mail_the_waiting_ends_by_itself(certificate: trustme.LeafCert) -> None:
    async with dovecot(certificate) as server, opened(server.url) as box, asyncio.timeout(10):
        await box.wait(0.1)
        assert await box.next_unread() is None
        assert server.unread() == []


async def test_a_server_without_idle_is_asked_again_and_again(
    certificate: trustme.LeafCert, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "_POLL", 0.01)
    async with dovecot(certificate, capability="IMAP4rev1") as server, opened(server.url) as box, asyncio.timeout(10):
        assert await box.next_unread() is None
        server.deliver(FIRST)
        await box.wait(60)
        assert (await given(box)).raw == as_sent(FIRST)


async def test_who_waits_can_be_stopped(certificate: trustme.LeafCert) -> None:
    async with dovecot(certificate) as server, opened(server.url) as box:
        waiting = asyncio.create_task(box.wait(600))
        await box.next_unread()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


# failing


async def test_a_wrong_password_is_the_operators_matter(certificate: trustme.LeafCert) -> None:
    async with dovecot(certificate) as server:
        error = await refused(server.url.replace("%25", "%25wrong"))
        assert error.is_operators


@pytest.mark.parametrize("scheme", ["imap+starttls", "imaps"])
async def test_a_certificate_of_an_unknown_authority_gets_no_login(
    scheme: Scheme, certificate: trustme.LeafCert
) -> None:
    del certificate  # only its authority is trusted
    async with dovecot(trustme.CA().issue_cert("localhost"), scheme) as server:
        assert "certificate verify failed" in str(await refused(server.url))
        assert "Login:" not in server.log()


@pytest.mark.usefixtures("certificate")
async def test_a_certificate_of_another_host_gets_no_login(authority: trustme.CA) -> None:
    async with dovecot(authority.issue_cert("other.kz")) as server:
        assert "certificate" in str(await refused(server.url))


async def test_a_server_without_starttls_gets_no_login(certificate: trustme.LeafCert) -> None:
    async with dovecot(certificate, "imap", tls=False) as server:
        error = await refused(server.url.replace("imap:", "imap+starttls:"))
        assert "STARTTLS" in str(error)
        assert "Login:" not in server.log()


async def test_a_mailbox_that_was_away_is_reached_again(certificate: trustme.LeafCert) -> None:
    async with dovecot(certificate) as server, opened(server.url) as box:
        server.deliver(FIRST)
        assert await given(box)
        async with server.stopped():
            with pytest.raises(MailError) as caught:
                await box.next_unread()
            assert not caught.value.permanent
            assert not caught.value.is_operators
        assert (await given(box)).raw == as_sent(FIRST)


async def test_a_line_that_is_cut_ends_the_waiting(certificate: trustme.LeafCert) -> None:
    async with dovecot(certificate) as server, opened(server.url) as box:
        waiting = asyncio.create_task(box.wait(600))
        await box.next_unread()
        async with server.stopped(), asyncio.timeout(20):
            with pytest.raises(MailError):
                await waiting


# addresses of servers


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("", "begin with imap://, imap"),
        ("smtps://bot:secret@x.kz", "begin with"),
        ("imaps://", "host is missing"),
        ("imaps://x.kz", "a user and a password are needed"),
        ("imaps://bot@x.kz", "a user needs a password"),
        ("imaps://bot:secret@x.kz:99999", "port"),
        ("imaps://bot:sec/ret@x.kz", "percent-encode"),
        ("imaps://bot:sec#ret@x.kz/INBOX", "percent-encode"),
        ("imap://bot:secret@x.kz", r"take imap\+starttls:// or imaps://"),
    ],
)
def test_a_wrong_address_is_explained_but_not_quoted(url: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong) as caught:
        check_url(url)
    assert "sec" not in str(caught.value)
    assert "x.kz" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "port", "folder"),
    [
        ("imap://bot:x@127.0.0.1", 143, ""),
        ("imap+starttls://bot:x@x.kz/", 143, ""),
        ("imaps://bot:x@x.kz/INBOX", 993, "INBOX"),
        ("imaps://bot:x@x.kz:1993/INBOX/%D0%97%D0%B0%D1%8F%D0%B2%D0%BA%D0%B8%20%2F1", 1993, "INBOX/Заявки /1"),
    ],
)
def test_a_right_address_is_read_whole(url: str, port: int, folder: str) -> None:
    check_url(url)
    server = mailbox._server(url)
    assert (server.port, server.path) == (port, folder)


def test_a_missing_dovecot_skips_here_and_fails_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from dovecot import need_dovecot

    monkeypatch.setattr("dovecot.PLACES", (str(tmp_path),))
    monkeypatch.delenv("KONFIDENT_REQUIRE_DOVECOT", raising=False)
    with pytest.raises(pytest.skip.Exception, match="dovecot-imapd"):
        need_dovecot()
    monkeypatch.setenv("KONFIDENT_REQUIRE_DOVECOT", "1")
    with pytest.raises(pytest.fail.Exception, match="dovecot-imapd"):
        need_dovecot()
