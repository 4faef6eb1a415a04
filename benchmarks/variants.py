"""Search as it serves beside the same search by words only and with the encoder as it came: time, memory, loading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import encoders, indexes, memory
from benchmarks.figures import Figure
from benchmarks.memory import Held, Question
from benchmarks.processes import NotMeasured
from benchmarks.timing import clocked
from index import embedder, taught, weights
from knowledge.changes import IndexedGuide

GROUP = "Search"
MEMORY = "Memory"
AIM = 25.0  # milliseconds, p95 of a whole search
LIMIT = 10


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to search; without the folder of an encoder it goes by words only."""

    name: str
    model: Path | None


WORDS = Variant("words only, no encoder", None)


def present(shared: Path, say: Callable[[str], None]) -> list[Variant]:
    """What can be measured here: what serves, words only, and the encoder as it came, if it can be had."""
    found = [Variant("serving", weights.SHIPPED), WORDS]
    try:
        return [*found, Variant("the encoder as it came", encoders.zero_shot(shared))]
    except NotMeasured as reason:
        say(f"left out: {reason}")
        return found


def timed(
    name: str,
    guides: Sequence[IndexedGuide],
    questions: Sequence[Question],
    variants: Sequence[Variant],
    stores: Path,
    asked: int,
) -> list[Figure]:
    """Whole searches by the first of `variants` beside those by the others, question by question in changing order."""
    with ExitStack() as opened:
        sides = []
        for variant in variants:
            encoder = embedder.load(str(variant.model)) if variant.model else None
            store = opened.enter_context(closing(taught.opened(stores, encoder)))
            sides.append(indexes.filled(guides, encoder, store))
        times: list[list[float]] = [[] for _ in sides]
        for index in sides:  # the first of each kind loads what later ones share
            for question in (questions[0], questions[-1]):
                index.search(*question, LIMIT)
        for number in range(asked):
            text, ancestors = questions[number % len(questions)]
            for turn in range(len(sides)):
                side = (number + turn) % len(sides)
                times[side].append(clocked(sides[side].search, text, ancestors, LIMIT)[1])
    ours, *theirs = (_percentiles(one) for one in times)
    return [
        Figure(
            GROUP,
            f"{name}: p{p}, everything on",
            ours[p],
            "ms",
            other[p],
            variant.name,
            aim=AIM if p == 95 and variant == WORDS else None,
        )
        for variant, other in zip(variants[1:], theirs, strict=True)
        for p in (50, 95)
    ]


def weighed(
    name: str,
    guides: Sequence[IndexedGuide],
    questions: Sequence[Question],
    variants: Sequence[Variant],
    stores: Path,
    rounds: int,
) -> list[Figure]:
    """Memory of a process that only searches, and loading of its encoder: medians of `rounds` processes for each variant."""
    seen: list[list[Held]] = [[] for _ in variants]
    for _ in range(rounds):
        for variant, each in zip(variants, seen, strict=True):
            each.append(memory.held(guides, questions, variant.model, stores))
    before, whole, loading = (
        [_median([getattr(one, what) for one in each]) for each in seen] for what in ("before", "whole", "loading")
    )
    found = []
    for variant, beside in zip(variants[1:], loading[1:], strict=True):
        if loading[0] and beside:
            found.append(Figure(GROUP, "loading the encoder", 1000 * loading[0], "ms", 1000 * beside, variant.name))
    for variant, beside in zip(variants[1:], whole[1:], strict=True):
        if whole[0] and beside:
            found.append(Figure(MEMORY, f"search alone, {name}", whole[0], "MB", beside, variant.name))
    if before[0]:
        found.append(Figure(MEMORY, f"search alone, {name}: before there is an index", before[0], "MB"))
    return found


def _percentiles(times: Sequence[float]) -> dict[int, float]:
    return {p: 1000 * float(np.percentile(times, p)) for p in (50, 95)}


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
