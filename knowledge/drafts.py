"""Guides being changed: written, reviewed, published or sent back. Callers own the transaction.

A draft is free to be unfinished until it is submitted. Every step names the edition it has seen, so that nobody
decides on, or overwrites, what they have not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import CHINA
from core.errors import Invalid
from knowledge import publishing
from knowledge.differences import differences
from knowledge.documents import document, storable
from knowledge.drafting import (
    Draft,
    DraftOpen,
    Incomplete,
    InReview,
    KeyFixed,
    KeyTaken,
    Moved,
    NoDraft,
    NotInReview,
    NotYours,
    Outdated,
    OwnChange,
    VersionMissing,
)
from knowledge.merging import merged_with_what_stands
from knowledge.models import DraftRow, GuideRow
from knowledge.publishing import Published
from knowledge.revisions import lock
from knowledge.schema import Guide, Status
from knowledge.wording import explain

REASON = 500  # characters of a reason or an answer
KEYS = ("region", "local_code")


def begin(session: Session, guide_id: int, *, by: str, at: datetime) -> Draft:
    """The open draft of a guide, or a new one from what stands, withdrawn or not. Raises GuideMissing."""
    current = _held(session, guide_id)
    draft = of_guide(session, guide_id)
    return draft or _begun(session, document(current.guide), current, by, at)


def begin_new(session: Session, content: Mapping[str, Any], *, by: str, at: datetime) -> Draft:
    """A guide that does not exist yet."""
    return _begun(session, content, None, by, at, editors=[by])


def restore(session: Session, guide_id: int, version: int, *, by: str, at: datetime) -> Draft:
    """An earlier version as a draft on what stands. Raises GuideMissing, VersionMissing, DraftOpen."""
    current = _held(session, guide_id)
    if draft := of_guide(session, guide_id):
        raise DraftOpen(draft)
    earlier = publishing.read_version(session, guide_id, version)
    if earlier is None:
        raise VersionMissing()
    why = f"恢复第 {version} 版"
    return _begun(session, document(earlier.guide), current, by, at, editors=[by], why=why)


def read(session: Session, draft_id: int) -> Draft:
    """The draft as it stands. Raises NoDraft."""
    row = session.get(DraftRow, draft_id)
    if row is None:
        raise NoDraft()
    return Draft.of(row)


def of_guide(session: Session, guide_id: int) -> Draft | None:
    """The open draft of a guide."""
    row = session.scalars(select(DraftRow).where(DraftRow.guide == guide_id)).first()
    return Draft.of(row) if row else None


def save(session: Session, draft_id: int, content: Mapping[str, Any], *, edition: int, by: str, at: datetime) -> Draft:
    """Write the whole document, finished or not. What says the same as what is stored is no edition of its own.

    Raises NoDraft, InReview, Outdated where somebody saved since, KeyFixed.
    """
    row = _writable(session, draft_id)
    fixed = {key: row.document.get(key) for key in KEYS} if row.guide else {}
    written = fixed | storable(dict(content))
    if any(written[key] != value for key, value in fixed.items()):
        raise KeyFixed()
    if not differences(row.document, written):
        return Draft.of(row)
    _seen(row, edition)
    _write(row, written)
    row.edition += 1
    _sign(row, by, at)
    return _flushed(session, row)


def submit(session: Session, draft_id: int, *, edition: int, why: str, by: str, at: datetime) -> Draft:
    """Ask for review. Raises Incomplete with all that is wrong, KeyTaken, InReview, Outdated; Invalid without `why`."""
    row = _writable(session, draft_id)
    _seen(row, edition)
    reason = _reason(why, "请写明为什么修改。")
    _free(session, row, checked(row.document))
    row.status, row.why, row.answer = Status.REVIEW.value, reason, ""
    _sign(row, by, at)
    return _flushed(session, row)


def send_back(session: Session, draft_id: int, *, edition: int, answer: str, by: str, at: datetime) -> Draft:
    """Back to its author with what is to be changed, also while it waits for its date.

    Raises NotInReview, Outdated; Invalid without `answer`.
    """
    row = _submitted(session, draft_id, edition, Status.REVIEW, Status.APPROVED)
    row.status, row.answer = Status.DRAFT.value, _reason(answer, "请写明退回的原因。")
    row.updated_at, row.updated_by = at, by
    return _flushed(session, row)


def take_back(session: Session, draft_id: int, *, edition: int, by: str, at: datetime) -> Draft:
    """An author takes it out of review, or keeps it from its date. Raises NotInReview, Outdated, NotYours."""
    row = _submitted(session, draft_id, edition, Status.REVIEW, Status.APPROVED)
    if by not in row.editors:
        raise NotYours()
    row.status = Status.DRAFT.value
    row.updated_at, row.updated_by = at, by
    return _flushed(session, row)


def publish(session: Session, draft_id: int, *, edition: int, by: str, at: datetime, own: bool) -> Published:
    """Approve: the guide's next version, with `by` and the author's reason; the draft is gone.

    What changed in the guide meanwhile is kept where the draft left it alone. Raises NotInReview, Outdated, OwnChange
    (where `by` wrote in it and `own` changes may not be approved), Moved, KeyTaken, Incomplete.
    """
    row, guide = _approvable(session, draft_id, edition, by, own)
    return _published(session, row, guide, by, at)


def approve(session: Session, draft_id: int, *, edition: int, by: str, at: datetime, own: bool) -> Published | None:
    """Publish, or where citizens see a version until the draft's date, let it wait for that: then None.

    Who approved it and when is what was done last to a draft that waits. Raises as `publish`.
    """
    row, guide = _approvable(session, draft_id, edition, by, own)
    stands = publishing.stands(session, row.guide) if row.guide else None
    if not publishing.waits_for(stands, guide, at.astimezone(CHINA).date()):
        return _published(session, row, guide, by, at)
    row.status, row.updated_at, row.updated_by = Status.APPROVED.value, at, by
    session.flush()
    return None


def catch_up(session: Session, draft_id: int, *, edition: int, by: str, at: datetime) -> tuple[Draft, tuple[str, ...]]:
    """Bring what changed in the guide since into the draft, which then goes the normal way.

    Gives the headings of what both changed, where the draft's words stand. Raises NoDraft, InReview, Outdated.
    """
    row = _writable(session, draft_id)
    _seen(row, edition)
    merged = merged_with_what_stands(session, row)
    if merged.version != row.base:
        row.base = merged.version
        _write(row, merged.content)
        row.edition += 1
        row.updated_at, row.updated_by = at, by
        session.flush()
    return Draft.of(row), merged.headings


def discard(session: Session, draft_id: int, *, edition: int, by: str, at: datetime) -> None:
    """Throw the draft away; the guide stays as it is. Raises NoDraft, InReview, Outdated."""
    row = _writable(session, draft_id)
    _seen(row, edition)
    session.delete(row)
    session.flush()


def checked(content: Mapping[str, Any]) -> Guide:
    """The whole document as a guide. Raises Incomplete with the path, heading and reason of all that is wrong."""
    try:
        return Guide.model_validate(content)
    except ValidationError as error:
        paths = [".".join(map(str, one["loc"])) for one in error.errors(include_url=False)]
        told = explain(error, Guide)
        raise Incomplete([(path, *words) for path, words in zip(paths, told, strict=True)]) from None


def _held(session: Session, guide_id: int) -> Published:
    """The guide as it stands; others who begin a draft of it wait."""
    session.execute(select(GuideRow.id).where(GuideRow.id == guide_id).with_for_update())
    return publishing.stands(session, guide_id)


def _begun(
    session: Session,
    content: Mapping[str, Any],
    current: Published | None,
    by: str,
    at: datetime,
    editors: Sequence[str] = (),
    why: str = "",
) -> Draft:
    row = DraftRow(
        guide=current.id if current else None,
        base=current.version if current else 0,
        status=Status.DRAFT.value,
        edition=1,
        editors=list(editors),
        why=why,
        answer="",
        made_at=at,
        made_by=by,
        updated_at=at,
        updated_by=by,
    )
    _write(row, storable(dict(content)))
    session.add(row)
    return _flushed(session, row)


def _row(session: Session, draft_id: int) -> DraftRow:
    row = session.get(DraftRow, draft_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NoDraft()
    return row


def _writable(session: Session, draft_id: int) -> DraftRow:
    row = _row(session, draft_id)
    if row.status != Status.DRAFT:
        raise InReview()
    return row


def _submitted(session: Session, draft_id: int, edition: int, *among: Status) -> DraftRow:
    row = _row(session, draft_id)
    if row.status not in among:
        raise NotInReview()
    _seen(row, edition)
    return row


def _approvable(session: Session, draft_id: int, edition: int, by: str, own: bool) -> tuple[DraftRow, Guide]:
    """The draft, and the guide that it makes of what stands."""
    lock(session)
    row = _submitted(session, draft_id, edition, Status.REVIEW)
    if by in row.editors and not own:
        raise OwnChange()
    merged = merged_with_what_stands(session, row)
    if merged.stopped:
        raise Moved(publishing.stands(session, merged.guide), merged.headings)
    guide = checked(merged.content)
    _free(session, row, guide)
    return row, guide


def _published(session: Session, row: DraftRow, guide: Guide, by: str, at: datetime) -> Published:
    publishing.publish(session, guide, by=by, at=at, why=row.why)
    session.delete(row)
    session.flush()
    return publishing.stands(session, publishing.find(session, guide.region, guide.local_code))


def _seen(row: DraftRow, edition: int) -> None:
    if row.edition != edition:
        raise Outdated(Draft.of(row))


def _write(row: DraftRow, content: dict[str, Any]) -> None:
    department = content.get("department")
    row.document = content
    row.region = _text(content.get("region"))[:12]
    row.name = _text(content.get("name"))[:300]
    row.department_name = _text(department.get("name")) if isinstance(department, dict) else ""


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _sign(row: DraftRow, by: str, at: datetime) -> None:
    row.editors = list(dict.fromkeys((*row.editors, by)))
    row.updated_at, row.updated_by = at, by


def _free(session: Session, row: DraftRow, guide: Guide) -> None:
    if row.guide is None and publishing.find(session, guide.region, guide.local_code) is not None:
        raise KeyTaken()


def _reason(given: str, missing: str) -> str:
    reason: str = storable(given).strip()
    if not reason:
        raise Invalid(missing)
    if len(reason) > REASON:
        raise Invalid(f"说明太长，最多 {REASON} 个字。")
    return reason


def _flushed(session: Session, row: DraftRow) -> Draft:
    session.flush()
    return Draft.of(row)
