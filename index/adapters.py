"""Two linear adapters that bring customers' questions near to the words of policies; fitted once, kept by content.

A question's vector goes through I + A, a clause's through I + B, each centred on its kind's mean before and of unit
length after. They learn from intents/ alone (examples against wordings of their topic), from no shop: so an owner's
edit never fits them again. Fitting takes some seconds and needs torch; using them takes neither.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from index.encoder import Encoder, Matrix, Vector, sentences
from index.memo import Memo
from index.normalize import Normalizer
from index.packaged_model import Progress
from index.training import Examples

_PASSES = 6
_BATCH = 256
_SHARPNESS = 20.0
_DROPOUT = 0.3
_RATE = 2e-3
_SEED = 0
_VERSION = "3"


@dataclass(frozen=True)
class Adapters:
    """Square matrices (d, d) with the means (d) they start from.

    `topics` (t, d), rows of unit length, are how policies speak of each.
    """

    question_mean: Vector
    question_map: Matrix
    clause_mean: Vector
    clause_map: Matrix
    topics: Matrix

    def questions(self, vectors: Matrix) -> Matrix:
        """Adapted vectors of questions, rows of unit length."""
        return _unit(_unit(vectors - self.question_mean) @ self.question_map)

    def clauses(self, vectors: Matrix) -> Matrix:
        """Adapted vectors of clauses, rows of unit length."""
        return _unit(_unit(vectors - self.clause_mean) @ self.clause_map)


def fit_or_load(training: Sequence[Examples], encoder: Encoder, home: Path, progress: Progress) -> Adapters:
    """The adapters of these examples and wordings, fitted when they or the model changed, else read from `home`."""
    topics = [examples for examples in training if examples.topic]
    path = home / "adapters" / f"{_fingerprint(topics, encoder)}.npz"
    kept = _kept(path)
    if kept is None:
        kept = _fit(
            topics, Normalizer(text for examples in training for text in examples.texts), encoder, home, progress
        )
        _keep(kept, path)
    return kept


def _fingerprint(topics: Sequence[Examples], encoder: Encoder) -> str:
    content = repr([(examples.intent, examples.texts, examples.wordings) for examples in topics])
    return hashlib.sha256(f"{_VERSION}|{encoder.key}|{content}".encode()).hexdigest()[:16]


def _kept(path: Path) -> Adapters | None:
    """What was fitted before; a damaged file is as none."""
    try:
        with np.load(path) as kept:
            return Adapters(**kept)
    except (OSError, ValueError, EOFError, KeyError, TypeError, BadZipFile):
        return None


def _keep(adapters: Adapters, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.stem}.{os.getpid()}.npz.part")
    with aside.open("wb") as file:
        np.savez(file, **asdict(adapters))
    for outdated in path.parent.glob("*.npz"):
        outdated.unlink(missing_ok=True)
    aside.replace(path)


def _fit(
    topics: Sequence[Examples], normalize: Normalizer, encoder: Encoder, home: Path, progress: Progress
) -> Adapters:
    texts = [normalize(text) for examples in topics for text in examples.texts]
    questions = sentences(Memo(encoder.features, home / "memo" / f"queries-{encoder.key}.npz")(texts, progress))
    wordings = [text for examples in topics for text in examples.wordings]
    clauses = Memo(encoder.passages, home / "memo" / f"wordings-{encoder.key}.npz")(wordings, progress)
    asked = np.repeat(np.arange(len(topics)), [len(examples.texts) for examples in topics])
    worded = np.repeat(np.arange(len(topics)), [len(examples.wordings) for examples in topics])
    means = questions.mean(axis=0), clauses.mean(axis=0)
    first, second = _train(_unit(questions - means[0]), _unit(clauses - means[1]), asked[:, None] == worded, progress)
    adapted = _unit(_unit(clauses - means[1]) @ second)
    middles = np.stack([adapted[worded == topic].mean(axis=0) for topic in range(len(topics))])
    return Adapters(means[0], first, means[1], second, _unit(middles))


def _train(questions: Matrix, clauses: Matrix, right: np.ndarray, progress: Progress) -> tuple[Matrix, Matrix]:
    """The two maps under which a question's softmax over all wordings falls on its own topic's (`right`, n x m)."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # matrices this small only wait for one another on several cores
    try:
        with torch.random.fork_rng():
            return _descend(torch.from_numpy(questions), torch.from_numpy(clauses), torch.from_numpy(right), progress)
    finally:
        torch.set_num_threads(threads)


def _descend(questions: Any, clauses: Any, right: Any, progress: Progress) -> tuple[Matrix, Matrix]:
    import torch
    from torch.nn.functional import dropout, normalize

    torch.manual_seed(_SEED)
    targets = right / right.sum(dim=1, keepdim=True)
    first, second = (torch.zeros(questions.shape[1], questions.shape[1], requires_grad=True) for _ in range(2))
    descent = torch.optim.AdamW([first, second], lr=_RATE)
    shuffled: list[Any] = [torch.randperm(len(questions)) for _ in range(_PASSES)]
    steps = [batch for order in shuffled for batch in order.split(_BATCH)]
    for done, batch in enumerate(steps, start=1):
        asked = normalize(questions[batch] + dropout(questions[batch], _DROPOUT) @ first)
        answers = normalize(clauses + dropout(clauses, _DROPOUT) @ second)
        loss = -(targets[batch] * (_SHARPNESS * asked @ answers.T).log_softmax(dim=1)).sum(dim=1).mean()
        descent.zero_grad()
        loss.backward()
        descent.step()
        progress(done, len(steps))
    same = np.eye(questions.shape[1], dtype=np.float32)
    return same + first.detach().numpy(), same + second.detach().numpy()


def _unit(rows: Matrix) -> Matrix:
    unit: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit
