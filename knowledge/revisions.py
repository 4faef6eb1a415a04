"""The counter every publication takes its number from, and the day's turn of effective windows."""

from __future__ import annotations

from datetime import date

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from knowledge.models import GuideRow, Revision

BATCH = 500


def next_revision(session: Session) -> int:
    """The revision of this transaction's writes, taken from the counter the first time it is asked for."""
    # A rolled-back savepoint undoes its own bump, so each savepoint takes its own.
    scope = session.get_nested_transaction() or session.get_transaction()
    taken = session.info.get("revision")
    if taken and scope is not None and taken[0] is scope:
        return int(taken[1])
    query = update(Revision).values(value=Revision.value + 1).returning(Revision.value)
    value = session.execute(query.execution_options(synchronize_session=False)).scalar_one()
    session.info["revision"] = (session.get_nested_transaction() or session.get_transaction(), value)
    return value


def lock(session: Session) -> None:
    """Queue with the other writers before reading, so that nobody decides on rows another is about to change."""
    scope = session.get_transaction()
    if scope is not None and session.info.get("locked") is scope:
        return
    session.execute(update(Revision).values(value=Revision.value).execution_options(synchronize_session=False))
    session.info["locked"] = session.get_transaction()


def roll(session: Session, today: date) -> int:
    """Give a new revision to guides whose effective window opened or closed since the last roll.

    Call it when the day changes, in a writing session; calling it again does nothing. Returns how many it touched.
    """
    since = session.execute(select(Revision.rolled_on)).scalar()
    if since is not None and since >= today:
        return 0
    lock(session)
    session.execute(update(Revision).values(rolled_on=today).execution_options(synchronize_session=False))
    if since is None:
        return 0
    due = or_(
        (GuideRow.effective_from > since) & (GuideRow.effective_from <= today),
        (GuideRow.effective_to >= since) & (GuideRow.effective_to < today),
    )
    ids = session.scalars(select(GuideRow.id).where(due)).all()
    for start in range(0, len(ids), BATCH):
        chosen = GuideRow.id.in_(ids[start : start + BATCH])
        session.execute(update(GuideRow).where(chosen).values(revision=next_revision(session)))
    return len(ids)
