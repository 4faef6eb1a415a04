"""A draft on a guide that changed since it was begun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from knowledge import publishing
from knowledge.differences import merge
from knowledge.documents import document
from knowledge.models import DraftRow


@dataclass(frozen=True, slots=True)
class Merged:
    """`content` stands on `version` of the guide; `headings` name what both changed, where the draft's words stand.

    `stopped` where a person has to look at it first.
    """

    guide: int | None
    version: int
    content: dict[str, Any]
    headings: tuple[str, ...] = ()
    stopped: bool = False


def merged_with_what_stands(session: Session, row: DraftRow) -> Merged:
    """The draft's changes and those made to the guide since, field by field. Raises GuideMissing."""
    if row.guide is None:
        return Merged(None, 0, row.document)
    current = publishing.stands(session, row.guide)
    if current.version == row.base:
        return Merged(row.guide, row.base, row.document)
    base = publishing.read_version(session, row.guide, row.base)
    before = document(base.guide) if base else {}
    content, headings = merge(before, row.document, document(current.guide))
    # What was withdrawn for an error must not come back with a draft from before.
    turned = base is None or base.status != current.status
    return Merged(row.guide, current.version, content, headings, stopped=turned or bool(headings))
