"""The adapters are learnt once from intents/, are the same every time, and bring questions to their clauses."""

from pathlib import Path

import numpy as np
import pytest

from index.adapters import Adapters, fit_or_load
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


@pytest.fixture(scope="module")
def fitted(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory, quiet: Progress) -> tuple[Adapters, Path]:
    home = tmp_path_factory.mktemp("home")
    return fit_or_load(TRAINING, encoder, home, quiet), home


def test_a_question_comes_nearest_to_the_words_of_its_topic(fitted: tuple[Adapters, Path], encoder: Encoder) -> None:
    adapters, _ = fitted
    asked = adapters.questions(encoder.queries(["до какого года храните данные", "ваша почта для писем"]))
    answers = adapters.clauses(encoder.passages(["Сведения хранятся один год.", "Пишите на mail@shop.kz."]))
    assert (asked @ answers.T).argmax(axis=1).tolist() == [0, 1]
    assert np.allclose(np.linalg.norm(asked, axis=1), 1, atol=1e-5)


def test_the_second_start_reads_what_the_first_has_fitted(
    fitted: tuple[Adapters, Path], encoder: Encoder, quiet: Progress
) -> None:
    adapters, home = fitted
    before = {path: path.stat().st_mtime_ns for path in (home / "adapters").iterdir()}
    again = fit_or_load(TRAINING, encoder, home, quiet)
    assert np.array_equal(again.question_map, adapters.question_map)
    assert {path: path.stat().st_mtime_ns for path in (home / "adapters").iterdir()} == before
    assert len(before) == 1


def test_a_damaged_file_is_fitted_again_to_the_same(
    fitted: tuple[Adapters, Path], encoder: Encoder, quiet: Progress
) -> None:
    adapters, home = fitted
    next((home / "adapters").iterdir()).write_bytes(b"PK")
    again = fit_or_load(TRAINING, encoder, home, quiet)
    assert np.array_equal(again.clause_map, adapters.clause_map)
    assert np.array_equal(again.topics, adapters.topics)


def test_new_wordings_are_learnt_and_the_old_file_goes(encoder: Encoder, tmp_path: Path, quiet: Progress) -> None:
    fit_or_load(TRAINING, encoder, tmp_path, quiet)
    before = {path.name for path in (tmp_path / "adapters").iterdir()}
    reworded = Examples(RETENTION.intent, RETENTION.texts, wordings=("Храним до отзыва согласия.",))
    fit_or_load((reworded, CONTACT), encoder, tmp_path, quiet)
    after = {path.name for path in (tmp_path / "adapters").iterdir()}
    assert len(after) == 1
    assert after.isdisjoint(before)
