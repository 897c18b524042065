"""Deeds that answer: a question, a clause by its button, a whole section."""

import asyncio
from typing import Any

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Tracker
from rasa_sdk.types import DomainDict

from bot.deed import Deed, Events, entity, slot
from bot.shops import Shop
from index.clauses import Clause, Policy
from index.library import Answer
from index.training import OUT_OF_SCOPE, TOPIC, WISHES

_OFFERED_WISH = 0.1
_WORTH_A_BUTTON = 0.4


class ActionAnswer(Deed):
    """A question -> the clause, word for word, or "the policy says nothing about this", or what the bot can do."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_answer"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Sets `outcome`, `shown` and `last_question`."""
        text, masses = _question(tracker)
        topics = {name.removeprefix(TOPIC): mass for name, mass in masses.items() if name.startswith(TOPIC)}
        off_topic = masses.get(OUT_OF_SCOPE, 0.0)
        answer = await asyncio.to_thread(self.rooms.library.ask, slot(tracker, "shop"), text, topics, off_topic)
        return self._told(dispatcher, tracker, answer)

    def _told(self, dispatcher: CollectingDispatcher, tracker: Tracker, answer: Answer) -> Events:
        shop, (_, masses) = self.shop(tracker), _question(tracker)
        wish = max(WISHES, key=lambda name: masses.get(name, 0.0))
        offered = wish if masses.get(wish, 0.0) >= _OFFERED_WISH else ""
        found = list(answer.clauses)
        for more in self._more(tracker, answer):
            self._utter(dispatcher, shop, self.policy(tracker), more, "")
            found[1:1] = more.clauses[:1]
        self._utter(dispatcher, shop, self.policy(tracker), answer, offered)
        once = {each.clause.number: each for each in reversed(found)}  # one clause may answer both questions
        in_order = [once[number] for number in dict.fromkeys(each.clause.number for each in found)]
        shown = [{"number": each.clause.number, "score": each.score, "text": each.clause.text} for each in in_order]
        if not shown and _is_off_topic(answer, offered):
            return [SlotSet("outcome", "offtopic")]
        return [
            SlotSet("outcome", "clauses" if shown else "silent"),
            SlotSet("shown", shown),
            SlotSet("last_question", tracker.latest_message.get("text")),
        ]

    def _more(self, tracker: Tracker, answer: Answer) -> list[Answer]:
        """Answers to the other questions of a message that asks two things."""
        topics = tracker.latest_message.get("metadata", {}).get("questions", ())
        first = answer.clauses[0].clause.number if answer.clauses else ""
        each = [self.rooms.library.of_topic(slot(tracker, "shop"), topic) for topic in topics]
        return [
            other
            for other in each
            if (other.clauses and other.clauses[0].clause.number != first)
            or (other.silent_on and other.silent_on != answer.silent_on)
        ]

    def _utter(self, dispatcher: CollectingDispatcher, shop: Shop, policy: Policy, answer: Answer, wish: str) -> None:
        if answer.missing:
            sections = _ranges([int(section.number) for section in policy.sections])
            dispatcher.utter_message(
                response="utter_no_such_clause", shop_name=shop.name, number=answer.missing, sections=sections
            )
        elif answer.whole:
            dispatcher.utter_message(response="utter_section", **whole_values(shop, policy, answer))
        elif _is_off_topic(answer, wish):
            dispatcher.utter_message(response="utter_out_of_scope")
        elif not answer.clauses:
            about = answer.silent_on or "об этом"
            dispatcher.utter_message(response="utter_silent", shop_name=shop.name, about=about, wish=wish)
        else:
            best, *others = answer.clauses
            values = clause_values(shop, policy, best.clause)
            near = {values["following"], *(each.number for each in policy.finishing(best.clause))}
            fitting = (found.clause.number for found in others if found.score >= _WORTH_A_BUTTON * best.score)
            also = zip(("second", "third"), (number for number in fitting if number not in near), strict=False)
            values = {**values, **dict(also), "wish": wish}
            dispatcher.utter_message(response="utter_clause", **values)


class ActionShowClause(Deed):
    """A button's clause by number."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_show_clause"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Sets `shown`."""
        policy, number = self.policy(tracker), entity(tracker, "number")
        clause = policy.by_number.get(number)
        if clause is None:
            sections = _ranges([int(section.number) for section in policy.sections])
            shop_name = self.shop(tracker).name
            dispatcher.utter_message(
                response="utter_no_such_clause", shop_name=shop_name, number=number, sections=sections
            )
            return []
        values = clause_values(self.shop(tracker), policy, clause)
        dispatcher.utter_message(response="utter_clause", **values)
        return [SlotSet("shown", [{"number": number, "score": 1.0, "text": clause.text}])]


class ActionShowSection(Deed):
    """A button's section, all its clauses."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_show_section"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Changes nothing."""
        answer = self.rooms.library.whole(slot(tracker, "shop"), entity(tracker, "number"))
        dispatcher.utter_message(
            response="utter_section", **whole_values(self.shop(tracker), self.policy(tracker), answer)
        )
        return []


ANSWERS: tuple[type[Deed], ...] = (ActionAnswer, ActionShowClause, ActionShowSection)


def clause_values(shop: Shop, policy: Policy, clause: Clause) -> dict[str, Any]:
    """What `utter_clause` shows of a clause; a lead-in («в целях:») brings its items along."""
    items = policy.finishing(clause)
    text = "\n".join([clause.text, *(f"{each.number}. {each.text}" for each in items)])
    return {
        "shop_name": shop.name,
        "number": clause.number,
        "heading": clause.heading,
        "edition": shop.edition,
        "parent": clause.parent or "" if clause.lead_in else "",
        "lead_in": clause.lead_in,
        "text": text,
        "section": clause.section,
        "following": policy.following(items[-1] if items else clause),
    }


def whole_values(shop: Shop, policy: Policy, answer: Answer) -> dict[str, Any]:
    """What `utter_section` shows: a section, or a clause with all below it."""
    clauses = [found.clause for found in answer.clauses]
    is_section = "." not in answer.whole
    return {
        "shop_name": shop.name,
        "section": answer.whole if is_section else "",
        "number": "" if is_section else answer.whole,
        "heading": clauses[0].heading,
        "edition": shop.edition,
        "text": "\n".join(f"{clause.number}. {clause.text}" for clause in clauses),
        "following": policy.following(clauses[-1]),
    }


def _question(tracker: Tracker) -> tuple[str, dict[str, float]]:
    """The normalised text and the probability of every intent and topic, as Rasa hands them over."""
    message = tracker.latest_message
    ranking = {each["name"]: float(each["confidence"]) for each in message.get("intent_ranking", ())}
    return message.get("metadata", {}).get("normalized") or message.get("text") or "", ranking


def _is_off_topic(answer: Answer, wish: str) -> bool:
    """Nothing is found, not even a topic of which the policy does not speak; nor may it be a wish."""
    return not (answer.clauses or answer.silent_on or answer.missing or answer.whole or wish)


def _ranges(numbers: list[int]) -> str:
    """[1, 2, 3, 9] -> «1–3, 9»."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(f"{group[0]}–{group[-1]}" if len(group) > 1 else str(group[0]) for group in groups)
