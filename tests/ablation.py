"""`python -m tests.ablation`: what each part brings, one left out or changed at a time, on the labelled dev half.

`--heldout` is for final figures: nothing is to be changed because of them. Each variation is fitted anew in memory;
nothing that the program keeps is touched.
"""
# ruff: noqa: T201  # its work is to print a table

import argparse
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np

from bot.evaluation import Figures
from bot.house import House
from bot.labels import Label, read_labels
from bot.measure import measure
from bot.rooms import Rooms
from bot.settings import read_settings
from bot.shops import read_shops
from bot.tickets import Tickets
from index.encoder import Matrix, Vector, load_encoder
from index.library import Library
from index.normalize import Normalizer
from index.proposals import Nearness
from index.recognizer import Recognizer, _fit
from index.training import QUESTION, Examples, read_training

DATA = Path(__file__).parent / "data"
FIGURES = (
    ("questions", "hit@1"),
    ("questions", "hit@3"),
    ("questions", "answer recall"),
    ("questions", "false on silent"),
    ("questions", "false on off topic"),
    ("intents", "accuracy"),
    ("intents", "forms by mistake"),
)


@dataclass(frozen=True)
class Variation:
    """A name, what is set to another value while it runs, and from what the recogniser is fitted."""

    name: str
    changed: Mapping[str, Any] = field(default_factory=dict)
    normalizes: bool = True
    examples: int | None = None  # a topic
    parted: bool = False

    @property
    def fitted(self) -> str:
        """Names what is fitted: variations of the same name share it."""
        parts = [name for name in self.changed if name.startswith(("index.classifier._", "index.spelling."))]
        return f"{self.normalizes} {self.examples} {self.parted} {parts}"


def _in_letters(near: Nearness, text: str) -> Vector:
    """How near a question is to each clause by its letters alone."""
    letters: Vector = near.alike.mixed(near.letters([text]))[0]
    return letters


VARIATIONS = (
    Variation("all of it"),
    Variation("text as it is typed", normalizes=False),
    Variation("words as they are spelt", {"index.spelling.Spelling.__call__": lambda _spelling, text: text}),
    Variation(
        "no encoder",
        {
            "index.classifier._SENTENCE_WEIGHT": 0.0,
            "index.classifier._MIDDLE_WEIGHT": 0.0,
            "index.proposals.Nearness.__call__": lambda near, text, _question: _in_letters(near, text),
        },
    ),
    Variation("no middle layer", {"index.classifier._MIDDLE_WEIGHT": 0.0}),
    Variation("no characters", {"index.classifier._CHARACTERS_WEIGHT": 0.0}),
    Variation("no nearness to clauses", {"index.shelves._NEARNESS": 0.0}),
    Variation(
        "no answers by number",
        {"index.library.find_reference": lambda _text: None, "index.recognizer.find_reference": lambda _text: None},
    ),
    Variation("doubt without nearness", {"index.shelves._TRUST": 0.0}),
    Variation("always an answer", {"index.shelves._NEAR_ENOUGH": -9.0}),
    Variation("intents and topics apart", parted=True),
    Variation("5 examples a topic", examples=5),
    Variation("10 examples a topic", examples=10),
    Variation("20 examples a topic", examples=20),
)


@dataclass(frozen=True)
class Parted:
    """Two classifiers instead of one: intents, with all questions as one of them, and topics among questions."""

    intents: Any
    topics: Any

    @property
    def labels(self) -> tuple[str, ...]:
        """All but the one for questions, then the topics."""
        return (*(label for label in self.intents.labels if label != QUESTION), *self.topics.labels)

    def probabilities(self, vectors: Matrix, texts: Sequence[str]) -> Matrix:
        """The topics share what the intents leave to questions."""
        intents = self.intents.probabilities(vectors, texts)
        asks = self.intents.labels.index(QUESTION)
        topics = self.topics.probabilities(vectors, texts) * intents[:, [asks]]
        rows: Matrix = np.hstack([np.delete(intents, asks, axis=1), topics])
        return rows


class Workshop:
    """What all variations share: the encoder, the examples, the library, and a folder to work in."""

    def __init__(self, folder: Path) -> None:
        """Open the program's own model; what is learnt from it is made in `folder`, with the vectors known so far."""
        self._settings = read_settings()
        data = self._settings.data_dir
        self._encoder = load_encoder(self._settings.embedding_model, data, _no_progress)
        self._encoder.features_of = lru_cache(maxsize=None)(self._encoder.features_of)
        self._training = read_training(self._settings.intents_dir)
        if (data / "memo").is_dir():
            shutil.copytree(data / "memo", folder / "memo")
        knowledge = self._settings.knowledge_dir
        self.library = Library.open(knowledge, folder, self._encoder, self._training, _no_progress)
        self._shops, self._folder = read_shops(knowledge), folder
        self._tickets = Tickets(folder / "konfident.db")
        self._fitted: dict[str, Recognizer] = {}

    def figures(self, variation: Variation, labels: Sequence[Label]) -> Figures:
        """Fit and measure."""
        with ExitStack() as changes:
            for name, value in variation.changed.items():
                changes.enter_context(patch(name, value))
            fitted = variation.fitted
            if fitted not in self._fitted:
                self._fitted[fitted] = self._recognizer(variation)
            return measure(self._house(self._fitted[fitted]), labels)

    def _house(self, recogniser: Recognizer) -> House:
        rooms = Rooms(dict(self._shops), self.library, recogniser, self._tickets)
        with patch("bot.house.open_rooms", lambda _settings, _progress: rooms):
            return House(self._settings, lambda _what: _no_progress)

    def _recognizer(self, variation: Variation) -> Recognizer:
        training = [_fewer(examples, variation.examples) for examples in self._training]
        usual = Normalizer(text for examples in training for text in examples.texts)
        normalizer: Any = usual if variation.normalizes else str
        if variation.parted:
            topics = [examples for examples in training if examples.topic]
            every = Examples(QUESTION, tuple(text for examples in topics for text in examples.texts))
            intents = [*(examples for examples in training if not examples.topic), every]
            model: Any = Parted(self._fit(intents, normalizer), self._fit(topics, normalizer))
        else:
            model = self._fit(training, normalizer)
        return Recognizer(self._encoder, normalizer, model)

    def _fit(self, training: Sequence[Examples], normalizer: Normalizer) -> Any:
        """In a folder of its own: the memory of vectors keeps only those of the last texts."""
        with tempfile.TemporaryDirectory(dir=self._folder) as own:
            shutil.copytree(self._folder / "memo", Path(own) / "memo")
            return _fit(training, self._encoder, normalizer, Path(own), lambda _what: _no_progress)


def main() -> None:
    """Print a row a variation."""
    parser = argparse.ArgumentParser(prog="python -m tests.ablation", description="What each part brings.")
    parser.add_argument("--heldout", action="store_true", help="the half for final figures instead of the dev half")
    half = "heldout" if parser.parse_args().heldout else "dev"
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Path(folder))
        clauses = {shop: shelf.policy.by_number for shop, shelf in workshop.library.shelves.items()}
        labels = [
            label for name in ("questions", "intents") for label in read_labels(DATA / f"{name}.{half}.jsonl", clauses)
        ]
        print(f"{half} half, {len(labels)} texts; shares with their 95 % intervals")
        print(_row("", (name for _, name in FIGURES)))
        for variation in VARIATIONS:
            figures = workshop.figures(variation, labels)
            print(_row(variation.name, (_cell(figures[part][name]) for part, name in FIGURES)), flush=True)


def _row(name: str, cells: Iterable[str]) -> str:
    return f"{name:26}{''.join(f'{cell:20}' for cell in cells)}".rstrip()


def _cell(share: Figures) -> str:
    return f"{share['share']:.3f} {share['low']:.2f}-{share['high']:.2f}"


def _fewer(examples: Examples, count: int | None) -> Examples:
    """So many of a topic's examples, by a throw of dice that always falls alike."""
    if count is None or not examples.topic:
        return examples
    chosen = Random(examples.topic).sample(examples.texts, min(count, len(examples.texts)))  # noqa: S311  # no secret
    return replace(examples, texts=tuple(chosen))


def _no_progress(_done: int, _total: int) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    main()
