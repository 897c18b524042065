"""The register: what is known of each ticket and its record, read."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from bot.deadlines import local_day
from bot.outbox import Outbox

RUNNING_STATUSES = ("opened", "taken")  # it is the shop's turn, and its clock runs
OPEN_STATUSES = (*RUNNING_STATUSES, "asked", "answered")
ENDED_STATUSES = ("done", "refused", "withdrawn", "closed")
_REOPENED_WITHIN = timedelta(days=14)


@dataclass(frozen=True)
class Draft:
    """What a customer confirmed, before it has a number; `form` makes opening it twice open it once."""

    shop: str
    prefix: str
    kind: str
    chat: str
    form: str
    contact: str
    identity: str
    words: str
    details: str
    clause: str
    clause_text: str
    edition: str
    route: str
    route_source: str
    deadline: date | None
    deadline_source: str
    working_days: bool = False
    files: tuple[Mapping[str, Any], ...] = ()  # each with key, name, and Telegram's kind and id


@dataclass(frozen=True)
class Ticket:
    """A request that has a number. `route` is empty where the shop has no address.

    `stopped`: since when it is not the shop's turn; `last_mail`: the Message-ID of the shop's last mail about it.
    """

    number: str
    shop: str
    kind: str
    chat: str
    status: str
    contact: str
    identity: str
    words: str
    details: str
    clause: str
    clause_text: str
    edition: str
    route: str
    route_source: str
    deadline: date | None
    deadline_source: str
    token: str
    form: str
    opened: datetime
    updated: datetime
    working_days: bool = False
    stopped: datetime | None = None
    ended: datetime | None = None
    last_mail: str = ""

    @property
    def is_open(self) -> bool:
        """Whether anything is still to be done."""
        return self.status in OPEN_STATUSES

    def is_overdue(self, now: datetime) -> bool:
        """Whether the shop's last day has passed while it is its turn."""
        return self.deadline is not None and self.status in RUNNING_STATUSES and local_day(now) > self.deadline

    def may_be_reopened(self, now: datetime) -> bool:
        """Whether it ended not long ago."""
        return self.ended is not None and now - self.ended <= _REOPENED_WITHIN


@dataclass(frozen=True)
class Event:
    """Who did what to a ticket, and when; `who` is an address or a Telegram user, where one is known."""

    ticket: str
    at: datetime
    actor: str
    what: str
    text: str
    who: str = ""


@dataclass(frozen=True)
class Card:
    """Where a ticket's card is in the staff's chat; `topic` is 0 where the chat is no forum."""

    chat: int
    message: int
    topic: int


class Register(Outbox):
    """All tickets, to be looked up."""

    def ticket(self, number: str) -> Ticket | None:
        """One ticket by number."""
        return self._one("SELECT * FROM tickets WHERE number = ?", number)

    def of_chat(self, chat: str) -> list[Ticket]:
        """A chat's own tickets, the newest first."""
        return self._all("SELECT * FROM tickets WHERE chat = ? ORDER BY opened DESC, number DESC", chat)

    def awaiting(self, chat: str, chosen: str = "") -> list[Ticket]:
        """To which of a chat's requests its next words belong: the chosen one, else those whose shop has asked."""
        own = self.of_chat(chat)
        return [each for each in own if (each.number == chosen if chosen else each.status == "asked")]

    def listed(self, shop: str = "") -> list[Ticket]:
        """All tickets, or a shop's, oldest first."""
        return self._all("SELECT * FROM tickets WHERE ? IN ('', shop) ORDER BY opened, number", shop)

    def still_open(self) -> list[Ticket]:
        """Those to which something is still to be done: the nearest deadline first, without one last."""
        return self._all(
            "SELECT * FROM tickets WHERE status IN (SELECT value FROM json_each(?))"
            " ORDER BY deadline IS NULL, deadline, opened, number",
            json.dumps(OPEN_STATUSES),
        )

    def by_letter(self, message_id: str) -> Ticket | None:
        """The ticket whose letter bears this left part of a Message-ID."""
        return self._one(
            "SELECT * FROM tickets WHERE number ="
            " (SELECT ticket FROM outbox WHERE channel = 'mail' AND message_id = ? LIMIT 1)",
            message_id,
        )

    def by_token(self, token: str) -> Ticket | None:
        """The ticket whose reply address carries this token."""
        return self._one("SELECT * FROM tickets WHERE token = ?", token)

    def events(self, number: str) -> list[Event]:
        """A ticket's record, oldest first."""
        sql = "SELECT ticket, at, actor, what, text, who FROM events WHERE ticket = ? ORDER BY id"
        return [Event(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in self._db.query(sql, [number])]

    def card(self, number: str) -> Card | None:
        """Where the staff sees a ticket."""
        row = self._db.execute("SELECT chat, message, topic FROM cards WHERE ticket = ?", [number]).fetchone()
        return Card(row["chat"], row["message"], row["topic"]) if row else None

    def keep_card(self, number: str, card: Card) -> None:
        """Remember where the staff sees a ticket."""
        self._db.table("cards").upsert({"ticket": number, **asdict(card)}, pk="ticket")

    def _one(self, sql: str, *values: str) -> Ticket | None:
        found = self._all(sql, *values)
        return found[0] if found else None

    def _all(self, sql: str, *values: str) -> list[Ticket]:
        return [_ticket(row) for row in self._db.query(sql, list(values))]


def first_letter_id(ticket: Ticket) -> str:
    """The left part of the Message-ID of a ticket's first letter, which begins its thread."""
    return f"{ticket.number}.{ticket.token}"


def deadline_values(ticket: Ticket, now: datetime) -> dict[str, str]:
    """The deadline as people read it: while the shop's clock runs, or since when it is overdue."""
    shown = f"{ticket.deadline:%d.%m.%Y}" if ticket.deadline and ticket.status in RUNNING_STATUSES else ""
    late = ticket.is_overdue(now)
    return {"deadline": "" if late else shown, "overdue_since": shown if late else ""}


def row_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dates and times as the database keeps them."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}


def _ticket(row: Mapping[str, Any]) -> Ticket:
    values = {field.name: row[field.name] for field in fields(Ticket)}
    for name in ("opened", "updated", "stopped", "ended"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    values["deadline"] = date.fromisoformat(values["deadline"]) if values["deadline"] else None
    return Ticket(**{**values, "working_days": bool(row["working_days"]), "last_mail": row["last_mail"] or ""})
