"""A message -> what is meant by it -> the rule's steps -> replies.

The dialogue keeps nothing itself: what a chat is in the middle of comes in and goes out as a plain dict.
"""

import asyncio
import copy
import json
import re
from collections.abc import Callable, Mapping

from rasa_sdk.executor import ActionExecutor

from bot.form import OPENS_REQUEST, Form
from bot.responses import Responses
from bot.rules import Rules
from bot.steps import Steps
from bot.turn import SHARE_CONTACT, Incoming, Meaning, State, Turn
from index.recognizer import Reading, Recognizer
from index.training import QUESTION, WISHES

LONGEST_MESSAGE = 2000
_PAYLOAD = re.compile(r"/(\w+)(\{.*\})?", re.DOTALL)
_WORD = re.compile(r"\w", re.UNICODE)
_ENDS = " .!?"
_LEADING_ON = frozenset(("дальше", "далее", "подробнее"))  # without a button they lead nowhere
_TITLE_ENDS = re.compile(r"[:,]")
_KNOWN_LETTER = re.compile("[A-Za-z\u0400-\u04ff]")
_FRAGMENT = re.compile(r"(?:ну\s+)?(?:а|и|или)\s", re.IGNORECASE)
_LONGEST_FRAGMENT = 5
_STEPS_BACK = 30
_ENDS_A_FORM = ("start", "forget")
FORGOTTEN = "forgotten"
_CALLED_OFF = 3  # words
_NEEDS_NO_SHOP = frozenset(
    ("choose_shop", "list_wishes", "help", "privacy", "greet", "goodbye", "thanks", "affirm", "deny", "cancel",
     "ticket_status", "add_word", "reply_to", "take_back", "take_back_yes", "reopen", "mydata", "forget")
)  # fmt: skip


class Dialogue:
    """Stateless: one object serves all chats."""

    def __init__(
        self,
        recognizer: Recognizer,
        spot_shop: Callable[[str], tuple[str, str] | None],
        shops: Mapping[str, str],
        words: tuple[Responses, Rules],
        executor: ActionExecutor,
    ) -> None:
        """`spot_shop` finds a shop's id in a text and gives the rest; `shops` are names by id."""
        self.responses, self._rules = words
        self._recognizer, self._spot_shop, self._shops = recognizer, spot_shop, shops
        self._steps = Steps(self.responses, shops, executor)
        self._form = Form(self._steps, self._rules)

    async def handle(self, chat: str, state: State, incoming: Incoming) -> Turn:
        """One turn. The given state stays as it is; the turn carries the next one."""
        turn = Turn(copy.deepcopy(state), chat)
        turn.adding = turn.slots.pop("adding", None) or ""
        if not turn.state.get("greeted"):
            self._steps.say(turn, "utter_intro")
            turn.state["greeted"] = True
        if _is_spent(turn.state, incoming.tap):
            self._steps.say(turn, "utter_old_button")
            return turn
        if incoming.phone:
            await self._shared(turn, incoming.phone)
        elif incoming.file and turn.form:
            await self._form.take_file(turn, incoming.text.strip())
        elif incoming.file:
            await self._pass_on(turn, Meaning("inform", {}, None, incoming.text.strip()))
        else:
            await self._take(turn, incoming)
        if turn.reply.buttons:
            chosen = [button for button in turn.reply.buttons if button.payload != SHARE_CONTACT]
            turn.state["buttons"] = [[button.title, button.payload] for button in chosen]
        if turn.outcome == FORGOTTEN:
            turn.state.clear()
        return turn

    # what is meant

    async def _take(self, turn: Turn, incoming: Incoming) -> None:
        text = incoming.text.strip()
        if len(text) > LONGEST_MESSAGE:
            text = text[:LONGEST_MESSAGE]
            self._steps.say(turn, "utter_too_long")
        payload = incoming.payload or self._chosen(turn, text) or (text if text[:1] == "/" else "")
        meaning = self._of_payload(payload)
        if meaning is not None:
            await self._pressed(turn, meaning)
        elif payload:
            await self._beside(turn, Meaning("help"))
        elif _WORD.search(text) and _is_foreign(text):
            self._steps.say(turn, "utter_unknown_language")
        elif _WORD.search(text) and text.casefold().strip(_ENDS) not in _LEADING_ON:
            await self._typed(turn, text)
        else:
            self._steps.say(turn, "utter_not_understood")
            if turn.form:
                await self._form.ask(turn)

    def _chosen(self, turn: Turn, text: str) -> str:
        """The payload of a button whose number or words were typed instead of a tap."""
        typed = text.casefold().strip(_ENDS)
        for number, (title, payload) in enumerate(turn.state.get("buttons", ()), start=1):
            if typed in (str(number), title.casefold(), _TITLE_ENDS.split(title.casefold())[0]):
                return str(payload)
        return self.responses.payload_of(typed) if turn.state.get("buttons") else ""

    def _of_payload(self, payload: str) -> Meaning | None:
        match = _PAYLOAD.fullmatch(payload)
        if match is None or match[1] not in self.responses.domain["intents"]:
            return None
        try:
            entities = json.loads(match[2] or "{}")
        except json.JSONDecodeError:
            return None
        return Meaning(match[1], entities)

    async def _pressed(self, turn: Turn, meaning: Meaning) -> None:
        """A button or a command."""
        if not self._form.owns(turn, meaning):
            self._steps.say(turn, "utter_old_button")
        elif turn.form and meaning.intent not in _ENDS_A_FORM:
            await self._in_form(turn, meaning)
        else:
            if turn.form:
                await self._form.press(turn, Meaning("cancel"))
            await self._run(turn, meaning)

    async def _in_form(self, turn: Turn, meaning: Meaning) -> None:
        """A button while a form is open: the form's own, or done beside it."""
        if meaning.intent == "choose_shop" and meaning.entities.get("shop") in self._shops:
            await self._form.move(turn, meaning.entities["shop"])
            return
        beside = await self._form.press(turn, meaning)
        if beside is not None:
            await self._beside(turn, beside)

    async def _beside(self, turn: Turn, meaning: Meaning) -> None:
        """Do something else, then go on with the open form."""
        requested = turn.slots.get("requested_slot")
        await self._run(turn, meaning)
        if turn.form and meaning.intent != "choose_shop":  # which shop it is: the buttons ask
            turn.slots["requested_slot"] = requested
            await self._form.ask(turn)

    async def _typed(self, turn: Turn, text: str) -> None:
        reading = turn.reading = await asyncio.to_thread(self._recognizer.read, text)
        named = self._spot_shop(text)
        if turn.form:
            await self._answered(turn, text, reading, named[0] if named else "")
            return
        if await self._passed_on(turn, text, reading):
            return
        if named is not None:
            turn.slots["shop"] = named[0]
            if reading.best == "choose_shop" or len(named[1].split()) < 3:  # «а у …?», «про …»
                await self._moved_to(turn, named[0])
                return
        await self._run(turn, _meant(await self._in_context(turn, text, reading), text))

    async def _in_context(self, turn: Turn, text: str, reading: Reading) -> Reading:
        """«а курьерам?» goes on with the question before it; any other message begins anew."""
        before = turn.state.get("topic", "")
        if before and _FRAGMENT.match(text) and len(text.split()) <= _LONGEST_FRAGMENT and not reading.names_clause:
            turn.reading = await asyncio.to_thread(self._recognizer.read_after, text, before)
            return turn.reading
        turn.state["topic"] = text if reading.best == QUESTION else ""
        return reading

    async def _answered(self, turn: Turn, text: str, reading: Reading, shop: str) -> None:
        """A typed message while a form is open."""
        if shop and reading.best == "choose_shop":
            await self._form.move(turn, shop)
            return
        beside = await self._form.answer(turn, text, reading)
        if beside is not None:
            await self._beside(turn, beside)

    async def _passed_on(self, turn: Turn, text: str, reading: Reading) -> bool:
        """Give words to a shop that waits for them; a wish is none unless words were just asked for, «отмена» never."""
        turn.slots["unsent"] = None
        called_off = reading.best == "cancel" and len(text.split()) <= _CALLED_OFF
        if called_off or (reading.is_sure_wish and not turn.adding):
            return False
        return await self._pass_on(turn, Meaning("inform", {}, reading, text))

    async def _pass_on(self, turn: Turn, words: Meaning) -> bool:
        """Words or a file for the chosen request, or for the one whose shop has asked; False when there is none."""
        turn.slots["adding"] = turn.adding or None
        turn.parts += await self._steps.act(turn, "action_pass_on", words)
        turn.slots["adding"] = None
        return bool(turn.slots.pop("passed_on", None))

    async def _moved_to(self, turn: Turn, shop: str) -> None:
        """A shop was named: the waiting or the last question is asked of it."""
        question = turn.state.pop("pending", None) or turn.slots.get("last_question")
        if not question:
            await self._run(turn, Meaning("choose_shop", {"shop": shop}))
            return
        turn.reading = await asyncio.to_thread(self._recognizer.read, question)
        await self._run(turn, _meant(turn.reading, question))

    async def _shared(self, turn: Turn, phone: str) -> None:
        if turn.form and turn.slots.get("requested_slot") == "contact":
            await self._form.share(turn, phone)
        else:
            self._steps.say(turn, "utter_nothing_to_confirm")

    # what follows

    async def _run(self, turn: Turn, meaning: Meaning) -> None:
        """Follow the rule of an intent, in the chosen shop; without one, ask which."""
        chosen = meaning.entities.get("shop", "") if meaning.intent in ("choose_shop", "start") else ""
        if chosen in self._shops:
            turn.slots["shop"] = chosen
            if turn.state.get("pending"):
                await self._moved_to(turn, chosen)
                return
        if not turn.slots.get("shop") and len(self._shops) == 1:
            turn.slots["shop"] = next(iter(self._shops))
        if not turn.slots.get("shop") and meaning.intent not in _NEEDS_NO_SHOP:
            turn.state["pending"] = meaning.text or turn.state.get("pending")
            meaning = Meaning("choose_shop")
        await self._follow(turn, meaning)

    async def _follow(self, turn: Turn, meaning: Meaning) -> None:
        if meaning.reading and meaning.intent in WISHES:
            turn.slots["waiting_kinds"] = list(meaning.reading.others) or None
        if meaning.intent in OPENS_REQUEST:
            await self._form.begin(turn, meaning)
            return
        if meaning.intent == "which_wish":
            self._steps.say(turn, "utter_which_wish", **meaning.entities)
            return
        rule = self._rules.of(meaning.intent, turn.form)
        if rule is None:
            self._steps.say(turn, "utter_not_understood")
            return
        await self._steps.run(turn, rule, meaning)


def _meant(reading: Reading, text: str) -> Meaning:
    """A sure wish opens its form; two close ones are asked about; a doubtful one gets the clause with a button."""
    if reading.is_sure_wish and reading.rival:
        return Meaning("which_wish", {"wish": reading.wish, "rival": reading.rival}, reading, text)
    doubtful = reading.best in WISHES and not reading.is_sure_wish
    return Meaning(QUESTION if doubtful else reading.best, {}, reading, text)


def _is_foreign(text: str) -> bool:
    """Mostly letters of a script that neither Russian, Kazakh nor English is written in."""
    letters = [sign for sign in text if sign.isalpha()]
    return sum(bool(_KNOWN_LETTER.match(sign)) for sign in letters) < len(letters) / 2


def _is_spent(state: State, tap: str) -> bool:
    """True for a button that has worked before; remembers it."""
    spent = state.setdefault("spent", [])
    if tap and tap in spent:
        return True
    if tap:
        state["spent"] = [*spent, tap][-_STEPS_BACK:]
    return False
