"""Stores of texts' vectors, begun with those of all everyday texts: a first start need not encode what never changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from index.embedder import Encoder
from index.store import Store
from index.weights import SHIPPED
from index.words import VERSION

FILE = SHIPPED / "everyday.npz"


def opened(folder: Path, encoder: Encoder | None) -> Store:
    """What `folder` keeps of an encoder, begun with the vectors shipped for it, or of words alone; to be closed."""
    store = Store(folder / f"{encoder.fingerprint if encoder else 'words'}-w{VERSION}.db")
    if encoder:
        fill(store, encoder)
    return store


def fill(store: Store, encoder: Encoder, path: Path = FILE) -> None:
    """Put the vectors into an empty `store`; nothing where they are another encoder's or the store has some."""
    if not store.empty or not path.is_file():
        return
    with np.load(path) as kept:
        if str(kept["encoder"]) != encoder.fingerprint:
            return
        vectors = kept["vectors"].astype(np.float32) * kept["scales"]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        store.put_vectors({key.tobytes(): vector for key, vector in zip(kept["keys"], vectors, strict=True)})
