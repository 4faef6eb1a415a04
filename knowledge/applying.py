"""A batch that was approved, published bit by bit so that nobody who writes waits long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, and_, func, select, tuple_, update
from sqlalchemy.orm import Session

from core.clock import CHINA
from core.errors import Forbidden
from knowledge.batch import Kind, Outcome, Stage
from knowledge.batches import in_review, pending
from knowledge.drafting import OwnChange
from knowledge.models import BatchGuide, DraftRow, GuideRow
from knowledge.proposing import Allowed
from knowledge.publishing import publish_all, read_many, waits_for, withdraw
from knowledge.revisions import lock
from knowledge.schema import Guide
from knowledge.waiting import hold

_PUBLISHED = (Outcome.APPLIED, Outcome.DRAFTED)
CHUNK = 200  # guides a transaction publishes: a fraction of a second


class OutOfReach(Forbidden):
    """选中的指南里有不归您审核的，请由能审核全部内容的人来批准。"""

    code = "out_of_reach"


@dataclass(slots=True)
class Applied:
    """What was done so far. `waiting` are published on the day from which they hold; `moved` were left out; `drafted`
    have a draft; `left` counts those still to come.
    """

    new: int = 0
    changed: int = 0
    revived: int = 0
    withdrawn: int = 0
    left: int = 0
    waiting: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    drafted: list[str] = field(default_factory=list)


def apply(session: Session, batch_id: int, *, by: str, at: datetime, own: bool, allowed: Allowed) -> Applied:
    """Publish the next of what was chosen of a batch, and tell what was done of it by now.

    Call it until nothing is left, each time in a transaction of its own: what is done stays done, and others write in
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
    why = f"导入 {row.file}：{row.why}"
    _publish(session, batch_id, entries, editor=row.made_by, by=by, at=at, why=why)
    row.decided_by, row.decided_at = by, at
    applied = _applied(session, batch_id)
    if not applied.left:
        row.status = Stage.APPLIED.value
    session.flush()
    return applied


def _publish(
    session: Session, batch_id: int, entries: Sequence[Row[Any]], *, editor: str, by: str, at: datetime, why: str
) -> None:
    stand = _standing(session, entries)
    later = _later(session, entries, stand, at.astimezone(CHINA).date())
    outcomes = [_outcome(one, stand.get((one.region, one.local_code)), one.place in later) for one in entries]
    landing = [one for one, outcome in zip(entries, outcomes, strict=True) if outcome in _PUBLISHED]
    documents = [one.document for one in landing if one.change != Kind.MISSING]
    publish_all(session, (Guide.model_validate(one) for one in documents), by=by, at=at, why=why)
    for one in landing:
        if one.change == Kind.MISSING:
            withdraw(session, stand[one.region, one.local_code].id, by=by, at=at, why=why)
    for one, outcome in zip(entries, outcomes, strict=True):
        if outcome is Outcome.WAITS:
            hold(session, stand[one.region, one.local_code].id, one.document, editor=editor, by=by, why=why, at=at)
    _note(session, batch_id, entries, outcomes)


def _outcome(entry: Row[Any], stands: Any, later: bool) -> Outcome:
    if entry.base != (stands.version if stands else 0):
        return Outcome.MOVED
    if later:
        return Outcome.MOVED if stands.draft else Outcome.WAITS
    return Outcome.DRAFTED if stands and stands.draft else Outcome.APPLIED


def _later(session: Session, entries: Sequence[Row[Any]], stand: Mapping[Any, Any], today: date) -> set[int]:
    """The places of those that hold from a later day only, while citizens see what stands."""
    coming = {
        one.place: (stand[one.region, one.local_code].id, Guide.model_validate(one.document))
        for one in entries
        if one.change == Kind.CHANGED and (one.region, one.local_code) in stand
        if (one.document.get("effective_from") or "") > today.isoformat()
    }
    known = read_many(session, (number for number, _ in coming.values()))
    return {place for place, (number, guide) in coming.items() if waits_for(known.get(number), guide, today)}


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
    query = select(
        BatchGuide.place,
        BatchGuide.change,
        BatchGuide.region,
        BatchGuide.local_code,
        BatchGuide.base,
        BatchGuide.document,
    ).where(*pending(batch_id))
    return session.execute(query.order_by(BatchGuide.place).limit(CHUNK)).all()


def _applied(session: Session, batch_id: int) -> Applied:
    done = (BatchGuide.batch == batch_id, BatchGuide.outcome.in_([one.value for one in _PUBLISHED]))
    counting = select(BatchGuide.change, func.count()).where(*done)
    counts: dict[str, int] = dict(session.execute(counting.group_by(BatchGuide.change)).all())

    def named(outcome: Outcome) -> list[str]:
        query = select(BatchGuide.name).where(BatchGuide.batch == batch_id, BatchGuide.outcome == outcome.value)
        return list(session.scalars(query.order_by(BatchGuide.place)))

    new, changed, revived, withdrawn = (
        counts.get(kind.value, 0) for kind in (Kind.NEW, Kind.CHANGED, Kind.REVIVED, Kind.MISSING)
    )
    left = session.execute(select(func.count()).select_from(BatchGuide).where(*pending(batch_id))).scalar_one()
    return Applied(
        new, changed, revived, withdrawn, left,
        waiting=named(Outcome.WAITS), moved=named(Outcome.MOVED), drafted=named(Outcome.DRAFTED),
    )  # fmt: skip


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
