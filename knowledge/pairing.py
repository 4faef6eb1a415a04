"""Which entries of two lists are the same one, so that an inserted material is one addition and not ten changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from knowledge.phrasing import Told, called

ALIKE = 0.5  # share of a name's characters that two entries have in common to be one entry, renamed
COMPARED = 400  # pairs of entries compared by their names; beyond that they count as removed and added
READ = 150  # characters of a name that are compared

Pair = tuple[int, int]


def pairs(before: Sequence[Told], after: Sequence[Told]) -> list[Pair]:
    """The places of the same entry in both lists, in the order of `after`; entries in no pair were removed or added."""
    found: list[Pair] = []
    for by in (_content, _name):
        found += _equal(before, after, found, by)
    found += _alike(before, after, found)
    return sorted(found, key=lambda pair: pair[1])


def _content(entry: Told) -> str:
    return json.dumps(entry, ensure_ascii=False, sort_keys=True)


def _name(entry: Told) -> str:
    return called(entry) or _content(entry)


def _left(before: Sequence[Told], after: Sequence[Told], found: Sequence[Pair]) -> tuple[list[int], list[int]]:
    old, new = {pair[0] for pair in found}, {pair[1] for pair in found}
    return [i for i in range(len(before)) if i not in old], [j for j in range(len(after)) if j not in new]


def _equal(
    before: Sequence[Told], after: Sequence[Told], found: Sequence[Pair], by: Callable[[Told], str]
) -> list[Pair]:
    """Those with equal keys: first the ones whose order is kept, then the ones that moved."""
    left, right = _left(before, after, found)
    old, new = [by(before[i]) for i in left], [by(after[j]) for j in right]
    kept = [
        (left[block.a + step], right[block.b + step])
        for block in SequenceMatcher(None, old, new).get_matching_blocks()
        for step in range(block.size)
    ]
    taken, given = {i for i, _ in kept}, {j for _, j in kept}
    waiting: dict[str, list[int]] = {}
    for i, key in zip(reversed(left), reversed(old), strict=True):
        if i not in taken:
            waiting.setdefault(key, []).append(i)
    moved = [(waiting[key].pop(), j) for j, key in zip(right, new, strict=True) if j not in given and waiting.get(key)]
    return kept + moved


def _alike(before: Sequence[Told], after: Sequence[Told], found: Sequence[Pair]) -> list[Pair]:
    """Those whose names were edited, the most alike first."""
    left, right = _left(before, after, found)
    if len(left) * len(right) > COMPARED:
        return []
    rated = [(_likeness(before[i], after[j]), -abs(i - j), i, j) for i in left for j in right]
    chosen: list[Pair] = []
    old, new = set(left), set(right)
    for likeness, _, i, j in sorted(rated, reverse=True):
        if likeness >= ALIKE and i in old and j in new:
            chosen.append((i, j))
            old.remove(i)
            new.remove(j)
    return chosen


def _likeness(before: Told, after: Told) -> float:
    return SequenceMatcher(None, _name(before)[:READ], _name(after)[:READ]).ratio()
