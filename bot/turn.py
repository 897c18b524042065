"""One turn of a conversation: what a person did, what is meant by it, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.responses import Reply
from index.recognizer import Reading

State = dict[str, Any]

SHARE_CONTACT = "/share_contact"  # the button that Telegram itself answers, with the sender's number


@dataclass(frozen=True)
class Incoming:
    """What a person did: typed `text`, tapped a button with `payload`, or shared the own phone number.

    `tap` names the message and button, so that the same button works once. `file`: a file came, the text is its
    caption.
    """

    text: str = ""
    payload: str = ""
    phone: str = ""
    tap: str = ""
    file: bool = False


@dataclass(frozen=True)
class Meaning:
    """An intent, its entities, and the message it was read from (none for a button)."""

    intent: str
    entities: Mapping[str, str] = field(default_factory=dict)
    reading: Reading | None = None
    text: str = ""


@dataclass
class Turn:
    """What comes of a message: the next state, the reply's parts, how the message was read and answered.

    `adding`: the request to which the customer chose to add the words of this turn.
    """

    state: State
    chat: str = ""
    reading: Reading | None = None
    outcome: str = "chat"
    parts: list[Reply] = field(default_factory=list)
    adding: str = ""

    @property
    def slots(self) -> dict[str, Any]:
        """Rasa's slots, a part of the state."""
        slots: dict[str, Any] = self.state.setdefault("slots", {})
        return slots

    @property
    def form(self) -> str:
        """The open form, if any."""
        return str(self.state.get("form") or "")

    @property
    def clauses(self) -> list[dict[str, Any]]:
        """Clauses shown, best first, each with number, score and text."""
        return (self.slots.get("shown") or []) if self.outcome == "clauses" else []

    @property
    def reply(self) -> Reply:
        """All parts as one message with the last part's buttons."""
        buttons = [part.buttons for part in self.parts if part.buttons]
        enclosed = next((part.enclosed for part in self.parts if part.enclosed), "")
        return Reply("\n\n".join(part.text for part in self.parts), buttons[-1] if buttons else (), enclosed)
