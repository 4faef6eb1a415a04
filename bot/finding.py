"""Which guide or curated question a message means, and where; read anew from the truth each time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.orm import Session, sessionmaker

from bot import facets, looks
from bot.dialogue import Dialogue
from core.privacy import unmarked
from core.text import normalise
from index.ranking import Thresholds
from index.search import Hit, SearchIndex
from knowledge import faqs
from knowledge.changes import IndexedGuide
from knowledge.publishing import Published, read
from knowledge.regions import Regions
from knowledge.schema import Audience, Faq

# 从北京转过来, 上海户口, 去香港: the place is where somebody comes from or goes to, not where it is done.
_PASSING = (
    r"(?:从|由|自|往|转到?|迁到?|搬到?|嫁到?|原籍|老家在?){0}|{0}(?:的|市|省)?(?:户口|户籍|人|籍|转|迁|回来|过来)|"
    r"在{0}[^，。]{{0,6}}(?:回来?|返)(?:[老村乡家]|[^，。]{{0,3}}(?:开|办|创))"
)
_SIGNS = re.compile(r"[\W_]+")
_WORD = 3  # characters of topic; fewer name nothing that could be asked for itself
_NAMING = 2  # characters of topic from which something may be looked for alone
_ABROAD = ("71", "81", "82")  # 台湾, 香港, 澳门: what is asked of them is how to go there


@dataclass(frozen=True, slots=True)
class Where:
    """The region a message is about, and its text without the region's name.

    `elsewhere` is the region again where it is another city's than the conversation's.
    """

    region: str
    text: str
    elsewhere: str | None = None


class Finder:
    """Search as a conversation sees it: from its region, for whom it is, beside the guide at hand."""

    def __init__(
        self, index: SearchIndex, regions: Regions, reading: sessionmaker[Session], *, today: Callable[[], date]
    ) -> None:
        self._index, self._regions, self._reading, self._today = index, regions, reading, today

    @property
    def thresholds(self) -> Thresholds:
        """What scores mean now."""
        return self._index.thresholds

    @property
    def most(self) -> int:
        """At most so many choices are offered."""
        return self._index.rules.choices

    # -- searching --

    def find(self, text: str, dialogue: Dialogue) -> list[Hit]:
        """What fits `text` in the region of the conversation and for whom it is, best first."""
        return looks.once((text, dialogue.region, dialogue.audience or ""), lambda: self._found(text, dialogue))

    def _found(self, text: str, dialogue: Dialogue) -> list[Hit]:
        hits = self._search(unmarked(text), self._regions.ancestors(dialogue.region))
        if dialogue.audience is None:
            return hits
        less = self.thresholds.mismatch
        scored = [hit if suits(hit, dialogue.audience) else replace(hit, score=hit.score - less) for hit in hits]
        return sorted(scored, key=lambda hit: -hit.score)

    def missing(self, text: str, hits: Sequence[Hit]) -> str | None:
        """The name of the item that `text` means where no guide carries it out; `hits` are what was found for it."""
        return self._index.missing(unmarked(text), hits)

    def _search(self, text: str, ancestors: Sequence[str]) -> list[Hit]:
        bare = facets.topic(text)
        if not (2 <= len(bare) <= facets.SHORT and facets.recognise(text)):
            return self._look(text, ancestors, 10)
        # 社保要带什么材料: mostly asking words, which alone would decide what is near.
        wide = self._index.rules.wide
        return _mean(self._look(text, ancestors, wide), self._look(bare, ancestors, wide))

    def _look(self, text: str, ancestors: Sequence[str], limit: int) -> list[Hit]:
        return self._index.search(text, ancestors, limit)

    def stays(self, hits: Sequence[Hit], text: str, dialogue: Dialogue) -> bool:
        """Whether a message with words of its own, which found `hits`, is still about the guide at hand."""
        topic = facets.topic(unmarked(text))
        short = len(topic) <= facets.SHORT
        if not hits or not dialogue.guide:
            return short
        if self.among_best(hits, dialogue.guide):
            return True
        # Beside a guide, a curated question must be meant word for word.
        needed = self.thresholds.same if isinstance(hits[0].target, Faq) else self.thresholds.answer
        return short and hits[0].score < needed and (len(topic) < _WORD or bool(self.leaning(text, dialogue)))

    def leaning(self, text: str, dialogue: Dialogue) -> list[Hit]:
        """What fits the question before with `text` added to it; nothing where `text` is about something else."""
        published = self.guide(dialogue.guide) if dialogue.guide and not dialogue.asked else None
        asked = published.guide.name if published else dialogue.asked  # a guide that was tapped was not asked for
        before, joined = self.find(asked, dialogue), self.find(f"{asked}，{text}", dialogue)
        if not before or not joined or before[0].score - joined[0].score >= self.thresholds.lean:
            return []
        return joined

    def among_best(self, hits: Sequence[Hit], guide: int) -> bool:
        """Whether nothing fits clearly better than this guide."""
        found = next((hit for hit in hits if guide_of(hit) == guide), None)
        return found is not None and hits[0].score - found.score < self.thresholds.tie

    def before(self, text: str, told: Sequence[int], at: int | None, dialogue: Dialogue) -> int | None:
        """Which of the guides talked about `text` goes back to: `told[at]` by its words, else the one that fits best.

        None where neither does, or it plainly names another.
        """
        if at is not None:
            return told[at]
        hits, rules = self.find(text, dialogue), self.thresholds
        scores = {guide_of(hit): hit.score for hit in hits if hit.score >= rules.near}
        earlier = [guide for guide in scores if guide in told and guide != dialogue.guide]
        plain = bool(hits) and hits[0].score >= rules.answer and guide_of(hits[0]) not in told
        return None if plain else next(iter(earlier), None)

    def bent(self, text: str, topic: str, offered: Set[int], dialogue: Dialogue) -> int | None:
        """The one of several guides offered that a short remark, such as 过期的, makes out of what was asked."""
        rules = self.thresholds
        fits = [hit for hit in self.find(f"{dialogue.asked} {text}", dialogue) if guide_of(hit) in offered]
        alone = self.find(text, dialogue) if len(topic) >= _NAMING else []
        if not fits or fits[0].score < rules.answer or (alone and alone[0].score >= fits[0].score):
            return None
        near = len(fits) > 1 and fits[0].score - fits[1].score < rules.tie
        return None if near else guide_of(fits[0])

    def meant(self, text: str, dialogue: Dialogue) -> Published | None:
        """The guide a wish is about: the one named with it, else the one talked about, else the only one offered."""
        if len(facets.topic(text)) >= 2:
            best = next(iter(self.find(text, dialogue)), None)
            if best and best.score >= self.thresholds.answer and isinstance(best.target, IndexedGuide):
                return self.guide(best.target.id)
        offered = [choice.guide.id for choice in dialogue.choices if choice.guide]
        return self.guide(dialogue.guide or (offered[0] if len(offered) == 1 else 0))

    def question(self, text: str, dialogue: Dialogue, *, verbatim: bool = False) -> str | None:
        """The code of the curated question that is surely asked: word for word, or so near that it is the same.

        What is merely near, unless `verbatim` rules it out, yields to a guide that fits clearly better.
        """
        hits, rules = self.find(text, dialogue), self.thresholds
        fitting = [hit for hit in hits if isinstance(hit.target, Faq)]
        verbally = (hit for hit in fitting if _bare(hit.text) == _bare(text))
        surest = min(verbally, key=lambda hit: hit.distance, default=None)
        if surest is None and fitting and not verbatim:
            near = fitting[0].score >= rules.same and hits[0].score - fitting[0].score < rules.tie
            surest = fitting[0] if near else None
        return str(_key(surest)) if surest else None

    # -- places --

    def where(self, text: str, region: str) -> Where:
        """The region that `text` names to a citizen of `region`."""
        named = next(iter(self._regions.find(text, region)), None)
        if named is None:
            return Where(region, text)
        text = self._nameless(text, named)
        if self._regions.within(region, named):
            return Where(region, text)  # the city or province around: nothing narrower was said
        return Where(named, text, elsewhere=None if self._regions.within(named, region) else named)

    def _nameless(self, text: str, region: str) -> str:
        """`text` without the names of a region, or of those around it: they say nothing of what is meant."""
        for name in self._names(region):
            text = text.replace(name, "", 1)
        for around in self._regions.ancestors(region)[1:-1]:
            for name in self._names(around):
                text = text.replace(name, "")
        return text

    def passing(self, text: str, region: str) -> bool:
        """Whether `text` names `region` only as where somebody comes from or goes to."""
        word = f"(?:{'|'.join(map(re.escape, self._names(region)))})"
        return region.startswith(_ABROAD) or bool(re.search(_PASSING.format(word), text))

    def covers(self, region: str) -> bool:
        """Whether any guide is of this region, around or inside it."""
        return self._index.covers(self._regions.ancestors(region))

    def _names(self, region: str) -> list[str]:
        names = {self._regions.full_name(region), self._regions.name(region), self._regions.short_name(region)}
        return sorted(filter(None, names), key=len, reverse=True)

    # -- reading --

    def guide(self, number: int) -> Published | None:
        """The guide as it is published now; None where it is withdrawn or out of its dates."""
        with self._reading() as session:
            published = read(session, number)
        return published if published and published.visible_on(self._today()) else None

    def faq(self, code: str, region: str) -> tuple[Faq, list[IndexedGuide]] | None:
        """A curated question as it is now, and the guides it belongs to for a citizen of `region`; None where it is
        switched off."""
        with self._reading() as session:
            stored = faqs.read(session, code)
        if stored is None or not stored.faq.enabled:
            return None
        faq, citizen = stored.faq, self._regions.ancestors(region)
        around = self._regions.ancestors(faq.region)
        return faq, [one for code in faq.guides for one in self._index.linked(code, around, citizen)]


def guide_of(hit: Hit) -> int | None:
    """The id of the guide found; None for a curated question."""
    return hit.target.id if isinstance(hit.target, IndexedGuide) else None


def naming(text: str, hits: Sequence[Hit]) -> list[Hit]:
    """The guides that a bare word such as 身份证 may mean: it says nothing of what is to be done."""
    topic = facets.topic(text)
    return [hit for hit in hits if topic in hit.text and guide_of(hit)] if len(topic) <= facets.SHORT else []


def suits(hit: Hit, audience: Audience) -> bool:
    """Whether what was found is for this audience, as far as it says."""
    return isinstance(hit.target, Faq) or not hit.target.audience or audience in hit.target.audience


def _mean(first: Sequence[Hit], second: Sequence[Hit]) -> list[Hit]:
    """The hits of either search by the mean of their scores, best first; one missed counts as the other's last."""
    if not first or not second:
        return list(first or second)
    scores = [{_key(hit): hit.score for hit in hits} for hits in (first, second)]
    least = [hits[-1].score for hits in (first, second)]
    found = {_key(hit): hit for hit in (*second, *first)}
    mean = {key: sum(s.get(key, low) for s, low in zip(scores, least, strict=True)) / 2 for key in found}
    return sorted((replace(hit, score=mean[key]) for key, hit in found.items()), key=lambda hit: -hit.score)


def _bare(text: str) -> str:
    """`text` without what makes no difference to what is asked: width, case, spaces, punctuation."""
    return _SIGNS.sub("", normalise(text)).lower()


def _key(hit: Hit) -> int | str:
    return hit.target.id if isinstance(hit.target, IndexedGuide) else hit.target.code
