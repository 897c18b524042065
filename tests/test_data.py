"""The labelled files are sound, large enough, and unseen: none of their texts stands among the examples.

Texts are compared as the program reads them (layout, transliteration and ё undone), in lower case and without
punctuation. Equal texts are never allowed, nor, from four words on, texts that are alike by 90 of 100, in their own
order or with their words sorted. One exemption: greetings, thanks, yes and no. Nobody can say «привет» or «большое
спасибо» in new words, so texts of at most two words coincide freely where label and example are the same talk.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rapidfuzz import fuzz, process

from bot.labels import Label, Message, Question, read_labels
from index.clauses import read_policy
from index.normalize import Normalizer
from index.training import TALK, WISHES, Examples

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data"
FILES = ("questions.dev", "questions.heldout", "intents.dev", "intents.heldout")
KINDS_OF_QUESTIONS = {
    "plain", "colloquial", "typo", "translit", "layout", "long", "short", "keyword", "clauseref", "kazakh", "english",
    "silent", "offtopic",
}  # fmt: skip
KINDS_OF_MESSAGES = {
    "plain", "colloquial", "typo", "translit", "layout", "long", "short", "kazakh", "english", "slang", "angry",
    "question", "negation", "near_miss", "several",
}  # fmt: skip
ALIKE, LONG, SMALL_TALK = 90, 4, 2


@cache
def clauses() -> dict[str, frozenset[str]]:
    """Clause numbers of each shop."""
    paths = (ROOT / "knowledge").glob("*/policy.*")
    return {path.parent.name: frozenset(read_policy(path).by_number) for path in paths}


@cache
def labels(*names: str) -> tuple[Label, ...]:
    """All labels of these files."""
    return tuple(label for name in names for label in read_labels(DATA / f"{name}.jsonl", clauses()))


def questions(*names: str) -> list[Question]:
    return [label for label in labels(*names) if isinstance(label, Question)]


def messages(*names: str) -> list[Message]:
    return [label for label in labels(*names) if isinstance(label, Message)]


def alike(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Rows of texts (bare) that are equal, or long and alike."""
    for way in (str, _sorted):
        likeness = process.cdist(
            [way(text) for text in ours],
            [way(text) for text in theirs],
            scorer=fuzz.ratio,
            score_cutoff=ALIKE,
            dtype=np.float32,
            workers=-1,
        )
        for row, column in np.argwhere(likeness >= ALIKE).tolist():
            longest = max(len(ours[row].split()), len(theirs[column].split()))
            if longest >= LONG or ours[row] == theirs[column]:
                yield row, column


def bare(text: str, normalize: Normalizer) -> str:
    """A text as the program reads it, in lower case, words only."""
    return " ".join(re.findall(r"\w+", normalize(text).lower()))


def _sorted(text: str) -> str:
    return " ".join(sorted(text.split()))


def seen(training: Sequence[Examples]) -> dict[str, str]:
    """Examples that a labelled text repeats -> that label's id."""
    normalize = Normalizer(text for examples in training for text in examples.texts)
    examples = [(each.intent, text, bare(text, normalize)) for each in training for text in each.texts]
    tested = [(label, bare(label.text, normalize)) for label in labels(*FILES)]
    repeated = alike([text for _, text in tested], [text for _, _, text in examples])
    return {
        examples[column][1]: tested[row][0].id
        for row, column in repeated
        if not _is_small_talk(tested[row][0], tested[row][1], examples[column][0])
    }


def _is_small_talk(label: Label, text: str, intent: str) -> bool:
    same = isinstance(label, Message) and label.intent == intent
    return same and intent in TALK and len(text.split()) <= SMALL_TALK


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_a_label_whose_clauses_and_kind_exist(name: str) -> None:
    kinds = KINDS_OF_QUESTIONS if name.startswith("questions") else KINDS_OF_MESSAGES
    shape = Question if name.startswith("questions") else Message
    assert {type(label) for label in labels(name)} == {shape}
    assert {label.kind for label in labels(name)} - kinds == set()


def test_an_id_is_given_once_in_all_files() -> None:
    ids = [label.id for label in labels(*FILES)]
    assert len(set(ids)) == len(ids)


def test_only_what_has_no_answer_is_called_silent_or_off_topic() -> None:
    wrong = [each.id for each in questions(*FILES) if bool(each.gold) == (each.kind in ("silent", "offtopic"))]
    assert wrong == []


def test_several_wishes_are_listed_beginning_with_the_label() -> None:
    several = [message for message in messages(*FILES) if message.all]
    assert [message.id for message in several if message.intent not in message.all or len(message.all) < 2] == []
    assert [message.id for message in several if set(message.all) - set(WISHES)] == []


def test_there_are_enough_of_them_and_a_third_of_the_questions_has_no_answer() -> None:
    asked = questions(*FILES)
    assert len(asked) >= 400
    assert len(messages(*FILES)) >= 600
    assert sum(not question.gold for question in asked) / len(asked) >= 0.3


def test_both_halves_ask_every_shop_and_say_every_intent() -> None:
    for half in ("dev", "heldout"):
        assert {question.shop for question in questions(f"questions.{half}")} == set(clauses())
    said = [{message.intent for message in messages(f"intents.{half}")} for half in ("dev", "heldout")]
    assert said[0] == said[1]


def test_no_tested_text_stands_among_the_examples(training: tuple[Examples, ...]) -> None:
    assert seen(training) == {}


@pytest.mark.parametrize(
    ("tested", "example"),
    [
        ("kto poluchit moi dannye, esli ya zakazhu", "Кто получит мои данные если я закажу?"),
        ("Отзываю согласие на обработку персональных данных", "отзываю своё согласие на обработку персональных данных"),
        ("рассылку эту вашу уберите", "уберите эту вашу рассылку"),
        ("Данные", "данные?"),
    ],
)
def test_a_repeated_text_is_noticed_in_another_dress(tested: str, example: str) -> None:
    normalize = Normalizer((example,))
    assert set(alike([bare(tested, normalize)], [bare(example, normalize)])) == {(0, 0)}


def test_texts_of_one_subject_in_other_words_are_no_repetition() -> None:
    assert list(alike(["кому уйдёт мой адрес"], ["кто узнает мой телефон", "кому уйдёт мой заказ"])) == []
    assert list(alike(["удалите аккаунт"], ["удаление аккаунта"])) == []
