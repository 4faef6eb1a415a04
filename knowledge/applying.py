"""A batch that was approved, published bit by bit so that nobody who writes waits long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, select, tuple_, update
from sqlalchemy.orm import Session

from core.errors import Forbidden
from knowledge.batch import Kind, Outcome, Stage
from knowledge.batches import in_review, pending
from knowledge.drafting import OwnChange
from knowledge.models import BatchGuide, DraftRow, GuideRow
from knowledge.proposing import Allowed
from knowledge.publishing import publish_all, withdraw
from knowledge.revisions import lock
from knowledge.schema import Guide

CHUNK = 200  # guides a transaction publishes: a fraction of a second


class OutOfReach(Forbidden):
    """选中的指南里有不归您审核的，请由能审核全部内容的人来批准。"""

    code = "out_of_reach"


@dataclass(slots=True)
class Applied:
    """What was done. `moved` were left out, since they changed after the file was compared; `drafted` have a draft."""

    new: int = 0
    changed: int = 0
    withdrawn: int = 0
    moved: list[str] = field(default_factory=list)
    drafted: list[str] = field(default_factory=list)


def apply(session: Session, batch_id: int, *, by: str, at: datetime, own: bool, allowed: Allowed) -> Applied | None:
    """Publish the next of what was chosen of a batch; None where more is left.

    Call it until it returns, each time in a transaction of its own: what is done stays done, and others write in
    between. What has an outcome is left alone. Raises NotInReview, OwnChange where `by` uploaded it and `own` changes
    may not be approved, and OutOfReach where anything left is not `allowed`, as it stands or as it would be. Roll
    back then.
    """
    lock(session)
    row = in_review(session, batch_id)
    if row.made_by == by and not own:
        raise OwnChange("这个文件是您自己上传的，请由另一位审核人员批准。")
    _reach(session, batch_id, allowed)
    entries = _next(session, batch_id)
    _publish(session, batch_id, entries[:CHUNK], by=by, at=at, why=f"导入 {row.file}：{row.why}")
    if len(entries) > CHUNK:
        return None
    row.status, row.decided_by, row.decided_at = Stage.APPLIED.value, by, at
    session.flush()
    return _applied(session, batch_id)


def _publish(session: Session, batch_id: int, entries: Sequence[Row[Any]], *, by: str, at: datetime, why: str) -> None:
    stand = _standing(session, entries)
    outcomes = [_outcome(one, stand.get((one.region, one.local_code))) for one in entries]
    landing = [one for one, outcome in zip(entries, outcomes, strict=True) if outcome is not Outcome.MOVED]
    documents = [one.document for one in landing if one.change != Kind.MISSING]
    publish_all(session, (Guide.model_validate(one) for one in documents), by=by, at=at, why=why)
    for one in landing:
        if one.change == Kind.MISSING:
            withdraw(session, stand[one.region, one.local_code].id, by=by, at=at, why=why)
    _note(session, batch_id, entries, outcomes)


def _outcome(entry: Row[Any], stands: Any) -> Outcome:
    if entry.base != (stands.version if stands else 0):
        return Outcome.MOVED
    return Outcome.DRAFTED if stands and stands.draft else Outcome.APPLIED


def _reach(session: Session, batch_id: int, allowed: Allowed) -> None:
    """Raises OutOfReach before anything is published, so that no half is left which nobody may finish."""
    query = (
        select(BatchGuide.region, BatchGuide.department_name, GuideRow.department_name)
        .outerjoin(GuideRow, and_(GuideRow.region == BatchGuide.region, GuideRow.local_code == BatchGuide.local_code))
        .where(*pending(batch_id))
        .distinct()
    )
    for region, proposed, stands in session.execute(query):
        if not (allowed(region, proposed) and (stands is None or allowed(region, stands))):
            raise OutOfReach()


def _next(session: Session, batch_id: int) -> Sequence[Row[Any]]:
    """What comes next, and one more where that is not all."""
    query = select(
        BatchGuide.place,
        BatchGuide.change,
        BatchGuide.region,
        BatchGuide.local_code,
        BatchGuide.base,
        BatchGuide.document,
    ).where(*pending(batch_id))
    return session.execute(query.order_by(BatchGuide.place).limit(CHUNK + 1)).all()


def _applied(session: Session, batch_id: int) -> Applied:
    done = (Outcome.APPLIED.value, Outcome.DRAFTED.value)
    counting = select(BatchGuide.change, func.count()).where(BatchGuide.batch == batch_id, BatchGuide.outcome.in_(done))
    counts: dict[str, int] = dict(session.execute(counting.group_by(BatchGuide.change)).all())

    def named(outcome: Outcome) -> list[str]:
        query = select(BatchGuide.name).where(BatchGuide.batch == batch_id, BatchGuide.outcome == outcome.value)
        return list(session.scalars(query.order_by(BatchGuide.place)))

    new, changed, withdrawn = (counts.get(kind.value, 0) for kind in (Kind.NEW, Kind.CHANGED, Kind.MISSING))
    return Applied(new, changed, withdrawn, moved=named(Outcome.MOVED), drafted=named(Outcome.DRAFTED))


def _standing(session: Session, entries: Sequence[Row[Any]]) -> dict[tuple[str, str], Any]:
    keys = [(one.region, one.local_code) for one in entries]
    query = (
        select(
            GuideRow.id,
            GuideRow.region,
            GuideRow.local_code,
            GuideRow.version,
            DraftRow.id.label("draft"),
        )
        .outerjoin(DraftRow, DraftRow.guide == GuideRow.id)
        .where(tuple_(GuideRow.region, GuideRow.local_code).in_(keys))
    )
    return {(row.region, row.local_code): row for row in session.execute(query)}


def _note(session: Session, batch_id: int, entries: Sequence[Row[Any]], outcomes: Sequence[Outcome]) -> None:
    for outcome in set(outcomes):
        places = [one.place for one, what in zip(entries, outcomes, strict=True) if what is outcome]
        noting = update(BatchGuide).where(BatchGuide.batch == batch_id, BatchGuide.place.in_(places))
        session.execute(noting.values(outcome=outcome.value).execution_options(synchronize_session=False))
