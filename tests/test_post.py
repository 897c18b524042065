"""Every letter leaves, in order, as the same letter each time, and as soon as the mail server is back."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import clerk
import pytest
from smtp_server import SmtpServer, smtp_server

from bot.outbox import Delivery, Undelivered
from bot.post import LEASE, Send, compose_for, deliver_forever, deliver_one, mail_sender
from bot.register import Draft
from bot.responses import Responses
from bot.service import keep_up
from bot.shops import read_shops
from bot.smtp import send
from bot.tickets import Origin, Tickets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from email.message import EmailMessage

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SENDER = "Konfident <bot@shop.kz>"
SHOPS = read_shops(ROOT / "knowledge")
WORDS = Responses(ROOT / "intents" / "domain.yml")

# Aigul asks protorg to delete her data, Daniyar complains to allurauto; Olga reads protorg's letters.
AIGUL = Draft(
    shop="protorg",
    prefix="PRO",
    kind="delete",
    chat="tg:1001",
    form="aigul-1",
    contact="aigul@example.kz",
    identity="typed",
    words="Удалите мои данные",
    details="заказ 1204",
    clause="",
    clause_text="",
    edition="23 апреля 2020 г.",
    route="info@protorg.kz",
    route_source="9.3",
    deadline=None,
    deadline_source="",
)
AIGUL_AGAIN = replace(AIGUL, form="aigul-2", words="Ну удалите же", details="")
DANIYAR = replace(
    AIGUL,
    shop="allurauto",
    prefix="ALU",
    kind="complain",
    chat="tg:2002",
    form="daniyar-1",
    contact="+77011234567",
    identity="telegram",
    words="Мне звонят после отказа",
    route="info@allurauto.kz",
    clause="8.2",
    clause_text="Получатель претензии в течение 30 календарных дней уведомляет заявителя.",
    deadline=date(2026, 12, 21),
    deadline_source="8.2",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "konfident.db"


@pytest.fixture
def tickets(path: Path) -> Iterator[Tickets]:
    with closing(Tickets(path)) as opened:
        yield opened


def rows(path: Path, sql: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(sql).fetchall()


def states(path: Path, channel: str = "mail") -> list[tuple[str, str]]:
    """Ticket and state of every row of a channel, in the order of writing."""
    found = rows(path, "SELECT * FROM outbox ORDER BY id")
    return [(row["ticket"], row["state"]) for row in found if row["channel"] == channel]


def mailman(tickets: Tickets, url: str) -> dict[str, Send]:
    """The mail channel as `konfident run` wires it."""

    async def hand_over(letter: EmailMessage) -> None:
        await send(letter, url, timeout=5)

    return {"mail": mail_sender(tickets, SHOPS, WORDS.word, SENDER, hand_over, replies_are_read=True)}


async def deliver_all(tickets: Tickets, channels: dict[str, Send], now: datetime = NOON) -> int:
    """Deliver whatever is due and count the tries."""
    tries = 0
    while await deliver_one(tickets, channels, now):
        tries += 1
    return tries


def arrived(server: SmtpServer) -> list[str]:
    """Numbers of the tickets whose letters arrived, in order."""
    return [str(each.letter["Subject"]).partition("]")[0].strip("[") for each in server.delivered]


async def closed_address() -> str:
    """An address at which no mail server listens any more."""
    async with smtp_server() as server:
        return server.url


def body(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


# one letter


async def test_aiguls_wish_arrives_at_the_shops_address(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(AIGUL, NOON)
    async with smtp_server() as server:
        assert await deliver_one(tickets, mailman(tickets, server.url), NOON)
        assert not await deliver_one(tickets, mailman(tickets, server.url), NOON)
    (delivery,) = server.delivered
    assert (delivery.sender, delivery.recipients) == ("bot@shop.kz", ["info@protorg.kz"])
    letter = delivery.letter
    assert letter["Subject"] == "[PRO-2026-000001] Удаление данных: PROtorg.kz"
    assert letter["Reply-To"] == f"bot+{ticket.token}@shop.kz"
    text = body(letter)
    assert "> Удалите мои данные\n" in text
    assert "> заказ 1204\n" in text
    assert "Как связаться с клиентом: aigul@example.kz\n" in text
    assert "об этом ничего не сказано" in text
    assert states(path) == [("PRO-2026-000001", "sent")]


async def test_a_letter_tells_the_clause_and_the_day_until_which_it_is_to_be_answered(tickets: Tickets) -> None:
    tickets.open(DANIYAR, NOON)
    async with smtp_server() as server:
        await deliver_one(tickets, mailman(tickets, server.url), NOON)
        text = body(await server.next_letter())
    assert "21.12.2026" in text.partition("\n")[0]
    assert "пункт 8.2 политики" in text.partition("\n")[0]
    assert f"> {DANIYAR.clause_text}\n" in text
    assert "ничего не сказано" not in text


async def test_a_customer_without_a_contact_is_answered_in_the_chat(tickets: Tickets) -> None:
    tickets.open(replace(AIGUL, contact="", identity="none"), NOON)
    async with smtp_server() as server:
        await deliver_one(tickets, mailman(tickets, server.url), NOON)
        text = body(await server.next_letter())
    assert f"Как связаться с клиентом: {WORDS.word('utter_no_contact')}\n" in text


async def test_a_letter_tells_the_time_that_it_is_in_kazakhstan(tickets: Tickets) -> None:
    tickets.open(AIGUL, NOON)
    async with smtp_server() as server:
        await deliver_one(tickets, mailman(tickets, server.url), NOON)
        letter = await server.next_letter()
    assert "получено 21.11.2026 в 17:00 (UTC+0500)\n" in body(letter)
    assert letter["Date"] == "Sat, 21 Nov 2026 17:00:00 +0500"


@pytest.mark.parametrize("kind", ["delete", "complain", "question"])
@pytest.mark.parametrize("identity", ["typed", "telegram", "none"])
def test_every_kind_and_identity_has_its_words(tickets: Tickets, kind: str, identity: str) -> None:
    ticket, _ = tickets.open(replace(AIGUL, kind=kind, identity=identity), NOON)
    delivery = tickets.claim(NOON, LEASE, ("mail",))
    assert delivery is not None
    text = body(compose_for(delivery, ticket, SHOPS["protorg"], WORDS.word, SENDER, replies_are_read=True))
    assert WORDS.word(f"utter_kind_{kind}") in text
    assert WORDS.word(f"utter_identity_{identity}") in text


@pytest.mark.parametrize("contact", ["aigul@example.kz", ""])
def test_without_a_mailbox_a_letter_promises_no_chat(tickets: Tickets, contact: str) -> None:
    ticket, _ = tickets.open(replace(AIGUL, contact=contact, identity="typed" if contact else "none"), NOON)
    delivery = tickets.claim(NOON, LEASE, ("mail",))
    assert delivery is not None
    text = body(compose_for(delivery, ticket, SHOPS["protorg"], WORDS.word, SENDER, replies_are_read=False))
    assert "бот не читает" in text or "бот пока не читает" in text
    assert "в чат" not in text
    assert f"Как связаться с клиентом: {contact or 'контакт не указан'}\n" in text


# many letters


async def test_letters_leave_in_the_order_in_which_the_wishes_came(tickets: Tickets, path: Path) -> None:
    drafts = [replace(AIGUL, form=str(n), chat=f"tg:{n}") for n in range(5)]
    numbers = [tickets.open(draft, NOON)[0].number for draft in drafts]
    tickets.open(DANIYAR, NOON + timedelta(seconds=1))
    async with smtp_server() as server:
        assert await deliver_all(tickets, mailman(tickets, server.url), NOON + timedelta(seconds=1)) == 6
    assert arrived(server) == [*numbers, "ALU-2026-000001"]
    assert {state for _, state in states(path)} == {"sent"}


@pytest.mark.parametrize(
    ("answer", "state"), [("550 5.1.1 no such box", "failed"), ("450 4.2.0 box is busy", "waiting")]
)
async def test_a_letter_that_is_refused_does_not_stop_the_others(
    tickets: Tickets, path: Path, answer: str, state: str
) -> None:
    tickets.open(AIGUL, NOON)
    tickets.open(DANIYAR, NOON)
    tickets.open(replace(AIGUL, chat="tg:3003", form="c"), NOON)
    async with smtp_server() as server:

        async def hand_over(letter: EmailMessage) -> None:
            server.refuse = {"RCPT": answer} if "allurauto" in letter["To"] else {}
            await send(letter, server.url)

        channels = {"mail": mail_sender(tickets, SHOPS, WORDS.word, SENDER, hand_over, replies_are_read=True)}
        assert await deliver_all(tickets, channels) == 3
    assert arrived(server) == ["PRO-2026-000001", "PRO-2026-000002"]
    assert states(path) == [("PRO-2026-000001", "sent"), ("ALU-2026-000001", state), ("PRO-2026-000002", "sent")]


async def test_a_wrong_password_is_one_error_in_the_log_and_the_letter_leaves_when_it_is_right(
    tickets: Tickets, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ticket, _ = tickets.open(AIGUL, NOON)
    async with smtp_server(login=("bot@shop.kz", "right")) as server:
        wrong = mailman(tickets, server.url.replace("right", "wrong"))
        for minutes in range(3):
            assert await deliver_all(tickets, wrong, NOON + timedelta(minutes=minutes)) == 1
        assert states(path) == [(ticket.number, "waiting")]
        assert await deliver_all(tickets, mailman(tickets, server.url), NOON + timedelta(minutes=3)) == 1
        assert (await server.next_letter())["Reply-To"] == f"bot+{ticket.token}@shop.kz"
    assert [each.levelname for each in caplog.records if "undelivered" in each.message] == ["ERROR"] + ["WARNING"] * 2
    assert states(path) == [(ticket.number, "sent")]


async def test_a_letter_refused_for_good_is_recorded_and_the_staff_learns_of_it(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(AIGUL, NOON)
    async with smtp_server() as server:
        server.refuse = {"RCPT": "550 5.1.1 no such box"}
        assert await deliver_all(tickets, mailman(tickets, server.url)) == 1
        server.refuse = {}
        assert await deliver_all(tickets, mailman(tickets, server.url), NOON + timedelta(days=30)) == 0
    assert server.delivered == []
    assert states(path) == [(ticket.number, "failed")]
    assert states(path, "staff") == [(ticket.number, "waiting"), (ticket.number, "waiting")]
    event = tickets.events(ticket.number)[-1]
    assert event.what == "mail undelivered"
    assert "550 5.1.1 no such box" in event.text


# a mail server that is away


async def test_a_wish_waits_while_the_mail_server_is_down_and_leaves_when_it_is_back(
    tickets: Tickets, path: Path
) -> None:
    ticket, _ = tickets.open(AIGUL, NOON)
    assert await deliver_all(tickets, mailman(tickets, await closed_address())) == 1
    assert states(path) == [(ticket.number, "waiting")]
    assert tickets.ticket(ticket.number) == ticket
    assert [event.what for event in tickets.events(ticket.number)] == ["opened"]

    async with smtp_server() as server:
        soon = NOON + timedelta(seconds=4)
        assert not await deliver_one(tickets, mailman(tickets, server.url), soon)
        assert await deliver_one(tickets, mailman(tickets, server.url), soon + timedelta(seconds=1))
    assert arrived(server) == [ticket.number]
    assert states(path) == [(ticket.number, "sent")]
    assert [event.what for event in tickets.events(ticket.number)] == ["opened", "letter sent"]


async def test_all_that_waited_leaves_in_its_order(tickets: Tickets) -> None:
    numbers = [tickets.open(replace(AIGUL, form=str(n), chat=f"tg:{n}"), NOON)[0].number for n in range(3)]
    assert await deliver_all(tickets, mailman(tickets, await closed_address())) == 3
    async with smtp_server() as server:
        assert await deliver_all(tickets, mailman(tickets, server.url), NOON + timedelta(minutes=1)) == 3
    assert arrived(server) == numbers


async def test_a_wish_survives_a_restart_while_the_mail_server_is_down(path: Path) -> None:
    with closing(Tickets(path)) as before:
        before.open(AIGUL, NOON)
        await deliver_all(before, mailman(before, await closed_address()))
    with closing(Tickets(path)) as after:
        async with smtp_server() as server:
            assert await deliver_all(after, mailman(after, server.url), NOON + timedelta(minutes=5)) == 1
    assert arrived(server) == ["PRO-2026-000001"]


async def test_without_a_mail_server_the_letters_wait_and_the_chats_are_served(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(AIGUL, NOON)
    clerk.answer(tickets, ticket.number, "Удалили", NOON)
    shown: list[Delivery] = []

    async def show(delivery: Delivery) -> None:
        shown.append(delivery)

    assert await deliver_all(tickets, {"chat": show}) == 1
    assert [delivery.body["text"] for delivery in shown] == ["Удалили"]
    assert states(path) == [(ticket.number, "waiting")]
    assert states(path, "chat") == [(ticket.number, "sent")]


async def test_a_chat_that_is_gone_is_given_up_and_a_slow_one_is_tried_again(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(AIGUL, NOON)
    clerk.answer(tickets, ticket.number, "Ищем", NOON)

    async def fail(_delivery: Delivery, *, permanent: bool) -> None:
        raise Undelivered("TelegramAPIError", permanent=permanent)

    assert await deliver_one(tickets, {"chat": partial(fail, permanent=False)}, NOON)
    assert states(path, "chat") == [(ticket.number, "waiting")]
    assert await deliver_one(tickets, {"chat": partial(fail, permanent=True)}, NOON + LEASE)
    assert states(path, "chat") == [(ticket.number, "failed")]
    assert states(path) == [(ticket.number, "waiting")]


async def test_a_row_that_cannot_be_made_waits_and_holds_up_no_other(
    tickets: Tickets, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = tickets.open(AIGUL, NOON)[0], tickets.open(DANIYAR, NOON)[0]

    async def send_letter(delivery: Delivery) -> None:
        if delivery.ticket == broken.number:
            raise KeyError(AIGUL.words)

    assert await deliver_all(tickets, {"mail": send_letter}) == 2
    assert states(path) == [(broken.number, "waiting"), (sound.number, "sent")]
    assert "KeyError at " in caplog.text
    assert AIGUL.words not in caplog.text


async def test_a_loop_that_an_error_ended_begins_again(caplog: pytest.LogCaptureFixture) -> None:
    begun: list[int] = []

    async def work() -> None:
        begun.append(1)
        if len(begun) < 3:
            raise ValueError(AIGUL.words)

    await keep_up(work, pause_s=0)
    assert len(begun) == 3
    assert AIGUL.words not in caplog.text


# the same letter


async def test_a_letter_sent_by_a_bot_that_died_before_noting_it_is_sent_again_as_the_same(
    tickets: Tickets, path: Path
) -> None:
    ticket, _ = tickets.open(DANIYAR, NOON)
    async with smtp_server() as server:
        claimed = tickets.claim(NOON, LEASE, ("mail",))
        assert claimed is not None
        await mailman(tickets, server.url)["mail"](claimed)  # and here the power goes
        with closing(Tickets(path)) as restarted:
            channels = mailman(restarted, server.url)
            assert not await deliver_one(restarted, channels, NOON + LEASE - timedelta(seconds=1))
            assert await deliver_one(restarted, channels, NOON + LEASE)
    first, second = server.delivered
    assert first.letter["Message-ID"] == second.letter["Message-ID"]
    assert first.content == second.content
    assert states(path) == [(ticket.number, "sent")]


async def test_a_letter_whose_line_breaks_is_sent_again_under_the_same_name(tickets: Tickets, path: Path) -> None:
    tickets.open(AIGUL, NOON)
    claimed = tickets.claim(NOON, timedelta(0), ("mail",))
    assert claimed is not None
    async with smtp_server() as server:
        server.drop_at = "DATA"
        assert await deliver_one(tickets, mailman(tickets, server.url), NOON)
        assert states(path) == [("PRO-2026-000001", "waiting")]
        server.drop_at = None
        assert await deliver_one(tickets, mailman(tickets, server.url), NOON + LEASE)
        letter = await server.next_letter()
    assert letter["Message-ID"] == f"<{claimed.message_id}@shop.kz>"


def test_a_letter_stays_the_same_while_olga_works_on_its_ticket(tickets: Tickets) -> None:
    number = tickets.open(DANIYAR, NOON)[0].number
    delivery = tickets.claim(NOON, LEASE, ("mail",))
    assert delivery is not None
    composed = []
    for change in (clerk.take, partial(clerk.answer, text="Разбираемся"), clerk.close):
        ticket = tickets.ticket(number)
        assert ticket is not None
        composed.append(
            compose_for(delivery, ticket, SHOPS["allurauto"], WORDS.word, SENDER, replies_are_read=True).as_bytes()
        )
        assert change(tickets, number, now=NOON + LEASE)
    assert len(set(composed)) == 1


async def test_words_that_are_added_come_in_the_thread_of_the_first_letter(tickets: Tickets) -> None:
    number = tickets.open(AIGUL, NOON)[0].number
    tickets.open(AIGUL_AGAIN, NOON + LEASE)
    async with smtp_server() as server:
        assert await deliver_all(tickets, mailman(tickets, server.url), NOON + LEASE) == 2
        first, second = await server.next_letter(), await server.next_letter()
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert "In-Reply-To" not in first
    assert second["Message-ID"] != first["Message-ID"]
    assert number in second["Subject"]
    assert second["Reply-To"] == first["Reply-To"]
    assert (first["Date"].datetime, second["Date"].datetime) == (NOON, NOON + LEASE)
    assert "> Ну удалите же\n" in body(second)
    assert "> Удалите мои данные\n" not in body(second)


def test_the_letter_of_added_words_is_the_same_each_time(tickets: Tickets) -> None:
    tickets.open(AIGUL, NOON)
    ticket, _ = tickets.open(AIGUL_AGAIN, NOON + LEASE)
    for _ in range(2):
        delivery = tickets.claim(NOON + LEASE, LEASE, ("mail",))
    assert delivery is not None
    assert delivery.body["template"] == "added"
    letters = [
        compose_for(delivery, ticket, SHOPS["protorg"], WORDS.word, SENDER, replies_are_read=True).as_bytes()
        for _ in range(2)
    ]
    assert letters[0] == letters[1]


@pytest.mark.parametrize("deed", ["replied", "withdrawn", "reopened", "reminded"])
async def test_whatever_happens_later_comes_in_the_thread_of_the_clerks_own_mail(tickets: Tickets, deed: str) -> None:
    ticket = tickets.open(replace(AIGUL, deadline=NOON.date()), NOON)[0]
    origin = Origin("<olga@protorg.kz>", "<olga@protorg.kz>", "olga@protorg.kz")
    tickets.receive(ticket.number, "question" if deed == "replied" else "accepted", "Какая почта?", NOON, origin)
    if deed == "replied":
        tickets.write(ticket.number, ticket.chat, "эта", NOON)
    elif deed == "reminded":
        tickets.strike(tickets.still_open()[0], deed, NOON)
    else:
        tickets.withdraw(ticket.number, ticket.chat, NOON)
    if deed == "reopened":
        tickets.reopen(ticket.number, ticket.chat, NOON)
    async with smtp_server() as server:
        await deliver_all(tickets, mailman(tickets, server.url))
        letters = [each.letter for each in server.delivered]
    assert letters[-1]["In-Reply-To"] == "<olga@protorg.kz>"
    assert letters[-1]["References"].split() == [letters[0]["Message-ID"], "<olga@protorg.kz>"]
    assert letters[-1]["Subject"] == letters[0]["Subject"]
    assert letters[-1]["Reply-To"] == letters[0]["Reply-To"]


# the loop


@dataclass
class Post:
    """A running loop: what wakes it, the time that it sees, and tickets whose letters were tried."""

    wake: asyncio.Event = field(default_factory=asyncio.Event)
    tried: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    now: datetime = NOON

    async def next_try(self) -> str:
        """Wait until the loop is done with a letter, well or badly."""
        async with asyncio.timeout(3):
            return await self.tried.get()


@asynccontextmanager
async def running_post(tickets: Tickets, server: SmtpServer) -> AsyncIterator[Post]:
    post, mail = Post(), mailman(tickets, server.url)["mail"]

    async def deliver(delivery: Delivery) -> None:
        try:
            await mail(delivery)
        finally:
            post.tried.put_nowait(delivery.ticket)

    loop = asyncio.create_task(deliver_forever(tickets, {"mail": deliver}, lambda: post.now, post.wake))
    try:
        yield post
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop


async def test_the_loop_delivers_what_waited_before_it_began(tickets: Tickets, path: Path) -> None:
    number = tickets.open(AIGUL, NOON)[0].number
    async with smtp_server() as server, running_post(tickets, server) as post:
        assert await post.next_try() == number
    assert arrived(server) == [number]
    assert states(path) == [(number, "sent")]


async def test_a_woken_loop_delivers_at_once(tickets: Tickets) -> None:
    async with smtp_server() as server, running_post(tickets, server) as post:
        for draft in (AIGUL, DANIYAR):
            number = tickets.open(draft, NOON)[0].number
            post.wake.set()
            assert await post.next_try() == number
    assert arrived(server) == ["PRO-2026-000001", "ALU-2026-000001"]


async def test_the_loop_outlives_a_refusal_and_sends_the_letters_when_their_time_comes(
    tickets: Tickets, path: Path
) -> None:
    numbers = [tickets.open(draft, NOON)[0].number for draft in (AIGUL, DANIYAR)]
    async with smtp_server() as server:
        server.refuse = {"RCPT": "451 4.3.0 later"}
        async with running_post(tickets, server) as post:
            assert [await post.next_try(), await post.next_try()] == numbers
            assert server.delivered == []
            assert states(path) == [(number, "waiting") for number in numbers]
            server.refuse, post.now = {}, NOON + timedelta(seconds=5)
            post.wake.set()
            assert [await post.next_try(), await post.next_try()] == numbers
    assert arrived(server) == numbers
    assert states(path) == [(number, "sent") for number in numbers]


async def test_logs_name_tickets_and_never_customers(tickets: Tickets, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tickets.open(AIGUL, NOON)
    async with smtp_server() as server:
        server.refuse = {"RCPT": "451 4.3.0 later"}
        await deliver_one(tickets, mailman(tickets, server.url), NOON)
        server.refuse = {}
        await deliver_one(tickets, mailman(tickets, server.url), NOON + LEASE)
    ours = [each.getMessage() for each in caplog.records if each.name.startswith("bot")]
    assert len(ours) == 2
    assert all("PRO-2026-000001" in line for line in ours)
    for personal in (AIGUL.contact, AIGUL.words, AIGUL.details, AIGUL.chat):
        assert personal not in caplog.text
