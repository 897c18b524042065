"""The owner's list: which clauses of a shop's policy answer which topic."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from index.clauses import Policy
from index.encoder import Matrix, Vector
from index.training import IntentsError, load_yaml

TopicMap = Mapping[str, tuple[str, ...]]
_RANKS = (1.0, 0.8, 0.6, 0.5, 0.4, 0.3)


def read_topics(path: Path, policy: Policy, topics: Collection[str]) -> TopicMap:
    """The owner's list, clauses of each topic best first. Raises IntentsError for an unknown topic or clause."""
    document = load_yaml(path)
    if not isinstance(document, dict) or not isinstance(document.get("topics"), dict):
        raise IntentsError(path, 1, "нет раздела topics", "Файл начинается со строк version: и topics:.")
    listed = document["topics"]
    for topic, numbers in listed.items():
        line = listed.lines[topic]
        _check(path, line, topic, numbers, policy, topics)
    return {topic: tuple(numbers) for topic, numbers in listed.items()}


def weigh(numbers: Sequence[str], policy: Policy) -> Vector:
    """How well each clause of a policy answers (n): by its place in a topic's list, best first."""
    weights = np.zeros(len(policy.clauses), np.float32)
    row_of = {clause.number: row for row, clause in enumerate(policy.clauses)}
    for number, weight in zip(numbers, _RANKS, strict=False):
        weights[row_of[number]] = weight
    return weights


def mapped(listed: TopicMap, topics: Sequence[str], policy: Policy) -> Matrix:
    """The owner's list as weights (topics, clauses); a topic without clauses, or not listed, is a row of zeros."""
    return np.stack([weigh(listed.get(topic, ()), policy) for topic in topics])


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
