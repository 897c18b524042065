"""Read a numbered policy into clauses; say file, line and remedy when it cannot be read."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

Number = tuple[int, ...]

_NUMBERED = re.compile(r"(\d{1,3}(?:\.\d{1,3}){0,4})(\.?)(?:\s+(\S.*)|$)")
_LIST_MARK = re.compile(r"[-*•–—]\s+")
_REFERENCE_BEFORE = re.compile(r"(?:\b(?:пп?|ст|гл)\.|\b(?:пункт|раздел|стать|глав)\w*)\s*$", re.IGNORECASE)
_SENTENCE_END = (".", ":", ";", "!", "?")
_SENTENCE_CLOSED = (".", ";", "!", "?")
_LARGEST_GAP = 3


class PolicyError(Exception):
    """A policy cannot be read: `path`, `line` (from 1) and what the owner can do (`remedy`, Russian)."""

    def __init__(self, path: Path, line: int, what: str, remedy: str) -> None:
        """Keep the place and the remedy beside the message."""
        super().__init__(f"{path}:{line}: {what}. {remedy}")
        self.path, self.line, self.what, self.remedy = path, line, what, remedy


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


@dataclass
class _Block:
    """A number under construction; the empty number is the preamble."""

    number: Number
    line: int
    lines: list[str] = field(default_factory=list)

    def add(self, text: str, *, item: bool, after_blank: bool) -> None:
        """Continue a sentence broken by a line or page break; begin a line at an item or a new sentence."""
        broken = self.lines and not item and not self.lines[-1].endswith(_SENTENCE_END)
        if broken and not (after_blank and text[0].isupper()):
            self.lines[-1] += " " + text
        else:
            self.lines.append(text)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def read_policy(path: Path) -> Policy:
    """Read a UTF-8 text or Markdown policy; raises PolicyError."""
    blocks, gaps = _blocks(path, _decode(path).splitlines())
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


def _decode(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        remedy = "Сохраните файл в кодировке UTF-8."
        raise PolicyError(path, line, "текст не в кодировке UTF-8", remedy) from error


def _blocks(path: Path, lines: Iterable[str]) -> tuple[list[_Block], list[tuple[int, str]]]:
    blocks, gaps = [_Block((), 0)], []
    after_blank = True
    for line, raw in enumerate(lines, start=1):
        text, is_item = _mend(raw)
        if text:
            number, body = _numbered(text, blocks[-1])
            fit = _fit(number, blocks[-1].number)
            if fit == "stray":
                _refuse_stray(path, line, number, blocks[-1])
                blocks[-1].add(text, item=is_item, after_blank=after_blank)
            else:
                blocks.append(_Block(number, line, [body] if body else []))
            if fit == "gap":
                gaps.append((line, _dotted(number)))
        after_blank = not text
    return blocks, gaps


def _mend(raw: str) -> tuple[str, bool]:
    """Take off the marks of a lost layout: bold, heading and list marks, <links>; True for a list item."""
    text = raw.replace("\u00a0", " ").replace("**", "").strip()
    text = re.sub(r"<((?:https?://|mailto:)[^>\s]+)>", r"\1", text)
    text = re.sub(r"^#{1,6}\s+", "", text)
    marked = _LIST_MARK.match(text)
    return (text[marked.end() :] if marked else text), bool(marked)


def _numbered(text: str, before: _Block) -> tuple[Number, str]:
    """The number at a line's start and the words after it; the empty number for an ordinary line."""
    match = _NUMBERED.match(text)
    if match is None or (before.lines and _REFERENCE_BEFORE.search(before.lines[-1])):
        return (), text
    digits, dot, body = match.groups()
    if "." not in digits and not dot:
        return (), text
    return order(digits), body or ""


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


def _refuse_stray(path: Path, line: int, number: Number, before: _Block) -> None:
    """A dotted number after a finished sentence was meant as a clause: do not swallow it silently."""
    if len(number) < 2 or (before.lines and not before.lines[-1].endswith(_SENTENCE_END)):
        return
    last = _dotted(before.number) or "начала документа"
    what = f"после {last} стоит {_dotted(number)}"
    raise PolicyError(path, line, what, "Исправьте номер пункта: номера идут по порядку и не повторяются.")


def _assemble(blocks: list[_Block], gaps: list[tuple[int, str]]) -> Policy:
    preamble, *numbered = blocks
    by_number = {block.number: block for block in numbered}
    parents = {block.number[:-1] for block in numbered}
    sections = tuple(_sections(numbered))
    headings = {section.number: section.heading for section in sections}
    clauses = tuple(
        _clause(block, by_number, headings)
        for block in numbered
        if len(block.number) > 1 or block.number not in parents
    )
    return Policy(preamble.text, sections, clauses, tuple(gaps))


def _sections(numbered: Iterable[_Block]) -> Iterator[Section]:
    for block in numbered:
        if len(block.number) == 1:
            yield Section(_dotted(block.number), block.lines[0] if block.lines else "", block.line)


def _clause(block: _Block, by_number: dict[Number, _Block], headings: dict[str, str]) -> Clause:
    parent = block.number[:-1] if len(block.number) > 2 and block.number[:-1] in by_number else None
    section = str(block.number[0])
    return Clause(
        number=_dotted(block.number),
        text=block.text,
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
