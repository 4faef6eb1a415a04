"""Everyday words for a guide: what citizens asked becomes a way to find it, at once. Callers own the transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import Conflict, Invalid
from core.privacy import sorts
from core.text import normalise
from knowledge import publishing
from knowledge.models import DraftRow
from knowledge.publishing import Published
from knowledge.revisions import lock
from knowledge.schema import Status

QUESTION = 100  # characters at most


class Withdrawn(Conflict):
    """这份办事指南已经停用，不能添加问法。"""

    code = "guide_withdrawn"


def teach(session: Session, guide_id: int, question: str, *, by: str, at: datetime, why: str = "") -> Published:
    """Add a question by which citizens find the guide and publish it at once; one that it has changes nothing.

    An open draft gets it as well. Raises GuideMissing, Withdrawn, and Invalid for a question that cannot be shown.
    """
    question = _checked(question)
    lock(session)
    standing = publishing.stands(session, guide_id)
    if standing.status is Status.WITHDRAWN:
        raise Withdrawn()
    known = standing.guide.questions
    if question in map(normalise, known):
        return standing
    guide = standing.guide.model_copy(update={"questions": [*known, question]})
    publishing.publish(session, guide, by=by, at=at, why=why or f"添加群众常用问法：{question}")
    published = publishing.stands(session, guide_id)
    _hand_on(session, standing, published, question)
    return published


def _hand_on(session: Session, before: Published, after: Published, question: str) -> None:
    """The question into the open draft: whoever saves it next would take it away again otherwise."""
    query = select(DraftRow).where(DraftRow.guide == after.id).with_for_update()
    draft = session.scalars(query.execution_options(populate_existing=True)).first()
    if draft is None:
        return
    if draft.base == before.version:
        draft.base = after.version
    asked = draft.document.get("questions") or []
    if isinstance(asked, list) and question not in asked:
        draft.document = draft.document | {"questions": [*asked, question]}
        draft.edition += 1
    session.flush()


def _checked(question: str) -> str:
    question = " ".join(normalise(question).split())
    if not question:
        raise Invalid("请填写群众的问法。")
    if len(question) > QUESTION:
        raise Invalid(f"问法太长，最多 {QUESTION} 个字。")
    if found := sorts(question):
        raise Invalid(f"问法里有{found}，请改写后再添加。")
    return question
