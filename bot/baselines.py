"""What a shop would otherwise wire up, over the same policies and examples, measured beside the program.

Each takes a customer's text as it is typed, and has the gate that it commonly has; none was tuned to the labels:
- BM25 (bm25s, Snowball's stems) over the clauses: answers whenever a word is in common, as search engines do;
- the encoder (e5 unless the settings name another) over the clauses: cosine, answers from 0.8, as LangChain's
  `score_threshold` is commonly set;
- the encoder over the examples: the nearest one names intent and topic, and the same topics.yml the clauses;
- TF-IDF of characters and logistic regression over the examples, the same topics.yml: no encoder; silent from half of
  the topics' mass, as the program is. Its C is the best of 1, 10 and 100 on a fifth of the examples held back.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path

import bm25s
import numpy as np
import snowballstemmer

from bot.evaluation import Said
from index.encoder import Encoder, Matrix, Vector
from index.memo import Memo
from index.packaged_model import Progress
from index.shelves import Shelf
from index.training import OUT_OF_SCOPE, QUESTION, TOPIC, WISHES, Examples

System = Callable[[str, str], Said]

FINDERS = ("BM25", "cosine to clauses")  # they find clauses and read no intents

_ANY = 1e-6
_COSINE = 0.8
_SILENT_MASS = 0.5
_C = 10
_SHOWN = 3
_WORDS = re.compile(r"\w+(?:\.\d+)*")  # «5.2» is a word


def baselines(
    shelves: Mapping[str, Shelf],
    training: Sequence[Examples],
    encoder: Encoder,
    home: Path,
    progress: Callable[[str], Progress],
) -> dict[str, System]:
    """The systems by name: (shop, text) -> what it says."""
    examples = [(each.intent, text) for each in training for text in each.texts]
    labels, texts = [label for label, _ in examples], [text for _, text in examples]
    memo = Memo(encoder.queries, home / "memo" / f"baseline-{encoder.key}.npz")
    return {
        "BM25": Stems(shelves),
        "cosine to clauses": Clauses(shelves, encoder),
        "nearest example": Nearest(shelves, encoder, labels, memo(texts, progress("baseline"))),
        "TF-IDF + LR": Regression(shelves, labels, texts, progress("TF-IDF + LR")),
    }


class Stems:
    """BM25 over a shop's clauses."""

    def __init__(self, shelves: Mapping[str, Shelf]) -> None:
        """Index each shop's clauses."""
        self._stemmer = snowballstemmer.stemmer("russian")
        self._numbers = {shop: _numbers(shelf) for shop, shelf in shelves.items()}
        self._indexes = {shop: bm25s.BM25() for shop in shelves}
        for shop, shelf in shelves.items():
            self._indexes[shop].index([self._stems(chunk) for chunk in _chunks(shelf)], show_progress=False)

    def __call__(self, shop: str, text: str) -> Said:
        """The clauses with the most in common."""
        stems = self._stems(text)
        scores = self._indexes[shop].get_scores(stems) if stems else np.zeros(len(self._numbers[shop]))
        return _nearest_clauses(self._numbers[shop], np.asarray(scores, np.float32), _ANY)

    def _stems(self, text: str) -> list[str]:
        stems: list[str] = self._stemmer.stemWords(_WORDS.findall(text.lower().replace("ё", "е")))
        return stems


class Clauses:
    """Cosine of the question to a shop's clauses."""

    def __init__(self, shelves: Mapping[str, Shelf], encoder: Encoder) -> None:
        """Encode each shop's clauses."""
        self._encoder = encoder
        self._numbers = {shop: _numbers(shelf) for shop, shelf in shelves.items()}
        self._vectors = {shop: encoder.passages(_chunks(shelf)) for shop, shelf in shelves.items()}

    def __call__(self, shop: str, text: str) -> Said:
        """The nearest clauses."""
        return _nearest_clauses(self._numbers[shop], self._vectors[shop] @ self._encoder.query(text), _COSINE)


class Nearest:
    """The nearest example says what is meant."""

    def __init__(self, shelves: Mapping[str, Shelf], encoder: Encoder, labels: Sequence[str], vectors: Matrix) -> None:
        """`vectors[i]` is the example of `labels[i]`."""
        self._shelves, self._encoder, self._vectors = shelves, encoder, vectors
        self._labels = np.array(labels)

    def __call__(self, shop: str, text: str) -> Said:
        """Answers unless the nearest example is of a topic without a clause; doubt: how much nearer that one is."""
        shelf = self._shelves[shop]
        cosines = self._vectors @ self._encoder.query(text)
        best = {str(label): float(cosines[self._labels == label].max()) for label in np.unique(self._labels)}
        unanswered = [best[label] for label in best if label == OUT_OF_SCOPE or _topic(label) in shelf.silent]
        answered = [best[label] for label in best if shelf.topics.get(_topic(label))]
        doubt = max(unanswered) - max(answered, default=-1.0)
        nearest = max(best, key=best.__getitem__)
        return _read_as(shelf, nearest, {_topic(nearest): 1.0}, doubt)


class Regression:
    """One linear classifier over wishes, talk and topics, fed with characters alone."""

    def __init__(
        self, shelves: Mapping[str, Shelf], labels: Sequence[str], texts: Sequence[str], progress: Progress
    ) -> None:
        """Fit; takes a minute or two."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        progress(0, 1)
        self._shelves = shelves
        self._features = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2, dtype=np.float32
        )
        self._model = LogisticRegression(C=_C, max_iter=500, tol=1e-3).fit(self._features.fit_transform(texts), labels)
        progress(1, 1)

    def __call__(self, shop: str, text: str) -> Said:
        """As the program: the heaviest label, and for a topic the clauses of all topics by their mass."""
        masses = self._model.predict_proba(self._features.transform([text]))[0]
        read = dict(zip(map(str, self._model.classes_), masses.tolist(), strict=True))
        topics = {_topic(label): mass for label, mass in read.items() if _topic(label)}
        total, off_topic = sum(topics.values()), read.get(OUT_OF_SCOPE, 0.0)
        shelf = self._shelves[shop]
        doubt = (_silence(shelf, topics) * total + off_topic) / (total + off_topic)
        return _read_as(shelf, max(read, key=read.__getitem__), topics, doubt)


def _nearest_clauses(numbers: Sequence[str], scores: Vector, gate: float) -> Said:
    """The best clauses where the best reaches `gate`; what has nothing in common is never answered."""
    best = np.argsort(-scores)[:_SHOWN]
    highest = float(scores[best[0]])
    outcome = "clauses" if highest >= gate else "silent"
    return Said(QUESTION, outcome, tuple(numbers[row] for row in best), doubt=-highest if highest else inf)


def _read_as(shelf: Shelf, label: str, topics: Mapping[str, float], doubt: float) -> Said:
    """What follows from the best label, as in the program but without its button for doubtful wishes."""
    intent = label.partition("/")[0]
    if intent == OUT_OF_SCOPE:
        return Said(intent, "offtopic", doubt=doubt)
    if intent != QUESTION:
        return Said(intent, "request" if intent in WISHES else "chat")
    scores = shelf.shares(topics) @ shelf.weights
    best = [_numbers(shelf)[row] for row in np.argsort(-scores)[:_SHOWN] if scores[row] > 0]
    return Said(intent, "silent" if _silence(shelf, topics) >= _SILENT_MASS else "clauses", tuple(best), doubt=doubt)


def _silence(shelf: Shelf, topics: Mapping[str, float]) -> float:
    return float(shelf.shares(topics) @ shelf.uncovered)


def _topic(label: str) -> str:
    """The part after ask_policy/, empty for a wish or talk."""
    return label.removeprefix(TOPIC) if label.startswith(TOPIC) else ""


def _numbers(shelf: Shelf) -> tuple[str, ...]:
    return tuple(clause.number for clause in shelf.policy.clauses)


def _chunks(shelf: Shelf) -> list[str]:
    return [f"{clause.number}. {clause.text}" for clause in shelf.policy.clauses]
