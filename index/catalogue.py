"""Which guides stand behind a text, and which of them a citizen of a region may see.

A text belongs to items, an item to guides in many regions: meanings are kept once, places beside them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from knowledge import everyday
from knowledge.changes import IndexedGuide
from knowledge.regions import shortest, significant
from knowledge.schema import Faq

Target = IndexedGuide | Faq


@dataclass(slots=True)
class Entry:
    """An item or a curated question: its texts by number, and who carries it out where."""

    key: str
    name: str
    texts: tuple[int, ...] = ()
    regions: list[str] = field(default_factory=list)
    places: dict[str, list[Target]] = field(default_factory=dict)

    def place(self, target: Target) -> None:
        """Add a guide under its region."""
        region = shortest(target.region)
        if region not in self.places:
            insort(self.regions, region)
        self.places.setdefault(region, []).append(target)

    def unplace(self, target: Target) -> None:
        """Take a guide away; `places` is empty when it was the last."""
        region = shortest(target.region)
        left = [one for one in self.places[region] if one is not target]
        if left:
            self.places[region] = left
        else:
            del self.places[region]
            self.regions.remove(region)

    def nearest(self, ancestors: Sequence[str]) -> tuple[int, list[Target]] | None:
        """The guides of the nearest of `ancestors` (self first), with how many levels up that is."""
        for distance, region in enumerate(ancestors):
            if region in self.places:
                return distance, self.places[region]
        return None

    def below(self, region: str) -> Iterator[Target]:
        """The guides of regions inside `region`, whose codes begin with its own significant digits."""
        region, prefix = shortest(region), significant(region)
        for code in self.regions[bisect_left(self.regions, prefix) :]:
            if not code.startswith(prefix):
                break
            if code != region:
                yield from self.places[code]

    def seen_from(self, ancestors: Sequence[str]) -> bool:
        """Whether a citizen of `ancestors[0]` may see any of it."""
        return self.nearest(ancestors) is not None or any(True for _ in self.below(ancestors[0]))


def texts_of(target: Target) -> tuple[str, ...]:
    """The short texts by which a guide or a curated question is found, each once."""
    if isinstance(target, Faq):
        return tuple(dict.fromkeys((target.question, *target.variants)))
    found = [target.name, *target.aliases, *target.questions, *target.faq, *everyday.questions(target.name)]
    if target.conditions_text:
        found.append(f"{target.name}。{target.conditions_text}")
    if target.bundle and target.bundle not in target.name:
        found.append(f"{target.bundle}：{target.name}")
    return tuple(dict.fromkeys(text for text in found if text))


def key_of(target: Target) -> str:
    """Guides of one item share an entry; a curated question has its own."""
    return f"faq:{target.code}" if isinstance(target, Faq) else target.item
