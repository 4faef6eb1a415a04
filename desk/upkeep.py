"""What time does to appointments: they lapse, and what is personal is deleted. And what a new key asks for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.clock import CHINA
from core.vault import Vault
from desk.appointments import OPEN, Status, read_details
from desk.halls import desk_halls
from desk.models import AppointmentEvent, AppointmentRow, OutboxRow
from desk.rules import Rules

BATCH = 500


def lapse(session: Session, *, now: datetime) -> int:
    """Close the open appointments of days gone by that nobody registered. Nobody is blamed for them: a hall that
    registers no one would block everybody. Returns how many.
    """
    today = now.astimezone(CHINA).date()
    over = (AppointmentRow.status.in_(OPEN), AppointmentRow.day < today)
    values = {"status": Status.LAPSED.value, "ended_at": now}
    ids = session.scalars(select(AppointmentRow.id).where(*over).with_for_update()).all()
    session.execute(update(AppointmentRow).where(AppointmentRow.id.in_(ids)).values(values))
    session.add_all([AppointmentEvent(appointment=one, at=now, by="system", act="lapse", note="") for one in ids])
    session.flush()
    return len(ids)


def erase(session: Session, *, now: datetime) -> int:
    """Delete what is personal about appointments whose hall keeps it no longer. Returns how many.

    Day, hall, item and outcome stay, for statistics.
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


def relock(session: Session, vault: Vault, *, after: int = 0) -> int:
    """Lock the next appointments' details under the first key, from id `after` on; call it until it returns 0.

    Returns the last id it did. Raises core.vault.Unreadable where no key fits.
    """
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
    session.flush()
    return rows[-1].id if rows else 0


def _erase(session: Session, which, oldest: date) -> int:  # type: ignore[no-untyped-def]
    values = {"details": None, "phone_mark": None, "identity_mark": None, "owner": ""}
    ids = session.scalars(select(AppointmentRow.id).where(which, AppointmentRow.day < oldest).with_for_update()).all()
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        session.execute(update(AppointmentRow).where(AppointmentRow.id.in_(some)).values(values))
        session.execute(update(AppointmentEvent).where(AppointmentEvent.appointment.in_(some)).values(by=""))
        session.execute(update(OutboxRow).where(OutboxRow.appointment.in_(some)).values(owner=""))
    return len(ids)
