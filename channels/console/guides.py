"""Guides as they stand: found, read, compared with what they said before, and withdrawn."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from channels.console import guide_form, pages
from channels.console.clerks import AtWork, Clerk
from channels.console.draft_form import TOOLS, names
from channels.console.drafts import Number, record
from channels.console.forms import Posted
from channels.console.guide_checks import check
from channels.console.guide_sections import anchors, sections
from channels.console.reviews import tried
from channels.console.trying import TRIED
from channels.house import House
from core import clock
from core.errors import Invalid
from knowledge import drafts, publishing, standing
from knowledge.differences import differences
from knowledge.documents import document
from knowledge.publishing import Published, Version
from staff.permissions import Act

router = APIRouter(prefix="/console/guides")
SIZE = 30
LONG = 200  # characters of a filter

Filter = Annotated[str, Query(max_length=LONG)]


@router.get("", response_class=HTMLResponse)
def listed(
    request: Request,
    clerk: AtWork,
    text: Filter = "",
    region: Filter = "",
    department: Filter = "",
    status: Filter = "",
    due: Filter = "",
    order: Filter = "",
    page: Annotated[int, Query(ge=1, le=100000)] = 1,
) -> HTMLResponse:
    """The guides this clerk may read, filtered."""
    scopes, today = clerk.scopes(Act.READ_GUIDES), clock.today()
    query = {"text": text, "region": region, "department": department, "status": status, "due": due, "order": order}
    with House.of(request).reading() as session:
        found = standing.guides(session, scopes=scopes, today=today, page=page, size=SIZE, **query)
        departments, regions = standing.departments(session, scopes), standing.regions(session, scopes)
        counts, called = standing.due_counts(session, scopes, today), names(session)
    return pages.page(
        request, clerk, "guides/list.html", found=found, query=query, counts=counts, called=called, today=today,
        places=[(code, House.of(request).regions.full_name(code)) for code in regions],
        departments=[(name, name) for name in departments],
    )  # fmt: skip


@router.get("/{guide_id}", response_class=HTMLResponse)
def shown(request: Request, guide_id: Number, clerk: AtWork) -> HTMLResponse:
    """One guide as it stands."""
    house = House.of(request)
    with house.reading() as session:
        guide = _guide(session, clerk, Act.READ_GUIDES, guide_id)
        latest = publishing.read_version(session, guide_id, guide.version)
        draft, called = drafts.of_guide(session, guide_id), names(session)
    content = document(guide.guide)
    checked = check(content, house.regions)
    made = guide_form.fields(content, checked.problems)
    return pages.page(
        request, clerk, "guides/guide.html", guide=guide, latest=latest, draft=draft, called=called, checked=checked,
        sections=sections(made), anchors=anchors(made, checked.problems), visible=guide.visible_on(clock.today()),
        today=clock.today(), **TOOLS,
    )  # fmt: skip


@router.post("/{guide_id}/edit")
def edit(request: Request, guide_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """Open the guide's draft, or begin one."""
    with House.of(request).writing.begin() as session:
        _guide(session, clerk, Act.EDIT_GUIDES, guide_id)
        draft = drafts.begin(session, guide_id, by=clerk.name, at=clock.now())
    return pages.redirect(request, f"/console/drafts/{draft.id}")


@router.post("/{guide_id}/withdraw")
def withdraw(request: Request, guide_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """Out of use at once; it can be published again from any version."""
    why = sent.get("why")
    if not why or len(why) > drafts.REASON:
        raise Invalid("请写明为什么下架，不超过 500 字。")
    house = House.of(request)
    with house.writing.begin() as session:
        guide = _guide(session, clerk, Act.WITHDRAW_GUIDES, guide_id)
        publishing.withdraw(session, guide_id, by=clerk.name, at=clock.now(), why=why)
        house.audit.record(
            session, who=clerk.name, act="guide.withdraw", subject=f"guide:{guide_id}", region=guide.guide.region,
            why=why, detail={"name": guide.guide.name, "version": guide.version}, at=clock.now(),
        )  # fmt: skip
    return pages.redirect(request, f"/console/guides/{guide_id}", told="已下架，群众不会再看到这份指南。")


@router.get("/{guide_id}/versions", response_class=HTMLResponse)
def versions(
    request: Request, guide_id: Number, clerk: AtWork, before: int | None = None, after: int | None = None
) -> HTMLResponse:
    """Every version, and what differs between two of them: the last two to begin with."""
    with House.of(request).reading() as session:
        guide = _guide(session, clerk, Act.READ_GUIDES, guide_id)
        history, called = publishing.history(session, guide_id), names(session)
        draft = drafts.of_guide(session, guide_id)
    after = after or guide.version
    before = before or max(1, after - 1)
    changed = differences(document(_version(history, before).guide), document(_version(history, after).guide))
    return pages.page(
        request, clerk, "guides/versions.html", guide=guide, history=history[::-1], before=before, after=after,
        numbers=[(one.version, f"第 {one.version} 版") for one in history[::-1]], changed=changed, called=called, draft=draft,
        **TOOLS,
    )  # fmt: skip


@router.post("/{guide_id}/restore")
def restore(request: Request, guide_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """An earlier version as a draft."""
    with House.of(request).writing.begin() as session:
        _guide(session, clerk, Act.EDIT_GUIDES, guide_id)
        draft = drafts.restore(session, guide_id, sent.number("version"), by=clerk.name, at=clock.now())
        # What an earlier version says of region and department counts too.
        clerk.require(Act.EDIT_GUIDES, draft.region, draft.department)
        record(request, session, clerk, "draft.save", draft, {"restored": sent.number("version")})
    return pages.redirect(request, f"/console/drafts/{draft.id}", told="已按那一版做成草稿，核对后送审。")


@router.post("/{guide_id}/try", response_class=HTMLResponse, dependencies=TRIED)
def try_out(request: Request, guide_id: Number, clerk: AtWork, sent: Posted) -> HTMLResponse:
    """What a citizen is told, and with the open draft would be told."""
    with House.of(request).reading() as session:
        guide = _guide(session, clerk, Act.READ_GUIDES, guide_id)
    return tried(request, clerk, sent.get("question"), document(guide.guide), guide.guide.region, guide)


def _guide(session: Session, clerk: Clerk, act: Act, guide_id: int) -> Published:
    """The guide, where this clerk may do `act` with it. Raises GuideMissing, Forbidden."""
    guide = publishing.stands(session, guide_id)
    clerk.require(act, guide.guide.region, guide.guide.department.name)
    return guide


def _version(history: tuple[Version, ...], number: int) -> Version:
    found = next((one for one in history if one.version == number), None)
    if found is None:
        raise drafts.VersionMissing()
    return found
