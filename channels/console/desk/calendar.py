"""Holidays and days that are made up for, by year."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response

from channels.console.clerks import AtWork, Clerk
from channels.console.forms import Posted
from channels.console.pages import page, redirect
from channels.console.reach import FIRST, LAST, read_day
from channels.house import House
from channels.web import desk_changes
from channels.web.desk_changes import YearChanged, written, year_stamp
from core.errors import Invalid
from desk.calendar import Calendar, SpecialDay
from staff.permissions import Act

LONGEST_NAME = 60
_LINE = re.compile(r"(\S+)\s+(放假|上班)(?:\s+(.*))?")

router = APIRouter()
Year = Annotated[int, Path(ge=FIRST, le=LAST)]


@router.get("/console/desk/calendar")
def this_year(request: Request, clerk: AtWork) -> Response:
    """To the current year."""
    return redirect(request, f"/console/desk/calendar/{House.of(request).today().year}")


@router.get("/console/desk/calendar/{year}", response_class=HTMLResponse)
def read(request: Request, clerk: AtWork, year: Year) -> Response:
    """The special days of a year, as announced and as entered."""
    clerk.require_anywhere(Act.READ_DESK)
    return _page(request, clerk, year)


@router.post("/console/desk/calendar/{year}", response_class=HTMLResponse)
def write(request: Request, clerk: AtWork, year: Year, sent: Posted) -> Response:
    """Enter the year whole, from lines."""
    house = House.of(request)
    clerk.require(Act.MANAGE_DESK, house.settings.region)
    lines, seen = sent.get("lines"), sent.get("seen")
    try:
        days = parse(lines, year)
        displaced = desk_changes.announce(house, clerk.name, year, days, seen=seen)
    except Invalid as problem:
        return _page(request, clerk, year, {"lines": str(problem)}, {"lines": lines, "seen": seen}, problem.status)
    except YearChanged as problem:
        told = f"{problem}{_compared(problem.theirs, days)}"
        return _page(request, clerk, year, {"lines": told}, {"lines": lines}, problem.status)
    return redirect(
        request, f"/console/desk/calendar/{year}", told=f"{year} 年的放假安排已保存。{_displaced(displaced)}"
    )


@router.post("/console/desk/calendar/{year}/day", response_class=HTMLResponse)
def write_day(request: Request, clerk: AtWork, year: Year, sent: Posted) -> Response:
    """Enter one day over what is known of it."""
    house = House.of(request)
    clerk.require(Act.MANAGE_DESK, house.settings.region)
    try:
        special = _special(sent.get("day"), sent.get("working") == "yes", sent.get("name"), year)
    except Invalid as problem:
        return _page(request, clerk, year, {"day": str(problem)}, dict(sent.pairs), problem.status)
    displaced = desk_changes.enter(house, clerk.name, special)
    told = f"{special.day} 已记为{'上班' if special.working else '放假'}。{_displaced(displaced)}"
    return redirect(request, f"/console/desk/calendar/{year}", told=told)


def parse(lines: str, year: int) -> list[SpecialDay]:
    """The days that lines such as "2027-10-01 放假 国庆节" name. Raises Invalid with the line that is wrong."""
    found: list[SpecialDay] = []
    for number, line in enumerate(lines.splitlines(), 1):
        if not line.strip():
            continue
        parts = _LINE.fullmatch(line.strip())
        if parts is None:
            raise Invalid(f"第 {number} 行看不懂，请写成“{year}-10-01 放假 国庆节”这样。")
        try:
            found.append(_special(parts[1], parts[2] == "上班", parts[3] or "", year))
        except Invalid as problem:
            raise Invalid(f"第 {number} 行：{problem}") from problem
        if found[-1].day in {one.day for one in found[:-1]}:
            raise Invalid(f"第 {number} 行：{parts[1]} 写了两遍。")
    if not found:
        raise Invalid("还没有填写。请每行写一天。")
    return found


def _compared(theirs: Sequence[SpecialDay], mine: Sequence[SpecialDay]) -> str:
    """What stands now and is not written below, and the other way round."""
    sides = (("现在有、下面没写的", theirs, mine), ("下面写了、现在没有的", mine, theirs))
    rest = [(told, [written(one) for one in here if one not in there]) for told, here, there in sides]
    return "".join(f"{told}：{'；'.join(days)}。" for told, days in rest if days)


def _special(day: str, working: bool, name: str, year: int) -> SpecialDay:
    found = read_day(day)
    if found.year != year:
        raise Invalid(f"这里只能填 {year} 年的日期。")
    if len(name.strip()) > LONGEST_NAME:
        raise Invalid(f"名称请不要超过 {LONGEST_NAME} 个字。")
    return SpecialDay(found, working, name.strip())


def _displaced(many: int) -> str:
    if not many:
        return "没有预约受影响。"
    return f"有 {many} 个预约没有了时间，能通知的已通知本人另选；还没有看到通知的，列在各大厅当天的“要打电话的人”里。"


def _page(
    request: Request,
    clerk: Clerk,
    year: int,
    problems: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    house = House.of(request)
    with house.reading() as session:
        calendar = Calendar.load(session)
    special = list(calendar.year(year))
    standing = {"lines": "\n".join(map(written, special)), "seen": year_stamp(special)}
    return page(
        request, clerk, "desk/calendar.html", status=status, title=f"{year} 年放假安排", year=year, special=special,
        announced=calendar.announced(year), manages=clerk.may(Act.MANAGE_DESK, house.settings.region),
        problems=problems or {}, typed=standing | dict(typed or {}), first=FIRST, last=LAST,
    )  # fmt: skip
