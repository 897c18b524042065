"""What is due about deadlines is told once, whoever looks and however often."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import clerk
import pytest
from click.testing import CliRunner
from test_tickets import NOON, WISH, refuse_inserts, rows, run

from bot.__main__ import main
from bot.clock import tick
from bot.register import Ticket
from bot.tickets import Tickets

LAST_DAY = date(2026, 12, 21)
DAY = timedelta(days=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "konfident.db"


@pytest.fixture
def tickets(path: Path) -> Iterator[Tickets]:
    with closing(Tickets(path)) as opened:
        yield opened


@pytest.fixture
def ticket(tickets: Tickets) -> Ticket:
    assert WISH.deadline == LAST_DAY
    return tickets.open(WISH, NOON)[0]


def on(day: date) -> datetime:
    return NOON + (day - NOON.date())


def told(tickets: Tickets, ticket: Ticket) -> list[str]:
    return [event.what for event in tickets.events(ticket.number) if event.actor == "system"]


def test_a_month_of_minutes_tells_each_thing_once(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    for day in range(40):
        tick(tickets, NOON + day * DAY)
        with closing(Tickets(path)) as after_a_restart:
            assert tick(after_a_restart, NOON + day * DAY) == 0
    assert told(tickets, ticket) == ["reminded", "due", "overdue"]
    letters = rows(path, "SELECT body FROM outbox WHERE channel = 'mail' ORDER BY id")
    assert ["reminder" in row["body"] for row in letters] == [False, True]


@pytest.mark.parametrize(
    ("day", "things"),
    [
        (LAST_DAY - 4 * DAY, []),
        (LAST_DAY - 3 * DAY, ["reminded"]),
        (LAST_DAY - DAY, ["reminded"]),
        (LAST_DAY, ["due"]),
        (LAST_DAY + DAY, ["due", "overdue"]),
    ],
)
def test_after_a_long_sleep_only_what_still_helps_is_told(
    tickets: Tickets, ticket: Ticket, day: date, things: list[str]
) -> None:
    assert tick(tickets, on(day)) == len(things)
    assert told(tickets, ticket) == things


@pytest.mark.parametrize("verdict", ["answer", "question", "done", "refused", "closed"])
def test_nothing_is_told_while_it_is_not_the_shops_turn(tickets: Tickets, ticket: Ticket, verdict: str) -> None:
    clerk.says(tickets, ticket.number, verdict, "Слово.", NOON)
    assert tick(tickets, on(LAST_DAY + DAY)) == 0


def test_a_deadline_that_moved_is_reminded_of_anew(tickets: Tickets, ticket: Ticket) -> None:
    tick(tickets, on(LAST_DAY - DAY))
    clerk.says(tickets, ticket.number, "question", "Какая почта?", on(LAST_DAY - DAY))
    tickets.write(ticket.number, ticket.chat, "aigul@work.kz", on(LAST_DAY + 9 * DAY))
    moved = tickets.ticket(ticket.number)
    assert moved is not None
    assert moved.deadline == LAST_DAY + 10 * DAY
    assert tick(tickets, on(LAST_DAY + 9 * DAY)) == 1
    assert told(tickets, ticket) == ["reminded", "reminded"]


def test_a_short_deadline_is_not_reminded_of_on_the_day_of_the_request(tickets: Tickets) -> None:
    tickets.open(replace(WISH, deadline=NOON.date() + 2 * DAY), NOON)
    assert tick(tickets, NOON) == 0
    assert tick(tickets, NOON + DAY) == 1


def test_a_request_without_a_deadline_or_an_address_has_nothing_to_be_reminded_of(tickets: Tickets) -> None:
    tickets.open(replace(WISH, deadline=None, deadline_source=""), NOON)
    tickets.open(replace(WISH, form="2", kind="block", route=""), NOON)
    assert tick(tickets, on(LAST_DAY - DAY)) == 0


def test_what_cannot_be_told_is_not_recorded_and_told_later(tickets: Tickets, ticket: Ticket, path: Path) -> None:
    refuse_inserts(path, "outbox")
    with pytest.raises(sqlite3.IntegrityError):
        tick(tickets, on(LAST_DAY))
    assert told(tickets, ticket) == []
    run(path, "DROP TRIGGER full")
    assert tick(tickets, on(LAST_DAY)) == 1


def test_the_command_line_lists_what_is_overdue(tickets: Tickets, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = NOON - 3000 * DAY
    tickets.open(replace(WISH, deadline=long_ago.date()), long_ago)
    tickets.open(replace(WISH, form="2", kind="block", deadline=date(9999, 1, 1)), NOON)
    monkeypatch.setenv("DATA_DIR", str(path.parent))
    late, other = CliRunner().invoke(main, ["tickets", "list"], catch_exceptions=False).output.splitlines()
    assert late.endswith("просрочено")
    assert "9999-01-01" in other
    assert "просрочено" not in other
