"""Notices to citizens: written in the transaction that causes them, delivered afterwards by whichever channel it is.

A notice is claimed before it is delivered and settled after. A crash in between leaves it claimed; it is handed out
again under the same key, by which a channel that cannot take back what it sent knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import structlog
from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from core.clock import CHINA
from desk.models import AppointmentRow, OutboxRow
from desk.status import Status

BATCH = 1000  # delivered in one go
LEASE = timedelta(minutes=2)  # a delivery takes less; after it a claim is taken for abandoned
RETRIES = (60, 300, 1800, 7200)  # seconds until the next try
REMINDED_AT = time(17)  # in China, the day before
MEANT_FOR = {"remind": Status.BOOKED, "displaced": Status.DISPLACED}

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


@dataclass(frozen=True, slots=True)
class Claim:
    """A notice that is ours for a while; `tries` counts this one too."""

    notice: Notice
    tries: int


def remind(session: Session, row: AppointmentRow, *, now: datetime) -> None:
    """Have the citizen reminded the day before, where it was wished and that moment is still to come."""
    before = row.day - timedelta(days=1)
    due = datetime.combine(before, REMINDED_AT, CHINA)
    if row.remind and due > now:
        _add(session, row, "remind", _reminder(row), due)


def tell_displaced(session: Session, row: AppointmentRow, event: int, *, now: datetime) -> None:
    """Have the citizen told at once. `event` is what happened: if it happens again, they are told again."""
    _add(session, row, "displaced", f"displaced:{row.number}:{event}", now)


def forget(session: Session, row: AppointmentRow, *, now: datetime) -> None:
    """Take back what was not yet delivered about an appointment."""
    waiting = (OutboxRow.appointment == row.id, OutboxRow.state == "waiting")
    values = {"state": "dropped", "settled_at": now}
    session.execute(update(OutboxRow).where(*waiting).values(values).execution_options(synchronize_session=False))


def deliver(writing: sessionmaker[Session], channels: Mapping[str, Deliver], *, now: Callable[[], datetime]) -> int:
    """Deliver what is due through its channel. Returns how many were delivered.

    What a channel raises postpones the notice, Undeliverable ends it. Owners whose channel is not among `channels`
    wait: another process may serve it.
    """
    delivered = 0
    # One at a time: of a batch claimed together, the last would be abandoned before its turn came.
    for _ in range(BATCH if channels else 0):
        with writing.begin() as session:
            claim = _claim(session, channels, now())
        if claim is None:
            break
        delivered += _deliver(writing, channels[claim.notice.channel], claim, now)
    return delivered


def leave(_notice: Notice) -> None:
    """Deliver for a channel that cannot push: the notice waits in the inbox until the citizen comes."""


def inbox(session: Session, owner: str, seen: Collection[str] = (), *, now: datetime) -> tuple[Notice, ...]:
    """What was delivered to a citizen whose channel cannot push. It is handed out until its key is among the `seen`:
    an answer may be lost on its way. `leave` delivers for such a channel.
    """
    query = select(OutboxRow).where(OutboxRow.owner == owner, OutboxRow.state == "delivered")
    rows = session.scalars(query.order_by(OutboxRow.due_at, OutboxRow.key).with_for_update()).all()
    told = []
    for row in rows:
        if row.key in seen:
            row.state = "read"
        elif _still_true(session, row, now):
            told.append(_notice(row))
        else:
            row.state = "dropped"
    return tuple(told)


def has_mail(session: Session, owner: str) -> bool:
    """Whether `inbox` has anything for a citizen."""
    query = select(OutboxRow.key).where(OutboxRow.owner == owner, OutboxRow.state == "delivered")
    return session.scalars(query.limit(1)).first() is not None


def unreached(
    session: Session, region: str, hall: str, day: date, pushes: Callable[[str], bool], *, now: datetime
) -> frozenset[int]:
    """The appointments of a hall's day whose citizens should have been told something, still true, and may never be:
    nothing delivers it, or they lost their time, their channel cannot push and they have not come and read of it.

    `pushes` says of an owner whether their channel can.
    """
    here = (AppointmentRow.region == region, AppointmentRow.hall == hall, AppointmentRow.day == day)
    query = select(OutboxRow).join(AppointmentRow, AppointmentRow.id == OutboxRow.appointment)
    rows = session.scalars(query.where(OutboxRow.state.not_in(("read", "dropped")), *here)).all()
    lost = (row for row in rows if row.state == "failed" or (row.kind == "displaced" and not pushes(row.owner)))
    return frozenset(row.appointment for row in lost if _still_true(session, row, now))


def due(session: Session, channels: Mapping[str, Deliver], now: datetime) -> int:
    """How many notices wait to be delivered now."""
    return session.scalar(select(func.count()).select_from(OutboxRow).where(*_due(channels, now))) or 0


def _due(channels: Mapping[str, Deliver], now: datetime) -> tuple[ColumnElement[bool], ...]:
    served = or_(*(OutboxRow.owner.startswith(f"{name}:", autoescape=True) for name in channels))
    return (OutboxRow.state.in_(("waiting", "claimed")), OutboxRow.due_at <= now, served)


def _claim(session: Session, channels: Mapping[str, Deliver], now: datetime) -> Claim | None:
    """The next notice that is due, for us alone until its lease ends; what is no longer true is dropped on the way."""
    query = (
        select(OutboxRow)
        .where(*_due(channels, now))
        .order_by(OutboxRow.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    while row := session.scalars(query).first():
        if _still_true(session, row, now):
            row.state, row.due_at, row.tries = "claimed", now + LEASE, row.tries + 1
            return Claim(_notice(row), row.tries)
        row.state, row.settled_at = "dropped", now
        session.flush()
    return None


def _still_true(session: Session, notice: OutboxRow, now: datetime) -> bool:
    """Whether the appointment is as the notice says: it may have changed while a crashed delivery held the notice."""
    row = session.get_one(AppointmentRow, notice.appointment)
    if row.status != MEANT_FOR[notice.kind]:
        return False
    return notice.kind != "remind" or (notice.key == _reminder(row) and row.starts_at > now)


def _deliver(writing: sessionmaker[Session], channel: Deliver, claim: Claim, now: Callable[[], datetime]) -> bool:
    try:
        channel(claim.notice)
    except Undeliverable:
        _settle(writing, claim, "failed", now())
    except Exception as error:  # whatever a channel raises: the notice is kept for another try
        log.warning("outbox.postponed", kind=claim.notice.kind, reason=type(error).__name__)
        _postpone(writing, claim, now())
    else:
        _settle(writing, claim, "delivered", now())
        return True
    return False


def _postpone(writing: sessionmaker[Session], claim: Claim, now: datetime) -> None:
    if claim.tries > len(RETRIES):
        return _settle(writing, claim, "failed", now)
    due = now + timedelta(seconds=RETRIES[claim.tries - 1])
    with writing.begin() as session:
        session.execute(update(OutboxRow).where(*_ours(claim)).values(state="waiting", due_at=due))


def _settle(writing: sessionmaker[Session], claim: Claim, state: str, now: datetime) -> None:
    # Delivered is delivered, even where the lease was over and another has claimed it since; failed is only our try.
    late = (OutboxRow.key == claim.notice.key, OutboxRow.state.in_(("claimed", "waiting")))
    which = late if state == "delivered" else _ours(claim)
    with writing.begin() as session:
        session.execute(update(OutboxRow).where(*which).values(state=state, settled_at=now))


def _ours(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (OutboxRow.key == claim.notice.key, OutboxRow.state == "claimed", OutboxRow.tries == claim.tries)


def _reminder(row: AppointmentRow) -> str:
    """The key of a reminder: one for each time an appointment is moved to."""
    return f"remind:{row.number}:{row.starts_at.astimezone(CHINA):%Y%m%d%H%M}"


def _notice(row: OutboxRow) -> Notice:
    return Notice(row.key, row.kind, row.owner, row.appointment, row.due_at)


def _add(session: Session, row: AppointmentRow, kind: str, key: str, due: datetime) -> None:
    known = session.get(OutboxRow, key, populate_existing=True)
    if known is None:
        made = OutboxRow(key=key, appointment=row.id, kind=kind, owner=row.owner, state="waiting", due_at=due, tries=0)
        session.add(made)
    elif known.state == "dropped":
        known.state, known.due_at, known.tries, known.settled_at = "waiting", due, 0, None
    session.flush()
