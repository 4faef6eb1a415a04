"""What time does to appointments: they lapse, and what is personal is deleted. And what a new key asks for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, select, update
from sqlalchemy.orm import Session, sessionmaker

from core.clock import CHINA
from core.vault import Unreadable, Vault
from desk import outbox
from desk.appointments import read_details
from desk.halls import desk_halls
from desk.models import AppointmentEvent, AppointmentRow, OutboxRow
from desk.rules import Rules
from desk.status import OPEN, Status

BATCH = 500
# Who of the staff did what stays on record; whoever else did something is a citizen.
BY_STAFF = (Status.ATTENDED.value, Status.MISSED.value, "displace", "reveal")


def lapse(session: Session, *, now: datetime) -> int:
    """Close the open appointments of days gone by that nobody registered. Nobody is blamed for them: a hall that
    registers no one would block everybody. Returns how many.
    """
    today = now.astimezone(CHINA).date()
    over = (AppointmentRow.status.in_(OPEN), AppointmentRow.day < today)
    rows = session.scalars(select(AppointmentRow).where(*over).order_by(AppointmentRow.id).with_for_update()).all()
    for row in rows:
        row.status = Status.LAPSED if row.status == Status.BOOKED else Status.GIVEN_UP
        row.ended_at = now
        session.add(AppointmentEvent(appointment=row.id, at=now, by="system", act="lapse", note=""))
        outbox.forget(session, row, now=now)
    session.flush()
    return len(rows)


def erase(session: Session, *, now: datetime) -> int:
    """Delete what is personal about appointments whose hall keeps it no longer. Returns how many.

    Day, hall, item and outcome stay, for statistics. What somebody else is writing to just now waits for the next time.
    """
    today = now.astimezone(CHINA).date()
    keep = {(one.hall.region, one.hall.name): one.rules.keep for one in desk_halls(session)}
    kept = AppointmentRow.details.is_not(None) & AppointmentRow.status.not_in(OPEN)
    erased = 0
    for region, hall in session.execute(
        select(AppointmentRow.region, AppointmentRow.hall).where(kept).distinct()
    ).all():
        oldest = today - timedelta(days=keep.get((region, hall), Rules().keep))
        erased += _erase(session, (AppointmentRow.region == region) & (AppointmentRow.hall == hall) & kept, oldest)
    return erased


def relock(writing: sessionmaker[Session], vault: Vault) -> int:
    """Lock all appointments' details under the first key, a transaction for each batch. Returns how many.

    Raises core.vault.Unreadable where no key fits; what was done until then stands.
    """
    many = after = 0
    while True:
        with writing.begin() as session:
            done = _relock(session, vault, after)
        if not done:
            return many
        many, after = many + len(done), done[-1]


def unreadable(session: Session, vault: Vault | None) -> int:
    """How many appointments' details none of the keys opens."""
    query = select(AppointmentRow.details).where(AppointmentRow.details.is_not(None))
    return sum(not _opens(vault, locked) for locked in session.scalars(query.execution_options(yield_per=BATCH)))


def _opens(vault: Vault | None, locked: str | None) -> bool:
    if vault is None or locked is None:
        return False
    try:
        vault.unlock(locked)
    except Unreadable:
        return False
    return True


def _relock(session: Session, vault: Vault, after: int) -> list[int]:
    """The ids of the next appointments from id `after` on, relocked."""
    wanted = (AppointmentRow.id > after, AppointmentRow.details.is_not(None))
    query = select(AppointmentRow).where(*wanted).order_by(AppointmentRow.id).limit(BATCH)
    rows = session.scalars(query.with_for_update()).all()
    for row in rows:
        details = read_details(session, vault, row.id)
        assert details is not None
        assert row.details is not None
        row.details = vault.relock(row.details)
        row.phone_mark = vault.marks(details.phone)[0]
        row.identity_mark = vault.marks(details.identity)[0] if details.identity else None
    return [row.id for row in rows]


def _erase(session: Session, which: ColumnElement[bool], oldest: date) -> int:
    values = {
        "details": None, "phone_mark": None, "identity_mark": None, "owner": "",
        "request": "erased " + cast(AppointmentRow.id, String),  # it was made of the owner
    }  # fmt: skip
    query = select(AppointmentRow.id).where(which, AppointmentRow.day < oldest).order_by(AppointmentRow.id)
    # Hall by hall is not the order in which `relock` locks its rows: each would wait for the other.
    ids = session.scalars(query.with_for_update(skip_locked=True)).all()
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        session.execute(update(AppointmentRow).where(AppointmentRow.id.in_(some)).values(values))
        events = update(AppointmentEvent).where(AppointmentEvent.appointment.in_(some))
        session.execute(events.where(AppointmentEvent.act.not_in(BY_STAFF)).values(by=""))
        session.execute(events.where(AppointmentEvent.act == "reveal").values(note=""))
        session.execute(update(OutboxRow).where(OutboxRow.appointment.in_(some)).values(owner=""))
    return len(ids)
