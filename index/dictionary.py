"""Russian words as a dictionary knows them: OpenCorpora's, by pymorphy3, opened at the first word."""

import re
from functools import cache, lru_cache
from typing import Any

_REMEMBERED = 50_000
_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST = 3
_SAYS_NOTHING = frozenset(("PREP", "CONJ", "PRCL", "NPRO", "INTJ", "ADVB", "PRED"))


@cache
def dictionary() -> Any:
    """The analyser, one for all."""
    from pymorphy3 import MorphAnalyzer

    return MorphAnalyzer(lang="ru")


@lru_cache(_REMEMBERED)
def lemmas(word: str) -> frozenset[str]:
    """The words of which this one (in lower case) may be a form."""
    return frozenset(parse.normal_form for parse in dictionary().parse(word))


def words(text: str) -> list[str]:
    """The words of a text in lower case, numbers left out."""
    return _WORD.findall(text.lower())


def content_words(text: str) -> list[str]:
    """The words that say what it is about: no prepositions, conjunctions, particles, pronouns or adverbs."""
    return [word for word in words(text) if len(word) >= _SHORTEST and not _is_empty(word)]


@lru_cache(_REMEMBERED)
def _is_empty(word: str) -> bool:
    return dictionary().parse(word)[0].tag.POS in _SAYS_NOTHING
