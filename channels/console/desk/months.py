"""A month of a hall: which days are open, closed, or have hours of their own, and how many are expected."""

from __future__ import annotations

from calendar import Calendar as Weeks
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from channels.console.desk.places import At
from channels.console.pages import page
from channels.console.reach import FIRST, LAST
from channels.house import House
from channels.web.booking.month import month_of, next_month
from core.errors import Invalid
from desk import days
from desk.calendar import Calendar, Day
from desk.slots import Stretch, opening, read_exceptions

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Cell:
    """A day of the month. `own` tells that its hours are not the weekly ones; `note` is what citizens read of it."""

    day: Day
    stretches: tuple[Stretch, ...]
    own: bool
    note: str
    booked: int


@router.get("/console/desk/month", response_class=HTMLResponse)
def read(request: Request, at: At, month: Annotated[str, Query(max_length=20)] = "") -> Response:
    """The month named, or this one."""
    house = House.of(request)
    first = month_of(month) if month else house.today().replace(day=1)
    if first is None or not FIRST <= first.year <= LAST:
        raise Invalid("月份请写成 2026-10 这样。")
    last = next_month(first) - timedelta(days=1)
    name, region = at.hall.name, at.hall.region
    with house.reading() as session:
        calendar = Calendar.load(session)
        own = read_exceptions(session, [name], first, last)
        booked = days.booked(session, region, name, first, last)
    cells: dict[date, Cell] = {}
    for number in range((last - first).days + 1):
        day = calendar.day(first + timedelta(days=number))
        exceptional = own.get((region, name, day.day))
        stretches = opening(at.hall.hours, day, exceptional)
        note = exceptional.note if exceptional else day.name
        cells[day.day] = Cell(day, stretches, exceptional is not None, note, booked.get(day.day, 0))
    weeks = Weeks().monthdatescalendar(first.year, first.month)
    return page(
        request, at.clerk, "desk/month.html", title=f"{name} {first:%Y-%m}", at=at, first=first,
        weeks=[[cells.get(day) for day in week] for week in weeks], before=first - timedelta(days=1),
        after=next_month(first), today=house.today(),
    )  # fmt: skip
