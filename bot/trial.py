"""A question asked against a draft, as if it stood published already: nothing is published, booked, or kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy.orm import Session, sessionmaker

from bot.assistant import Assistant
from bot.dialogue import Dialogue
from bot.finding import Finder, guide_of
from bot.guard import guard
from bot.services import Lines
from bot.understanding import from_words
from core.errors import Invalid
from core.types import Answer, Look
from index.catalogue import Entry, key_of, texts_of
from index.homophones import corrected
from index.search import Hit, SearchIndex, nearer, placed
from knowledge.changes import IndexedGuide, indexed
from knowledge.publishing import Published
from knowledge.regions import Regions
from knowledge.schema import Guide, Status

NEW = 999_999_999  # the id of a guide that has none yet: no database comes so far, and choices can name it


class Unfinished(Invalid):
    """草稿里还有没填好的地方，改好以后才能试问。"""

    code = "unfinished"


class Tried(NamedTuple):
    """What would be said, what was looked at, and the draft's place among what was found, from 1; None: not found."""

    answers: tuple[Answer, ...]
    looks: tuple[Look, ...]
    found_at: int | None


def drafted(document: Mapping[str, Any], now: Published | None) -> Published:
    """A draft as it would be published, in the place of what stands `now`, on a day when it holds. Raises Unfinished."""
    try:
        guide = Guide.model_validate(document)
    except ValidationError:
        raise Unfinished from None
    number, version, revision = (now.id, now.version + 1, now.revision) if now else (NEW, 1, 0)
    return Published(number, version, Status.PUBLISHED, revision, guide)


def ask(assistant: Assistant, question: str, region: str, *, longest: int) -> tuple[str, Tried]:
    """What was understood, "" where the guard answers, and what is said to a citizen of `region` who has said nothing
    before. Raises what `guard` raises.
    """
    guarded = guard(question, longest=longest)
    if guarded.answer:
        return "", Tried((guarded.answer,), (), None)
    text = corrected(guarded.text)
    turn = assistant.respond(text, from_words(text), Dialogue(region))
    return text, Tried(turn.answers, turn.looks, None)


class Trial:
    """The assistant with `draft` in the place of its published version, or besides where it is new.

    A message is understood by its words alone: Rasa knows nothing of drafts.
    """

    def __init__(
        self,
        index: SearchIndex,
        regions: Regions,
        reading: sessionmaker[Session],
        lines: Lines,
        draft: Published,
        *,
        today: Callable[[], date],
    ) -> None:
        """`draft.id` is the guide's, NEW for one that was never published."""
        self._draft = draft
        self._finder = _DraftFinder(index, regions, reading, draft, today=today)
        self._assistant = Assistant(index, regions, reading, lines, today=today, finder=self._finder)

    def ask(self, question: str, region: str, *, longest: int) -> Tried:
        """Ask once, as a citizen of `region` who has said nothing before. Raises what `guard` raises."""
        text, tried = ask(self._assistant, question, region, longest=longest)
        return tried._replace(found_at=self._place(text, region)) if text else tried

    def _place(self, text: str, region: str) -> int | None:
        where = self._finder.where(text, region)
        hits = self._finder.find(where.text, Dialogue(where.region))
        found = (at for at, hit in enumerate(hits, 1) if self._draft.id in _guides_of(hit))
        return next(found, None)


class _DraftFinder(Finder):
    """Finds as ever, but for one guide, which is as its draft says."""

    def __init__(
        self,
        index: SearchIndex,
        regions: Regions,
        reading: sessionmaker[Session],
        draft: Published,
        *,
        today: Callable[[], date],
    ) -> None:
        super().__init__(index, regions, reading, today=today)
        self._draft, self._target = draft, indexed(draft)
        self._entry = Entry(key_of(self._target), self._target.name)
        self._entry.place(self._target)
        self._own = index.beside(self._target)

    def guide(self, number: int) -> Published | None:
        """The guide as it is published now, or the draft."""
        return self._draft if number == self._draft.id else super().guide(number)

    def missing(self, text: str, hits: Sequence[Hit]) -> str | None:
        """The name of the item that `text` means where neither a guide nor the draft carries it out."""
        name = super().missing(text, hits)
        mine = next((hit for hit in hits if guide_of(hit) == self._draft.id), None)
        return None if name and mine and self._own.carries_out(mine, name) else name

    def _look(self, text: str, ancestors: Sequence[str], limit: int) -> list[Hit]:
        found = [hit for one in super()._look(text, ancestors, limit + 1) if (hit := self._without(one))]
        if mine := self._mine(text, ancestors):
            namesake = next((hit for hit in found if _is_named(hit, self._target.name)), None)
            found = [hit for hit in found if hit is not namesake] + [_together(mine, namesake)]
        return sorted(found, key=lambda hit: -hit.score)[:limit]

    def _mine(self, text: str, ancestors: Sequence[str]) -> Hit | None:
        """The draft by its best text; one that is published too scores as it does there."""
        texts = texts_of(self._target)
        scores = self._own.scores(text, texts) | self._index.scores(text, texts)
        best = max(scores, key=lambda one: scores[one], default=None)
        return placed(self._entry, scores[best], best, ancestors) if best is not None else None

    def _without(self, hit: Hit) -> Hit | None:
        """The hit without the published version; None where nothing is left of it."""
        if self._draft.id not in _guides_of(hit):
            return hit
        others = tuple(one for one in hit.inside if one.id != self._draft.id)
        return replace(hit, target=others[0], inside=others) if others else None


def _guides_of(hit: Hit) -> set[int | None]:
    return {guide_of(hit), *(one.id for one in hit.inside)}


def _is_named(hit: Hit, name: str) -> bool:
    return isinstance(hit.target, IndexedGuide) and hit.target.name == name


def _together(mine: Hit, namesake: Hit | None) -> Hit:
    """The draft and a guide of the same name elsewhere, as search puts them together: the better match first."""
    if namesake is None:
        return mine
    return nearer(mine, namesake) if mine.score >= namesake.score else nearer(namesake, mine)
