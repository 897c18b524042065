"""The clock: what is due about deadlines is told, once."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from bot.deadlines import local_day
from bot.register import RUNNING_STATUSES, Ticket
from bot.tickets import Tickets

_REMINDED_BEFORE = timedelta(days=3)


def tick(tickets: Tickets, now: datetime) -> int:
    """Remind the shops, alert the staff; how many things were told."""
    waiting = [ticket for ticket in tickets.still_open() if ticket.status in RUNNING_STATUSES]
    return sum(tickets.strike(ticket, what, now) for ticket in waiting for what in _told_on(ticket, local_day(now)))


def _told_on(ticket: Ticket, today: date) -> Iterator[str]:
    """What is to have been told by this day; a short deadline is not reminded of on the day of the request."""
    if ticket.deadline is None:
        return
    is_near = ticket.deadline - _REMINDED_BEFORE <= today < ticket.deadline
    if is_near and ticket.route and today > local_day(ticket.opened):
        yield "reminded"
    if today >= ticket.deadline:
        yield "due"
    if today > ticket.deadline:
        yield "overdue"
