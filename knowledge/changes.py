"""What changed since a revision: how search follows the truth without asking for all of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from core.types import GuideRef
from knowledge.documents import parts
from knowledge.models import FaqRow, GuideRow, ItemRow, Revision
from knowledge.publishing import Published
from knowledge.schema import Faq, Status

BATCH = 500
CONDITIONS = 200  # characters of the conditions that search looks at


@dataclass(frozen=True, slots=True)
class IndexedGuide:
    """What search needs of a guide. Guides with one `item` digest share their texts, so each is embedded once."""

    id: int
    region: str
    local_code: str
    name: str
    department: str
    version: int
    verified_at: date | None
    item: str
    parent_name: str | None
    bundle: str | None
    audience: tuple[str, ...]
    aliases: tuple[str, ...]
    questions: tuple[str, ...]
    conditions_text: str
    faq: tuple[str, ...]

    @property
    def ref(self) -> GuideRef:
        """Its citation."""
        return GuideRef(
            self.id, self.local_code, self.name, self.department, self.region, self.version, self.verified_at
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """What became visible or changed, and what is gone, up to and including `revision`.

    Ask again from `revision` until it no longer moves. `gone` may name guides never seen.
    """

    revision: int
    guides: tuple[IndexedGuide, ...]
    gone: tuple[int, ...]
    faqs: tuple[Faq, ...]
    faqs_gone: tuple[str, ...]


def revision(session: Session) -> int:
    """The newest revision: one row by its key. 0 where nothing was ever published."""
    return session.execute(select(Revision.value).where(Revision.id == 1)).scalar() or 0


def changed_since(session: Session, since: int, *, today: date, limit: int | None = None) -> Changes:
    """Everything written after revision `since`, as citizens may see it on `today`.

    `limit` bounds the guides of one call softly: a revision is never split, so a large transaction comes whole.
    Raises nothing for a `since` from another database: it then simply finds nothing newer.
    """
    until = _until(session, since, limit)
    rows = session.execute(_guides(since, until)).all()
    shown = [row for row in rows if _visible(row, today)]
    texts = _texts(session, (row.item for row in shown))
    faqs = session.execute(
        select(FaqRow.code, FaqRow.enabled, FaqRow.content)
        .where(FaqRow.revision > since, FaqRow.revision <= until)
        .order_by(FaqRow.revision, FaqRow.code)
    ).all()
    return Changes(
        revision=until,
        # An item that is gone already means that the guide was published anew: it comes with the next call.
        guides=tuple(_indexed(row, texts[row.item]) for row in shown if row.item in texts),
        gone=tuple(row.id for row in rows if not _visible(row, today)),
        faqs=tuple(Faq.model_validate(row.content) for row in faqs if row.enabled),
        faqs_gone=tuple(row.code for row in faqs if not row.enabled),
    )


def _until(session: Session, since: int, limit: int | None) -> int:
    if limit is not None:
        query = (
            select(GuideRow.revision)
            .where(GuideRow.revision > since)
            .order_by(GuideRow.revision)
            .offset(limit - 1)
            .limit(1)
        )
        cut = session.execute(query).scalar()
        if cut is not None:
            return cut
    # Read before the rows: what commits in between has a higher revision and comes with the next call.
    return revision(session)


def _guides(since: int, until: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            GuideRow.id,
            GuideRow.region,
            GuideRow.local_code,
            GuideRow.name,
            GuideRow.department_name,
            GuideRow.version,
            GuideRow.verified_at,
            GuideRow.item,
            GuideRow.status,
            GuideRow.effective_from,
            GuideRow.effective_to,
        )
        .where(GuideRow.revision > since, GuideRow.revision <= until)
        .order_by(GuideRow.revision, GuideRow.id)
    )


def _visible(row: Row[Any], today: date) -> bool:
    return (
        row.status == Status.PUBLISHED
        and (row.effective_from is None or row.effective_from <= today)
        and (row.effective_to is None or today <= row.effective_to)
    )


@dataclass(frozen=True, slots=True)
class _Texts:
    parent_name: str | None
    bundle: str | None
    audience: tuple[str, ...]
    aliases: tuple[str, ...]
    questions: tuple[str, ...]
    conditions_text: str
    faq: tuple[str, ...]


def _texts(session: Session, digests: Iterable[str]) -> dict[str, _Texts]:
    # An item's content is read once, however many regions carry it out.
    wanted = list(dict.fromkeys(digests))
    found: dict[str, _Texts] = {}
    for start in range(0, len(wanted), BATCH):
        query = select(ItemRow.digest, ItemRow.content).where(ItemRow.digest.in_(wanted[start : start + BATCH]))
        for row in session.execute(query):
            found[row.digest] = _read(row.content)
    return found


def _read(content: dict[str, Any]) -> _Texts:
    return _Texts(
        parent_name=content.get("parent_name"),
        bundle=content.get("bundle"),
        audience=tuple(content.get("audience", ())),
        aliases=tuple(content.get("aliases", ())),
        questions=tuple(content.get("questions", ())),
        conditions_text=" ".join(content.get("conditions", ()))[:CONDITIONS],
        faq=tuple(pair["question"] for pair in content.get("faq", ())),
    )


def _indexed(row: Row[Any], texts: _Texts) -> IndexedGuide:
    return IndexedGuide(
        id=row.id,
        region=row.region,
        local_code=row.local_code,
        name=row.name,
        department=row.department_name,
        version=row.version,
        verified_at=row.verified_at,
        item=row.item,
        parent_name=texts.parent_name,
        bundle=texts.bundle,
        audience=texts.audience,
        aliases=texts.aliases,
        questions=texts.questions,
        conditions_text=texts.conditions_text,
        faq=texts.faq,
    )


def indexed(published: Published) -> IndexedGuide:
    """A guide as search would know it, whether or not it is published."""
    guide, stored = published.guide, parts(published.guide)
    texts = _read(stored.item)
    return IndexedGuide(
        id=published.id,
        region=guide.region,
        local_code=guide.local_code,
        name=guide.name,
        department=guide.department.name,
        version=published.version,
        verified_at=guide.verified_at,
        item=stored.item_digest,
        parent_name=texts.parent_name,
        bundle=texts.bundle,
        audience=texts.audience,
        aliases=texts.aliases,
        questions=texts.questions,
        conditions_text=texts.conditions_text,
        faq=texts.faq,
    )


def count(session: Session) -> int:
    """How many guides are published."""
    return session.execute(select(func.count()).where(GuideRow.status == Status.PUBLISHED.value)).scalar_one()
