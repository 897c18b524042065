"""Deeds about what belongs to a customer: files, the own e-mail, all that is kept about the chat."""

from collections.abc import Mapping

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Tracker
from rasa_sdk.types import DomainDict

from bot.codes import LIFE, Check
from bot.deadlines import local_time
from bot.deed import SHORTEST_DETAILS, Deed, Events, entity, said, slot
from bot.shops import RETENTION_DAYS

_CODE_RESPONSES: Mapping[Check, str] = {
    "right": "utter_code_right",
    "wrong": "utter_code_wrong",
    "spent": "utter_code_spent",
}


class ActionTakeFile(Deed):
    """A file was kept for the open form: count it, and take its caption down."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_take_file"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Sets `files_count` and, with a caption, `details`."""
        count = len(self.rooms.files.of_form(slot(tracker, "form_id")))
        dispatcher.utter_message(response="utter_file_added")
        told = [part for part in (tracker.get_slot("details"), said(tracker)) if part]
        is_told = len("".join(told)) >= SHORTEST_DETAILS
        details = [SlotSet("details", "\n".join(told))] if is_told else []
        return [SlotSet("files_count", str(count)), *details]


class ActionRefuseDocument(Deed):
    """The file that came last shows an identity document, its sender says: it goes, with its album."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_refuse_document"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Sets `files_count`."""
        kept = self.rooms.files.of_form(slot(tracker, "form_id"))
        gone = [each for each in kept if each is kept[-1] or (each.album and each.album == kept[-1].album)]
        self.rooms.files.erase(gone)
        dispatcher.utter_message(response="utter_no_identity_documents")
        return [SlotSet("files_count", str(len(kept) - len(gone)) if len(kept) > len(gone) else None)]


class ActionSendCode(Deed):
    """A code on its way to the typed e-mail."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_send_code"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Sets `code_asked` when a code was sent."""
        chat, form, contact = tracker.sender_id, slot(tracker, "form_id"), slot(tracker, "contact")
        if not tracker.get_slot("code_way"):
            return []
        now = self.rooms.clock()
        code = self.rooms.codes.make(chat, form, contact, now)
        if code is None:
            dispatcher.utter_message(response="utter_too_many_codes")
            return [SlotSet("code_asked", None), SlotSet("code_way", None)]
        until = local_time(now + LIFE)
        body = {"template": "code", "chat": chat, "to": contact, "code": code, "at": now.isoformat()}
        self.rooms.tickets.keep_letter({**body, "until": f"{until:%H:%M}"}, now)
        dispatcher.utter_message(response="utter_code_sent", contact=contact)
        return [SlotSet("code_asked", value=True)]


class ActionCheckCode(Deed):
    """The typed code: right, wrong, or spent."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_check_code"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Sets `identity` when the code is right."""
        chat, form, contact = tracker.sender_id, slot(tracker, "form_id"), slot(tracker, "contact")
        found = self.rooms.codes.check(chat, form, contact, entity(tracker, "code"), self.rooms.clock())
        dispatcher.utter_message(response=_CODE_RESPONSES[found])
        if found == "right":
            return [SlotSet("identity", "email"), SlotSet("code_way", None), SlotSet("code_asked", None)]
        return [SlotSet("code_asked", found == "wrong" or None)]


class ActionPrivacy(Deed):
    """What the assistant keeps, why and how long."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_privacy"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Changes nothing."""
        shop = self.rooms.shops.get(slot(tracker, "shop"))
        days = {shop.retention_days} if shop else {each.retention_days for each in self.rooms.shops.values()}
        shown = "–".join(map(str, sorted({min(days, default=RETENTION_DAYS), max(days, default=RETENTION_DAYS)})))
        dispatcher.utter_message(response="utter_privacy", days=shown)
        return []


class ActionMyData(Deed):
    """All that is kept about the chat, as a file."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_my_data"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Changes nothing; the file is made when it is sent."""
        dispatcher.utter_message(response="utter_my_data", enclosed="mydata")
        return []


class ActionForget(Deed):
    """All that is kept about the chat is erased; where requests are open, after a question."""

    def name(self) -> str:
        """Rasa's name."""
        return "action_forget"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> Events:
        """Sets `outcome` to "forgotten", which ends the chat's state."""
        tickets = self.rooms.tickets.of_chat(tracker.sender_id)
        opened, choice = [each for each in tickets if each.is_open], entity(tracker, "opened")
        if opened and choice not in {"close", "keep"}:
            dispatcher.utter_message(response="utter_forget_open", number=", ".join(each.number for each in opened))
            return []
        self.rooms.retention.forget(tracker.sender_id, self.rooms.clock(), close=choice == "close")
        dispatcher.utter_message(response="utter_forgotten")
        return [SlotSet("outcome", "forgotten")]


BELONGINGS: tuple[type[Deed], ...] = (
    ActionTakeFile, ActionRefuseDocument, ActionSendCode, ActionCheckCode, ActionPrivacy, ActionMyData, ActionForget,
)  # fmt: skip
