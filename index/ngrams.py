"""Likeness in letters: what is named in the same words («ветчат», «карта „Лапа“») no likeness of meaning replaces.

TF-IDF over character n-grams within words (Salton, Buckley 1988, Information Processing & Management 24).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from index.encoder import Matrix, Vector

Places = np.ndarray[tuple[int], np.dtype[np.intp]]

_LENGTHS = (2, 5)


@dataclass(frozen=True)
class Ngrams:
    """What turns a text into weighted n-grams: learnt by scikit-learn's vectorizer, which is slow for a single text."""

    fitted: Any

    @classmethod
    def learnt(cls, texts: Sequence[str], least: int = 1, **options: Any) -> tuple["Ngrams", Any]:
        """The n-grams of texts, each weighted by how rare it is among them, and the texts' rows (n, n-grams), sparse.

        Only n-grams of at least so many texts are learnt; `options` are those of scikit-learn's TfidfVectorizer. Each
        word is cut up once, however often it stands there: the same rows as that vectorizer's, in half the time.
        """
        from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

        cut = TfidfVectorizer(analyzer="char_wb", sublinear_tf=True, dtype=np.float32, **options)
        plain = cut.build_preprocessor()
        words = CountVectorizer(analyzer=lambda text: plain(text).split(), dtype=np.float32)
        in_words = CountVectorizer(analyzer=cut.build_analyzer(), dtype=np.float32)
        of_texts = words.fit_transform(texts)
        counts = of_texts @ in_words.fit_transform(words.get_feature_names_out())
        common = np.flatnonzero(counts.getnnz(axis=0) >= least)
        weighted = TfidfTransformer(sublinear_tf=True)
        rows = weighted.fit_transform(counts[:, common])
        fitted = cut.set_params(vocabulary=in_words.get_feature_names_out()[common])
        fitted.idf_ = weighted.idf_
        return cls(fitted), rows

    def __call__(self, text: str) -> tuple[Places, Vector]:
        """The columns of a text's n-grams and their weights, of unit length together; none for unknown letters."""
        columns = self.fitted.vocabulary_
        counts = Counter(columns[gram] for gram in self._grams(text) if gram in columns)
        places = np.fromiter(counts.keys(), np.intp, len(counts))
        weights = (1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))) * self._rarity[places]
        return places, weights / (np.linalg.norm(weights) or 1)

    @cached_property
    def _grams(self) -> Callable[[str], list[str]]:
        grams: Callable[[str], list[str]] = self.fitted.build_analyzer()
        return grams

    @cached_property
    def _rarity(self) -> Vector:
        rarity: Vector = self.fitted.idf_.astype(np.float32)
        return rarity


@dataclass(frozen=True)
class Letters:
    """Texts (n rows) as weighted n-grams, with what makes such rows of other texts."""

    ngrams: Ngrams
    rows: Any

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Letters":
        """The texts, each n-gram weighted by how rare it is among them."""
        return cls(*Ngrams.learnt(texts, preprocessor=_plain, ngram_range=_LENGTHS))

    def beside(self, texts: Sequence[str]) -> "Letters":
        """Other texts, weighted as these are."""
        rows = self.ngrams.fitted.transform([*texts, ""])[:-1]  # transforming no texts at all is refused
        return Letters(self.ngrams, rows)

    def middles(self, groups: Sequence[int]) -> "Letters":
        """The mean row of each run of so many texts, of unit length."""
        from scipy.sparse import csr_array
        from sklearn.preprocessing import normalize

        group = np.repeat(np.arange(len(groups)), groups)
        members = csr_array((np.ones(len(group), np.float32), (group, np.arange(len(group)))))
        return Letters(self.ngrams, normalize(members @ self.rows))

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Cosines (k, n) of other texts to these."""
        asked = np.zeros((self.rows.shape[1], len(texts)), np.float32)
        for number, text in enumerate(texts):
            places, weights = self.ngrams(text)
            asked[places, number] = weights
        cosines: Matrix = (self.rows @ asked).T
        return cosines


def _plain(text: str) -> str:
    return text.lower().replace("ё", "е")
