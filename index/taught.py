"""The vectors of all everyday texts, made with the shipped encoder: a first start need not encode what never changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from index.embedder import Encoder
from index.store import Store, digest
from index.weights import SHIPPED
from knowledge import everyday

FILE = SHIPPED / "everyday.npz"


def write(encoder: Encoder, path: Path = FILE) -> None:
    """Encode every text of knowledge/everyday.jsonl and keep the vectors in eight bits, each with a scale of its own."""
    texts = list(dict.fromkeys(text for item in everyday.items() for text in everyday.texts(item)))
    vectors = encoder.encode(texts)
    scales = np.abs(vectors).max(axis=1, keepdims=True) / 127
    np.savez_compressed(
        path,
        encoder=encoder.fingerprint,
        keys=np.frombuffer(b"".join(map(digest, texts)), dtype=np.uint8).reshape(len(texts), -1),
        vectors=np.rint(vectors / scales).astype(np.int8),
        scales=scales.astype(np.float32),
    )


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
