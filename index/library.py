"""The shops' policies, ready to be asked: clauses best first, or "the policy says nothing about this"."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from index.adapters import Adapters, fit_or_load
from index.clauses import Policy, PolicyError, read_policy
from index.documents import SUFFIXES
from index.encoder import Encoder, Matrix
from index.memo import Memo
from index.ngrams import Letters
from index.packaged_model import Progress
from index.proposals import Likeness, Nearness, pieces, propose, with_twins
from index.references import Reference, find_reference
from index.shelves import SHOWN, Found, Shelf
from index.topics import TopicMap, mapped, read_topics
from index.training import Examples
from index.vectors import Vectors

_VERSION = "2"
_POLICY_FILES = "policy.*"


@dataclass(frozen=True)
class Answer:
    """Clauses best first; or none, with the topic on which the policy is silent or the number it lacks.

    `whole` is the number of a section or clause that was asked for with everything below it.
    """

    clauses: tuple[Found, ...]
    silent_on: str = ""
    missing: str = ""
    whole: str = ""


@dataclass(frozen=True)
class Encoded:
    """A policy's vectors: each clause's mean of itself alone and with heading and parent (n, d), and its pieces'.

    `around` (n) are the clauses' texts with heading and parent, `each` (m) the pieces'.
    """

    clauses: Matrix
    pieces: Sequence[Matrix]
    around: Sequence[str]
    each: Sequence[str]


class Library:
    """All shops; made by `Library.open`. A question in flight keeps the shelf it began with."""

    def __init__(
        self, folder: Path, home: Path, encoder: Encoder, training: Sequence[Examples], adapters: Adapters
    ) -> None:
        """`folder` is knowledge/, `home` the data directory."""
        self._folder, self._home, self._encoder, self._adapters = folder, home, encoder, adapters
        self.about = {examples.topic: examples.about for examples in training if examples.topic}
        self._memo = Memo(encoder.passages, home / "memo" / f"passages-{encoder.key}.npz")
        self._topics, self._training = tuple(self.about), training
        self._usual = np.array([examples.usual for examples in training if examples.topic], np.float32)
        self._stamp = ""
        self.shelves: Mapping[str, Shelf] = {}

    @classmethod
    def open(
        cls, folder: Path, home: Path, encoder: Encoder, training: Sequence[Examples], progress: Progress
    ) -> "Library":
        """Read all policies, making the index where there is none. Raises PolicyError, IntentsError."""
        library = cls(folder, home, encoder, training, fit_or_load(training, encoder, home, progress))
        library.refresh(progress)
        return library

    def refresh(self, progress: Progress = lambda _done, _total: None) -> bool:
        """Read knowledge/ again where it changed; False when it did not. An error leaves all as it was."""
        stamp = _stamp(self._folder)
        if stamp == self._stamp:
            return False
        files = {path.parent.name: path for path in policy_files(self._folder)}
        policies = {shop: read_policy(path) for shop, path in files.items()}
        maps = {shop: self._read_map(files[shop], policy) for shop, policy in policies.items()}
        encoded = self._encoded(policies, progress)
        weights = {shop: mapped(maps[shop], self._topics, policy) for shop, policy in policies.items()}
        siblings = {shop: (encoded[shop].clauses, weights[shop]) for shop in policies if maps[shop]}
        shelves = {}
        for shop, policy in policies.items():
            edition = _digest(files[shop].read_bytes())[:12]
            nearness = self._nearness(shop, policy, encoded[shop])
            silent = [topic in maps[shop] and not maps[shop][topic] for topic in self._topics]
            uncovered = np.array(silent, np.float32)
            named = {topic: maps[shop].get(topic, ()) for topic in self._topics}
            shelf = Shelf(policy, edition, named, weights[shop], uncovered, nearness, is_mapped=bool(maps[shop]))
            others = [sibling for other, sibling in siblings.items() if other != shop]
            unlisted = [row for row, topic in enumerate(self._topics) if topic not in maps[shop]]
            shelves[shop] = self._completed(shelf, encoded[shop], others, unlisted) if unlisted else shelf
        self.shelves, self._stamp = shelves, stamp
        return True

    def ask(self, shop: str, text: str, topics: Mapping[str, float], off_topic: float = 0.0) -> Answer:
        """The clauses that answer `text` (normalised), given the probabilities of its topics and of being off topic."""
        shelf = self.shelves[shop]
        reference = find_reference(text)
        if reference is not None:
            return _by_number(shelf.policy, reference)
        asked = shelf.asked(text, self._encoder.query(text), topics, off_topic)
        if asked.doubt > 0:
            return Answer((), silent_on=self.about.get(asked.silent_on, ""))
        return Answer(asked.ranked)

    def doubt(self, shop: str, text: str, topics: Mapping[str, float], off_topic: float) -> float:
        """Log-odds that this policy has no answer."""
        return self.shelves[shop].asked(text, self._encoder.query(text), topics, off_topic).doubt

    def of_topic(self, shop: str, topic: str) -> Answer:
        """The clauses that answer a topic, or the silence about it."""
        shelf = self.shelves[shop]
        clauses = [shelf.policy.by_number[number] for number in shelf.topics.get(topic, ())[:SHOWN]]
        found = tuple(Found(clause, 1.0 / place) for place, clause in enumerate(clauses, start=1))
        return Answer(found, silent_on="" if found else self.about.get(topic, ""))

    def whole(self, shop: str, number: str) -> Answer:
        """A section, or a clause with all below it."""
        return _by_number(self.shelves[shop].policy, Reference(number, whole=True))

    def _read_map(self, path: Path, policy: Policy) -> TopicMap:
        """The owner's list; empty for a policy that nobody mapped."""
        topics = path.with_name("topics.yml")
        return read_topics(topics, policy, self.about) if topics.exists() else {}

    def _encoded(self, policies: Mapping[str, Policy], progress: Progress) -> dict[str, Encoded]:
        """All vectors of all shops, in one go: what was encoded before is remembered."""
        texts = {shop: _texts(policy) for shop, policy in policies.items()}
        rows = self._memo([text for parts in texts.values() for part in parts for text in part], progress)
        ends = np.cumsum([len(part) for parts in texts.values() for part in parts])
        split = iter(np.split(rows, ends[:-1]))
        found = {}
        for shop, (_, around, *parts) in texts.items():
            both = next(split) + next(split)
            both /= np.linalg.norm(both, axis=1, keepdims=True)
            each = [piece for part in parts for piece in part]
            found[shop] = Encoded(both, tuple(next(split) for _ in parts), around, each)
        return found

    def _nearness(self, shop: str, policy: Policy, encoded: Encoded) -> Nearness:
        of = np.repeat(np.arange(len(encoded.clauses)), [len(part) for part in encoded.pieces])
        rows = np.concatenate([encoded.clauses, *encoded.pieces])
        alike = Likeness(self._index(shop, policy, self._adapters.clauses(rows)), of)
        letters = Letters.of(encoded.around).beside([*encoded.around, *encoded.each])
        return Nearness(self._adapters, alike, letters)

    def _completed(
        self, shelf: Shelf, encoded: Encoded, others: Iterable[tuple[Matrix, Matrix]], unlisted: Sequence[int]
    ) -> Shelf:
        """The shelf with what is proposed for the topics (their rows) that its owner has not listed."""
        in_letters = self._worded([*encoded.around, *encoded.each]).T
        proposal = propose(self._spoken_of, self._usual, shelf.nearness.alike, in_letters)
        for theirs, weights in others:
            proposal = with_twins(proposal, encoded.clauses, theirs, weights)
        shelf.uncovered[unlisted] = 1 - proposal.covered[unlisted]
        shelf.weights[unlisted] = proposal.weights[unlisted]
        named = {self._topics[row]: proposal.named(row, shelf.policy) for row in unlisted}
        return replace(shelf, topics={**shelf.topics, **named})

    @cached_property
    def _wordings(self) -> list[tuple[str, ...]]:
        return [examples.wordings for examples in self._training if examples.topic]

    @cached_property
    def _spoken_of(self) -> Matrix:
        """How policies speak of each topic: the middle (t, d) of its adapted wordings."""
        memo = Memo(self._encoder.passages, self._home / "memo" / f"wordings-{self._encoder.key}.npz")
        vectors = memo([wording for wordings in self._wordings for wording in wordings], lambda _done, _total: None)
        return self._adapters.middles(vectors, [len(wordings) for wordings in self._wordings])

    @cached_property
    def _worded(self) -> Letters:
        """The topics in the letters of policies."""
        letters = Letters.of([wording for wordings in self._wordings for wording in wordings])
        return letters.middles([len(wordings) for wordings in self._wordings])

    def _index(self, shop: str, policy: Policy, vectors: Matrix) -> Vectors:
        """The FAISS slice on disk, keyed by content, model and adapters; a damaged one is made again."""
        content = f"{_VERSION}{self._encoder.key}{policy.clauses}".encode()
        digest = _digest(content + self._adapters.clause_map.tobytes())[:16]
        path = self._home / "index" / f"{shop}-{digest}.faiss"
        try:
            return Vectors.load(path)
        except RuntimeError:
            path.parent.mkdir(parents=True, exist_ok=True)
        made = Vectors.of(vectors)
        aside = path.with_suffix(f".{os.getpid()}")
        made.save(aside)
        for outdated in path.parent.glob(f"{shop}-{'?' * 16}.faiss"):
            outdated.unlink(missing_ok=True)
        aside.replace(path)
        return made


def policy_files(folder: Path) -> list[Path]:
    """knowledge/<shop>/policy.*, one a shop. Raises PolicyError for none at all or two in one shop."""
    found = sorted(path for path in folder.glob(f"*/{_POLICY_FILES}") if path.suffix in SUFFIXES)
    if not found:
        remedy = "Положите текст политики в knowledge/<магазин>/policy.txt."
        raise PolicyError(folder, 1, "нет ни одной политики", remedy)
    for first, second in pairwise(found):
        if first.parent == second.parent:
            raise PolicyError(second, 1, f"рядом лежит и {first.name}", "Оставьте один файл политики.")
    return found


def _texts(policy: Policy) -> list[list[str]]:
    """Clauses alone, with what stands around them, and the pieces of each."""
    alone = [clause.text for clause in policy.clauses]
    around = [f"{clause.heading} {clause.lead_in} {clause.text}" for clause in policy.clauses]
    return [alone, around, *(list(pieces(clause)) for clause in policy.clauses)]


def _by_number(policy: Policy, reference: Reference) -> Answer:
    clause = policy.by_number.get(reference.number)
    below = policy.under(reference.number)
    if clause is None and not below:
        return Answer((), missing=reference.number)
    clauses = ((clause,) if clause else ()) + below
    is_whole = bool(below) and (reference.whole or clause is None)
    found = tuple(Found(each, 1.0) for each in (clauses if is_whole else clauses[:SHOWN]))
    return Answer(found, whole=reference.number if is_whole else "")


def _stamp(folder: Path) -> str:
    files = sorted((*folder.glob(f"*/{_POLICY_FILES}"), *folder.glob("*/topics.yml")))
    return _digest(b"".join(str(path).encode() + path.read_bytes() for path in files))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
