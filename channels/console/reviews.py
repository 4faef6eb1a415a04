"""Drafts read against what stands, and decided on; and asked, before citizens ask."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from bot.trial import ask
from channels.console import pages
from channels.console.clerks import AtWork, Clerk
from channels.console.draft_form import TOOLS, names
from channels.console.drafts import Number, record
from channels.console.forms import Posted
from channels.console.guide_checks import check
from channels.console.outlook import landed, outlook
from channels.console.trying import TRIED
from channels.house import House
from core import clock
from knowledge import drafts
from knowledge.differences import Difference, differences, merge
from knowledge.documents import document
from knowledge.drafts import Draft
from knowledge.publishing import Published, read, read_version
from knowledge.schema import Status
from staff.permissions import Act

router = APIRouter(prefix="/console/drafts/{draft_id}")


@router.get("/review", response_class=HTMLResponse)
def review(request: Request, draft_id: Number, clerk: AtWork) -> HTMLResponse:
    """What publishing this draft would change, and whether this clerk may."""
    with House.of(request).reading() as session:
        draft = drafts.read(session, draft_id)
    clerk.require(Act.READ_GUIDES, draft.region, draft.department)
    return _shown(request, clerk, draft)


@router.post("/approve")
def approve(request: Request, draft_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """Publish what was read, or let it wait for its date."""
    house = House.of(request)
    try:
        with house.writing.begin() as session:
            draft, stands = _decidable(session, clerk, draft_id)
            fields = [one.heading for one in _changes(session, draft, stands)]
            published = drafts.approve(
                session, draft_id, edition=sent.number("edition"), by=clerk.name, at=clock.now(),
                own=house.settings.own_approval,
            )  # fmt: skip
            number = published.id if published else draft.guide
            version = {"version": published.version} if published else {}
            house.audit.record(
                session, who=clerk.name, act="guide.publish" if published else "guide.approve",
                subject=f"guide:{number}", region=draft.region, why=draft.why, at=clock.now(),
                detail={"name": draft.name, "by": list(draft.editors), "fields": fields} | version,
            )  # fmt: skip
    except (drafts.Moved, drafts.OwnChange, drafts.Outdated) as error:
        with house.reading() as session:
            return _shown(request, clerk, drafts.read(session, draft_id), wrong=str(error), status=error.status)
    told = landed(published, clock.today()) if published else outlook(draft.document, stands, clock.today())
    return pages.redirect(request, f"/console/guides/{number}", told=told if published else f"已通过。{told}")


@router.post("/return")
def send_back(request: Request, draft_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """Back to whoever wrote it, with a word."""
    with House.of(request).writing.begin() as session:
        _decidable(session, clerk, draft_id)
        draft = drafts.send_back(
            session, draft_id, edition=sent.number("edition"), answer=sent.get("why"), by=clerk.name, at=clock.now()
        )
        record(request, session, clerk, "guide.return", draft, why=draft.answer)
    return pages.redirect(request, "/console/drafts", told="已退回修改。")


@router.post("/take-back")
def take_back(request: Request, draft_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """An author goes on writing."""
    with House.of(request).writing.begin() as session:
        draft = drafts.read(session, draft_id)
        clerk.require(Act.EDIT_GUIDES, draft.region, draft.department)
        draft = drafts.take_back(session, draft_id, edition=sent.number("edition"), by=clerk.name, at=clock.now())
        record(request, session, clerk, "draft.save", draft, {"taken_back": True})
    return pages.redirect(request, f"/console/drafts/{draft_id}", told="已撤回，可以继续修改。")


@router.post("/try", response_class=HTMLResponse, dependencies=TRIED)
def try_out(request: Request, draft_id: Number, clerk: AtWork, sent: Posted) -> HTMLResponse:
    """What a citizen would be told with this draft, beside what they are told today."""
    with House.of(request).reading() as session:
        draft = drafts.read(session, draft_id)
        stands = read(session, draft.guide) if draft.guide else None
    clerk.require(Act.READ_GUIDES, draft.region, draft.department)
    return tried(request, clerk, sent.get("question"), draft.document, draft.region, stands, draft=draft)


def tried(
    request: Request,
    clerk: Clerk,
    question: str,
    content: dict[str, Any],
    region: str,
    stands: Published | None,
    draft: Draft | None = None,
) -> HTMLResponse:
    """The page on which a question was asked against a draft, or against what stands."""
    house = House.of(request)
    guide = stands.id if stands else None
    # A region that lies deeper than the deployment's is where its citizens ask from.
    then = house.try_out(content, question, region, guide=guide) if question and draft else None
    now = None
    if question:
        asked_in, longest = house.regions.canonical(region), house.settings.message_limit
        _, now = ask(house.assistant, question, asked_in, longest=longest)
    return pages.page(
        request, clerk, "guides/try.html", question=question, then=then, now=now, guide=guide, draft=draft,
        titled=content.get("name", ""), outlook=outlook(content, stands, clock.today()), thresholds=house.index.thresholds,
    )  # fmt: skip


def _decidable(session: Session, clerk: Clerk, draft_id: int) -> tuple[Draft, Published | None]:
    """The draft, where this clerk may decide on it: on the guide as it is, and as it is to be. Raises Forbidden."""
    draft = drafts.read(session, draft_id)
    clerk.require(Act.APPROVE_GUIDES, draft.region, draft.department)
    stands = read(session, draft.guide) if draft.guide else None
    if stands:
        clerk.require(Act.APPROVE_GUIDES, stands.guide.region, stands.guide.department.name)
    return draft, stands


def _changes(session: Session, draft: Draft, stands: Published | None) -> tuple[Difference, ...]:
    """What publishing changes: what was changed besides meanwhile stays."""
    if stands is None:
        return differences({}, draft.document)
    now, content = document(stands.guide), draft.document
    base = read_version(session, stands.id, draft.base) if stands.version != draft.base else None
    if base:
        content, _ = merge(document(base.guide), content, now)
    return differences(now, content)


def _shown(request: Request, clerk: Clerk, draft: Draft, *, status: int = 200, wrong: str = "") -> HTMLResponse:
    house = House.of(request)
    with house.reading() as session:
        stands = read(session, draft.guide) if draft.guide else None
        latest = read_version(session, stands.id, stands.version) if stands else None
        changed, called = _changes(session, draft, stands), names(session)
    own = clerk.name in draft.editors and not house.settings.own_approval
    reviews = clerk.may(Act.APPROVE_GUIDES, draft.region, draft.department)
    decides, returns = reviews and draft.status is Status.REVIEW, reviews and draft.status is not Status.DRAFT
    return pages.page(
        request, clerk, "guides/review.html", status=status, draft=draft, stands=stands, latest=latest, changed=changed,
        own=own, decides=decides, returns=returns, called=called, checked=check(draft.document, house.regions),
        outlook=outlook(draft.document, stands, clock.today()), wrong=wrong, today=clock.today(), **TOOLS,
    )  # fmt: skip
