"""Type-ahead: names of guides and everyday questions that hold what has been typed so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from index.catalogue import Target

LONGEST = 40  # characters; a longer text is no suggestion but a document


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text to ask with, and what it leads to."""

    text: str
    target: Target


def rank(typed: str, found: Iterable[Suggestion], limit: int) -> list[Suggestion]:
    """The best of `found`, one for each target: texts beginning with `typed` first, then shorter ones."""
    best: dict[int, Suggestion] = {}
    for one in sorted(found, key=lambda s: (not s.text.startswith(typed), len(s.text), s.text)):
        best.setdefault(id(one.target), one)
        if len(best) >= limit:
            break
    return list(best.values())
