"""Items known by name and everyday questions, whether or not a guide here carries them out.

A citizen who asks for what is not published should hear that, not be given the guide whose words come nearest.
"""

from __future__ import annotations

import threading

import numpy as np

from index.embedder import Encoder, Vectors
from index.store import Store, digest
from index.vectors import FaissIndex
from knowledge import everyday

_STEP = 64  # texts encoded at a time


class KnownItems:
    """The items of knowledge/everyday.jsonl by meaning. Thread-safe; finds nothing until all are encoded."""

    def __init__(self, store: Store, encoder: Encoder) -> None:
        self._store, self._encoder = store, encoder
        self._vectors = FaissIndex(encoder.dimension)
        self._names: list[str] = []  # of the item, by the number of its text
        self._left: list[str] | None = None
        self._lock = threading.Lock()
        self._learning = threading.Lock()  # one step at a time; searches need not wait for it

    def encode_some(self) -> int:
        """Encode one step of the texts that are left; how many are then left. Call until 0."""
        with self._learning:
            if self._left is None:
                texts = [(text, item.name) for item in everyday.items() for text in item.texts]
                self._names = [name for _, name in texts]
                self._left = [text for text, _ in texts]
            step, left = self._left[:_STEP], self._left[_STEP:]
            if step:
                start = len(self._names) - len(self._left)
                vectors = self._vectors_of(step)
                with self._lock:
                    self._vectors.add(range(start, start + len(step)), vectors)
                self._left = left
            return len(left)

    def nearest(self, vector: Vectors) -> tuple[str, float] | None:
        """The name of the item nearest to `vector`, and its cosine; None until all are encoded."""
        if self._left != []:
            return None
        with self._lock:
            number, cosine = self._vectors.search(vector, 1)[0]
        return self._names[number], cosine

    def _vectors_of(self, texts: list[str]) -> Vectors:
        known = self._store.vectors(digest(text) for text in texts)
        fresh = [text for text in dict.fromkeys(texts) if digest(text) not in known]
        if fresh:
            made = {digest(text): vector for text, vector in zip(fresh, self._encoder.encode(fresh), strict=True)}
            self._store.put_vectors(made)
            known |= made
        return np.stack([known[digest(text)] for text in texts])
