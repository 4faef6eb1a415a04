"""The tables behind the truth. Rows never leave this floor: others get values from `publishing` and `changes`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Document, Moment


class RegionRow(Base):
    __tablename__ = "regions"

    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    short_name: Mapped[str] = mapped_column(String(60))
    level: Mapped[str] = mapped_column(String(12))
    parent: Mapped[str | None] = mapped_column(String(12), index=True)


class ItemRow(Base):
    """What is the same everywhere, found by its content: guides with equal items share one row."""

    __tablename__ = "items"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    content: Mapped[dict[str, Any]] = mapped_column(Document)


class GuideRow(Base):
    """The current version of a guide. `content` holds the fields that are not the item's."""

    __tablename__ = "guides"
    __table_args__ = (
        UniqueConstraint("region", "local_code", name="uq_guides_region_local_code"),
        Index("ix_guides_revision_id", "revision", "id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    item: Mapped[str] = mapped_column(String(64), ForeignKey("items.digest"), index=True)
    region: Mapped[str] = mapped_column(String(12), index=True)
    local_code: Mapped[str] = mapped_column(String(200), index=True)
    name: Mapped[str] = mapped_column(String(300))
    department_name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[dict[str, Any]] = mapped_column(Document)
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)
    updated_by: Mapped[str] = mapped_column(String(100))
    effective_from: Mapped[date | None] = mapped_column(Date, index=True)
    effective_to: Mapped[date | None] = mapped_column(Date, index=True)
    verified_at: Mapped[date | None] = mapped_column(Date)
    why: Mapped[str] = mapped_column(Text, default="")


class GuideVersion(Base):
    """What a guide said before: written when a version is superseded, never changed afterwards."""

    __tablename__ = "guide_versions"

    guide_id: Mapped[int] = mapped_column(Integer, ForeignKey("guides.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(Document)
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(12))
    why: Mapped[str] = mapped_column(Text, default="")


class DraftRow(Base):
    """A guide being changed, or made: one at a time for each guide. `base` is the version it was begun from, 0 for none.

    `document` may be unfinished. `edition` counts what was saved, so that nobody overwrites what they have not seen;
    `editors` are all who wrote in it.
    """

    __tablename__ = "drafts"
    # A number that was somebody's page is never another draft's.
    __table_args__ = (Index("ix_drafts_region_status", "region", "status"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    guide: Mapped[int | None] = mapped_column(Integer, ForeignKey("guides.id"), unique=True)
    base: Mapped[int] = mapped_column(Integer)
    region: Mapped[str] = mapped_column(String(12))
    department_name: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(String(300))
    status: Mapped[str] = mapped_column(String(12))
    edition: Mapped[int] = mapped_column(Integer)
    document: Mapped[dict[str, Any]] = mapped_column(Document)
    editors: Mapped[list[str]] = mapped_column(Document)
    why: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(Moment)
    made_by: Mapped[str] = mapped_column(String(100))
    updated_at: Mapped[datetime] = mapped_column(Moment)
    updated_by: Mapped[str] = mapped_column(String(100))


class FaqRow(Base):
    __tablename__ = "faqs"

    code: Mapped[str] = mapped_column(String(200), primary_key=True)
    region: Mapped[str] = mapped_column(String(12), index=True)
    content: Mapped[dict[str, Any]] = mapped_column(Document)
    enabled: Mapped[bool] = mapped_column(Boolean)
    revision: Mapped[int] = mapped_column(BigInteger, index=True)
    updated_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_by: Mapped[str] = mapped_column(String(100), default="")
    why: Mapped[str] = mapped_column(Text, default="")


class FaqVersion(Base):
    """What a curated question said before: written when it is superseded, never changed afterwards."""

    __tablename__ = "faq_versions"

    code: Mapped[str] = mapped_column(String(200), ForeignKey("faqs.code"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(Document)
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))
    why: Mapped[str] = mapped_column(Text)


class BatchRow(Base):
    """A file that somebody wants to import, compared with what stands, and what became of it."""

    __tablename__ = "import_batches"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    file: Mapped[str] = mapped_column(String(200))
    region: Mapped[str] = mapped_column(String(12), index=True)
    status: Mapped[str] = mapped_column(String(12))
    made_at: Mapped[datetime] = mapped_column(Moment)
    made_by: Mapped[str] = mapped_column(String(100))
    why: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_by: Mapped[str] = mapped_column(String(100))
    refused: Mapped[list[Any]] = mapped_column(Document)
    same: Mapped[int] = mapped_column(Integer)


class BatchGuide(Base):
    """A guide of a batch that is new, changed, or missing from the file; `base` is the version it was compared with.

    `outcome` is what became of it when the batch was applied.
    """

    __tablename__ = "import_guides"

    batch: Mapped[int] = mapped_column(Integer, ForeignKey("import_batches.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    change: Mapped[str] = mapped_column(String(8))
    region: Mapped[str] = mapped_column(String(12))
    local_code: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(300))
    department_name: Mapped[str] = mapped_column(Text)
    base: Mapped[int] = mapped_column(Integer)
    document: Mapped[dict[str, Any]] = mapped_column(Document)
    chosen: Mapped[bool] = mapped_column(Boolean)
    outcome: Mapped[str] = mapped_column(String(12), default="")


class HallRow(Base):
    __tablename__ = "halls"

    region: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(Document)


class Revision(Base):
    """One row. Its lock makes the order of commits the order of revisions.

    `rolled_on` is the last day on which effective windows were looked at.
    """

    __tablename__ = "revision"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(BigInteger)
    rolled_on: Mapped[date | None] = mapped_column(Date)


class SeedDigest(Base):
    """Which seed files were loaded last, so that a start does not parse them again."""

    __tablename__ = "seed_digests"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    loaded_at: Mapped[datetime] = mapped_column(Moment)
