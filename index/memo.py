"""Vectors of texts that were encoded before, kept in one file, so that a changed text re-encodes only itself."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from index.encoder import Matrix
from index.packaged_model import Progress

_CHUNK = 256


class Memo:
    """An encoding function with a memory on disk."""

    def __init__(self, encode: Callable[[Sequence[str]], Matrix], path: Path) -> None:
        """Read what `path` (.npz) remembers; a damaged file is forgotten."""
        self._encode, self._path = encode, path
        self._rows: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}
        with contextlib.suppress(OSError, ValueError, EOFError, KeyError, BadZipFile), np.load(path) as kept:
            self._rows = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))

    def __call__(self, texts: Sequence[str], progress: Progress) -> Matrix:
        """One row a text; only texts never seen are encoded. Forgets texts that are no longer asked for."""
        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows}
        unseen = sorted(new, key=lambda key: len(new[key]))  # texts of one length make quick batches
        for start in range(0, len(unseen), _CHUNK):
            chunk = unseen[start : start + _CHUNK]
            self._rows.update(zip(chunk, self._encode([new[key] for key in chunk]), strict=True))
            progress(min(start + _CHUNK, len(unseen)), len(unseen))
        if unseen:
            self._save(set(keys))
        return np.stack([self._rows[key] for key in keys])

    def _save(self, wanted: set[str]) -> None:
        self._rows = {key: row for key, row in self._rows.items() if key in wanted}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_name(f"{self._path.stem}.{os.getpid()}.npz")
        np.savez(aside, keys=np.array(list(self._rows)), vectors=np.stack(list(self._rows.values())))
        aside.replace(self._path)
