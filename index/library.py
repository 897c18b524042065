"""The shops' policies, ready to be asked: clauses best first, or "the policy says nothing about this"."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from index.clauses import Clause, Policy, PolicyError, read_policy
from index.encoder import Encoder, Matrix, Vector
from index.memo import Memo
from index.packaged_model import Progress
from index.references import Reference, find_reference
from index.topics import TopicMap, propose, read_topics
from index.training import Examples
from index.vectors import Vectors

_VERSION = "1"
_RANKS = (1.0, 0.8, 0.6, 0.5, 0.4, 0.3)
_SILENT_MASS = 0.75
_NEIGHBOURS = 5
_NEIGHBOUR_WEIGHT = 0.02
_SHOWN = 3
_POLICY_FILES = "policy.*"


@dataclass(frozen=True)
class Found:
    """A clause that answers, and how strongly (0..1)."""

    clause: Clause
    score: float


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
class Shelf:
    """One shop's policy with its vectors, the clauses of each topic and the topics it is silent on."""

    policy: Policy
    edition: str
    vectors: Vectors
    topics: TopicMap
    silent: frozenset[str]


class Library:
    """All shops; made by `Library.open`. A question in flight keeps the shelf it began with."""

    def __init__(self, folder: Path, home: Path, encoder: Encoder, training: Sequence[Examples]) -> None:
        """`folder` is knowledge/, `home` the data directory."""
        self._folder, self._home, self._encoder = folder, home, encoder
        self._about = {examples.topic: examples.about for examples in training if examples.topic}
        self._memo = Memo(encoder.passages, home / "memo" / f"passages-{encoder.key}.npz")
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
        vectors = self._vectors(policies, progress)
        known = _known(policies, maps, vectors, self._about)
        shelves = {}
        for shop, policy in policies.items():
            proposal = propose(vectors[shop], _numbers(policy), known)
            topics = {**proposal, **maps[shop]}
            silent = frozenset(topic for topic in topics if _is_silent(topic, topics, maps[shop], known))
            index = self._index(shop, policy, vectors[shop])
            shelves[shop] = Shelf(policy, _digest(files[shop].read_bytes())[:12], index, topics, silent)
        self.shelves, self._stamp = shelves, stamp
        return True

    def ask(self, shop: str, text: str, topics: Mapping[str, float]) -> Answer:
        """The clauses that answer `text` (normalised), given the probabilities of its topics."""
        shelf = self.shelves[shop]
        reference = find_reference(text)
        if reference is not None:
            return _by_number(shelf.policy, reference)
        total = sum(topics.values()) or 1.0
        shares = {topic: mass / total for topic, mass in topics.items()}
        if self.silence(shop, topics) >= _SILENT_MASS:
            return Answer((), silent_on=self._silent_topic(shelf, shares))
        return Answer(self._ranked(shelf, text, shares))

    def of_topic(self, shop: str, topic: str) -> Answer:
        """The clauses that answer a topic, or the silence about it."""
        shelf = self.shelves[shop]
        numbers = shelf.topics.get(topic, ())[:_SHOWN]
        found = tuple(
            Found(shelf.policy.by_number[number], rank) for number, rank in zip(numbers, _RANKS, strict=False)
        )
        return Answer(found, silent_on="" if found else self._about.get(topic, ""))

    def whole(self, shop: str, number: str) -> Answer:
        """A section, or a clause with all below it."""
        return _by_number(self.shelves[shop].policy, Reference(number, whole=True))

    def silence(self, shop: str, topics: Mapping[str, float]) -> float:
        """The part (0..1) of the topics' probability on which this policy is silent."""
        silent = sum(mass for topic, mass in topics.items() if topic in self.shelves[shop].silent)
        return silent / (sum(topics.values()) or 1.0)

    def _silent_topic(self, shelf: Shelf, shares: Mapping[str, float]) -> str:
        """What the policy is silent on, in words («о передаче данных за границу»)."""
        return self._about.get(max(shelf.silent & shares.keys(), key=lambda topic: shares[topic]), "")

    def _ranked(self, shelf: Shelf, text: str, shares: Mapping[str, float]) -> tuple[Found, ...]:
        scores = rank_by_topics(shelf.topics, shares)
        for number, cosine in shelf.vectors.nearest(self._encoder.query(text), _NEIGHBOURS):
            scores[number] = scores.get(number, 0.0) + _NEIGHBOUR_WEIGHT * cosine
        best = sorted(scores, key=lambda number: -scores[number])[:_SHOWN]
        return tuple(Found(shelf.policy.by_number[number], min(scores[number], 1.0)) for number in best)

    def _read_map(self, path: Path, policy: Policy) -> TopicMap:
        """The owner's list; empty for a policy that nobody mapped."""
        topics = path.with_name("topics.yml")
        return read_topics(topics, policy, self._about) if topics.exists() else {}

    def _vectors(self, policies: Mapping[str, Policy], progress: Progress) -> dict[str, Matrix]:
        """For each shop the mean of each clause's vector alone and with its heading and parent."""
        clauses = [clause for policy in policies.values() for clause in policy.clauses]
        around = [f"{clause.heading} {clause.lead_in} {clause.text}" for clause in clauses]
        rows = self._memo([*(clause.text for clause in clauses), *around], progress)
        both = rows[: len(clauses)] + rows[len(clauses) :]
        both /= np.linalg.norm(both, axis=1, keepdims=True)
        ends = np.cumsum([len(policy.clauses) for policy in policies.values()])
        return dict(zip(policies, np.split(both, ends[:-1]), strict=True))

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
    found = sorted(path for path in folder.glob(f"*/{_POLICY_FILES}") if path.suffix in (".txt", ".md"))
    if not found:
        remedy = "Положите текст политики в knowledge/<магазин>/policy.txt."
        raise PolicyError(folder, 1, "нет ни одной политики", remedy)
    for first, second in pairwise(found):
        if first.parent == second.parent:
            raise PolicyError(second, 1, f"рядом лежит и {first.name}", "Оставьте один файл политики.")
    return found


def rank_by_topics(topics: TopicMap, shares: Mapping[str, float]) -> dict[str, float]:
    """A clause's score: the shares of the topics that it answers, each by the clause's place in the topic's list."""
    scores: dict[str, float] = {}
    for topic, share in shares.items():
        for number, weight in zip(topics.get(topic, ()), _RANKS, strict=False):
            scores[number] = scores.get(number, 0.0) + share * weight
    return scores


def _known(
    policies: Mapping[str, Policy], maps: Mapping[str, TopicMap], vectors: Mapping[str, Matrix], topics: Iterable[str]
) -> dict[str, Matrix]:
    """Vectors of the first clause that answers each topic in each mapped shop; none where all are silent."""
    known: dict[str, list[Vector]] = {topic: [] for topic in topics}
    for shop, listed in maps.items():
        row_of = {number: row for row, number in enumerate(_numbers(policies[shop]))}
        for topic, numbers in listed.items():
            known[topic].extend(vectors[shop][row_of[number]] for number in numbers[:1])
    return {topic: np.array(rows, np.float32) for topic, rows in known.items()}


def _is_silent(topic: str, topics: TopicMap, listed: TopicMap, known: Mapping[str, Matrix]) -> bool:
    """The owner says so; or nobody mapped this policy, others are mapped, and nothing here is like their answers."""
    if topics[topic]:
        return False
    return topic in listed or (not listed and any(map(len, known.values())))


def _by_number(policy: Policy, reference: Reference) -> Answer:
    clause = policy.by_number.get(reference.number)
    below = policy.under(reference.number)
    if clause is None and not below:
        return Answer((), missing=reference.number)
    clauses = ((clause,) if clause else ()) + below
    is_whole = bool(below) and (reference.whole or clause is None)
    found = tuple(Found(each, 1.0) for each in (clauses if is_whole else clauses[:_SHOWN]))
    return Answer(found, whole=reference.number if is_whole else "")


def _numbers(policy: Policy) -> tuple[str, ...]:
    return tuple(clause.number for clause in policy.clauses)


def _stamp(folder: Path) -> str:
    files = sorted((*folder.glob(f"*/{_POLICY_FILES}"), *folder.glob("*/topics.yml")))
    return _digest(b"".join(str(path).encode() + path.read_bytes() for path in files))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
