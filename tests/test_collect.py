"""A clerk's mail reaches the customer once; strangers, machines and doubtful mails stay where they are."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from dovecot import dovecot

from bot.collect import collect_forever, collect_one, take_in, ticket_of
from bot.inbox import read
from bot.mailbox import Mailbox
from bot.post import LEASE, compose_for
from bot.register import Draft, Ticket, first_letter_id
from bot.responses import Responses
from bot.shops import read_shops
from bot.tickets import Tickets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from email.message import EmailMessage

    from dovecot import Dovecot

    from bot.outbox import Delivery

ROOT = Path(__file__).resolve().parents[1]
LETTERS = Path(__file__).parent / "letters"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHOPS = read_shops(ROOT / "knowledge")
WORDS = Responses(ROOT / "intents" / "domain.yml")
SENDER = "Konfident <bot@shop.kz>"

# Aigul asks protorg to delete her data, Daniyar asks too; Olga is protorg's clerk, Timur is nobody to the shop.
AIGUL = Draft(
    shop="protorg",
    prefix="PRO",
    kind="delete",
    chat="tg:1001",
    form="aigul-1",
    contact="aigul@example.kz",
    identity="typed",
    words="Удалите мои данные",
    details="",
    clause="",
    clause_text="",
    edition="23 апреля 2020 г.",
    route="info@protorg.kz",
    route_source="9.3",
    deadline=None,
    deadline_source="",
)
DANIYAR = replace(AIGUL, chat="tg:2002", form="daniyar-1", contact="+77011234567")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "konfident.db"


@pytest.fixture
def tickets(path: Path) -> Iterator[Tickets]:
    with closing(Tickets(path)) as opened:
        yield opened


@pytest.fixture
def ticket(tickets: Tickets) -> Ticket:
    return tickets.open(AIGUL, NOON)[0]


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.LeafCert:
    """Give a certificate for localhost; its authority stands in SSL_CERT_FILE."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority.issue_cert("localhost")


@asynccontextmanager
async def post_office(certificate: trustme.LeafCert) -> AsyncIterator[tuple[Dovecot, Mailbox]]:
    async with dovecot(certificate) as server:
        box = Mailbox(server.url)
        try:
            yield server, box
        finally:
            await box.close()


def mail(
    body: str,
    *,
    to: str = "bot@shop.kz",
    thread: str = "",
    sender: str = "olga@protorg.kz",
    key: str = "<1@protorg.kz>",
) -> bytes:
    """Write a small answer; `thread` is what it answers."""
    head = f"From: {sender}\nTo: {to}\nSubject: Re: [PRO-2026-000001] x\nMessage-ID: {key}\n"
    answers = f"In-Reply-To: {thread}\n" if thread else ""
    return f"{head}{answers}Content-Type: text/plain; charset=utf-8\n\n{body}\n".encode()


def token_box(ticket: Ticket) -> str:
    return f"bot+{ticket.token}@shop.kz"


def first_letter(ticket: Ticket) -> str:
    return f"<{first_letter_id(ticket)}@shop.kz>"


def acted_on(raw: bytes, tickets: Tickets) -> bool:
    return take_in(read(raw), tickets, SHOPS, NOON)


def told(path: Path, channel: str = "chat") -> list[tuple[str, str, str]]:
    """Ticket, response and words of every row that waits for a channel."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(
            "SELECT ticket, body ->> 'response', coalesce(body ->> 'text', '') FROM outbox"
            " WHERE channel = ? AND body ->> 'response' != 'utter_staff_card' ORDER BY id",
            [channel],
        ).fetchall()


def status(tickets: Tickets, ticket: Ticket) -> str:
    found = tickets.ticket(ticket.number)
    assert found is not None
    return found.status


def letters_of(tickets: Tickets, *, now: datetime = NOON) -> list[tuple[Delivery, EmailMessage]]:
    """All letters that wait, composed as the post does."""
    found = []
    while delivery := tickets.claim(now, LEASE, ("mail",)):
        ticket = tickets.ticket(delivery.ticket)
        assert ticket is not None
        shop = SHOPS[ticket.shop]
        found.append((delivery, compose_for(delivery, ticket, shop, WORDS.word, SENDER, replies_are_read=True)))
        tickets.mark_sent(delivery, now)
    return found


def plain(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


# from mailbox to chat


@pytest.mark.parametrize("name", sorted(path.stem for path in LETTERS.glob("*.eml") if b"olga@" in path.read_bytes()))
async def test_every_letter_of_a_clerk_is_taken_in_and_marked_as_read(
    name: str, tickets: Tickets, ticket: Ticket, certificate: trustme.LeafCert
) -> None:
    raw = (LETTERS / f"{name}.eml").read_bytes().replace(b"a1b2c3d4e5f60718", ticket.token.encode())
    async with post_office(certificate) as (server, box):
        server.deliver(raw)
        assert await collect_one(box, tickets, SHOPS, NOON)
        assert not await collect_one(box, tickets, SHOPS, NOON)
        assert (server.read(), server.unread()) == ([raw], [])


async def test_a_strangers_mail_is_left_unread_and_does_not_hold_up_the_clerks(
    tickets: Tickets, ticket: Ticket, path: Path, certificate: trustme.LeafCert, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.collect")
    newsletter = mail("Скидки до 70%", sender="news@spam.example", key="<spam@x>")
    async with post_office(certificate) as (server, box):
        server.deliver(newsletter)
        server.deliver(mail("Удалили.", to=token_box(ticket)))
        for _ in range(2):
            assert await collect_one(box, tickets, SHOPS, NOON)
        for _ in range(2):
            assert not await collect_one(box, tickets, SHOPS, NOON)
        assert server.unread() == [newsletter]
    assert told(path) == [(ticket.number, "utter_shop_answer", "Удалили.")]
    assert [each.getMessage() for each in caplog.records if "<spam@x>" in each.getMessage()] == [
        "mail <spam@x> concerns no request, left unread"
    ]


async def test_a_crash_between_act_and_mark_acts_once(
    tickets: Tickets, ticket: Ticket, path: Path, certificate: trustme.LeafCert
) -> None:
    async with post_office(certificate) as (server, box):
        server.deliver(mail("Удалили.", to=token_box(ticket)))
        unmarked = await box.next_unread()
        assert unmarked is not None
        assert acted_on(unmarked.raw, tickets)  # the power went here
        assert await collect_one(box, tickets, SHOPS, NOON)
        assert server.unread() == []
    assert told(path) == [(ticket.number, "utter_shop_answer", "Удалили.")]


async def test_mail_is_collected_as_it_comes_and_the_post_is_woken(
    tickets: Tickets, ticket: Ticket, path: Path, certificate: trustme.LeafCert
) -> None:
    woken = asyncio.Event()
    async with post_office(certificate) as (server, box), asyncio.timeout(30):
        task = asyncio.create_task(collect_forever(box, tickets, SHOPS, lambda: NOON, woken.set))
        server.deliver(mail("Принято", to=token_box(ticket)))
        await woken.wait()
        assert status(tickets, ticket) == "taken"
        woken.clear()
        server.deliver(mail("Удалили.", to=token_box(ticket), key="<2@protorg.kz>"))
        await woken.wait()
        assert told(path)[1:] == [(ticket.number, "utter_shop_answer", "Удалили.")]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_mailbox_that_is_away_is_told_of_once_and_collected_when_it_is_back(
    tickets: Tickets,
    ticket: Ticket,
    certificate: trustme.LeafCert,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    woken, said = asyncio.Event(), asyncio.Event()

    def notice(_record: logging.LogRecord) -> bool:
        said.set()
        return True

    monkeypatch.setattr(logging.getLogger("bot.collect"), "filters", [notice])
    async with post_office(certificate) as (server, box), asyncio.timeout(30):
        async with server.stopped():
            task = asyncio.create_task(
                collect_forever(box, tickets, SHOPS, lambda: NOON, woken.set, first_pause_s=0.01)
            )
            await said.wait()
        server.deliver(mail("Удалили.", to=token_box(ticket)))
        await woken.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    refusals = [each for each in caplog.records if "Connection refused" in each.getMessage()]
    assert [each.levelname for each in refusals] == ["WARNING"]


# which ticket


def test_the_token_in_the_address_leads_to_the_ticket(tickets: Tickets, ticket: Ticket) -> None:
    assert ticket_of(read(mail("x", to=token_box(ticket))), tickets) == ticket


def test_the_thread_leads_to_the_ticket(tickets: Tickets, ticket: Ticket) -> None:
    assert ticket_of(read(mail("x", thread=first_letter(ticket))), tickets) == ticket


def test_a_later_letters_thread_leads_to_the_ticket_too(tickets: Tickets, ticket: Ticket) -> None:
    tickets.open(replace(AIGUL, form="aigul-2", words="Ну удалите же"), NOON)
    later = letters_of(tickets)[-1][1]
    assert later["Message-ID"] != first_letter(ticket)
    assert ticket_of(read(mail("x", thread=later["Message-ID"])), tickets) == ticket


def test_the_subject_alone_leads_nowhere(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    raw = mail(f"Удалили {ticket.number}")
    assert ticket_of(read(raw), tickets) is None
    assert not acted_on(raw, tickets)
    assert told(path) == []


def test_guessed_tokens_and_ids_lead_nowhere(tickets: Tickets, ticket: Ticket) -> None:
    for to, thread in (
        ("bot+0123456789abcdef@shop.kz", ""),
        ("bot+@shop.kz", ""),
        ("bot@shop.kz", f"<{ticket.number}.0123456789ab@shop.kz>"),
        ("bot@shop.kz", f"<{ticket.number}.@shop.kz>"),
        ("bot@shop.kz", "<@shop.kz>"),
    ):
        assert ticket_of(read(mail("x", to=to, thread=thread)), tickets) is None


def test_token_and_thread_of_two_requests_are_nobodys(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    other = tickets.open(DANIYAR, NOON)[0]
    raw = mail("Удалили.", to=token_box(ticket), thread=first_letter(other))
    assert not acted_on(raw, tickets)
    assert told(path) == []


@pytest.mark.parametrize(
    "sender", ["timur@evil.kz", "timur@gmail.com", "info@protorg.kz.evil.kz", "", "olga@protorg.kz, timur@evil.kz"]
)
def test_the_right_token_from_a_wrong_sender_is_left_unread(
    sender: str, tickets: Tickets, ticket: Ticket, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert not acted_on(mail("Выполнено", to=token_box(ticket), sender=sender), tickets)
    assert told(path) == []
    assert status(tickets, ticket) == "opened"
    assert f"mail <1@protorg.kz> for {ticket.number} is not from the shop, left unread" in caplog.text


def staff_news(path: Path) -> list[tuple[str, str]]:
    """What the staff is to be told beside the cards: response and address."""
    with closing(sqlite3.connect(path)) as db:
        bodies = [json.loads(body) for (body,) in db.execute("SELECT body FROM outbox WHERE channel = 'staff'")]
    return [(body["response"], body["email"]) for body in bodies if "email" in body]


@pytest.mark.parametrize(
    ("body", "sender", "response"),
    [
        ("Выполнено", "timur@evil.kz", "utter_staff_strange_mail"),
        ("> Удалите мои данные", "olga@protorg.kz", "utter_staff_empty_mail"),
    ],
    ids=["stranger", "empty"],
)
def test_a_mail_about_a_request_that_is_not_acted_on_is_reported_once(
    body: str, sender: str, response: str, tickets: Tickets, ticket: Ticket, path: Path
) -> None:
    for _ in range(2):
        assert not acted_on(mail(body, to=token_box(ticket), sender=sender), tickets)
    assert staff_news(path) == [(response, sender)]


def test_a_strangers_mail_is_acted_on_when_the_owner_has_named_him(
    tickets: Tickets, ticket: Ticket, path: Path
) -> None:
    raw = mail("Да.", to=token_box(ticket), sender="a@lawyers.kz")
    assert not acted_on(raw, tickets)
    shops = {**SHOPS, "protorg": replace(SHOPS["protorg"], senders=("@lawyers.kz",))}
    assert take_in(read(raw), tickets, shops, NOON)
    assert told(path) == [(ticket.number, "utter_shop_answer", "Да.")]


def test_senders_named_in_shop_yml_may_answer(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    shops = {**SHOPS, "protorg": replace(SHOPS["protorg"], senders=("@lawyers.kz",))}
    assert take_in(read(mail("Да.", to=token_box(ticket), sender="a@lawyers.kz")), tickets, shops, NOON)
    assert told(path) == [(ticket.number, "utter_shop_answer", "Да.")]


# what happens


def test_a_plain_answer_reaches_the_customer(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    assert acted_on(mail("Добрый день!\nУдалим завтра.", to=token_box(ticket)), tickets)
    assert told(path) == [(ticket.number, "utter_shop_answer", "Добрый день!\nУдалим завтра.")]
    assert status(tickets, ticket) == "answered"


def test_done_ends_the_request_with_its_words(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    assert acted_on(mail("Выполнено: профиль удалён", to=token_box(ticket)), tickets)
    assert told(path) == [(ticket.number, "utter_ticket_done", "профиль удалён")]
    assert status(tickets, ticket) == "done"


def test_done_needs_no_words(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    assert acted_on(mail("выполнено", to=token_box(ticket)), tickets)
    assert told(path) == [(ticket.number, "utter_ticket_done", "")]


def test_accepted_is_taken(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    assert acted_on(mail("принято", to=token_box(ticket)), tickets)
    assert (status(tickets, ticket), told(path)) == (
        "taken",
        [(ticket.number, "utter_ticket_taken", "")],
    )


def test_a_question_reaches_the_customer(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    assert acted_on(mail("вопрос: какой номер?", to=token_box(ticket)), tickets)
    assert told(path) == [(ticket.number, "utter_shop_question", "какой номер?")]
    assert status(tickets, ticket) == "asked"


def test_a_refusal_with_its_reason_reaches_the_customer_and_ends_the_request(
    tickets: Tickets, ticket: Ticket, path: Path
) -> None:
    assert acted_on(mail("отказ: закон велит хранить", to=token_box(ticket)), tickets)
    assert told(path) == [(ticket.number, "utter_ticket_refused", "закон велит хранить")]
    assert status(tickets, ticket) == "refused"


def test_a_refusal_without_a_reason_is_asked_for_it_in_its_own_thread(
    tickets: Tickets, ticket: Ticket, path: Path
) -> None:
    letters_of(tickets)
    assert acted_on(mail("Отказ.", to=token_box(ticket)), tickets)
    assert (status(tickets, ticket), told(path)) == ("opened", [])
    ((_, letter),) = letters_of(tickets, now=NOON + timedelta(minutes=5))
    assert letter["To"] == "olga@protorg.kz"
    assert letter["In-Reply-To"] == "<1@protorg.kz>"
    assert letter["References"].split() == [first_letter(ticket), "<1@protorg.kz>"]
    assert letter["Reply-To"] == token_box(ticket)
    assert "пожалуйста, ответьте на это письмо строкой «отказ: причина»" in plain(letter)
    again = mail("отказ: закон", thread=letter["Message-ID"], key="<2@protorg.kz>")
    assert acted_on(again, tickets)
    assert told(path) == [(ticket.number, "utter_ticket_refused", "закон")]


def test_words_that_cannot_be_read_are_left_for_a_person(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    assert not acted_on(mail("> Удалите мои данные", to=token_box(ticket)), tickets)
    assert not acted_on(mail("вопрос:", to=token_box(ticket)), tickets)
    assert told(path) == []


def test_the_same_mail_twice_acts_once(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    raw = mail("Удалили.", to=token_box(ticket))
    assert acted_on(raw, tickets)
    assert acted_on(b"Delivered-To: bot@shop.kz\n" + raw, tickets)
    assert len(told(path)) == 1


def test_two_mails_without_an_id_are_told_apart_by_their_content(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    for words in ("раз", "два", "раз"):
        assert acted_on(mail(words, to=token_box(ticket), key=""), tickets)
    assert [text for _, _, text in told(path)] == ["раз", "два"]


def test_a_machine_says_nothing_to_the_customer(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    assert acted_on(b"Auto-Submitted: auto-replied\n" + mail("Я в отпуске", to=token_box(ticket)), tickets)
    assert not acted_on(b"List-Id: <news.x.kz>\n" + mail("Скидки"), tickets)
    assert told(path) == []
    assert status(tickets, ticket) == "opened"


def bounce(name: str, ticket: Ticket) -> bytes:
    return (LETTERS / f"{name}.eml").read_bytes().replace(b"a1b2c3d4e5f60718", ticket.token.encode())


@pytest.mark.parametrize("name", ["bounce_exchange", "bounce_exim", "bounce_gmail", "bounce_postfix"])
def test_a_letter_that_came_back_is_recorded_and_the_staff_learns_of_it_once(
    name: str, tickets: Tickets, ticket: Ticket, path: Path
) -> None:
    for _ in range(2):
        assert acted_on(bounce(name, ticket), tickets)
    assert told(path, "staff") == [(ticket.number, "utter_staff_undelivered", "")]
    event = tickets.events(ticket.number)[-1]
    assert event.what == "letter undelivered"
    assert event.text.startswith(f"{first_letter_id(ticket)}@shop.kz 5.")


def test_a_letter_that_is_only_late_changes_nothing(
    tickets: Tickets, ticket: Ticket, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.collect")
    before = tickets.events(ticket.number)
    assert acted_on(bounce("bounce_postfix_delayed", ticket), tickets)
    assert tickets.events(ticket.number) == before
    assert told(path, "staff") == []
    assert f"a letter of {ticket.number} is late: 4.4.1" in caplog.text


def test_a_bounce_of_somebody_elses_letter_is_left_unread(tickets: Tickets, ticket: Ticket) -> None:
    assert ticket
    assert not acted_on((LETTERS / "bounce_postfix.eml").read_bytes(), tickets)


def test_logs_hold_numbers_and_ids_and_never_words(
    tickets: Tickets, ticket: Ticket, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for key, (words, sender) in enumerate(
        [("Секрет", "olga@protorg.kz"), ("Секрет", "timur@evil.kz"), (">", "olga@protorg.kz")]
    ):
        acted_on(mail(words, to=token_box(ticket), sender=sender, key=f"<{key}@x>"), tickets)
    ours = [each.getMessage() for each in caplog.records if each.name.startswith("bot")]
    assert len(ours) == 3
    for personal in ("Секрет", "olga", "timur", ticket.contact, ticket.token):
        assert personal not in " ".join(ours)
