"""A conversation in the terminal: no token, no mail server; letters are written to files."""

import asyncio
import sys
from email.message import EmailMessage
from pathlib import Path

from bot.house import House
from bot.outbox import Delivery
from bot.papers import Paper, Papers
from bot.post import deliver_one, mail_sender
from bot.responses import Reply
from bot.smtp import write_eml
from bot.turn import SHARE_CONTACT, Incoming, State

_CHAT = "terminal"


async def talk(house: House, shop: str | None) -> None:
    """Read lines until the end of input; buttons are numbered choices."""
    # Letters are written to files here, so a code reaches whoever sits at the terminal.
    state: State = {"slots": {"sends_letters": True, **({"shop": shop} if shop else {})}}
    rooms = house.rooms
    papers = Papers(rooms.tickets, rooms.retention, rooms.shops, house.responses.word, rooms.clock)
    incoming = Incoming(payload="/start")
    while True:
        turn = await house.dialogue.handle(_CHAT, state, incoming)
        state = turn.state
        _show(turn.reply)
        _write(papers.make(turn.reply.enclosed, _CHAT), house.settings.data_dir / "papers")
        await _deliver(house)
        line = await asyncio.to_thread(_read_line)
        if line is None:
            return
        incoming = Incoming(text=line)


def _show(reply: Reply) -> None:
    print()
    for line in reply.text.splitlines():
        print(f"  │ {line[2:]}" if line.startswith("> ") else line)
    choices = (button for button in reply.buttons if button.payload != SHARE_CONTACT)
    for number, button in enumerate(choices, start=1):
        print(f"  [{number}] {button.title}")


def _write(paper: Paper | None, folder: Path) -> None:
    """A paper as a file beside the letters."""
    if paper is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / paper.name).write_bytes(paper.content)
        print(f"\n  ▤ {folder / paper.name}")


def _read_line() -> str | None:
    """The next line, None at the end; lines that come from a file or pipe are shown."""
    try:
        line = input("\n> ")
    except EOFError:
        print()
        return None
    if not sys.stdin.isatty():
        print(line)
    return line


async def _deliver(house: House) -> None:
    tickets, folder = house.rooms.tickets, house.settings.data_dir / "letters"

    async def keep(letter: EmailMessage) -> None:
        print(f"\n  ✉ {await write_eml(letter, folder)}")

    async def show(delivery: Delivery) -> None:
        ticket = tickets.ticket(delivery.ticket)
        shop = house.shop_names.get(ticket.shop, "") if ticket else ""
        _show(house.responses.render(delivery.body["response"], {**vars(ticket), **delivery.body, "shop_name": shop}))

    async def ignore(delivery: Delivery) -> None:
        """There is no staff chat here."""

    word, sender = house.responses.word, house.settings.mail_from
    is_read = house.settings.imap_url is not None
    mail = mail_sender(tickets, house.rooms.shops, word, sender, keep, replies_are_read=is_read)
    while await deliver_one(tickets, {"mail": mail, "chat": show, "staff": ignore}, house.rooms.clock()):
        pass
