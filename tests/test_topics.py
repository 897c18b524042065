"""Which clauses answer a topic: the owner's list, checked and weighed."""

from pathlib import Path

import pytest

from index.clauses import Policy, read_policy
from index.topics import TopicMap, mapped, read_topics
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


def test_a_clause_weighs_by_its_place_in_the_list(policy: Policy) -> None:
    weights = mapped({"contact": ("5.3", "5.2"), "children": ()}, TOPICS, policy)
    assert weights.tolist() == [[0, 0, 0], [0, pytest.approx(0.8), 1], [0, 0, 0]]
