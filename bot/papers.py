"""Papers for a customer, made when they are sent: all that is kept about a chat, a letter ready for the post."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from docx import Document
from docx.shared import Cm, Pt

from bot.deadlines import local_time
from bot.mail import render
from bot.register import Ticket
from bot.retention import Retention
from bot.shops import Shop
from bot.tickets import Tickets

MY_DATA, LETTER = "mydata", "letter"


@dataclass(frozen=True)
class Paper:
    """A file for a customer."""

    name: str
    content: bytes


class Papers:
    """Nothing lies about on a disk: a paper is made anew each time it is sent."""

    def __init__(
        self,
        tickets: Tickets,
        retention: Retention,
        shops: Mapping[str, Shop],
        word: Callable[[str], str],
        clock: Callable[[], datetime],
    ) -> None:
        """`word` gives Russian words by their response name."""
        self._tickets, self._retention, self._shops, self._word, self._clock = tickets, retention, shops, word, clock

    def make(self, what: str, chat: str) -> Paper | None:
        """`what` is "mydata" or "letter NUMBER"; None where the chat has no such thing."""
        kind, _, number = what.partition(" ")
        if kind == MY_DATA:
            now = local_time(self._clock())
            text = render("mydata.txt", {**self._retention.everything_of(chat), "now": now})
            return Paper(f"konfident-{now:%Y-%m-%d}.txt", text.encode())
        ticket = self._tickets.ticket(number)
        if kind != LETTER or ticket is None or ticket.chat != chat or ticket.shop not in self._shops:
            return None
        return Paper(f"{ticket.number}.docx", postal_letter(ticket, self._shops[ticket.shop], self._word))


def postal_letter(ticket: Ticket, shop: Shop, word: Callable[[str], str]) -> bytes:
    """A Word file: to whom, from whom, what is asked by which clause, a place for name, date and signature."""
    kind = word(f"utter_kind_{ticket.kind}")
    values: dict[str, Any] = {
        **vars(ticket),
        "shop": shop.name,
        "postal": shop.postal,
        "contact_clause": shop.contact_clause,
        "edition": shop.edition,
        "kind": kind,
        "request": word(f"utter_letter_{ticket.kind}"),
        "opened": local_time(ticket.opened),
    }
    document = Document()
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(12)
    for line in render("postal.txt", values).splitlines():
        _add(document, line)
    written = io.BytesIO()
    document.core_properties.title, document.core_properties.author = ticket.number, ""
    document.save(written)
    return written.getvalue()


def _add(document: Any, line: str) -> None:
    """A line of the template: `# ` a heading, `> ` a quotation; an empty one is the room between paragraphs."""
    if line.startswith("# "):
        document.add_paragraph().add_run(line[2:]).bold = True
    elif line.startswith("> "):
        paragraph = document.add_paragraph(line[2:])
        paragraph.paragraph_format.left_indent = Cm(1)
    elif line.strip():
        document.add_paragraph(line)
