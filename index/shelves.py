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

# how much of a question must be on topics without an answer to be met with silence
_SILENT_MASS, _SILENT_MASS_PROPOSED = 0.8, 0.55
# how much a question's own nearness to a clause counts beside what answers its topic
_NEARNESS, _NEARNESS_PROPOSED = 1.5, 4.0
SHOWN = 3
_NAMED = 3
_LEAST_SCORE = 1e-6  # none is like the question at all: none is shown


@dataclass(frozen=True)
class Found:
    """A clause that answers, and how strongly (0..1)."""

    clause: Clause
    score: float


@dataclass(frozen=True)
class Shelf:
    """A policy with what is known of its topics, and how near a question is to its clauses.

    `weights` (topics, clauses) and `uncovered` (topics), both 0..1, are the owner's map or what was proposed; `topics`
    names the clauses best first.
    """

    policy: Policy
    edition: str
    topics: TopicMap
    weights: Matrix
    uncovered: Vector
    nearness: Nearness
    is_mapped: bool

    @property
    def silent(self) -> frozenset[str]:
        """Topics on which the policy says nothing."""
        return frozenset(topic for topic, mass in zip(self.topics, self.uncovered, strict=True) if mass >= self._enough)

    @property
    def _enough(self) -> float:
        return _SILENT_MASS if self.is_mapped else _SILENT_MASS_PROPOSED

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
        near = _NEARNESS if self.is_mapped else _NEARNESS_PROPOSED
        scores = shares @ self.weights + near * self.nearness(text, question)
        # a sum of likenesses has no unit: the best is as strong as the policy surely speaks of it
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
