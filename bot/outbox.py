"""The outbox: what is to leave, claimed by lease, marked or postponed; a chat's state is kept with its reply."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.database import Store

Channel = Literal["mail", "chat", "staff"]
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)


class Undelivered(Exception):  # noqa: N818  # it says what happened to an outbox row
    """A row could not be delivered; `permanent` ends the tries, `pause` is the least time to the next one."""

    def __init__(self, reason: str, *, permanent: bool, pause: timedelta = timedelta(0)) -> None:
        """`reason` holds no words of customers and no secrets."""
        super().__init__(reason)
        self.permanent, self.pause = permanent, pause


@dataclass(frozen=True)
class Delivery:
    """An outbox row under lease. `body` is the channel's own; `ticket` is empty for a reply in a conversation."""

    id: int
    ticket: str
    channel: Channel
    message_id: str
    body: Mapping[str, Any]
    attempts: int


class Outbox(Store):
    """Rows that are to leave, and the chats' states."""

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
                self._tell_staff_of(delivery, now)

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

    def _tell_staff_of(self, delivery: Delivery, now: datetime) -> None:
        """A letter or an answer that cannot arrive is a matter for people."""
        responses = {"mail": "utter_staff_undelivered", "chat": "utter_staff_chat_undelivered"}
        if delivery.channel in responses:
            self._enqueue(delivery.ticket, "staff", {"response": responses[delivery.channel]}, now)

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
