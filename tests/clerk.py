"""Olga the clerk, whose words come in one after another: each deed is a mail of its own."""

from datetime import datetime
from itertools import count

from bot.tickets import Origin, Tickets

_MAILS = count(1)


def says(tickets: Tickets, number: str, verdict: str, text: str, now: datetime) -> bool:
    """Send a word about a request; False when it changes nothing."""
    return tickets.receive(
        number, verdict, text, now, Origin(f"<olga-{next(_MAILS)}@protorg.kz>", "", "olga@protorg.kz")
    )


def take(tickets: Tickets, number: str, now: datetime) -> bool:
    return says(tickets, number, "accepted", "", now)


def answer(tickets: Tickets, number: str, text: str, now: datetime) -> bool:
    return says(tickets, number, "answer", text, now)


def close(tickets: Tickets, number: str, now: datetime) -> bool:
    return says(tickets, number, "closed", "", now)
