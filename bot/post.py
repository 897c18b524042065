"""The loop that delivers the outbox: claim one row by lease, act, mark."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage

from bot.deadlines import local_time
from bot.failures import without_words
from bot.files import Files
from bot.mail import Letter, MailError, compose, compose_note, render, reply_address
from bot.outbox import Delivery, Undelivered
from bot.register import Ticket, first_letter_id
from bot.shops import Shop
from bot.tickets import Tickets

Send = Callable[[Delivery], Awaitable[None]]

LEASE = timedelta(seconds=45)  # outlasts `smtp.send`; what was leaving when the power went waits this long
_LOOK_AGAIN_S = 5.0
_FILES = {"added": "request", "ask_reason": "ask_reason"}  # a later letter's template; the others share one

log = logging.getLogger(__name__)


async def deliver_one(tickets: Tickets, channels: Mapping[str, Send], now: datetime) -> bool:
    """Deliver the oldest due row of these channels; False when none is due."""
    delivery = tickets.claim(now, LEASE, tuple(channels))
    if delivery is None:
        return False
    await deliver(tickets, delivery, channels[delivery.channel], now)
    return True


async def deliver(tickets: Tickets, delivery: Delivery, send: Send, now: datetime) -> None:
    """Send a claimed row, and mark or postpone it."""
    name = delivery.ticket or "a reply"
    try:
        await send(delivery)
    except (MailError, Undelivered) as error:
        least = getattr(error, "pause", timedelta(0))
        tickets.postpone(delivery, str(error), now, permanent=error.permanent, least=least)
        level, tries = _level(error, delivery), delivery.attempts + 1
        log.log(level, "%s of %s undelivered, attempt %d", delivery.channel, name, tries)
    except Exception as error:  # noqa: BLE001  # one broken row must not hold up the others
        tickets.postpone(delivery, type(error).__name__, now)
        log.error("%s of %s failed: %s", delivery.channel, name, without_words(error))  # noqa: TRY400
    else:
        tickets.mark_sent(delivery, now)
        log.info("%s of %s delivered", delivery.channel, name)


def _level(error: MailError | Undelivered, delivery: Delivery) -> int:
    """An operator's mistake is an error once, then it is only waited for."""
    wrong_settings = isinstance(error, MailError) and error.is_operators
    return logging.ERROR if error.permanent or (wrong_settings and not delivery.attempts) else logging.WARNING


async def deliver_forever(
    tickets: Tickets, channels: Mapping[str, Send], clock: Callable[[], datetime], wake: asyncio.Event
) -> None:
    """Deliver whatever is due, then wait for `wake` or a few seconds."""
    while True:
        wake.clear()
        while await deliver_one(tickets, channels, clock()):
            pass
        try:
            await asyncio.wait_for(wake.wait(), _LOOK_AGAIN_S)
        except TimeoutError:
            continue


def mail_sender(
    tickets: Tickets,
    shops: Mapping[str, Shop],
    word: Callable[[str], str],
    sender: str,
    hand_over: Callable[[EmailMessage], Awaitable[object]],
    *,
    replies_are_read: bool,
) -> Send:
    """Delivers outbox rows of the channel "mail"; `word` gives Russian words by their response name."""
    files = Files(tickets)

    async def deliver(delivery: Delivery) -> None:
        if not delivery.ticket:
            await hand_over(_note(delivery, sender))
            return
        ticket = tickets.ticket(delivery.ticket)
        if ticket is not None:
            shop = shops[ticket.shop]
            contents = files.contents(each["key"] for each in delivery.body.get("files", ()))
            letter = compose_for(
                delivery, ticket, shop, word, sender, replies_are_read=replies_are_read, files=contents
            )
            await hand_over(letter)

    return deliver


def compose_for(
    delivery: Delivery,
    ticket: Ticket,
    shop: Shop,
    word: Callable[[str], str],
    sender: str,
    *,
    replies_are_read: bool,
    files: Sequence[tuple[str, str, bytes]] = (),
) -> EmailMessage:
    """The letter of an outbox row; the same row gives the same letter. `files`: each its name, type and content."""
    body = delivery.body
    template = body.get("template", "request")
    added = template == "added"
    domain = reply_address(sender, ticket.token).rpartition("@")[2]
    letter = Letter(
        number=ticket.number,
        token=ticket.token,
        message_id=f"<{delivery.message_id}@{domain}>",
        shop=shop.name,
        kind=word(f"utter_kind_{ticket.kind}"),
        opened=local_time(ticket.opened),
        contact=ticket.contact or (word("utter_no_contact") if replies_are_read else ""),
        identity=word(f"utter_identity_{ticket.identity}"),
        words=body.get("text") or ticket.words or (ticket.details if "at" in body else ""),
        details="" if added else ticket.details,
        clause_number=ticket.clause,
        clause_text=ticket.clause_text,
        edition="" if ticket.edition.startswith("#") else ticket.edition,  # a fingerprint tells a clerk nothing
        policy_says_nothing=not ticket.clause,
        deadline=f"до {ticket.deadline:%d.%m.%Y}" if ticket.deadline else "",
        deadline_source=_source(ticket.deadline_source),
        to=body.get("to") or ticket.route,
        sender=sender,
        replies_are_read=replies_are_read,
        news=template,
    )
    if "at" not in body:  # the first letter begins the thread
        return compose(letter, files=files)
    thread = [f"<{first_letter_id(ticket)}@{domain}>", *filter(None, [body.get("answers")])]
    written, shown = local_time(datetime.fromisoformat(body["at"])), _FILES.get(template, "note")
    return compose(letter, thread, written=written, template=shown, files=files)


def _note(delivery: Delivery, sender: str) -> EmailMessage:
    """A letter to a customer, such as a code."""
    body = delivery.body
    domain = reply_address(sender, "").rpartition("@")[2]
    written = local_time(datetime.fromisoformat(body["at"]))
    text = render(f"{body['template']}.txt", body)
    return compose_note(text, body["to"], sender, f"<{delivery.message_id}@{domain}>", written)


def _source(source: str) -> str:
    return f"пункт {source} политики" if source and source != "shop.yml" else "срок назвал магазин" if source else ""
