"""Imports that wait for a decision: a file compared with what stands, chosen from, reviewed, applied or sent back.

Callers own the transaction. `proposing` makes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, not_, or_, select, update
from sqlalchemy.orm import Session

from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.paging import Page
from knowledge.batch import Batch, Kind, Outcome, Proposed, Stage
from knowledge.documents import document
from knowledge.models import BatchGuide, BatchRow
from knowledge.publishing import Version, find, read_version
from knowledge.reports import Problem
from knowledge.standing import Scopes, within

SIZE = 20  # guides shown at once, each with what would change
REASON = 500  # characters of a reason or an answer


class NoBatch(NotFound):
    """没有这次导入，可能已经撤销。"""

    code = "batch_missing"


class NotOpen(Conflict):
    """这次导入已经提交审核或者处理过了，不能再改。"""

    code = "batch_not_open"


class NotInReview(Conflict):
    """这次导入没有在等审核，可能别人已经处理过了。"""

    code = "batch_not_in_review"


class NotYours(Forbidden):
    """只有上传这个文件的人可以挑选、提交和撤销。"""

    code = "batch_not_yours"


class NothingChosen(Invalid):
    """还没有选中任何一份指南，请先选好再提交。"""

    code = "nothing_chosen"


def read(session: Session, batch_id: int, *, scopes: Scopes, by: str) -> Batch:
    """An import that `by` may see: their own, or one with nothing outside of `scopes`. Raises NoBatch."""
    row = session.scalars(select(BatchRow).where(BatchRow.id == batch_id, _visible(scopes, by))).first()
    if row is None:
        raise NoBatch()
    return _batches(session, [row])[0]


def every(session: Session, *, scopes: Scopes, by: str, page: int = 1, size: int = 50) -> Page[Batch]:
    """The imports that `by` may see, the latest first."""
    visible = _visible(scopes, by)
    total = session.execute(select(func.count()).select_from(BatchRow).where(visible)).scalar_one()
    query = select(BatchRow).where(visible).order_by(BatchRow.id.desc()).limit(size).offset((page - 1) * size)
    return Page(tuple(_batches(session, list(session.scalars(query)))), page, size, total)


def guides(
    session: Session,
    batch_id: int,
    kind: Kind | None = None,
    *,
    outcome: Outcome | None = None,
    page: int = 1,
    size: int = SIZE,
) -> Page[Proposed]:
    """One page of a batch's guides, of a kind or with an outcome where one is given, in the order of the file."""
    tests = [BatchGuide.batch == batch_id]
    if kind is not None:
        tests.append(BatchGuide.change == kind.value)
    if outcome is not None:
        tests.append(BatchGuide.outcome == outcome.value)
    total = session.execute(select(func.count()).select_from(BatchGuide).where(*tests)).scalar_one()
    query = select(BatchGuide).where(*tests).order_by(BatchGuide.place).limit(size).offset((page - 1) * size)
    return Page(tuple(_proposed(row) for row in session.scalars(query)), page, size, total)


def before(session: Session, entries: Iterable[Proposed]) -> dict[int, dict[str, Any]]:
    """The documents that changed guides were compared with, by place."""
    return {place: document(version.guide) for place, version in _compared_with(session, entries)}


def reasons(session: Session, entries: Iterable[Proposed]) -> dict[int, str]:
    """Why what these guides were compared with came to stand so, by place: why it was withdrawn, where it was."""
    return {place: version.why for place, version in _compared_with(session, entries)}


def choose(session: Session, batch_id: int, *, shown: Collection[int], chosen: Collection[int], by: str) -> None:
    """Of the guides at the places `shown`, take those also in `chosen` and leave the others. Raises as `submit`."""
    _open(session, batch_id, by)
    for wanted, places in ((True, set(shown) & set(chosen)), (False, set(shown) - set(chosen))):
        _mark(session, batch_id, BatchGuide.place.in_(places), wanted)


def choose_all(session: Session, batch_id: int, kind: Kind, wanted: bool, *, by: str) -> None:
    """Take or leave all guides of a kind. Raises as `submit`."""
    _open(session, batch_id, by)
    _mark(session, batch_id, BatchGuide.change == kind.value, wanted)


def submit(session: Session, batch_id: int, *, why: str, by: str) -> None:
    """Ask for review. Raises NoBatch, NotOpen, NotYours, NothingChosen; Invalid without `why`."""
    row = _open(session, batch_id, by)
    if session.execute(select(BatchGuide.place).where(*pending(batch_id)).limit(1)).first() is None:
        raise NothingChosen()
    row.why, row.answer, row.status = reason(why, "请写明为什么导入。"), "", Stage.REVIEW.value
    session.flush()


def send_back(session: Session, batch_id: int, *, answer: str, by: str, at: datetime) -> None:
    """Back to whoever uploaded it. Raises NoBatch, NotInReview; Invalid without `answer`."""
    row = in_review(session, batch_id)
    row.answer, row.status = reason(answer, "请写明退回的原因。"), Stage.OPEN.value
    row.decided_by, row.decided_at = by, at
    session.flush()


def discard(session: Session, batch_id: int, *, by: str) -> None:
    """Whoever uploaded it gives it up, in review or not; what was applied of it stays. Raises NoBatch, NotOpen, NotYours."""
    row = locked(session, batch_id)
    if row.status not in (Stage.OPEN, Stage.REVIEW):
        raise NotOpen()
    if row.made_by != by:
        raise NotYours()
    session.execute(delete(BatchGuide).where(BatchGuide.batch == batch_id, BatchGuide.outcome == Outcome.NONE.value))
    row.status = Stage.DISCARDED.value
    session.flush()


def pending(batch_id: int) -> tuple[ColumnElement[bool], ...]:
    """Which guides of a batch are still to be applied."""
    return BatchGuide.batch == batch_id, BatchGuide.chosen.is_(True), BatchGuide.outcome == Outcome.NONE.value


def locked(session: Session, batch_id: int) -> BatchRow:
    """The row, held until the transaction ends, so that two do not decide on it. Raises NoBatch."""
    query = select(BatchRow).where(BatchRow.id == batch_id).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NoBatch()
    return row


def in_review(session: Session, batch_id: int) -> BatchRow:
    """The row of an import that waits for a decision. Raises NoBatch, NotInReview."""
    row = locked(session, batch_id)
    if row.status != Stage.REVIEW:
        raise NotInReview()
    return row


def reason(text: str, missing: str) -> str:
    """A reason as it is kept. Raises Invalid, with `missing` where there is none."""
    if not text.strip():
        raise Invalid(missing)
    if len(text) > REASON:
        raise Invalid(f"写得太长了，最多 {REASON} 个字。")
    return text.strip()


def _open(session: Session, batch_id: int, by: str) -> BatchRow:
    row = locked(session, batch_id)
    if row.status != Stage.OPEN:
        raise NotOpen()
    if row.made_by != by:
        raise NotYours()
    return row


def _compared_with(session: Session, entries: Iterable[Proposed]) -> Iterator[tuple[int, Version]]:
    for one in entries:
        known = find(session, one.region, one.local_code) if one.base else None
        if known and (version := read_version(session, known, one.base)):
            yield one.place, version


def _mark(session: Session, batch_id: int, which: ColumnElement[bool], wanted: bool) -> None:
    open_ = BatchGuide.outcome == Outcome.NONE.value
    marking = update(BatchGuide).where(BatchGuide.batch == batch_id, open_, which).values(chosen=wanted)
    session.execute(marking.execution_options(synchronize_session=False))


def _visible(scopes: Scopes, by: str) -> ColumnElement[bool]:
    held = BatchGuide.batch == BatchRow.id
    outside = exists().where(held, not_(within(BatchGuide.region, BatchGuide.department_name, scopes)))
    whole = [(region, department) for region, department in scopes if not department]
    inside = or_(within(BatchRow.region, None, whole), exists().where(held))
    return or_(BatchRow.made_by == by, not_(outside) & inside)


def _batches(session: Session, rows: Collection[BatchRow]) -> list[Batch]:
    query = (
        select(BatchGuide.batch, BatchGuide.change, BatchGuide.outcome, BatchGuide.chosen, func.count())
        .where(BatchGuide.batch.in_([row.id for row in rows]))
        .group_by(BatchGuide.batch, BatchGuide.change, BatchGuide.outcome, BatchGuide.chosen)
    )
    counted = list(session.execute(query))
    return [_batch(row, [one[1:] for one in counted if one[0] == row.id]) for row in rows]


def _batch(row: BatchRow, counted: list[Any]) -> Batch:
    return Batch(
        id=row.id,
        file=row.file,
        region=row.region,
        stage=Stage(row.status),
        made_at=row.made_at,
        made_by=row.made_by,
        why=row.why,
        answer=row.answer,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        refused=tuple(Problem(*one) for one in row.refused),
        same=row.same,
        counts={kind: sum(n for change, _, _, n in counted if change == kind) for kind in Kind},
        chosen={kind: sum(n for change, _, chosen, n in counted if change == kind and chosen) for kind in Kind},
        outcomes={one: sum(n for _, outcome, _, n in counted if outcome == one) for one in Outcome},
        left=sum(n for _, outcome, chosen, n in counted if chosen and outcome == Outcome.NONE),
    )


def _proposed(row: BatchGuide) -> Proposed:
    return Proposed(
        place=row.place,
        kind=Kind(row.change),
        region=row.region,
        local_code=row.local_code,
        name=row.name,
        department=row.department_name,
        base=row.base,
        document=row.document,
        chosen=row.chosen,
        outcome=Outcome(row.outcome),
    )
