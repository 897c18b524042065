"""A form's conversation: asks its slots, takes the answers, shows the summary, never sends without a plain yes."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.files import offers_identity_document
from bot.responses import Button, Reply
from bot.rules import Rules
from bot.steps import Steps
from bot.turn import Meaning, Turn
from index.parts import is_asked
from index.recognizer import Reading
from index.training import QUESTION, WISHES

OPENS_REQUEST = frozenset((*WISHES, "question"))
# Buttons that mean this form and no later one.
_OWN_BUTTONS = frozenset(("affirm", "deny", "cancel", "skip", "correct", "confirm_email"))
_TALK = frozenset(("ticket_status", "human", "greet", "goodbye", "thanks", "choose_shop"))
_TRIES = 3
_SURE = 0.75
_SURE_QUESTION = 0.8
_SHORT = 6
_SIX_DIGITS = re.compile(r"(?:\D{0,20}\s)?(\d{3})[\s-]?(\d{3})\W*")
_LIKE_A_CONTACT = re.compile(r"\S@\S|(?:\d[\s()-]*){7}")


class Form:
    """Stateless: slots, tries and the open form are in the turn's state."""

    def __init__(self, steps: Steps, rules: Rules) -> None:
        """Steps to do and rules to follow."""
        self._steps, self._rules = steps, rules

    async def begin(self, turn: Turn, meaning: Meaning) -> None:
        """Follow the rule of a wish, and ask for the first empty slot."""
        rule = self._rules.of(meaning.intent, "")
        if rule is not None:
            await self._steps.run(turn, rule, meaning)
            await self.ask(turn)

    async def ask(self, turn: Turn, objections: Sequence[Reply] = ()) -> None:
        """Ask for the first empty slot; with none left the form's rule goes on."""
        turn.parts.extend(objections)
        asked = await self._empty_slot(turn)
        if asked is not None and turn.slots.get("confirmed") is not True:
            if not objections:
                turn.state["tries"] = 0
            self._ask_for(turn, asked)
            return
        await self._steps.run(turn, self._rules.filled(turn.form), Meaning("inform"))
        await self._next_wish(turn)

    async def answer(self, turn: Turn, text: str, reading: Reading) -> Meaning | None:
        """Take a typed message; what is no answer comes back, to be done beside the form."""
        slot = turn.slots.get("requested_slot")
        if reading.best == "cancel" and reading.confidence >= _SURE and (slot != "details" or len(text.split()) <= 3):
            return await self.press(turn, Meaning("cancel"))
        if await self._is_code_or_document(turn, text):
            return None
        if slot == "confirmed":
            return await self._take_confirmation(turn, text, reading)
        if _is_sure(reading, "deny", text):
            return await self.press(turn, Meaning("skip"))
        if _is_talk(reading, text) or (slot == "details" and self._asks_in_details(turn, text, reading)):
            return Meaning(reading.best, {}, reading, text)
        return await self._take(turn, str(slot), text, reading)

    async def press(self, turn: Turn, meaning: Meaning) -> Meaning | None:
        """Take a button or command; what is not the form's own comes back, to be done beside it."""
        if meaning.intent in ("cancel", "deny"):
            await self._drop(turn)
        elif meaning.intent == "affirm":
            if turn.slots.get("requested_slot") == "confirmed":
                await self._fill(turn, "confirmed", value=True)
            await self.ask(turn)
        elif meaning.intent == "skip":
            await self._go_without(turn)
        elif meaning.intent == "confirm_email":
            turn.parts += await self._steps.act(turn, "action_send_code")
            await self._ask_code_or_more(turn)
        elif meaning.intent == "correct":
            turn.slots[meaning.entities.get("slot", "contact")] = None
            self._ask_for(turn, meaning.entities.get("slot", "contact"))
        elif meaning.intent in OPENS_REQUEST:
            await self._wish_beside(turn, meaning.intent)
        else:
            return meaning
        return None

    async def share(self, turn: Turn, phone: str) -> None:
        """Take the sender's own number from Telegram's contact button."""
        phone = phone if phone.startswith("+") else f"+{phone}"
        turn.slots.update(identity="telegram", shared_contact=phone)
        await self._fill(turn, "contact", value=phone)
        await self.ask(turn)

    async def take_file(self, turn: Turn, caption: str) -> None:
        """A file was kept for this form; its caption is a part of what the customer tells."""
        turn.parts += await self._steps.act(turn, "action_take_file", Meaning("inform", {}, None, caption))
        if turn.slots.get("requested_slot") == "code":
            await self._ask_code_or_more(turn)
        else:
            await self.ask(turn)

    async def move(self, turn: Turn, shop: str) -> None:
        """Begin the same request anew in another shop, with what was told already."""
        slots = turn.slots
        kind, details = slots.get("kind"), slots.get("details")
        slots["shop"] = shop
        rule = self._rules.of(str(kind), "")
        if rule is not None:
            await self._steps.run(turn, rule, Meaning(str(kind), {}, None, slots.get("words") or ""))
        slots["details"] = slots.get("details") or details
        await self.ask(turn)

    def owns(self, turn: Turn, meaning: Meaning) -> bool:
        """False for a button of a form that is not open any more."""
        stamp = meaning.entities.get("form")
        return stamp is None or (bool(turn.form) and stamp == _stamp(turn))

    async def _take(self, turn: Turn, slot: str, text: str, reading: Reading) -> Meaning | None:
        if slot == "code":
            await self._take_no_code(turn, text, reading)
            return None
        objections = await self._fill(turn, slot, value=text)
        if turn.slots.get(slot) is not None:
            await self.ask(turn)
        elif reading.wish_mass >= _SURE and len(text.split()) > 1:
            return await self.press(turn, Meaning(reading.best))
        elif reading.best not in ("affirm", "deny") and _is_question(reading, text):
            return Meaning(QUESTION, {}, reading, text)
        else:
            await self._again(turn, objections)
        return None

    async def _take_confirmation(self, turn: Turn, text: str, reading: Reading) -> Meaning | None:
        """At the summary: yes, no, a question, or words to add."""
        if _is_sure(reading, "affirm", text):
            return await self.press(turn, Meaning("affirm"))
        if _is_sure(reading, "deny", text):
            return await self.press(turn, Meaning("cancel"))
        if _is_talk(reading, text) or _is_question(reading, text):
            return Meaning(reading.best, {}, reading, text)
        if len(text.split()) > 1:
            await self._take_more(turn, text)
        else:
            await self._again(turn, await self._fill(turn, "confirmed", value=False))
        return None

    async def _is_code_or_document(self, turn: Turn, text: str) -> bool:
        """Take the code from a letter, or the word that the last file shows an identity document."""
        code = _SIX_DIGITS.fullmatch(text.strip())
        if code and turn.slots.get("code_asked"):
            digits = "".join(code.groups())
            turn.parts += await self._steps.act(turn, "action_check_code", Meaning("confirm_email", {"code": digits}))
            await self._ask_code_or_more(turn)
            return True
        if turn.slots.get("files_count") and offers_identity_document(text):
            turn.parts += await self._steps.act(turn, "action_refuse_document")
            await self.ask(turn)
            return True
        return False

    async def _take_no_code(self, turn: Turn, text: str, reading: Reading) -> None:
        """Another contact, or something else where six digits are awaited; a «да» leads on without them."""
        turn.state["tries"] = turn.state.get("tries", 0) + 1
        if _LIKE_A_CONTACT.search(text):
            turn.parts += await self._fill(turn, "contact", value=text)
        elif turn.state["tries"] < _TRIES and not _is_sure(reading, "affirm", text):
            self._steps.say(turn, "utter_code_six_digits")
        else:
            turn.slots["code_asked"] = None
        await self._ask_code_or_more(turn)

    async def _ask_code_or_more(self, turn: Turn) -> None:
        """While a code is awaited it is asked for; then the form goes on."""
        if turn.slots.get("code_asked"):
            self._ask_for(turn, "code")
        else:
            await self.ask(turn)

    async def _take_more(self, turn: Turn, text: str) -> None:
        """Words at the summary: another contact, or something to add."""
        contact = turn.slots.get("contact")
        if _LIKE_A_CONTACT.search(text):
            await self._fill(turn, "contact", value=text)
        if turn.slots.get("contact") in (None, contact):
            turn.slots["contact"] = contact
            turn.slots["details"] = "\n".join(part for part in (turn.slots.get("details"), text) if part)
        self._steps.say(turn, "utter_details_added")
        await self.ask(turn)

    def _asks_in_details(self, turn: Turn, text: str, reading: Reading) -> bool:
        """A story is full of what sounds like questions: only a question mark or a clause's number makes it one."""
        return (
            turn.slots.get("kind") != "question" and reading.best == QUESTION and ("?" in text or reading.names_clause)
        )

    async def _wish_beside(self, turn: Turn, kind: str) -> None:
        waiting = turn.slots.get("waiting_kinds") or []
        if kind != turn.slots.get("kind") and kind not in waiting:
            turn.slots["waiting_kinds"] = [*waiting, kind]
            self._steps.say(turn, "utter_wish_noted", kind=kind)
        await self.ask(turn)

    async def _drop(self, turn: Turn) -> None:
        rule = self._rules.of("cancel", turn.form)
        if rule is not None:
            await self._steps.run(turn, rule, Meaning("cancel"))

    async def _fill(self, turn: Turn, slot: str, *, value: Any) -> list[Reply]:
        """Offer a value to the form's validation; gives what it objects to."""
        turn.slots[slot] = None
        candidate = {"event": "slot", "name": slot, "value": value, "timestamp": None}
        return await self._steps.act(turn, f"validate_{turn.form}", candidates=[candidate])

    async def _empty_slot(self, turn: Turn) -> str | None:
        turn.slots["requested_slot"] = None
        await self._steps.act(turn, f"validate_{turn.form}")
        required = self._steps.responses.domain["forms"][turn.form]["required_slots"]
        return turn.slots.get("requested_slot") or next(
            (slot for slot in required if turn.slots.get(slot) is None), None
        )

    def _ask_for(self, turn: Turn, slot: str) -> None:
        turn.slots["requested_slot"] = slot
        self._steps.say(turn, f"utter_ask_{turn.form}_{slot}")
        question = turn.parts[-1]
        turn.parts[-1] = replace(question, buttons=tuple(_stamped(turn, button) for button in question.buttons))
        turn.outcome = "request" if turn.outcome == "chat" else turn.outcome

    async def _again(self, turn: Turn, objections: Sequence[Reply]) -> None:
        """Ask the same again, twice at most; then go on without, but never send without a yes."""
        turn.state["tries"] = turn.state.get("tries", 0) + 1
        if turn.state["tries"] < _TRIES:
            await self.ask(turn, objections)
        elif turn.slots["requested_slot"] == "confirmed":
            kind = turn.slots.get("kind")
            await self._steps.act(turn, "action_drop_request", Meaning("cancel"))
            turn.state.pop("form")
            self._steps.say(turn, "utter_request_put_aside", kind=kind)
        else:
            await self._go_without(turn)

    async def _go_without(self, turn: Turn) -> None:
        slot = turn.slots.get("requested_slot")
        if slot in ("contact", "details"):
            self._steps.say(turn, "utter_slot_given_up")
            await self._fill(turn, slot, value="")
        if slot == "code":
            turn.slots["code_asked"] = None
        await self.ask(turn)

    async def _next_wish(self, turn: Turn) -> None:
        """The second wish of a message is taken when the first is done."""
        waiting = turn.slots.get("waiting_kinds") or []
        if waiting:
            turn.slots["waiting_kinds"] = waiting[1:] or None
            self._steps.say(turn, "utter_next_wish")
            await self.begin(turn, Meaning(waiting[0]))


def _is_sure(reading: Reading, intent: str, text: str) -> bool:
    return reading.best == intent and reading.confidence >= _SURE and len(text.split()) <= _SHORT


def _is_talk(reading: Reading, text: str) -> bool:
    return reading.best in _TALK and _is_sure(reading, reading.best, text) and not _LIKE_A_CONTACT.search(text)


def _is_question(reading: Reading, text: str) -> bool:
    asks = is_asked(text) or reading.names_clause or reading.confidence >= _SURE_QUESTION
    return reading.best == QUESTION and asks


def _stamp(turn: Turn) -> str:
    return str(turn.slots.get("form_id") or "")[:8]


def _stamped(turn: Turn, button: Button) -> Button:
    """A button that works for this form only: a tap on an old summary must not send a new request."""
    intent, brace, entities = button.payload.removeprefix("/").partition("{")
    if intent not in _OWN_BUTTONS:
        return button
    rest = f",{entities}" if brace else "}"
    return replace(button, payload=f'/{intent}{{"form":"{_stamp(turn)}"{rest}')
