"""The shops' policies, ready to be asked: clauses best first, or "the policy says nothing about this"."""

import hashlib
import shutil
import tempfile
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
from index.proposals import Nearness, likeness, pieces, propose, with_twins
from index.references import Reference, find_reference
from index.shelves import SHOWN, Found, Shelf
from index.topics import TopicMap, mapped, read_topics
from index.training import Examples
from index.vectors import Vectors

_VERSION = "1"
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

    def __init__(self, folder: Path, home: Path, encoder: Encoder, training: Sequence[Examples]) -> None:
        """`folder` is knowledge/, `home` the data directory."""
        self._folder, self._home, self._encoder = folder, home, encoder
        self.about = {examples.topic: examples.about for examples in training if examples.topic}
        self._memo = Memo(encoder.passages, home / "memo" / f"passages-{encoder.key}.npz")
        self._topics, self._training = tuple(self.about), training
        self._usual = np.array([examples.usual for examples in training if examples.topic], np.float32)
        self._fitted: Adapters | None = None
        self._stamp = ""
        self.shelves: Mapping[str, Shelf] = {}

    @classmethod
    def open(
        cls, folder: Path, home: Path, encoder: Encoder, training: Sequence[Examples], progress: Progress
    ) -> "Library":
        """Read all policies, making the index where there is none. Raises PolicyError, IntentsError."""
        library = cls(folder, home, encoder, training)
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
        encoded = self._encoded(policies, maps, progress)
        weights = {shop: mapped(maps[shop], self._topics, policy) for shop, policy in policies.items()}
        siblings = {shop: (encoded[shop].clauses, weights[shop]) for shop in policies if maps[shop]}
        shelves = {}
        for shop, policy in policies.items():
            edition = _digest(files[shop].read_bytes())[:12]
            index = self._index(shop, policy, encoded[shop].clauses)
            shelf = Shelf(policy, edition, index, maps[shop], weights[shop], np.zeros(len(self._topics), np.float32))
            others = [sibling for other, sibling in siblings.items() if other != shop]
            shelves[shop] = self._completed(shelf, encoded[shop], others, progress)
        self.shelves, self._stamp = shelves, stamp
        return True

    def ask(self, shop: str, text: str, topics: Mapping[str, float]) -> Answer:
        """The clauses that answer `text` (normalised), given the probabilities of its topics."""
        shelf = self.shelves[shop]
        reference = find_reference(text)
        if reference is not None:
            return _by_number(shelf.policy, reference)
        shares = shelf.shares(topics)
        silent_on = shelf.silent_on(shares)
        if silent_on:
            return Answer((), silent_on=self.about[silent_on])
        return Answer(shelf.ranked(text, self._encoder.query(text), shares))

    def in_the_words_of(self, shop: str, text: str) -> Answer:
        """The clauses that name all that `text` (normalised) names; for words that no topic is told by."""
        return Answer(self.shelves[shop].in_the_words_of(text))

    def of_topic(self, shop: str, topic: str) -> Answer:
        """The clauses that answer a topic, or the silence about it."""
        shelf = self.shelves[shop]
        clauses = [shelf.policy.by_number[number] for number in shelf.topics.get(topic, ())[:SHOWN]]
        found = tuple(Found(clause, 1.0 / place) for place, clause in enumerate(clauses, start=1))
        return Answer(found, silent_on="" if found else self.about.get(topic, ""))

    def whole(self, shop: str, number: str) -> Answer:
        """A section, or a clause with all below it."""
        return _by_number(self.shelves[shop].policy, Reference(number, whole=True))

    def silence(self, shop: str, topics: Mapping[str, float]) -> float:
        """The part (0..1) of the topics' probability on which this policy is silent."""
        shelf = self.shelves[shop]
        return float(shelf.shares(topics) @ shelf.uncovered)

    def _read_map(self, path: Path, policy: Policy) -> TopicMap:
        """The owner's list; empty for a policy that nobody mapped."""
        topics = path.with_name("topics.yml")
        return read_topics(topics, policy, self.about) if topics.exists() else {}

    def _encoded(
        self, policies: Mapping[str, Policy], maps: Mapping[str, TopicMap], progress: Progress
    ) -> dict[str, Encoded]:
        """All vectors of all shops, in one go: what was encoded before is remembered. Pieces only where proposed."""
        texts = {shop: _texts(policy, self._unlisted(maps[shop])) for shop, policy in policies.items()}
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

    def _unlisted(self, listed: TopicMap) -> list[int]:
        """Rows of the topics of which the owner has said nothing."""
        return [row for row, topic in enumerate(self._topics) if topic not in listed]

    def _completed(
        self, shelf: Shelf, encoded: Encoded, others: Iterable[tuple[Matrix, Matrix]], progress: Progress
    ) -> Shelf:
        """The shelf with what is proposed for every topic that its owner has not listed."""
        unlisted = self._unlisted(shelf.topics)
        silent = [topic in shelf.topics and not shelf.topics[topic] for topic in self._topics]
        uncovered = np.array(silent, np.float32)
        named = {topic: shelf.topics.get(topic, ()) for topic in self._topics}
        if not unlisted:
            return replace(shelf, topics=named, uncovered=uncovered)
        adapters = self._adapters(progress)
        alike = likeness(adapters, encoded.clauses, encoded.pieces)
        in_letters = self._worded(encoded.around).T, self._worded(encoded.each).T
        proposal = propose(adapters.topics, self._usual, alike, in_letters)
        for theirs, weights in others:
            proposal = with_twins(proposal, encoded.clauses, theirs, weights)
        uncovered[unlisted] = 1 - proposal.covered[unlisted]
        shelf.weights[unlisted] = proposal.weights[unlisted]
        named |= {self._topics[row]: proposal.named(row, shelf.policy) for row in unlisted}
        if shelf.topics:
            return replace(shelf, topics=named, uncovered=uncovered)
        letters = Letters.of(encoded.around).beside([*encoded.around, *encoded.each])
        return replace(shelf, topics=named, uncovered=uncovered, nearness=Nearness(adapters, alike, letters))

    def _adapters(self, progress: Progress) -> Adapters:
        """Fitted or read on the first policy that needs them."""
        if self._fitted is None:
            self._fitted = fit_or_load(self._training, self._encoder, self._home, progress)
        return self._fitted

    @cached_property
    def _worded(self) -> Letters:
        """The topics in the letters of policies."""
        topics = [examples.wordings for examples in self._training if examples.topic]
        letters = Letters.of([wording for wordings in topics for wording in wordings])
        return letters.middles([len(wordings) for wordings in topics])

    def _index(self, shop: str, policy: Policy, vectors: Matrix) -> Vectors:
        """The FAISS slice on disk, keyed by content and model; a damaged one is made again."""
        folder = (
            self._home / "index" / f"{shop}-{_digest(f'{_VERSION}{self._encoder.key}{policy.clauses}'.encode())[:16]}"
        )
        try:
            return Vectors.load(folder)
        except (OSError, ValueError, RuntimeError):
            shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Vectors.of(_numbers(policy), vectors)
        with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
            (Path(aside) / "made").mkdir()
            made.save(Path(aside) / "made")
            (Path(aside) / "made").rename(folder)
        for outdated in folder.parent.glob(f"{shop}-{'?' * 16}"):
            if outdated != folder:
                shutil.rmtree(outdated, ignore_errors=True)
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


def _texts(policy: Policy, unlisted: Sequence[int]) -> list[list[str]]:
    """Clauses alone, with what stands around them, and the pieces of each where a proposal needs them."""
    alone = [clause.text for clause in policy.clauses]
    around = [f"{clause.heading} {clause.lead_in} {clause.text}" for clause in policy.clauses]
    return [alone, around, *(list(pieces(clause)) if unlisted else [] for clause in policy.clauses)]


def _by_number(policy: Policy, reference: Reference) -> Answer:
    clause = policy.by_number.get(reference.number)
    below = policy.under(reference.number)
    if clause is None and not below:
        return Answer((), missing=reference.number)
    clauses = ((clause,) if clause else ()) + below
    is_whole = bool(below) and (reference.whole or clause is None)
    found = tuple(Found(each, 1.0) for each in (clauses if is_whole else clauses[:SHOWN]))
    return Answer(found, whole=reference.number if is_whole else "")


def _numbers(policy: Policy) -> tuple[str, ...]:
    return tuple(clause.number for clause in policy.clauses)


def _stamp(folder: Path) -> str:
    files = sorted((*folder.glob(f"*/{_POLICY_FILES}"), *folder.glob("*/topics.yml")))
    return _digest(b"".join(str(path).encode() + path.read_bytes() for path in files))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
