"""The database's file: its tables, made in numbered steps, and transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

Actor = Literal["customer", "shop", "system"]

migrations = Migrations("konfident")


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


@migrations()
def follow_a_ticket_to_its_end(db: Database) -> None:
    """When a ticket's clock stopped and when it ended, the shop's last mail, who acted, the staff's card."""
    for name, kind in (("working_days", int), ("stopped", str), ("ended", str), ("last_mail", str)):
        db.table("tickets").add_column(name, kind)
    db.table("events").add_column("who", str, not_null_default="")
    db.table("events").create_index(["ticket"])
    db.table("cards").create(
        {"ticket": str, "chat": int, "message": int, "topic": int},
        pk="ticket",
        foreign_keys=[("ticket", "tickets", "number")],
    )


@migrations()
def keep_files(db: Database) -> None:
    """What is known of each file that a customer sent; its content lies beside the database."""
    columns = {"key": str, "form": str, "ticket": str, "chat": str, "name": str, "type": str, "size": int, "at": str}
    db.table("files").create({**columns, "kind": str, "telegram": str, "album": str}, pk="key")
    for column in ("form", "ticket", "chat"):
        db.table("files").create_index([column])


@migrations()
def send_codes(db: Database) -> None:
    """A code and an address are kept as digests, for an hour."""
    columns = {"id": int, "chat": str, "form": str, "address": str, "salt": str, "digest": str, "made": str}
    db.table("codes").create({**columns, "tries": int, "over": int}, pk="id")


class Store:
    """The open file; use it from one thread."""

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
        """For the rooms that keep rows of their own beside the tickets'."""
        return self._db

    def at_once(self) -> AbstractContextManager[None]:
        """One transaction around several deeds."""
        return self._at_once()

    def shrink(self) -> None:
        """What was erased does not stay in the write-ahead log."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

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

    def _record(self, number: str, now: datetime, actor: Actor, what: str, text: str, who: str = "") -> None:
        """Add a line to a ticket's record; `who` is an address or a Telegram user, where one is known."""
        event = {"ticket": number, "at": now.isoformat(), "actor": actor, "what": what, "text": text, "who": who}
        self._db.table("events").insert(event)
