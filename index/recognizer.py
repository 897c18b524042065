"""A message -> wishes, topics and talk, ranked by one classifier that is fitted on intents/ and kept by content."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from pickle import UnpicklingError

import joblib
import numpy as np

from index.classifier import Classifier, fit
from index.encoder import Encoder
from index.memo import Memo
from index.normalize import Normalizer
from index.packaged_model import Progress
from index.parts import denials, is_asked, questions, statements
from index.references import find_reference, is_unmistakable
from index.training import OUT_OF_SCOPE, QUESTION, TOPIC, WISHES, Examples

_VERSION = "11"
_CERTAIN_PART = 0.8
_STATED_PART = 0.7
_LIKELY_PART = 0.3
_CONFIRMED_PART = 0.1
_SURE_WISH = 0.75
_SURE_WISH_ASKED = 0.995  # «как поменять номер?» may ask for the rule only
_SURE_OF_WHAT_HAPPENED = {"complain": 0.8, "access": 0.8}  # «откуда у вас мой номер?» asks for no rule
_CLOSE = 0.7
_ALONE, _ASKED_BEFORE = 0.45, 0.8


@dataclass(frozen=True)
class Reading:
    """What a message may mean: its normalised text and a probability for each intent and topic.

    `others` are further wishes; `questions` the topics of a message that asks two things, else empty.
    """

    text: str
    probabilities: Mapping[str, float]
    names_clause: bool = False
    others: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()

    @cached_property
    def topics(self) -> dict[str, float]:
        """Topic -> probability, without the others."""
        found = self.probabilities.items()
        return {name.removeprefix(TOPIC): mass for name, mass in found if name.startswith(TOPIC)}

    @cached_property
    def best(self) -> str:
        """The likeliest intent; any topic, or a clause named by number, is "ask_policy"."""
        if self.is_sure_wish:
            return self.wish
        if self.names_clause:
            return QUESTION
        return max(self.probabilities, key=self.probabilities.__getitem__).split("/")[0]

    @property
    def confidence(self) -> float:
        """Probability of the best intent, all topics together for a question."""
        if self.best != QUESTION:
            return self.probabilities[self.best]
        return 1.0 if self.names_clause else sum(self.topics.values())

    @property
    def is_sure_wish(self) -> bool:
        """Sure enough to open a form at once; a doubtful wish gets the clause with a button."""
        asked = _SURE_OF_WHAT_HAPPENED.get(self.wish, _SURE_WISH_ASKED)
        return self.wish_mass >= (asked if is_asked(self.text) else _SURE_WISH)

    @property
    def wish(self) -> str:
        """The likeliest wish, whether or not there is one."""
        return max(WISHES, key=lambda wish: self.probabilities.get(wish, 0.0))

    @property
    def rival(self) -> str:
        """A wish that is nearly as likely as the best one; "" when the best stands out or both are meant."""
        second = max((wish for wish in WISHES if wish != self.wish), key=lambda wish: self.probabilities.get(wish, 0.0))
        close = self.probabilities.get(second, 0.0) >= _CLOSE * self.probabilities.get(self.wish, 0.0)
        return second if close and second not in self.others else ""

    @property
    def wish_mass(self) -> float:
        """Probability that the message wishes something done."""
        return sum(self.probabilities.get(wish, 0.0) for wish in WISHES)

    @property
    def intents(self) -> tuple[str, ...]:
        """All that was recognised, the best first."""
        return (self.best, *self.others)


class Recognizer:
    """Reads messages; made by `fit_or_load`."""

    def __init__(self, encoder: Encoder, normalizer: Normalizer, model: Classifier) -> None:
        """The encoder and what was learnt from the examples."""
        self._encoder, self._normalize, self._model = encoder, normalizer, model

    def read(self, text: str) -> Reading:
        """One encoding for a message; a wish beside other sentences costs one more, for its parts."""
        text = self._normalize(text)
        probabilities = self._probabilities(text)
        reference = find_reference(text)
        names_clause = reference is not None and (
            is_unmistakable(reference, text) or probabilities.get(OUT_OF_SCOPE, 0.0) < _CERTAIN_PART
        )
        reading = Reading(text, probabilities, names_clause)
        if reading.best in WISHES:
            return self._with_other_wishes(reading)
        if reading.best == QUESTION and not reading.names_clause:
            return replace(reading, questions=self._several_questions(text, reading))
        return reading

    def _probabilities(self, text: str) -> dict[str, float]:
        row = self._model.probabilities(self._encoder.features_of(text)[np.newaxis], [text])[0]
        return dict(zip(self._model.labels, row.tolist(), strict=True))

    def _several_questions(self, text: str, whole: Reading) -> tuple[str, ...]:
        """Topics that parts of the message ask about for certain, or that the whole confirms; at least two."""
        parts = questions(text)
        if len(parts) < 2:
            return ()
        rows = self._model.probabilities(self._encoder.features(parts), parts)
        found = [(self._model.labels[row.argmax()], row.max()) for row in rows]
        topics = dict.fromkeys(
            name.removeprefix(TOPIC)
            for name, mass in found
            if name.startswith(TOPIC)
            and (mass >= _CERTAIN_PART or (mass >= _LIKELY_PART and whole.probabilities[name] >= _CONFIRMED_PART))
        )
        return tuple(topics) if len(topics) > 1 else ()

    def read_after(self, text: str, before: str) -> Reading:
        """A fragment («а курьерам?») in the light of the question before it.

        What the fragment says alone and what both say together must agree: the weighted geometric mean of the two
        readings; and it hardly asks again what was asked before: that counts for a fifth.
        """
        alone, together = self.read(text), self.read(f"{before.rstrip(' ?.!')} {text}")
        asked = self._probabilities(self._normalize(before))
        pairs = ((name, alone.probabilities[name], together.probabilities[name]) for name in asked)
        means = {
            name: one**_ALONE * other ** (1 - _ALONE) * (1 - _ASKED_BEFORE * asked[name]) for name, one, other in pairs
        }
        total = sum(means.values())
        return replace(alone, probabilities={name: mean / total for name, mean in means.items()})

    def _with_other_wishes(self, whole: Reading) -> Reading:
        """What parts wish for certain, in the order of the message; a wish that is denied gives way to them."""
        parts = statements(whole.text)
        stated = self._wishes(parts) if len(parts) > 1 or denials(whole.text) else ()
        if stated and whole.best not in stated and whole.best in self._wishes(denials(whole.text)):
            masses = whole.probabilities
            swapped = {**masses, stated[0]: masses[whole.best], whole.best: masses[stated[0]]}
            whole = replace(whole, probabilities=swapped)
        return replace(whole, others=tuple(wish for wish in stated if wish != whole.best))

    def _wishes(self, parts: Sequence[str]) -> tuple[str, ...]:
        """What parts of a message wish for certain."""
        if not parts:
            return ()
        rows = self._model.probabilities(self._encoder.features(parts), parts)
        found = (self._model.labels[row.argmax()] for row in rows if row.max() >= _STATED_PART)
        return tuple(dict.fromkeys(name for name in found if name in WISHES))


def fit_or_load(
    training: Sequence[Examples], encoder: Encoder, home: Path, progress: Callable[[str], Progress]
) -> Recognizer:
    """The recogniser of these examples, fitted when they or the model changed, else read from `home`."""
    normalizer = Normalizer(text for examples in training for text in examples.texts)
    path = home / "recognizer" / f"{_fingerprint(training, encoder)}.joblib"
    model = _kept(path)
    if model is None:
        model = _fit(training, encoder, normalizer, home, progress)
        _keep(model, path)
    return Recognizer(encoder, normalizer, model)


def _kept(path: Path) -> Classifier | None:
    """What was fitted before; a damaged file is as none."""
    try:
        model: Classifier = joblib.load(path)
    except (OSError, EOFError, ValueError, IndexError, KeyError, UnpicklingError):
        return None
    return model


def _keep(model: Classifier, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}")
    joblib.dump(model, aside)
    for outdated in path.parent.glob("*.joblib"):
        outdated.unlink(missing_ok=True)
    aside.replace(path)


def _fingerprint(training: Sequence[Examples], encoder: Encoder) -> str:
    content = repr([(examples.intent, examples.texts) for examples in training])
    return hashlib.sha256(f"{_VERSION}|{encoder.key}|{content}".encode()).hexdigest()[:16]


def _fit(
    training: Sequence[Examples],
    encoder: Encoder,
    normalizer: Normalizer,
    home: Path,
    progress: Callable[[str], Progress],
) -> Classifier:
    labels = [examples.intent for examples in training for _ in examples.texts]
    texts = [normalizer(text) for examples in training for text in examples.texts]
    features = Memo(encoder.features, home / "memo" / f"queries-{encoder.key}.npz")(texts, progress("examples"))
    return fit(features, texts, labels, progress("recognizer"))
