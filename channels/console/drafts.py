"""Guides being written: the form, its check while typing, and what two clerks typed at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy.orm import Session

from channels.console import guide_form, pages
from channels.console.clerks import AtWork, Clerk
from channels.console.draft_form import anew, decided, lately, names, still_asked, together, written
from channels.console.forms import Posted, Sent
from channels.console.guide_checks import check
from channels.console.guide_form import Document, Problem
from channels.console.guide_parcel import pack
from channels.console.guide_sections import anchors, opening
from channels.console.settling import settle
from channels.house import House
from core import clock
from core.errors import Invalid
from knowledge import drafts
from knowledge.differences import differences
from knowledge.drafts import Draft
from knowledge.schema import Status
from knowledge.standing import guides
from knowledge.teaching import QUESTION
from staff.permissions import Act

router = APIRouter(prefix="/console/drafts")
LISTED = 100
Number = Annotated[int, Path(ge=1, lt=2**31)]
ROWS = ("add", "drop", "up")


@router.get("", response_class=HTMLResponse)
def waiting(request: Request, clerk: AtWork) -> HTMLResponse:
    """What waits for review or for its date, and what is being written."""
    house, scopes = House.of(request), clerk.scopes(Act.READ_GUIDES)
    with house.reading() as session:
        listed = {
            due: [
                drafts.read(session, one.draft[0])
                for one in guides(session, scopes=scopes, today=clock.today(), due=due, size=LISTED).entries
                if one.draft
            ]
            for due in ("review", "approved", "draft")
        }
        called = names(session)
    mine = [draft for draft in listed["draft"] if clerk.name in (*draft.editors, draft.made_by)]
    others = [draft for draft in listed["draft"] if draft not in mine]
    return pages.page(
        request, clerk, "guides/drafts.html", review=listed["review"], approved=listed["approved"], mine=mine,
        others=others, called=called,
    )  # fmt: skip


@router.post("")
def begin(request: Request, clerk: AtWork, sent: Posted) -> Response:
    """A guide that does not exist yet, it may be for what citizens asked. Its region and department are the clerk's own
    to begin with.
    """
    house, question = House.of(request), sent.get("question")[:QUESTION]
    region, department = next(iter(clerk.scopes(Act.EDIT_GUIDES)), (house.settings.region, ""))
    clerk.require(Act.EDIT_GUIDES, region, department)
    document: Document = {"region": region} | ({"department": {"name": department}} if department else {})
    document |= {"questions": [question]} if question else {}
    with house.writing.begin() as session:
        draft = drafts.begin_new(session, document, by=clerk.name, at=clock.now())
        record(request, session, clerk, "draft.save", draft)
        settle(house, session, clerk, sent.get("settle"), f"draft:{draft.id}")
    return pages.redirect(request, f"/console/drafts/{draft.id}")


@router.get("/{draft_id}", response_class=HTMLResponse)
def form(request: Request, draft_id: Number, clerk: AtWork) -> Response:
    """The form; what was submitted is read instead."""
    with House.of(request).reading() as session:
        draft = drafts.read(session, draft_id)
    if draft.status is not Status.DRAFT:
        clerk.require(Act.READ_GUIDES, draft.region, draft.department)
        return pages.redirect(request, f"/console/drafts/{draft_id}/review")
    clerk.require(Act.EDIT_GUIDES, draft.region, draft.department)
    return written(
        request, clerk, draft, draft.document, edition=draft.edition, was=pack(draft.document),
        lately=lately(draft, clerk, clock.now()),
    )  # fmt: skip


@router.post("/{draft_id}")
def write(request: Request, draft_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """Save, submit, or add, drop and move rows; whatever was typed comes back with what is wrong."""
    try:
        draft = _editable(request, clerk, draft_id)
    except drafts.NoDraft:
        return _begun_anew(request, clerk, sent)
    loose = _typed(draft, sent)
    kept: dict[str, Any] = {"edition": sent.number("edition"), "was": sent.get("was"), "why": sent.get("why")}
    for act in ROWS:
        if name := sent.get(act):
            kept |= still_asked(guide_form.tidy(loose), sent)
            focus = guide_form.rearrange(loose, act, name)
            return written(request, clerk, draft, loose, **kept, focus=_first(focus))
    document = decided(guide_form.tidy(loose), sent)
    if problems := _elsewhere(request, clerk, document):
        return written(request, clerk, draft, document, **kept, problems=problems, status=403)
    try:
        return _store(request, clerk, draft, document, sent)
    except drafts.NoDraft:
        return _begun_anew(request, clerk, sent)
    except drafts.Outdated as error:
        return together(request, clerk, error.theirs, document, sent)
    except (drafts.Incomplete, Refused) as error:
        fresh = _editable(request, clerk, draft_id)
        kept |= {"edition": fresh.edition, "was": pack(fresh.document)}
        return written(request, clerk, fresh, document, **kept, wrong=str(error), status=422)
    except (drafts.KeyTaken, drafts.KeyFixed, drafts.InReview) as error:
        return written(request, clerk, draft, document, **kept, wrong=str(error), status=error.status)


@router.post("/{draft_id}/lint")
def lint(request: Request, draft_id: Number, clerk: AtWork, sent: Posted) -> JSONResponse:
    """What can be said of what was typed so far; nothing is kept."""
    draft = _editable(request, clerk, draft_id)
    loose = _typed(draft, sent)
    document = guide_form.tidy(loose)
    checked, made = check(document, House.of(request).regions), guide_form.fields(loose)
    ids = anchors(made, checked.problems)
    problems = [asdict(one) | {"id": ids[one.name]} for one in checked.problems]
    told = {one.name: opening(one) for one in guide_form.walk(made.values()) if one.read}
    return JSONResponse(
        {
            "problems": problems,
            "completeness": round(checked.completeness, 4),
            "missing": checked.missing,
            "hours": told,
        }
    )


@router.post("/{draft_id}/discard")
def discard(request: Request, draft_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """Throw a draft away."""
    _editable(request, clerk, draft_id)
    with House.of(request).writing.begin() as session:
        draft = drafts.read(session, draft_id)
        drafts.discard(session, draft_id, edition=sent.number("edition"), by=clerk.name, at=clock.now())
        record(request, session, clerk, "draft.discard", draft)
    after = f"/console/guides/{draft.guide}" if draft.guide else "/console/drafts"
    return pages.redirect(request, after, told="草稿已放弃。")


class Refused(Invalid):
    """标着“必须改”的地方还没有改好，所以没有送审。您写的已经保存。"""


def _store(request: Request, clerk: Clerk, draft: Draft, document: Document, sent: Sent) -> Response:
    """Save, and then what else was asked for. What was saved stays where that cannot be done."""
    house, here = House.of(request), f"/console/drafts/{draft.id}"
    with house.writing.begin() as session:
        saved = drafts.save(session, draft.id, document, edition=sent.number("edition"), by=clerk.name, at=clock.now())
        if saved.edition != draft.edition:
            changed = differences(draft.document, saved.document)
            record(request, session, clerk, "draft.save", saved, {"fields": [one.heading for one in changed]})
    if sent.get("do") == "catch_up":
        return _catch_up(request, clerk, saved)
    if sent.get("do") != "submit":
        return pages.redirect(request, here, told="已保存。还没有送审，群众暂时看不到这次修改。")
    if check(document, house.regions).stops:
        raise Refused()
    if not sent.get("why"):
        raise Refused("请写明为什么改，修改的内容已经保存。")
    with house.writing.begin() as session:
        submitted = drafts.submit(
            session, draft.id, edition=saved.edition, why=sent.get("why"), by=clerk.name, at=clock.now()
        )
        record(request, session, clerk, "guide.submit", submitted, why=submitted.why)
    return pages.redirect(request, f"{here}/review", told="已送审，等待审核。")


def _begun_anew(request: Request, clerk: Clerk, sent: Sent) -> Response:
    """What was typed into a draft that a colleague published or threw away meanwhile is not lost."""
    with House.of(request).writing.begin() as session:
        draft, mine = anew(session, clerk, sent)
        if draft.guide is None:
            record(request, session, clerk, "draft.save", draft)
    if draft.guide is None:
        told = "原来的草稿已经被放弃，您写的已经存成这份新草稿，还没有送审。"
        return pages.redirect(request, f"/console/drafts/{draft.id}", told=told)
    return together(request, clerk, draft, mine, sent, gone=True)


def _catch_up(request: Request, clerk: Clerk, saved: Draft) -> Response:
    with House.of(request).writing.begin() as session:
        fresh, headings = drafts.catch_up(session, saved.id, edition=saved.edition, by=clerk.name, at=clock.now())
        record(request, session, clerk, "draft.save", fresh, {"fields": list(headings)})
    told = (
        f"已并入最新版本。两边都改过的以草稿为准，请核对：{'、'.join(headings)}。" if headings else "已并入最新版本。"
    )
    return pages.redirect(request, f"/console/drafts/{saved.id}", told=told)


def _elsewhere(request: Request, clerk: Clerk, document: Mapping[str, Any]) -> tuple[Problem, ...]:
    """What keeps this clerk from writing a guide of that region and department."""
    region, department = str(document.get("region", "")), document.get("department") or {}
    if region in House.of(request).regions and clerk.may(Act.EDIT_GUIDES, region, str(department.get("name", ""))):
        return ()
    told = "您的账号管不了这个地区或者这个部门的指南，没有保存"
    fields = (("region", "区划代码"), ("department.name", "实施部门"))
    return tuple(Problem(name, heading, told, stops=True) for name, heading in fields)


def _typed(draft: Draft, sent: Sent) -> Document:
    """What was typed; what names a published guide stays."""
    fixed = {key: draft.document.get(key, "") for key in drafts.KEYS} if draft.guide else {}
    return guide_form.typed(sent.pairs) | fixed


def _editable(request: Request, clerk: Clerk, draft_id: int) -> Draft:
    with House.of(request).reading() as session:
        draft = drafts.read(session, draft_id)
    clerk.require(Act.EDIT_GUIDES, draft.region, draft.department)
    return draft


def record(
    request: Request,
    session: Session,
    clerk: Clerk,
    act: str,
    draft: Draft,
    detail: Mapping[str, Any] | None = None,
    why: str = "",
) -> None:
    """Put on record what was done with a draft, or with its guide."""
    subject = f"guide:{draft.guide}" if draft.guide and act.startswith("guide.") else f"draft:{draft.id}"
    told = {"name": draft.name} | dict(detail or {})
    House.of(request).audit.record(
        session, who=clerk.name, act=act, subject=subject, region=draft.region, why=why, detail=told, at=clock.now()
    )


def _first(name: str) -> str:
    """The first field of the row that was just added."""
    root, _, rest = name.partition(".")
    found = next((s for s in guide_form.shapes() if s.key == root), None)
    for step in rest.split(".") if rest else ():
        if not step.isdecimal() and found:
            found = next((s for s in found.parts if s.key == step), found)
    return f"{name}.{found.parts[0].key}" if found and found.parts and name[-1:].isdecimal() else name
