"""A wish is kept before it is confirmed, found only by its own chat, and delivered until it has arrived."""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import clerk
import pytest
from sqlite_utils import Database

from bot.database import migrations
from bot.outbox import Delivery
from bot.register import Draft, first_letter_id
from bot.tickets import Origin, Tickets

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEASE = timedelta(minutes=2)
MAIL = ("mail",)
TABLES = ("tickets", "events", "outbox", "numbers", "chats", "letters_in", "cards")

# Aigul asks protorg to delete her data; Daniyar, another customer, must never see that; Olga is the shop's clerk.
AIGUL, DANIYAR = "tg:1001", "tg:2002"
WISH = Draft(
    shop="protorg",
    prefix="PRO",
    kind="delete",
    chat=AIGUL,
    form="aigul-1",
    contact="aigul@example.kz",
    identity="typed",
    words="Удалите мои данные",
    details="заказ 1204",
    clause="5.3",
    clause_text="Персональные данные могут быть переданы.",
    edition="23 апреля 2020 г.",
    route="info@protorg.kz",
    route_source="9.3",
    deadline=date(2026, 12, 21),
    deadline_source="8.2",
)
AGAIN = replace(WISH, form="aigul-2", words="Ну удалите же", details="")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "konfident.db"


@pytest.fixture
def tickets(path: Path) -> Iterator[Tickets]:
    with closing(Tickets(path)) as opened:
        yield opened


@pytest.fixture
def other_bot(tickets: Tickets, path: Path) -> Iterator[Tickets]:
    """Open the same file a second time, as another process does."""
    assert tickets
    with closing(Tickets(path)) as opened:
        yield opened


def rows(path: Path, sql: str) -> list[sqlite3.Row]:
    """What anybody else reads in the file."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(sql).fetchall()


def run(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql)


def refuse_inserts(path: Path, table: str) -> None:
    """Let every new row of a table fail, as a full disk would."""
    run(path, f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END")


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything that is kept, to be compared."""
    return {table: [tuple(row) for row in rows(path, f"SELECT * FROM {table}")] for table in TABLES}  # noqa: S608


def letters(path: Path) -> list[str]:
    """The bodies of all letters, sent or not, in order."""
    return [row["body"] for row in rows(path, "SELECT body FROM outbox WHERE channel = 'mail' ORDER BY id")]


def record(tickets: Tickets, number: str) -> list[tuple[str, str]]:
    return [(event.actor, event.what) for event in tickets.events(number)]


def claimed(tickets: Tickets, now: datetime = NOON, channels: tuple[str, ...] = MAIL) -> Delivery:
    delivery = tickets.claim(now, LEASE, channels)
    assert delivery is not None
    return delivery


def waiting(path: Path, channel: str) -> list[str]:
    sql = f"SELECT body FROM outbox WHERE state = 'waiting' AND channel = '{channel}' ORDER BY id"  # noqa: S608
    return [row["body"] for row in rows(path, sql)]


# opening


def test_a_wish_is_on_disk_with_event_letter_and_card_before_its_number_is_told(tickets: Tickets, path: Path) -> None:
    ticket, is_new = tickets.open(WISH, NOON)
    assert (ticket.number, is_new) == ("PRO-2026-000001", True)
    assert [row["number"] for row in rows(path, "SELECT number FROM tickets")] == ["PRO-2026-000001"]
    assert [(row["ticket"], row["what"]) for row in rows(path, "SELECT * FROM events")] == [(ticket.number, "opened")]
    outbox = [(row["ticket"], row["channel"], row["state"]) for row in rows(path, "SELECT * FROM outbox ORDER BY id")]
    assert outbox == [(ticket.number, "mail", "waiting"), (ticket.number, "staff", "waiting")]


def test_a_ticket_comes_back_from_the_file_as_it_was_given(tickets: Tickets, other_bot: Tickets) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    assert other_bot.ticket(ticket.number) == ticket
    told = {name: value for name, value in vars(WISH).items() if name not in {"prefix", "files"}}
    assert {name: value for name, value in vars(ticket).items() if name in told} == told
    assert (ticket.status, ticket.opened, ticket.updated) == ("opened", NOON, NOON)
    assert tickets.ticket("PRO-2026-000002") is None


def test_a_ticket_without_a_deadline_comes_back_without_one(tickets: Tickets) -> None:
    ticket, _ = tickets.open(replace(WISH, deadline=None, deadline_source=""), NOON)
    assert tickets.ticket(ticket.number) == ticket
    assert ticket.deadline is None


@pytest.mark.parametrize("table", ["tickets", "events", "outbox"])
def test_when_a_part_cannot_be_written_nothing_of_the_ticket_remains(tickets: Tickets, path: Path, table: str) -> None:
    before = contents(path)
    refuse_inserts(path, table)
    with pytest.raises(sqlite3.IntegrityError, match="full"):
        tickets.open(WISH, NOON)
    assert contents(path) == before

    run(path, "DROP TRIGGER full")
    ticket, is_new = tickets.open(WISH, NOON)
    assert (ticket.number, is_new) == ("PRO-2026-000001", True)


def test_a_shop_without_an_address_gets_a_card_and_no_letter(tickets: Tickets, path: Path) -> None:
    tickets.open(replace(WISH, shop="jetu", prefix="JET", route="", route_source=""), NOON)
    assert letters(path) == []
    assert len(waiting(path, "staff")) == 1


def test_numbers_count_by_themselves_for_each_prefix_and_year(tickets: Tickets) -> None:
    new_year = datetime(2027, 1, 1, tzinfo=UTC)
    opened = [
        tickets.open(replace(WISH, form=form, chat=form, prefix=prefix), at)[0].number
        for form, prefix, at in [
            ("a", "PRO", NOON),
            ("b", "ALU", NOON),
            ("c", "PRO", NOON),
            ("d", "PRO", new_year),
            ("e", "ALU", new_year),
            ("f", "PRO", NOON),
        ]
    ]
    assert opened == [
        "PRO-2026-000001",
        "ALU-2026-000001",
        "PRO-2026-000002",
        "PRO-2027-000001",
        "ALU-2027-000001",
        "PRO-2026-000003",
    ]


def test_two_bots_never_give_the_same_number(path: Path) -> None:
    Tickets(path).close()

    def bot(name: str) -> list[str]:
        with closing(Tickets(path)) as own:
            drafts = [replace(WISH, form=f"{name}-{n}", chat=f"{name}-{n}") for n in range(15)]
            return [own.open(draft, NOON)[0].number for draft in drafts]

    with ThreadPoolExecutor(2) as pool:
        numbers = [number for given in pool.map(bot, ("one", "two")) for number in given]
    assert sorted(numbers) == [f"PRO-2026-{n:06d}" for n in range(1, 31)]


def test_the_same_form_sent_twice_is_one_ticket_and_one_letter(
    tickets: Tickets, other_bot: Tickets, path: Path
) -> None:
    first, _ = tickets.open(WISH, NOON)
    before = contents(path)
    assert other_bot.open(WISH, NOON + LEASE) == (first, False)
    assert contents(path) == before


def test_the_same_form_sent_after_closing_opens_nothing_again(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    clerk.close(tickets, ticket.number, NOON)
    before = contents(path)
    again, is_new = tickets.open(WISH, NOON + LEASE)
    assert (again.number, again.status, is_new) == (ticket.number, "closed", False)
    assert contents(path) == before


# the same wish again


def test_a_wish_repeated_while_one_is_open_is_added_not_doubled(tickets: Tickets, path: Path) -> None:
    first, _ = tickets.open(WISH, NOON)
    again, is_new = tickets.open(AGAIN, NOON + LEASE)
    assert (again.number, is_new) == (first.number, False)
    assert len(tickets.listed()) == 1
    assert record(tickets, first.number) == [("customer", "opened"), ("customer", "added")]
    assert "Ну удалите же" in tickets.events(first.number)[-1].text
    assert len(letters(path)) == 2
    assert "Ну удалите же" in letters(path)[1]


def test_the_added_words_are_dated_and_the_first_ones_stay(tickets: Tickets) -> None:
    first, _ = tickets.open(WISH, NOON)
    tickets.open(AGAIN, NOON + LEASE)
    kept = tickets.ticket(first.number)
    assert kept is not None
    assert (kept.words, kept.details, kept.opened) == (WISH.words, WISH.details, NOON)
    assert kept.updated == NOON + LEASE


def test_the_same_addition_twice_is_one_addition(tickets: Tickets, path: Path) -> None:
    tickets.open(WISH, NOON)
    tickets.open(AGAIN, NOON)
    before = contents(path)
    tickets.open(replace(AGAIN, form="aigul-3"), NOON + LEASE)
    assert contents(path) == before


def test_when_the_letter_of_an_addition_cannot_be_kept_the_ticket_stays_as_it_was(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    before = contents(path)
    refuse_inserts(path, "outbox")
    with pytest.raises(sqlite3.IntegrityError):
        tickets.open(AGAIN, NOON + LEASE)
    assert contents(path) == before

    run(path, "DROP TRIGGER full")
    tickets.open(AGAIN, NOON + LEASE)
    assert record(tickets, ticket.number)[-1] == ("customer", "added")
    assert len(letters(path)) == 2


@pytest.mark.parametrize(("verdict", "status"), [("accepted", "taken"), ("answer", "taken"), ("question", "asked")])
def test_a_wish_is_still_added_while_olga_works_on_it(tickets: Tickets, verdict: str, status: str) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    assert clerk.says(tickets, ticket.number, verdict, "Ищем", NOON)
    again, is_new = tickets.open(AGAIN, NOON)
    assert (again.number, again.status, is_new) == (ticket.number, status, False)


def test_after_closing_the_same_wish_is_a_new_ticket(tickets: Tickets) -> None:
    first, _ = tickets.open(WISH, NOON)
    clerk.close(tickets, first.number, NOON)
    second, is_new = tickets.open(AGAIN, NOON)
    assert (second.number, is_new) == ("PRO-2026-000002", True)
    assert second.token != first.token


@pytest.mark.parametrize(
    "other",
    [
        replace(AGAIN, kind="complain"),
        replace(AGAIN, chat=DANIYAR),
        replace(AGAIN, shop="allurauto", prefix="ALU"),
    ],
    ids=["another wish", "another chat", "another shop"],
)
def test_what_is_not_the_same_wish_gets_its_own_ticket(tickets: Tickets, other: Draft) -> None:
    first, _ = tickets.open(WISH, NOON)
    second, is_new = tickets.open(other, NOON)
    assert is_new
    assert second.number != first.number
    assert record(tickets, first.number) == [("customer", "opened")]


def test_a_second_question_is_a_ticket_of_its_own(tickets: Tickets) -> None:
    first, _ = tickets.open(replace(WISH, kind="question"), NOON)
    second, is_new = tickets.open(replace(AGAIN, kind="question"), NOON)
    assert is_new
    assert second.number != first.number


# who sees what


def test_daniyar_never_sees_aiguls_ticket(tickets: Tickets) -> None:
    hers, _ = tickets.open(WISH, NOON)
    assert tickets.of_chat(DANIYAR) == []
    his, _ = tickets.open(replace(WISH, chat=DANIYAR, form="daniyar-1", words="И мои"), NOON)
    assert tickets.of_chat(DANIYAR) == [his]
    assert tickets.of_chat(AIGUL) == [hers]


def test_a_chat_whose_name_begins_alike_is_another_chat(tickets: Tickets) -> None:
    tickets.open(WISH, NOON)
    assert tickets.of_chat(AIGUL[:-1]) == []
    assert tickets.of_chat("%") == []
    assert tickets.of_chat("") == []


def test_a_customer_sees_the_newest_request_first(tickets: Tickets) -> None:
    for n, kind in enumerate(("delete", "complain", "access")):
        tickets.open(replace(WISH, kind=kind, form=kind), NOON + n * LEASE)
    tickets.open(replace(WISH, kind="block", form="block"), NOON + 2 * LEASE)
    assert [ticket.kind for ticket in tickets.of_chat(AIGUL)] == ["block", "access", "complain", "delete"]


def test_olga_lists_all_requests_or_one_shops_oldest_first(tickets: Tickets) -> None:
    tickets.open(replace(WISH, kind="complain", form="late"), NOON + LEASE)
    tickets.open(WISH, NOON)
    tickets.open(replace(WISH, shop="allurauto", prefix="ALU", form="x"), NOON + 2 * LEASE)
    assert [ticket.kind for ticket in tickets.listed("protorg")] == ["delete", "complain"]
    assert [ticket.shop for ticket in tickets.listed()] == ["protorg", "protorg", "allurauto"]
    assert tickets.listed("jetu") == []


def test_every_ticket_has_a_token_that_nobody_guesses(tickets: Tickets) -> None:
    drafts = [replace(WISH, form=str(n), chat=str(n)) for n in range(20)]
    tokens = {tickets.open(draft, NOON)[0].token for draft in drafts}
    assert len(tokens) == 20
    assert min(map(len, tokens)) >= 16


# Olga's work


def test_a_ticket_is_taken_once(tickets: Tickets, other_bot: Tickets) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    assert clerk.take(tickets, ticket.number, NOON + LEASE)
    assert not clerk.take(other_bot, ticket.number, NOON + LEASE)
    kept = tickets.ticket(ticket.number)
    assert kept is not None
    assert (kept.status, kept.updated) == ("taken", NOON + LEASE)
    assert record(tickets, ticket.number) == [("customer", "opened"), ("shop", "taken")]


def test_olgas_answer_is_recorded_and_goes_to_the_customer(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    assert clerk.answer(tickets, ticket.number, "Удалили", NOON + LEASE)
    kept = tickets.ticket(ticket.number)
    assert kept is not None
    assert kept.status == "answered"
    event = tickets.events(ticket.number)[-1]
    assert (event.actor, event.what, event.text, event.at) == ("shop", "answered", "Удалили", NOON + LEASE)
    assert ["Удалили" in body for body in waiting(path, "chat")] == [True]


def test_when_the_message_cannot_be_kept_the_answer_is_not_recorded(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    before = contents(path)
    refuse_inserts(path, "outbox")
    with pytest.raises(sqlite3.IntegrityError):
        clerk.answer(tickets, ticket.number, "Удалили", NOON + LEASE)
    with pytest.raises(sqlite3.IntegrityError):
        clerk.close(tickets, ticket.number, NOON + LEASE)
    assert contents(path) == before


def test_a_ticket_is_closed_once_and_the_customer_is_told_once(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    assert clerk.close(tickets, ticket.number, NOON)
    assert not clerk.close(tickets, ticket.number, NOON)
    assert not clerk.take(tickets, ticket.number, NOON)
    assert record(tickets, ticket.number) == [("customer", "opened"), ("shop", "closed")]
    assert len(waiting(path, "chat")) == 1


def test_an_answer_to_a_closed_ticket_reaches_the_customer_and_keeps_it_closed(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    clerk.close(tickets, ticket.number, NOON)
    assert clerk.answer(tickets, ticket.number, "Нашли ещё одну запись и удалили", NOON)
    kept = tickets.ticket(ticket.number)
    assert kept is not None
    assert kept.status == "closed"
    assert record(tickets, ticket.number)[-1] == ("shop", "answered")
    assert "Нашли ещё одну запись" in waiting(path, "chat")[-1]


def test_nothing_is_done_to_a_ticket_that_does_not_exist(tickets: Tickets, path: Path) -> None:
    before = contents(path)
    assert not clerk.take(tickets, "PRO-2026-000009", NOON)
    assert not clerk.answer(tickets, "PRO-2026-000009", "Да", NOON)
    assert not clerk.close(tickets, "PRO-2026-000009", NOON)
    assert contents(path) == before


# the outbox


def test_a_claimed_letter_is_nobody_elses_until_its_lease_ends(tickets: Tickets, other_bot: Tickets) -> None:
    tickets.open(WISH, NOON)
    mine = claimed(tickets)
    assert other_bot.claim(NOON, LEASE, MAIL) is None
    assert other_bot.claim(NOON + LEASE - timedelta(seconds=1), LEASE, MAIL) is None
    assert claimed(other_bot, NOON + LEASE) == mine
    assert tickets.claim(NOON + LEASE, LEASE, MAIL) is None


def test_two_bots_at_once_claim_each_letter_once(path: Path) -> None:
    with closing(Tickets(path)) as tickets:
        for n in range(30):
            tickets.open(replace(WISH, form=str(n), chat=str(n)), NOON)

    def claim_all(_bot: int) -> list[int]:
        with closing(Tickets(path)) as own:
            return [found.id for found in iter(lambda: own.claim(NOON, LEASE, MAIL), None)]

    with ThreadPoolExecutor(2) as pool:
        claims = [found for each in pool.map(claim_all, range(2)) for found in each]
    assert len(claims) == len(set(claims)) == 30


def test_a_file_is_read_while_another_writes_to_it(tickets: Tickets, other_bot: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    assert rows(path, "PRAGMA journal_mode")[0][0] == "wal"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE tickets SET status = 'closed'")
        assert other_bot.ticket(ticket.number) == ticket
        writer.execute("ROLLBACK")


def test_the_letter_that_is_due_first_is_claimed_first(tickets: Tickets) -> None:
    for n in (2, 0, 1):
        tickets.open(replace(WISH, form=str(n), chat=str(n)), NOON + timedelta(seconds=n))
    later = NOON + timedelta(seconds=2)
    order = [claimed(tickets, later).ticket for _ in range(3)]
    assert order == ["PRO-2026-000002", "PRO-2026-000003", "PRO-2026-000001"]


def test_only_the_named_channels_are_claimed(tickets: Tickets) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    assert tickets.claim(NOON, LEASE, ("chat",)) is None
    assert claimed(tickets, channels=("chat", "staff")).channel == "staff"
    clerk.answer(tickets, ticket.number, "Да", NOON)
    assert claimed(tickets, channels=("chat",)).body["text"] == "Да"
    assert claimed(tickets).channel == "mail"


def test_a_letter_is_not_claimed_before_it_is_due(tickets: Tickets) -> None:
    tickets.open(WISH, NOON)
    assert tickets.claim(NOON - timedelta(seconds=1), LEASE, MAIL) is None


def test_the_first_letters_name_is_made_with_the_ticket(tickets: Tickets) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    assert claimed(tickets).message_id == first_letter_id(ticket)


def test_every_row_has_a_name_of_its_own(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    tickets.open(AGAIN, NOON)
    clerk.answer(tickets, ticket.number, "Да", NOON)
    names = [row["message_id"] for row in rows(path, "SELECT message_id FROM outbox")]
    assert len(names) == len(set(names)) == 7  # two letters, an answer, news of an addition and three cards


def test_a_sent_letter_is_never_claimed_again_and_the_record_names_it(tickets: Tickets) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    letter = claimed(tickets)
    tickets.mark_sent(letter, NOON + LEASE)
    assert tickets.claim(NOON + timedelta(days=30), LEASE, MAIL) is None
    event = tickets.events(ticket.number)[-1]
    assert (event.actor, event.what, event.text) == ("system", "letter sent", letter.message_id)


def test_a_card_for_the_staff_leaves_no_line_in_the_record(tickets: Tickets) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    tickets.mark_sent(claimed(tickets, channels=("staff",)), NOON)
    assert record(tickets, ticket.number) == [("customer", "opened")]


def test_each_failed_try_waits_twice_as_long_up_to_five_minutes(tickets: Tickets) -> None:
    tickets.open(WISH, NOON)
    now, pauses = NOON, []
    for attempt in range(9):
        letter = claimed(tickets, now)
        assert letter.attempts == attempt
        tickets.postpone(letter, "down", now)
        due = now
        while tickets.claim(due, timedelta(0), MAIL) is None:
            due += timedelta(seconds=1)
        pauses.append(due - now)
        now = due
    assert pauses == [timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 80, 160, 300, 300, 300)]


def test_a_letter_still_waits_five_minutes_after_a_week_of_tries(tickets: Tickets) -> None:
    tickets.open(WISH, NOON)
    tickets.postpone(replace(claimed(tickets), attempts=2000), "down", NOON)
    assert tickets.claim(NOON + timedelta(minutes=5) - timedelta(seconds=1), LEASE, MAIL) is None
    assert claimed(tickets, NOON + timedelta(minutes=5)).attempts == 2001


def test_a_postponed_letter_stays_the_same_letter_and_tells_why_it_waits(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    first = claimed(tickets)
    tickets.postpone(first, "mail.kz:25: connection refused", NOON)
    kept = rows(path, "SELECT * FROM outbox WHERE channel = 'mail'")[0]
    assert (kept["state"], kept["error"], kept["leased_until"]) == ("waiting", "mail.kz:25: connection refused", "")
    assert claimed(tickets, NOON + LEASE) == replace(first, attempts=1)
    assert record(tickets, ticket.number) == [("customer", "opened")]


def test_a_letter_that_left_after_all_keeps_no_old_error(tickets: Tickets, path: Path) -> None:
    tickets.open(WISH, NOON)
    tickets.postpone(claimed(tickets), "down", NOON)
    tickets.mark_sent(claimed(tickets, NOON + LEASE), NOON + LEASE)
    kept = rows(path, "SELECT * FROM outbox WHERE channel = 'mail'")[0]
    assert (kept["state"], kept["error"]) == ("sent", "")


def test_a_letter_refused_for_good_is_not_tried_again_and_the_staff_learns_of_it(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    tickets.mark_sent(claimed(tickets, channels=("staff",)), NOON)
    tickets.postpone(claimed(tickets), "550 no such box", NOON, permanent=True)
    assert tickets.claim(NOON + timedelta(days=30), LEASE, MAIL) is None
    kept = rows(path, "SELECT * FROM outbox WHERE channel = 'mail'")[0]
    assert (kept["state"], kept["error"]) == ("failed", "550 no such box")
    event = tickets.events(ticket.number)[-1]
    assert (event.actor, event.what, event.text) == ("system", "mail undelivered", "550 no such box")
    assert claimed(tickets, channels=("staff",)).body == {"response": "utter_staff_undelivered"}
    still_open = tickets.ticket(ticket.number)
    assert still_open is not None
    assert still_open.status == "opened"


def test_when_the_staff_cannot_be_told_the_letter_is_not_given_up(tickets: Tickets, path: Path) -> None:
    tickets.open(WISH, NOON)
    letter = claimed(tickets)
    before = contents(path)
    refuse_inserts(path, "outbox")
    with pytest.raises(sqlite3.IntegrityError):
        tickets.postpone(letter, "550 no such box", NOON, permanent=True)
    assert contents(path) == before
    assert claimed(tickets, NOON + LEASE) == letter


def test_a_customer_who_blocked_the_bot_is_recorded_and_the_staff_is_told(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    clerk.answer(tickets, ticket.number, "Удалили", NOON)
    cards = len(waiting(path, "staff"))
    message = claimed(tickets, channels=("chat",))
    tickets.postpone(message, "TelegramForbiddenError", NOON, permanent=True)
    assert record(tickets, ticket.number)[-1] == ("system", "chat undelivered")
    assert waiting(path, "chat") == []
    assert len(waiting(path, "staff")) == cards + 1


# chats


def test_a_chat_goes_on_after_a_restart_where_it_was(tickets: Tickets, other_bot: Tickets) -> None:
    state = {"greeted": True, "slots": {"shop": "protorg", "words": "Удалите «всё»"}, "tries": 1}
    assert tickets.chat_state(AIGUL) == {}
    tickets.keep_chat_state(AIGUL, state, NOON)
    assert other_bot.chat_state(AIGUL) == state
    assert other_bot.chat_state(DANIYAR) == {}


def test_a_new_state_replaces_the_old_one_of_that_chat_only(tickets: Tickets) -> None:
    tickets.keep_chat_state(AIGUL, {"form": "request_form", "tries": 1}, NOON)
    tickets.keep_chat_state(DANIYAR, {"greeted": True}, NOON)
    tickets.keep_chat_state(AIGUL, {"greeted": True}, NOON + LEASE)
    assert tickets.chat_state(AIGUL) == {"greeted": True}
    assert tickets.chat_state(DANIYAR) == {"greeted": True}


def test_an_empty_state_leaves_nothing_of_the_chat_behind(tickets: Tickets, path: Path) -> None:
    tickets.keep_chat_state(AIGUL, {"slots": {"contact": "aigul@example.kz"}}, NOON)
    tickets.keep_chat_state(DANIYAR, {"greeted": True}, NOON)
    tickets.keep_chat_state(AIGUL, {}, NOON)
    tickets.keep_chat_state("tg:3003", {}, NOON)
    assert tickets.chat_state(AIGUL) == {}
    assert [row["key"] for row in rows(path, "SELECT key FROM chats")] == [DANIYAR]


# what comes by mail

MAIL_OF_OLGA = Origin("<1@protorg.kz>", "<1@protorg.kz>", "olga@protorg.kz")


@pytest.mark.parametrize("verdict", ["answer", "question", "accepted", "done", "refused"])
def test_a_clerks_mail_acts_once_also_for_another_bot(
    tickets: Tickets, other_bot: Tickets, path: Path, verdict: str
) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    assert tickets.receive(ticket.number, verdict, "Удалили.", NOON, MAIL_OF_OLGA)
    before = contents(path)
    assert not other_bot.receive(ticket.number, verdict, "Удалили.", NOON, MAIL_OF_OLGA)
    assert not other_bot.bounced(ticket.number, "x", "5.1.1", NOON, MAIL_OF_OLGA)
    assert contents(path) == before
    assert [json.loads(body)["text"] for body in waiting(path, "chat")] == ["Удалили."]


@pytest.mark.parametrize("table", ["events", "outbox", "letters_in"])
def test_a_mail_that_cannot_be_written_whole_is_not_written_at_all(tickets: Tickets, path: Path, table: str) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    before = contents(path)
    refuse_inserts(path, table)
    with pytest.raises(sqlite3.IntegrityError, match="full"):
        tickets.receive(ticket.number, "done", "Удалили.", NOON, MAIL_OF_OLGA)
    assert contents(path) == before


def test_a_refusal_after_closing_still_reaches_the_customer(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    clerk.close(tickets, ticket.number, NOON)
    assert tickets.receive(ticket.number, "refused", "закон", NOON, MAIL_OF_OLGA)
    assert [body for body in waiting(path, "chat") if "закон" in body]
    assert len([body for body in waiting(path, "chat") if "utter_ticket_closed" in body]) == 1


def test_a_ticket_is_found_by_its_letters_and_its_token_and_by_nothing_else(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    clerk.answer(tickets, ticket.number, "Скоро.", NOON)
    assert tickets.by_letter(first_letter_id(ticket)) == tickets.by_token(ticket.token) == tickets.ticket(ticket.number)
    chat_row = rows(path, "SELECT message_id FROM outbox WHERE channel = 'chat'")[0]["message_id"]
    for other in ("", ticket.number, chat_row):
        assert tickets.by_letter(other) is None
        assert tickets.by_token(other) is None


def test_a_file_of_an_older_release_learns_to_take_mail_in(path: Path) -> None:
    with closing(Tickets(path)) as tickets:
        ticket, _ = tickets.open(WISH, NOON)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "DROP TABLE letters_in; DROP INDEX idx_outbox_message_id; DROP INDEX idx_tickets_token;"
            "DELETE FROM _sqlite_migrations WHERE name = 'take_letters_in'"
        )
    with closing(Tickets(path)) as tickets:
        assert tickets.receive(ticket.number, "answer", "Удалили.", NOON, MAIL_OF_OLGA)


# the customer's own deeds


def test_words_go_to_the_shop_as_an_answer_where_it_asked_and_as_an_addition_else(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    assert tickets.write(ticket.number, AIGUL, "и почту", NOON) == "added"
    clerk.says(tickets, ticket.number, "question", "Какую?", NOON)
    assert tickets.write(ticket.number, AIGUL, "рабочую", NOON) == "replied"
    assert [json.loads(body)["template"] for body in letters(path)] == ["request", "added", "replied"]
    kept = tickets.ticket(ticket.number)
    assert kept is not None
    assert kept.status == "taken"
    assert record(tickets, ticket.number)[1:] == [("customer", "added"), ("shop", "asked"), ("customer", "replied")]


def test_nobody_but_its_own_chat_does_anything_to_a_ticket(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    before = contents(path)
    assert not tickets.write(ticket.number, DANIYAR, "я тут", NOON)
    assert not tickets.withdraw(ticket.number, DANIYAR, NOON)
    assert contents(path) == before
    tickets.withdraw(ticket.number, AIGUL, NOON)
    assert not tickets.reopen(ticket.number, DANIYAR, NOON)


@pytest.mark.parametrize("verdict", ["done", "refused", "closed"])
def test_an_ended_request_is_opened_again_within_two_weeks_and_only_once(tickets: Tickets, verdict: str) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    assert not tickets.reopen(ticket.number, AIGUL, NOON), "it has not ended"
    clerk.says(tickets, ticket.number, verdict, "Так.", NOON)
    assert not tickets.write(ticket.number, AIGUL, "нет", NOON)
    assert not tickets.withdraw(ticket.number, AIGUL, NOON)
    assert not tickets.reopen(ticket.number, AIGUL, NOON + timedelta(days=14, seconds=1))
    assert tickets.reopen(ticket.number, AIGUL, NOON + timedelta(days=14))
    assert not tickets.reopen(ticket.number, AIGUL, NOON + timedelta(days=14))
    kept = tickets.ticket(ticket.number)
    assert kept is not None
    assert (kept.status, kept.ended, kept.stopped) == ("opened", None, None)
    assert kept.deadline == date(2027, 1, 4), "the two weeks in between do not count"


def test_a_withdrawn_request_is_nothing_the_clerk_is_asked_to_do_any_more(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    assert tickets.withdraw(ticket.number, AIGUL, NOON)
    assert not tickets.withdraw(ticket.number, AIGUL, NOON)
    assert not clerk.take(tickets, ticket.number, NOON)
    assert tickets.still_open() == []
    assert "withdrawn" in letters(path)[-1]
    assert waiting(path, "chat") == []


def test_when_the_shop_cannot_be_told_nothing_is_withdrawn(tickets: Tickets, path: Path) -> None:
    ticket, _ = tickets.open(WISH, NOON)
    before = contents(path)
    refuse_inserts(path, "outbox")
    with pytest.raises(sqlite3.IntegrityError):
        tickets.withdraw(ticket.number, AIGUL, NOON)
    assert contents(path) == before


# the file


def test_a_file_of_the_release_before_keeps_its_tickets(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        migrations.apply(Database(db), stop_before="follow_a_ticket_to_its_end")
        db.execute(
            "INSERT INTO tickets (number, shop, kind, chat, status, contact, deadline, opened, updated, token, form)"
            " VALUES ('PRO-2026-000007', 'protorg', 'delete', 'tg:1001', 'opened', '', '2026-12-21', ?, ?, 't', 'f')",
            [NOON.isoformat(), NOON.isoformat()],
        )
        db.execute(
            "INSERT INTO events (ticket, at, actor, what) SELECT number, opened, 'customer', 'opened' FROM tickets"
        )
        db.commit()
    with closing(Tickets(path)) as tickets:
        assert clerk.says(tickets, "PRO-2026-000007", "question", "Какая почта?", NOON)
        assert tickets.write("PRO-2026-000007", AIGUL, "эта", NOON) == "replied"
        assert [event.who for event in tickets.events("PRO-2026-000007")] == ["", "olga@protorg.kz", ""]


def test_a_second_open_finds_everything_and_changes_nothing(path: Path) -> None:
    with closing(Tickets(path)) as first:
        ticket, _ = first.open(WISH, NOON)
        first.keep_chat_state(AIGUL, {"greeted": True}, NOON)
    before = contents(path)
    applied = rows(path, "SELECT migration_set, name, applied_at FROM _sqlite_migrations")
    with closing(Tickets(path)) as second:
        assert second.ticket(ticket.number) == ticket
        assert second.chat_state(AIGUL) == {"greeted": True}
    assert contents(path) == before
    assert rows(path, "SELECT migration_set, name, applied_at FROM _sqlite_migrations") == applied


def test_the_folder_of_the_file_is_made(tmp_path: Path) -> None:
    Tickets(tmp_path / "var" / "deep" / "konfident.db").close()
    assert (tmp_path / "var" / "deep" / "konfident.db").is_file()


def test_a_closed_program_leaves_one_file_that_can_be_copied(path: Path) -> None:
    with closing(Tickets(path)) as tickets:
        tickets.open(WISH, NOON)
    assert [file.name for file in path.parent.iterdir()] == ["konfident.db"]
