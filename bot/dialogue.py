"""A message -> its intent -> the rule's actions -> replies; asks a form's slots.

The dialogue keeps nothing itself: what a chat is in the middle of comes in and goes out as a plain dict.
"""

import asyncio
import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rasa_sdk.executor import ActionExecutor

from bot.responses import Reply, Responses
from bot.rules import Rule, Rules
from index.recognizer import Reading
from index.training import OUT_OF_SCOPE, QUESTION, WISHES

State = dict[str, Any]

LONGEST_MESSAGE = 2000
SHARE_CONTACT = "/share_contact"
_PAYLOAD = re.compile(r"/(\w+)(\{.*\})?", re.DOTALL)
_WORD = re.compile(r"\w", re.UNICODE)
_STEPS_BACK = 30
_TRIES = 3
_SURE_INTERRUPTION = 0.6
_AFFIRMED = ("affirm", "thanks")
_OPENS_REQUEST = frozenset((*WISHES, "question"))
_NEEDS_NO_SHOP = frozenset(
    ("choose_shop", "list_wishes", "help", "privacy", "greet", "goodbye", "thanks", "affirm", "deny", "cancel",
     "ticket_status")
)  # fmt: skip


@dataclass(frozen=True)
class Incoming:
    """What a person did: typed `text`, tapped a button with `payload`, or shared the own phone number.

    `tap` names the message and button, so that the same button works once.
    """

    text: str = ""
    payload: str = ""
    phone: str = ""
    tap: str = ""


@dataclass
class Turn:
    """What came of a message: the reply, and for the record how it was read and answered."""

    state: State
    reading: Reading | None = None
    outcome: str = "chat"
    parts: list[Reply] = field(default_factory=list)

    @property
    def clauses(self) -> list[dict[str, Any]]:
        """Clauses shown, best first, each with number, score and text."""
        return (self.state["slots"].get("shown") or []) if self.outcome == "clauses" else []

    @property
    def reply(self) -> Reply:
        """All parts as one message with the last part's buttons."""
        buttons = [part.buttons for part in self.parts if part.buttons]
        return Reply("\n\n".join(part.text for part in self.parts), buttons[-1] if buttons else ())


@dataclass(frozen=True)
class _Meaning:
    intent: str
    entities: Mapping[str, str] = field(default_factory=dict)
    reading: Reading | None = None
    text: str = ""


class Dialogue:
    """Stateless: one object serves all chats."""

    def __init__(
        self,
        read: Callable[[str], Reading],
        spot_shop: Callable[[str], tuple[str, str] | None],
        shops: Mapping[str, str],
        words: tuple[Responses, Rules],
        executor: ActionExecutor,
    ) -> None:
        """`spot_shop` finds a shop's id in a text and gives the rest; `shops` are names by id."""
        self._read, self._spot_shop, self._shops, self._executor = read, spot_shop, shops, executor
        self.responses, self._rules = words

    async def handle(self, chat: str, state: State, incoming: Incoming) -> Turn:
        """One turn. The given state stays as it is; the turn carries the next one."""
        turn = Turn(copy.deepcopy(state))
        turn.state.setdefault("slots", {})
        if not turn.state.get("greeted"):
            self._say(turn, "utter_intro")
            turn.state["greeted"] = True
        if self._is_spent(turn.state, incoming.tap):
            self._say(turn, "utter_old_button")
            return turn
        await self._take_turn(chat, turn, incoming)
        if turn.reply.buttons:
            turn.state["buttons"] = [[button.title, button.payload] for button in turn.reply.buttons]
        return turn

    # what is meant

    async def _take_turn(self, chat: str, turn: Turn, incoming: Incoming) -> None:
        if incoming.phone:
            await self._shared(chat, turn, incoming.phone)
            return
        text = incoming.text.strip()
        if len(text) > LONGEST_MESSAGE:
            text = text[:LONGEST_MESSAGE]
            self._say(turn, "utter_too_long")
        payload = incoming.payload or _chosen(turn.state.get("buttons", ()), text) or (text if text[:1] == "/" else "")
        meaning = self._of_button(payload)
        if meaning is None and not _WORD.search(text):
            self._say(turn, "utter_not_understood")
        elif meaning is None:
            await self._typed(chat, turn, text)
        elif turn.state.get("form"):
            await self._interrupted(chat, turn, meaning)
        else:
            await self._run_intent(chat, turn, meaning)

    def _of_button(self, payload: str) -> _Meaning | None:
        match = _PAYLOAD.fullmatch(payload)
        if match is None or match[1] not in self.responses.domain["intents"]:
            return None
        try:
            entities = json.loads(match[2] or "{}")
        except json.JSONDecodeError:
            return None
        return _Meaning(match[1], entities)

    async def _typed(self, chat: str, turn: Turn, text: str) -> None:
        reading = await asyncio.to_thread(self._read, text)
        turn.reading = reading
        if turn.state.get("form"):
            await self._answered(chat, turn, text, reading)
            return
        named = self._spot_shop(text)
        if named is not None:
            turn.state["slots"]["shop"] = named[0]
            if reading.best == "choose_shop" or len(named[1].split()) < 3:  # «а у …?», «про …»
                await self._moved_to(chat, turn, named[0])
                return
        await self._run_intent(chat, turn, _Meaning(_first_step(reading), {}, reading, text))

    async def _moved_to(self, chat: str, turn: Turn, shop: str) -> None:
        """A shop was named: the waiting or the last question is asked of it."""
        question = turn.state.pop("pending", None) or turn.state["slots"].get("last_question")
        if not question:
            await self._run_intent(chat, turn, _Meaning("choose_shop", {"shop": shop}))
            return
        turn.reading = await asyncio.to_thread(self._read, question)
        await self._run_intent(chat, turn, _Meaning(_first_step(turn.reading), {}, turn.reading, question))

    # what follows

    async def _run_intent(self, chat: str, turn: Turn, meaning: _Meaning) -> None:
        slots = turn.state["slots"]
        if not slots.get("shop") and len(self._shops) == 1:
            slots["shop"] = next(iter(self._shops))
        if not slots.get("shop") and meaning.intent not in _NEEDS_NO_SHOP:
            if meaning.text:
                turn.state["pending"] = meaning.text
            meaning = _Meaning("choose_shop")
        rule = self._rules.of(meaning.intent, turn.state.get("form", ""))
        if rule is None:
            self._say(turn, "utter_not_understood")
            return
        if meaning.reading and meaning.intent in WISHES:
            slots["waiting_kinds"] = list(meaning.reading.others) or None
        turn.outcome = "offtopic" if meaning.intent == OUT_OF_SCOPE else turn.outcome
        chosen = meaning.intent == "choose_shop" and meaning.entities.get("shop") in self._shops
        if chosen and turn.state.get("pending"):
            slots["shop"] = meaning.entities["shop"]
            await self._moved_to(chat, turn, slots["shop"])
            return
        await self._run_steps(chat, turn, rule, meaning)

    async def _run_steps(self, chat: str, turn: Turn, rule: Rule, meaning: _Meaning) -> None:
        if rule.closes:
            turn.state.pop("form", None)
        for step in rule.steps:
            if step in self.responses:
                self._say(turn, step)
            elif step in self.responses.domain["forms"]:
                if not rule.closes:
                    turn.state.update(form=step, tries=0)
                    await self._ask_next(chat, turn, [])
            else:
                await self._run_action(chat, turn, step, meaning)
        turn.outcome = turn.state["slots"].pop("outcome", None) or turn.outcome

    async def _run_action(
        self, chat: str, turn: Turn, action: str, meaning: _Meaning, candidates: list[dict[str, Any]] | None = None
    ) -> list[Reply]:
        """Run one action by rasa-sdk's executor; its events change the slots. Returns what it said."""
        slots = turn.state["slots"]
        tracker = {
            "sender_id": chat,
            "slots": dict(slots),
            "latest_message": _latest_message(meaning),
            "latest_event_time": None,
            "events": candidates or [],
            "paused": False,
            "followup_action": None,
            "active_loop": {"name": turn.state.get("form")},
            "latest_action_name": None,
        }
        call = {"next_action": action, "sender_id": chat, "tracker": tracker, "domain": self.responses.domain}
        result = await self._executor.run(call)
        if result is None:
            raise RuntimeError(f"{action} gave no result")
        for event in result.events:
            if event["event"] == "slot":
                slots[event["name"]] = event["value"]
        replies = [self._rendered(turn, said) for said in result.responses]
        if candidates is None:
            turn.parts.extend(replies)
        return replies

    # a form

    async def _answered(self, chat: str, turn: Turn, text: str, reading: Reading) -> None:
        """A typed message in the middle of a form: its answer, a question beside it, or the way out."""
        slot = turn.state["slots"].get("requested_slot")
        if reading.best == "cancel" and (slot != "details" or len(text.split()) <= 3):
            await self._interrupted(chat, turn, _Meaning("cancel", {}, reading, text))
            return
        if slot == "details" and _is_question(reading, text) and turn.state["slots"].get("kind") != "question":
            await self._interrupted(chat, turn, _Meaning(QUESTION, {}, reading, text))
            return
        if slot == "confirmed":
            await self._confirmed(chat, turn, text, reading)
            return
        errors = await self._fill(chat, turn, slot, text)
        if turn.state["slots"].get(slot) is not None:
            await self._ask_next(chat, turn, [])
        elif reading.best not in ("affirm", "deny") and _is_question(reading, text):
            await self._interrupted(chat, turn, _Meaning(QUESTION, {}, reading, text))
        else:
            await self._again(chat, turn, errors)

    async def _confirmed(self, chat: str, turn: Turn, text: str, reading: Reading) -> None:
        """At the summary: yes, no, a question, or words to add."""
        if reading.best in _AFFIRMED:
            await self._fill(chat, turn, "confirmed", value=True)
            await self._ask_next(chat, turn, [])
        elif reading.best == "deny":
            await self._interrupted(chat, turn, _Meaning("cancel", {}, reading, text))
        elif _is_question(reading, text):
            await self._interrupted(chat, turn, _Meaning(QUESTION, {}, reading, text))
        elif len(text.split()) > 1:
            slots = turn.state["slots"]
            slots["details"] = "\n".join(part for part in (slots.get("details"), text) if part)
            self._say(turn, "utter_details_added")
            await self._ask_next(chat, turn, [])
        else:
            await self._again(chat, turn, await self._fill(chat, turn, "confirmed", value=False))

    async def _interrupted(self, chat: str, turn: Turn, meaning: _Meaning) -> None:
        """A button or another intent while a form is open: do it, then go on with the form."""
        slots = turn.state["slots"]
        if meaning.intent == "affirm":
            if slots.get("requested_slot") == "confirmed":
                await self._fill(chat, turn, "confirmed", value=True)
            await self._ask_next(chat, turn, [])
        elif meaning.intent == "skip":
            await self._give_up(chat, turn)
        elif meaning.intent == "correct":
            slots[meaning.entities.get("slot", "contact")] = None
            await self._ask_next(chat, turn, [])
        elif meaning.intent == slots.get("kind"):
            await self._ask_next(chat, turn, [])
        elif meaning.intent in ("cancel", "deny"):
            await self._run_intent(chat, turn, _Meaning("cancel"))
            await self._next_wish(chat, turn)
        elif meaning.intent in _OPENS_REQUEST:
            slots["waiting_kinds"] = [*(slots.get("waiting_kinds") or []), meaning.intent]
            await self._ask_next(chat, turn, [])
        else:
            await self._beside(chat, turn, meaning)

    async def _beside(self, chat: str, turn: Turn, meaning: _Meaning) -> None:
        kept = {name: turn.state["slots"].get(name) for name in ("shop", "requested_slot")}
        await self._run_intent(chat, turn, meaning)
        turn.state["slots"].update(kept)
        await self._ask_next(chat, turn, [])

    async def _shared(self, chat: str, turn: Turn, phone: str) -> None:
        """Telegram's own contact button: the number is the sender's."""
        if turn.state.get("form") and turn.state["slots"].get("requested_slot") == "contact":
            phone = phone if phone.startswith("+") else f"+{phone}"
            turn.state["slots"].update(identity="telegram", shared_contact=phone)
            await self._fill(chat, turn, "contact", phone)
            await self._ask_next(chat, turn, [])
        else:
            self._say(turn, "utter_nothing_to_confirm")

    async def _fill(self, chat: str, turn: Turn, slot: str, text: str = "", *, value: Any = None) -> list[Reply]:
        """Offer a value to the form's validation; returns what it objects to."""
        candidate = {"event": "slot", "name": slot, "value": text if value is None else value, "timestamp": None}
        turn.state["slots"][slot] = None
        return await self._run_action(chat, turn, f"validate_{turn.state['form']}", _Meaning("inform"), [candidate])

    async def _ask_next(self, chat: str, turn: Turn, objections: list[Reply]) -> None:
        """Ask for the first empty slot; with none left the form's rule goes on."""
        turn.parts.extend(objections)
        form, slots = turn.state["form"], turn.state["slots"]
        slots["requested_slot"] = None
        await self._run_action(chat, turn, f"validate_{form}", _Meaning("inform"), [])
        required = self.responses.domain["forms"][form]["required_slots"]
        asked = slots.get("requested_slot") or next((slot for slot in required if slots.get(slot) is None), None)
        if asked is not None and slots.get("confirmed") is not True:
            if not objections:
                turn.state["tries"] = 0
            slots["requested_slot"] = asked
            self._say(turn, f"utter_ask_{form}_{asked}")
            turn.outcome = "request" if turn.outcome == "chat" else turn.outcome
            return
        rule = self._rules.filled(form)
        await self._run_steps(chat, turn, rule, _Meaning("inform"))
        await self._next_wish(chat, turn)

    async def _again(self, chat: str, turn: Turn, objections: list[Reply]) -> None:
        """Ask the same again, twice at most; then go on without, but never send without a yes."""
        turn.state["tries"] = turn.state.get("tries", 0) + 1
        if turn.state["tries"] < _TRIES:
            await self._ask_next(chat, turn, objections)
        elif turn.state["slots"]["requested_slot"] == "confirmed":
            kind = turn.state["slots"].get("kind")
            await self._run_action(chat, turn, "action_drop_request", _Meaning("cancel"), [])
            turn.state.pop("form")
            turn.parts.append(self.responses.render("utter_request_put_aside", {"kind": kind}))
        else:
            await self._give_up(chat, turn)

    async def _give_up(self, chat: str, turn: Turn) -> None:
        """Go on without this slot."""
        slot = turn.state["slots"].get("requested_slot")
        if slot in ("contact", "details"):
            self._say(turn, "utter_slot_given_up")
            await self._fill(chat, turn, slot, "")
        await self._ask_next(chat, turn, [])

    async def _next_wish(self, chat: str, turn: Turn) -> None:
        """The second wish of a message is taken when the first is done."""
        waiting = turn.state["slots"].get("waiting_kinds") or []
        if waiting and not turn.state.get("form"):
            turn.state["slots"]["waiting_kinds"] = waiting[1:] or None
            self._say(turn, "utter_next_wish")
            rule = self._rules.of(waiting[0], "")
            if rule is not None:
                await self._run_steps(chat, turn, rule, _Meaning(waiting[0]))

    # words

    def _say(self, turn: Turn, response: str) -> None:
        turn.parts.append(self._rendered(turn, {"response": response}))

    def _rendered(self, turn: Turn, said: Mapping[str, Any]) -> Reply:
        slots = turn.state["slots"]
        values = {**slots, "shop_name": self._shops.get(slots.get("shop", ""), ""), **said}
        return self.responses.render(said["response"], values, said.get("buttons") or ())

    @staticmethod
    def _is_spent(state: State, tap: str) -> bool:
        """True for a button that has worked before; remembers it."""
        spent = state.setdefault("spent", [])
        if tap and tap in spent:
            return True
        if tap:
            state["spent"] = [*spent, tap][-_STEPS_BACK:]
        return False


def _first_step(reading: Reading) -> str:
    """A sure wish opens its form; a doubtful one gets the clause, with a button that opens it."""
    return QUESTION if reading.best in WISHES and not reading.is_sure_wish else reading.best


def _is_question(reading: Reading, text: str) -> bool:
    asks = "?" in text or reading.names_clause or reading.confidence >= _SURE_INTERRUPTION
    return reading.best == QUESTION and asks


def _chosen(buttons: Any, text: str) -> str:
    """The payload of a button whose number or words were typed instead of a tap."""
    typed = text.casefold().strip(" .!")
    for number, (title, payload) in enumerate(buttons, start=1):
        if typed in (str(number), title.casefold()):
            return str(payload)
    return ""


def _latest_message(meaning: _Meaning) -> dict[str, Any]:
    """What Rasa's language understanding would hand to an action."""
    reading = meaning.reading
    ranking = sorted(reading.probabilities.items(), key=lambda each: -each[1]) if reading else []
    return {
        "text": meaning.text or f"/{meaning.intent}",
        "intent": {"name": meaning.intent, "confidence": reading.confidence if reading else 1.0},
        "intent_ranking": [{"name": name, "confidence": mass} for name, mass in ranking],
        "entities": [{"entity": name, "value": value} for name, value in meaning.entities.items()],
        "metadata": {"normalized": reading.text if reading else ""},
    }
