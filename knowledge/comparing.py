"""What publishing guides would do, told without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, tuple_
from sqlalchemy.orm import Session

from knowledge.documents import parts
from knowledge.keeping import kept
from knowledge.mapping import Rules
from knowledge.models import GuideRow, ItemRow
from knowledge.publishing import BATCH, Change
from knowledge.schema import Guide, Status


@dataclass(frozen=True, slots=True)
class Verdict:
    """What publishing `guide` would do to what stands: its version, 0 for none, and its document, None for none.

    `revived` where it was withdrawn and would come back.
    """

    change: Change
    guide: Guide
    version: int
    before: dict[str, Any] | None
    revived: bool = False


def compare(session: Session, guides: Sequence[Guide], rules: Rules | None = None) -> list[Verdict]:
    """What publishing these would do, in their order; writes nothing.

    Where `rules` are given, by which the guides were read, what those do not speak of stays as it stands.
    """
    rows = _standing(session, guides)
    return [_verdict(guide, rows.get((guide.region, guide.local_code)), rules) for guide in guides]


def _verdict(guide: Guide, row: Row[Any] | None, rules: Rules | None) -> Verdict:
    if row is None:
        return Verdict(Change.NEW, guide, 0, None)
    before = row.item | row.content
    if rules:
        guide = kept(guide, before, rules)
    revived = row.status == Status.WITHDRAWN
    same = not revived and row.digest == parts(guide).digest
    return Verdict(Change.SAME if same else Change.CHANGED, guide, row.version, before, revived)


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
