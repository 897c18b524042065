"""Undo what a phone keyboard does to Russian: wrong layout, Latin letters, ё, stray markup, stretches, slips."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from math import log

from index.spelling import Spelling

_LATIN_KEYS = "`qwertyuiop[]asdfghjkl;'zxcvbnm,.~QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>&?/@#"
_RUSSIAN_KEYS = 'ёйцукенгшщзхъфывапролджэячсмитьбюЁЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ?,."№'
_TO_RUSSIAN = str.maketrans(_LATIN_KEYS, _RUSSIAN_KEYS)
_TO_LATIN = str.maketrans(_RUSSIAN_KEYS[:66], _LATIN_KEYS[:66])
_SYLLABLES = (
    ("tsya", "ться"), ("tsa", "тся"), ("shch", "щ"), ("sch", "щ"), ("yo", "ё"), ("jo", "ё"), ("zh", "ж"),
    ("kh", "х"), ("ch", "ч"), ("sh", "ш"),
    ("yu", "ю"), ("ju", "ю"), ("iu", "ю"), ("ya", "я"), ("ja", "я"), ("ia", "ия"), ("ts", "ц"), ("yi", "ый"),
    ("iy", "ий"), ("yy", "ый"), ("ay", "ай"), ("oy", "ой"), ("ey", "ей"), ("uy", "уй"), ("ck", "к"), ("ph", "ф"),
)  # fmt: skip
_LETTERS = str.maketrans("abvgdezijklmnoprstufhcyqwx'`4", "абвгдезийклмнопрстуфхцыкухььч")
_MARKUP = re.compile(r"</?[a-z][^>]{0,40}>|[*_~`]{2,}", re.IGNORECASE)
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]")
_STRETCHED = re.compile(r"([а-яё])\1{2,}|([А-ЯЁ])\2{3,}")
_LATIN = re.compile(r"[a-z]", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_CYRILLIC = re.compile(r"[а-яёәғқңөұүһі]", re.IGNORECASE)
_KEPT_WHOLE = re.compile(r"\S+@\S+|\S*://\S+|www\.\S+|\S+\.(?:kz|com|ru)\b\S*", re.IGNORECASE)
_EDGES = "?!.,;:()«»\"'…-"
_SHORT_I = re.compile(r"(?<=[аеиоуыэюя])и")


class Normalizer:
    """Rewrites a message as the customer meant to type it; learns what words look like from example texts."""

    def __init__(self, examples: Iterable[str]) -> None:
        """Learn Russian words, and words in Latin letters from texts that are not transliterated Russian."""
        tidy = [_tidy(text).lower() for text in examples]
        self._spelling = Spelling(tidy)
        texts = [{word.strip(_EDGES) for word in text.split() if _LETTER.search(word)} for text in tidy]
        russian = {word for words in texts for word in words if _CYRILLIC.search(word)}
        self._latin: set[str] = set()
        for words in texts:
            latin = {word for word in words if _LATIN.search(word) and word not in russian}
            if sum(russian.isdisjoint(_transliterations(word)) for word in latin) > len(latin) / 2 or latin != words:
                self._latin |= latin
        self._words = russian | self._latin
        self._pairs: Counter[str] = Counter()
        self._triples: Counter[str] = Counter()
        for word in self._words:
            self._count(word)

    def __call__(self, text: str) -> str:
        """The message in its likeliest spelling; unchanged where no other reading is likelier."""
        return self._spelling(self._typed(text))

    def _typed(self, text: str) -> str:
        words = _tidy(text).split()
        foreign = {word for word in words if _is_latin(word)}
        if not foreign:
            return " ".join(self._unshift(word) for word in words)
        ways = (_as_typed, _layouts, _transliterations)
        way = max(ways, key=lambda way: sum(self._likeness(self._best(way, word)) for word in foreign))
        return " ".join(self._rewritten(way, word) if word in foreign else word for word in words)

    def _unshift(self, word: str) -> str:
        """«сщщлшуы» was meant to be «cookies»."""
        core = word.lower().rstrip(_EDGES)
        latin = core.translate(_TO_LATIN)
        meant = len(core) > 3 and core not in self._words and latin in self._latin
        return latin + word[len(core) :] if meant else word

    def _rewritten(self, way: "_Way", word: str) -> str:
        """«sms» and «cookies» stay what they are beside transliterated words."""
        best = self._best(way, word)
        return word if word.lower().strip(_EDGES) in self._latin and self._likeness(best) < 0 else best

    def _best(self, way: "_Way", word: str) -> str:
        return max(way(word), key=self._likeness)

    def _count(self, word: str) -> None:
        padded = f"^{word}$"
        for start in range(len(padded) - 2):
            self._pairs[padded[start : start + 2]] += 1
            self._triples[padded[start : start + 3]] += 1

    def _likeness(self, word: str) -> float:
        """0 for a known word, else the mean log probability of each character given the two before it."""
        word = word.lower().strip(_EDGES)
        if word in self._words or not word:
            return 0.0
        padded = f"^{word}$"
        starts = range(len(padded) - 2)
        return sum(self._step(padded[start : start + 3]) for start in starts) / len(starts)

    def _step(self, triple: str) -> float:
        return log((self._triples[triple] + 0.1) / (self._pairs[triple[:2]] + 4))


_Way = Callable[[str], tuple[str, ...]]


def _is_latin(word: str) -> bool:
    """In Latin letters and no address; layout marks may stand among them («j,f,jnrf»)."""
    return bool(_LATIN.search(word)) and not _CYRILLIC.search(word) and not _KEPT_WHOLE.fullmatch(word)


def _tidy(text: str) -> str:
    text = unicodedata.normalize("NFKC", _MARKUP.sub(" ", _INVISIBLE.sub("", text).replace("№", " номер ")))
    text = _STRETCHED.sub(r"\1\2", text).replace("ё", "е").replace("Ё", "Е")
    return " ".join(text.split())


def _as_typed(word: str) -> tuple[str, ...]:
    return (word,)


def _layouts(word: str) -> tuple[str, ...]:
    """A mark at the end may be a letter of the layout («k.,k.» is «люблю») or a real full stop."""
    core = word.rstrip(_EDGES)
    ends = (word, ""), (core, word[len(core) :])
    return tuple(typed.translate(_TO_RUSSIAN).replace("ё", "е").replace("Ё", "Е") + rest for typed, rest in ends)


def _transliterations(word: str) -> tuple[str, ...]:
    """«moi» may be «мои» or «мой»."""
    text = word.lower()
    for latin, russian in _SYLLABLES:
        text = text.replace(latin, russian)
    text = text.translate(_LETTERS).replace("ё", "е")
    return text, _SHORT_I.sub("й", text)
