"""The first page: what waits for the clerk, and how the assistant did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from channels.console import charts
from channels.console.clerks import AtWork, Clerk
from channels.console.conversations import CHANNELS, OUTCOMES
from channels.console.pages import page
from channels.console.reach import DAYS, SPANS, reach
from channels.house import House
from core import clock, tables
from core.clock import CHINA
from core.errors import NotFound
from journal.overview import Overview, overview
from journal.turns import Outcome
from knowledge import faqs, publishing, standing
from staff.permissions import Act

WAITS = (
    ("review", "待审核的草稿"),
    ("draft", "没写完的草稿"),
    ("expiring", "60 天内到期或已经过期的指南"),
    ("unverified", "半年没有核实的指南"),
)
# What is counted of the turns, in the order of the cards.
CARDS = (Outcome.ANSWERED, Outcome.CLARIFIED, Outcome.REFUSED, Outcome.HANDED, Outcome.BOOKED)

router = APIRouter(prefix="/console")
Days = Annotated[int, Query()]
Region = Annotated[str, Query(max_length=12)]


@dataclass(frozen=True, slots=True)
class Table:
    """A table and what its chart says in one sentence; `name` is also that of its file."""

    name: str
    title: str
    told: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]

    @property
    def drawn(self) -> charts.Lines | tuple[charts.Bar, ...]:
        """The chart: lines over days, else bars of the first count."""
        if self.name == "days":
            places = [str(row[0])[5:] for row in self.rows]
            counts = [[int(row[at]) for row in self.rows] for at in range(1, len(self.heads))]
            return charts.lines(places, list(zip(self.heads[1:], counts, strict=True)))
        return charts.bars([(str(row[0]), int(row[1])) for row in self.rows])


@router.get("", response_class=HTMLResponse)
def shown(request: Request, clerk: AtWork, days: Days = 30, region: Region = "") -> Response:
    """Cards, charts and what waits."""
    house, days = House.of(request), days if days in DAYS else 30
    regions, choices = reach(house, clerk, Act.READ_OVERVIEW, region)
    with house.reading() as session:
        seen = _seen(session, regions, days)
        charted = _tables(house, session, seen)
        waits = _waits(session, clerk)
    return page(
        request, clerk, "overview/overview.html", title="概览", seen=seen, tables=charted, waits=waits, days=days,
        spans=SPANS, region=region, choices=choices, cards=[(OUTCOMES[one], one, seen.outcomes[one]) for one in CARDS],
        reads=clerk.anywhere(Act.READ_CONVERSATIONS),
    )  # fmt: skip


@router.get("/overview/{name}.csv")
def downloaded(request: Request, clerk: AtWork, name: str, days: Days = 30, region: Region = "") -> Response:
    """One of the tables as CSV. Raises NotFound."""
    house, days = House.of(request), days if days in DAYS else 30
    regions, _ = reach(house, clerk, Act.READ_OVERVIEW, region)
    with house.reading() as session:
        every = _tables(house, session, _seen(session, regions, days))
    found = next((one for one in every if one.name == name), None)
    if found is None:
        raise NotFound()
    headers = {"Content-Disposition": f'attachment; filename="bangban-{name}-{days}d.csv"'}
    return Response(tables.table(found.heads, found.rows), media_type="text/csv; charset=utf-8", headers=headers)


def _seen(session: Session, regions: Sequence[str], days: int) -> Overview:
    """The figures of the last `days` days in China, today's so far among them."""
    since, until = (datetime.combine(clock.today() + timedelta(days=n), time(), CHINA) for n in (1 - days, 1))
    return overview(session, regions=regions, since=since, until=until)


def _waits(session: Session, clerk: Clerk) -> list[tuple[str, int, str]]:
    scopes = clerk.scopes(Act.READ_GUIDES)
    if not scopes:
        return []
    counts = standing.due_counts(session, scopes, clock.today())
    return [(label, counts[due], f"/console/guides?due={due}") for due, label in WAITS if counts[due]]


def _tables(house: House, session: Session, seen: Overview) -> tuple[Table, ...]:
    def region(code: str) -> str:
        return house.regions.full_name(code) if code in house.regions else code

    outcomes = [(OUTCOMES[one], many) for one, many in seen.outcomes.items()]
    return (
        _trend(seen),
        _counts("outcomes", "结果", "结果", outcomes),
        _counts("channels", "渠道", "渠道", [(CHANNELS.get(one, one), many) for one, many in seen.channels]),
        _counts("regions", "地区", "地区", [(region(one), many) for one, many in seen.regions]),
        _counts("guides", "问得最多的指南", "指南", _guides(session, seen)),
        _counts("faqs", "问得最多的常见问题", "常见问题", _faqs(session, seen)),
    )


def _trend(seen: Overview) -> Table:
    rows = tuple((str(one.day), one.turns, one.answered, one.refused) for one in seen.days)
    top = max(seen.days, key=lambda one: one.turns)
    told = (
        f"共 {seen.turns} 次提问，最多的一天是 {_spoken(top.day)}，{top.turns} 次。" if seen.turns else "没有人提问。"
    )
    return Table("days", "每天的提问", told, ("日期", "提问", "答上了", "没答上"), rows)


def _counts(name: str, title: str, head: str, rows: Sequence[tuple[str, int]]) -> Table:
    best = max(rows, key=lambda row: row[1], default=("", 0))
    told = f"最多的是{best[0]}，{best[1]} 次。" if best[1] else "还没有数据。"
    return Table(name, title, told, (head, "次数"), tuple(rows))


def _guides(session: Session, seen: Overview) -> list[tuple[str, int]]:
    known = publishing.read_many(session, [number for number, _ in seen.guides])
    return [(known[one].guide.name if one in known else f"指南 {one}", many) for one, many in seen.guides]


def _faqs(session: Session, seen: Overview) -> list[tuple[str, int]]:
    return [(one.faq.question if (one := faqs.read(session, code)) else code, many) for code, many in seen.faqs]


def _spoken(day: date) -> str:
    return f"{day.month}月{day.day}日"
