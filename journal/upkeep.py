"""What time does to the journal: turns are deleted when they are old."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from journal.models import TurnRow

BATCH = 5000  # deleted in one transaction, so that nobody waits for long


def forget(writing: sessionmaker[Session], *, before: datetime) -> int:
    """Delete the turns older than `before`, a transaction for each batch. Returns how many."""
    gone = 0
    while True:
        with writing.begin() as session:
            old = session.scalars(select(TurnRow.id).where(TurnRow.at < before).order_by(TurnRow.at).limit(BATCH)).all()
            session.execute(delete(TurnRow).where(TurnRow.id.in_(old)))
        gone += len(old)
        if len(old) < BATCH:
            return gone
