"""Figures are counted right: from labels by hand, through the real recogniser, and beside the baselines."""
# ruff: noqa: F401, F811  # a fixture is imported by its name and then asked for by it

import json
import subprocess
import sys
from collections.abc import Mapping
from math import inf
from pathlib import Path
from pkgutil import resolve_name
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from ablation import VARIATIONS, Parted
from click.testing import CliRunner
from house_fixtures import house
from konfident_process import environment, furnish

from bot.__main__ import main
from bot.baselines import System, baselines
from bot.evaluation import Said, evaluate, interval
from bot.house import House
from bot.labels import Label, LabelError, Message, Question, read_labels
from bot.measure import measure
from bot.scoreboard import table
from index.encoder import Encoder
from index.library import Library
from index.training import Examples

ROOT = Path(__file__).resolve().parents[1]
CLAUSES = {"protorg": ("5.1", "5.2", "5.3")}
SHARED = '{"id": "a", "shop": "protorg", "text": "кому отдаёте?", "gold": ["5.2"], "also": ["5.3"], "kind": "plain"}'
DELETE = '{"id": "b", "text": "удалите меня", "intent": "delete", "also": [], "all": [], "kind": "plain"}'


def question(name: str, *gold: str, also: tuple[str, ...] = (), kind: str = "plain") -> Question:
    return Question(id=name, text=name, shop="protorg", gold=gold, also=also, kind=kind)


def message(name: str, intent: str, also: tuple[str, ...] = (), wishes: tuple[str, ...] = ()) -> Message:
    return Message(id=name, text=name, intent=intent, also=also, all=wishes, kind="plain")


def shown(*clauses: str, doubt: float = 0.0) -> Said:
    return Said("ask_policy", "clauses", clauses, doubt=doubt)


def shares(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Shares without their intervals, other figures as they are."""
    return {
        name: each["share"] if isinstance(each, dict) and "share" in each else each for name, each in figures.items()
    }


# intervals


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (50, 100, 0.4038, 0.5962), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0)],
)
def test_an_interval_is_wilsons(hits: int, of: int, low: float, high: float) -> None:
    assert interval(hits, of) == pytest.approx((low, high), abs=5e-5)


# figures of what was said, counted by hand


def test_questions_are_counted_by_the_place_of_the_first_accepted_clause() -> None:
    labels = [question("best", "5.2"), question("also", "5.2", also=("5.3",)), question("third", "5.2")]
    labels += [question("missed", "5.2"), question("unanswered", "5.2")]
    said = [shown("5.2"), shown("5.3", "5.2"), shown("4.1", "4.2", "5.2"), shown("4.1"), Said("delete", "request")]
    assert shares(evaluate(labels, said)["questions"]) == {
        "hit@1": 0.4,
        "hit@3": 0.6,
        "strict@1": 0.2,
        "mrr": 0.4667,
        "answer recall": 0.8,
        "false on silent": None,
        "false on off topic": None,
    }


def test_an_answer_where_there_is_none_is_counted_as_false() -> None:
    labels = [question("tax", kind="silent"), question("passport", kind="silent"), question("pizza", kind="offtopic")]
    figures = evaluate(labels, [shown("5.2"), Said("ask_policy", "silent"), Said("out_of_scope", "offtopic")])
    assert figures["questions"]["false on silent"] == {"share": 0.5, "low": 0.0945, "high": 0.9055, "of": 2}
    assert shares(figures["questions"])["false on off topic"] == 0.0
    assert [miss["id"] for miss in figures["misses"]] == ["tax"]


def test_the_curve_opens_the_gate_until_so_many_answerable_questions_pass() -> None:
    labels = [question(str(place), "5.2") for place in range(20)]
    said = [shown("5.2", doubt=place / 20) for place in range(19)] + [Said("delete", "request")]
    silent = [question("early", kind="silent"), question("late", kind="silent"), question("off", kind="offtopic")]
    doubts = [Said("ask_policy", "silent", doubt=doubt) for doubt in (0.1, 0.87, inf)]
    curve = evaluate([*labels, *silent], [*said, *doubts])["curve"]
    assert [shares(point)["false on silent"] for point in curve.values()] == [0.5, 0.5, 0.5, 1.0]
    assert [shares(point)["false on off topic"] for point in curve.values()] == [0.0, 0.0, 0.0, 0.0]
    said[18] = Said("delete", "request")
    assert evaluate([*labels, *silent], [*said, *doubts])["curve"]["95 %"] == {
        "false on silent": None,
        "false on off topic": None,
    }


def test_a_message_is_right_by_its_label_by_also_and_by_any_of_its_wishes() -> None:
    labels = [message("plain", "delete"), message("either", "block", also=("ask_policy",))]
    labels += [message("both", "delete", wishes=("delete", "unsubscribe")), message("chat", "greet")]
    said = [Said("delete", "request"), shown("5.2"), Said("unsubscribe", "request", others=("delete",))]
    said += [Said("delete", "request")]
    figures = evaluate(labels, said)
    found = shares(figures["intents"])
    assert found.pop("F1") == {"block": 1.0, "delete": 0.8, "greet": 0.0}
    assert found == {
        "accuracy": 0.75,
        "macro F1": 0.6,
        "F1 of the main four": 0.45,
        "forms by mistake": 1.0,
        "right form at once": 0.6667,
        "all wishes found": 1.0,
    }
    assert figures["misses"] == [
        {
            "id": "chat",
            "kind": "plain",
            "text": "chat",
            "wanted": ["greet"],
            "intent": "delete",
            "outcome": "request",
            "clauses": [],
        }
    ]


def test_each_kind_is_counted_apart() -> None:
    labels = [question("a", "5.2", kind="typo"), question("b", "5.2", kind="long"), question("c", "5.2", kind="typo")]
    kinds = evaluate(labels, [shown("5.2"), shown("5.1"), shown("5.1")])["questions_by_kind"]
    assert {kind: shares(figures)["hit@1"] for kind, figures in kinds.items()} == {"long": 0.0, "typo": 0.5}


# a labelled file


def test_questions_and_messages_are_read_from_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text(f"{SHARED}\n{DELETE}\n", encoding="utf-8")
    asked, told = read_labels(file, CLAUSES)
    assert isinstance(asked, Question)
    assert asked.accepted == {"5.2", "5.3"}
    assert isinstance(told, Message)
    assert told.accepted == {"delete"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "c", "text": ', "строка не читается как JSON"),
        ("", "строка не читается как JSON"),
        (DELETE, "id b уже стоит в строке 1"),
        (DELETE.replace('"b"', '"c"').replace(', "kind": "plain"', ""), "kind: нет этого поля"),
        (DELETE.replace('"b"', '"c", "lang": "ru"'), "lang: лишнее поле"),
        (DELETE.replace('"b"', "7"), "id: неверное значение"),
        (DELETE.replace('"b"', '"c"').replace('"delete"', '"erase"'), "intent: такого намерения нет"),
        (SHARED.replace("protorg", "pro"), "нет магазина pro"),
        (SHARED.replace("5.3", "9.9"), "в политике protorg нет пункта 9.9"),
        (SHARED.replace('["5.2"]', '"5.2"'), "gold: неверное значение"),
    ],
)
def test_a_broken_line_is_named_with_what_is_wrong(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text(f"{DELETE}\n{line}\n", encoding="utf-8")
    with pytest.raises(LabelError) as caught:
        read_labels(file, CLAUSES)
    assert (caught.value.path, caught.value.line, caught.value.what) == (file, 2, said)
    assert str(caught.value).startswith(f"{file}:2: {said}. ")


@pytest.mark.parametrize(("content", "what"), [(b"", "файл пуст"), (b"\xff\xfe", "файл не в UTF-8")])
def test_a_file_that_holds_no_text_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_bytes(content)
    with pytest.raises(LabelError, match=what):
        read_labels(file, CLAUSES)


# the program itself


def test_the_program_is_measured_through_its_whole_door(house: House) -> None:
    labels: list[Label] = [
        Question(id="1", shop="protorg", text="что в пункте 5.2?", gold=("5.2",), kind="clauseref"),
        Question(id="2", shop="allurauto", text="Что написано в разделе 99?", gold=(), kind="silent"),
        Question(id="3", shop="allurauto", text="За сколько дней отвечают на претензию?", gold=("8.2",), kind="plain"),
        Question(id="4", shop="jetu", text="сколько стоит доставка до Алматы", gold=(), kind="offtopic"),
        Question(id="5", shop="jetu", text="Удалите мой аккаунт, пожалуйста", gold=("5.1",), kind="plain"),
        Message(id="6", text="Отпишите меня от рассылки и удалите мой профиль", intent="unsubscribe",
                all=("unsubscribe", "delete"), kind="several"),
        Message(id="7", text="привет", intent="greet", kind="short"),
        Message(id="8", text="Когда привезут мой заказ?", intent="greet", kind="near_miss"),
    ]  # fmt: skip
    figures = measure(house, labels)
    asked, told = shares(figures["questions"]), shares(figures["intents"])
    assert (asked["hit@1"], asked["mrr"], asked["answer recall"]) == (0.6667, 0.6667, 0.6667)
    assert (asked["false on silent"], asked["false on off topic"]) == (0.0, 0.0)
    assert (told["accuracy"], told["all wishes found"], told["forms by mistake"]) == (0.6667, 1.0, 0.0)
    assert [(miss["id"], miss["outcome"]) for miss in figures["misses"]] == [("5", "request"), ("8", "offtopic")]
    assert figures["curve"]["80 %"] == {"false on silent": None, "false on off topic": None}


def test_what_a_policy_lacks_is_more_doubtful_than_what_it_says(house: House) -> None:
    """At the gate that lets both answerable questions through, the silent and the off topic stay outside."""
    labels = [
        Question(id="1", shop="protorg", text="что в пункте 5.2?", gold=("5.2",), kind="clauseref"),
        Question(id="2", shop="homeshop", text="Как мне отказаться от рассылки?", gold=("4.3",), kind="plain"),
        Question(id="3", shop="protorg", text="что в пункте 7.2?", gold=(), kind="silent"),
        Question(id="4", shop="protorg", text="сколько стоит доставка до Алматы", gold=(), kind="offtopic"),
    ]
    curve = measure(house, labels)["curve"]["95 %"]
    assert shares(curve) == {"false on silent": 0.0, "false on off topic": 0.0}


# baselines


@pytest.fixture(scope="module")
def systems(library: Library, encoder: Encoder, training: tuple[Examples, ...], tmp_path_factory: Any) -> Any:
    """The baselines over a few examples."""
    wanted = ("delete", "greet", "out_of_scope", "ask_policy/claim_term", "ask_policy/children")
    few = [Examples(each.intent, each.texts[:20], each.about) for each in training if each.intent in wanted]
    two = {shop: library.shelves[shop] for shop in ("allurauto", "jetu")}
    return baselines(two, few, encoder, tmp_path_factory.mktemp("baselines"), lambda _what: _no_progress)


def test_bm25_and_plain_cosine_find_the_clause_that_has_the_question_s_words(systems: dict[str, System]) -> None:
    asked = "Срок рассмотрения претензии - 30 календарных дней?"
    assert systems["BM25"]("allurauto", asked).clauses[0] == "8.2"
    assert "8.2" in systems["cosine to clauses"]("allurauto", asked).clauses


def test_bm25_never_answers_what_has_no_word_in_common(systems: dict[str, System]) -> None:
    for text in ("пицца маргарита", "?!"):
        said = systems["BM25"]("allurauto", text)
        assert (said.outcome, said.doubt) == ("silent", inf)


@pytest.mark.parametrize("name", ["nearest example", "TF-IDF + LR"])
def test_readers_know_the_intent_and_take_the_clause_from_the_same_topics(
    systems: dict[str, System], name: str
) -> None:
    read = systems[name]
    answered = read("allurauto", "За сколько дней вы ответите на претензию?")
    assert (answered.intent, answered.outcome, answered.clauses[0]) == ("ask_policy", "clauses", "8.2")
    assert read("jetu", "За сколько дней вы ответите на претензию?").outcome == "silent"
    assert answered.doubt < read("jetu", "За сколько дней вы ответите на претензию?").doubt
    wish = read("jetu", "удалите пожалуйста мой аккаунт")
    assert (wish.intent, wish.outcome, wish.doubt) == ("delete", "request", inf)
    assert read("jetu", "уберите один товар из корзины").outcome == "offtopic"


def test_baselines_stand_beside_ours_with_what_they_cannot_do_left_blank() -> None:
    labels: list[Label] = [question("a", "5.2"), message("b", "delete")]
    ours = evaluate(labels, [shown("5.2"), Said("delete", "request")])
    theirs = evaluate(labels[:1], [Said("ask_policy", "silent")])
    lines = table(ours, {"BM25": theirs}).splitlines()
    assert lines[0] == "questions"
    assert lines[1].split() == ["konfident", "BM25"]
    assert lines[2].split()[-6:] == ["1.000", "[0.206,", "1.000]", "0.000", "[0.000,", "0.793]"]
    assert next(line for line in lines if "95 % false on silent" in line).split()[-2:] == ["-", "-"]
    assert lines[lines.index("intents") + 1].split() == ["konfident"]
    assert lines[-1] == "misses (0):"


# the commands


def konfident_eval(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "bot", "eval", *arguments],
        cwd=ROOT, env=environment(data), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.usefixtures("library", "recognizer")
def test_eval_prints_its_figures_as_json_for_several_files(tmp_path: Path, home: Path) -> None:
    for name, line in (("a", SHARED), ("b", DELETE)):
        (tmp_path / f"{name}.jsonl").write_text(f"{line}\n", encoding="utf-8")
    data = furnish(tmp_path / "data", home)
    done = konfident_eval(data, str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl"), "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    parts = ["questions", "curve", "questions_by_kind", "intents", "intents_by_kind", "misses", "baselines"]
    assert list(figures) == parts
    assert figures["questions"]["hit@1"].keys() == {"share", "low", "high", "of"}
    assert figures["curve"].keys() == {"80 %", "85 %", "90 %", "95 %"}
    assert figures["baselines"] == {}


@pytest.mark.usefixtures("library", "recognizer")
def test_eval_stops_at_a_broken_line_with_one_line_of_its_own(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text(f"{DELETE}\n{{}}\n", encoding="utf-8")
    done = konfident_eval(furnish(tmp_path / "data", home), str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"konfident: {file}:2: id: нет этого поля. ")
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_package_of_the_baselines_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "labels.jsonl").write_text(f"{DELETE}\n", encoding="utf-8")
    monkeypatch.delitem(sys.modules, "bot.baselines")
    monkeypatch.setitem(sys.modules, "bm25s", None)
    done = CliRunner().invoke(main, ["eval", str(tmp_path / "labels.jsonl"), "--baseline"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "konfident: --baseline: не установлен пакет bm25s. Поставьте его: pip install bm25s\n"


# the ablation


def test_what_the_ablation_changes_is_there_to_be_changed() -> None:
    """A constant that is renamed would else be found by nobody before the next run."""
    for variation in VARIATIONS:
        for name, value in variation.changed.items():
            assert resolve_name(name) is not value
            with patch(name, value):
                assert resolve_name(name) is value


def test_two_classifiers_make_one_distribution() -> None:
    class Fixed:
        def __init__(self, labels: tuple[str, ...], row: list[float]) -> None:
            self.labels, self._row = labels, row

        def probabilities(self, _vectors: Any, _texts: Any) -> Any:
            return np.array([self._row])

    topics = Fixed(("ask_policy/a", "ask_policy/b"), [0.75, 0.25])
    both = Parted(Fixed(("ask_policy", "delete", "greet"), [0.4, 0.5, 0.1]), topics)
    assert both.labels == ("delete", "greet", "ask_policy/a", "ask_policy/b")
    assert both.probabilities(np.zeros((1, 2), np.float32), [""])[0].tolist() == pytest.approx([0.5, 0.1, 0.3, 0.1])


def _no_progress(_done: int, _total: int) -> None:
    """Nobody watches."""
