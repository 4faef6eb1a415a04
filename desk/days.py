"""A hall's day as its staff see and set it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.errors import Invalid
from core.vault import Vault
from desk import appointments
from desk.appointments import Appointment
from desk.halls import read_hall
from desk.locking import lock_days
from desk.models import AppointmentRow, ExceptionRow
from desk.people import masked_name, masked_phone
from desk.slots import Stretch
from knowledge.schema import HoursException


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the day list. The person is masked; empty once the details were deleted."""

    appointment: Appointment
    name: str
    phone: str


def entries(session: Session, vault: Vault, region: str, hall: str, day: date) -> tuple[Entry, ...]:
    """All appointments of a hall's day, those that ended among them, by time and window. Raises NoHall."""
    read_hall(session, region, hall)
    query = select(AppointmentRow.id).where(
        AppointmentRow.region == region, AppointmentRow.hall == hall, AppointmentRow.day == day
    )
    order = (AppointmentRow.starts_at, AppointmentRow.window_name, AppointmentRow.id)
    return tuple(_entry(session, vault, one) for one in session.scalars(query.order_by(*order)).all())


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
    ordered = sorted(stretches)
    for opens, closes in ordered:
        HoursException(day=day, opens=opens, closes=closes)
        if opens >= closes:
            raise Invalid("结束时间要晚于开始时间。")
    if any(one[1] > other[0] for one, other in pairwise(ordered)):
        raise Invalid("几段时间不能重叠。")
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


def _clear(session: Session, region: str, hall: str, day: date) -> None:
    here = (ExceptionRow.region == region, ExceptionRow.hall == hall, ExceptionRow.day == day)
    session.execute(delete(ExceptionRow).where(*here))


def _entry(session: Session, vault: Vault, appointment: int) -> Entry:
    details = appointments.read_details(session, vault, appointment)
    found = appointments.read(session, appointment)
    if details is None:
        return Entry(found, "", "")
    return Entry(found, masked_name(details.name), masked_phone(details.phone))
