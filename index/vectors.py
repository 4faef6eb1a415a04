"""Search by meaning: nearest unit vectors, exact, in process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import faiss
import numpy as np

from index.embedder import Vectors


class VectorIndex(Protocol):
    """Unit vectors by number; scores are cosines."""

    def add(self, numbers: Sequence[int], vectors: Vectors) -> None:
        """Add vectors of shape (len(numbers), dimension) under new numbers."""

    def remove(self, numbers: Iterable[int]) -> None:
        """Drop numbers; unknown ones are ignored."""

    def search(self, vector: Vectors, limit: int, among: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """The `limit` nearest as (number, cosine), best first; of the numbers `among` only, where they are given.

        `vector` has shape (dimension,).
        """

    def vector(self, number: int) -> Vectors | None:
        """The vector of a number, of shape (dimension,); None for an unknown one."""

    def __len__(self) -> int: ...


class FaissIndex:
    """Exact inner product over all vectors: no training, takes single changes, recall is 1 by construction.

    50,000 distinct texts of 512 dimensions are 100 MB; distinct texts grow with meanings, not with places.
    """

    def __init__(self, dimension: int) -> None:
        faiss.omp_set_num_threads(1)
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))

    def add(self, numbers: Sequence[int], vectors: Vectors) -> None:
        if len(numbers):
            self._index.add_with_ids(
                np.ascontiguousarray(vectors, dtype=np.float32), np.asarray(numbers, dtype=np.int64)
            )

    def remove(self, numbers: Iterable[int]) -> None:
        gone = np.fromiter(numbers, dtype=np.int64)
        if len(gone):
            self._index.remove_ids(faiss.IDSelectorBatch(gone))

    def search(self, vector: Vectors, limit: int, among: Sequence[int] | None = None) -> list[tuple[int, float]]:
        if not len(self) or (among is not None and not len(among)):
            return []
        chosen = None
        if among is not None:
            sel = faiss.IDSelectorBatch(np.asarray(among, dtype=np.int64))
            chosen = faiss.SearchParameters(sel=sel)  # type: ignore[call-arg]  # its stubs know no selector
        scores, numbers = self._index.search(vector.reshape(1, -1), min(limit, len(self)), params=chosen)
        return [(int(n), float(s)) for n, s in zip(numbers[0], scores[0], strict=True) if n >= 0]

    def vector(self, number: int) -> Vectors | None:
        try:
            return np.asarray(self._index.reconstruct(number), dtype=np.float32)
        except RuntimeError:  # unknown
            return None

    def __len__(self) -> int:
        return int(self._index.ntotal)
