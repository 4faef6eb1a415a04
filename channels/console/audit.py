"""What was done: found, read, verified and taken along by administrators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from channels.console import deeds
from channels.console.clerks import AtWork, Clerk
from channels.console.forms import Posted, Sent
from channels.console.pages import page
from channels.console.reach import begins, day_of, ends
from channels.house import House
from core import clock
from core.errors import Invalid
from staff.audit import Entry, Verdict
from staff.exporting import Form, lines
from staff.permissions import Act

SHOWN = 50
LINES = 200  # of an export, sent together

router = APIRouter(prefix="/console/audit")


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for, as it was entered; days are China's and both count."""

    who: str = ""
    act: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""

    def pairs(self) -> list[tuple[str, str]]:
        """Those that are set, for a link."""
        return [(one.name, getattr(self, one.name)) for one in fields(self) if getattr(self, one.name)]

    def chosen(self) -> dict[str, Any]:
        """The same as the record takes it. Raises Invalid."""
        return {
            "who": self.who.strip(), "act": self.act, "subject": deeds.written(self.subject.strip()),
            "since": begins(day_of(self.since)), "until": ends(day_of(self.until)),
        }  # fmt: skip


def _asked(request: Request) -> Filters:
    return Filters(**{one.name: request.query_params.get(one.name, "")[:300] for one in fields(Filters)})


@router.get("", response_class=HTMLResponse)
def every(
    request: Request,
    clerk: AtWork,
    asked: Annotated[Filters, Depends(_asked)],
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> Response:
    """The newest first."""
    return _page(request, clerk, asked, before)


@router.post("/verify", response_class=HTMLResponse)
def verify(request: Request, clerk: AtWork, sent: Posted) -> Response:
    """Whether all of the record is there as it was written."""
    _regions(clerk)
    house = House.of(request)
    with house.reading() as session:
        verdict = house.audit.verify(session)
    return _page(request, clerk, Filters(), None, verdict)


@router.post("/export")
def export(request: Request, clerk: AtWork, sent: Posted) -> Response:
    """A file of what the filters choose; that it was taken is on record, and the last of its lines."""
    house, asked, form = House.of(request), _filters(sent), sent.get("form")
    regions, chosen = _regions(clerk), asked.chosen()
    if form not in list(Form):
        raise Invalid()
    with house.writing.begin() as session:
        house.audit.record(
            session, who=clerk.name, act="audit.export", subject="audit", region=clerk.account.region,
            detail={**dict(asked.pairs()), "form": form}, at=clock.now(),
        )  # fmt: skip
    name = f"audit-{clock.today()}.{form}"
    kind = "text/csv; charset=utf-8" if form == Form.CSV else "application/jsonl; charset=utf-8"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_sent(house, regions, chosen, Form(form)), media_type=kind, headers=headers)


def _sent(house: House, regions: tuple[str, ...], chosen: dict[str, Any], form: Form) -> Iterator[str]:
    with house.reading() as session:
        written = lines(house.audit.every(session, regions=regions, **chosen), form)
        while part := "".join(islice(written, LINES)):
            yield part


def _filters(sent: Sent) -> Filters:
    return Filters(**{one.name: sent.get(one.name)[:300] for one in fields(Filters)})


def _regions(clerk: Clerk) -> tuple[str, ...]:
    """The regions whose record the clerk may read. Raises Forbidden where there is none."""
    clerk.require_anywhere(Act.READ_AUDIT)
    return clerk.regions(Act.READ_AUDIT)


def _page(
    request: Request, clerk: Clerk, asked: Filters, before: int | None, verdict: Verdict | None = None
) -> HTMLResponse:
    house, regions = House.of(request), _regions(clerk)
    with house.reading() as session:
        found = house.audit.entries(session, **asked.chosen(), regions=regions, before=before, limit=SHOWN + 1)
    entries = found[:SHOWN]
    return page(
        request, clerk, "staff/audit.html", title="操作记录", asked=asked, acts=deeds.ACTS, verdict=verdict,
        lines=list(_lines(house, entries)), older=entries[-1].number if len(found) > SHOWN else None, before=before,
    )  # fmt: skip


def _lines(house: House, entries: Iterable[Entry]) -> Iterator[tuple[Entry, str, str, list[tuple[str, str]]]]:
    for one in entries:
        yield one, deeds.act(one.act), deeds.subject(one.subject), deeds.detail(one, house.regions)
