"""The desk for its staff: rules, days, the calendar, and who came. Each call names who made it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field, model_validator
from sqlalchemy.orm import Session

from channels.house import House
from channels.web.clerks import Clerk, clerk_of
from channels.web.forms import Body
from core import clock
from desk import appointments, days, halls, outbox
from desk.appointments import Appointment
from desk.calendar import Calendar, Sort, SpecialDay
from desk.days import Entry
from desk.rules import Rules
from desk.slips import read_scan
from desk.status import Status
from knowledge.export import FORMULA

COLUMNS = ("时间", "窗口", "事项", "姓名", "手机", "预约号", "状态")
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]

log = structlog.get_logger()
router = APIRouter(prefix="/api/desk", dependencies=[Depends(clerk_of)], tags=["staff"])
Region = Annotated[str, Path(pattern=r"^\d{6}(\d{3}){0,2}$")]
Name = Annotated[str, Path(max_length=200)]


class DeskHall(BaseModel):
    """A hall; without rules it takes no appointments."""

    region: str
    name: str
    address: str
    rules: Rules | None


class Line(BaseModel):
    """A line of the day list. The person is masked."""

    number: str
    status: Status
    spoken: str
    hall: str
    day: date
    starts: str
    ends: str
    window: str
    guide: str
    name: str
    phone: str


class DayList(BaseModel):
    """A hall's day: how many by status, and each by time.

    `call` has the numbers of those whom no notice reached: that their time was lost, or the reminder they wished for.
    """

    day: date
    sort: Sort
    counts: dict[Status, int]
    entries: list[Line]
    call: list[str]


class Hours(Body):
    """A day's own hours; none closes it. `note` is what citizens read."""

    stretches: list[tuple[Clock, Clock]] = Field(max_length=10, examples=[[["09:00", "12:00"]]])
    note: str = Field("", max_length=200)


class Displaced(BaseModel):
    """How many appointments lost their time just now; each is told and may choose another.

    `call` has the numbers of those without a time that day whom no notice reaches: ask for their phones and call them.
    """

    displaced: int
    call: list[str]


class Arrival(Body):
    """Who is there: what the scanner read, or the number."""

    scan: str = Field("", max_length=100)
    number: str = Field("", max_length=40)

    @model_validator(mode="after")
    def _one(self) -> Arrival:
        if bool(self.scan) == bool(self.number):
            raise ValueError("scan 和 number 填一个")
        return self


class Number(Body):
    """An appointment's number."""

    number: str = Field(max_length=40)


class Reason(Body):
    """Why somebody must be called; it is written down."""

    reason: str = Field(min_length=2, max_length=200)


class Contact(BaseModel):
    """Whom to call."""

    name: str
    phone: str


class Special(Body):
    """A day off, or a weekend day that is worked."""

    working: bool
    name: str = Field("", max_length=60)


class Dated(Special):
    """The same with its day."""

    day: date


class Year(BaseModel):
    """The special days of a year; where it is not announced, there may be more."""

    year: int
    announced: bool
    days: list[Dated]


class EnteredYear(Year):
    """A year as it was entered, and how many appointments lost their time by it; the day lists say whose."""

    displaced: int


class EnteredDay(Dated):
    """A day as it was entered, and how many appointments lost their time by it; the day lists say whose."""

    displaced: int


class SpecialDays(Body):
    """All special days of a year."""

    days: list[Dated] = Field(max_length=366)


# -- halls and their rules --


@router.get("/halls", summary="The halls, with their rules")
def list_halls(request: Request) -> list[DeskHall]:
    """Those that take appointments, and the published ones of this region that could."""
    house = House.of(request)
    with house.reading() as session:
        opened = {(one.hall.region, one.hall.name): one for one in halls.desk_halls(session)}
    rest = [hall for hall in house.halls() if (hall.region, hall.name) not in opened]
    made = [
        DeskHall(region=o.hall.region, name=o.hall.name, address=o.hall.address, rules=o.rules) for o in opened.values()
    ]
    return made + [DeskHall(region=hall.region, name=hall.name, address=hall.address, rules=None) for hall in rest]


@router.get("/halls/{region}/{name}/rules", summary="A hall's rules")
def read_rules(request: Request, region: Region, name: Name) -> Rules:
    """Raises NoHall where it takes no appointments."""
    with House.of(request).reading() as session:
        return halls.read_hall(session, region, name).rules


@router.put("/halls/{region}/{name}/rules", summary="Take appointments under these rules")
def write_rules(request: Request, clerk: Clerk, region: Region, name: Name, rules: Rules) -> Rules:
    """Appointments that were made stand."""
    with House.of(request).writing.begin() as session:
        halls.open_hall(session, region, name, rules)
    _changed(clerk, "rules", region, name)
    return rules


@router.delete("/halls/{region}/{name}/rules", status_code=204, summary="Take no more appointments")
def drop_rules(request: Request, clerk: Clerk, region: Region, name: Name) -> None:
    """Appointments that were made stand."""
    with House.of(request).writing.begin() as session:
        halls.shut_hall(session, region, name)
    _changed(clerk, "no rules", region, name)


# -- days --


@router.get("/halls/{region}/{name}/days/{day}.csv", summary="The day list as a table", response_class=Response)
def table(request: Request, region: Region, name: Name, day: date) -> Response:
    """For spreadsheets: UTF-8 with a mark that they recognise it by. The persons are masked."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for one in _day_list(request, region, name, day).entries:
        cells = (f"{one.starts}-{one.ends}", one.window, one.guide, one.name, one.phone, one.number, one.spoken)
        rows.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])
    headers = {"Content-Disposition": f'attachment; filename="{day}.csv"'}
    return Response("\ufeff" + written.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/halls/{region}/{name}/days/{day}", summary="The day list")
def day_list(request: Request, region: Region, name: Name, day: date) -> DayList:
    """All appointments of the day, those that ended among them."""
    return _day_list(request, region, name, day)


@router.put("/halls/{region}/{name}/days/{day}", summary="Give a day its own hours, or close it")
def set_hours(request: Request, clerk: Clerk, region: Region, name: Name, day: date, hours: Hours) -> Displaced:
    """Whose time falls outside is told and may choose another. Who booked on a page must be called."""
    house = House.of(request)
    with house.writing.begin() as session:
        displaced = days.set_hours(
            session, region, name, day, hours.stretches, note=hours.note, by=clerk, now=clock.now()
        )
    _changed(clerk, "hours", region, name, day)
    return _displaced(house, region, name, day, displaced)


@router.delete("/halls/{region}/{name}/days/{day}", summary="Give a day its weekly hours back")
def reset_hours(request: Request, clerk: Clerk, region: Region, name: Name, day: date) -> Displaced:
    """Whose time falls outside is told. Who was displaced before stays so until a new time is chosen."""
    house = House.of(request)
    with house.writing.begin() as session:
        displaced = days.reset_hours(session, region, name, day, by=clerk, now=clock.now())
    _changed(clerk, "weekly hours", region, name, day)
    return _displaced(house, region, name, day, displaced)


def _displaced(house: House, region: str, name: str, day: date, displaced: int) -> Displaced:
    with house.reading() as session:
        entries = days.entries(session, house.vault, region, name, day)
        lost = [one for one in entries if one.appointment.status is Status.DISPLACED]
        return Displaced(displaced=displaced, call=_call(house, session, region, name, day, lost))


# -- who came --


@router.post("/check-in", summary="Somebody came")
def check_in(request: Request, clerk: Clerk, arrival: Arrival) -> Line:
    """By the code that was scanned, which must be the appointment's own, or by the number."""
    house, number = House.of(request), arrival.number
    if arrival.scan:
        number = house.desk.prove(*read_scan(arrival.scan)).number
    return _end(house, number, Status.ATTENDED, clerk)


@router.post("/no-show", summary="Somebody did not come")
def no_show(request: Request, clerk: Clerk, missing: Number) -> Line:
    """Counts towards the hall's limits."""
    return _end(House.of(request), missing.number, Status.MISSED, clerk)


@router.post("/appointments/{number}/contact", summary="Whom to call")
def contact(request: Request, clerk: Clerk, number: Annotated[str, Path(max_length=40)], why: Reason) -> Contact:
    """Name and phone unmasked. Who looked and why is written down."""
    house = House.of(request)
    with house.writing.begin() as session:
        person = days.reveal(session, house.vault, number, by=clerk, reason=why.reason, now=clock.now())
    return Contact(name=person.name, phone=person.phone)


# -- the calendar --


@router.get("/calendar/{year}", summary="Holidays and days made up for")
def read_year(request: Request, year: Annotated[int, Path(ge=2000, le=2199)]) -> Year:
    """As announced and as entered."""
    with House.of(request).reading() as session:
        return _year(Calendar.load(session), year)


@router.put("/calendar/{year}", summary="Enter a year's holidays whole")
def write_year(
    request: Request, clerk: Clerk, year: Annotated[int, Path(ge=2000, le=2199)], special: SpecialDays
) -> EnteredYear:
    """In place of what was known of it. Whose time falls outside the hours of a day that became another is told."""
    entered = [SpecialDay(one.day, one.working, one.name) for one in special.days]
    with House.of(request).writing.begin() as session:
        displaced = days.announce(session, year, entered, by=clerk, now=clock.now())
        known = _year(Calendar.load(session), year)
    _changed(clerk, "year", day=date(year, 1, 1))
    return EnteredYear(**dict(known), displaced=displaced)


@router.put("/calendar/days/{day}", summary="Enter one day")
def write_day(request: Request, clerk: Clerk, day: date, special: Special) -> EnteredDay:
    """Over what is known of it. Whose time falls outside its hours now is told."""
    entered = SpecialDay(day, special.working, special.name)
    with House.of(request).writing.begin() as session:
        displaced = days.enter(session, entered, by=clerk, now=clock.now())
    _changed(clerk, "day", day=day)
    return EnteredDay(day=day, working=special.working, name=special.name, displaced=displaced)


def _changed(clerk: str, what: str, region: str = "", name: str = "", day: date | None = None) -> None:
    """Put on record who of the staff changed what; nothing about citizens."""
    log.info("desk.changed", by=clerk, what=what, hall=f"{region} {name}".strip(), day=str(day or ""))


def _call(house: House, session: Session, region: str, name: str, day: date, entries: Iterable[Entry]) -> list[str]:
    """The numbers of those among the `entries` who must be called."""
    unreached = outbox.unreached(session, region, name, day, now=clock.now())
    return [
        one.number
        for one in (entry.appointment for entry in entries)
        if one.id in unreached or (one.status is Status.DISPLACED and not house.rounds.reaches(one.owner))
    ]


def _day_list(request: Request, region: str, name: str, day: date) -> DayList:
    house = House.of(request)
    with house.reading() as session:
        entries = days.entries(session, house.vault, region, name, day)
        sort = Calendar.load(session).day(day).sort
        call = _call(house, session, region, name, day, entries)
    counts = Counter(one.appointment.status for one in entries)
    lines = [_line(one.appointment, one.name, one.phone) for one in entries]
    return DayList(day=day, sort=sort, counts=dict(counts), entries=lines, call=call)


def _end(house: House, number: str, status: Status, clerk: str) -> Line:
    with house.writing.begin() as session:
        ended = appointments.end(session, number, status, by=clerk, now=clock.now())
        entry = days.entry(session, house.vault, ended.id)
    return _line(ended, entry.name, entry.phone)


def _line(at: Appointment, name: str, phone: str) -> Line:
    return Line(
        number=at.number, status=at.status, spoken=at.status.spoken, hall=at.hall, day=at.day,
        starts=f"{at.starts:%H:%M}", ends=f"{at.ends:%H:%M}", window=at.window_name, guide=at.guide_name, name=name,
        phone=phone,
    )  # fmt: skip


def _year(known: Calendar, year: int) -> Year:
    special = [Dated(day=one.day, working=one.working, name=one.name) for one in known.year(year)]
    return Year(year=year, announced=known.day(date(year, 1, 1)).announced, days=special)
