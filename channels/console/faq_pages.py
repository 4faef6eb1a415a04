"""The form of a curated question with all that is shown beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import HTMLResponse

from bot.dialogue import Dialogue
from bot.understanding import from_words
from channels.console.clerks import Clerk
from channels.console.faq_forms import NEW, Form
from channels.console.pages import page
from channels.house import House
from core.errors import BangbanError, Conflict
from core.privacy import seal
from core.text import normalise
from core.types import Answer
from index.search import Hit
from knowledge import faqs
from knowledge.changes import IndexedGuide
from knowledge.differences import Difference, differences, marked
from knowledge.documents import document
from knowledge.faqs import Curated
from knowledge.schema import Faq
from staff.permissions import Act

FOUND = 8  # guides offered for what is looked for
LONGEST_WHY = 200
WAITING = "等审核启用"  # why an editor's question is off: it begins the reason on record


@dataclass(frozen=True, slots=True)
class Tried:
    """What a question is answered with now, and what was found for it, best first."""

    asked: str
    answers: tuple[Answer, ...]
    hits: tuple[Hit, ...]

    def by(self, code: str) -> bool:
        """Whether that curated question answers."""
        return any(one.faq == code for one in self.answers)


def form_page(
    request: Request,
    clerk: Clerk,
    stored: Curated | None,
    form: Form,
    *,
    problem: BangbanError | None = None,
    problems: Mapping[str, str] | None = None,
    theirs: tuple[Difference, ...] = (),
    tried: Tried | None = None,
    status: int = 200,
) -> HTMLResponse:
    """The form, whether first or again: with what went wrong, and with what differs from `theirs`."""
    house = House.of(request)
    around = house.regions.ancestors(form.region) if form.region in house.regions else ()
    known = {code: next(iter(house.index.linked(code, around, around)), None) for code in form.guides if around}
    return page(
        request, clerk, "faqs/edit.html", status=status, title=stored.faq.question if stored else "新的常见问题",
        code=stored.faq.code if stored else NEW, stored=stored, form=form, problem=str(problem or ""),
        problems=problems or {}, theirs=theirs, outdated=isinstance(problem, Conflict), tried=tried, marked=marked,
        waits=bool(stored and waits(stored)), chosen=[(code, known.get(code)) for code in form.guides],
        found=_found(house, form), choices=regions_for(house, clerk, Act.EDIT_FAQ, form.region),
        writes=may_write(clerk, form.region, bool(stored and stored.faq.enabled)),
        publishes=clerk.may(Act.PUBLISH_FAQ, form.region), longest_why=LONGEST_WHY,
        longest=(faqs.QUESTION, faqs.ANSWER), same=house.index.thresholds.same,
    )  # fmt: skip


def try_out(house: House, asked: str, region: str) -> Tried:
    """Ask the assistant as citizens of `region` do; nothing of it is remembered."""
    text = seal(normalise(asked))
    turn = house.assistant.answer(text, from_words(text), Dialogue(region))
    return Tried(asked, turn.answers, tuple(house.search(text, region, 5)))


def regions_for(house: House, clerk: Clerk, act: Act, also: str = "") -> list[tuple[str, str]]:
    """The regions that the clerk may choose for `act`, with their full names; `also` is among them."""
    codes = dict.fromkeys(code for region in clerk.regions(act) for code in (region, *house.regions.children(region)))
    here = [house.settings.region, *house.regions.children(house.settings.region)]
    codes |= dict.fromkeys(code for code in here if clerk.may(act, code))
    if also in house.regions:
        codes[also] = None
    return [(code, house.regions.full_name(code)) for code in codes]


def changed(before: Faq, after: Faq) -> tuple[Difference, ...]:
    """What a reader would call different."""
    return differences(document(before), document(after), Faq)


def waits(stored: Curated) -> bool:
    """Whether an editor wrote it and nobody has switched it on yet."""
    return not stored.faq.enabled and stored.why.startswith(WAITING)


def may_write(clerk: Clerk, region: str, enabled: bool) -> bool:
    """Whether the clerk may change one of that region that is, or is not, switched on."""
    return clerk.may(Act.PUBLISH_FAQ if enabled else Act.EDIT_FAQ, region)


def _found(house: House, form: Form) -> list[IndexedGuide]:
    """Guides for what is looked for that are not chosen yet."""
    if not form.find.strip() or form.region not in house.regions:
        return []
    hits = house.search(normalise(form.find[:200]), form.region, FOUND * 2)
    guides = [hit.target for hit in hits if isinstance(hit.target, IndexedGuide)]
    return [one for one in guides if one.local_code not in form.guides][:FOUND]
