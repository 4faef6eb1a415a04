"""What nobody could answer, by meaning; and what staff make of it: a curated question, a guide's wording, a new guide."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from channels.console.clerks import AtWork, Clerk
from channels.console.forms import Posted
from channels.console.pages import page, redirect
from channels.console.reach import DAYS, SPANS, reach
from channels.console.settling import MOST, settle
from channels.house import House
from core import clock
from core.paging import Page
from core.privacy import unmarked
from index.embedder import Vectors
from index.search import Hit
from journal import questions
from journal.questions import IGNORED, Group, Question, Reason
from knowledge.changes import IndexedGuide
from knowledge.publishing import stands
from knowledge.teaching import QUESTION, teach
from staff.permissions import Act

SIZE = 10  # groups on a page: for each the nearest guides are looked up
NEAREST = 5
LOOKED = 20  # of which some are curated questions, or not the clerk's
WORDINGS = 10  # handed to a form
STEP = 20  # wordings compared at a time
REASONS = {
    Reason.REFUSED: "没答上", Reason.USELESS: "点了没用", Reason.REPHRASED: "换了说法", Reason.LEFT: "反问后没问到",
}  # fmt: skip
PATIENCE = 3.0  # seconds; wordings never compared before take about 10 ms each, and the next look goes on with them

router = APIRouter(prefix="/console/questions")
Words = Annotated[str, Query(max_length=500)]
Numbers = Annotated[str, Query(max_length=20_000)]


@dataclass(frozen=True, slots=True)
class Shown:
    """A group with what is nearest to it now, the wording to teach to a guide, and where its forms begin."""

    group: Group
    nearest: tuple[Hit, ...]
    guides: tuple[IndexedGuide, ...]
    teaches: str
    settle: str
    as_faq: str


@router.get("", response_class=HTMLResponse)
def listed(
    request: Request,
    clerk: AtWork,
    days: int = 30,
    region: Annotated[str, Query(max_length=12)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> Response:
    """The groups, the most frequent first."""
    house, days, now = House.of(request), days if days in DAYS else 30, clock.now()
    regions, choices = reach(house, clerk, Act.READ_QUESTIONS, region)
    with house.reading() as session:
        found = questions.unanswered(session, regions=regions, since=now - timedelta(days=days), now=now)
    groups, left = _grouped(house, found.questions)
    shown = tuple(_shown(house, clerk, one) for one in groups[(number - 1) * SIZE : number * SIZE])
    return page(
        request, clerk, "questions/list.html", title="群众问了什么", page=Page(shown, number, SIZE, len(groups)),
        days=days, spans=SPANS, region=region, choices=choices, cut=found.cut, most=questions.MOST, left=left, reasons=REASONS,
        total=len(found.questions), answer=house.index.thresholds.answer,
        may_settle=clerk.anywhere(Act.SETTLE_QUESTIONS), may_write=clerk.anywhere(Act.EDIT_FAQ),
        may_begin=clerk.anywhere(Act.EDIT_GUIDES),
    )  # fmt: skip


@router.get("/teach", response_class=HTMLResponse)
def looked_for(
    request: Request, clerk: AtWork, question: Words = "", text: Words = "", settle: Numbers = ""
) -> Response:
    """The guides that `text` finds, to add the question to one of them."""
    clerk.require_anywhere(Act.TEACH)
    house = House.of(request)
    hits = [hit for region in clerk.regions(Act.TEACH) for hit in _search(house, text or question, region, LOOKED)]
    found = _teachable(clerk, sorted(hits, key=lambda hit: -hit.score))
    return page(
        request, clerk, "questions/teach.html", title="加到指南的问法", question=question, text=text, settle=settle,
        guides=found,
    )  # fmt: skip


@router.post("/teach", response_class=HTMLResponse)
def taught(request: Request, clerk: AtWork, sent: Posted) -> Response:
    """Add the question to a guide, and answer with it from now on. Raises Forbidden, GuideMissing, Invalid."""
    house, now = House.of(request), clock.now()
    number, question = sent.number("guide"), sent.get("question")
    with house.writing.begin() as session:
        guide = stands(session, number).guide
        clerk.require(Act.TEACH, guide.region, guide.department.name)
        after = teach(session, number, question, by=clerk.name, at=now)
        settle(house, session, clerk, sent.get("settle"), f"guide:{number}")
        house.audit.record(
            session, who=clerk.name, act="guide.teach", subject=f"guide:{number}", region=guide.region,
            detail={"question": question, "version": after.version}, at=now,
        )  # fmt: skip
    told = f"已把“{question}”加到《{guide.name}》，群众现在这样问就能找到它。"
    return redirect(request, "/console/questions", told=told)


@router.post("/settle", response_class=HTMLResponse)
def ignored(request: Request, clerk: AtWork, sent: Posted) -> Response:
    """Nothing needs to be made of these. Raises Forbidden."""
    house = House.of(request)
    clerk.require_anywhere(Act.SETTLE_QUESTIONS)
    with house.writing.begin() as session:
        many = settle(house, session, clerk, sent.get("settle"), IGNORED)
    return redirect(request, "/console/questions", told=f"有 {many} 次提问不再列出。")


# -- grouping --


def _grouped(house: House, found: Sequence[Question]) -> tuple[list[Group], int]:
    """The groups, and how many wordings nobody had the time to compare."""
    texts = list(dict.fromkeys(one.asked for one in found))
    vectors = _vectors(house, texts)
    groups = questions.group(found, texts[: len(vectors)], vectors, alike=house.index.alike)
    return groups, len(texts) - len(vectors)


def _vectors(house: House, texts: Sequence[str]) -> Vectors:
    """Vectors of the first of `texts`, as many as are had in time."""
    made, until = [house.index.vectors_of([])], time.monotonic() + PATIENCE
    for start in range(0, len(texts), STEP):
        made.append(house.index.vectors_of(texts[start : start + STEP]))
        if time.monotonic() > until:
            break
    return np.concatenate(made)


def _shown(house: House, clerk: Clerk, group: Group) -> Shown:
    hits = _search(house, group.question, group.regions[0], LOOKED)
    # A guide takes short ones only, and what was sealed is no part of what is asked.
    wordings = [unmarked(text) for text in (group.question, *(text for text, _ in group.texts))]
    named = ",".join(map(str, group.ids[:MOST]))
    others = [text for text, _ in group.texts if text != group.question][:WORDINGS]
    begun = [("question", group.question), *(("variant", one) for one in others), ("settle", named)]
    return Shown(
        group=group,
        nearest=tuple(hits[:NEAREST]),
        guides=_teachable(clerk, hits)[:NEAREST],
        teaches=next((text for text in wordings if len(text) <= QUESTION), wordings[0][:QUESTION]),
        settle=named,
        as_faq=f"/console/faqs/new?{urlencode(begun)}",
    )


def _search(house: House, text: str, region: str, limit: int) -> list[Hit]:
    return house.search(text, region if region in house.regions else None, limit)


def _teachable(clerk: Clerk, hits: Sequence[Hit]) -> tuple[IndexedGuide, ...]:
    """The guides among `hits` that the clerk may add a question to."""
    # Where each district keeps the item, one of them stands for all.
    guides = [guide for hit in hits for guide in hit.inside or (hit.target,) if isinstance(guide, IndexedGuide)]
    return tuple(dict.fromkeys(one for one in guides if clerk.may(Act.TEACH, one.region, one.department)))
