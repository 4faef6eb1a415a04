"""Queues in which those wait who would otherwise decide on what another is about to change.

On SQLite a writing transaction is alone anyway (`core.database.sessions`); PostgreSQL keeps named locks until the
transaction ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

CALENDAR = "calendar"


def lock_people(session: Session, marks: Iterable[str]) -> None:
    """Let nobody else book for these persons meanwhile, so that limits per person hold."""
    _lock(session, (f"person {mark}" for mark in marks), alone=True)


def lock_calendar(session: Session) -> None:
    """Let nobody decide by the calendar meanwhile: all who lock a day wait. For whoever edits it."""
    _lock(session, [CALENDAR], alone=True)


def lock_days(session: Session, days: Iterable[tuple[str, str, date]], *, alone: bool = False) -> None:
    """Keep a hall's days, as (region, hall, day), from being closed meanwhile, and the calendar from being edited;
    `alone` is for whoever closes them.
    """
    _lock(session, [CALENDAR], alone=False)
    _lock(session, (f"day {region} {hall} {day}" for region, hall, day in days), alone=alone)


def _lock(session: Session, names: Iterable[str], *, alone: bool) -> None:
    if session.get_bind().dialect.name != "postgresql":
        return
    lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
    for key in sorted({_key(name) for name in names}):  # in one order, so that no two wait for each other
        session.execute(select(lock(key)))


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
