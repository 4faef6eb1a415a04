"""One import: what it would change, chosen from, submitted, approved or sent back."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from channels.console import pages
from channels.console.clerks import AtWork, Clerk
from channels.console.draft_form import TOOLS, names
from channels.console.forms import Posted, Sent
from channels.console.imports import Turned, part
from channels.house import House
from core import clock
from core.errors import Forbidden, Invalid
from core.paging import Page
from knowledge import batches
from knowledge.applying import Applied, apply
from knowledge.batch import Batch, Kind, Outcome
from knowledge.differences import differences
from knowledge.lint import missing_elements
from knowledge.schema import Guide
from staff.permissions import Act

router = APIRouter(prefix="/console/imports/{batch_id}")
Number = Annotated[int, Path(ge=1, lt=2**31)]
REFUSED = "refused"
PROBLEMS = 50  # on a page
LACKING = 4  # of the eleven key elements: from here on the page warns
PAUSE = 0.12  # seconds between two transactions: whoever waits for SQLite's lock asks for it every 0.1 s
NAMED = 50  # guides that the record and the page name one by one
TABS = {
    Kind.NEW.value: "新增", Kind.CHANGED.value: "修改", Kind.REVIVED.value: "已下架的", Kind.MISSING.value: "文件里没有",
    REFUSED: "有问题的行",
}  # fmt: skip
ALTERED = (Kind.CHANGED, Kind.REVIVED)  # what is compared with what stood before


@router.get("", response_class=HTMLResponse)
def shown(
    request: Request,
    batch_id: Number,
    clerk: AtWork,
    tab: Annotated[str, Query(max_length=10)] = "",
    page: Turned = 1,
) -> HTMLResponse:
    """What the file would change, or did."""
    house = House.of(request)
    with house.reading() as session:
        batch = _seen(session, clerk, batch_id)
        counts = _counts(batch)
        tab = tab if tab in TABS else next((name for name in TABS if counts[name]), Kind.NEW.value)
        found: Page[Any] = (
            part(batch.refused, page, PROBLEMS)
            if tab == REFUSED
            else batches.guides(session, batch_id, Kind(tab), page=page)
        )
        before = batches.before(session, found.entries) if tab in ALTERED else {}
        reasons = batches.reasons(session, found.entries) if tab == Kind.REVIVED else {}
        waits = batches.guides(session, batch_id, outcome=Outcome.WAITS, size=NAMED)
        moved = batches.guides(session, batch_id, outcome=Outcome.MOVED, size=NAMED)
        drafted = batches.guides(session, batch_id, outcome=Outcome.DRAFTED, size=NAMED)
        called = names(session)
    changed = {
        one.place: differences(before.get(one.place, {}), one.document) for one in found.entries if tab != REFUSED
    }
    lacking = {one.place: _lacking(one.document) for one in found.entries if tab in (Kind.NEW, *ALTERED)}
    return pages.page(
        request, clerk, "imports/batch.html", batch=batch, tab=tab, tabs=TABS, counts=counts, found=found,
        changed=changed, lacking=lacking, waits=waits, moved=moved, drafted=drafted, called=called, mine=batch.made_by == clerk.name,
        decides=_decides(clerk, batch), own=batch.made_by == clerk.name and not house.settings.own_approval,
        chosen=sum(batch.chosen.values()), reasons=reasons, **TOOLS,
    )  # fmt: skip


@router.post("/choose")
def choose(request: Request, batch_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """Keep which guides are taken: those of one page, or all of a kind."""
    tab, page = sent.get("tab"), sent.number("page")
    if tab not in list(Kind):
        raise Invalid()
    with House.of(request).writing.begin() as session:
        _seen(session, clerk, batch_id)
        if sent.get("all"):
            batches.choose_all(session, batch_id, Kind(tab), sent.get("all") == "yes", by=clerk.name)
        else:
            shown, chosen = _places(sent, "shown"), _places(sent, "chosen")
            batches.choose(session, batch_id, shown=shown, chosen=chosen, by=clerk.name)
    return pages.redirect(request, f"/console/imports/{batch_id}?tab={tab}&page={page}", told="已记下您的挑选。")


@router.post("/submit")
def submit(request: Request, batch_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """Ask for review."""
    with House.of(request).writing.begin() as session:
        batch = _seen(session, clerk, batch_id)
        batches.submit(session, batch_id, why=sent.get("why"), by=clerk.name)
        chosen = {name: batch.chosen[kind] for kind, name in _WORDS.items()}
        _record(request, session, clerk, "import.submit", batch, sent.get("why"), chosen)
    return pages.redirect(request, f"/console/imports/{batch_id}", told="已提交审核。")


@router.post("/discard")
def discard(request: Request, batch_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """Whoever uploaded it gives it up."""
    with House.of(request).writing.begin() as session:
        batch = _seen(session, clerk, batch_id)
        batches.discard(session, batch_id, by=clerk.name)
        _record(request, session, clerk, "import.discard", batch, "", {})
    told = "已撤销，还没有导入的不再导入。" if batch.begun else "已撤销，什么都没有导入。"
    return pages.redirect(request, "/console/imports", told=told)


@router.post("/approve")
def approve(request: Request, batch_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """Publish what was chosen, bit by bit; after an interruption, what is left of it."""
    while (done := _applied(request, clerk, batch_id)).left:
        time.sleep(PAUSE)
    told = "已导入。要等实施日期的列在下面，其余的群众现在就能查到。" if done.waiting else "已导入，群众现在就能查到。"
    return pages.redirect(request, f"/console/imports/{batch_id}", told=told)


@router.post("/return")
def send_back(request: Request, batch_id: Number, clerk: AtWork, sent: Posted) -> Response:
    """Back to whoever uploaded it, with a word."""
    with House.of(request).writing.begin() as session:
        batch = _decidable(session, clerk, batch_id)
        batches.send_back(session, batch_id, answer=sent.get("why"), by=clerk.name, at=clock.now())
        _record(request, session, clerk, "import.return", batch, sent.get("why"), {})
    return pages.redirect(request, f"/console/imports/{batch_id}", told="已退回。")


def _applied(request: Request, clerk: Clerk, batch_id: int) -> Applied:
    """Publish the next of what was chosen, in a transaction of its own with its entry; what was done by now."""
    house = House.of(request)
    with house.writing.begin() as session:
        batch = _decidable(session, clerk, batch_id)
        done = apply(
            session, batch_id, by=clerk.name, at=clock.now(), own=house.settings.own_approval,
            allowed=partial(clerk.may, Act.APPROVE_IMPORT),
        )  # fmt: skip
        detail = {
            "new": done.new, "updated": done.changed, "revived": done.revived, "withdrawn": done.withdrawn,
            "left": done.left, "uploaded": batch.made_by, "waits": done.waiting[:NAMED], "moved": done.moved[:NAMED],
            "drafted": done.drafted[:NAMED],
        }  # fmt: skip
        _record(request, session, clerk, "import.apply", batch, batch.why, detail)
        return done


_WORDS = {Kind.NEW: "new", Kind.CHANGED: "updated", Kind.REVIVED: "revived", Kind.MISSING: "withdrawn"}


def _seen(session: Session, clerk: Clerk, batch_id: int) -> Batch:
    """An import this clerk may look at. Raises NoBatch, Forbidden."""
    scopes = clerk.scopes(Act.PROPOSE_IMPORT)
    if not scopes:
        raise Forbidden()
    return batches.read(session, batch_id, scopes=scopes, by=clerk.name)


def _decidable(session: Session, clerk: Clerk, batch_id: int) -> Batch:
    """An import that this clerk may decide on. Raises NoBatch, Forbidden."""
    batch = _seen(session, clerk, batch_id)
    if not _decides(clerk, batch):
        raise Forbidden()
    # Nothing in it may lie outside of what they decide on.
    return batches.read(session, batch_id, scopes=clerk.scopes(Act.APPROVE_IMPORT), by="")


def _decides(clerk: Clerk, batch: Batch) -> bool:
    return clerk.may(Act.APPROVE_IMPORT, batch.region)


def _counts(batch: Batch) -> dict[str, int]:
    return {kind.value: batch.counts[kind] for kind in Kind} | {REFUSED: len(batch.refused)}


def _lacking(document: dict[str, Any]) -> int:
    """How many key elements a guide does not state, 0 where they are too few to warn of."""
    count = len(missing_elements(Guide.model_validate(document)))
    return count if count >= LACKING else 0


def _places(sent: Sent, name: str) -> set[int]:
    return {int(value) for value in sent.all(name) if value.isascii() and value.isdecimal() and len(value) < 10}


def _record(
    request: Request, session: Session, clerk: Clerk, act: str, batch: Batch, why: str, detail: dict[str, Any]
) -> None:
    House.of(request).audit.record(
        session, who=clerk.name, act=act, subject=f"import:{batch.id}", region=batch.region, why=why,
        detail={"name": batch.file} | detail, at=clock.now(),
    )  # fmt: skip
