"""Indexes filled for measuring, with words and vectors kept from run to run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import guides
from index.embedder import Encoder
from index.search import SearchIndex
from index.store import Store
from index.words import VERSION
from knowledge.changes import IndexedGuide


def kept(folder: Path, encoder: Encoder | None) -> Store:
    """What `folder` keeps of an encoder, or of words alone; to be closed."""
    return Store(folder / f"{encoder.fingerprint if encoder else 'words'}-w{VERSION}.db")


def filled(held: Sequence[IndexedGuide], encoder: Encoder | None, store: Store) -> SearchIndex:
    """`held` in an index, all texts encoded but those that `store` already has."""
    index = SearchIndex(store, encoder)
    for page in guides.pages(held):
        index.apply(page)
    while index.encode_some():
        pass
    return index
