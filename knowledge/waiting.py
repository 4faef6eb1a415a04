"""Drafts that were approved and wait for the day from which they hold. Callers own the transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import CHINA
from knowledge import drafts
from knowledge.drafts import Draft
from knowledge.models import DraftRow
from knowledge.publishing import Published
from knowledge.revisions import lock
from knowledge.schema import Status


@dataclass(frozen=True, slots=True)
class Released:
    """A draft whose day has come: `published`, or None where it went back to review, with `draft.answer` for why."""

    draft: Draft
    published: Published | None


def due(session: Session, today: date) -> tuple[int, ...]:
    """The approved drafts whose day has come."""
    query = select(DraftRow).where(DraftRow.status == Status.APPROVED.value).order_by(DraftRow.id)
    return tuple(row.id for row in session.scalars(query) if _ripe(row, today))


def hold(
    session: Session, guide_id: int, content: Mapping[str, Any], *, editor: str, by: str, why: str, at: datetime
) -> Draft:
    """Let what `editor` wrote of a guide without an open draft, and `by` approved elsewhere, wait for its day."""
    draft = drafts.begin(session, guide_id, by=editor, at=at)
    draft = drafts.save(session, draft.id, content, edition=draft.edition, by=editor, at=at)
    row = session.get_one(DraftRow, draft.id)
    row.status, row.why, row.updated_at, row.updated_by = Status.APPROVED.value, why, at, by
    session.flush()
    return Draft.of(row)


def release(session: Session, draft_id: int, *, at: datetime) -> Released | None:
    """Publish a draft that is due, in the name of who approved it; None where it no longer waits.

    Where the guide changed meanwhile so that a person has to look at it, the draft goes back to review.
    """
    lock(session)
    row = session.get(DraftRow, draft_id, with_for_update=True, populate_existing=True)
    if row is None or row.status != Status.APPROVED or not _ripe(row, at.astimezone(CHINA).date()):
        return None
    draft = drafts.read(session, draft_id)
    row.status = Status.REVIEW.value
    session.flush()
    try:
        published = drafts.publish(session, draft_id, edition=row.edition, by=draft.updated_by, at=at, own=True)
    except (drafts.Moved, drafts.KeyTaken, drafts.Incomplete) as error:
        row.answer = f"到了实施日期没有公布：{error}"
        session.flush()
        return Released(drafts.read(session, draft_id), None)
    return Released(draft, published)


def _ripe(row: DraftRow, today: date) -> bool:
    """Whether its day has come; one whose day cannot be read would otherwise wait for ever."""
    try:
        return date.fromisoformat(str(row.document.get("effective_from"))) <= today
    except ValueError:
        return True
