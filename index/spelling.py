"""Misspelt Russian words -> the word that was meant: one that sounds the same, or one slip of the thumb away.

Only words that the dictionary does not know are touched, and only words of the examples are
offered: a rare word that is right («домофон») stays what it is, and a Kazakh message is left alone.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache, cached_property, lru_cache
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

_WORD = re.compile(r"\w+")
_RUSSIAN = re.compile(r"\b[а-яё]{5,}\b", re.IGNORECASE)
_KAZAKH = re.compile(r"[әғқңөұүһі]")
_WITHOUT_KAZAKH_LETTERS = str.maketrans("әғқңөұүһі", "агкноуухи")
_LEAST, _LEAST_AFTER_A_SLIP = 3, 10  # how often the examples must have a word to offer it
_TIMES_AS_OFTEN, _TIMES_AFTER_A_SLIP = 4, 20
_SHORTEST_SOUND = 6
_REMEMBERED = 50_000
_SOUNDS = (
    (re.compile(r"т?ться|тс[яа]|дца|тца"), "ца"), (re.compile(r"стн"), "сн"), (re.compile(r"здн"), "зн"),
    (re.compile(r"вств"), "ств"), (re.compile(r"[сзж]ч"), "щ"), (re.compile(r"[ое][гв][оа]$"), "ава"),
    (re.compile(r"[ъь]"), ""), (re.compile(r"(?<=.)я(?=.)"), "и"),
)  # fmt: skip
_VOWELS = str.maketrans("оеэы", "аиии")
_VOICED = re.compile(r"[бвгджз]$|[джз](?=к)")
_VOICELESS = str.maketrans("бвгджз", "пфктшс")
_DOUBLED = re.compile(r"(.)\1+")


class Spelling:
    """Corrects texts by the words of examples; the dictionary is opened at the first long Russian word."""

    def __init__(self, examples: Iterable[str]) -> None:
        """Learn the words of these texts (in lower case) and how often each stands there."""
        texts = [_WORD.findall(text) for text in examples]
        self._count = Counter(word for words in texts for word in words)
        kazakh = (word for words in texts if any(map(_KAZAKH.search, words)) for word in words)
        self._kazakh = {word.translate(_WITHOUT_KAZAKH_LETTERS) for word in kazakh}
        self._meant = lru_cache(_REMEMBERED)(self._look_up)

    def __call__(self, text: str) -> str:
        """The text with misspelt words as they were meant, capitals kept."""
        return text if self._is_kazakh(text.lower()) else _RUSSIAN.sub(lambda match: self._meant(match[0]), text)

    def _is_kazakh(self, text: str) -> bool:
        words = (word for word in _RUSSIAN.findall(text) if word in self._kazakh)
        return bool(_KAZAKH.search(text)) or not all(map(_dictionary().word_is_known, words))

    def _look_up(self, word: str) -> str:
        lower = word.lower()
        if _dictionary().word_is_known(lower):
            return word
        sound, count = _sound(lower), self._count[lower]
        found = self._by_sound.get(sound, "")
        if not found or self._count[found] < _TIMES_AS_OFTEN * count:
            found = self._one_slip_away(sound, max(_LEAST_AFTER_A_SLIP, _TIMES_AFTER_A_SLIP * count))
        return (found.capitalize() if word[0].isupper() else found) or word

    def _one_slip_away(self, sound: str, least: int) -> str:
        """The commonest word whose sound has a letter more, less, other or swapped (Damerau 1964); "" for none."""
        if len(sound) < _SHORTEST_SOUND:
            return ""
        near = process.extract(sound, self._by_sound.keys(), scorer=OSA.distance, score_cutoff=1, limit=None)
        words = [self._by_sound[each] for each, _, _ in near]
        best = max(words, key=self._count.__getitem__, default="")
        return best if self._count[best] >= least else ""

    @cached_property
    def _by_sound(self) -> dict[str, str]:
        """Sound -> the commonest right word that sounds so."""
        often = (word for word, count in reversed(self._count.most_common()) if count >= _LEAST)
        return {_sound(word): word for word in often if _RUSSIAN.fullmatch(word) and _dictionary().word_is_known(word)}


@cache
def _dictionary() -> Any:
    """OpenCorpora's, opened once."""
    from pymorphy3 import MorphAnalyzer

    return MorphAnalyzer(lang="ru")


def _sound(word: str) -> str:
    """A rough phonetic key: unstressed vowels and final voiced consonants fall together; soft, double letters go."""
    for pattern, heard in _SOUNDS:
        word = pattern.sub(heard, word)
    word = _VOICED.sub(lambda match: match[0].translate(_VOICELESS), word.translate(_VOWELS))
    return _DOUBLED.sub(r"\1", word)
