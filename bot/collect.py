"""The loop that brings staff's mails in: take one unread mail, read it, act on its ticket, mark it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from bot.inbox import Received, read
from bot.mail import MailError
from bot.mailbox import Mailbox
from bot.register import Ticket
from bot.senders import is_own
from bot.shops import Shop
from bot.tickets import Origin, Tickets

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 300.0
_LOOK_AGAIN_S = 60.0
_LONGEST_KEY = 200

log = logging.getLogger(__name__)


async def collect_one(box: Mailbox, tickets: Tickets, shops: Mapping[str, Shop], now: datetime) -> bool:
    """Act on the oldest unread mail; False when there is none. Raises MailError."""
    mail = await box.next_unread()
    if mail is None:
        return False
    received = await asyncio.to_thread(read, mail.raw)
    if take_in(received, tickets, shops, now):
        await box.mark_read(mail)
    else:
        await box.pass_over(mail)
    return True


async def collect_forever(
    box: Mailbox,
    tickets: Tickets,
    shops: Mapping[str, Shop],
    clock: Callable[[], datetime],
    after: Callable[[], None],
    *,
    first_pause_s: float = _FIRST_PAUSE_S,
) -> None:
    """Collect whatever has come, call `after` when there was any, then wait for more; say once what is wrong."""
    said, pause = "", first_pause_s
    while True:
        try:
            while await collect_one(box, tickets, shops, clock()):
                after()
            said, pause = "", first_pause_s
            await box.wait(_LOOK_AGAIN_S)
        except MailError as error:
            if str(error) != said:
                log.log(logging.ERROR if error.is_operators else logging.WARNING, "no mail can be read: %s", error)
            said = str(error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)


def take_in(received: Received, tickets: Tickets, shops: Mapping[str, Shop], now: datetime) -> bool:
    """Act on a mail that concerns a ticket; False when it is to stay unread."""
    key = received.key[:_LONGEST_KEY]
    ticket = ticket_of(received, tickets)
    if ticket is None:
        log.info("mail %s concerns no request, left unread", key)
        return False
    if received.kind == "auto":
        log.info("mail %s of %s is an automatic answer", key, ticket.number)
        return True
    origin = Origin(received.key, received.message_id, received.sender)
    if received.kind == "bounce":
        _report_bounce(received, ticket, tickets, now, origin)
        return True
    if not _may_answer(received, ticket, shops):
        log.warning("mail %s for %s is not from the shop, left unread", key, ticket.number)
        tickets.left_unread(ticket.number, "utter_staff_strange_mail", now, origin)
        return False
    if not received.verdict_text and received.verdict in {"answer", "question"}:
        log.warning("mail %s for %s says nothing that could be read, left unread", key, ticket.number)
        tickets.left_unread(ticket.number, "utter_staff_empty_mail", now, origin)
        return False
    words = (received.verdict, received.verdict_text)
    is_new = tickets.receive(ticket.number, *words, now, origin, received.attachments)
    log.info("mail %s for %s %s", key, ticket.number, received.verdict if is_new else "was acted on before")
    return True


def ticket_of(received: Received, tickets: Tickets) -> Ticket | None:
    """The one ticket that a mail's thread and addresses lead to; never by its subject."""
    letters = received.failed if received.kind == "bounce" else received.references
    found = [tickets.by_letter(each.strip("<>").rpartition("@")[0]) for each in letters]
    found += [tickets.by_token(token) for token in received.tokens]
    numbers = {ticket.number: ticket for ticket in found if ticket is not None}
    return next(iter(numbers.values())) if len(numbers) == 1 else None


def _may_answer(received: Received, ticket: Ticket, shops: Mapping[str, Shop]) -> bool:
    shop = shops.get(ticket.shop)
    return is_own(received.sender, ticket.route, shop.senders if shop else ())


def _report_bounce(received: Received, ticket: Ticket, tickets: Tickets, now: datetime, origin: Origin) -> None:
    if not received.failed_for_good:
        log.info("a letter of %s is late: %s", ticket.number, received.status)
        return
    log.error("a letter of %s was returned: %s", ticket.number, received.status)
    tickets.bounced(ticket.number, received.failed[0].strip("<>"), received.status, now, origin)
