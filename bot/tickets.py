"""Tickets, their events, the outbox and the chats' states: the only SQL."""

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

Channel = Literal["mail", "chat", "staff"]
Actor = Literal["customer", "shop", "system"]
File = tuple[str, str, bytes]  # its name, its type, its content
OPEN_STATUSES = ("opened", "taken", "answered")
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)

migrations = Migrations("konfident")


class Undelivered(Exception):  # noqa: N818  # it says what happened to an outbox row
    """A row could not be delivered; `permanent` ends the tries, `pause` is the least time to the next one."""

    def __init__(self, reason: str, *, permanent: bool, pause: timedelta = timedelta(0)) -> None:
        """`reason` holds no words of customers and no secrets."""
        super().__init__(reason)
        self.permanent, self.pause = permanent, pause


@migrations()
def create_tickets(db: Database) -> None:
    """The tables of the first release."""
    text = {"number": str, "shop": str, "kind": str, "chat": str, "status": str, "contact": str, "identity": str}
    words = {"words": str, "details": str, "clause": str, "clause_text": str, "edition": str}
    way = {"route": str, "route_source": str, "deadline": str, "deadline_source": str, "token": str, "form": str}
    times = {"opened": str, "updated": str}
    db.table("tickets").create(
        {**text, **words, **way, **times}, pk="number", not_null={"shop", "kind", "chat", "status"}
    )
    db.table("tickets").create_index(["form"], unique=True)
    db.table("tickets").create_index(["chat"])
    db.table("events").create(
        {"id": int, "ticket": str, "at": str, "actor": str, "what": str, "text": str},
        pk="id",
        foreign_keys=[("ticket", "tickets", "number")],
    )
    db.table("outbox").create(
        {
            "id": int, "ticket": str, "channel": str, "message_id": str, "body": str, "state": str, "due": str,
            "leased_until": str, "attempts": int, "error": str,
        },
        pk="id",
        foreign_keys=[("ticket", "tickets", "number")],
    )  # fmt: skip
    db.table("outbox").create_index(["state", "due"])
    db.table("numbers").create({"prefix": str, "year": int, "last": int}, pk=("prefix", "year"))
    db.table("chats").create({"key": str, "state": str, "updated": str}, pk="key")


@migrations()
def take_letters_in(db: Database) -> None:
    """Mails that were acted on, each once; the ways from a mail to its ticket."""
    db.table("letters_in").create(
        {"key": str, "ticket": str, "at": str}, pk="key", foreign_keys=[("ticket", "tickets", "number")]
    )
    db.table("outbox").create_index(["message_id"])
    db.table("tickets").create_index(["token"])


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
    files: tuple[Mapping[str, Any], ...] = ()  # each with key, name, and Telegram's kind and id


@dataclass(frozen=True)
class Ticket:
    """A request that has a number. `route` is empty where the shop has no address."""

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


@dataclass(frozen=True)
class Event:
    """Who did what to a ticket, and when."""

    ticket: str
    at: datetime
    actor: str
    what: str
    text: str


@dataclass(frozen=True)
class Delivery:
    """An outbox row under lease. `body` is the channel's own; `ticket` is empty for a reply in a conversation."""

    id: int
    ticket: str
    channel: Channel
    message_id: str
    body: Mapping[str, Any]
    attempts: int


@dataclass(frozen=True)
class Origin:
    """The mail by which something came in: `key` names it once and for all, `message_id` is "" where it has none."""

    key: str
    message_id: str
    sender: str


class Tickets:
    """The database; use it from one thread."""

    def __init__(self, path: Path) -> None:
        """Open or make the file and bring its tables up to date."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=10, isolation_level=None)
        connection.row_factory = sqlite3.Row
        self._db = Database(connection)
        self._db.enable_wal()
        self._db.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten too
        migrations.apply(self._db)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    @property
    def database(self) -> Database:
        """For the rooms that keep tables of their own beside the tickets'."""
        return self._db

    def at_once(self) -> AbstractContextManager[None]:
        """One transaction around several deeds."""
        return self._at_once()

    # a ticket's life

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
                return self._added(twin, draft, now), False
            return self._opened(draft, now), True

    def take(self, number: str, now: datetime) -> bool:
        """A clerk begins; False when someone else did or the ticket is closed."""
        return self._moved(number, "taken", ("opened",), "", now)

    def answer(self, number: str, text: str, now: datetime, files: Sequence[Mapping[str, str]] = ()) -> bool:
        """The shop's words and files go to the customer, also after closing; False when there is no such ticket."""
        with self._at_once():
            ticket = self.ticket(number)
            if ticket is None:
                return False
            if not self._moved(number, "answered", OPEN_STATUSES, text, now):
                self._record(number, now, "shop", "answered", text)
            self._enqueue(number, "chat", {"response": "utter_shop_answer", "text": text, "files": list(files)}, now)
            return True

    def close_ticket(self, number: str, now: datetime) -> bool:
        """The request is done; the customer is told. False when it was closed before."""
        with self._at_once():
            done = self._moved(number, "closed", OPEN_STATUSES, "", now)
            if done:
                self._enqueue(number, "chat", {"response": "utter_ticket_closed"}, now)
            return done

    # what comes by mail

    def receive(
        self, number: str, verdict: str, text: str, now: datetime, origin: Origin, files: Sequence[File] = ()
    ) -> bool:
        """Act on a clerk's mail; False when that was done before.

        Verdicts: answer, question, accepted, done, refused; a refusal without text is asked for its reason.
        """
        del files  # not kept yet
        with self._at_once():
            if not self._is_new(origin, number, now):
                return False
            if verdict == "refused" and not text:
                self._ask_reason(number, origin, now)
                return True
            if verdict == "accepted":
                self.take(number, now)
            if text:
                self.answer(number, text, now)
            if verdict in {"done", "refused"}:
                self.close_ticket(number, now)
        return True

    def bounced(self, number: str, letter: str, status: str, now: datetime, origin: Origin) -> bool:
        """Record that a letter of ours will never arrive and tell the staff; False when that was done before."""
        with self._at_once():
            if not self._is_new(origin, number, now):
                return False
            self._record(number, now, "system", "letter undelivered", f"{letter} {status}")
            self._enqueue(number, "staff", {"response": "utter_staff_undelivered"}, now)
        return True

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

    # reading

    def ticket(self, number: str) -> Ticket | None:
        """One ticket by number."""
        return self._one("SELECT * FROM tickets WHERE number = ?", number)

    def of_chat(self, chat: str) -> list[Ticket]:
        """A chat's own tickets, the newest first."""
        return self._all("SELECT * FROM tickets WHERE chat = ? ORDER BY opened DESC, number DESC", chat)

    def listed(self, shop: str = "") -> list[Ticket]:
        """All tickets, or a shop's, oldest first."""
        return self._all("SELECT * FROM tickets WHERE ? IN ('', shop) ORDER BY opened, number", shop)

    def events(self, number: str) -> list[Event]:
        """A ticket's record, oldest first."""
        rows = self._db.query("SELECT ticket, at, actor, what, text FROM events WHERE ticket = ? ORDER BY id", [number])
        return [Event(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in rows]

    # the outbox

    def claim(self, now: datetime, lease: timedelta, channels: tuple[str, ...]) -> Delivery | None:
        """Lease the oldest due row of these channels; None when there is none."""
        with self._at_once():
            row = self._db.execute(
                "SELECT * FROM outbox WHERE state = 'waiting' AND due <= ? AND leased_until <= ?"
                " AND channel IN (SELECT value FROM json_each(?)) ORDER BY due, id LIMIT 1",
                [now.isoformat(), now.isoformat(), json.dumps(channels)],
            ).fetchone()
            if row is None:
                return None
            self._db.table("outbox").update(row["id"], {"leased_until": (now + lease).isoformat()})
        return Delivery(
            row["id"], row["ticket"], row["channel"], row["message_id"], json.loads(row["body"]), row["attempts"]
        )

    def mark_sent(self, delivery: Delivery, now: datetime) -> None:
        """It has left; the record says so. Of a reply in a conversation nothing is kept."""
        with self._at_once():
            if not delivery.ticket:
                self._db.table("outbox").delete(delivery.id)
                return
            self._db.table("outbox").update(delivery.id, {"state": "sent", "error": ""})
            if delivery.channel == "mail":
                self._record(delivery.ticket, now, "system", "letter sent", delivery.message_id)

    def postpone(
        self,
        delivery: Delivery,
        error: str,
        now: datetime,
        *,
        permanent: bool = False,
        least: timedelta = timedelta(0),
    ) -> None:
        """Try again later, twice as late each time up to five minutes but not before `least`.

        A permanent refusal ends the tries.
        """
        pause = max(least, min(_FIRST_PAUSE * 2 ** min(delivery.attempts, 10), _LONGEST_PAUSE))
        changes = {"attempts": delivery.attempts + 1, "error": error, "due": (now + pause).isoformat()}
        with self._at_once():
            if permanent and not delivery.ticket:
                self._db.table("outbox").delete(delivery.id)
                return
            self._db.table("outbox").update(
                delivery.id, {**changes, "leased_until": "", "state": "failed" if permanent else "waiting"}
            )
            if permanent:
                self._record(delivery.ticket, now, "system", f"{delivery.channel} undelivered", error)
                self._tell_staff(delivery, now)

    # chats

    def chat_state(self, key: str) -> dict[str, Any]:
        """What a chat is in the middle of; empty for a new one."""
        row = self._db.execute("SELECT state FROM chats WHERE key = ?", [key]).fetchone()
        state: dict[str, Any] = json.loads(row["state"]) if row else {}
        return state

    def keep_chat_state(self, key: str, state: Mapping[str, Any], now: datetime) -> None:
        """Replace a chat's state; an empty one is forgotten."""
        if state:
            row = {"key": key, "state": json.dumps(state, ensure_ascii=False), "updated": now.isoformat()}
            self._db.table("chats").upsert(row, pk="key")
        else:
            self._db.table("chats").delete_where("key = ?", [key])

    def keep_turn(
        self, key: str, state: Mapping[str, Any], reply: Mapping[str, Any], now: datetime, lease: timedelta
    ) -> Delivery:
        """Keep a chat's state together with the reply that is about to be sent, leased to the caller.

        A power cut between the two would leave a customer without an answer, or answer the same message twice.
        """
        with self._at_once():
            self.keep_chat_state(key, state, now)
            row = self._enqueue("", "chat", {"chat": key, **reply}, now, lease=lease)
        return Delivery(row, "", "chat", "", {"chat": key, **reply}, 0)

    def keep_letter(self, body: Mapping[str, Any], now: datetime) -> None:
        """A letter that belongs to no ticket; when it has left nothing of it is kept."""
        self._enqueue("", "mail", body, now, f"letter.{secrets.token_hex(8)}")

    # inside one transaction

    def _tell_staff(self, delivery: Delivery, now: datetime) -> None:
        """A letter or an answer that cannot arrive is a matter for people."""
        responses = {"mail": "utter_staff_undelivered", "chat": "utter_staff_chat_undelivered"}
        if delivery.channel in responses:
            self._enqueue(delivery.ticket, "staff", {"response": responses[delivery.channel]}, now)

    def _opened(self, draft: Draft, now: datetime) -> Ticket:
        number = self._next_number(draft.prefix, now.year)
        known = {name: value for name, value in vars(draft).items() if name not in {"prefix", "files"}}
        token = secrets.token_hex(8)
        ticket = Ticket(**known, number=number, status="opened", token=token, opened=now, updated=now)
        self._db.table("tickets").insert(_row(ticket))
        self._record(number, now, "customer", "opened", "")
        if ticket.route:
            self._enqueue(number, "mail", {"template": "request", **_with(draft)}, now, first_letter_id(ticket))
        self._enqueue(number, "staff", {"response": "utter_staff_card", **_with(draft)}, now)
        return ticket

    def _added(self, ticket: Ticket, draft: Draft, now: datetime) -> Ticket:
        """New words, details or contact of the same wish join the ticket and reach the clerk."""
        names = (each["name"] for each in draft.files)
        text = "\n".join(dict.fromkeys(part for part in (draft.words, draft.details, draft.contact, *names) if part))
        if not draft.files and text in [event.text for event in self.events(ticket.number) if event.what == "added"]:
            return ticket
        self._record(ticket.number, now, "customer", "added", text)
        self._db.table("tickets").update(ticket.number, {"updated": now.isoformat(), "contact": draft.contact})
        if ticket.route:
            body = {"template": "added", "text": text, "at": now.isoformat(), **_with(draft)}
            self._enqueue(ticket.number, "mail", body, now)
        return replace(ticket, contact=draft.contact, updated=now)

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

    def _moved(self, number: str, status: str, before: tuple[str, ...], text: str, now: datetime) -> bool:
        """Let the shop change the status where it still is one of `before`; the record follows."""
        with self._at_once():
            changed = self._db.execute(
                "UPDATE tickets SET status = ?, updated = ?"
                " WHERE number = ? AND status IN (SELECT value FROM json_each(?))",
                [status, now.isoformat(), number, json.dumps(before)],
            ).rowcount
            if changed:
                self._record(number, now, "shop", status, text)
        return bool(changed)

    def _enqueue(
        self,
        number: str,
        channel: Channel,
        body: Mapping[str, Any],
        now: datetime,
        message_id: str = "",
        lease: timedelta = timedelta(0),
    ) -> int:
        """Add a row; its Message-ID is made here, once: a repeated delivery is the same letter."""
        row = {
            "ticket": number,
            "channel": channel,
            "message_id": message_id or f"{number}.{secrets.token_hex(6)}",
            "body": json.dumps(body, ensure_ascii=False),
            "state": "waiting",
            "due": now.isoformat(),
            "leased_until": (now + lease).isoformat() if lease else "",
            "attempts": 0,
            "error": "",
        }
        return int(self._db.table("outbox").insert(row).last_pk or 0)

    def _record(self, number: str, now: datetime, actor: Actor, what: str, text: str) -> None:
        event = Event(number, now, actor, what, text)
        self._db.table("events").insert({**asdict(event), "at": now.isoformat()})

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """One transaction that takes the write lock first; inside another it is part of that one."""
        if self._db.conn.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.conn.rollback()
            raise
        self._db.conn.commit()

    def _one(self, sql: str, *values: str) -> Ticket | None:
        found = self._all(sql, *values)
        return found[0] if found else None

    def _all(self, sql: str, *values: str) -> list[Ticket]:
        return [_ticket(row) for row in self._db.query(sql, list(values))]


def first_letter_id(ticket: Ticket) -> str:
    """The left part of the Message-ID of a ticket's first letter, which begins its thread."""
    return f"{ticket.number}.{ticket.token}"


def _with(draft: Draft) -> dict[str, Any]:
    return {"files": list(draft.files)} if draft.files else {}


def _row(ticket: Ticket) -> dict[str, Any]:
    row = asdict(ticket)
    for name in ("opened", "updated", "deadline"):
        row[name] = row[name].isoformat() if row[name] else None
    return row


def _ticket(row: Mapping[str, Any]) -> Ticket:
    values = {field.name: row[field.name] for field in fields(Ticket)}
    for name in ("opened", "updated"):
        values[name] = datetime.fromisoformat(values[name])
    values["deadline"] = date.fromisoformat(values["deadline"]) if values["deadline"] else None
    return Ticket(**values)
