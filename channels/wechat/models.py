"""What is owed to citizens on WeChat: messages still worked on, and answers that could not be delivered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Moment


class OwedRow(Base):
    """One answer owed. `incoming` and `reply` are locked; without a `reply` it is still being worked on.

    `given` names the callback with whose reply it went out: a retry of that callback gets it again, nothing else does.
    """

    __tablename__ = "wechat_owed"
    __table_args__ = (Index("ix_wechat_owed_owner", "owner"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(40))
    incoming: Mapped[str | None] = mapped_column(Text)
    reply: Mapped[str | None] = mapped_column(Text)
    given: Mapped[str | None] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(Moment)
    lease_at: Mapped[datetime] = mapped_column(Moment)
    until: Mapped[datetime] = mapped_column(Moment)
