"""What publishing guides would do, told without doing it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, tuple_
from sqlalchemy.orm import Session

from knowledge.documents import document, parts
from knowledge.models import GuideRow, ItemRow
from knowledge.publishing import BATCH, Change
from knowledge.schema import Guide, Status


@dataclass(frozen=True, slots=True)
class Verdict:
    """What publishing `guide` would do to what stands: its version, 0 for none, and its document, None for none."""

    change: Change
    guide: Guide
    version: int
    before: dict[str, Any] | None


def compare(session: Session, guides: Sequence[Guide], *, keep: Collection[str] = ()) -> list[Verdict]:
    """What publishing these would do, in their order; writes nothing.

    The fields named by `keep` stay as they stand: a source that does not know a field does not empty it.
    """
    rows = _standing(session, guides)
    return [_verdict(guide, rows.get((guide.region, guide.local_code)), keep) for guide in guides]


def _verdict(guide: Guide, row: Row[Any] | None, keep: Collection[str]) -> Verdict:
    if row is None:
        return Verdict(Change.NEW, guide, 0, None)
    before = row.item | row.content
    if kept := {name: before[name] for name in keep if name in before}:
        guide = Guide.model_validate(document(guide) | kept)
    same = row.status == Status.PUBLISHED and row.digest == parts(guide).digest
    return Verdict(Change.SAME if same else Change.CHANGED, guide, row.version, before)


def _standing(session: Session, guides: Sequence[Guide]) -> dict[tuple[str, str], Row[Any]]:
    keys = [(guide.region, guide.local_code) for guide in guides]
    query = select(
        GuideRow.region,
        GuideRow.local_code,
        GuideRow.version,
        GuideRow.status,
        GuideRow.digest,
        GuideRow.content,
        ItemRow.content.label("item"),
    ).join(ItemRow, ItemRow.digest == GuideRow.item)
    found: dict[tuple[str, str], Row[Any]] = {}
    for start in range(0, len(keys), BATCH):
        within = tuple_(GuideRow.region, GuideRow.local_code).in_(keys[start : start + BATCH])
        found |= {(row.region, row.local_code): row for row in session.execute(query.where(within))}
    return found
