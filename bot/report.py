"""For owners: questions on which a policy was silent with the shop's answers, and the register of all requests."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from bot.deadlines import local_day
from bot.mail import render
from bot.register import Ticket
from bot.tickets import Tickets

REGISTER = (
    "number", "shop", "kind", "status", "opened", "updated", "ended", "deadline", "deadline_source", "edition",
    "clause", "identity", "route", "route_source",
)  # fmt: skip
REGISTER_PERSONAL = ("contact", "words", "details", "chat")
_FORMULA = re.compile(r"[=@\t\r]|[-+](?!\d+$)")
_ANSWERS = frozenset({"answered", "done"})


@dataclass(frozen=True)
class Answered:
    """A customer's question to a shop and what the shop wrote."""

    shop: str
    number: str
    asked: date
    question: str
    answers: tuple[tuple[date, str], ...]


def answered_questions(tickets: Tickets, shop: str = "") -> list[Answered]:
    """All questions with an answer, of a shop or of all, the oldest first; what was erased is not told."""
    found = (_answered(tickets, ticket) for ticket in tickets.listed(shop) if ticket.kind == "question")
    return [each for each in found if each.question and each.answers]


def as_text(answered: list[Answered], names: Mapping[str, str]) -> str:
    """For an owner to read; `names` of shops by id."""
    by_shop: dict[str, list[Answered]] = {}
    for each in answered:
        by_shop.setdefault(names.get(each.shop, each.shop), []).append(each)
    return render("report.txt", {"shops": by_shop})


def as_list(answered: list[Answered]) -> list[dict[str, Any]]:
    """For a program: dates as YYYY-MM-DD."""
    return [
        {
            **asdict(each),
            "asked": each.asked.isoformat(),
            "answers": [{"date": day.isoformat(), "text": text} for day, text in each.answers],
        }
        for each in answered
    ]


def register(tickets: Tickets, shop: str = "") -> Iterator[dict[str, str]]:
    """Rows of REGISTER and REGISTER_PERSONAL, oldest first; no cell is a formula to a spreadsheet."""
    for ticket in tickets.listed(shop):
        yield {name: _cell(getattr(ticket, name)) for name in REGISTER + REGISTER_PERSONAL}


def _cell(value: Any) -> str:
    text = value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value or "")
    return f"'{text}" if _FORMULA.match(text) else text


def _answered(tickets: Tickets, ticket: Ticket) -> Answered:
    events = [event for event in tickets.events(ticket.number) if event.actor == "shop" and event.what in _ANSWERS]
    answers = tuple((event.at.date(), event.text) for event in events if event.text)
    question = ticket.details or ticket.words
    return Answered(ticket.shop, ticket.number, local_day(ticket.opened), question, answers)
