"""Indexes filled for measuring."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import guides
from index.embedder import Encoder
from index.search import SearchIndex
from index.store import Store
from knowledge.changes import IndexedGuide


def filled(held: Sequence[IndexedGuide], encoder: Encoder | None, store: Store) -> SearchIndex:
    """`held` in an index, all texts encoded but those that `store` already has."""
    index = SearchIndex(store, encoder)
    for page in guides.pages(held):
        index.apply(page)
    while index.encode_some():
        pass
    return index
