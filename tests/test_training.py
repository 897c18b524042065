"""Examples are read from two YAML files; a mistake names file, line and remedy."""

from pathlib import Path

import pytest
from usual import counted

from index.training import INTENTS, OUT_OF_SCOPE, TALK, TOPIC, WISHES, Examples, IntentsError, load_yaml, read_training

TALK_AND_WISHES = "".join(f"- intent: {intent}\n  examples: |\n    - пример\n" for intent in INTENTS)
RETENTION = """\
- intent: ask_policy/retention
  metadata:
    about: о сроках хранения
    statement: "как долго хранят данные"
  examples: |
    - сколько лет лежат мои данные
"""


def write(folder: Path, nlu: str = TALK_AND_WISHES, topics: str = RETENTION) -> Path:
    for name, entries in (("nlu.yml", nlu), ("topics.yml", topics)):
        (folder / name).write_text(f'version: "3.1"\nnlu:\n{entries}', encoding="utf-8")
    return folder


def refusal(folder: Path, name: str) -> IntentsError:
    with pytest.raises(IntentsError) as caught:
        read_training(folder)
    assert caught.value.path == folder / name
    assert str(caught.value).startswith(f"{folder / name}:{caught.value.line}: ")
    assert caught.value.remedy in str(caught.value)
    return caught.value


def test_every_intent_of_the_project_has_examples(training: tuple[Examples, ...]) -> None:
    found = [examples.intent for examples in training if not examples.topic]
    assert sorted(found) == sorted(INTENTS)
    assert {*WISHES, *TALK, OUT_OF_SCOPE} == set(INTENTS)


def test_every_topic_of_the_project_is_described(training: tuple[Examples, ...]) -> None:
    topics = [examples for examples in training if examples.topic]
    assert len({examples.topic for examples in topics}) == len(topics) > 0
    assert all(examples.about.startswith(("о ", "об ", "обо ")) and examples.statement for examples in topics)
    assert all(examples.intent == TOPIC + examples.topic for examples in topics)


def test_examples_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    *before, last = read_training(write(tmp_path))
    assert tuple(examples.intent for examples in before) == INTENTS
    assert last == Examples(
        "ask_policy/retention",
        ("сколько лет лежат мои данные",),
        "о сроках хранения",
        "как долго хранят данные",
        ("как долго хранят данные",),
    )
    assert last.topic == "retention"


def test_a_wish_has_no_topic(tmp_path: Path) -> None:
    assert read_training(write(tmp_path))[0] == Examples("delete", ("пример",))
    assert read_training(write(tmp_path))[0].topic == ""


def test_blank_lines_and_spaces_around_an_example_are_dropped(tmp_path: Path) -> None:
    greeting = "- intent: greet\n  examples: |\n    - привет \n\n    -   здравствуйте\n    -\n"
    write(tmp_path, TALK_AND_WISHES.replace("- intent: greet\n  examples: |\n    - пример\n", greeting))
    texts = {examples.intent: examples.texts for examples in read_training(tmp_path)}
    assert texts["greet"] == ("привет", "здравствуйте")


def test_an_unknown_intent_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, f"{TALK_AND_WISHES}- intent: refund\n  examples: |\n    - верните\n"), "nlu.yml")
    assert (error.line, error.what) == (3 + 3 * len(INTENTS), "неизвестное намерение «refund»")
    assert all(intent in error.remedy for intent in INTENTS)


def test_a_topic_without_a_name_is_refused(tmp_path: Path) -> None:
    nameless = RETENTION.replace("ask_policy/retention", "ask_policy/")
    assert refusal(write(tmp_path, topics=nameless), "topics.yml").what == "неизвестное намерение «ask_policy/»"


def test_an_intent_described_twice_is_refused_at_the_second_place(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, topics=RETENTION + RETENTION), "topics.yml")
    assert (error.line, error.what) == (9, "намерение ask_policy/retention описано дважды")


@pytest.mark.parametrize("examples", ["", "  examples: |\n    -\n", "  examples:\n"])
def test_an_intent_without_examples_is_refused(tmp_path: Path, examples: str) -> None:
    extra = f"- intent: ask_policy/law\n  metadata: {{about: о праве, statement: право}}\n{examples}"
    error = refusal(write(tmp_path, topics=RETENTION + extra), "topics.yml")
    assert (error.line, error.what) == (9, "у ask_policy/law нет примеров")


@pytest.mark.parametrize("missing", ["    about: о сроках хранения\n", '    statement: "как долго хранят данные"\n'])
def test_a_topic_without_its_description_is_refused(tmp_path: Path, missing: str) -> None:
    error = refusal(write(tmp_path, topics=RETENTION.replace(missing, "")), "topics.yml")
    assert (error.line, error.what) == (3, "у ask_policy/retention нет описания")


def test_intents_that_nobody_described_are_named(tmp_path: Path) -> None:
    wishes = TALK_AND_WISHES.replace("- intent: block\n  examples: |\n    - пример\n", "")
    assert refusal(write(tmp_path, wishes), "nlu.yml").what == "нет примеров для block"


@pytest.mark.parametrize("content", ["", "version: 1\n", "nlu: нет\n", "- intent: greet\n"])
def test_a_file_without_a_list_of_intents_is_refused(tmp_path: Path, content: str) -> None:
    write(tmp_path)
    (tmp_path / "nlu.yml").write_text(content, encoding="utf-8")
    assert refusal(tmp_path, "nlu.yml").what == "нет списка nlu"


def test_broken_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, topics=RETENTION + '- intent: "ask_policy/law\n'), "topics.yml")
    assert error.line >= 9
    assert error.what.startswith("не читается как YAML")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (write(tmp_path) / "topics.yml").unlink()
    assert refusal(tmp_path, "topics.yml").what == "файла нет"


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nlu.yml").write_bytes("nlu: данные".encode("cp1251"))
    with pytest.raises(IntentsError, match="не читается как YAML"):
        load_yaml(tmp_path / "nlu.yml")


def test_every_topic_of_the_project_is_worded_as_policies_do(training: tuple[Examples, ...]) -> None:
    assert all(len(examples.wordings) >= 2 for examples in training if examples.topic)
    assert all(examples.wordings == () for examples in training if not examples.topic)


def test_how_usual_each_topic_is_was_counted_over_the_mapped_policies(training: tuple[Examples, ...]) -> None:
    assert {examples.topic: examples.usual for examples in training if examples.topic} == counted()


def test_a_topic_without_wordings_is_worded_by_its_statement(tmp_path: Path) -> None:
    assert read_training(write(tmp_path))[-1].wordings == ("как долго хранят данные",)


@pytest.mark.parametrize(
    ("lines", "line", "what"),
    [
        ("", 1, "нет списка wordings"),
        ("wordings:\n- topic: weather\n  examples: |\n    - снег\n", 2, "неизвестная тема «weather»"),
        ("wordings:\n- topic: retention\n", 2, "у темы retention нет формулировок"),
        (
            "wordings:\n- topic: retention\n  usual: часто\n  examples: |\n    - год\n",
            2,
            "у темы retention непонятное usual: часто",
        ),
        (
            "wordings:\n- topic: retention\n  usual: 1.0\n  examples: |\n    - год\n",
            2,
            "у темы retention непонятное usual: 1.0",
        ),
        (
            "wordings:\n- topic: retention\n  examples: |\n    - год\n- topic: retention\n  examples: |\n    - два\n",
            5,
            "тема retention описана дважды",
        ),
    ],
)
def test_a_mistake_in_the_wordings_names_its_line(tmp_path: Path, lines: str, line: int, what: str) -> None:
    (write(tmp_path) / "wordings.yml").write_text(lines, encoding="utf-8")
    error = refusal(tmp_path, "wordings.yml")
    assert (error.line, error.what) == (line, what)
