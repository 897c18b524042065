"""Likeness in letters: what a question names in the policy's own words («ветчат», «карта „Лапа“») no meaning replaces.

Cosine of TF-IDF over character 2-5-grams within words, weighted by one policy's clauses alone (Salton, Buckley 1988,
Information Processing & Management 24).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from index.encoder import Matrix


@dataclass(frozen=True)
class Letters:
    """Clauses (n rows) and pieces (m rows) of a policy as weighted n-grams, with what makes such rows of texts."""

    rows_of: Any
    clauses: Any
    pieces: Any

    @classmethod
    def of(cls, clauses: Sequence[str], pieces: Sequence[str]) -> "Letters":
        """Learn the weights from the clauses."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        options = {"analyzer": "char_wb", "ngram_range": (2, 5), "sublinear_tf": True, "dtype": np.float32}
        rows_of = TfidfVectorizer(preprocessor=_plain, **options)
        return cls(rows_of, rows_of.fit_transform(clauses), rows_of.transform([*pieces, ""]))

    def __call__(self, text: str) -> tuple[Matrix, Matrix]:
        """Cosines (1, n) and (1, m) of a text to the clauses and the pieces."""
        row = self.rows_of.transform([text]).T
        whole, each = (self.clauses @ row).toarray().T, (self.pieces @ row).toarray().T
        return whole, each[:, :-1]


def _plain(text: str) -> str:
    return text.lower().replace("ё", "е")
