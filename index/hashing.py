"""Texts compared without an encoder: which pairs of neighbouring characters they have."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from core.text import bigrams, normalise
from index.embedder import Vectors

DIMENSION = 1024


def hashed(texts: Sequence[str]) -> Vectors:
    """Unit vectors of shape (len(texts), DIMENSION); a text without Chinese characters counts as a whole."""
    made = np.zeros((len(texts), DIMENSION), dtype=np.float32)
    for row, text in zip(made, map(normalise, texts), strict=True):
        for pair in bigrams(text) or [text]:
            row[zlib.crc32(pair.encode()) % DIMENSION] += 1
        row /= np.linalg.norm(row)
    return made
