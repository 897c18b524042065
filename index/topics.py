"""Shop + topic -> clauses: the owner's list, or a proposal by likeness to clauses that answer the topic elsewhere."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from index.clauses import Policy
from index.encoder import Matrix
from index.training import IntentsError, load_yaml

TopicMap = Mapping[str, tuple[str, ...]]
_ALIKE = 0.94
_MOST = 3


def read_topics(path: Path, policy: Policy, topics: Collection[str]) -> TopicMap:
    """The owner's list, clauses of each topic best first. Raises IntentsError for an unknown topic or clause."""
    document = load_yaml(path)
    if not isinstance(document, dict) or not isinstance(document.get("topics"), dict):
        raise IntentsError(path, 1, "нет раздела topics", "Файл начинается со строк version: и topics:.")
    listed = document["topics"]
    for topic, numbers in listed.items():
        line = listed.lc.key(topic)[0] + 1
        _check(path, line, topic, numbers, policy, topics)
    return {topic: tuple(numbers) for topic, numbers in listed.items()}


def _check(path: Path, line: int, topic: str, numbers: Any, policy: Policy, topics: Collection[str]) -> None:
    if topic not in topics:
        raise IntentsError(path, line, f"неизвестная тема «{topic}»", "Список тем - в intents/topics.yml.")
    if not isinstance(numbers, list) or not all(isinstance(number, str) for number in numbers):
        remedy = 'Пишите номера в кавычках через запятую: ["5.2", "5.3"] или [].'
        raise IntentsError(path, line, f"у темы {topic} не список номеров", remedy)
    for number in numbers:
        if number not in policy.by_number:
            remedy = "Исправьте номер или уберите его из списка."
            raise IntentsError(path, line, f"темы {topic}: в политике нет пункта {number}", remedy)


def propose(vectors: Matrix, numbers: tuple[str, ...], known: Mapping[str, Matrix]) -> TopicMap:
    """A map for a policy that nobody mapped.

    `vectors` (clauses, d) of the policy's `numbers`; `known[topic]` (n, d) clauses that answer the topic elsewhere,
    all of unit length. A clause is proposed where its likeness to one of those reaches 0.94.
    """
    proposal: dict[str, tuple[str, ...]] = {}
    for topic, answers in known.items():
        likeness = (vectors @ answers.T).max(axis=1) if len(answers) else np.zeros(len(numbers))
        best = np.argsort(-likeness)[:_MOST]
        proposal[topic] = tuple(numbers[row] for row in best if likeness[row] >= _ALIKE)
    return proposal
