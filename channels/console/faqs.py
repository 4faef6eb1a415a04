"""Curated questions: written, tried, switched on and off, and what they said before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from channels.console.clerks import AtWork, Clerk
from channels.console.faq_forms import NEW, Form, filled, prefilled, sent_form
from channels.console.faq_pages import LONGEST_WHY, WAITING, changed, form_page, may_write, regions_for, try_out, waits
from channels.console.forms import Posted
from channels.console.pages import page, redirect
from channels.console.settling import settle
from channels.console.trying import TRIED
from channels.house import House
from core import clock
from core.errors import Forbidden, Invalid
from core.paging import Page
from journal.overview import answered
from knowledge import faqs
from knowledge.differences import marked
from knowledge.faqs import Curated, FaqMissing, Outdated
from knowledge.publishing import Change
from knowledge.revisions import lock
from knowledge.schema import Faq
from staff.permissions import Act

SIZE = 50
COUNTED = timedelta(days=30)  # back from now, how often each answered
LIVE = "群众一秒内就能问到"
STATES = (("on", "已启用"), ("off", "未启用"), ("waiting", WAITING))

router = APIRouter(prefix="/console/faqs")
Code = Annotated[str, Path(max_length=200)]  # may have slashes: of two paths the longer is declared first


# -- reading --


@router.get("", response_class=HTMLResponse)
def listed(
    request: Request,
    clerk: AtWork,
    text: Annotated[str, Query(max_length=200)] = "",
    region: Annotated[str, Query(max_length=12)] = "",
    state: Annotated[str, Query(max_length=10)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> Response:
    """The questions of the clerk's regions."""
    clerk.require_anywhere(Act.READ_FAQ)
    if region:
        clerk.require(Act.READ_FAQ, region)
    house = House.of(request)
    regions = [region] if region else clerk.regions(Act.READ_FAQ)
    with house.reading() as session:
        every = faqs.every(session, regions=regions)
        fitting = faqs.every(session, regions=regions, text=text) if text else every
    waiting = [one for one in every if waits(one)]
    fitting = tuple(one for one in fitting if _is(one, state))
    shown = fitting[(number - 1) * SIZE : number * SIZE]
    with house.reading() as session:
        counts = answered(session, [one.faq.code for one in shown], since=clock.now() - COUNTED)
    return page(
        request, clerk, "faqs/list.html", title="常见问题", page=Page(shown, number, SIZE, len(fitting)),
        waiting=waiting, text=text, region=region, state=state, states=STATES,
        choices=regions_for(house, clerk, Act.READ_FAQ), writes=clerk.anywhere(Act.EDIT_FAQ), counts=counts,
        counted=COUNTED.days,
    )  # fmt: skip


@router.get("/new", response_class=HTMLResponse)
def begun(
    request: Request,
    clerk: AtWork,
    question: Annotated[str, Query(max_length=1000)] = "",
    variant: Annotated[list[str] | None, Query(max_length=200)] = None,
    settle: Annotated[str, Query(max_length=20_000)] = "",
    region: Annotated[str, Query(max_length=12)] = "",
) -> Response:
    """An empty form, or one that others' words begin."""
    clerk.require_anywhere(Act.EDIT_FAQ)
    house = House.of(request)
    choices = [code for code, _ in regions_for(house, clerk, Act.EDIT_FAQ)]
    chosen = region if clerk.may(Act.EDIT_FAQ, region) and region in house.regions else choices[0]
    enabled = clerk.may(Act.PUBLISH_FAQ, chosen)
    form = replace(prefilled(chosen, question, variant or [], settle), enabled=enabled)
    return form_page(request, clerk, None, form)


@router.get("/{code:path}/versions", response_class=HTMLResponse)
def versions(request: Request, clerk: AtWork, code: Code) -> Response:
    """What it said before, the latest first, each with what it changed."""
    house = House.of(request)
    stored = _stored(house, clerk, code)
    with house.reading() as session:
        history = faqs.history(session, code)
    before: list[Curated | None] = [None, *history]
    told = [(one, changed(was.faq, one.faq) if was else ()) for was, one in zip(before, history, strict=False)]
    return page(
        request, clerk, "faqs/versions.html", title=f"历史版本：{stored.faq.question}", stored=stored,
        versions=told[::-1], marked=marked, writes=may_write(clerk, stored.faq.region, stored.faq.enabled),
    )  # fmt: skip


@router.get("/{code:path}", response_class=HTMLResponse, dependencies=TRIED)
def read(request: Request, clerk: AtWork, code: Code, ask: Annotated[str, Query(max_length=200)] = "") -> Response:
    """A question as it stands; with `ask`, what is answered to that now."""
    house = House.of(request)
    stored = _stored(house, clerk, code)
    tried = try_out(house, ask, stored.faq.region) if ask.strip() else None
    return form_page(request, clerk, stored, filled(stored), tried=tried)


# -- writing --


@router.post("/{code:path}/switch")
def switch(request: Request, clerk: AtWork, code: Code, sent: Posted) -> Response:
    """Show it to citizens, or no longer: the version that was looked at, and no other. Raises Outdated."""
    house, enabled = House.of(request), sent.get("enabled") == "yes"
    clerk.require(Act.PUBLISH_FAQ, _stored(house, clerk, code).faq.region)
    with house.writing.begin() as session:
        stored = _locked(session, code)
        clerk.require(Act.PUBLISH_FAQ, stored.faq.region)
        if stored.version != sent.number("version"):
            raise Outdated(stored)
        why = sent.get("why")[:LONGEST_WHY]
        if faqs.switch(session, code, enabled, by=clerk.name, at=clock.now(), why=why) is not Change.SAME:
            _record(house, session, clerk, "faq.switch", stored.faq, why, {"enabled": enabled})
    said = f"已启用，{LIVE}。" if enabled else "已停用，一秒内不再用它回答。"
    return redirect(request, f"/console/faqs/{quote(code, safe='')}", told=said)


@router.post("/{code:path}/restore")
def restore(request: Request, clerk: AtWork, code: Code, sent: Posted) -> Response:
    """Have it say again what an earlier version said; whether it is on stays. Raises Outdated, FaqMissing."""
    house, wanted = House.of(request), sent.number("restored")
    _stored(house, clerk, code)
    with house.writing.begin() as session:
        stored = _locked(session, code)
        earlier = next((one for one in faqs.history(session, code) if one.version == wanted), None)
        if earlier is None:
            raise FaqMissing()
        faq = earlier.faq.model_copy(update={"enabled": stored.faq.enabled})
        for region in (stored.faq.region, faq.region):
            if not may_write(clerk, region, faq.enabled):
                raise Forbidden()
        why = f"{'' if faq.enabled else f'{WAITING}：'}恢复第 {wanted} 版"
        change = faqs.write(session, faq, by=clerk.name, at=clock.now(), why=why, version=sent.number("version"))
        if change is not Change.SAME:
            _record(house, session, clerk, "faq.write", faq, why, {"restored": wanted})
    return redirect(request, f"/console/faqs/{quote(code, safe='')}", told=_told(change, faq.enabled, why))


@router.post("/{code:path}", response_class=HTMLResponse)
def write(request: Request, clerk: AtWork, code: Code, sent: Posted) -> Response:
    """Save what was typed; or look for guides with it, or show how it will read, keeping it as it is."""
    house, form = House.of(request), sent_form(sent)
    stored = None if code == NEW else _stored(house, clerk, code)
    _require(house, clerk, stored, form)
    if sent.get("do") != "save":
        return form_page(request, clerk, stored, form)
    if problems := form.problems():
        return form_page(request, clerk, stored, form, problems=problems, status=422)
    try:
        code, told = _save(house, clerk, code, form)
    except Outdated as problem:
        theirs = changed(problem.theirs.faq, form.faq(code))
        again = replace(form, version=problem.theirs.version)
        return form_page(request, clerk, problem.theirs, again, problem=problem, theirs=theirs, status=problem.status)
    except Invalid as problem:
        return form_page(request, clerk, stored, form, problem=problem, status=problem.status)
    return redirect(request, f"/console/faqs/{quote(code, safe='')}", told=told)


def _save(house: House, clerk: Clerk, code: str, form: Form) -> tuple[str, str]:
    """Write it down and settle the turns it came from, with the entry in the audit. Returns its code and what to tell.

    Raises Outdated, Invalid.
    """
    now = clock.now()
    publishes = clerk.may(Act.PUBLISH_FAQ, form.region)
    with house.writing.begin() as session:
        lock(session)  # a new code is nobody else's, and who may write is asked of what stands
        before = None if code == NEW else _locked(session, code)
        if before and not may_write(clerk, before.faq.region, before.faq.enabled):
            raise Outdated(before) if form.version != before.version else Forbidden()
        faq = form.faq(faqs.new_code(session, form.region, now) if before is None else code)
        why = form.why[:LONGEST_WHY]
        if not publishes:
            faq = faq.model_copy(update={"enabled": False})
            why = f"{WAITING}：{why}" if why else WAITING
        change = faqs.write(session, faq, by=clerk.name, at=now, why=why, version=form.version)
        settled = settle(house, session, clerk, form.settle, f"faq:{faq.code}")
        if change is not Change.SAME or settled:
            fields = [one.heading for one in changed(before.faq, faq)] if before else []
            detail = {"change": change.value, "fields": fields, "enabled": faq.enabled, "settled": settled}
            _record(house, session, clerk, "faq.write", faq, why, detail)
    return faq.code, _told(change, faq.enabled, why, settled)


def _require(house: House, clerk: Clerk, stored: Curated | None, form: Form) -> None:
    """Raises Forbidden where the clerk may not write this, or not of that region; Invalid for an unknown one."""
    if form.region not in house.regions:
        raise Invalid("没有这个地区，请重新选择。")
    clerk.require(Act.EDIT_FAQ, form.region)
    if stored and not may_write(clerk, stored.faq.region, stored.faq.enabled):
        raise Forbidden("这条常见问题已经启用，要由审核人员来改。" if stored.faq.enabled else None)


def _stored(house: House, clerk: Clerk, code: str) -> Curated:
    """A question of the clerk's regions; of others, it is not told whether there is one. Raises FaqMissing."""
    with house.reading() as session:
        stored = faqs.read(session, code)
    if stored is None or not clerk.may(Act.READ_FAQ, stored.faq.region):
        raise FaqMissing()
    return stored


def _locked(session: Session, code: str) -> Curated:
    lock(session)
    stored = faqs.read(session, code)
    if stored is None:
        raise FaqMissing()
    return stored


def _record(
    house: House, session: Session, clerk: Clerk, act: str, faq: Faq, why: str, detail: Mapping[str, Any]
) -> None:
    house.audit.record(
        session, who=clerk.name, act=act, subject=f"faq:{faq.code}", region=faq.region, why=why, detail=detail,
        at=clock.now(),
    )  # fmt: skip


def _is(stored: Curated, state: str) -> bool:
    return {"on": stored.faq.enabled, "off": not stored.faq.enabled, "waiting": waits(stored)}.get(state, True)


def _told(change: Change, enabled: bool, why: str, settled: int = 0) -> str:
    off = f"{WAITING}。" if why.startswith(WAITING) else "没有启用，群众看不到。"
    said = "没有改动。" if change is Change.SAME else f"已保存，{LIVE}。" if enabled else f"已保存，{off}"
    return said + (f"有 {settled} 次同样的提问不再列为没有回答。" if settled else "")
