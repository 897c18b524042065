"""«что в пункте 5.2», «раздел три»: clauses asked for by number."""

import re
from dataclasses import dataclass

_WORDS = {
    "1": "перв|один", "2": "втор|два", "3": "трет|три", "4": "четв", "5": "пят", "6": "шест", "7": "седьм|семь",
    "8": "восьм|восем", "9": "девят", "10": "десят", "11": "одиннадцат", "12": "двенадцат", "13": "тринадцат",
}  # fmt: skip
_SPELT = "|".join(rf"(?P<n{value}>(?:{stems})[а-я]{{0,4}})" for value, stems in reversed(_WORDS.items()))
_NUMBER = rf"(?P<digits>\d{{1,2}}(?:\s?[.,]\s?\d{{1,3}}){{0,3}})(?!\d)|(?:{_SPELT})\b"
_NOUN = (
    r"(?:под)?(?:пункт|раздел|глав|част|стать|параграф|тарма[кқ]|б[оө]л[иі]м|section|clause)\w*"
    r"(?!\w|\s+(?:выдач|самовывоз|достав|прием))"
)
_AFTER = re.compile(
    rf"(?:\b{_NOUN}|\bп{{1,2}}\.|\bп(?=\s?\d))\s*(?:(?:под\s+)?номер\w*\s+)?(?:{_NUMBER})", re.IGNORECASE
)
_BEFORE = re.compile(rf"\b(?:{_NUMBER})(?:\s?-?(?:го|му|ый|ой|ая|ом|ем|й|м|я|ю))?\s+{_NOUN}", re.IGNORECASE)
_ALONE = re.compile(
    r"(?:а|и|покажи|открой|show)?\s*(?P<digits>\d{1,2}(?:[.,]\d{1,3}){1,3})\.?\W*(?:целиком|полностью)?", re.IGNORECASE
)
_WHOLE = re.compile(r"целиком|полностью|\bвесь\b|\bвсю\b|\bwhole\b|\bfull\b", re.IGNORECASE)


@dataclass(frozen=True)
class Reference:
    """A number that the customer named: "5.2" or a section "3"; `whole` asks for all below it."""

    number: str
    whole: bool


def find_reference(text: str) -> Reference | None:
    """The first clause or section named in a message, if any."""
    match = _AFTER.search(text) or _BEFORE.search(text) or _ALONE.fullmatch(text.strip())
    if match is None:
        return None
    found = {name: value for name, value in match.groupdict().items() if value}
    digits = re.sub(r"\s", "", found.pop("digits", "")).replace(",", ".")
    return Reference(digits or next(iter(found)).removeprefix("n"), bool(_WHOLE.search(text)))
