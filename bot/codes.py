"""Codes that confirm a typed e-mail: made, limited, compared; never readable in the database."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.database import Store

Check = Literal["right", "wrong", "spent"]

LIFE = timedelta(minutes=10)
TRIES = 3
MOST_AN_ADDRESS, MOST_A_CHAT = 3, 5  # in an hour
_HOUR = timedelta(hours=1)
_SCRYPT_N = 2**13  # some milliseconds a guess: a code is short


class Codes:
    """Each code is for one chat, one form and one address."""

    def __init__(self, store: Store) -> None:
        """Kept as digests in the tickets' database."""
        self._db = store.database

    def make(self, chat: str, form: str, address: str, now: datetime) -> str | None:
        """Six digits, which end the life of the form's earlier ones; None when too many were made in an hour."""
        self.forget_old(now)
        if self._made("address", _named(address)) >= MOST_AN_ADDRESS or self._made("chat", chat) >= MOST_A_CHAT:
            return None
        code, salt = f"{secrets.randbelow(10**6):06d}", secrets.token_hex(16)
        self._db.execute("UPDATE codes SET over = 1 WHERE chat = ? AND form = ?", [chat, form])
        row = {"chat": chat, "form": form, "address": _named(address), "salt": salt, "digest": _digest(code, salt)}
        self._db.table("codes").insert({**row, "made": now.isoformat(), "tries": 0, "over": 0})
        return code

    def check(self, chat: str, form: str, address: str, code: str, now: datetime) -> Check:
        """Spend a try; a code that was right, tried out or is too old is spent."""
        row = next(self._living(chat, form, address, now), None)
        if row is None:
            return "spent"
        is_right = hmac.compare_digest(_digest(code, row["salt"]), row["digest"])
        tries = row["tries"] + 1
        self._db.table("codes").update(row["id"], {"tries": tries, "over": int(is_right or tries >= TRIES)})
        return "right" if is_right else "wrong" if tries < TRIES else "spent"

    def of_chat(self, chat: str) -> list[str]:
        """When codes were made for a chat in the last hour."""
        return [row["made"] for row in self._db.query("SELECT made FROM codes WHERE chat = ?", [chat])]

    def forget_chat(self, chat: str) -> None:
        """Cut the link to a chat and end its codes; that an address got letters still counts for its hour."""
        self._db.execute("UPDATE codes SET chat = '', form = '', over = 1 WHERE chat = ?", [chat])

    def forget_old(self, now: datetime) -> None:
        """An hour counts, no more."""
        self._db.table("codes").delete_where("made <= ?", [(now - _HOUR).isoformat()])

    def _living(self, chat: str, form: str, address: str, now: datetime) -> Iterator[dict[str, Any]]:
        sql = (
            "SELECT * FROM codes WHERE chat = ? AND form = ? AND address = ? AND over = 0 AND made > ? ORDER BY id DESC"
        )
        return self._db.query(sql, [chat, form, _named(address), (now - LIFE).isoformat()])

    def _made(self, column: str, value: str) -> int:
        return int(self._db.table("codes").count_where(f"{column} = ?", [value]))


def _named(address: str) -> str:
    return hashlib.sha256(address.casefold().encode()).hexdigest()


def _digest(code: str, salt: str) -> str:
    return hashlib.scrypt(code.encode(), salt=bytes.fromhex(salt), n=_SCRYPT_N, r=8, p=1).hex()
