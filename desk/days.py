"""A hall's day as its staff see and set it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

import structlog
from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.clock import CHINA
from core.errors import Invalid, NotFound
from core.vault import Unreadable, Vault
from desk import appointments
from desk.appointments import Appointment, NoAppointment
from desk.halls import read_hall
from desk.locking import lock_days
from desk.models import AppointmentEvent, AppointmentRow, ExceptionRow
from desk.people import Person, masked_name, masked_phone
from desk.slots import Stretch
from knowledge.schema import HoursException

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
    """All appointments of a hall's day, those that ended among them, by time and window. Raises NoHall."""
    read_hall(session, region, hall)
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
    read_hall(session, region, hall)
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
    return appointments.displace(session, region, hall, day, ordered, by=by, note=note, now=now)


def reset_hours(session: Session, region: str, hall: str, day: date) -> None:
    """Give a day its weekly hours back. What was displaced stays so until its owner chooses a time. Raises NoHall."""
    read_hall(session, region, hall)
    lock_days(session, [(region, hall, day)], alone=True)
    _clear(session, region, hall, day)


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
