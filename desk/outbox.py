"""Notices to citizens: written in the transaction that causes them, delivered afterwards by whichever channel it is.

A notice is claimed before it is delivered and settled after. A crash in between leaves it claimed; it is handed out
again under the same key, by which a channel that cannot take back what it sent knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from core.clock import CHINA
from desk.models import AppointmentRow, OutboxRow

BATCH = 100
LEASE = timedelta(minutes=2)  # a delivery takes less; after it a claim is taken for abandoned
RETRIES = (60, 300, 1800, 7200)  # seconds until the next try
REMINDED_AT = time(17)  # in China, the day before

log = structlog.get_logger()


class Undeliverable(Exception):
    """Nothing will ever deliver this: the citizen left the channel, or forbade it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """`kind` is remind or displaced; `key` is the same at every try."""

    key: str
    kind: str
    owner: str
    appointment: int
    due: datetime

    @property
    def channel(self) -> str:
        """The name of the channel that reaches the owner."""
        return self.owner.partition(":")[0]


Deliver = Callable[[Notice], None]


def remind(session: Session, row: AppointmentRow, *, now: datetime) -> None:
    """Have the citizen reminded the day before, where it was wished and that moment is still to come."""
    before = row.day - timedelta(days=1)
    due = datetime.combine(before, REMINDED_AT, CHINA)
    if row.remind and due > now:
        _add(session, row, "remind", due)


def tell(session: Session, row: AppointmentRow, kind: str, *, now: datetime) -> None:
    """Have the citizen told at once."""
    _add(session, row, kind, now)


def forget(session: Session, row: AppointmentRow, *, now: datetime) -> None:
    """Take back what was not yet delivered about an appointment."""
    waiting = (OutboxRow.appointment == row.id, OutboxRow.state == "waiting")
    values = {"state": "dropped", "settled_at": now}
    session.execute(update(OutboxRow).where(*waiting).values(values).execution_options(synchronize_session=False))


def deliver(writing: sessionmaker[Session], channels: Mapping[str, Deliver], *, now: datetime) -> int:
    """Deliver what is due through its channel. Returns how many were delivered.

    What a channel raises postpones the notice, Undeliverable ends it. Owners whose channel is not among `channels`
    wait: another process may serve it.
    """
    with writing.begin() as session:
        claimed = list(_claim(session, channels, now))
    return sum(_deliver(writing, channels[notice.channel], notice, tries, now) for notice, tries in claimed)


def inbox(session: Session, owner: str) -> tuple[Notice, ...]:
    """What was delivered to a citizen whose channel cannot push, and not fetched yet; fetching it once is all.

    For such a channel `Deliver` has nothing to do.
    """
    query = select(OutboxRow).where(OutboxRow.owner == owner, OutboxRow.state == "delivered")
    rows = session.scalars(query.order_by(OutboxRow.due_at).with_for_update()).all()
    for row in rows:
        row.state = "read"
    return tuple(_notice(row) for row in rows)


def _claim(session: Session, channels: Mapping[str, Deliver], now: datetime) -> Iterator[tuple[Notice, int]]:
    served = or_(*(OutboxRow.owner.startswith(f"{name}:", autoescape=True) for name in channels))
    due = (OutboxRow.state.in_(("waiting", "claimed")), OutboxRow.due_at <= now, served)
    query = select(OutboxRow).where(*due).order_by(OutboxRow.due_at).limit(BATCH).with_for_update(skip_locked=True)
    for row in session.scalars(query).all():
        yield _notice(row), row.tries
        # Until then nobody else takes it; then it counts as abandoned.
        row.state, row.due_at, row.tries = "claimed", now + LEASE, row.tries + 1


def _deliver(writing: sessionmaker[Session], channel: Deliver, notice: Notice, tries: int, now: datetime) -> bool:
    values: dict[str, object] = {"state": "delivered", "settled_at": now}
    try:
        channel(notice)
    except Undeliverable:
        values = {"state": "failed", "settled_at": now}
    except Exception as error:  # whatever a channel raises: the notice is kept for another try
        log.warning("outbox.postponed", kind=notice.kind, reason=type(error).__name__)
        values = {"state": "waiting", "due_at": now + timedelta(seconds=RETRIES[min(tries, len(RETRIES) - 1)])}
        if tries >= len(RETRIES):
            values = {"state": "failed", "settled_at": now}
    with writing.begin() as session:
        mine = (OutboxRow.key == notice.key, OutboxRow.state == "claimed")
        session.execute(update(OutboxRow).where(*mine).values(values))
    return values["state"] == "delivered"


def _notice(row: OutboxRow) -> Notice:
    return Notice(row.key, row.kind, row.owner, row.appointment, row.due_at)


def _add(session: Session, row: AppointmentRow, kind: str, due: datetime) -> None:
    key = f"{kind}:{row.number}:{row.starts_at.astimezone(CHINA):%Y%m%d%H%M}"
    known = session.get(OutboxRow, key)
    if known is not None and known.state != "dropped":
        return
    made = OutboxRow(
        key=key, appointment=row.id, kind=kind, owner=row.owner, state="waiting", due_at=due, tries=0, settled_at=None
    )
    session.merge(made)
    session.flush()
