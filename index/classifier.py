"""Features of a message -> probabilities of intents, fitted on labelled examples.

A linear classifier, one against the rest, over the encoder's features (the sentence's vector x 6, the middle layer's
x 4.5, both in their 384 leading directions: Eckart, Young 1936, Psychometrika 1) beside character 2-5-grams (TF-IDF
within words x 3); its margins x 7 through a softmax are the probabilities. The weights are those found best by
measuring. In two-fold cross-validation over the examples the middle layer takes a sixth of the mistakes between on and
off topic away. Logistic regression over the same features is as good and takes seven times longer to fit. A network
with one hidden layer beside it does better still on these examples, and worse on policies of other trades.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from index.encoder import Matrix, Vector
from index.ngrams import Ngrams
from index.packaged_model import Progress

_SENTENCE_WEIGHT, _MIDDLE_WEIGHT = 6.0, 4.5
_CHARACTERS_WEIGHT = 3.0
_LENGTHS, _COMMON = (2, 5), 2
_SHARPNESS = 7.0
_DIRECTIONS = 384
_C = 0.1
_NEAREST, _RIDGE = 2000, 10.0
_TOLERANCE_AT_FIRST, _TOLERANCE, _SLACK = 1.0, 0.05, 0.1


@dataclass(frozen=True)
class Classifier:
    """What was learnt: a column of weights and a bias for each of `labels`, the order of the probabilities."""

    labels: tuple[str, ...]
    characters: Ngrams
    of_characters: Matrix
    of_features: Matrix
    bias: Vector

    def probabilities(self, features: Matrix, texts: Sequence[str]) -> Matrix:
        """Rows of probabilities over `labels`; `features` (n, 2d) are the encoder's of the same `texts`."""
        margins = features @ self.of_features + self.bias
        for row, text in enumerate(texts):
            places, weights = self.characters(text)
            margins[row] += weights @ self.of_characters[places]
        exponents = np.exp(_SHARPNESS * (margins - margins.max(axis=1, keepdims=True)))
        rows: Matrix = exponents / exponents.sum(axis=1, keepdims=True)
        return rows


def fit(features: Matrix, texts: Sequence[str], labels: Sequence[str], progress: Progress) -> Classifier:
    """Learn from texts with their features (n, 2d) and labels."""
    from scipy.sparse import csr_array, hstack

    characters, counted = Ngrams.learnt(texts, _COMMON, ngram_range=_LENGTHS)
    middle = features.mean(axis=0)
    scales = np.repeat(np.array([_SENTENCE_WEIGHT, _MIDDLE_WEIGHT], np.float32), len(middle) // 2)
    dense = (features - middle) * scales
    directions = np.linalg.eigh(dense.T @ dense)[1][:, -_DIRECTIONS:]
    rows = hstack([csr_array(dense @ directions), counted * _CHARACTERS_WEIGHT], format="csr")
    intents, weights, bias = _one_against_the_rest(rows, np.array(labels), progress)
    of_dense, of_characters = np.split(weights, [directions.shape[1]])
    of_features: Any = scales[:, np.newaxis] * (directions @ of_dense)
    return Classifier(intents, characters, of_characters * _CHARACTERS_WEIGHT, of_features, bias - middle @ of_features)


def _one_against_the_rest(rows: Any, labels: Any, progress: Progress) -> tuple[tuple[str, ...], Matrix, Vector]:
    """A linear separation of each intent from all others.

    Few of the others are support vectors: each intent is separated from those nearest to it by ridge regression over
    the directions, then from those within the margin so found (chunking: Osuna, Freund, Girosi 1997, NNSP VII).
    Gives the intents in order, weights (features, intents) and biases (intents).
    """
    intents = np.unique(labels)
    own = labels[:, np.newaxis] == intents
    among, count = own | _nearest(rows[:, :_DIRECTIONS].toarray(), own), len(intents)
    progress(0, 2 * count)
    weights, bias = _separated(rows, own, among, _TOLERANCE_AT_FIRST, lambda done: progress(done, 2 * count))
    among = own | (rows @ weights + bias > -1 - _SLACK)
    weights, bias = _separated(rows, own, among, _TOLERANCE, lambda done: progress(count + done, 2 * count))
    return tuple(map(str, intents)), weights, bias


def _separated(
    rows: Any, own: Any, among: Any, tolerance: float, progress: Callable[[int], None]
) -> tuple[Matrix, Vector]:
    """Weights (features, intents) and biases, each intent's own rows against the rest of those it is `among`."""
    from sklearn.svm import LinearSVC

    def separate(intent: int) -> tuple[Any, Any]:
        chosen = np.flatnonzero(among[:, intent])
        fitted = LinearSVC(C=_C, tol=tolerance).fit(rows[chosen], own[chosen, intent])
        return fitted.coef_[0].astype(np.float32), fitted.intercept_[0]

    found = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # the solver works outside the interpreter's lock
        for each in pool.map(separate, range(own.shape[1])):
            found.append(each)
            progress(len(found))
    return np.stack([weights for weights, _ in found], axis=1), np.array([bias for _, bias in found], np.float32)


def _nearest(directions: Matrix, own: Any) -> Any:
    """Which of the others (n, intents) are nearest to each intent: its weights' ridge regression over (n, k)."""
    wanted = own - own.mean(axis=0, dtype=np.float32)
    ridge = _RIDGE * np.eye(directions.shape[1], dtype=np.float32)
    scores = directions @ np.linalg.solve(directions.T @ directions + ridge, directions.T @ wanted)
    most = min(_NEAREST, len(scores))
    return scores >= np.partition(scores, -most, axis=0)[-most]
