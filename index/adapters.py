"""Two linear adapters that bring customers' questions near to the words of policies.

A question's vector goes through I + A, a clause's through I + B, each centred on its kind's mean before and of unit
length after. They learn from intents/ alone (examples against wordings of their topic), from no shop, and come with
the project in `index/encoded`: neither an owner's edit nor a changed example fits them again. For another encoder they
are fitted once, in about a minute, and kept. Fitting needs torch, using them does not.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from index.encoder import Encoder, Matrix, Vector, sentences
from index.memo import SHIPPED, Memo
from index.normalize import Normalizer
from index.packaged_model import Progress
from index.training import Examples

_PASSES = 6
_BATCH = 256
_SHARPNESS = 20.0
_DROPOUT = 0.3
_RATE = 2e-3
_SEED = 0
_VERSION = "1"


@dataclass(frozen=True)
class Adapters:
    """Square matrices (d, d) with the means (d) they start from."""

    question_mean: Vector
    question_map: Matrix
    clause_mean: Vector
    clause_map: Matrix

    def questions(self, vectors: Matrix) -> Matrix:
        """Adapted vectors of questions, rows of unit length."""
        return _unit(_unit(vectors - self.question_mean) @ self.question_map)

    def clauses(self, vectors: Matrix) -> Matrix:
        """Adapted vectors of clauses, rows of unit length."""
        return _unit(_unit(vectors - self.clause_mean) @ self.clause_map)

    def middles(self, vectors: Matrix, groups: Sequence[int]) -> Matrix:
        """The middle, of unit length, of each run of so many adapted clauses."""
        adapted = np.split(self.clauses(vectors), np.cumsum(groups)[:-1])
        return _unit(np.stack([some.mean(axis=0) for some in adapted]))


def fit_or_load(training: Sequence[Examples], encoder: Encoder, home: Path, progress: Progress) -> Adapters:
    """Adapters of this encoder: those shipped, else those kept in `home`, else fitted and kept there."""
    name = f"adapters-{encoder.key}-{_VERSION}.npz"
    kept = _kept(SHIPPED / name) or _kept(home / "adapters" / name)
    if kept is None:
        kept = _fit(training, encoder, home, progress)
        _keep(kept, home / "adapters" / name)
    return kept


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
    aside.replace(path)


def _fit(training: Sequence[Examples], encoder: Encoder, home: Path, progress: Progress) -> Adapters:
    normalize = Normalizer(text for examples in training for text in examples.texts)
    topics = [examples for examples in training if examples.topic]
    texts = [normalize(text) for examples in topics for text in examples.texts]
    questions = sentences(Memo(encoder.features, home / "memo" / f"queries-{encoder.key}.npz")(texts, progress))
    wordings = [text for examples in topics for text in examples.wordings]
    clauses = Memo(encoder.passages, home / "memo" / f"wordings-{encoder.key}.npz")(wordings, progress)
    asked = np.repeat(np.arange(len(topics)), [len(examples.texts) for examples in topics])
    worded = np.repeat(np.arange(len(topics)), [len(examples.wordings) for examples in topics])
    means = questions.mean(axis=0), clauses.mean(axis=0)
    maps = _train(_unit(questions - means[0]), _unit(clauses - means[1]), asked[:, None] == worded, progress)
    return Adapters(means[0], maps[0], means[1], maps[1])


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
