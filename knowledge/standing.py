"""How the guides of somebody's scopes stand: what staff see listed, filtered and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Row, String, and_, cast, false, func, literal, null, or_, select
from sqlalchemy.orm import Session

from core.paging import Page
from knowledge.lint import completeness, lint
from knowledge.models import DraftRow, GuideRow
from knowledge.publishing import Published, read_many
from knowledge.regions import inside
from knowledge.schema import Status

SIZE = 50
EXPIRING = timedelta(days=60)  # before a guide ends, that somebody should know
VERIFIED = timedelta(days=183)  # that a guide counts as verified: half a year
DUES = ("expiring", "unverified", "draft", "review", "approved")
ORDERS = ("updated", "name", "ends", "verified")

Scopes = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Standing:
    """A guide as it stands, or one that is being made: then `id` is None and `status` that of its draft.

    `completeness` (0 to 1) and `findings` are of what is published; 0 where nothing ever was.
    `draft` is the number and status of the draft that is open.
    """

    id: int | None
    name: str
    local_code: str
    region: str
    department: str
    status: Status
    version: int
    updated_at: datetime
    updated_by: str
    effective_to: date | None
    verified_at: date | None
    completeness: float
    findings: int
    draft: tuple[int, Status] | None


def guides(
    session: Session,
    *,
    scopes: Scopes,
    today: date,
    text: str = "",
    region: str = "",
    department: str = "",
    status: str = "",
    due: str = "",
    order: str = "",
    page: int = 1,
    size: int = SIZE,
) -> Page[Standing]:
    """One page of the guides within `scopes`: pairs of a region, with all inside it, and a department or "" for all.

    `text` is looked for in names and codes, word by word; `region` takes those inside it too; `due` is one of DUES;
    `order` one of ORDERS, else what was touched last comes first.
    """
    every = _every().subquery()
    tests = [_within(every.c, scopes), *_filters(every.c, text, region, department, status)]
    if due:
        tests.append(_due(every.c, due, today))
    total = session.execute(select(func.count()).select_from(every).where(*tests)).scalar_one()
    query = select(every).where(*tests).order_by(*_order(every.c, order))
    rows = session.execute(query.limit(size).offset((max(page, 1) - 1) * size)).all()
    return Page(_standings(session, rows, today), max(page, 1), size, total)


def departments(session: Session, scopes: Scopes) -> tuple[str, ...]:
    """The names of the departments that have guides within `scopes`, sorted."""
    return _different(session, scopes, "department")


def regions(session: Session, scopes: Scopes) -> tuple[str, ...]:
    """The codes of the regions that have guides within `scopes`, sorted."""
    return _different(session, scopes, "region")


def due_counts(session: Session, scopes: Scopes, today: date) -> dict[str, int]:
    """How many guides within `scopes` each of DUES names."""
    every = _every().subquery()
    within = _within(every.c, scopes)
    counts = [func.count().filter(_due(every.c, due, today)) for due in DUES]
    row = session.execute(select(*counts).select_from(every).where(within)).one()
    return dict(zip(DUES, row, strict=True))


def within(region: Any, department: Any, scopes: Scopes) -> ColumnElement[bool]:
    """The condition that a row with these two columns lies within `scopes`."""
    fits = [and_(inside(region, [code]), *([department == name] if name else [])) for code, name in scopes]
    return or_(false(), *fits)


def _every() -> Any:
    """All guides with their open drafts, and the drafts of guides that do not exist yet, as rows of one shape."""
    known = select(
        GuideRow.id,
        GuideRow.name,
        GuideRow.local_code,
        GuideRow.region,
        GuideRow.department_name.label("department"),
        GuideRow.status,
        GuideRow.version,
        func.coalesce(DraftRow.updated_at, GuideRow.updated_at).label("touched"),
        GuideRow.updated_at,
        GuideRow.updated_by,
        GuideRow.effective_to,
        GuideRow.verified_at,
        DraftRow.id.label("draft"),
        DraftRow.status.label("drafted"),
    ).outerjoin(DraftRow, DraftRow.guide == GuideRow.id)
    made = select(
        null(),
        DraftRow.name,
        cast(literal(""), String),
        DraftRow.region,
        DraftRow.department_name,
        DraftRow.status,
        literal(0),
        DraftRow.updated_at,
        DraftRow.updated_at,
        DraftRow.updated_by,
        cast(null(), Date),
        cast(null(), Date),
        DraftRow.id,
        DraftRow.status,
    ).where(DraftRow.guide.is_(None))
    return known.union_all(made)


def _within(columns: Any, scopes: Scopes) -> ColumnElement[bool]:
    return within(columns.region, columns.department, scopes)


def _filters(columns: Any, text: str, region: str, department: str, status: str) -> list[ColumnElement[bool]]:
    tests: list[ColumnElement[bool]] = [
        or_(columns.name.icontains(word, autoescape=True), columns.local_code.icontains(word, autoescape=True))
        for word in text.split()
    ]
    if region:
        tests.append(inside(columns.region, [region]))
    if department:
        tests.append(columns.department == department)
    if status:
        tests.append(columns.status == status)
    return tests


def _due(columns: Any, due: str, today: date) -> ColumnElement[bool]:
    published = columns.status == Status.PUBLISHED.value
    if due == "expiring":
        return and_(published, columns.effective_to <= today + EXPIRING)
    if due == "unverified":
        long_ago = columns.verified_at < today - VERIFIED
        return and_(published, or_(columns.verified_at.is_(None), long_ago))
    return columns.drafted == due if due in DUES else false()


def _order(columns: Any, order: str) -> tuple[Any, ...]:
    last = (columns.id, columns.draft)
    if order == "name":
        return (columns.name, columns.region, *last)
    if order == "ends":
        return (columns.effective_to.is_(None), columns.effective_to, *last)
    if order == "verified":
        return (columns.verified_at.is_not(None), columns.verified_at, *last)
    return (columns.touched.desc(), *last)


def _standings(session: Session, rows: Sequence[Row[Any]], today: date) -> tuple[Standing, ...]:
    known = read_many(session, (row.id for row in rows if row.id is not None))
    codes = _codes(session, [row.draft for row in rows if row.id is None])
    return tuple(_standing(row, known.get(row.id), codes.get(row.draft, ""), today) for row in rows)


def _standing(row: Row[Any], published: Published | None, code: str, today: date) -> Standing:
    return Standing(
        id=row.id,
        name=row.name,
        local_code=row.local_code or code,
        region=row.region,
        department=row.department,
        status=Status(row.status),
        version=row.version,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
        effective_to=row.effective_to,
        verified_at=row.verified_at,
        completeness=completeness(published.guide) if published else 0.0,
        findings=len(lint(published.guide, today=today)) if published else 0,
        draft=(row.draft, Status(row.drafted)) if row.draft else None,
    )


def _codes(session: Session, drafts: Sequence[int]) -> dict[int, str]:
    """The codes written in drafts of guides that do not exist yet."""
    query = select(DraftRow.id, DraftRow.document).where(DraftRow.id.in_(drafts))
    return {row.id: str(row.document.get("local_code") or "") for row in session.execute(query)} if drafts else {}


def _different(session: Session, scopes: Scopes, column: str) -> tuple[str, ...]:
    every = _every().subquery()
    query = select(every.c[column]).where(_within(every.c, scopes)).distinct().order_by(every.c[column])
    return tuple(name for name in session.scalars(query) if name)
