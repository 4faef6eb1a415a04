"""Encoders for measuring: the shipped one, one that has seen every text, and one that needs no weights."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.processes import NotMeasured
from core.text import bigrams
from index import embedder, weights
from index.embedder import Encoder, Vectors
from index.store import Store, digest


def shipped() -> Encoder:
    """The encoder that serves."""
    return embedder.load(str(weights.SHIPPED))


def zero_shot(shared: Path) -> Path:
    """The folder of the encoder as it came, under `shared`, fetched if need be. Raises NotMeasured where no source answers."""
    folder = weights.obtain(shared)
    if folder is None:
        raise NotMeasured("the encoder as it came cannot be fetched: no source answers")
    return folder


class Remembering:
    """Hands out vectors made before, so that what is timed is search without encoding."""

    def __init__(self, encoder: Encoder, store: Store) -> None:
        """`store` may know vectors of `encoder` from earlier runs."""
        self._encoder, self._store, self._known = encoder, store, dict[str, Vectors]()
        self.name, self.dimension, self.fingerprint = encoder.name, encoder.dimension, encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of shape (len(texts), dimension)."""
        fresh = [text for text in texts if text not in self._known]
        if fresh:
            kept = self._store.vectors(digest(text) for text in fresh)
            self._known |= {text: kept[digest(text)] for text in fresh if digest(text) in kept}
            fresh = [text for text in fresh if text not in self._known]
        if fresh:
            self._known |= dict(zip(fresh, self._encoder.encode(fresh), strict=True))
        return np.stack([self._known[text] for text in texts])


class Bigrams:
    """Hashed character pairs: no meaning, but vectors of the right kind in no time."""

    name, dimension, fingerprint = "bigrams", 128, "bench-bigrams-128"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of shape (len(texts), dimension)."""
        out = np.full((len(texts), self.dimension), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for pair in bigrams(text):
                out[row, zlib.crc32(pair.encode()) % self.dimension] += 1
        return out / np.linalg.norm(out, axis=1, keepdims=True)


class Crowded:
    """Unit vectors around random centres, for texts too many to encode; a text always gets the same one."""

    def __init__(self, encoder: Encoder, centres: int = 500) -> None:
        self.name, self.dimension, self.fingerprint = "crowded", encoder.dimension, "bench-crowded"
        self._centres = np.random.default_rng(7).standard_normal((centres, self.dimension), dtype=np.float32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of shape (len(texts), dimension)."""
        keys = [zlib.crc32(text.encode()) for text in texts]
        noise = np.random.default_rng(keys[0] if keys else 0).standard_normal(
            (len(keys), self.dimension), dtype=np.float32
        )
        made = self._centres[[key % len(self._centres) for key in keys]] + 0.5 * noise
        return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)
