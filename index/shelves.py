"""One shop's policy, ready to be asked: its clauses scored by the topics of a question."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from index.clauses import Clause, Policy
from index.dictionary import content_words, lemmas, words
from index.encoder import Matrix, Vector
from index.proposals import Nearness
from index.topics import TopicMap
from index.vectors import Vectors

# how much of a question must be on topics without an answer to be met with silence
_SILENT_MASS, _SILENT_MASS_PROPOSED = 0.8, 0.55
SHOWN = 3
_NAMED = 3
_NEIGHBOURS = 5
_LEAST_SCORE = 1e-6  # none is like the question at all: none is shown
_NEIGHBOUR_WEIGHT = 0.02


@dataclass(frozen=True)
class Found:
    """A clause that answers, and how strongly (0..1)."""

    clause: Clause
    score: float


@dataclass(frozen=True)
class Shelf:
    """A policy with its vectors and what is known of its topics.

    `weights` (topics, clauses) and `uncovered` (topics), both 0..1, are the owner's map or what was proposed; `topics`
    names the clauses best first. `nearness` is there where the owner mapped nothing.
    """

    policy: Policy
    edition: str
    vectors: Vectors
    topics: TopicMap
    weights: Matrix
    uncovered: Vector
    nearness: Nearness | None = None

    @property
    def silent(self) -> frozenset[str]:
        """Topics on which the policy says nothing."""
        return frozenset(topic for topic, mass in zip(self.topics, self.uncovered, strict=True) if mass >= self._enough)

    @property
    def _enough(self) -> float:
        return _SILENT_MASS_PROPOSED if self.nearness else _SILENT_MASS

    def shares(self, topics: Mapping[str, float]) -> Vector:
        """The topics' probabilities as shares of their sum, in the shelf's order."""
        mass = np.array([topics.get(topic, 0.0) for topic in self.topics], np.float32)
        shares: Vector = mass / (mass.sum() or np.float32(1))
        return shares

    def silent_on(self, shares: Vector) -> str:
        """The topic that the question is about and the policy is not; empty where it has something to say."""
        if shares @ self.uncovered < self._enough:
            return ""
        return tuple(self.topics)[int((shares * self.uncovered).argmax())]

    def ranked(self, text: str, question: Vector, shares: Vector) -> tuple[Found, ...]:
        """At most three clauses best first; `question` is the vector of `text`."""
        scores = shares @ self.weights + (self.nearness(text, question) if self.nearness else self._near(question))
        if self.nearness:  # sums of likeness have no unit: the best is as strong as the policy surely speaks of it
            scores *= (1 - shares @ self.uncovered) / max(scores.max(), _LEAST_SCORE)
        best = [row for row in np.argsort(-scores, kind="stable")[:SHOWN] if scores[row] > 0]
        return tuple(Found(self.policy.clauses[row], min(float(scores[row]), 1.0)) for row in best)

    def in_the_words_of(self, text: str) -> tuple[Found, ...]:
        """The clauses in which all that `text` names stands, three words or more: «кредит, партнёрские банки»."""
        named = [lemmas(word) for word in dict.fromkeys(content_words(text))]
        if len(named) < _NAMED:
            return ()
        clauses = zip(self.policy.clauses, self._lemmas, strict=True)
        found = (Found(clause, 1.0) for clause, said in clauses if all(forms & said for forms in named))
        return tuple(islice(found, SHOWN))

    @cached_property
    def _lemmas(self) -> tuple[frozenset[str], ...]:
        """All that the words of each clause may be forms of, its heading and lead-in included."""
        texts = (f"{clause.heading} {clause.lead_in} {clause.text}" for clause in self.policy.clauses)
        return tuple(frozenset().union(*map(lemmas, words(text))) for text in texts)

    def _near(self, question: Vector) -> Vector:
        """What likeness adds where the owner has said what answers what: very little."""
        near = np.zeros(len(self.policy.clauses), np.float32)
        row_of = {clause.number: row for row, clause in enumerate(self.policy.clauses)}
        for number, cosine in self.vectors.nearest(question, _NEIGHBOURS):
            near[row_of[number]] = _NEIGHBOUR_WEIGHT * cosine
        return near
