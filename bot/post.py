"""The loop that delivers the outbox: claim one row by lease, act, mark."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from bot.mail import MailError
from bot.tickets import Delivery, Tickets, Undelivered

Send = Callable[[Delivery], Awaitable[None]]

LEASE = timedelta(minutes=2)
_LOOK_AGAIN_S = 5.0

log = logging.getLogger(__name__)


async def deliver_one(tickets: Tickets, channels: Mapping[str, Send], now: datetime) -> bool:
    """Deliver the oldest due row of these channels; False when none is due."""
    delivery = tickets.claim(now, LEASE, tuple(channels))
    if delivery is None:
        return False
    try:
        await channels[delivery.channel](delivery)
    except (MailError, Undelivered) as error:
        level = logging.ERROR if error.permanent else logging.WARNING
        log.log(level, "%s of %s undelivered, attempt %d", delivery.channel, delivery.ticket, delivery.attempts + 1)
        tickets.postpone(delivery, str(error), now, permanent=error.permanent)
    else:
        tickets.mark_sent(delivery, now)
        log.info("%s of %s delivered", delivery.channel, delivery.ticket)
    return True


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
