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


class GuideVersion(Base):
    """What a guide said before: written when a version is superseded, never changed afterwards."""

    __tablename__ = "guide_versions"

    guide_id: Mapped[int] = mapped_column(Integer, ForeignKey("guides.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(Document)
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(12))


class FaqRow(Base):
    __tablename__ = "faqs"

    code: Mapped[str] = mapped_column(String(200), primary_key=True)
    region: Mapped[str] = mapped_column(String(12), index=True)
    content: Mapped[dict[str, Any]] = mapped_column(Document)
    enabled: Mapped[bool] = mapped_column(Boolean)
    revision: Mapped[int] = mapped_column(BigInteger, index=True)
    updated_at: Mapped[datetime] = mapped_column(Moment)


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
