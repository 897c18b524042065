"""`konfident run`: the bot, the post and the watch over knowledge/, side by side."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

from bot.cards import chat_sender, staff_sender
from bot.clock import tick
from bot.collect import collect_forever
from bot.desk import Desk
from bot.failures import without_words
from bot.house import House
from bot.mailbox import Mailbox
from bot.papers import Papers
from bot.post import Send, deliver_forever, mail_sender
from bot.shops import ShopError
from bot.smtp import send as send_letter
from bot.telegram import connect, introduce, make_dispatcher
from index.clauses import PolicyError
from index.training import IntentsError

_WATCH_S = 5.0
_DAY_S = 24 * 60 * 60
_TICK_S = 60.0
_AGAIN_S = 30.0

log = logging.getLogger(__name__)


async def serve(house: House) -> None:
    """Poll until the process is told to stop."""
    settings, rooms = house.settings, house.rooms
    token = settings.bot_token.get_secret_value() if settings.bot_token else ""
    bot = connect(token, settings.telegram_api_url)
    papers = Papers(rooms.tickets, rooms.retention, rooms.shops, house.responses.word, rooms.clock)
    desk = Desk(
        settings.staff_chat_id, rooms.tickets, house.responses, house.shop_names, rooms.clock, paper=papers.make
    )
    wakes = [asyncio.Event(), asyncio.Event()]

    def wake_all() -> None:
        for wake in wakes:
            wake.set()

    dispatcher = make_dispatcher(house.dialogue, desk, wake_all)
    chats: dict[str, Send] = {"chat": chat_sender(bot, desk), "staff": staff_sender(bot, desk)}
    mail = _mail(house)
    work = [
        lambda: deliver_forever(rooms.tickets, chats, rooms.clock, wakes[0]),
        lambda: deliver_forever(rooms.tickets, mail, rooms.clock, wakes[1]),
        lambda: _collect(house, wake_all),
        lambda: _watch(house),
        lambda: _forget_old(house),
        lambda: _keep_time(house, wake_all),
    ]
    tasks = [asyncio.create_task(keep_up(each)) for each in work]
    try:
        await introduce(bot, house.responses, desk.chat)
        await dispatcher.start_polling(bot, handle_signals=True)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(Exception):
            await bot.session.close()


async def keep_up(work: Callable[[], Coroutine[Any, Any, None]], pause_s: float = _AGAIN_S) -> None:
    """Begin a loop again when an error that it did not expect has ended it."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # without this a loop would end unseen
            log.error("begins again in %.0f s: %s", pause_s, without_words(error))  # noqa: TRY400
            await asyncio.sleep(pause_s)
        else:
            return


def _mail(house: House) -> Mapping[str, Send]:
    """The mail channel; without a mail server letters wait in the outbox."""
    url = house.settings.smtp_url
    if url is None:
        log.warning("SMTP_URL is not set: letters are kept and leave when it is")
        return {}

    async def hand_over(letter: EmailMessage) -> None:
        await send_letter(letter, url.get_secret_value())

    rooms, sender = house.rooms, house.settings.mail_from
    is_read = house.settings.imap_url is not None
    word = house.responses.word
    return {"mail": mail_sender(rooms.tickets, rooms.shops, word, sender, hand_over, replies_are_read=is_read)}


async def _collect(house: House, after: Callable[[], None]) -> None:
    """Bring the shops' answers in; without a mailbox their letters tell clerks to write to the customer."""
    url = house.settings.imap_url
    if url is None:
        log.warning("IMAP_URL is not set: shops cannot answer by mail, and their letters say so")
        return
    box = Mailbox(url.get_secret_value())
    try:
        await collect_forever(box, house.rooms.tickets, house.rooms.shops, house.rooms.clock, after)
    finally:
        await box.close()


async def _forget_old(house: House) -> None:
    """Once a day what has been kept long enough is erased."""
    while True:
        days = {shop.id: shop.retention_days for shop in house.rooms.shops.values()}
        erased = house.rooms.retention.erase_old(days, house.rooms.clock())
        if erased:
            log.info("personal data of %d old requests erased", erased)
        await asyncio.sleep(_DAY_S)


async def _keep_time(house: House, after: Callable[[], None]) -> None:
    """Look at the deadlines once a minute."""
    while True:
        if tick(house.rooms.tickets, house.rooms.clock()):
            after()
        await asyncio.sleep(_TICK_S)


async def _watch(house: House) -> None:
    """Take an owner's changes without a restart; say once what is wrong with them."""
    said = ""
    while True:
        await asyncio.sleep(_WATCH_S)
        try:
            if await asyncio.to_thread(house.refresh):
                log.info("knowledge/ has changed and is in use")
            said = ""
        except (PolicyError, IntentsError, ShopError) as error:
            if str(error) != said:
                log.error("the old policies stay in use: %s", error)  # noqa: TRY400  # the owner needs the place, not ours
            said = str(error)
