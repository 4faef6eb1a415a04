"""The desk for its staff: rules, days, the calendar, and who came. Each call names who made it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field, model_validator

from channels.house import House
from channels.web import day_lists, desk_changes
from channels.web.clerks import Clerk, clerk_of
from channels.web.forms import Body
from desk import halls
from desk.calendar import Calendar, Sort, SpecialDay
from desk.days import Entry
from desk.rules import Rules
from desk.slips import read_scan
from desk.status import Status

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
        found = day_lists.every_hall(house, session)
    return [DeskHall(region=hall.region, name=hall.name, address=hall.address, rules=rules) for hall, rules in found]


@router.get("/halls/{region}/{name}/rules", summary="A hall's rules")
def read_rules(request: Request, region: Region, name: Name) -> Rules:
    """Raises NoHall where it takes no appointments."""
    with House.of(request).reading() as session:
        return halls.read_hall(session, region, name).rules


@router.put("/halls/{region}/{name}/rules", summary="Take appointments under these rules")
def write_rules(request: Request, clerk: Clerk, region: Region, name: Name, rules: Rules) -> Rules:
    """Appointments that were made stand."""
    desk_changes.open_hall(House.of(request), clerk, region, name, rules)
    _changed(clerk, "rules", region, name)
    return rules


@router.delete("/halls/{region}/{name}/rules", status_code=204, summary="Take no more appointments")
def drop_rules(request: Request, clerk: Clerk, region: Region, name: Name) -> None:
    """Appointments that were made stand."""
    desk_changes.shut_hall(House.of(request), clerk, region, name)
    _changed(clerk, "no rules", region, name)


# -- days --


@router.get("/halls/{region}/{name}/days/{day}.csv", summary="The day list as a table", response_class=Response)
def table(request: Request, region: Region, name: Name, day: date) -> Response:
    """For spreadsheets: UTF-8 with a mark that they recognise it by. The persons are masked."""
    listed = _read(request, region, name, day)
    headers = {"Content-Disposition": f'attachment; filename="{day}.csv"'}
    return Response(day_lists.table(listed.entries), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/halls/{region}/{name}/days/{day}", summary="The day list")
def day_list(request: Request, region: Region, name: Name, day: date) -> DayList:
    """All appointments of the day, those that ended among them."""
    listed = _read(request, region, name, day)
    return DayList(
        day=day,
        sort=listed.day.sort,
        counts=dict(listed.counts),
        entries=[_line(one) for one in listed.entries],
        call=list(listed.call),
    )


@router.put("/halls/{region}/{name}/days/{day}", summary="Give a day its own hours, or close it")
def set_hours(request: Request, clerk: Clerk, region: Region, name: Name, day: date, hours: Hours) -> Displaced:
    """Whose time falls outside is told and may choose another. Who booked on a page must be called."""
    done = desk_changes.set_hours(House.of(request), clerk, region, name, day, hours.stretches, hours.note)
    _changed(clerk, "hours", region, name, day)
    return Displaced(displaced=done.displaced, call=list(done.call))


@router.delete("/halls/{region}/{name}/days/{day}", summary="Give a day its weekly hours back")
def reset_hours(request: Request, clerk: Clerk, region: Region, name: Name, day: date) -> Displaced:
    """Whose time falls outside is told. Who was displaced before stays so until a new time is chosen."""
    done = desk_changes.reset_hours(House.of(request), clerk, region, name, day)
    _changed(clerk, "weekly hours", region, name, day)
    return Displaced(displaced=done.displaced, call=list(done.call))


# -- who came --


@router.post("/check-in", summary="Somebody came")
def check_in(request: Request, clerk: Clerk, arrival: Arrival) -> Line:
    """By the code that was scanned, which must be the appointment's own, or by the number."""
    house, number = House.of(request), arrival.number
    if arrival.scan:
        number = house.desk.prove(*read_scan(arrival.scan)).number
    return _line(desk_changes.end(house, clerk, number, Status.ATTENDED))


@router.post("/no-show", summary="Somebody did not come")
def no_show(request: Request, clerk: Clerk, missing: Number) -> Line:
    """Counts towards the hall's limits."""
    return _line(desk_changes.end(House.of(request), clerk, missing.number, Status.MISSED))


@router.post("/appointments/{number}/contact", summary="Whom to call")
def contact(request: Request, clerk: Clerk, number: Annotated[str, Path(max_length=40)], why: Reason) -> Contact:
    """Name and phone unmasked. Who looked and why is written down."""
    person = desk_changes.reveal(House.of(request), clerk, number, why.reason)
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
    house = House.of(request)
    displaced = desk_changes.announce(house, clerk, year, entered)
    with house.reading() as session:
        known = _year(Calendar.load(session), year)
    _changed(clerk, "year", day=date(year, 1, 1))
    return EnteredYear(**dict(known), displaced=displaced)


@router.put("/calendar/days/{day}", summary="Enter one day")
def write_day(request: Request, clerk: Clerk, day: date, special: Special) -> EnteredDay:
    """Over what is known of it. Whose time falls outside its hours now is told."""
    entered = SpecialDay(day, special.working, special.name)
    displaced = desk_changes.enter(House.of(request), clerk, entered)
    _changed(clerk, "day", day=day)
    return EnteredDay(day=day, working=special.working, name=special.name, displaced=displaced)


def _changed(clerk: str, what: str, region: str = "", name: str = "", day: date | None = None) -> None:
    """Put on record who of the staff changed what; nothing about citizens."""
    log.info("desk.changed", by=clerk, what=what, hall=f"{region} {name}".strip(), day=str(day or ""))


def _read(request: Request, region: str, name: str, day: date) -> day_lists.DayList:
    house = House.of(request)
    with house.reading() as session:
        return day_lists.read(house, session, region, name, day)


def _line(entry: Entry) -> Line:
    at = entry.appointment
    return Line(
        number=at.number, status=at.status, spoken=at.status.spoken, hall=at.hall, day=at.day,
        starts=f"{at.starts:%H:%M}", ends=f"{at.ends:%H:%M}", window=at.window_name, guide=at.guide_name,
        name=entry.name, phone=entry.phone,
    )  # fmt: skip


def _year(known: Calendar, year: int) -> Year:
    special = [Dated(day=one.day, working=one.working, name=one.name) for one in known.year(year)]
    return Year(year=year, announced=known.day(date(year, 1, 1)).announced, days=special)
