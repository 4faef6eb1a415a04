"""A hall's day: who is expected, who came, whom to call, and the day's own hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from channels.console.clerks import Clerk
from channels.console.desk.places import At, Here, OnDay
from channels.console.forms import Posted, Sent
from channels.console.pages import page, redirect
from channels.house import House
from channels.web import day_lists, desk_changes
from core.errors import BangbanError, Invalid
from desk import appointments
from desk.appointments import Appointment
from desk.calendar import Calendar
from desk.days import LONGEST_NOTE, Entry
from desk.details import NoAppointment
from desk.people import Person
from desk.slips import read_scan
from desk.slots import Stretch, opening, read_exceptions
from desk.status import HOLDING, Status
from staff.permissions import Act

STRETCHES = 4  # that a day may have in the form
LONGEST_WHY = 200

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Hours:
    """A day's hours: those that count, and whether they are its own, with the note."""

    stretches: tuple[Stretch, ...]
    own: bool
    note: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows beside the list: what went wrong where, what was typed, and whom to call."""

    problem: str = ""
    where: str = ""
    typed: dict[str, str] = field(default_factory=dict)
    revealed: tuple[Appointment, Person] | None = None


@router.get("/console/desk/day", response_class=HTMLResponse)
def read(request: Request, at: At, day: OnDay) -> Response:
    """The day list."""
    return _page(request, at, day, Shown())


@router.get("/console/desk/day.csv")
def table(request: Request, at: At, day: OnDay) -> Response:
    """The day list for spreadsheets; the persons are masked."""
    house = House.of(request)
    with house.reading() as session:
        listed = day_lists.read(house, session, at.hall.region, at.hall.name, day)
    name = quote(f"{at.hall.name} {day}.csv")
    headers = {"Content-Disposition": f"attachment; filename=\"{day}.csv\"; filename*=UTF-8''{name}"}
    return Response(day_lists.table(listed.entries), media_type="text/csv; charset=utf-8", headers=headers)


# -- who came --


@router.post("/console/desk/check-in", response_class=HTMLResponse)
def check_in(request: Request, at: At, day: OnDay, sent: Posted) -> Response:
    """Somebody came: by what the scanner read, or by the number."""
    typed = sent.get("arrival")
    try:
        found = _arrived(House.of(request), at.clerk, typed)
        entry = desk_changes.end(House.of(request), at.clerk.name, found.number, Status.ATTENDED)
    except BangbanError as problem:
        return _page(request, at, day, Shown(str(problem), "arrival", {"arrival": typed}), problem.status)
    return redirect(request, at.to("day", day=day), told=f"已登记到场：{_spoken(entry, at)}。")


@router.post("/console/desk/no-show", response_class=HTMLResponse)
def no_show(request: Request, at: At, day: OnDay, sent: Posted) -> Response:
    """Somebody did not come."""
    try:
        found = _own(House.of(request), at.clerk, sent.get("number"))
        entry = desk_changes.end(House.of(request), at.clerk.name, found.number, Status.MISSED)
    except BangbanError as problem:
        return _page(request, at, day, Shown(str(problem), "list"), problem.status)
    return redirect(request, at.to("day", day=day), told=f"已登记没有到场：{_spoken(entry, at)}。")


@router.post("/console/desk/reveal", response_class=HTMLResponse)
def reveal(request: Request, at: At, day: OnDay, sent: Posted) -> Response:
    """Name and phone unmasked, once; who looked and why goes on record."""
    why = sent.get("why").strip()
    try:
        if not 2 <= len(why) <= LONGEST_WHY:
            raise Invalid(f"请写明为什么要看电话，2 到 {LONGEST_WHY} 个字。")
        found = _own(House.of(request), at.clerk, sent.get("number"))
        person = desk_changes.reveal(House.of(request), at.clerk.name, found.number, why)
    except BangbanError as problem:
        return _page(request, at, day, Shown(str(problem), "list"), problem.status)
    return _page(request, at, day, Shown(revealed=(found, person)))


# -- the day's hours --


@router.post("/console/desk/day/hours", response_class=HTMLResponse)
def set_hours(request: Request, at: At, day: OnDay, sent: Posted) -> Response:
    """Give the day its own hours, or close it."""
    at.require(Act.MANAGE_DESK)
    house, hall = House.of(request), at.hall
    try:
        stretches, note = _stretches(sent), sent.get("note").strip()
        done = desk_changes.set_hours(house, at.clerk.name, hall.region, hall.name, day, stretches, note)
    except Invalid as problem:
        return _page(request, at, day, Shown(str(problem), "hours", dict(sent.pairs)), problem.status)
    said = "这一天的办公时间已保存" if stretches else "这一天已改为不办公"
    return redirect(request, at.to("day", day=day), told=f"{said}。{_displaced(done)}")


@router.post("/console/desk/day/weekly", response_class=HTMLResponse)
def reset_hours(request: Request, at: At, day: OnDay, sent: Posted) -> Response:
    """Give the day its weekly hours back."""
    at.require(Act.MANAGE_DESK)
    done = desk_changes.reset_hours(House.of(request), at.clerk.name, at.hall.region, at.hall.name, day)
    return redirect(request, at.to("day", day=day), told=f"已改回平常的办公时间。{_displaced(done)}")


# -- within --


def _arrived(house: House, clerk: Clerk, typed: str) -> Appointment:
    """Whose code or number it is. Raises NoAppointment, Forbidden, Invalid."""
    if "bangban" not in typed.lower():
        return _own(house, clerk, typed)
    return _theirs(clerk, house.desk.prove(*read_scan(typed)))


def _own(house: House, clerk: Clerk, number: str) -> Appointment:
    """The appointment of that number, at a hall the clerk serves. Raises NoAppointment, Forbidden, Invalid."""
    with house.reading() as session:
        return _theirs(clerk, appointments.find(session, number))


def _theirs(clerk: Clerk, found: Appointment | None) -> Appointment:
    # Whether a number of another region exists is not told.
    if found is None or not clerk.may(Act.READ_DESK, found.region):
        raise NoAppointment()
    clerk.require(Act.SERVE_DESK, found.region)
    return found


def _stretches(sent: Sent) -> list[Stretch]:
    """The stretches filled in; none closes the day. Raises Invalid."""
    if sent.get("closed") == "yes":
        return []
    pairs = [(sent.get(f"opens.{n}"), sent.get(f"closes.{n}")) for n in range(STRETCHES)]
    filled = [pair for pair in pairs if any(pair)]
    if not filled:
        raise Invalid("请填写办公时间；全天不办公的，请勾选“全天不办公”。")
    if not all(all(pair) for pair in filled):
        raise Invalid("每一段都要写开始和结束时间。")
    return filled


def _displaced(done: desk_changes.Displaced) -> str:
    if not done.displaced:
        return "没有预约受影响。"
    told = f"有 {done.displaced} 个预约没有了时间，"
    if not done.call:
        return told + "已通知本人另选。"
    return told + f"能通知的已通知本人另选；这一天有 {len(done.call)} 人还没有看到通知，在“要打电话的人”里。"


def _spoken(entry: Entry, at: Here) -> str:
    one = entry.appointment
    elsewhere = "" if (one.region, one.hall) == (at.hall.region, at.hall.name) else f"，{one.hall}"
    return f"{entry.name} {one.starts:%H:%M} {one.guide_name}{elsewhere}"


def _page(request: Request, at: Here, day: date, shown: Shown, status: int = 200) -> HTMLResponse:
    house = House.of(request)
    now = house.desk.now()
    with house.reading() as session:
        listed = day_lists.read(house, session, at.hall.region, at.hall.name, day)
        hours = _hours(session, at, day)
    return page(
        request, at.clerk, "desk/day.html", status=status, title=f"{at.hall.name} {day}", at=at, day=day, listed=listed,
        lines=[_line(one, listed, now.date(), now) for one in listed.entries], hours=hours, shown=shown,
        today=now.date(), form=_form(hours, shown), stretches=range(STRETCHES), longest=LONGEST_NOTE,
        longest_why=LONGEST_WHY,
    )  # fmt: skip


def _line(entry: Entry, listed: day_lists.DayList, today: date, now: Any) -> dict[str, Any]:
    """One line, and what can be done with it now."""
    one = entry.appointment
    holds = one.status in HOLDING
    return {
        "at": one,
        "name": entry.name,
        "phone": entry.phone,
        "call": one.number in listed.call,
        "came": holds and one.status is not Status.ATTENDED and one.day == today,
        "missed": holds and one.status is not Status.MISSED and one.starts <= now,
    }


def _hours(session: Any, at: Here, day: date) -> Hours:
    own = read_exceptions(session, [at.hall.name], day, day).get((at.hall.region, at.hall.name, day))
    stretches: Sequence[Stretch] = opening(at.hall.hours, Calendar.load(session).day(day), own)
    return Hours(tuple(stretches), own is not None, own.note if own else "")


def _form(hours: Hours, shown: Shown) -> dict[str, str]:
    """What the form of the hours begins with: what was typed, else the hours that count."""
    if shown.where == "hours":
        return shown.typed
    filled = {f"opens.{n}": opens for n, (opens, _) in enumerate(hours.stretches)}
    filled |= {f"closes.{n}": closes for n, (_, closes) in enumerate(hours.stretches)}
    return filled | {"note": hours.note, "closed": "" if hours.stretches else "yes"}
