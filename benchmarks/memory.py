"""What a process holds in memory that does nothing but search, and how long its encoder takes to load."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks import indexes
from benchmarks.machine import resident
from benchmarks.timing import clocked
from index import embedder, taught
from knowledge.changes import IndexedGuide

Question = tuple[str, tuple[str, ...]]  # a text and the asker's region with those above it


@dataclass(frozen=True, slots=True)
class Held:
    """Megabytes before there is an index and with it, and seconds of loading the encoder; None where nobody can say."""

    before: float | None
    whole: float | None
    loading: float | None


def held(guides: Sequence[IndexedGuide], questions: Sequence[Question], model: Path | None, stores: Path) -> Held:
    """An index of `guides` that has answered `questions`, in a new process; without `model` it goes by words."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_hold, guides, questions, model, stores).result()


def _hold(guides: Sequence[IndexedGuide], questions: Sequence[Question], model: Path | None, stores: Path) -> Held:
    before = resident(os.getpid())
    encoder, loading = None, None
    if model:
        import onnxruntime  # noqa: F401  # here, so that loading does not count what any encoder needs
        import tokenizers  # noqa: F401

        encoder, loading = clocked(embedder.load, str(model))
    with closing(taught.opened(stores, encoder)) as store:
        index = indexes.filled(guides, encoder, store)
        for text, ancestors in questions:
            index.search(text, ancestors)
        return Held(before, resident(os.getpid()), loading)
