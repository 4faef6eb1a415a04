"""What is to be booked: the guide that a citizen names, or those that may be meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot import facets
from bot.booking import words
from bot.dialogue import Dialogue
from bot.finding import Finder
from bot.wording import say
from core.types import Choice
from desk.front import FrontDesk
from index.search import Hit
from knowledge.changes import IndexedGuide
from knowledge.regions import Regions


@dataclass(frozen=True, slots=True)
class Matter:
    """A guide; or several to choose from, with the question; or nothing known.

    `region` is where it was asked for, `district` the same where the words themselves named it. `elsewhere` is a city
    of which nothing is known here.
    """

    guide: int | None = None
    choices: tuple[Choice, ...] = ()
    text: str = ""
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
        return replace(self._among(hits), region=region, district=district)

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

    def _among(self, hits: Sequence[Hit]) -> Matter:
        rules = self._finder.thresholds
        if not hits or hits[0].score < rules.suggest:
            return Matter()
        best = hits[0]
        alone = len(hits) == 1 or best.score - hits[1].score >= rules.tie
        if best.score >= rules.exact or (best.score >= rules.answer and alone):
            return self._settled(best)
        close = [hit for hit in hits[: self._finder.most] if best.score - hit.score < rules.spread]
        offered = tuple(
            Choice(f"book:guide:{guide.id}", guide.name, guide.ref) for hit in close if (guide := _guide(hit))
        )
        return Matter(choices=offered, text=say("book_items"))

    def _settled(self, hit: Hit) -> Matter:
        guide = _guide(hit)
        assert guide is not None
        if len(hit.inside) <= 1:
            return Matter(guide.id)
        offered = tuple(Choice(f"book:guide:{one.id}", self._regions.name(one.region), one.ref) for one in hit.inside)
        return Matter(choices=offered, text=say("book_which_region", name=guide.name))


def _guide(hit: Hit) -> IndexedGuide | None:
    return hit.target if isinstance(hit.target, IndexedGuide) else None
