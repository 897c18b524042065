"""What customers do with the requests that they have: see them, add words, answer, take back, open again."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Tracker
from rasa_sdk.types import DomainDict

from bot.deadlines import local_day
from bot.deed import Deed, Events, entity, said, slot
from bot.files import for_outbox
from bot.register import Ticket, deadline_values

_TICKET_NUMBER = re.compile(r"\b[A-Z]{2,5}-\d{4}-\d{6}\b", re.IGNORECASE)
_SHOWN = 8
_OWN = frozenset(("utter_words_replied", "utter_words_added", "utter_ticket_reopened"))  # said of an own request only
_PASSED_ON = {"replied": "utter_words_replied", "added": "utter_words_added", "": "utter_not_open"}


class OwnTickets(Deed):
    """A deed on the chat's own requests."""

    def values(self, ticket: Ticket) -> dict[str, Any]:
        """What a response says of a request."""
        shop, now = self.rooms.shops.get(ticket.shop), self.rooms.clock()
        return {
            "number": ticket.number,
            "shop_name": shop.name if shop else ticket.shop,
            "kind": ticket.kind,
            "status": ticket.status,
            "updated": f"{local_day(ticket.updated):%d.%m.%Y}",
            **deadline_values(ticket, now),
        }

    def choose(self, dispatcher: CollectingDispatcher, tracker: Tracker, fitting: Iterable[Ticket]) -> str:
        """The number on the button; typed words mean the only fitting request, or it is asked which ("" then)."""
        if entity(tracker, "number"):
            return entity(tracker, "number")
        numbers = [ticket.number for ticket in fitting][:_SHOWN]
        if len(numbers) == 1:
            return numbers[0]
        intent = tracker.latest_message["intent"]["name"]
        buttons = [{"title": number, "payload": _payload(intent, number)} for number in numbers]
        dispatcher.utter_message(response="utter_which_request" if numbers else "utter_nothing_fits", buttons=buttons)
        return ""

    def open_one(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Ticket | None:
        """The chat's open request that is meant; None when something else was said instead."""
        own = [ticket for ticket in self.rooms.tickets.of_chat(tracker.sender_id) if ticket.is_open]
        number = self.choose(dispatcher, tracker, own)
        found = next((ticket for ticket in own if ticket.number == number), None)
        if number and not found:
            dispatcher.utter_message(response="utter_not_open", number=number)
        return found

    def pass_on(self, dispatcher: CollectingDispatcher, tracker: Tracker, number: str, text: str) -> None:
        """Give the customer's words to the shop, with the files that came with them."""
        tickets, files, now = self.rooms.tickets, self.rooms.files, self.rooms.clock()
        form = next((ticket.form for ticket in tickets.awaiting(tracker.sender_id, number)), "")
        new = [each for each in files.of_form(form) if not each.ticket]
        words = text or ", ".join(each.name for each in new)
        with tickets.at_once():
            what = tickets.write(number, tracker.sender_id, words, now, for_outbox(new))
            files.settle(form, number)
        self.say(dispatcher, _PASSED_ON[what], number)

    def say(self, dispatcher: CollectingDispatcher, response: str, number: str) -> None:
        """Say something of a request as it is now; of another's it knows the number only."""
        ticket = self.rooms.tickets.ticket(number) if response in _OWN else None
        dispatcher.utter_message(response=response, **(self.values(ticket) if ticket else {"number": number}))


class ActionTicketStatus(OwnTickets):
    """The chat's own requests, or the one whose number was named."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_ticket_status"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Changes nothing."""
        tickets = self.rooms.tickets.of_chat(tracker.sender_id)
        named = _TICKET_NUMBER.search(said(tracker))
        if named:
            tickets = [ticket for ticket in tickets if ticket.number == named[0].upper()]
        if not tickets:
            response = "utter_no_such_ticket" if named else "utter_no_tickets"
            dispatcher.utter_message(response=response, number=named[0].upper() if named else "")
        shown = tickets[:_SHOWN]
        buttons = [button for ticket in shown for button in self._buttons(ticket)]
        for ticket in shown:
            below = buttons if ticket is shown[-1] else []
            dispatcher.utter_message(response="utter_ticket_line", buttons=below, **self.values(ticket))
        return []

    def _buttons(self, ticket: Ticket) -> Iterator[dict[str, str]]:
        if ticket.is_open:
            yield _button("{add_title}", "add_word", ticket.number)
            yield _button("{take_back_title}", "take_back", ticket.number)
        elif ticket.may_be_reopened(self.rooms.clock()):
            yield _button("{reopen_title}", "reopen", ticket.number)


class ActionPassOn(OwnTickets):
    """Free words, where a shop waits for an answer or the customer chose to add something."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_pass_on"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Sets `passed_on`, and `unsent` where it must be asked which question they answer."""
        awaiting = self.rooms.tickets.awaiting(tracker.sender_id, slot(tracker, "adding"))
        numbers = [each.number for each in awaiting]
        if len(numbers) > 1:
            buttons = [{"title": number, "payload": _payload("reply_to", number)} for number in numbers]
            dispatcher.utter_message(response="utter_which_question", buttons=buttons)
            return [SlotSet("passed_on", value=True), SlotSet("unsent", said(tracker))]
        for number in numbers:
            self.pass_on(dispatcher, tracker, number, said(tracker))
        return [SlotSet("passed_on", bool(numbers) or None)]


class ActionReplyTo(OwnTickets):
    """A button that says which question was answered."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_reply_to"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Forgets `unsent`."""
        number, text = entity(tracker, "number"), slot(tracker, "unsent")
        if not text:
            dispatcher.utter_message(response="utter_add_word", number=number)
            return [SlotSet("adding", number)]
        self.pass_on(dispatcher, tracker, number, text)
        return [SlotSet("unsent", None)]


class ActionAddWord(OwnTickets):
    """The next words belong to this request."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_add_word"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Sets `adding`."""
        ticket = self.open_one(dispatcher, tracker)
        if ticket is None:
            return []
        dispatcher.utter_message(response="utter_add_word", number=ticket.number)
        return [SlotSet("adding", ticket.number)]


class ActionTakeBack(OwnTickets):
    """Asks once before a request is withdrawn."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_take_back"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Changes nothing."""
        ticket = self.open_one(dispatcher, tracker)
        if ticket:
            dispatcher.utter_message(response="utter_take_back_sure", **self.values(ticket))
        return []


class ActionTakeBackYes(OwnTickets):
    """Withdraws a request."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_take_back_yes"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Changes the ticket only."""
        ticket = self.open_one(dispatcher, tracker)
        if ticket and self.rooms.tickets.withdraw(ticket.number, tracker.sender_id, self.rooms.clock()):
            dispatcher.utter_message(response="utter_taken_back", number=ticket.number)
        return []


class ActionReopen(OwnTickets):
    """Opens an ended request again; without a number the only one, or it asks which."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_reopen"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Changes the ticket only."""
        now, chat = self.rooms.clock(), tracker.sender_id
        ended = [ticket for ticket in self.rooms.tickets.of_chat(chat) if ticket.may_be_reopened(now)]
        number = self.choose(dispatcher, tracker, ended)
        if number:
            done = self.rooms.tickets.reopen(number, chat, now)
            response = "utter_ticket_reopened" if done else "utter_not_reopened"
            self.say(dispatcher, response, number)
        return []


OWN_DEEDS: tuple[type[Deed], ...] = (
    ActionTicketStatus, ActionPassOn, ActionReplyTo, ActionAddWord, ActionTakeBack, ActionTakeBackYes, ActionReopen,
)  # fmt: skip


def _button(title: str, intent: str, number: str) -> dict[str, str]:
    return {"title": f"{title}: {number}", "payload": _payload(intent, number)}


def _payload(intent: str, number: str) -> str:
    return f'/{intent}{{{{"number":"{number}"}}}}'
