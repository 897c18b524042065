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
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii")
_LONGEST = 9  # words
_LONGEST_DOTTED = 25  # words around «пункт 5.2», which can mean nothing else
_LONGEST_PLAIN = 4  # words around «пункт 5», too few to tell of a pick-up point
_ENDING = "(?:ый|ой|ий|ья|ье|ьего|ьему|ьем|ьей|ого|ому|ом|ая|ую)"
_PART = r"(?:[1-9]|1\d|2[0-5])"
_ORDINAL = "|".join(rf"{stem}{_ENDING}" for stem in _ORDINALS)
_ONE = rf"(?:[1-9]\d?(?!\d)(?:\s?-?(?:го|му|ый|ой|ая|ом|ем|й|м|я|ю)\b)?|(?:{_ORDINAL}|{'|'.join(_CARDINALS)})\b)"
_SEVERAL = rf"{_ONE}(?:(?:\s?[.,-]\s?|\s+(?:точка\s+)?){_ONE}){{0,3}}"
_NAME = rf"(?:(?:под\s+)?номер\w*\s+|[№#]\s*)?(?P<number>{_SEVERAL}|[ivx]+\b)"
_SECTION_WORD = r"(?:раздел\w*|глав[аеуыой]+|част[ьию]|section|б[оө]л[иі]м\w*)"
_CLAUSE_WORD = r"(?:(?:под)?пункт\w*|стать[яеиюёй]+|параграф\w*|тарма[кқ]\w*|clause)"
_NOUN = rf"(?:{_SECTION_WORD}|{_CLAUSE_WORD})(?!\w|\s+(?:выдач|самовывоз|достав|прием))"
_SHORT_NOUN = r"(?:\b(?:п{1,2}|ст)\.|\bп(?=\s?\d)|§)"
_AFTER = re.compile(rf"(?:\b{_NOUN}|{_SHORT_NOUN})\s*{_NAME}", re.IGNORECASE)
_BEFORE = re.compile(rf"(?<![\d.,])(?P<number>{_ONE}|\d+(?:\.\d+)+)[\s-]+{_NOUN}", re.IGNORECASE)
# «второй пункт пятого раздела», «пункт 3 раздела 5», «раздел 5 пункт 3»
_CLAUSE_OF_SECTION = re.compile(
    rf"(?:{_CLAUSE_WORD}\s+(?P<clause>{_ONE})|(?P<clause_before>{_ONE})\s+{_CLAUSE_WORD})\s+(?:в\s+|из\s+)?"
    rf"(?:{_SECTION_WORD}\s+(?P<section>{_ONE})|(?P<section_before>{_ONE})\s+{_SECTION_WORD})",
    re.IGNORECASE,
)
_SECTION_THEN_CLAUSE = re.compile(
    rf"(?:{_SECTION_WORD}\s+(?P<section>{_ONE})|(?P<section_before>{_ONE})\s+{_SECTION_WORD}),?\s+"
    rf"(?:{_CLAUSE_WORD}\s+(?P<clause>{_ONE})|(?P<clause_before>{_ONE})\s+{_CLAUSE_WORD})",
    re.IGNORECASE,
)
_DOTTED = re.compile(
    rf"(?:^\s*|\b(?:а|и|в|во|из|про|по|там|такое|значит|покажи\w*|открой\w*|дай\w*|скинь\w*|процитиру\w+|прочита\w+|show)\s+)"
    rf"(?P<number>{_PART}(?:[.,]{_PART}){{1,3}})(?![\d.,]*\d|\s?(?:%|литр|кг|см|мм|м\b|гб|дюйм|тенге|тг|млн|тыс|верси))",
    re.IGNORECASE,
)
_WITH_DOTS = re.compile(r"\d[.,]\d")  # «раздел 5, подпункт 5.4.1»: the whole number is named
_WHOLE = re.compile(r"целиком|полностью|\bвесь\b|\bвсю\b|\bwhole\b|\bfull\b", re.IGNORECASE)


@dataclass(frozen=True)
class Reference:
    """A number that the customer named: "5.2" or a section "3"; `whole` asks for all below it."""

    number: str
    whole: bool


def find_reference(text: str) -> Reference | None:
    """The clause or section that a short message asks for; a long one only mentions it."""
    words = len(text.split())
    whole = bool(_WHOLE.search(text))
    pair = _CLAUSE_OF_SECTION.search(text) or _SECTION_THEN_CLAUSE.search(text)
    if pair is not None and words <= _LONGEST and not _WITH_DOTS.search(text):
        found = {name.split("_")[0]: value for name, value in pair.groupdict().items() if value}
        return Reference(f"{_number(found['section'])}.{_number(found['clause'])}", whole)
    dotted = (match for match in _AFTER.finditer(text) if _WITH_DOTS.search(match["number"]))
    match = (
        next(dotted, None)
        or _AFTER.search(text)
        or _BEFORE.search(text)
        or (_DOTTED.search(text) if words <= _LONGEST else None)
    )
    if match is None:
        return None
    number = _number(match["number"])
    return Reference(number, whole) if words <= (_LONGEST_DOTTED if "." in number else _LONGEST) else None


def is_unmistakable(reference: Reference, text: str) -> bool:
    """True for «раздел 5.2» and «покажи пункт 5»; «пункт 5 на карте закрыт» may be about something else."""
    return "." in reference.number or len(text.split()) <= _LONGEST_PLAIN


def _number(named: str) -> str:
    """«пять точка два», «5-2», «V» -> "5.2", "5.2", "5"."""
    parts = re.split(r"\s?[.,]\s?|\s?-\s?(?=\d)|\s+(?:точка\s+)?", named.strip().lower())
    return ".".join(_part(part) for part in parts if part)


def _part(part: str) -> str:
    if digits := re.match(r"\d+", part):
        return digits[0]
    if part in _ROMAN:
        return str(_ROMAN.index(part) + 1)
    if part in _CARDINALS:
        return str(_CARDINALS.index(part) + 1)
    return str(next(value for value, stem in enumerate(_ORDINALS, start=1) if part.startswith(stem)))
