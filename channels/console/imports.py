"""Files that come in, compared and chosen from before anything is published; and files that go out."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from sqlalchemy.orm import Session

from channels.console import pages
from channels.console.clerks import AtWork, Clerk
from channels.console.draft_form import names
from channels.console.forms import CHUNK, Sent, Uploaded, unlinked
from channels.console.reach import reach
from channels.house import House
from core import clock
from core.errors import BangbanError, Conflict, Forbidden, Invalid
from core.paging import Page
from knowledge import batches, export, template, workbook
from knowledge.batch import Kind
from knowledge.proposing import Found, compared, keep
from staff.permissions import Act

router = APIRouter(prefix="/console/imports")
LISTED = 20
MAPPINGS = {"template": "填好的模板（Excel 或 CSV）", "guide": "帮办导出的 JSONL", "fcg": "防城港公开数据"}
Turned = Annotated[int, Query(ge=1, le=100_000)]
# Reading takes a core: citizens are answered by the others.
_reading = threading.BoundedSemaphore(2)


class Busy(Conflict):
    """正在读别人上传的文件，请过一两分钟再上传。"""

    code = "reading_others"


class Form(StrEnum):
    XLSX = "xlsx"
    CSV = "csv"
    JSONL = "jsonl"
    JSONLD = "jsonld"


@router.get("", response_class=HTMLResponse)
def listed(request: Request, clerk: AtWork, page: Turned = 1) -> HTMLResponse:
    """What was uploaded, and where to upload and download."""
    return _listed(request, clerk, page=page)


@router.post("")
def upload(request: Request, clerk: AtWork, sent: Uploaded) -> Response:
    """Read a file and show what it would change."""
    with unlinked(sent) as path:
        try:
            number = _proposed(House.of(request), clerk, sent.sent, path, sent.name)
        except (Invalid, Conflict) as error:
            return _listed(request, clerk, wrong=error, sent=sent.sent)
    return pages.redirect(request, f"/console/imports/{number}", told="文件读好了，请看一看再提交。")


@router.get("/template.xlsx")
def blank(clerk: AtWork) -> Response:
    """The table to fill in."""
    clerk.require_anywhere(Act.EXPORT)
    headers = {"Content-Disposition": 'attachment; filename="bangban-template.xlsx"'}
    return Response(_template(), headers=headers, media_type="application/octet-stream")


@cache
def _template() -> bytes:
    """Made once: that takes seconds, and it is the same for everybody."""
    with tempfile.TemporaryDirectory(prefix="bangban-") as folder:
        path = Path(folder) / "template.xlsx"
        template.write(path)
        return path.read_bytes()


@router.get("/export")
def exported(
    request: Request, clerk: AtWork, form: Form, region: Annotated[str, Query(max_length=12)] = ""
) -> StreamingResponse:
    """The published guides within the clerk's reach, as a file; that it was taken is on record."""
    house, today = House.of(request), clock.today()
    scopes = _narrowed(house, clerk, region)
    with house.writing.begin() as session:
        house.audit.record(
            session, who=clerk.name, act="guide.export", subject="guide", region=region or clerk.account.region,
            detail={"form": form.value, "region": house.regions.full_name(region) if region else ""}, at=clock.now(),
        )  # fmt: skip

    def write(path: Path) -> None:
        with house.reading() as session:
            if form is Form.XLSX:
                # Whoever imports it again would miss what is not in force.
                held = export.published(session, scopes=scopes, today=None)
                workbook.write(path, (one.guide for one in held))
                return
            with path.open("w", encoding="utf-8-sig" if form is Form.CSV else "utf-8", newline="") as out:
                export.export(session, out, export.Form(form.value), regions=house.regions, today=today, scopes=scopes)

    return _download(write, f"bangban-{today}.{form.value}")


def _listed(
    request: Request, clerk: Clerk, *, page: int = 1, wrong: BangbanError | None = None, sent: Sent | None = None
) -> HTMLResponse:
    clerk.require_anywhere(Act.EXPORT)
    house, scopes = House.of(request), clerk.scopes(Act.PROPOSE_IMPORT)
    with house.reading() as session:
        # Whoever may export alone is shown no imports.
        found = batches.every(session, scopes=scopes, by=clerk.name, page=page, size=LISTED) if scopes else None
        called = names(session)
    places = reach(house, clerk, Act.PROPOSE_IMPORT)[1] if scopes else []
    return pages.page(
        request, clerk, "imports/list.html", status=wrong.status if wrong else 200, wrong=wrong, found=found,
        called=called, places=places, exported=reach(house, clerk, Act.EXPORT)[1], mappings=list(MAPPINGS.items()),
        sent=sent or Sent(()),
    )  # fmt: skip


def _proposed(house: House, clerk: Clerk, sent: Sent, path: Path, file: str) -> int:
    """The number of the import that a file becomes. Raises Forbidden, Busy, and what reading raises."""
    region, mapping = sent.get("region"), sent.get("mapping")
    if mapping not in MAPPINGS or region not in house.regions:
        raise Invalid("请选择地区和文件是怎么来的。")
    clerk.require(Act.PROPOSE_IMPORT, region)
    if not _reading.acquire(blocking=False):
        raise Busy()
    try:
        with (
            house.reading() as reading,
            compared(
                reading, path, mapping, region, file=file, allowed=partial(clerk.may, Act.PROPOSE_IMPORT)
            ) as found,
            house.writing.begin() as session,
        ):
            number = keep(session, found, by=clerk.name, at=clock.now())
            _record(house, session, clerk, number, found)
            return number
    finally:
        _reading.release()


def _record(house: House, session: Session, clerk: Clerk, number: int, found: Found) -> None:
    detail = {
        "name": found.file, "new": found.counts[Kind.NEW], "updated": found.counts[Kind.CHANGED],
        "revived": found.counts[Kind.REVIVED], "missing": found.counts[Kind.MISSING], "refused": len(found.problems),
    }  # fmt: skip
    house.audit.record(
        session, who=clerk.name, act="import.propose", subject=f"import:{number}", region=found.region, detail=detail,
        at=clock.now(),
    )  # fmt: skip


def _narrowed(house: House, clerk: Clerk, region: str) -> list[tuple[str, str]]:
    """Where the clerk may export, of `region` alone where one is given. Raises Forbidden."""
    scopes, within = clerk.scopes(Act.EXPORT), house.regions.within
    if region:
        wider = [(region, name) for code, name in scopes if within(region, code)]
        scopes = (*wider, *((code, name) for code, name in scopes if within(code, region)))
    if not scopes:
        raise Forbidden()
    return list(scopes)


def _download(write: Callable[[Path], Any], name: str) -> StreamingResponse:
    """A file made for one download; its name is gone before it is sent."""
    with tempfile.NamedTemporaryFile(prefix="bangban-", suffix=Path(name).suffix, delete=False) as kept:
        path = Path(kept.name)
    try:
        write(path)
        made = path.open("rb")
    finally:
        path.unlink()
    size = os.fstat(made.fileno()).st_size
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
    return StreamingResponse(_parts(made), headers=headers, media_type="application/octet-stream")


def _parts(made: BinaryIO) -> Iterator[bytes]:
    with made:
        while read := made.read(CHUNK):
            yield read


def part(entries: tuple[Any, ...], page: int, size: int) -> Page[Any]:
    """One page of entries that are all at hand."""
    return Page(entries[(page - 1) * size : page * size], page, size, len(entries))
