"""The tables of the staff. Rows never leave this package."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Document, Moment


class AccountRow(Base):
    """Somebody who signs in. Without a password only single sign-on opens the account; `subject` is who it is there.

    `password_until`: when a one-time password that was not used opens nothing any more.
    """

    __tablename__ = "staff_accounts"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    called: Mapped[str] = mapped_column(String(60))
    password: Mapped[str | None] = mapped_column(Text)
    must_change: Mapped[bool] = mapped_column(Boolean)
    password_until: Mapped[datetime | None] = mapped_column(Moment)
    subject: Mapped[str | None] = mapped_column(String(400), unique=True)
    enabled: Mapped[bool] = mapped_column(Boolean)
    failed: Mapped[int] = mapped_column(Integer)
    locked_until: Mapped[datetime | None] = mapped_column(Moment)
    made_at: Mapped[datetime] = mapped_column(Moment)
    made_by: Mapped[str] = mapped_column(String(100))
    signed_at: Mapped[datetime | None] = mapped_column(Moment)


class GrantRow(Base):
    """A role within a region and what lies inside it; an empty department means all of them."""

    __tablename__ = "staff_grants"
    __table_args__ = (UniqueConstraint("account", "role", "region", "department", name="uq_staff_grants"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    account: Mapped[int] = mapped_column(Integer, ForeignKey("staff_accounts.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    region: Mapped[str] = mapped_column(String(12))
    department: Mapped[str] = mapped_column(String(200))


class SessionRow(Base):
    """A browser that is signed in, known by the digest of what its cookie holds."""

    __tablename__ = "staff_sessions"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account: Mapped[int] = mapped_column(Integer, ForeignKey("staff_accounts.id", ondelete="CASCADE"), index=True)
    made_at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    until: Mapped[datetime] = mapped_column(Moment)
    address: Mapped[str] = mapped_column(String(45))
    agent: Mapped[str] = mapped_column(String(200))


class AuditRow(Base):
    """One act. Each is sealed with the digest of the one before, and the database refuses to change or delete it."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    who: Mapped[str] = mapped_column(String(100), index=True)
    act: Mapped[str] = mapped_column(String(40), index=True)
    subject: Mapped[str] = mapped_column(String(300), index=True)
    region: Mapped[str] = mapped_column(String(12))
    why: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(Document)
    previous: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """One row: the last entry. Its lock makes the chain a line."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(64))
