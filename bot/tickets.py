"""A ticket's life: what customer, shop and clock do to it; a deed is kept with all that it entails, or not at all."""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from bot.database import Actor
from bot.deadlines import local_day, moved_on
from bot.register import (
    ENDED_STATUSES,
    OPEN_STATUSES,
    RUNNING_STATUSES,
    Draft,
    Register,
    Ticket,
    first_letter_id,
    row_of,
)

File = tuple[str, str, bytes]  # its name, its type, its content
_STATUS_OF = {
    "accepted": "taken",
    "answer": "answered",
    "question": "asked",
    "done": "done",
    "refused": "refused",
    "closed": "closed",
}
_TOLD = {
    "taken": "utter_ticket_taken",
    "answered": "utter_shop_answer",
    "asked": "utter_shop_question",
    "done": "utter_ticket_done",
    "refused": "utter_ticket_refused",
    "closed": "utter_ticket_closed",
}
_NEWS = {
    "added": "utter_staff_added",
    "replied": "utter_staff_replied",
    "withdrawn": "utter_staff_withdrawn",
    "reopened": "utter_staff_reopened",
}


@dataclass(frozen=True)
class Origin:
    """By what something came in: `key` names it once and for all, `message_id` is "" where it was no mail."""

    key: str
    message_id: str
    sender: str


class Tickets(Register):
    """All tickets and what happens to them; use it from one thread."""

    def open(self, draft: Draft, now: datetime) -> tuple[Ticket, bool]:
        """Write ticket, event and outbox rows as one; True when it is new.

        The same form again gives the same ticket. The same wish of the same chat while one is open is added to it.
        """
        with self._at_once():
            again = self._one("SELECT * FROM tickets WHERE form = ?", draft.form)
            if again is not None:
                return again, False
            twin = self._one(
                "SELECT * FROM tickets WHERE shop = ? AND kind = ? AND chat = ?"
                " AND status IN (SELECT value FROM json_each(?)) ORDER BY opened",
                draft.shop,
                draft.kind,
                draft.chat,
                json.dumps(OPEN_STATUSES),
            )
            if twin is not None and draft.kind != "question":
                return self._extended(twin, draft, now), False
            return self._opened(draft, now), True

    # what the shop does

    def receive(
        self,
        number: str,
        verdict: str,
        text: str,
        now: datetime,
        origin: Origin,
        files: Sequence[File] = (),
        *,
        shown: Iterable[Mapping[str, str]] = (),
    ) -> bool:
        """Act on a clerk's word; False when that was done before, by this or another.

        Verdicts: answer, question, accepted, done, refused, closed; a refusal without text is asked for its reason.
        `shown` are files that Telegram has already.
        """
        del files  # not kept yet
        with self._at_once():
            ticket = self.ticket(number)
            if ticket is None or not self._is_new(origin, number, now):
                return False
            if origin.message_id:
                self._db.table("tickets").update(number, {"last_mail": origin.message_id})
            if verdict == "refused" and not text:
                self._ask_reason(number, origin, now)
                return True
            return self._follow(ticket, verdict, text, now, origin.sender, shown)

    def bounced(self, number: str, letter: str, status: str, now: datetime, origin: Origin) -> bool:
        """Record that a letter of ours will never arrive and tell the staff; False when that was done before."""
        with self._at_once():
            if not self._is_new(origin, number, now):
                return False
            self._record(number, now, "system", "letter undelivered", f"{letter} {status}")
            self._enqueue(number, "staff", {"response": "utter_staff_undelivered"}, now)
        return True

    def left_unread(self, number: str, response: str, now: datetime, origin: Origin) -> None:
        """Tell the staff, once, of a mail that concerns a ticket and was not acted on; it may be acted on later."""
        with self._at_once():
            if self._is_new(replace(origin, key=f"unread {origin.key}"), number, now):
                self._enqueue(number, "staff", {"response": response, "email": origin.sender or "?"}, now)

    # what the customer does

    def write(self, number: str, chat: str, text: str, now: datetime, files: Sequence[Mapping[str, Any]] = ()) -> str:
        """The customer's words go to the shop: "replied" where it asked, else "added"; "" when it is not open."""
        with self._at_once():
            ticket = self._own(number, chat)
            if ticket is None or not ticket.is_open:
                return ""
            what = "replied" if ticket.status == "asked" else "added"
            status = "opened" if ticket.status == "opened" else "taken"
            ticket = self._moved(ticket, status, ("customer", what, text, ""), now)
            self._tell_shop(ticket, what, text, now, files)
            return what

    def withdraw(self, number: str, chat: str, now: datetime) -> bool:
        """The customer takes the request back; False when it is not open."""
        with self._at_once():
            ticket = self._own(number, chat)
            if ticket is None or not ticket.is_open:
                return False
            ticket = self._moved(ticket, "withdrawn", ("customer", "withdrawn", "", ""), now)
            self._tell_shop(ticket, "withdrawn", "", now)
            return True

    def reopen(self, number: str, chat: str, now: datetime) -> bool:
        """The customer wants it done after all; False when it has not ended, or ended long ago."""
        with self._at_once():
            ticket = self._own(number, chat)
            if ticket is None or not ticket.may_be_reopened(now):
                return False
            ticket = self._moved(ticket, "opened", ("customer", "reopened", "", ""), now)
            self._tell_shop(ticket, "reopened", "", now)
            return True

    # what the clock does

    def strike(self, ticket: Ticket, what: str, now: datetime) -> bool:
        """Record that a deadline is near, today or over and tell whom it concerns; False when that was done before."""
        with self._at_once():
            told = "SELECT 1 FROM events WHERE ticket = ? AND what = ? AND text = ?"
            if self._db.execute(told, [ticket.number, what, str(ticket.deadline)]).fetchone():
                return False
            self._record(ticket.number, now, "system", what, str(ticket.deadline))
            if what == "reminded":
                self._write_to_shop(ticket, "reminder", "", now)
            elif what == "due":
                self._enqueue(ticket.number, "staff", {"response": "utter_staff_due"}, now)
            else:
                self._refresh_card(ticket.number, now)
            return True

    def erased(self, number: str, now: datetime) -> None:
        """Record that what was personal in a ticket is gone, from the staff's card too."""
        self._record(number, now, "system", "personal data erased", "")
        if self.card(number):
            self._refresh_card(number, now)

    # inside one transaction

    def _opened(self, draft: Draft, now: datetime) -> Ticket:
        number = self._next_number(draft.prefix, now.year)
        known = {name: value for name, value in vars(draft).items() if name not in {"prefix", "files"}}
        token = secrets.token_hex(8)
        ticket = Ticket(**known, number=number, status="opened", token=token, opened=now, updated=now)
        self._db.table("tickets").insert(row_of(asdict(ticket)))
        self._record(number, now, "customer", "opened", "")
        if ticket.route:
            self._enqueue(number, "mail", {"template": "request", **_with(draft.files)}, now, first_letter_id(ticket))
        self._refresh_card(number, now, draft.files)
        return ticket

    def _extended(self, ticket: Ticket, draft: Draft, now: datetime) -> Ticket:
        """New words, details or contact of the same wish join the ticket and reach the clerk."""
        names = (each["name"] for each in draft.files)
        text = "\n".join(dict.fromkeys(part for part in (draft.words, draft.details, draft.contact, *names) if part))
        if not draft.files and text in [event.text for event in self.events(ticket.number) if event.what == "added"]:
            return ticket
        self._db.table("tickets").update(ticket.number, {"contact": draft.contact})
        status = "taken" if ticket.status == "answered" else ticket.status
        ticket = self._moved(replace(ticket, contact=draft.contact), status, ("customer", "added", text, ""), now)
        self._tell_shop(ticket, "added", text, now, draft.files)
        return ticket

    def _follow(
        self,
        ticket: Ticket,
        verdict: str,
        text: str,
        now: datetime,
        who: str,
        shown: Iterable[Mapping[str, str]],
    ) -> bool:
        """Change the status where it still can; words reach the customer all the same."""
        status, files = _STATUS_OF[verdict], list(shown)
        if ticket.status in (("opened",) if status == "taken" else OPEN_STATUSES):
            self._moved(ticket, status, ("shop", status, text, who), now)
            self._refresh_card(ticket.number, now)
        elif text:
            status = "answered"
            self._record(ticket.number, now, "shop", status, text, who)
        else:
            return False
        self._enqueue(ticket.number, "chat", {"response": _TOLD[status], "text": text, "files": files}, now)
        return True

    def _moved(self, ticket: Ticket, status: str, event: tuple[Actor, str, str, str], now: datetime) -> Ticket:
        """Change the status with all that hangs on it: the clock, the end, the record."""
        changes: dict[str, Any] = {"status": status, "updated": now}
        if status in RUNNING_STATUSES:
            changes |= {"ended": None, "stopped": None, "deadline": _resumed(ticket, now)}
        else:
            changes |= {"stopped": ticket.stopped or now, "ended": now if status in ENDED_STATUSES else None}
        self._db.table("tickets").update(ticket.number, row_of(changes))
        actor, what, text, who = event
        self._record(ticket.number, now, actor, what, text, who)
        return replace(ticket, **changes)

    def _own(self, number: str, chat: str) -> Ticket | None:
        return self._one("SELECT * FROM tickets WHERE number = ? AND chat = ?", number, chat)

    def _tell_shop(
        self, ticket: Ticket, template: str, text: str, now: datetime, files: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._write_to_shop(ticket, template, text, now, files)
        self._enqueue(ticket.number, "staff", {"response": _NEWS[template], "text": text, **_with(files)}, now)
        self._refresh_card(ticket.number, now)

    def _write_to_shop(
        self, ticket: Ticket, template: str, text: str, now: datetime, files: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """A letter in the ticket's thread, in answer to the shop's last one."""
        if ticket.route:
            body = {"template": template, "text": text, "answers": ticket.last_mail, "at": now.isoformat()}
            self._enqueue(ticket.number, "mail", {**body, **_with(files)}, now)

    def _refresh_card(self, number: str, now: datetime, files: Sequence[Mapping[str, Any]] = ()) -> None:
        self._enqueue(number, "staff", {"response": "utter_staff_card", **_with(files)}, now)

    def _is_new(self, origin: Origin, number: str, now: datetime) -> bool:
        row = {"key": origin.key, "ticket": number, "at": now.isoformat()}
        return bool(
            self._db.execute("INSERT INTO letters_in VALUES (:key, :ticket, :at) ON CONFLICT DO NOTHING", row).rowcount
        )

    def _ask_reason(self, number: str, origin: Origin, now: datetime) -> None:
        """Ask whoever refused, in the thread of his own mail."""
        body = {"template": "ask_reason", "to": origin.sender, "answers": origin.message_id, "at": now.isoformat()}
        self._enqueue(number, "mail", body, now)

    def _next_number(self, prefix: str, year: int) -> str:
        self._db.execute(
            "INSERT INTO numbers (prefix, year, last) VALUES (?, ?, 1)"
            " ON CONFLICT (prefix, year) DO UPDATE SET last = last + 1",
            [prefix, year],
        )
        row = self._db.execute("SELECT last FROM numbers WHERE prefix = ? AND year = ?", [prefix, year]).fetchone()
        return f"{prefix}-{year}-{row['last']:06d}"


def _with(files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"files": list(files)} if files else {}


def _resumed(ticket: Ticket, now: datetime) -> Any:
    """The deadline when it is the shop's turn again: the days in between do not count."""
    if ticket.deadline is None or ticket.stopped is None:
        return ticket.deadline
    days = local_day(ticket.stopped), local_day(now)
    return moved_on(ticket.deadline, *days, working=ticket.working_days)
