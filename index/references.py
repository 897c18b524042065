"""«что в пункте 5.2», «раздел три»: clauses asked for by number."""

import re
from dataclasses import dataclass

_ORDINALS = (
    "перв", "втор", "трет", "четверт", "пят", "шест", "седьм", "восьм", "девят", "десят", "одиннадцат", "двенадцат",
    "тринадцат",
)  # fmt: skip
_CARDINALS = (
    "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять", "десять", "одиннадцать",
    "двенадцать", "тринадцать",
)  # fmt: skip
_LONGEST = 9  # words
_ENDING = "(?:ый|ой|ий|ья|ье|ьего|ьему|ьем|ьей|ого|ому|ом|ая|ую)"
_PART = r"(?:[1-9]|1\d|2[0-5])"
_DIGITS = r"(?P<digits>[1-9]\d?(?:\s?[.,]\s?[1-9]\d?){0,3})(?!\d)"
_ORDINAL = "|".join(rf"(?P<o{value}>{stem}{_ENDING})\b" for value, stem in enumerate(_ORDINALS, start=1))
_CARDINAL = "|".join(rf"(?P<c{value}>{word})\b" for value, word in enumerate(_CARDINALS, start=1))
_NOUN = (
    r"(?:(?:под)?пункт\w*|раздел\w*|глав[аеуы]|част[ьи]|стать[яеию]|параграф\w*|тарма[кқ]\w*|б[оө]л[иі]м\w*|section|clause)"
    r"(?!\w|\s+(?:выдач|самовывоз|достав|прием))"
)
_SHORT_NOUN = r"(?:\b(?:п{1,2}|ст)\.|\bп(?=\s?\d))"
_AFTER = re.compile(
    rf"(?:\b{_NOUN}|{_SHORT_NOUN})\s*(?:(?:под\s+)?номер\w*\s+)?(?:{_DIGITS}|{_ORDINAL}|{_CARDINAL})", re.IGNORECASE
)
_BEFORE = re.compile(
    rf"(?<![\d.,])(?:{_DIGITS}(?:\s?-?(?:го|му|ый|ой|ая|ом|ем|й|м|я|ю))?|{_ORDINAL})[\s-]+{_NOUN}", re.IGNORECASE
)
_ALONE = re.compile(
    rf"(?:а|и|покажи|открой|show)?\s*(?P<digits>{_PART}(?:[.,]{_PART}){{1,3}})\.?\W*(?:целиком|полностью)?",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"целиком|полностью|\bвесь\b|\bвсю\b|\bwhole\b|\bfull\b", re.IGNORECASE)


@dataclass(frozen=True)
class Reference:
    """A number that the customer named: "5.2" or a section "3"; `whole` asks for all below it."""

    number: str
    whole: bool


def find_reference(text: str) -> Reference | None:
    """The clause or section that a short message asks for; a long one only mentions it."""
    if len(text.split()) > _LONGEST:
        return None
    match = _AFTER.search(text) or _BEFORE.search(text) or _ALONE.fullmatch(text.strip())
    if match is None:
        return None
    found = {name: value for name, value in match.groupdict().items() if value}
    digits = re.sub(r"\s", "", found.pop("digits", "")).replace(",", ".")
    return Reference(digits or next(iter(found))[1:], bool(_WHOLE.search(text)))
