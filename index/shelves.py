"""One shop's policy, ready to be asked: its clauses scored by the topics of a question."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from index.clauses import Clause, Policy
from index.encoder import Matrix, Vector
from index.proposals import Nearness
from index.topics import TopicMap

_SILENT = 0.5
# nearness to a clause, in likeness, at which an even chance of an answer is enough; and log-odds a unit of it is worth
_NEAR_ENOUGH, _TRUST = 0.3, 8.0
_CERTAIN = 1e-3
_LEAST_MASS = 0.1  # what is hardly a question (rather a wish) is hardly doubted
# how much a question's own nearness to a clause counts beside what answers its topic
_NEARNESS, _NEARNESS_PROPOSED = 1.5, 4.0
SHOWN = 3
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
        return frozenset(topic for topic, mass in zip(self.topics, self.uncovered, strict=True) if mass >= _SILENT)

    def shares(self, topics: Mapping[str, float]) -> Vector:
        """The topics' probabilities as shares of their sum, in the shelf's order."""
        mass = np.array([topics.get(topic, 0.0) for topic in self.topics], np.float32)
        shares: Vector = mass / (mass.sum() or np.float32(1))
        return shares

    def asked(self, text: str, question: Vector, topics: Mapping[str, float], off_topic: float) -> "Asked":
        """A question to this policy: `question` is the vector of `text`, the others are probabilities."""
        near = self.nearness(text, question)
        return Asked(self, self.shares(topics), sum(topics.values()), off_topic, near)


@dataclass(frozen=True)
class Asked:
    """A question to a policy.

    `shares` (topics) sum to 1, `on_topic` and `off_topic` are probabilities, `near` (clauses) is in likeness.
    """

    shelf: Shelf
    shares: Vector
    on_topic: float
    off_topic: float
    near: Vector

    @property
    def doubt(self) -> float:
        """Log-odds that the policy has no answer; the nearer a clause, the more it outweighs.

        What is outweighed is the probability of topics without a clause here and of being off topic.
        """
        unanswered = self._silent + self.off_topic
        share = unanswered / max(self.on_topic + self.off_topic, _LEAST_MASS)
        log_odds = np.log((share + _CERTAIN) / (1 - share + _CERTAIN))
        return float(log_odds - _TRUST * (self.near.max() - _NEAR_ENOUGH))

    @property
    def silent_on(self) -> str:
        """The likeliest topic of which the policy does not speak; empty where the question is rather off topic."""
        if self._silent < self.off_topic:
            return ""
        return tuple(self.shelf.topics)[int((self.shares * self.shelf.uncovered).argmax())]

    @property
    def ranked(self) -> tuple[Found, ...]:
        """At most three clauses best first."""
        weight = _NEARNESS if self.shelf.is_mapped else _NEARNESS_PROPOSED
        scores = self.shares @ self.shelf.weights + weight * self.near
        # a sum of likenesses has no unit: the best is as strong as it is sure that the policy answers
        scores /= (1 + np.exp(self.doubt)) * max(scores.max(), _LEAST_SCORE)
        best = [row for row in np.argsort(-scores, kind="stable")[:SHOWN] if scores[row] > 0]
        return tuple(Found(self.shelf.policy.clauses[row], float(scores[row])) for row in best)

    @property
    def _silent(self) -> float:
        return float(self.shares @ self.shelf.uncovered) * self.on_topic
