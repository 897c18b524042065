"""FAISS gives the nearest names back, best first, and a saved slice is the same slice."""

from pathlib import Path

import numpy as np
import pytest

from index.encoder import Encoder
from index.vectors import Vectors

ROWS = np.array([[1, 0, 0], [0, 3, 0], [4, 3, 0]], np.float32)
NAMES = ("5.1", "5.2", "5.3")
TOWARDS_FIRST = np.array([1, 0, 0], np.float32)


def test_the_nearest_come_with_their_cosines_best_first() -> None:
    found = Vectors.of(NAMES, ROWS).nearest(TOWARDS_FIRST, 3)
    assert [name for name, _ in found] == ["5.1", "5.3", "5.2"]
    assert [cosine for _, cosine in found] == pytest.approx([1.0, 0.8, 0.0])


@pytest.mark.parametrize(("asked", "given"), [(1, ["5.1"]), (2, ["5.1", "5.3"]), (50, ["5.1", "5.3", "5.2"])])
def test_no_more_come_back_than_there_are(asked: int, given: list[str]) -> None:
    assert [name for name, _ in Vectors.of(NAMES, ROWS).nearest(TOWARDS_FIRST, asked)] == given


def test_the_rows_that_were_given_stay_as_they_were() -> None:
    rows = ROWS.copy()
    Vectors.of(NAMES, rows)
    assert (rows == ROWS).all()


def test_a_saved_slice_answers_the_same(tmp_path: Path) -> None:
    vectors = Vectors.of(NAMES, ROWS)
    vectors.save(tmp_path)
    loaded = Vectors.load(tmp_path)
    assert loaded.names == NAMES
    assert loaded.nearest(TOWARDS_FIRST, 3) == vectors.nearest(TOWARDS_FIRST, 3)


def test_the_clause_about_couriers_is_nearest_to_a_question_about_delivery(encoder: Encoder) -> None:
    texts = {
        "1.1.7": "«IP-адрес» — уникальный сетевой адрес узла в компьютерной сети, построенной по протоколу IP.",
        "5.2": "Администрация вправе передавать персональные данные курьерским службам и организациям почтовой связи.",
        "9.1": "Администрация сайта вправе вносить изменения в настоящую Политику конфиденциальности.",
    }
    vectors = Vectors.of(tuple(texts), encoder.passages(list(texts.values())))
    assert vectors.nearest(encoder.query("отдаёте ли вы мои данные курьеру"), 1)[0][0] == "5.2"
    assert vectors.nearest(encoder.query("можно ли поменять политику"), 1)[0][0] == "9.1"
