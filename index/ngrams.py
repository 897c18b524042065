"""Likeness in letters: what is named in the same words («ветчат», «карта „Лапа“») no likeness of meaning replaces.

Cosines of TF-IDF over character 2-5-grams within words (Salton, Buckley 1988, Information Processing & Management 24).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from index.encoder import Matrix


@dataclass(frozen=True)
class Letters:
    """Texts (n rows) as weighted n-grams, with what makes such rows of other texts."""

    rows_of: Any
    rows: Any

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Letters":
        """The texts, each n-gram weighted by how rare it is among them."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        options = {"analyzer": "char_wb", "ngram_range": (2, 5), "sublinear_tf": True, "dtype": np.float32}
        rows_of = TfidfVectorizer(preprocessor=_plain, **options)
        return cls(rows_of, rows_of.fit_transform(texts))

    def beside(self, texts: Sequence[str]) -> "Letters":
        """Other texts, weighted as these are."""
        return Letters(self.rows_of, self._rows(texts))

    def middles(self, groups: Sequence[int]) -> "Letters":
        """The mean row of each run of so many texts, of unit length."""
        from scipy.sparse import csr_array
        from sklearn.preprocessing import normalize

        group = np.repeat(np.arange(len(groups)), groups)
        members = csr_array((np.ones(len(group), np.float32), (group, np.arange(len(group)))))
        return Letters(self.rows_of, normalize(members @ self.rows))

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Cosines (k, n) of other texts to these."""
        cosines: Matrix = (self._rows(texts) @ self.rows.T).toarray()
        return cosines

    def _rows(self, texts: Sequence[str]) -> Any:
        return self.rows_of.transform([*texts, ""])[:-1]  # transforming no texts at all is refused


def _plain(text: str) -> str:
    return text.lower().replace("ё", "е")
