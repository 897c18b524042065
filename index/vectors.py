"""A flat FAISS slice of one shop's clauses."""

import json
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np

from index.encoder import Matrix, Vector


class Vectors:
    """Names and their unit vectors; nearest by inner product, which is the cosine."""

    def __init__(self, names: Sequence[str], index: faiss.Index) -> None:
        """`names[i]` belongs to the index's row i."""
        self.names, self._index = tuple(names), index

    @classmethod
    def of(cls, names: Sequence[str], matrix: Matrix) -> "Vectors":
        """Build from rows (n, d); rows are scaled to unit length."""
        unit = np.ascontiguousarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), np.float32)
        index = faiss.IndexFlatIP(unit.shape[1])
        index.add(unit)
        return cls(names, index)

    def nearest(self, vector: Vector, count: int) -> list[tuple[str, float]]:
        """At most `count` names with their cosines, best first."""
        cosines, rows = self._index.search(vector[np.newaxis], min(count, len(self.names)))
        return [(self.names[row], float(cosine)) for row, cosine in zip(rows[0], cosines[0], strict=True)]

    def save(self, folder: Path) -> None:
        """Write names.json and vectors.faiss into an existing folder."""
        (folder / "names.json").write_text(json.dumps(self.names))
        faiss.write_index(self._index, str(folder / "vectors.faiss"))

    @classmethod
    def load(cls, folder: Path) -> "Vectors":
        """Read what `save` wrote."""
        names = json.loads((folder / "names.json").read_text())
        return cls(names, faiss.read_index(str(folder / "vectors.faiss")))
