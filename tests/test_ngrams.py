"""Letters: rare words in common make texts alike, whatever they mean."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from index.ngrams import Letters, Ngrams

TEXTS = ("Карта «Лапа» даёт скидку.", "Данные хранятся год.", "Данные хранятся у нас.")


def test_a_text_is_likest_to_the_one_that_names_the_same() -> None:
    (cosines,) = Letters.of(TEXTS)(["что с картой лапа"])
    assert cosines.argmax() == 0
    assert cosines[0] > 3 * cosines[1]


def test_a_text_is_wholly_like_itself_in_any_case_and_with_yo() -> None:
    assert Letters.of(TEXTS)(["КАРТА «ЛАПА» ДАЕТ СКИДКУ."])[0, 0] == pytest.approx(1)


def test_other_texts_are_weighted_as_the_first_ones() -> None:
    letters = Letters.of(TEXTS)
    assert letters.beside(["карта лапа"])(["карта лапа"])[0, 0] == pytest.approx(1)
    assert letters.beside([])(["карта лапа"]).shape == (1, 0)
    assert letters([]).shape == (0, 3)


@pytest.mark.parametrize("text", ["данные о карте лапа и карте", "я", "", "щщщ qwerty"])
def test_a_single_text_is_weighted_as_the_vectorizer_does_it(text: str) -> None:
    ngrams, rows = Ngrams.learnt(TEXTS, ngram_range=(2, 5))
    places, weights = ngrams(text)
    row = np.zeros(rows.shape[1], np.float32)
    row[places] = weights
    assert row == pytest.approx(ngrams.fitted.transform([text]).toarray()[0], abs=1e-6)


@pytest.mark.parametrize("least", [1, 2])
def test_what_is_learnt_is_what_the_vectorizer_learns(least: int) -> None:
    texts = [*TEXTS, "Карта  карта\nЛАПА и год", "я"]
    ngrams, rows = Ngrams.learnt(texts, least, ngram_range=(2, 5))
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=least, sublinear_tf=True)
    assert rows.toarray() == pytest.approx(vectorizer.fit_transform(texts).toarray(), abs=1e-6)
    assert ngrams.fitted.vocabulary_ == vectorizer.vocabulary_


def test_a_group_is_the_mean_of_its_texts() -> None:
    groups = Letters.of(TEXTS).middles([1, 2])
    cosines = groups(TEXTS)
    assert cosines.shape == (3, 2)
    assert cosines[0, 0] == pytest.approx(1)
    assert np.all(cosines[1:, 1] > 0.7)
