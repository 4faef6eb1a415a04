"""Approved drafts published on the day from which they hold, each in a transaction of its own with its entry on record."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from core.clock import CHINA
from knowledge import waiting
from knowledge.waiting import Released
from staff.audit import Audit

CLOCK = "到期公布"  # who is on record where no person was


def release_due(reading: sessionmaker[Session], writing: sessionmaker[Session], audit: Audit, *, now: datetime) -> None:
    """Publish what is due in China. Several processes may do so at once: each draft is published by one of them."""
    with reading() as session:
        found = waiting.due(session, now.astimezone(CHINA).date())
    for number in found:
        with writing.begin() as session:
            if done := waiting.release(session, number, at=now):
                _record(session, audit, done, now)


def _record(session: Session, audit: Audit, done: Released, now: datetime) -> None:
    draft, published = done.draft, done.published
    subject, detail = f"guide:{draft.guide}", {"name": draft.name, "by": list(draft.editors)}
    if published is None:
        audit.record(
            session, who=CLOCK, act="guide.return", subject=subject, region=draft.region, why=draft.answer,
            detail={"name": draft.name}, at=now,
        )  # fmt: skip
        return
    audit.record(
        session, who=draft.updated_by, act="guide.publish", subject=subject, region=draft.region, why=draft.why,
        detail=detail | {"version": published.version, "since": published.guide.effective_from}, at=now,
    )  # fmt: skip
