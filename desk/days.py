"""A hall's day as its staff see and set it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import structlog
from pydantic import ValidationError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.clock import CHINA
from core.errors import Invalid, NotFound
from core.vault import Unreadable, Vault
from desk import appointments, calendar
from desk.appointments import Appointment, NoAppointment, Visit
from desk.calendar import Calendar, Day, Sort, SpecialDay
from desk.halls import DeskHall, published_hall, window_at
from desk.locking import lock_calendar, lock_days
from desk.models import AppointmentEvent, AppointmentRow, ExceptionRow
from desk.people import Person, masked_name, masked_phone
from desk.rules import Rules
from desk.slots import Stretch, opening, read_exceptions
from desk.status import HOLDING, Status
from knowledge.publishing import read
from knowledge.schema import Hall, Hours, HoursException

LONGEST_NOTE = 200

log = structlog.get_logger()


class Erased(NotFound):
    """这个预约的个人信息已经按规定删除。"""

    code = "erased"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the day list. The person is masked; empty once the details were deleted or no key opens them."""

    appointment: Appointment
    name: str
    phone: str


def entries(session: Session, vault: Vault, region: str, hall: str, day: date) -> tuple[Entry, ...]:
    """All appointments of a hall's day, those that ended among them, by time and window. Also where it takes none any more:
    those made stand. Raises NoHall.
    """
    published_hall(session, region, hall)
    query = select(AppointmentRow).where(
        AppointmentRow.region == region, AppointmentRow.hall == hall, AppointmentRow.day == day
    )
    order = (AppointmentRow.starts_at, AppointmentRow.window_name, AppointmentRow.id)
    rows = session.scalars(query.order_by(*order)).all()  # all at once, so that reading them singly asks nothing more
    return tuple(entry(session, vault, row.id) for row in rows)


def entry(session: Session, vault: Vault, appointment: int) -> Entry:
    """One appointment as its hall's staff see it. Raises NoAppointment."""
    found = appointments.read(session, appointment)
    try:
        details = appointments.read_details(session, vault, appointment)
    except (Unreadable, NoAppointment):  # one line that was tampered with must not hide the others from the staff
        log.error("desk.unreadable", appointment=appointment)
        details = None
    if details is None:
        return Entry(found, "", "")
    return Entry(found, masked_name(details.name), masked_phone(details.phone))


def reveal(session: Session, vault: Vault, number: str, *, by: str, reason: str, now: datetime) -> Person:
    """Whom to call about an appointment, unmasked. Who looked and why is written down in the same transaction.

    Raises NoAppointment, Erased, or Invalid for a number with a wrong digit.
    """
    found = appointments.find(session, number)
    if found is None:
        raise NoAppointment()
    details = appointments.read_details(session, vault, found.id)
    if details is None:
        raise Erased()
    session.add(AppointmentEvent(appointment=found.id, at=now, by=by, act="reveal", note=reason))
    session.flush()
    return details.person


def booked(session: Session, region: str, hall: str, first: date, last: date) -> Mapping[date, int]:
    """How many appointments stand on each of a hall's days `first` to `last`, both included; days without are left out."""
    here = (AppointmentRow.region == region, AppointmentRow.hall == hall, AppointmentRow.day.between(first, last))
    query = select(AppointmentRow.day, func.count().label("many")).where(*here, AppointmentRow.status.in_(HOLDING))
    return {row.day: row.many for row in session.execute(query.group_by(AppointmentRow.day))}


def displaced_why(session: Session, appointment: int) -> str:
    """What the staff noted when an appointment lost its time last; empty where it did not, or nothing was noted."""
    here = (AppointmentEvent.appointment == appointment, AppointmentEvent.act == "displace")
    query = select(AppointmentEvent.note).where(*here).order_by(AppointmentEvent.id.desc()).limit(1)
    return session.scalars(query).first() or ""


def set_hours(
    session: Session,
    region: str,
    hall: str,
    day: date,
    stretches: Sequence[Stretch],
    *,
    note: str,
    by: str,
    now: datetime,
) -> int:
    """Give a day its own hours in place of the weekly ones; none means closed. Returns how many appointments that
    displaced: those concerned are told and may choose another time. Raises NoHall, Invalid.
    """
    at = published_hall(session, region, hall)
    if day < now.astimezone(CHINA).date():
        raise Invalid("这一天已经过去，不能再改办公时间。")
    if len(note) > LONGEST_NOTE:
        raise Invalid(f"说明请不要超过 {LONGEST_NOTE} 个字。")
    ordered = _checked(day, stretches)
    lock_days(session, [(region, hall, day)], alone=True)
    _clear(session, region, hall, day)
    rows: Sequence[tuple[str | None, str | None]] = ordered or [(None, None)]
    for begins, ends in rows:
        session.add(ExceptionRow(region=region, hall=hall, day=day, opens=begins, closes=ends, note=note))
    session.flush()
    return _displace(session, at, day, by=by, note=note, now=now)


def reset_hours(session: Session, region: str, hall: str, day: date, *, by: str, now: datetime) -> int:
    """Give a day its weekly hours back. Returns how many appointments that displaced, as where an extra Saturday is taken
    back. What was displaced before stays so until its owner chooses a time. Raises NoHall.
    """
    at = published_hall(session, region, hall)
    lock_days(session, [(region, hall, day)], alone=True)
    _clear(session, region, hall, day)
    return _displace(session, at, day, by=by, note="这一天改回平常的办公时间", now=now)


def announce(session: Session, year: int, days: list[SpecialDay], *, by: str, now: datetime) -> int:
    """Enter a year's holidays whole (`desk.calendar.announce`). Returns how many appointments that displaced."""

    def edit() -> None:
        calendar.announce(session, year, days)

    whole = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    return _edit_calendar(session, edit, [day for day in whole if day.year == year], by=by, now=now)


def enter(session: Session, special: SpecialDay, *, by: str, now: datetime) -> int:
    """Enter one day (`desk.calendar.enter`). Returns how many appointments that displaced, at all halls together."""
    return _edit_calendar(session, lambda: calendar.enter(session, special), [special.day], by=by, now=now)


def _edit_calendar(session: Session, edit: Callable[[], None], days: Sequence[date], *, by: str, now: datetime) -> int:
    lock_calendar(session)
    before = Calendar.load(session)
    edit()
    known = Calendar.load(session)
    changed = [day for day in days if known.day(day).sort is not before.day(day).sort]
    booked = select(AppointmentRow.region, AppointmentRow.hall, AppointmentRow.day).where(
        AppointmentRow.day.in_(changed), AppointmentRow.status == Status.BOOKED, AppointmentRow.starts_at > now
    )
    found = session.execute(booked.distinct()).all()
    displaced = 0
    for region, hall, day in sorted((region, hall, day) for region, hall, day in found):
        at = published_hall(session, region, hall)
        displaced += _displace(session, at, day, by=by, note=_why(known.day(day)), now=now)
    return displaced


def _why(day: Day) -> str:
    """What citizens read of a day that the calendar made another."""
    return f"{day.name or '法定节假日'}放假" if day.sort is Sort.HOLIDAY else "这一天的办公时间有变"


def _displace(session: Session, hall: Hall, day: date, *, by: str, note: str, now: datetime) -> int:
    """Displace what lies outside the hours that a hall's day has now. Returns how many."""
    known = Calendar.load(session).day(day)
    exceptional = read_exceptions(session, [hall.name], day, day).get((hall.region, hall.name, day))
    booked = appointments.visits(session, hall.region, hall.name, day, now=now)
    hours = {visit: opening(own, known, exceptional) for visit, own in _hours(session, hall, booked).items()}
    return appointments.displace(session, hall.region, hall.name, day, hours, by=by, note=note, now=now)


def _hours(session: Session, hall: Hall, visits: Iterable[Visit]) -> Mapping[Visit, Hours]:
    """The weekly hours that count for each visit: a guide may give its window some of its own."""
    own: dict[Visit, Hours] = {}
    for guide in {guide for guide, _ in visits}:
        published = read(session, guide)
        for place in published.guide.places if published else ():
            window = window_at(DeskHall(hall, Rules()), place)  # the hall may take no more appointments
            if place.name == hall.name:
                own.setdefault((guide, window.id), window.hours)
    return {visit: own.get(visit, hall.hours) for visit in visits}


def _checked(day: date, stretches: Sequence[Stretch]) -> list[Stretch]:
    """The stretches in order. Raises Invalid."""
    ordered = sorted(stretches)
    for opens, closes in ordered:
        try:
            HoursException(day=day, opens=opens, closes=closes)
        except ValidationError as error:
            raise Invalid("时间请写成 09:00 这样。") from error
        if opens >= closes:
            raise Invalid("结束时间要晚于开始时间。")
    if any(one[1] > other[0] for one, other in pairwise(ordered)):
        raise Invalid("几段时间不能重叠。")
    return ordered


def _clear(session: Session, region: str, hall: str, day: date) -> None:
    here = (ExceptionRow.region == region, ExceptionRow.hall == hall, ExceptionRow.day == day)
    session.execute(delete(ExceptionRow).where(*here))
