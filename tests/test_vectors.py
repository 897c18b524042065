"""FAISS gives the cosines to all rows, and a saved slice is the same slice."""

from pathlib import Path

import numpy as np
import pytest

from index.encoder import Encoder
from index.vectors import Vectors

ROWS = np.array([[1, 0, 0], [0, 3, 0], [4, 3, 0]], np.float32)
TOWARDS_EACH = np.array([[1, 0, 0], [0, 1, 0]], np.float32)


def test_each_row_has_its_cosine_in_the_order_of_the_rows() -> None:
    assert Vectors.of(ROWS).cosines(TOWARDS_EACH) == pytest.approx(np.array([[1.0, 0.0, 0.8], [0.0, 1.0, 0.6]]))


def test_the_rows_that_were_given_stay_as_they_were() -> None:
    rows = ROWS.copy()
    Vectors.of(rows)
    assert (rows == ROWS).all()


def test_a_saved_slice_answers_the_same(tmp_path: Path) -> None:
    vectors = Vectors.of(ROWS)
    vectors.save(tmp_path / "some.faiss")
    assert (Vectors.load(tmp_path / "some.faiss").cosines(TOWARDS_EACH) == vectors.cosines(TOWARDS_EACH)).all()


def test_a_damaged_slice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.faiss"
    Vectors.of(ROWS).save(path)
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(RuntimeError):
        Vectors.load(path)


def test_the_clause_about_couriers_is_nearest_to_a_question_about_delivery(encoder: Encoder) -> None:
    texts = [
        "«IP-адрес» — уникальный сетевой адрес узла в компьютерной сети, построенной по протоколу IP.",
        "Администрация вправе передавать персональные данные курьерским службам и организациям почтовой связи.",
        "Администрация сайта вправе вносить изменения в настоящую Политику конфиденциальности.",
    ]
    asked = encoder.queries(["отдаёте ли вы мои данные курьеру", "можно ли поменять политику"])
    assert Vectors.of(encoder.passages(texts)).cosines(asked).argmax(axis=1).tolist() == [1, 2]
