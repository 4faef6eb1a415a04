"""What was looked for in a turn and what was found: why this answer and not another. Queries are sealed text already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from core.types import Candidate, Look
from index.search import Hit
from knowledge.schema import Faq

MOST = 4  # looks of a turn that are kept: the last, which decided
CANDIDATES = 6  # of each look, the best


Found = dict[tuple[str, ...], Sequence[Hit]]
_found: ContextVar[Found | None] = ContextVar("bangban_looks", default=None)


@contextmanager
def gathering() -> Iterator[Callable[[], tuple[Look, ...]]]:
    """What is looked for inside, for whoever calls what is yielded. A turn within a turn adds to the outer one's."""
    outer = _found.get()
    found: Found = {} if outer is None else outer
    token = _found.set(found)
    try:
        yield lambda: _told(found)
    finally:
        _found.reset(token)


def once(key: tuple[str, ...], search: Callable[[], list[Hit]]) -> list[Hit]:
    """What `search` finds, noted under its `key`, the query first; a turn looks for the same thing once."""
    found = _found.get()
    if found is None:
        return search()
    known = found.pop(key, None)  # put back as the last
    found[key] = hits = search() if known is None else known
    return list(hits)


def _told(found: Found) -> tuple[Look, ...]:
    return tuple(Look(key[0], tuple(map(_candidate, hits[:CANDIDATES]))) for key, hits in list(found.items())[-MOST:])


def _candidate(hit: Hit) -> Candidate:
    target, score = hit.target, round(hit.score, 4)
    if isinstance(target, Faq):
        return Candidate(None, target.code, target.question, target.region, hit.text, score)
    return Candidate(target.id, None, target.name, target.region, hit.text, score)
