"""Writing and reading the truth. Callers own the transaction: commit at the edge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, delete, insert, select, tuple_
from sqlalchemy.orm import Session

from core.errors import NotFound
from knowledge.documents import document, parts
from knowledge.models import GuideRow, GuideVersion, HallRow, ItemRow
from knowledge.revisions import lock, next_revision
from knowledge.schema import Guide, Hall, Status

BATCH = 500  # keys a query names at once; SQLite's limit on bound values is far above twice this


class GuideMissing(NotFound):
    """没有这份办事指南，可能已被删除。"""

    code = "guide_missing"


class Change(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Published:
    """A guide with its place in the record: what an answer cites."""

    id: int
    version: int
    status: Status
    revision: int
    guide: Guide

    def visible_on(self, today: date) -> bool:
        """Whether citizens may see it: published, and within its effective dates (both included)."""
        begins, ends = self.guide.effective_from, self.guide.effective_to
        return (
            self.status is Status.PUBLISHED and (begins is None or begins <= today) and (ends is None or today <= ends)
        )


def waits_for(stands: Published | None, guide: Guide, today: date) -> date | None:
    """The day on which `guide` may take the place of what `stands`; None for at once.

    Until a later version holds, citizens are told what they see today.
    """
    begins = guide.effective_from
    return begins if begins and begins > today and stands and stands.visible_on(today) else None


@dataclass(frozen=True, slots=True)
class Version:
    """One line of a guide's history, oldest first in `history`."""

    version: int
    status: Status
    at: datetime
    by: str
    why: str
    guide: Guide


def publish(session: Session, guide: Guide, *, by: str, at: datetime, why: str = "") -> Change:
    """Publish one guide, identified by (region, local_code). SAME writes nothing and bumps nothing."""
    return publish_all(session, [guide], by=by, at=at, why=why)[0]


def publish_all(session: Session, guides: Iterable[Guide], *, by: str, at: datetime, why: str = "") -> list[Change]:
    """Publish many guides, in order; far quicker than one by one. Of two with one key the later stands."""
    mark = {"updated_at": at, "updated_by": by, "why": why}
    changes: list[Change] = []
    batch: list[Guide] = []
    keys: set[tuple[str, str]] = set()
    for guide in guides:
        key = (guide.region, guide.local_code)
        if key in keys or len(batch) == BATCH:
            changes += _publish_batch(session, batch, mark)
            batch, keys = [], set()
        batch.append(guide)
        keys.add(key)
    return changes + (_publish_batch(session, batch, mark) if batch else [])


def _publish_batch(session: Session, guides: Sequence[Guide], mark: dict[str, Any]) -> list[Change]:
    lock(session)
    rows = _existing(session, guides)
    changes: list[Change] = []
    items: dict[str, dict[str, Any]] = {}
    fresh: list[dict[str, Any]] = []
    edited: list[tuple[GuideRow, dict[str, Any]]] = []
    for guide in guides:
        stored = parts(guide)
        row = rows.get((guide.region, guide.local_code))
        if row is not None and _unchanged(row, stored.digest):
            changes.append(Change.SAME)
            continue
        items[stored.item_digest] = stored.item
        values: dict[str, Any] = {
            "item": stored.item_digest,
            "name": guide.name,
            "department_name": guide.department.name,
            "status": Status.PUBLISHED.value,
            "revision": next_revision(session),
            "content": stored.own,
            "digest": stored.digest,
            "effective_from": guide.effective_from,
            "effective_to": guide.effective_to,
            "verified_at": guide.verified_at,
        } | mark
        if row is None:
            key = {"region": guide.region, "local_code": guide.local_code}
            fresh.append(values | key | {"version": 1, "created_at": mark["updated_at"]})
            changes.append(Change.NEW)
        else:
            edited.append((row, values))
            changes.append(Change.CHANGED)
    _store_items(session, items)
    if fresh:
        session.execute(insert(GuideRow), fresh)
    _supersede(session, edited)
    return changes


def _supersede(session: Session, edited: Sequence[tuple[GuideRow, dict[str, Any]]]) -> None:
    if not edited:
        return
    contents = _items(session, [row.item for row, _ in edited])
    left = {row.item for row, _ in edited}
    for row, values in edited:
        session.add(_archived(row, contents[row.item]))
        for name, value in values.items():
            setattr(row, name, value)
        row.version += 1
    session.flush()
    used = select(GuideRow.item).where(GuideRow.item == ItemRow.digest)
    session.execute(
        delete(ItemRow).where(ItemRow.digest.in_(left), ~used.exists()).execution_options(synchronize_session=False)
    )


def _archived(row: GuideRow, item: dict[str, Any]) -> GuideVersion:
    return GuideVersion(
        guide_id=row.id,
        version=row.version,
        document=item | row.content,
        at=row.updated_at,
        by=row.updated_by,
        status=row.status,
        why=row.why,
    )


def withdraw(session: Session, guide_id: int, *, by: str, at: datetime, why: str = "") -> None:
    """Take a guide out of use; it stays in the record. Raises GuideMissing."""
    lock(session)
    row = session.get(GuideRow, guide_id, populate_existing=True)
    if row is None:
        raise GuideMissing()
    if row.status == Status.WITHDRAWN:
        return
    row.revision = next_revision(session)
    session.add(_archived(row, _items(session, [row.item])[row.item]))
    row.status = Status.WITHDRAWN.value
    row.version += 1
    row.updated_at, row.updated_by, row.why = at, by, why
    session.flush()


def read(session: Session, guide_id: int) -> Published | None:
    """The guide as it stands, withdrawn ones included; None where there is none."""
    found = _current(session, guide_id)
    if found is None:
        return None
    row, item = found
    return Published(row.id, row.version, Status(row.status), row.revision, _assemble(row, item))


def stands(session: Session, guide_id: int | None) -> Published:
    """The same. Raises GuideMissing where there is none."""
    published = read(session, guide_id) if guide_id is not None else None
    if published is None:
        raise GuideMissing()
    return published


def read_many(session: Session, ids: Iterable[int]) -> dict[int, Published]:
    """Guides by id, one query for all. Unknown ids are left out."""
    wanted = list(dict.fromkeys(ids))
    found: dict[int, Published] = {}
    for start in range(0, len(wanted), BATCH):
        query = (
            select(
                GuideRow.id,
                GuideRow.version,
                GuideRow.status,
                GuideRow.revision,
                GuideRow.content,
                ItemRow.content.label("item"),
            )
            .join(ItemRow, ItemRow.digest == GuideRow.item)
            .where(GuideRow.id.in_(wanted[start : start + BATCH]))
        )
        for row in session.execute(query):
            guide = _assemble(row, row.item)
            found[row.id] = Published(row.id, row.version, Status(row.status), row.revision, guide)
    return found


def find(session: Session, region: str, local_code: str) -> int | None:
    """The id of the guide with this code in this region."""
    query = select(GuideRow.id).where(GuideRow.region == region, GuideRow.local_code == local_code)
    return session.execute(query).scalar()


def history(session: Session, guide_id: int) -> tuple[Version, ...]:
    """Every version, oldest first, the current one last. Empty where there is no such guide."""
    found = _current(session, guide_id)
    if found is None:
        return ()
    query = select(GuideVersion).where(GuideVersion.guide_id == guide_id, GuideVersion.version < found[0].version)
    return (*(_past(old) for old in session.scalars(query.order_by(GuideVersion.version))), _now(*found))


def read_version(session: Session, guide_id: int, version: int) -> Version | None:
    """One line of the history; None where there is no such version."""
    found = _current(session, guide_id)
    if found and found[0].version == version:
        return _now(*found)
    old = session.get(GuideVersion, (guide_id, version))
    return _past(old) if old else None


def _current(session: Session, guide_id: int) -> tuple[GuideRow, dict[str, Any]] | None:
    """The row with its item, in one statement: between two, somebody may publish and the old item be gone."""
    query = (
        select(GuideRow, ItemRow.content).join(ItemRow, ItemRow.digest == GuideRow.item).where(GuideRow.id == guide_id)
    )
    found = session.execute(query.execution_options(populate_existing=True)).first()
    return (found[0], found[1]) if found else None


def _past(old: GuideVersion) -> Version:
    return Version(old.version, Status(old.status), old.at, old.by, old.why, Guide.model_validate(old.document))


def _now(row: GuideRow, item: dict[str, Any]) -> Version:
    return Version(row.version, Status(row.status), row.updated_at, row.updated_by, row.why, _assemble(row, item))


def save_hall(session: Session, hall: Hall) -> Change:
    """Store a service hall by region and name."""
    content = document(hall)
    row = session.get(HallRow, (hall.region, hall.name))
    if row is None:
        session.add(HallRow(region=hall.region, name=hall.name, content=content))
        session.flush()
        return Change.NEW
    if row.content == content:
        return Change.SAME
    row.content = content
    session.flush()
    return Change.CHANGED


def read_halls(session: Session, regions: Iterable[str]) -> tuple[Hall, ...]:
    """The halls of these regions, in the order of the regions given."""
    order = {code: place for place, code in enumerate(regions)}
    rows = session.scalars(select(HallRow).where(HallRow.region.in_(order)).order_by(HallRow.name)).all()
    return tuple(Hall.model_validate(row.content) for row in sorted(rows, key=lambda row: order[row.region]))


def _unchanged(row: GuideRow, whole: str) -> bool:
    return row.digest == whole and row.status == Status.PUBLISHED


def _existing(session: Session, guides: Sequence[Guide]) -> dict[tuple[str, str], GuideRow]:
    keys = [(guide.region, guide.local_code) for guide in guides]
    found: dict[tuple[str, str], GuideRow] = {}
    for start in range(0, len(keys), BATCH):
        query = select(GuideRow).where(tuple_(GuideRow.region, GuideRow.local_code).in_(keys[start : start + BATCH]))
        for row in session.scalars(query.execution_options(populate_existing=True)):
            found[row.region, row.local_code] = row
    return found


def _items(session: Session, digests: Iterable[str]) -> dict[str, dict[str, Any]]:
    wanted = list(dict.fromkeys(digests))
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(wanted), BATCH):
        query = select(ItemRow.digest, ItemRow.content).where(ItemRow.digest.in_(wanted[start : start + BATCH]))
        found |= {row.digest: row.content for row in session.execute(query)}
    return found


def _store_items(session: Session, items: dict[str, dict[str, Any]]) -> None:
    known: set[str] = set()
    digests = list(items)
    for start in range(0, len(digests), BATCH):
        known |= set(session.scalars(select(ItemRow.digest).where(ItemRow.digest.in_(digests[start : start + BATCH]))))
    fresh = [{"digest": key, "name": item["name"], "content": item} for key, item in items.items() if key not in known]
    if fresh:
        session.execute(insert(ItemRow), fresh)


def _assemble(row: GuideRow | Row[Any], item: dict[str, Any]) -> Guide:
    return Guide.model_validate(item | row.content)
