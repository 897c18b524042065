"""Read a numbered policy into clauses; say file, line and remedy when it cannot be read."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from index.documents import PolicyError, read_lines

__all__ = ["Clause", "Policy", "PolicyError", "Section", "order", "read_policy"]

Number = tuple[int, ...]

_PART = r"[1-9]\d{0,2}"  # no leading zero: 01.06.24 is a date
_SECTION_LINE = re.compile(rf"({_PART})\.\s+(\S.*)")
_CLAUSE_LINE = re.compile(rf"({_PART}(?:\.{_PART}){{1,4}})[.)]?(?:\s*(?=[^\d\s.,)])(.*)|$)")
# «Раздел 2. Сбор данных», «Статья 5», «§ 3. Сроки», «IV. Права»
_NAMED_LINE = re.compile(
    r"(?:(?:(?i:раздел|глава|статья)\s+|§\s*)(\d{1,2}|[IVX]+)|([IVX]+)(?=\.))(?:[.:)]\s*(\S.*)?|$)"
)
_ROMAN = {"I": 1, "V": 5, "X": 10}
_LIST_MARK = re.compile(r"[-*•–—]\s+")
_LETTERED = re.compile(r"(?:[а-яёa-z]|\d{1,2})\)\s")
_CELLS = " | "
_MARK_AND_TAB = re.compile(r"^([\d.]+\)?|\w\)|[-*•–—])\s*\t\s*")
_TAB = re.compile(r"\s*\t\s*")
_REFERENCE_BEFORE = re.compile(r"(?:\b(?:пп?|ст|гл)\.|\b(?:пункт|раздел|стать|глав)\w*)\s*$", re.IGNORECASE)
_SENTENCE_END = (".", ":", ";", "!", "?")
_SENTENCE_CLOSED = (".", ";", "!", "?")
_LARGEST_GAP = 3


@dataclass(frozen=True)
class Clause:
    """One clause: its own words, and what a reader needs around them.

    `lead_in` is the parent's unfinished sentence («4.1. … в целях:»), empty where the parent stands for itself.
    """

    number: str
    text: str
    section: str
    heading: str
    parent: str | None
    lead_in: str
    line: int


@dataclass(frozen=True)
class Section:
    """A top-level heading."""

    number: str
    heading: str
    line: int


@dataclass(frozen=True)
class Policy:
    """A document: what stands before the first section, its sections and its clauses in order."""

    preamble: str
    sections: tuple[Section, ...]
    clauses: tuple[Clause, ...]
    gaps: tuple[tuple[int, str], ...] = ()

    @cached_property
    def by_number(self) -> dict[str, Clause]:
        """Look a clause up by its number."""
        return {clause.number: clause for clause in self.clauses}

    def in_section(self, number: str) -> tuple[Clause, ...]:
        """Clauses of a section, in order."""
        return tuple(clause for clause in self.clauses if clause.section == number)

    def under(self, number: str) -> tuple[Clause, ...]:
        """Clauses below a clause, at any depth, in order."""
        return tuple(clause for clause in self.clauses if clause.number.startswith(number + "."))

    def finishing(self, clause: Clause) -> tuple[Clause, ...]:
        """The clauses below one that is only their lead-in («4.1. … в целях:»); none below a full sentence."""
        below = self.under(clause.number)
        return below if below and below[0].lead_in else ()

    def following(self, clause: Clause) -> str:
        """The number of the next clause; empty after the last one."""
        numbers = list(self.by_number)
        return next(iter(numbers[numbers.index(clause.number) + 1 :]), "")


@dataclass
class _Block:
    """A number under construction; the empty number is the preamble."""

    number: Number
    line: int
    lines: list[str] = field(default_factory=list)
    listed: int = 0
    has_items: bool = False

    @property
    def last(self) -> str:
        """The line that may be going on; empty at the beginning."""
        return self.lines[-1] if self.lines else ""

    @property
    def is_open(self) -> bool:
        """True in the middle of a sentence."""
        return bool(self.lines) and not self.last.endswith(_SENTENCE_END)

    def add(self, text: str, *, item: bool, after_blank: bool) -> None:
        """Continue a sentence broken by a line or page break; begin a line at an item or a new sentence."""
        self.has_items = self.has_items or item
        if self.is_open and not item and not (text[0].isupper() and (after_blank or self._is_heading_before(text))):
            self.lines[-1] += " " + text
        else:
            self.lines.append(text)

    def _is_heading_before(self, text: str) -> bool:
        """True where prose begins right under a heading; capitals after capitals are the heading's second line."""
        return len(self.number) == 1 and len(self.lines) == 1 and not (self.lines[0].isupper() and text.isupper())

    def lists(self, number: Number, body: str, *, after_blank: bool) -> bool:
        """True for an item of a numbered list inside this clause: «1. имя», «2. телефон»."""
        if len(number) != 1 or number[0] != self.listed + 1:
            return False
        return self.listed == 0 or body[:1].islower() or not after_blank

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def read_policy(path: Path) -> Policy:
    """Read a policy as text, Markdown or Word (index/documents.py); raises PolicyError."""
    blocks, gaps = _blocks(path, read_lines(path))
    if len(blocks) == 1:
        raise PolicyError(path, 1, "нет ни одного пронумерованного пункта", "Пронумеруйте пункты: 1., 1.1., 1.1.1.")
    policy = _assemble(blocks, gaps)
    for clause in policy.clauses:
        if not clause.text:
            remedy = "Допишите текст пункта или уберите номер."
            raise PolicyError(path, clause.line, f"пункт {clause.number} пуст", remedy)
    return policy


def order(number: str) -> Number:
    """Sort key of a clause number: "4.1.10" -> (4, 1, 10)."""
    return tuple(int(part) for part in number.split("."))


def _blocks(path: Path, lines: Iterable[str]) -> tuple[list[_Block], list[tuple[int, str]]]:
    lines, blocks, gaps = list(lines), [_Block((), 0)], []
    names_sections = sum(_NAMED_LINE.match(line.strip()) is not None for line in lines) > 1
    after_blank = True
    for line, raw in enumerate(lines, start=1):
        block = blocks[-1]
        text, is_item = _mend(raw, block)
        if text:
            number, body = _numbered(text, block)
            if names_sections:
                is_item = is_item or len(number) == 1
                number, body = _named_section(text) or (number if len(number) > 1 else (), body)
            fit = _fit(number, block.number)
            if fit == "next" and block.listed and block.lists(number, body, after_blank=after_blank):
                fit = "stray"
            if fit == "stray":
                _refuse_stray(path, line, number, body, block)
                listed = block.lists(number, body, after_blank=after_blank)
                block.listed = number[0] if listed else block.listed
                block.add(text, item=is_item or listed, after_blank=after_blank)
            else:
                blocks.append(_Block(number, line, [body] if body else []))
            if fit == "gap":
                gaps.append((line, _dotted(number)))
        after_blank = not text
    return blocks, gaps


def _mend(raw: str, before: _Block) -> tuple[str, bool]:
    """Take off the marks of a lost layout: bold, heading and list marks, <links>; True for a list item."""
    text = raw.replace("\u00a0", " ").replace("\f", "").replace("**", "").strip()
    text = _TAB.sub(_CELLS, _MARK_AND_TAB.sub(r"\1 ", text))  # a table's row, as copied from a page
    text = re.sub(r"<((?:https?://|mailto:)[^>\s]+)>", r"\1", text)
    text = re.sub(r"^#{1,6}\s+", "", text)
    if _LETTERED.match(text) or _CELLS in text or _CELLS in before.last:  # «а) имя», «имя | цель | срок»
        return text, True
    marked = _LIST_MARK.match(text)
    if marked is None or (text[0] in "–—" and before.is_open and not before.has_items):  # a dash inside a sentence
        return text, False
    return text[marked.end() :], True


def _numbered(text: str, before: _Block) -> tuple[Number, str]:
    """The number at a line's start and the words after it; the empty number for an ordinary line."""
    match = _SECTION_LINE.match(text) or _CLAUSE_LINE.match(text)
    if match is None or (_CELLS not in before.last and _REFERENCE_BEFORE.search(before.last)):
        return (), text
    return order(match[1]), match[2] or ""


def _named_section(text: str) -> tuple[Number, str] | None:
    """The number and the heading of «Раздел 2. Сбор данных» or «IV. Права»; None for other lines."""
    match = _NAMED_LINE.match(text)
    if match is None:
        return None
    named = match[1] or match[2]
    return (int(named) if named.isdecimal() else _of_roman(named),), match[3] or ""


def _of_roman(number: str) -> int:
    values = [_ROMAN[letter] for letter in number]
    return sum(-value if value < following else value for value, following in pairwise([*values, 0]))


def _fit(number: Number, last: Number) -> str:
    """How a number follows the last one: "next", "gap" (some left out) or "stray" (not a clause here)."""
    if not number:
        return "stray"
    if number[-1] == 1 and (number[:-1] == last or (len(number) == 2 and number > last)):
        return "next"
    if len(number) == 1:
        return "next" if not last or number[0] > last[0] else "stray"
    if number[:-1] != last[: len(number) - 1] or len(number) > len(last):
        return "stray"
    step = number[-1] - last[len(number) - 1]
    return "next" if step == 1 else "gap" if 1 < step <= _LARGEST_GAP else "stray"


def _refuse_stray(path: Path, line: int, number: Number, body: str, before: _Block) -> None:
    """A dotted number at the start of a sentence was meant as a clause: do not swallow it silently."""
    if len(number) < 2 or (before.is_open and not body[:1].isupper()):
        return
    last = _dotted(before.number) or "начала документа"
    what = f"после {last} стоит {_dotted(number)}"
    raise PolicyError(path, line, what, "Исправьте номер пункта: номера идут по порядку и не повторяются.")


def _assemble(blocks: list[_Block], gaps: list[tuple[int, str]]) -> Policy:
    preamble, *numbered = blocks
    by_number = {block.number: block for block in numbered}
    sections = tuple(_sections(numbered))
    headings = {section.number: section.heading for section in sections}
    found = (_clause(block, by_number, headings) for block in numbered)
    return Policy(preamble.text, sections, tuple(clause for clause in found if clause is not None), tuple(gaps))


def _sections(numbered: Iterable[_Block]) -> Iterator[Section]:
    for block in numbered:
        if len(block.number) == 1:
            yield Section(_dotted(block.number), block.lines[0] if block.lines else "", block.line)


def _clause(block: _Block, by_number: dict[Number, _Block], headings: dict[str, str]) -> Clause | None:
    """A block as a clause; of a section only the prose below its heading, or all where it is one line alone."""
    text, section = block.text, str(block.number[0])
    if len(block.number) == 1:
        has_children = any(number[:1] == block.number and len(number) > 1 for number in by_number)
        text = "\n".join(block.lines[1:]) or ("" if has_children else text)
        if not text:
            return None
    parent = block.number[:-1] if len(block.number) > 2 and block.number[:-1] in by_number else None
    return Clause(
        number=_dotted(block.number),
        text=text,
        section=section,
        heading=headings.get(section, ""),
        parent=_dotted(parent) if parent else None,
        lead_in=_lead_in(by_number[parent]) if parent else "",
        line=block.line,
    )


def _lead_in(parent: _Block) -> str:
    """Words that a parent leaves for its children to finish («… в целях:»); none after a full sentence."""
    return "" if parent.text.endswith(_SENTENCE_CLOSED) else parent.text


def _dotted(number: Number) -> str:
    return ".".join(map(str, number))
