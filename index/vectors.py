"""A flat FAISS slice of one shop's policy."""

from pathlib import Path

import faiss
import numpy as np

from index.encoder import Matrix


class Vectors:
    """Rows of unit length; their inner products are cosines."""

    def __init__(self, index: faiss.Index) -> None:
        """Made by `of` or `load`."""
        self._index = index

    @classmethod
    def of(cls, matrix: Matrix) -> "Vectors":
        """Build from rows (n, d); rows are scaled to unit length."""
        unit = np.ascontiguousarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), np.float32)
        index = faiss.IndexFlatIP(unit.shape[1])
        index.add(unit)
        return cls(index)

    def cosines(self, vectors: Matrix) -> Matrix:
        """Cosines (k, n) of vectors of unit length (k, d) to each row."""
        best_first, rows = self._index.search(np.ascontiguousarray(vectors), self._index.ntotal)
        cosines: Matrix = np.empty_like(best_first)
        np.put_along_axis(cosines, rows, best_first, axis=1)
        return cosines

    def save(self, path: Path) -> None:
        """Write one file."""
        faiss.write_index(self._index, str(path))

    @classmethod
    def load(cls, path: Path) -> "Vectors":
        """Read what `save` wrote. Raises RuntimeError for a missing or damaged file."""
        return cls(faiss.read_index(str(path)))
