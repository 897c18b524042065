"""How near a policy is: a question to its clauses; where nobody mapped it, topics to its clauses, and how surely.

All likeness is measured between adapted vectors (index/adapters.py). A clause is its whole and its pieces (the lines
of a list or a table, the sentences of prose): a long section answers by the one sentence that is asked for.
"""

import re
from dataclasses import dataclass

import numpy as np

from index.adapters import Adapters
from index.clauses import Clause, Policy
from index.encoder import Matrix, Vector
from index.ngrams import Letters
from index.vectors import Vectors

_SENTENCE = re.compile(r"(?<=[.!?;])\s+(?=[А-ЯЁA-Z])")
_SHORTEST = 15
_SHARPNESS = 7.0
_TOPIC_LETTERS_WEIGHT = 1.5
_SPOKEN_OF_SLOPE, _SPOKEN_OF_MIDDLE = 6.2, 0.8  # logistic regression on fifteen policies, mapped by readers
_COVERED, _ANSWERS, _MOST = 0.5, 0.5, 3
_TWIN = 0.97
_BESIDE_A_TWIN = 0.8

Rows = np.ndarray[tuple[int], np.dtype[np.intp]]


@dataclass(frozen=True)
class Likeness:
    """A policy's adapted clauses (n), then their pieces (m); `of` (m) is the clause (its row) of each piece."""

    vectors: Vectors
    of: Rows

    def __call__(self, vectors: Matrix) -> Matrix:
        """Likeness (k, n) of adapted vectors (k, d) to each clause."""
        return self.mixed(self.vectors.cosines(vectors))

    def mixed(self, cosines: Matrix) -> Matrix:
        """One likeness (k, n) to each clause out of all (k, n + m): the more pieces, the more the best one counts."""
        whole, each = np.split(cosines, [cosines.shape[1] - len(self.of)], axis=1)
        best: Matrix = whole.copy()
        np.maximum.at(best.T, self.of, each.T)
        share = 1 / np.maximum(np.bincount(self.of, minlength=whole.shape[1]), 1)
        mixed: Matrix = best + share * (whole - best)
        return mixed


@dataclass(frozen=True)
class Nearness:
    """How near a question itself is to each clause, in meaning and in letters."""

    adapters: Adapters
    alike: Likeness
    letters: Letters  # of the clauses, then of their pieces

    def __call__(self, text: str, question: Vector) -> Vector:
        """The sum of both likenesses to each clause (n)."""
        meaning = self.alike(self.adapters.questions(question[np.newaxis]))
        near: Vector = (meaning + self.alike.mixed(self.letters([text])))[0]
        return near


@dataclass(frozen=True)
class Proposal:
    """How well each clause answers each topic (t, n), 0..1, and how surely the policy speaks of the topic (t), 0..1."""

    weights: Matrix
    covered: Vector

    def named(self, topic: int, policy: Policy) -> tuple[str, ...]:
        """The clauses that answer a topic (its row), best first; none where the policy rather says nothing of it."""
        if self.covered[topic] < _COVERED:
            return ()
        best = np.argsort(-self.weights[topic], kind="stable")[:_MOST]
        return tuple(policy.clauses[row].number for row in best if self.weights[topic, row] >= _ANSWERS)


def pieces(clause: Clause) -> tuple[str, ...]:
    """Lines and sentences of a clause that has several, each with its heading."""
    parts = [part for line in clause.text.split("\n") for part in _SENTENCE.split(line)]
    long = [f"{clause.heading}. {part}" for part in parts if len(part) > _SHORTEST]
    return tuple(long) if len(long) > 1 else ()


def propose(topics: Matrix, usual: Vector, alike: Likeness, letters: Matrix) -> Proposal:
    """The proposal by likeness to how policies speak of each topic, weighed against how many do at all (Bayes).

    `topics` are adapted vectors (t, d), `usual` (t) the share of policies that speak of each, `letters` the cosines in
    letters to each clause and piece (t, n + m).
    """
    meaning = alike.vectors.cosines(topics)
    likest = alike.mixed(meaning) + _TOPIC_LETTERS_WEIGHT * alike.mixed(letters)
    near = np.exp(_SHARPNESS * (likest - likest.max(axis=1, keepdims=True)))
    surest = (meaning + _TOPIC_LETTERS_WEIGHT * letters).max(axis=1)
    odds = usual / (1 - usual) * np.exp(_SPOKEN_OF_SLOPE * (surest - _SPOKEN_OF_MIDDLE))
    return Proposal(near, odds / (1 + odds))


def with_twins(proposal: Proposal, vectors: Matrix, theirs: Matrix, weights: Matrix) -> Proposal:
    """The proposal where clauses stand almost word for word in another, mapped policy: they answer what they do there.

    `vectors` (n, d) are this policy's plain ones, `theirs` (m, d) the other's, `weights` (t, m) its owner's map.
    """
    cosines = vectors @ theirs.T
    twins = (cosines >= _TWIN) & (cosines == cosines.max(axis=0))
    inherited = np.stack([(weights * twin).max(axis=1) for twin in twins], axis=1)
    known = inherited.max(axis=1)
    beside = np.where(known > 0, _BESIDE_A_TWIN, 1.0)[:, np.newaxis]
    covered = np.where(known >= _BESIDE_A_TWIN, 1.0, proposal.covered)
    return Proposal(np.maximum(proposal.weights * beside, inherited), covered)
