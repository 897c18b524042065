"""What all deeds share: where their rooms are, and how they read what was said."""

from abc import ABC, abstractmethod
from functools import cache
from typing import Any

from rasa_sdk.interfaces import Action, Tracker

from bot.rooms import Rooms, open_rooms
from bot.settings import read_settings
from bot.shops import Shop
from index.clauses import Policy

Events = list[dict[str, Any]]

SHORTEST_DETAILS = 5  # characters


@cache
def _rooms_of_the_server() -> Rooms:
    """The action server's rooms; the bot hands its own to the actions."""
    return open_rooms(read_settings(), lambda _what: lambda _done, _total: None)


class Deed(Action, ABC):
    """An action that knows where its rooms are."""

    def __init__(self, rooms: Rooms | None = None) -> None:
        """`rooms` are opened on first use when none are given."""
        self._rooms = rooms

    @abstractmethod
    def name(self) -> str:
        """The action's name in domain.yml."""

    @property
    def rooms(self) -> Rooms:
        """Shops, library, tickets and clock."""
        return self._rooms or _rooms_of_the_server()

    def shop(self, tracker: Tracker) -> Shop:
        """The shop that the chat is about."""
        return self.rooms.shops[slot(tracker, "shop")]

    def policy(self, tracker: Tracker) -> Policy:
        """That shop's policy as it reads now."""
        return self.rooms.library.shelves[slot(tracker, "shop")].policy


def slot(tracker: Tracker, name: str) -> str:
    """A slot's text; "" for an empty one."""
    return tracker.get_slot(name) or ""


def entity(tracker: Tracker, name: str) -> str:
    """What a button carries under this name; "" when it carries nothing."""
    return str(next(tracker.get_latest_entity_values(name), ""))


def said(tracker: Tracker) -> str:
    """The customer's own words; empty for a button."""
    text = tracker.latest_message.get("text") or ""
    return "" if text.startswith("/") else text
