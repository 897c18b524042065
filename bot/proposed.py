"""A topics.yml for a policy that nobody mapped: written for its owner to look through, with what is doubtful named."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.check import Finding
from index.shelves import Shelf

_HEAD = """\
# Какие пункты политики отвечают на какие вопросы. Лучший пункт первым; [] - политика об этом молчит.
# Это предложение программы. Проверьте строки с пометкой «проверьте», поправьте номера
# и сохраните файл как knowledge/{shop}/topics.yml - тогда он заменит догадки.
version: 1
topics:
"""
SURELY_ANSWERED, SURELY_SILENT = 0.85, 0.15
_BEGINNING = 60


def write_proposal(shelf: Shelf, shop: str, about: Mapping[str, str], path: Path) -> list[Finding]:
    """Write the file with a comment at every topic; the doubtful ones come back as notes. Nothing in knowledge/."""
    topics = dict(zip(shelf.topics, (1 - shelf.uncovered).tolist(), strict=True))
    head = _HEAD.format(shop=shop)
    lines = [_line(shelf, topic, about[topic], covered) for topic, covered in topics.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    aside.replace(path)
    first = head.count("\n") + 1
    return list(_doubts(shelf, topics, about, path, first))


def _line(shelf: Shelf, topic: str, about: str, covered: float) -> str:
    listed = ", ".join(f'"{number}"' for number in shelf.topics[topic])
    mark = "проверьте" if _is_doubtful(covered) else "уверенно"
    return f"  {topic}: [{listed}]  # {mark}, {about}{_beginning(shelf, topic)}"


def _doubts(
    shelf: Shelf, topics: Mapping[str, float], about: Mapping[str, str], path: Path, first: int
) -> Iterator[Finding]:
    for line, (topic, covered) in enumerate(topics.items(), start=first):
        if _is_doubtful(covered):
            what = f"тема {topic} ({about[topic]}){_beginning(shelf, topic)}"
            yield Finding(path, line, what, "Проверьте по тексту политики")


def _is_doubtful(covered: float) -> bool:
    return SURELY_SILENT < covered < SURELY_ANSWERED


def _beginning(shelf: Shelf, topic: str) -> str:
    """How the best clause begins; for a topic without any, the nearest."""
    row = int(shelf.weights[tuple(shelf.topics).index(topic)].argmax())
    clause = shelf.policy.clauses[row]
    words = " ".join(clause.text.split())
    shown = f"{clause.number} «{words[:_BEGINNING].rstrip()}{'…' if len(words) > _BEGINNING else ''}»"
    return f": {shown}" if shelf.topics[topic] else f": похоже, нет; ближе всего {shown}"
