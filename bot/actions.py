"""Every deed, as a rasa_sdk action: read slots, call one thing, utter one response by name, return events.

The same classes run in the bot's own process and behind `python -m rasa_sdk --actions bot.actions`, which builds
them without arguments: there the rooms are opened on first use.
"""

import secrets
from collections.abc import Mapping
from datetime import date
from typing import Any

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import FormValidationAction
from rasa_sdk.interfaces import Tracker
from rasa_sdk.types import DomainDict

from bot.answers import ANSWERS
from bot.belongings import BELONGINGS
from bot.contacts import find_contact
from bot.deadlines import last_day, local_day
from bot.deed import SHORTEST_DETAILS, Deed, Events, entity, said, slot
from bot.files import for_outbox
from bot.register import Draft
from bot.requests import OWN_DEEDS
from bot.rooms import Rooms
from bot.shops import KINDS, Deadline, Shop
from index.clauses import Clause

NEEDS_DETAILS = ("complain", "rectify", "question")
# The topics whose clause is quoted beside a request of that kind.
TOPICS_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "delete": ("deletion",),
    "block": ("right_block",),
    "complain": ("claim_term", "complain_how"),
    "unsubscribe": ("unsubscribe_how",),
    "access": ("right_access_edit",),
    "rectify": ("update_duty", "right_access_edit"),
    "withdraw_consent": ("withdrawal",),
    "question": ("contact",),
}
_TELLING_WORDS = 8


class ActionChooseShop(Deed):
    """Changes the shop, or offers all of them."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_choose_shop"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Sets `shop` and forgets what was talked about in the other one."""
        shop = self.rooms.shops.get(entity(tracker, "shop"))
        if shop is None:
            choices = [_shop_button(each) for each in self.rooms.shops.values()]
            dispatcher.utter_message(response="utter_ask_shop", buttons=choices)
            return []
        dispatcher.utter_message(response="utter_shop_chosen", shop_name=shop.name)
        return [SlotSet("shop", shop.id), SlotSet("shown", None)]


class ActionBeginRequest(Deed):
    """A wish -> a request form, filled with what the message already says."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_begin_request"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Sets the slots of `request_form`."""
        shop, kind = self.shop(tracker), tracker.latest_message["intent"]["name"]
        words = said(tracker) or (tracker.get_slot("last_question") if kind == "question" else None) or ""
        told, known = find_contact(words), tracker.get_slot("contact")
        contact = told or known
        identity = tracker.get_slot("identity") if contact == known else None
        can_send = self.rooms.sends_letters or tracker.get_slot("sends_letters")
        telling = kind in NEEDS_DETAILS and (len(words.split()) >= _TELLING_WORDS or (kind == "question" and words))
        form = secrets.token_hex(8)
        if slot(tracker, "form_id"):  # the same request moves to another shop
            self.rooms.files.move(slot(tracker, "form_id"), form)
        dispatcher.utter_message(response="utter_request_begins", shop_name=shop.name, kind=kind)
        if kind != "question":
            self._utter_clause(dispatcher, self.clause(shop, kind))
        return [
            SlotSet("kind", kind),
            SlotSet("form_id", form),
            SlotSet("words", words),
            SlotSet("contact", contact),
            SlotSet("identity", identity or ("typed" if contact else None)),
            SlotSet("sends_letters", can_send or None),
            SlotSet("code_way", _code_way(contact, identity or "typed", can_send)),
            SlotSet("details", words if telling else None),
            SlotSet("confirmed", None),
            SlotSet("outcome", "request"),
        ]

    def _utter_clause(self, dispatcher: CollectingDispatcher, clause: Clause | None) -> None:
        if clause is None:
            dispatcher.utter_message(response="utter_policy_silent_on_request")
        else:
            dispatcher.utter_message(response="utter_policy_on_request", number=clause.number, text=clause.text)

    def clause(self, shop: Shop, kind: str) -> Clause | None:
        """What the policy says about a kind of request, if anything."""
        return clause_of_kind(self.rooms, shop, kind)


class ValidateRequestForm(FormValidationAction):
    """What each answer in the request form must look like; asking is the dialogue's work."""

    def name(self) -> str:
        """Rasa's name."""
        return "validate_request_form"

    async def required_slots(
        self,
        domain_slots: list[str],
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: DomainDict,
    ) -> list[str]:
        """Details only where the shop cannot act without them, or where the customer corrects them."""
        asked = tracker.get_slot("kind") in NEEDS_DETAILS or tracker.get_slot("requested_slot") == "details"
        return [slot for slot in domain_slots if slot != "details" or asked]

    def validate_contact(
        self,
        value: Any,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: DomainDict,
    ) -> dict[str, Any]:
        """An e-mail or a phone number, normalised; the empty string is "without a contact"."""
        contact = find_contact(str(value)) if value else ""
        if contact is None:
            dispatcher.utter_message(response="utter_bad_contact")
            return {"contact": None}
        confirmed = tracker.get_slot("identity") == "telegram" and contact == tracker.get_slot("shared_contact")
        identity = "telegram" if confirmed else "typed" if contact else "none"
        way = _code_way(contact, identity, tracker.get_slot("sends_letters"))
        return {"contact": contact, "identity": identity, "code_way": way, "code_asked": None}

    def validate_details(
        self,
        value: Any,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: DomainDict,
    ) -> dict[str, Any]:
        """A few words at least; the empty string is "nothing to add"."""
        if value and len(str(value).strip()) < SHORTEST_DETAILS:
            dispatcher.utter_message(response="utter_details_too_short")
            return {"details": None}
        return {"details": str(value).strip()}

    def validate_confirmed(
        self,
        value: Any,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: DomainDict,
    ) -> dict[str, Any]:
        """Only a plain yes sends anything."""
        if value is not True:
            dispatcher.utter_message(response="utter_yes_or_no")
        return {"confirmed": True if value is True else None}


class ActionOpenTicket(Deed):
    """A confirmed request -> a durable ticket with its letter in the outbox."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_open_ticket"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Sets `ticket`, forgets the form."""
        shop = self.shop(tracker)
        draft = self._draft(shop, tracker)
        with self.rooms.tickets.at_once():
            ticket, is_new = self.rooms.tickets.open(draft, self.rooms.clock())
            self.rooms.files.settle(draft.form, ticket.number)
        response = "utter_ticket_opened" if ticket.route else "utter_ticket_without_route"
        due = ticket.deadline.strftime("%d.%m.%Y") if ticket.deadline else ""
        dispatcher.utter_message(
            response=response if is_new else "utter_ticket_extended",
            number=ticket.number,
            shop_name=shop.name,
            route=ticket.route,
            contact_clause=shop.contact_clause,
            postal=shop.postal,
            deadline=due if ticket.deadline_source != "shop.yml" else "",
            deadline_clause=ticket.deadline_source,
            deadline_of_shop=due if ticket.deadline_source == "shop.yml" else "",
            enclosed=f"letter {ticket.number}" if is_new and shop.postal and not ticket.route else "",
        )
        return [SlotSet("ticket", ticket.number), *_forget_form(keep_contact=bool(tracker.get_slot("waiting_kinds")))]

    def _draft(self, shop: Shop, tracker: Tracker) -> Draft:
        kind = slot(tracker, "kind")
        route, clause = shop.route(kind), clause_of_kind(self.rooms, shop, kind)
        promise = shop.deadlines.get(kind)
        return Draft(
            shop=shop.id,
            prefix=shop.prefix,
            kind=kind,
            chat=tracker.sender_id,
            form=slot(tracker, "form_id"),
            contact=slot(tracker, "contact"),
            identity=slot(tracker, "identity") or "none",
            words=slot(tracker, "words"),
            details=slot(tracker, "details"),
            clause=clause.number if clause else "",
            clause_text=clause.text if clause else "",
            edition=shop.edition or f"#{self.rooms.library.shelves[shop.id].edition}",
            route=route.address if route else "",
            route_source=route.source if route else "",
            deadline=self._last_day(promise) if promise else None,
            deadline_source=(promise.clause or "shop.yml") if promise else "",
            working_days=promise is not None and promise.is_working,
            files=tuple(for_outbox(self.rooms.files.of_form(slot(tracker, "form_id")))),
        )

    def _last_day(self, promise: Deadline) -> date:
        return last_day(local_day(self.rooms.clock()), promise.count, working=promise.is_working)


class ActionDropRequest(Deed):
    """Cancelled: nothing is sent, nothing is kept."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_drop_request"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Forgets the form."""
        self.rooms.files.erase(self.rooms.files.of_form(slot(tracker, "form_id")))
        dispatcher.utter_message(response="utter_request_dropped")
        return [SlotSet("waiting_kinds", None), *_forget_form(keep_contact=False)]


class ActionHuman(Deed):
    """Where people are: the shop's own addresses, and the way through the assistant."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_human"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Changes nothing."""
        shop = self.shop(tracker)
        dispatcher.utter_message(response="utter_human", shop_name=shop.name, email=shop.email, postal=shop.postal)
        return []


DEEDS: tuple[type[Deed], ...] = (
    *ANSWERS, ActionChooseShop, ActionBeginRequest, ActionOpenTicket,
    ActionDropRequest, ActionHuman, *OWN_DEEDS, *BELONGINGS,
)  # fmt: skip


def clause_of_kind(rooms: Rooms, shop: Shop, kind: str) -> Clause | None:
    """The first clause that the policy has about a kind of request."""
    shelf = rooms.library.shelves[shop.id]
    numbers = [number for topic in TOPICS_OF_KIND[kind] for number in shelf.topics.get(topic, ())]
    return shelf.policy.by_number[numbers[0]] if numbers else None


def _code_way(contact: str | None, identity: str, can_send: Any) -> str | None:
    """Say "email" where a code can confirm the contact."""
    return "email" if can_send and identity == "typed" and "@" in (contact or "") else None


def _shop_button(shop: Shop) -> dict[str, str]:
    return {"title": shop.name, "payload": f'/choose_shop{{{{"shop":"{shop.id}"}}}}'}


def _forget_form(*, keep_contact: bool) -> Events:
    kept = ("contact", "identity") if keep_contact else ()
    slots = (
        "kind", "form_id", "words", "contact", "identity", "details", "confirmed", "requested_slot", "files_count",
        "code_way", "code_asked",
    )  # fmt: skip
    return [SlotSet(slot, None) for slot in slots if slot not in kept]


assert set(TOPICS_OF_KIND) == set(KINDS)  # noqa: S101  # every kind quotes something or says that it cannot
