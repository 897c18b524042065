"""The bot's side for tests: the real house over the shared index, and a customer's chat with it."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from bot.house import House
from bot.register import Ticket
from bot.responses import Responses
from bot.rooms import Rooms
from bot.rules import Rules, read_rules
from bot.settings import read_settings
from bot.shops import Shop, read_shops
from bot.tickets import Tickets
from bot.turn import Incoming, State, Turn
from index.library import Library
from index.recognizer import Recognizer

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)  # twelve o'clock in Almaty
AFFIRM = "/affirm"
_FORM = re.compile(r'\{"form":"\w+"\}|(?<=\{)"form":"\w+",')  # which form a button belongs to


@dataclass
class Clock:
    """Time that passes when a test says so."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Chat:
    """A chat: keeps its state as Telegram's storage would, and holds each turn to what all turns promise."""

    def __init__(self, house: House, name: str, shop: str) -> None:
        """`shop` was chosen before; without one the chat is new."""
        self.house, self.name = house, name
        self.state: State = {"greeted": True, "slots": {"shop": shop}} if shop else {}
        self.turn = Turn({"slots": {}})
        self._sent = 0

    async def says(self, *texts: str) -> None:
        """Type messages, one after another."""
        for text in texts:
            await self._send(Incoming(text=text))

    async def taps(self, payload: str) -> None:
        """Tap a button of the last reply."""
        assert payload in self.buttons, f"{payload} is not among {self.buttons}"
        await self._send(Incoming(payload=payload, tap=f"{self._sent}{payload}"))

    async def taps_again(self, payload: str, tap: str) -> None:
        """Tap a button of the message that `tap` names, whatever was shown since."""
        await self._send(Incoming(payload=payload, tap=tap))

    async def commands(self, payload: str) -> None:
        """Choose from the menu of commands."""
        await self._send(Incoming(payload=payload))

    async def shares(self, phone: str) -> None:
        """Press Telegram's own contact button."""
        await self._send(Incoming(phone=phone))

    def heard(self, response: str, **values: str) -> bool:
        """Whether this response, filled with these values and the state's, is in the last reply."""
        return self._words(response, values) in self.text

    @property
    def text(self) -> str:
        """The last reply."""
        return self.turn.reply.text

    @property
    def buttons(self) -> list[str]:
        """What the buttons of the last reply stand for."""
        return [_FORM.sub("", button.payload) for button in self.turn.reply.buttons]

    @property
    def asked(self) -> str | None:
        """The form's slot that the last reply ends with asking for."""
        slot: str | None = self.state["slots"].get("requested_slot")
        asks = self.state.get("form") and slot and self.text.endswith(self._words(f"utter_ask_request_form_{slot}", {}))
        return slot if asks else None

    @property
    def clauses(self) -> list[str]:
        """Numbers of the clauses found, best first; empty when none was shown."""
        return [clause["number"] for clause in self.turn.clauses]

    @property
    def tickets(self) -> list[Ticket]:
        """The chat's tickets, the oldest first."""
        return self.house.rooms.tickets.of_chat(self.name)[::-1]

    @property
    def nothing_waits_to_leave(self) -> bool:
        """Whether the outbox of the whole house is empty."""
        return self.house.rooms.tickets.claim(NOON, timedelta(minutes=2), ("mail", "staff", "chat")) is None

    @property
    def memory(self) -> str:
        """All that is remembered of this chat, as text."""
        return json.dumps(self.state, ensure_ascii=False)

    def _words(self, response: str, values: dict[str, str]) -> str:
        slots = self.state["slots"]
        known = {**slots, "shop_name": self.house.shop_names.get(slots.get("shop") or "", ""), **values}
        return self.house.responses.render(response, known).text

    async def _send(self, incoming: Incoming) -> None:
        given, before = copy.deepcopy(self.state), len(self.tickets)
        self.turn = await self.house.dialogue.handle(self.name, self.state, incoming)
        assert self.state == given, "the given state was changed"
        assert json.loads(json.dumps(self.turn.state)) == self.turn.state, "the state is no plain JSON"
        assert len(self.tickets) == before or self._is_yes(incoming), f"sent without a yes: {incoming}"
        assert self.text
        self.state, self._sent = self.turn.state, self._sent + 1

    def _is_yes(self, incoming: Incoming) -> bool:
        """«да», the summary's button, its words or its number; anywhere but at the summary nothing is a yes."""
        shown = [(str(number), *button) for number, button in enumerate(self.state.get("buttons", ()), start=1)]
        ways = {"да", *(way.casefold() for *ways, payload in shown if _FORM.sub("", payload) == AFFIRM for way in ways)}
        at_summary = self.state["slots"].get("requested_slot") == "confirmed"
        return at_summary and (incoming.payload == AFFIRM or incoming.text.casefold().strip(" .!") in ways)


Enter = Callable[..., Chat]


@cache
def words() -> tuple[Responses, Rules]:
    """Read intents/ once for all tests."""
    responses = Responses(ROOT / "intents" / "domain.yml")
    return responses, read_rules(ROOT / "intents" / "rules.yml", responses.domain, responses.domain["responses"])


@cache
def shops() -> Mapping[str, Shop]:
    """Read the shops of knowledge/ once for all tests."""
    return read_shops(ROOT / "knowledge")


@pytest.fixture
def house(library: Library, recognizer: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Wire a house as the commands do, around a room of tickets of its own and what is open already."""
    responses, rules = words()
    rooms = Rooms(dict(shops()), library, recognizer, Tickets(tmp_path / "konfident.db"), Clock())
    monkeypatch.setattr("bot.house.open_rooms", lambda _settings, _progress: rooms)
    monkeypatch.setattr("bot.house.Responses", lambda _path: responses)
    monkeypatch.setattr("bot.house.read_rules", lambda _path, _domain, _responses: rules)
    yield House(read_settings(data_dir=tmp_path, knowledge_dir=ROOT, intents_dir=ROOT), lambda _what: _no_progress)
    rooms.tickets.close()


@pytest.fixture
def enter(house: House) -> Enter:
    """Begin a chat, in a shop or in none yet."""

    def begin(shop: str = "", name: str = "tg:1") -> Chat:
        return Chat(house, name, shop)

    return begin


def _no_progress(_done: int, _total: int) -> None:
    """Everything is made already."""
