"""Which clauses answer a topic: the owner's list, checked, or a proposal by likeness."""

from pathlib import Path

import numpy as np
import pytest

from index.clauses import Policy, read_policy
from index.encoder import Matrix
from index.topics import TopicMap, propose, read_topics
from index.training import IntentsError

TOPICS = ("retention", "contact", "children")
POLICY = "5. Способы\n5.1. Данные хранятся год.\n5.2. Данные отдаются курьерам.\n5.3. Пишите на info@shop.kz\n"


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    (tmp_path / "policy.txt").write_text(POLICY, encoding="utf-8")
    return read_policy(tmp_path / "policy.txt")


def read(folder: Path, policy: Policy, lines: str) -> TopicMap:
    (folder / "topics.yml").write_text(lines, encoding="utf-8")
    return read_topics(folder / "topics.yml", policy, TOPICS)


def refusal(folder: Path, policy: Policy, lines: str) -> IntentsError:
    with pytest.raises(IntentsError) as caught:
        read(folder, policy, lines)
    assert caught.value.path == folder / "topics.yml"
    return caught.value


def rows(*cosines: float) -> Matrix:
    """Make unit vectors of this likeness to (1, 0)."""
    return np.array([(cosine, (1 - cosine**2) ** 0.5) for cosine in cosines], np.float32)


def test_the_owners_list_is_read_best_clause_first(tmp_path: Path, policy: Policy) -> None:
    lines = 'version: 1\ntopics:\n  retention: ["5.1"]\n  contact: ["5.3", "5.2"]\n  children: []\n'
    assert read(tmp_path, policy, lines) == {"retention": ("5.1",), "contact": ("5.3", "5.2"), "children": ()}


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ('weather: ["5.1"]', "неизвестная тема «weather»"),
        ('contact: ["5.1", "7.7"]', "темы contact: в политике нет пункта 7.7"),
        ("contact: [5.1]", "у темы contact не список номеров"),
        ('contact: "5.1"', "у темы contact не список номеров"),
        ("contact:", "у темы contact не список номеров"),
    ],
)
def test_a_mistake_in_the_list_names_its_line(tmp_path: Path, policy: Policy, entry: str, what: str) -> None:
    error = refusal(tmp_path, policy, f'version: 1\ntopics:\n  retention: ["5.1"]\n  {entry}\n')
    assert (error.line, error.what) == (4, what)
    assert error.remedy


@pytest.mark.parametrize("lines", ["", "version: 1\n", "topics: []\n", 'retention: ["5.1"]\n'])
def test_a_file_without_topics_is_refused(tmp_path: Path, policy: Policy, lines: str) -> None:
    assert refusal(tmp_path, policy, lines).what == "нет раздела topics"


def test_a_topic_listed_twice_is_refused(tmp_path: Path, policy: Policy) -> None:
    error = refusal(tmp_path, policy, 'topics:\n  contact: ["5.3"]\n  contact: ["5.2"]\n')
    assert error.line == 3
    assert error.what.startswith("не читается как YAML")


def test_clauses_alike_to_an_answer_elsewhere_are_proposed_best_first() -> None:
    proposal = propose(rows(0.95, 0.5, 0.99), ("5.1", "5.2", "5.3"), {"contact": rows(1.0)})
    assert proposal == {"contact": ("5.3", "5.1")}


def test_one_of_several_answers_elsewhere_is_enough() -> None:
    proposal = propose(rows(0.0, 0.95, 0.5), ("5.1", "5.2", "5.3"), {"contact": rows(1.0, 0.0)})
    assert proposal == {"contact": ("5.1", "5.2")}


def test_what_is_only_rather_alike_is_not_proposed() -> None:
    assert propose(rows(0.93, 0.945), ("5.1", "5.2"), {"contact": rows(1.0)}) == {"contact": ("5.2",)}


def test_no_more_than_three_clauses_are_proposed() -> None:
    proposal = propose(rows(0.95, 0.96, 0.97, 0.98), ("1.1", "1.2", "1.3", "1.4"), {"contact": rows(1.0)})
    assert proposal == {"contact": ("1.4", "1.3", "1.2")}


def test_a_topic_that_no_shop_answers_is_proposed_silent() -> None:
    proposal = propose(rows(1.0), ("5.1",), {"children": rows(), "contact": rows(1.0)})
    assert proposal == {"children": (), "contact": ("5.1",)}
