"""What a clerk decided, by the word with which his answer begins."""

import re
from typing import Literal

Verdict = Literal["answer", "done", "refused", "question", "accepted"]

_WORDS: tuple[tuple[str, Verdict], ...] = (
    ("выполнено", "done"),
    ("отказ", "refused"),
    ("вопрос", "question"),
    ("принято", "accepted"),
)
# The word stands alone on its line, or something that ends a thought follows; «выполнено ли это?» is no decision.
_FIRST = re.compile(
    rf"[\s«\"'*_>]*(?P<word>{'|'.join(word for word, _ in _WORDS)})[»\"'*_]*"
    r"(?:[^\S\n]*(?:[:;.!…]+|\s[-–—]+(?=\s)|[–—]|-(?=\s)|\Z|(?=\n))|(?P<comma>,))",
    re.IGNORECASE,
)
_MAY_HAVE_COMMA = frozenset({"done", "accepted"})  # «отказ, как мы писали, возможен» is a sentence


def verdict_of(text: str) -> tuple[Verdict, str]:
    """Tell the decision, and the words that the customer gets: those after the first one.

    ("refused", "") is a refusal without its reason.
    """
    found = _FIRST.match(text)
    if found is None:
        return "answer", text
    verdict = dict(_WORDS)[found["word"].lower()]
    if found["comma"] and verdict not in _MAY_HAVE_COMMA:
        return "answer", text
    return verdict, text[found.end() :].strip()
