"""What is to be booked: the guide that a citizen names, or those that may be meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from bot import facets
from bot.booking import words
from bot.dialogue import Dialogue
from bot.draft import Draft
from bot.finding import Finder, guide_of, naming
from core.types import Choice
from desk.front import FrontDesk
from index.search import Hit
from knowledge.changes import IndexedGuide
from knowledge.regions import Regions

_GUIDE = "book:guide:"


@dataclass(frozen=True, slots=True)
class Matter:
    """A guide; or several to choose from; or nothing known.

    `region` is where it was asked for, `district` the same where the words themselves named it. `elsewhere` is a city
    of which nothing is known here. `asked` are the words that named it.
    """

    guide: int | None = None
    choices: tuple[Choice, ...] = ()
    asked: str = ""
    region: str = ""
    district: str = ""
    elsewhere: str = ""


class Matters:
    """Search as a booking sees it."""

    def __init__(self, desk: FrontDesk, finder: Finder, regions: Regions) -> None:
        self._desk, self._finder, self._regions = desk, finder, regions

    def named(self, text: str, dialogue: Dialogue) -> Matter:
        """The matter that `text` names, if it names one."""
        where = self._finder.where(text, dialogue.region)
        foreign = where.elsewhere is not None and not self._finder.covers(where.elsewhere)
        if foreign and where.elsewhere and not self._finder.passing(text, where.elsewhere):
            return Matter(elsewhere=where.elsewhere)
        region = dialogue.region if foreign else where.region
        bare = words.item(where.text)
        if len(facets.topic(bare)) < 2:
            return Matter(region=region)
        hits = [hit for hit in self._finder.find(bare, replace(dialogue, region=region)) if _guide(hit)]
        district = next(iter(self._regions.find(text, dialogue.region)), "")
        return replace(self._among(bare, hits), region=region, district=district, asked=bare)

    def narrowed(self, text: str, draft: Draft, dialogue: Dialogue) -> int | None:
        """The one of the matters on offer that a short remark, such as 丢了, makes out of what was asked."""
        topic = facets.topic(words.item(text))
        offered = {one.guide.id for one in draft.offered if one.guide}
        names = {one.guide.name for one in draft.offered if one.guide}
        if len(names) < max(2, len(offered)) or not 0 < len(topic) <= facets.SHORT:
            return None
        return self._finder.bent(text, topic, offered, dialogue)

    def still_open(self, dialogue: Dialogue) -> tuple[Choice, ...]:
        """The guides that were on offer for something else, as matters to book."""
        return tuple(
            Choice(f"{_GUIDE}{one.guide.id}", one.label, one.guide)
            for one in dialogue.choices
            if one.guide and one.id.startswith("guide:")
        )

    def one_of(self, text: str, guides: Collection[int], dialogue: Dialogue) -> int | None:
        """Which of `guides` is named; None where none is, or several are."""
        bare = words.item(text)
        if len(facets.topic(bare)) < 2:
            return None
        hits = [hit for hit in self._finder.find(bare, dialogue) if guide_of(hit) in guides]
        named = {guide_of(hit) for hit in hits if bare in hit.text}
        if len(named) == 1:
            return named.pop()
        return guide_of(hits[0]) if hits and hits[0].score >= self._finder.thresholds.suggest else None

    def siblings(self, guide: int, dialogue: Dialogue) -> tuple[Choice, ...]:
        """The same matter in the districts, itself among them; nothing where one guide serves all."""
        published = self._finder.guide(guide)
        if published is None:
            return ()
        hits = self._finder.find(published.guide.name, replace(dialogue, region=self._city(dialogue.region)))
        same = [one for hit in hits for one in (hit.inside or ()) if one.name == published.guide.name]
        return self._of_districts(same) if guide in {one.id for one in same} and len(same) > 1 else ()

    def sibling(self, text: str, guide: int, dialogue: Dialogue) -> int | None:
        """The same matter in the district that `text` names."""
        regions = self._regions.find(text, self._city(dialogue.region))
        if not regions:
            return None
        named = {one.guide.id for one in self.siblings(guide, dialogue) if one.guide and one.guide.region in regions}
        return next(iter(named - {guide}), None)

    def _city(self, region: str) -> str:
        """The city of a district, from where all of its districts are seen."""
        return self._regions.city(region) or region

    def about(self, guide: int | None, dialogue: Dialogue) -> Dialogue:
        """The conversation, now about the guide that is booked."""
        return dialogue if guide is None or guide == dialogue.guide else dialogue.about(guide, (), "")

    def hall(self, text: str, guide: int | None, dialogue: Dialogue) -> str:
        """The window at the hall, or in the district, that `text` names; empty where it names none of several."""
        offer = self._desk.offer(guide) if guide else None
        if offer is None or len(offer.windows) < 2:
            return ""
        if named := next((window for window in offer.windows if window.hall.name in text), None):
            return named.id
        found = (self.hall_of(region, guide) for region in self._regions.find(text, dialogue.region))
        return next(filter(None, found), "")

    def hall_of(self, region: str, guide: int | None) -> str:
        """The window at the hall of a region; empty where there is none."""
        offer = self._desk.offer(guide) if guide and region else None
        return next((window.id for window in offer.windows if window.hall.region == region), "") if offer else ""

    def _among(self, asked: str, hits: Sequence[Hit]) -> Matter:
        rules = self._finder.thresholds
        if not hits or hits[0].score < rules.suggest:
            return Matter()
        best = hits[0]
        close = [hit for hit in hits[: self._finder.most] if best.score - hit.score < rules.spread]
        if len(named := naming(asked, close)) > 1 and best.score < rules.exact:
            return Matter(choices=_offered(named))
        alone = len(hits) == 1 or best.score - hits[1].score >= rules.tie
        if best.score >= rules.exact or (best.score >= rules.answer and alone):
            return self._settled(best)
        return Matter(choices=_offered(close))

    def _settled(self, hit: Hit) -> Matter:
        guide = _guide(hit)
        assert guide is not None
        if len(hit.inside) <= 1:
            return Matter(guide.id)
        return Matter(choices=self._of_districts(hit.inside))

    def _of_districts(self, guides: Iterable[IndexedGuide]) -> tuple[Choice, ...]:
        return tuple(Choice(f"{_GUIDE}{one.id}", self._regions.name(one.region), one.ref) for one in guides)


def _offered(hits: Iterable[Hit]) -> tuple[Choice, ...]:
    return tuple(Choice(f"{_GUIDE}{guide.id}", guide.name, guide.ref) for hit in hits if (guide := _guide(hit)))


def _guide(hit: Hit) -> IndexedGuide | None:
    return hit.target if isinstance(hit.target, IndexedGuide) else None
