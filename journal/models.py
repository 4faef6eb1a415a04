"""The table of the journal. Rows never leave this package."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, Integer, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Document, Moment


class TurnRow(Base):
    """One turn of a conversation. `asked` is sealed and `reply` masked; `sender` tells conversations apart, not people."""

    __tablename__ = "journal"
    __table_args__ = (
        Index("ix_journal_sender_at", "sender", "at"),
        Index("ix_journal_outcome_at", "outcome", "at"),
        # All that the overview counts, so that it reads none of what was said.
        Index("ix_journal_counted", "at", "region", "channel", "outcome", "guide", "faq", "useful", "sender"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    at: Mapped[datetime] = mapped_column(Moment)
    sender: Mapped[str] = mapped_column(String(24))
    channel: Mapped[str] = mapped_column(String(12))
    region: Mapped[str] = mapped_column(String(12))
    asked: Mapped[str] = mapped_column(Text)
    chosen: Mapped[bool] = mapped_column(Boolean)
    path: Mapped[str] = mapped_column(String(12))
    outcome: Mapped[str] = mapped_column(String(12))
    guide: Mapped[int | None] = mapped_column(Integer, index=True)
    faq: Mapped[str | None] = mapped_column(String(200))
    reply: Mapped[str] = mapped_column(Text)
    looks: Mapped[list[Any]] = mapped_column(Document)
    ms: Mapped[int] = mapped_column(Integer)
    rephrased: Mapped[bool] = mapped_column(Boolean)
    useful: Mapped[int | None] = mapped_column(SmallInteger)
    comment: Mapped[str] = mapped_column(Text)
    settled: Mapped[str] = mapped_column(String(220))
