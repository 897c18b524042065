"""What is kept of people, and its end: shown to whom it is about, erased when asked or when its time is over."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from bot.codes import Codes
from bot.files import Files
from bot.register import Ticket
from bot.shops import RETENTION_DAYS
from bot.tickets import Tickets

FILES_STAY = timedelta(days=30)
CHATS_STAY = timedelta(days=90)
_TO_A_CLERK = "ask_reason"  # it has the clerk's own address, and nothing of the customer
_KEPT_OF_A_ROW = ("template", "response", "at", "answers", "to")
_UNTOLD = frozenset(
    {"token", "form", "chat", "last_mail"}
)  # what is the house's own: secrets of a ticket, the chat said once


class Retention:
    """An erased ticket keeps what statistics need: shop, kind, status, dates, deadline, clause; its chat is empty."""

    def __init__(self, tickets: Tickets, files: Files, codes: Codes) -> None:
        """All of one database."""
        self._tickets, self._files, self._codes, self._db = tickets, files, codes, tickets.database

    def everything_of(self, chat: str) -> dict[str, Any]:
        """All that is kept about a chat: its state, requests with record, letters and files, codes sent."""
        state = self._tickets.chat_state(chat)
        requests = [self._told(ticket) for ticket in self._tickets.of_chat(chat)]
        loose = [each for each in self._files.of_chat(chat) if not each.ticket]
        waiting = [body.get("text") or body.get("to", "") for _, body in self._of_no_ticket(chat)]
        return {
            "chat": chat,
            "state": {name: value for name, value in state.items() if name != "slots"},
            "slots": {name: value for name, value in state.get("slots", {}).items() if value not in (None, "")},
            "requests": requests,
            "files": [(each.name, each.size) for each in loose],
            "replies": waiting,
            "codes": self._codes.of_chat(chat),
        }

    def forget(self, chat: str, now: datetime, *, close: bool) -> None:
        """Erase all that is kept about a chat; open requests are withdrawn with `close`, else they stay nameless."""
        with self._tickets.at_once():
            for ticket in self._tickets.of_chat(chat):
                if close and ticket.is_open:
                    self._withdraw(ticket, now)
                self._erase(ticket.number, now)
            for row, _ in self._of_no_ticket(chat):
                self._db.table("outbox").delete(row)
            self._files.erase(self._files.of_chat(chat))
            self._codes.forget_chat(chat)
            self._tickets.keep_chat_state(chat, {}, now)
        self._tickets.shrink()

    def erase_old(self, days: Mapping[str, int], now: datetime) -> int:
        """Erase what has been kept long enough; `days` by shop after a request's end. Gives how many requests."""
        ended = [(ticket, ticket.ended or ticket.updated) for ticket in self._tickets.listed() if not ticket.is_open]
        old = [each for each, at in ended if at <= now - timedelta(days=days.get(each.shop, RETENTION_DAYS))]
        nameless = [each for each in self._tickets.listed() if not each.chat and self._has_words(each)]
        left = [*nameless, *(ticket for ticket in old if ticket.chat)]
        with self._tickets.at_once():
            for ticket in left:
                self._erase(ticket.number, now)
            for ticket, at in ended:
                if at <= now - FILES_STAY:
                    self._files.erase(self._files.of_ticket(ticket.number))
            self._files.erase_unsent(now)
            self._codes.forget_old(now)
            self._db.table("chats").delete_where("updated <= ?", [(now - CHATS_STAY).isoformat()])
        self._tickets.shrink()
        return len(left)

    def _told(self, ticket: Ticket) -> dict[str, Any]:
        known = {name: value for name, value in vars(ticket).items() if name not in _UNTOLD and value}
        sent = self._db.query("SELECT channel, state, body FROM outbox WHERE ticket = ? ORDER BY id", [ticket.number])
        rows = [{**row, "body": json.loads(row["body"])} for row in sent]
        files = [(each.name, each.size) for each in self._files.of_ticket(ticket.number)]
        return {
            "ticket": known,
            "events": [asdict(event) for event in self._tickets.events(ticket.number)],
            "letters": [row for row in rows if row["body"].get("template") != _TO_A_CLERK],
            "files": files,
        }

    def _withdraw(self, ticket: Ticket, now: datetime) -> None:
        """The shop hears of it, unless it has not heard of the request yet: then no letter leaves at all."""
        waiting = "SELECT body FROM outbox WHERE ticket = ? AND channel = 'mail' AND state = 'waiting'"
        letters = [json.loads(row["body"]) for row in self._db.query(waiting, [ticket.number])]
        self._tickets.withdraw(ticket.number, ticket.chat, now)
        if any(letter["template"] == "request" for letter in letters):
            every = "ticket = ? AND channel = 'mail' AND state = 'waiting'"
            self._db.table("outbox").delete_where(every, [ticket.number])

    def _erase(self, number: str, now: datetime) -> None:
        nothing = dict.fromkeys(("chat", "contact", "words", "details"), "")
        self._db.table("tickets").update(number, nothing)
        self._db.execute("UPDATE events SET text = '', who = '' WHERE ticket = ? AND actor != 'system'", [number])
        self._files.erase(self._files.of_ticket(number))
        for row in list(self._db.query("SELECT id, channel, state, body FROM outbox WHERE ticket = ?", [number])):
            self._erase_row(row)
        self._tickets.erased(number, now)

    def _erase_row(self, row: Mapping[str, Any]) -> None:
        """What still waits to leave for the shop goes if it has no words; to the chat nothing goes any more."""
        body = json.loads(row["body"])
        if row["state"] == "waiting" and (row["channel"] == "chat" or body.get("text")):
            self._db.table("outbox").delete(row["id"])
        else:
            plain = {name: body[name] for name in _KEPT_OF_A_ROW if name in body}
            self._db.table("outbox").update(row["id"], {"body": json.dumps(plain)})

    def _has_words(self, ticket: Ticket) -> bool:
        """A clerk may write to a request that was erased or forgotten before."""
        sql = "SELECT 1 FROM events WHERE ticket = ? AND actor != 'system' AND text != '' LIMIT 1"
        return bool(ticket.contact or self._db.execute(sql, [ticket.number]).fetchone())

    def _of_no_ticket(self, chat: str) -> Iterable[tuple[int, dict[str, Any]]]:
        """Replies and codes that still wait to leave for a chat."""
        rows = list(self._db.query("SELECT id, body FROM outbox WHERE ticket = ''"))
        bodies = [(int(row["id"]), json.loads(row["body"])) for row in rows]
        return [(number, body) for number, body in bodies if body.get("chat") == chat]
