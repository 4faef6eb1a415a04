"""Booking, changing, cancelling and showing appointments. Callers own the transaction: commit at the edge.

Nothing is sold twice because a place is taken by one conditional UPDATE (`desk.places`); nothing is lost because the
place, the appointment and the notices about it are written in one transaction. Locks are taken in one order, so that
no two transactions wait for each other: persons, then the calendar, then halls' days, then an appointment, then slots
by window and time.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from core.clock import CHINA
from core.errors import Invalid
from core.vault import Vault
from desk import outbox, places
from desk.details import Details, Marks, NoAppointment, lock, marks_of, unlock
from desk.halls import NoHall, Window, read_hall
from desk.locking import lock_days, lock_people
from desk.models import AppointmentEvent, AppointmentRow
from desk.numbers import digits_of, fresh, plain_number
from desk.people import Person
from desk.places import Place, SlotTaken
from desk.rules import (
    Past,
    Refused,
    Rules,
    check_arrival,
    check_cancelling,
    check_day,
    check_identity,
    check_missing,
    check_person,
)
from desk.slots import DaySlots, Slot, Stretch, slot_at, within
from desk.status import HOLDING, OPEN, Status

CODE_DIGITS = 6
Visit = tuple[int, str]  # a guide and a window, by their ids


class NotBookable(Refused):
    """这个时间不能预约，请换一个时间。"""

    code = "not_bookable"


class Ended(Refused):
    """这个预约已经结束，不能再改。要办事请重新预约。"""

    code = "ended"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to book. `key` is the client's own: the same key books once.

    `owner` is the channel's name and its name for the citizen, such as `web:3f…`; `address` is where the channel
    reaches the citizen, kept locked.
    """

    guide: int
    guide_name: str
    window: Window
    starts: datetime
    person: Person
    owner: str
    key: str
    address: str = ""
    remind: bool = False


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment without what is personal; `read_details` has that. Times are China's."""

    id: int
    number: str
    status: Status
    region: str
    hall: str
    window: str
    window_name: str
    guide: int
    guide_name: str
    starts: datetime
    ends: datetime
    owner: str
    remind: bool

    @property
    def day(self) -> date:
        """The day it is on."""
        return self.starts.date()


# -- what citizens do --


def book(session: Session, vault: Vault, request: Request, *, now: datetime) -> Appointment:
    """Take a place. The same key of the same owner books once and returns what was booked.

    Raises SlotTaken, NotBookable, or Refused for the hall's rules.
    """
    key = hashlib.sha256(f"{request.owner}\x1f{request.key}".encode()).hexdigest()
    marks = marks_of(vault, request.person)
    lock_people(session, (*marks.all, request.owner))
    if made := session.scalars(select(AppointmentRow).where(AppointmentRow.request == key)).first():
        return _value(made)
    day = _day(request.starts)
    lock_days(session, [(request.window.hall.region, request.window.hall.name, day)])
    slot = _free_slot(session, request.window, request.starts, now)
    past = _past(session, request.owner, marks, now)
    check_person(request.window.rules, past, request.guide, day, _day(now))
    places.take(session, Place(request.window.id, slot.starts, slot.ends), request.window.rules.capacity)
    row = AppointmentRow(
        number=fresh(session), request=key, status=Status.BOOKED, region=request.window.hall.region,
        hall=request.window.hall.name, window=request.window.id, window_name=request.window.name, guide=request.guide,
        guide_name=request.guide_name, day=day, starts_at=request.starts, ends_at=slot.ends, owner=request.owner,
        phone_mark=marks.phone[0], identity_mark=marks.identity[0] if marks.identity else None, details="",
        remind=request.remind, created_at=now,
    )  # fmt: skip
    code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
    details = Details(**asdict(request.person), code=code, address=request.address)
    row.details = lock(vault, row.number, details)
    session.add(row)
    session.flush()
    _note(session, row, now, request.owner, "book")
    outbox.remind(session, row, now=now)
    return _value(row)


def change(
    session: Session, vault: Vault, appointment: int, window: Window, starts: datetime, *, by: str, now: datetime
) -> Appointment:
    """Move an open appointment to another time, or window of the same guide. To where it is already: nothing happens.

    Raises SlotTaken, NotBookable, Ended, NoAppointment, or Refused for the hall's rules.
    """
    person = _person(vault, _row(session, appointment))
    marks = marks_of(vault, person)
    lock_people(session, marks.all)
    lock_days(session, [(window.hall.region, window.hall.name, _day(starts))])
    row = _locked(session, appointment)
    if row.status == Status.BOOKED and (row.window, row.starts_at) == (window.id, starts):
        return _value(row)
    _check_open(row)
    if row.status == Status.BOOKED:
        check_cancelling(_rules(session, row), row.starts_at, now)
    if row.window != window.id:  # what was made stands, so another time at the same window asks for nothing new
        check_identity(window.rules, person.identity)
    slot = _free_slot(session, window, starts, now)
    check_day(window.rules, _past(session, row.owner, marks, now, apart_from=row.id), row.guide, _day(starts))
    wanted = Place(window.id, slot.starts, slot.ends)
    if row.status == Status.BOOKED:
        places.move(session, _held(row), wanted, window.rules.capacity)
    else:
        places.take(session, wanted, window.rules.capacity)
    before = f"{row.hall} {row.starts_at.astimezone(CHINA):%Y-%m-%d %H:%M}"
    row.status, row.window, row.window_name = Status.BOOKED, window.id, window.name
    row.region, row.hall = window.hall.region, window.hall.name
    row.starts_at, row.ends_at, row.day = starts, slot.ends, _day(starts)
    session.flush()
    _note(session, row, now, by, "change", before)
    outbox.forget(session, row, now=now)
    outbox.remind(session, row, now=now)
    return _value(row)


def cancel(session: Session, appointment: int, *, by: str, now: datetime) -> Appointment:
    """Give a place back. Cancelling again does nothing. Raises Ended, NoAppointment, or Refused when it is too late."""
    row = _locked(session, appointment)
    if row.status in (Status.CANCELLED, Status.GIVEN_UP):
        return _value(row)
    _check_open(row)
    if row.status == Status.BOOKED:
        check_cancelling(_rules(session, row), row.starts_at, now)
        places.give(session, _held(row))
        _end(session, row, Status.CANCELLED, now, by)
    else:  # the hall had closed: no cancellation of the citizen's
        _end(session, row, Status.GIVEN_UP, now, by)
    return _value(row)


def mine(session: Session, owner: str, *, now: datetime) -> tuple[Appointment, ...]:
    """The open appointments of a channel's citizen that are not over, soonest first."""
    query = select(AppointmentRow).where(
        AppointmentRow.owner == owner, AppointmentRow.status.in_(OPEN), AppointmentRow.ends_at > now
    )
    return tuple(_value(row) for row in session.scalars(query.order_by(AppointmentRow.starts_at)))


def read(session: Session, appointment: int) -> Appointment:
    """An appointment by its id, for callers that know whose it is. Raises NoAppointment."""
    return _value(_row(session, appointment))


def find(session: Session, number: str) -> Appointment | None:
    """An appointment by its number, for callers that prove ownership or are staff."""
    row = session.scalars(select(AppointmentRow).where(AppointmentRow.number == plain_number(number))).first()
    return _value(row) if row else None


def proved(session: Session, vault: Vault, number: str, code: str) -> Appointment:
    """The appointment whose number and code these are. Raises NoAppointment, the same for either being wrong.

    Callers bound how often this may be tried: there are a million codes.
    """
    found = find(session, number)
    details = read_details(session, vault, found.id) if found else None
    if not found or not details or not secrets.compare_digest(digits_of(code), details.code):
        raise NoAppointment()
    return found


def read_details(session: Session, vault: Vault, appointment: int) -> Details | None:
    """What is personal, unlocked; None once it was deleted. Raises NoAppointment, core.vault.Unreadable."""
    row = _row(session, appointment)
    return unlock(vault, row.number, row.details) if row.details else None


def last_person(session: Session, vault: Vault, owner: str) -> Person | None:
    """Whom this channel's citizen booked for last, so that nobody types it again."""
    query = select(AppointmentRow).where(AppointmentRow.owner == owner, AppointmentRow.details.is_not(None))
    row = session.scalars(query.order_by(AppointmentRow.id.desc()).limit(1)).first()
    return unlock(vault, row.number, row.details).person if row and row.details else None


# -- what staff and time do --


def end(session: Session, number: str, status: Status, *, by: str, now: datetime) -> Appointment:
    """Record that somebody came (ATTENDED, on the day alone) or did not (MISSED, from its time on). The other one sets
    it right. Raises NoAppointment, Ended, or Refused at another time.
    """
    if status not in (Status.ATTENDED, Status.MISSED):
        raise Invalid("只能登记到场或者没有到场。")
    found = find(session, number)
    if found is None:
        raise NoAppointment()
    row = _locked(session, found.id)
    if row.status not in HOLDING:
        raise Ended()
    starts = row.starts_at.astimezone(CHINA)
    if status is Status.ATTENDED:  # also again: a slip of yesterday's opens nothing today
        check_arrival(starts, _day(now))
    if row.status == status:
        return _value(row)
    if status is Status.MISSED:
        check_missing(starts, now)
    _end(session, row, status, now, by)
    return _value(row)


def visits(session: Session, region: str, hall: str, day: date, *, now: datetime) -> tuple[Visit, ...]:
    """What is booked at a hall on a day and still to come: each guide and window once."""
    query = select(AppointmentRow.guide, AppointmentRow.window).where(*_to_come(region, hall, day, now))
    return tuple((guide, window) for guide, window in session.execute(query.distinct()))


def displace(
    session: Session,
    region: str,
    hall: str,
    day: date,
    hours: Mapping[Visit, Sequence[Stretch]],
    *,
    by: str,
    note: str,
    now: datetime,
) -> int:
    """Take the appointments back that lie outside the day's new hours, and tell those concerned. `hours` are given for
    each visit of `visits`. Returns how many. The caller holds the day, or the calendar, alone (`desk.locking`).
    """
    query = select(AppointmentRow).where(*_to_come(region, hall, day, now))
    rows = session.scalars(query.order_by(AppointmentRow.id).with_for_update()).all()
    outside = [row for row in rows if not within(row.starts_at, row.ends_at, hours[row.guide, row.window])]
    for row in sorted(outside, key=lambda one: (one.window, one.starts_at)):
        places.give(session, _held(row))
        row.status = Status.DISPLACED
        session.flush()
        event = _note(session, row, now, by, "displace", note)
        outbox.forget(session, row, now=now)
        outbox.tell_displaced(session, row, event, now=now)
    return len(outside)


# -- within --


def _free_slot(session: Session, window: Window, starts: datetime, now: datetime) -> Slot:
    """The slot, with a place left as far as is seen. Raises NotBookable with the reason, or SlotTaken."""
    slot = slot_at(session, window, starts, now=now)
    if isinstance(slot, DaySlots):
        raise NotBookable(f"这个时间不能预约：{slot.closed}。" if slot.closed else None)
    if not slot.free:
        raise SlotTaken()
    return slot


def _rules(session: Session, row: AppointmentRow) -> Rules:
    """Those of the window where it is; the usual ones where the hall takes no more appointments."""
    try:
        return read_hall(session, row.region, row.hall).rules.at(row.window_name)
    except NoHall:
        return Rules()


def _past(session: Session, owner: str, marks: Marks, now: datetime, *, apart_from: int | None = None) -> Past:
    """What the person of these marks has at the desk, and what the channel's citizen has for anybody.

    What is over is not open, though nobody registered it yet.
    """
    query = select(AppointmentRow).where(or_(marks.theirs, AppointmentRow.owner == owner))
    rows = [row for row in session.scalars(query) if row.id != apart_from]
    of_person = [row for row in rows if marks.fit(row)]
    of_account = [row for row in rows if row.owner == owner]
    still = [row for row in rows if row.status in OPEN and row.ends_at > now]
    both = [row for row in of_person if row in of_account]
    return Past(
        open=tuple((row.guide, row.day) for row in of_person if row in still),
        missed=_missed(of_person),
        own_open=tuple((row.guide, row.day) for row in both if row in still),
        own_missed=_missed(both),
        owned=sum(row in still for row in of_account),
        cancelled=tuple(_day(row.ended_at) for row in of_account if row.status == Status.CANCELLED and row.ended_at),
    )


def _missed(rows: Sequence[AppointmentRow]) -> tuple[date, ...]:
    return tuple(row.day for row in rows if row.status == Status.MISSED)


def _person(vault: Vault, row: AppointmentRow) -> Person:
    """Whom a row is for; nobody where that was deleted."""
    return unlock(vault, row.number, row.details).person if row.details else Person("", "")


def _held(row: AppointmentRow) -> Place:
    return Place(row.window, row.starts_at, row.ends_at)


def _to_come(region: str, hall: str, day: date, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        AppointmentRow.region == region, AppointmentRow.hall == hall, AppointmentRow.day == day,
        AppointmentRow.status == Status.BOOKED, AppointmentRow.starts_at > now,
    )  # fmt: skip


def _row(session: Session, appointment: int) -> AppointmentRow:
    row = session.get(AppointmentRow, appointment)
    if row is None:
        raise NoAppointment()
    return row


def _locked(session: Session, appointment: int) -> AppointmentRow:
    """The row as it stands now, which nobody else may change until the transaction ends."""
    row = session.get(AppointmentRow, appointment, with_for_update=True, populate_existing=True)
    if row is None:
        raise NoAppointment()
    return row


def _check_open(row: AppointmentRow) -> None:
    if row.status not in OPEN:
        raise Ended()


def _end(session: Session, row: AppointmentRow, status: Status, now: datetime, by: str) -> None:
    row.status, row.ended_at = status, now
    session.flush()
    _note(session, row, now, by, status)
    outbox.forget(session, row, now=now)


def _note(session: Session, row: AppointmentRow, now: datetime, by: str, act: str, note: str = "") -> int:
    """Write down what happened; the event's id."""
    event = AppointmentEvent(appointment=row.id, at=now, by=by, act=act, note=note)
    session.add(event)
    session.flush()
    return event.id


def _day(moment: datetime) -> date:
    return moment.astimezone(CHINA).date()


def _value(row: AppointmentRow) -> Appointment:
    return Appointment(
        id=row.id, number=row.number, status=Status(row.status), region=row.region, hall=row.hall, window=row.window,
        window_name=row.window_name, guide=row.guide, guide_name=row.guide_name, starts=row.starts_at.astimezone(CHINA),
        ends=row.ends_at.astimezone(CHINA), owner=row.owner, remind=row.remind,
    )  # fmt: skip
