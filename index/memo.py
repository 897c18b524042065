"""Vectors of texts that were encoded before, so that a changed text re-encodes only itself.

They are kept in one file, a byte a number (at a cosine of 0.9999 to the encoder's own, or better). The vectors of the
project's own examples come with it in `index/encoded`: nobody waits minutes for them at the first start.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence
from math import gcd
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from index.encoder import Matrix
from index.packaged_model import Progress

_Row = tuple[np.ndarray[tuple[int], np.dtype[np.float32]], np.ndarray[tuple[int, int], np.dtype[np.int8]]]

SHIPPED = Path(__file__).with_name("encoded")
_CHUNK = 256
_BLOCK = 64
_MOST = 127


class Memo:
    """An encoding function with a memory on disk."""

    def __init__(self, encode: Callable[[Sequence[str]], Matrix], path: Path) -> None:
        """Read what `path` (.npz) remembers and what is shipped under its name; a damaged file is forgotten."""
        self._encode, self._path = encode, path
        self._rows = {**_read(SHIPPED / path.name), **_read(path)}

    def __call__(self, texts: Sequence[str], progress: Progress) -> Matrix:
        """One row a text; only texts never seen are encoded. Forgets texts that are no longer asked for."""
        keys = [_key(text) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows}
        unseen = sorted(new, key=lambda key: len(new[key]))  # texts of one length make quick batches
        for start in range(0, len(unseen), _CHUNK):
            chunk = unseen[start : start + _CHUNK]
            self._rows.update(zip(chunk, _packed(self._encode([new[key] for key in chunk])), strict=True))
            progress(min(start + _CHUNK, len(unseen)), len(unseen))
        if unseen:
            self._save(set(keys))
        return _unpacked([self._rows[key] for key in keys])

    def _save(self, wanted: set[int]) -> None:
        self._rows = {key: row for key, row in self._rows.items() if key in wanted}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_name(f"{self._path.stem}.{os.getpid()}.npz")
        scales, codes = (np.stack(each) for each in zip(*self._rows.values(), strict=True))
        np.savez(aside, keys=np.array(list(self._rows), np.uint64), scales=scales, codes=codes)
        aside.replace(self._path)


def _read(path: Path) -> dict[int, _Row]:
    damaged = (OSError, ValueError, EOFError, KeyError, BadZipFile)
    with contextlib.suppress(*damaged), path.open("rb") as file, np.load(file) as kept:
        return dict(zip(kept["keys"].tolist(), zip(kept["scales"], kept["codes"], strict=True), strict=True))
    return {}


def _key(text: str) -> int:
    """64 bits of a digest: among a million texts two share a key once in 37 million times."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def _packed(vectors: Matrix) -> list[_Row]:
    """Numbers in units of their block's scale: a few of a layer's numbers are far greater than the others."""
    blocks = vectors.reshape(len(vectors), -1, gcd(vectors.shape[1], _BLOCK))
    scales = np.abs(blocks).max(axis=2) / np.float32(_MOST) + np.finfo(np.float32).tiny
    return list(zip(scales, np.rint(blocks / scales[:, :, np.newaxis]).astype(np.int8), strict=True))


def _unpacked(rows: Sequence[_Row]) -> Matrix:
    scales, codes = (np.stack(each) for each in zip(*rows, strict=True))
    vectors: Matrix = (codes * scales[:, :, np.newaxis]).reshape(len(rows), -1)
    return vectors
