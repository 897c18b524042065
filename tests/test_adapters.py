"""The adapters come with the project or are learnt once, are the same every time, and bring questions to clauses."""

from pathlib import Path

import numpy as np
import pytest

from index.adapters import fit_or_load
from index.encoder import Encoder
from index.packaged_model import Progress
from index.training import Examples

RETENTION = Examples(
    "ask_policy/retention",
    ("сколько лет лежат мои данные", "когда вы удалите мой телефон", "срок хранения"),
    wordings=("Данные хранятся три года.", "Срок хранения: 3 года."),
)
CONTACT = Examples(
    "ask_policy/contact",
    ("куда вам написать", "какая у вас почта", "адрес для писем"),
    wordings=("Обращения направляются на адрес info@shop.kz.", "Контакты: info@shop.kz"),
)
TRAINING = (Examples("delete", ("удалите меня",)), RETENTION, CONTACT)


@pytest.fixture
def unshipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing comes with the project, as for an encoder that an owner has chosen."""
    monkeypatch.setattr("index.adapters.SHIPPED", tmp_path / "nothing")


@pytest.mark.usefixtures("unshipped")
def test_a_question_comes_nearest_to_the_words_of_its_topic(encoder: Encoder, tmp_path: Path, quiet: Progress) -> None:
    adapters = fit_or_load(TRAINING, encoder, tmp_path, quiet)
    asked = adapters.questions(encoder.queries(["до какого года храните данные", "ваша почта для писем"]))
    answers = adapters.clauses(encoder.passages(["Сведения хранятся один год.", "Пишите на mail@shop.kz."]))
    assert (asked @ answers.T).argmax(axis=1).tolist() == [0, 1]
    assert np.allclose(np.linalg.norm(asked, axis=1), 1, atol=1e-5)


@pytest.mark.usefixtures("unshipped")
def test_the_second_start_reads_what_the_first_has_fitted(encoder: Encoder, tmp_path: Path, quiet: Progress) -> None:
    adapters = fit_or_load(TRAINING, encoder, tmp_path, quiet)
    (kept,) = (tmp_path / "adapters").iterdir()
    before = kept.stat().st_mtime_ns
    again = fit_or_load(TRAINING, encoder, tmp_path, quiet)
    assert np.array_equal(again.question_map, adapters.question_map)
    assert [path.stat().st_mtime_ns for path in (tmp_path / "adapters").iterdir()] == [before]


@pytest.mark.usefixtures("unshipped")
def test_a_damaged_file_is_fitted_again_to_the_same(encoder: Encoder, tmp_path: Path, quiet: Progress) -> None:
    adapters = fit_or_load(TRAINING, encoder, tmp_path, quiet)
    next((tmp_path / "adapters").iterdir()).write_bytes(b"PK")
    again = fit_or_load(TRAINING, encoder, tmp_path, quiet)
    assert np.array_equal(again.clause_map, adapters.clause_map)


def test_those_that_come_with_the_project_are_used_and_nothing_is_fitted(
    encoder: Encoder, tmp_path: Path, quiet: Progress
) -> None:
    adapters = fit_or_load(TRAINING, encoder, tmp_path, quiet)
    assert list(tmp_path.iterdir()) == []
    answers = adapters.clauses(encoder.passages(["Срок хранения данных - три года.", "Вопросы шлите на info@shop.kz."]))
    asked = adapters.questions(encoder.queries(["сколько лет лежит мой телефон", "куда вам написать"]))
    assert (asked @ answers.T).argmax(axis=1).tolist() == [0, 1]


def test_a_topic_is_the_middle_of_its_wordings(encoder: Encoder, tmp_path: Path, quiet: Progress) -> None:
    adapters = fit_or_load(TRAINING, encoder, tmp_path, quiet)
    wordings = encoder.passages([*RETENTION.wordings, *CONTACT.wordings])
    middles = adapters.middles(wordings, [2, 2])
    assert middles.shape == (2, wordings.shape[1])
    assert np.allclose(np.linalg.norm(middles, axis=1), 1, atol=1e-5)
    assert (adapters.clauses(wordings) @ middles.T).argmax(axis=1).tolist() == [0, 0, 1, 1]
