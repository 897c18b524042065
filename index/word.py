"""A Word file as lines: paragraphs with the numbers that Word counts itself, tables as «a | b | c»."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import XMLSyntaxError

UNREADABLE = (PackageNotFoundError, BadZipFile, XMLSyntaxError, KeyError, ValueError, AttributeError, OSError)

_ALPHABETS = {"russianLower": "абвгдежзиклмнопрстуфхцчшщэюя", "lowerLetter": "abcdefghijklmnopqrstuvwxyz"}


def word_lines(path: Path) -> Iterator[str]:
    """Lines of a .docx in order, a line break inside of a paragraph begins a new one. Raises what is UNREADABLE."""
    document = Document(str(path))
    numbers = _Numbers(_definitions(document))
    for part in document.iter_inner_content():
        if isinstance(part, Table):
            yield from map(_row, part.rows)
        else:
            yield from (numbers.before(part) + part.text).split("\n")


def _row(row: Any) -> str:
    """A cell that spans several columns is said once."""
    return " | ".join(text for text, _ in groupby(" ".join(cell.text.split()) for cell in row.cells))


@dataclass(frozen=True)
class _Level:
    """One level of a list: how it counts and what it shows, «%1.%2.»."""

    start: int
    style: str
    shown: str

    def digits(self, count: int) -> str:
        alphabet = _ALPHABETS.get(self.style, "")
        return alphabet[count - 1] if 0 < count <= len(alphabet) else str(count)


@dataclass(frozen=True)
class _List:
    """A numbered list; lists of one `series` go on counting where the other stopped."""

    series: str
    levels: dict[int, _Level]


class _Numbers:
    """Counts as Word does when it shows a document."""

    def __init__(self, lists: dict[str, _List]) -> None:
        self._lists = lists
        self._counts: dict[str, dict[int, int]] = {}

    def before(self, paragraph: Paragraph) -> str:
        """What Word shows before a paragraph: «5.2. », «а) », «- », or nothing."""
        name, depth = _place(paragraph)
        known = self._lists.get(name)
        if known is None or depth not in known.levels or not paragraph.text.strip():
            return ""
        level = known.levels[depth]
        if level.style in ("bullet", "none"):
            return "- " if level.style == "bullet" else ""
        counts = self._counts.setdefault(known.series, {})
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [other for other in counts if other > depth]:
            del counts[deeper]
        shown = level.shown
        for other, its in known.levels.items():
            shown = shown.replace(f"%{other + 1}", its.digits(counts.get(other, its.start)))
        return f"{shown} "


def _definitions(document: Any) -> dict[str, _List]:
    """Lists by their number in the file; none where the file has no numbering part."""
    if all(relation.reltype != RELATIONSHIP_TYPE.NUMBERING for relation in document.part.rels.values()):
        return {}
    root = document.part.numbering_part.element
    described = {one.get(qn("w:abstractNumId")): _levels(one) for one in root.findall(qn("w:abstractNum"))}
    lists = {}
    for one in root.findall(qn("w:num")):
        name, of = one.get(qn("w:numId")), _value(one, "w:abstractNumId")
        restarts = one.find(qn("w:lvlOverride")) is not None
        lists[name] = _List(f"own {name}" if restarts else of, described.get(of, {}))
    return lists


def _levels(described: Any) -> dict[int, _Level]:
    return {
        int(level.get(qn("w:ilvl"))): _Level(
            int(_value(level, "w:start") or 1), _value(level, "w:numFmt"), _value(level, "w:lvlText")
        )
        for level in described.findall(qn("w:lvl"))
    }


def _place(paragraph: Paragraph) -> tuple[str, int]:
    """Number of the list and depth in it, from the paragraph itself or from its style; ("", 0) outside of lists."""
    style: Any = paragraph.style
    holders = [paragraph.paragraph_format.element]
    while style is not None:
        holders.append(style.element)
        style = style.base_style
    for holder in holders:
        found = holder.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
        if found is not None and _value(found, "w:numId"):
            return _value(found, "w:numId"), int(_value(found, "w:ilvl") or 0)
    return "", 0


def _value(element: Any, name: str) -> str:
    """The `w:val` of a child; empty where there is no such child."""
    child = element.find(qn(name))
    return "" if child is None else str(child.get(qn("w:val")) or "")
