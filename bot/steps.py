"""The steps of a rule, done: responses are said, actions run by rasa-sdk's executor, forms opened and closed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rasa_sdk.executor import ActionExecutor

from bot.responses import Reply, Responses
from bot.rules import Rule
from bot.turn import Meaning, Turn

INFORM = Meaning("inform")


class Steps:
    """Stateless: everything that a step changes is in its turn."""

    def __init__(self, responses: Responses, shops: Mapping[str, str], executor: ActionExecutor) -> None:
        """`shops` are names by id."""
        self.responses, self._shops, self._executor = responses, shops, executor

    async def run(self, turn: Turn, rule: Rule, meaning: Meaning) -> None:
        """Do a rule's steps in order."""
        if rule.closes:
            turn.state.pop("form", None)
        for step in rule.steps:
            if step in self.responses:
                self.say(turn, step)
            elif step not in self.responses.domain["forms"]:
                turn.parts += await self.act(turn, step, meaning)
            elif not rule.closes:
                turn.state.update(form=step, tries=0)
        turn.outcome = turn.slots.pop("outcome", None) or turn.outcome

    async def act(
        self, turn: Turn, action: str, meaning: Meaning = INFORM, candidates: Sequence[dict[str, Any]] = ()
    ) -> list[Reply]:
        """Run one action; its events change the slots, and what it said is given back.

        `candidates` are slot events that a form's validation is asked about.
        """
        tracker = {
            "sender_id": turn.chat,
            "slots": dict(turn.slots),
            "latest_message": _latest_message(meaning),
            "latest_event_time": None,
            "events": list(candidates),
            "paused": False,
            "followup_action": None,
            "active_loop": {"name": turn.form or None},
            "latest_action_name": None,
        }
        call = {"next_action": action, "sender_id": turn.chat, "tracker": tracker, "domain": self.responses.domain}
        result = await self._executor.run(call)
        if result is None:
            raise RuntimeError(f"{action} gave no result")
        for event in result.events:
            if event["event"] == "slot":
                turn.slots[event["name"]] = event["value"]
        return [self._rendered(turn, said) for said in result.responses]

    def say(self, turn: Turn, response: str, **values: Any) -> None:
        """Add a response to the reply, filled with the slots and `values`."""
        turn.parts.append(self._rendered(turn, {"response": response, **values}))

    def _rendered(self, turn: Turn, said: Mapping[str, Any]) -> Reply:
        values = {**turn.slots, "shop_name": self._shops.get(turn.slots.get("shop", ""), ""), **said}
        reply = self.responses.render(said["response"], values, said.get("buttons") or ())
        return replace(reply, enclosed=said.get("enclosed") or "")


def _latest_message(meaning: Meaning) -> dict[str, Any]:
    """What Rasa's language understanding would hand to an action."""
    reading = meaning.reading
    ranking = sorted(reading.probabilities.items(), key=lambda each: -each[1]) if reading else []
    return {
        "text": meaning.text or f"/{meaning.intent}",
        "intent": {"name": meaning.intent, "confidence": reading.confidence if reading else 1.0},
        "intent_ranking": [{"name": name, "confidence": mass} for name, mass in ranking],
        "entities": [{"entity": name, "value": value} for name, value in meaning.entities.items()],
        "metadata": {
            "normalized": reading.text if reading else "",
            "questions": list(reading.questions) if reading else [],
        },
    }
