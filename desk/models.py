"""The tables behind the desk. Rows never leave this floor: others get values."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Document, Moment


class DeskHallRow(Base):
    """A hall that takes appointments, with its rules (`desk.rules.Rules`)."""

    __tablename__ = "desk_halls"

    region: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    rules: Mapped[dict[str, Any]] = mapped_column(Document)


class ExceptionRow(Base):
    """One stretch of time on a day whose hours differ from the weekly ones; without times the hall is closed."""

    __tablename__ = "desk_exceptions"
    __table_args__ = (Index("ix_desk_exceptions_hall_day", "hall", "day"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    region: Mapped[str] = mapped_column(String(12))
    hall: Mapped[str] = mapped_column(String(200))
    day: Mapped[date] = mapped_column(Date)
    opens: Mapped[str | None] = mapped_column(String(5))
    closes: Mapped[str | None] = mapped_column(String(5))
    note: Mapped[str] = mapped_column(String(200))


class SpecialDayRow(Base):
    """A holiday, or a weekend day that is worked, as staff entered it; it stands over the built-in calendar."""

    __tablename__ = "desk_special_days"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    working: Mapped[bool] = mapped_column(Boolean)
    name: Mapped[str] = mapped_column(String(60))


class AnnouncedYear(Base):
    """A year whose holidays staff have entered whole."""

    __tablename__ = "desk_announced_years"

    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)


class SlotRow(Base):
    """How many places of a slot are taken. A slot nobody ever booked has no row.

    `begins` is in minutes from midnight in China: a month of many halls is thousands of rows, and turning as many
    moments into another time zone takes longer than the query. `minutes` is how long the longest lasts of those that
    took a place since it was empty: rules may make slots shorter meanwhile.
    """

    __tablename__ = "desk_slots"
    __table_args__ = (CheckConstraint("taken >= 0", name="ck_desk_slots_taken"),)

    window: Mapped[str] = mapped_column(String(24), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    begins: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    minutes: Mapped[int] = mapped_column(Integer)
    taken: Mapped[int] = mapped_column(Integer)


class AppointmentRow(Base):
    """`details` holds what is personal, locked; it is emptied, with the marks, when its time is over."""

    __tablename__ = "appointments"
    __table_args__ = (
        Index("ix_appointments_hall_day", "hall", "day"),
        Index("ix_appointments_owner", "owner", "starts_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    number: Mapped[str] = mapped_column(String(10), unique=True)
    request: Mapped[str] = mapped_column(String(64), unique=True)
    status: Mapped[str] = mapped_column(String(12))
    region: Mapped[str] = mapped_column(String(12))
    hall: Mapped[str] = mapped_column(String(200))
    window: Mapped[str] = mapped_column(String(24))
    window_name: Mapped[str] = mapped_column(Text)
    guide: Mapped[int] = mapped_column(Integer)
    guide_name: Mapped[str] = mapped_column(String(300))
    day: Mapped[date] = mapped_column(Date, index=True)
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    owner: Mapped[str] = mapped_column(String(80))
    phone_mark: Mapped[str | None] = mapped_column(String(64), index=True)
    identity_mark: Mapped[str | None] = mapped_column(String(64), index=True)
    details: Mapped[str | None] = mapped_column(Text)
    remind: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class AppointmentEvent(Base):
    """What happened to an appointment, by whom. When the appointment's person is erased, so is what would name them:
    the citizen who did it, and the reason why somebody was revealed. Nothing else about it ever changes.
    """

    __tablename__ = "appointment_events"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    appointment: Mapped[int] = mapped_column(Integer, ForeignKey("appointments.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))
    act: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(String(200))


class OutboxRow(Base):
    """A notice to a citizen, written in the transaction that causes it and delivered afterwards."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_state_due", "state", "due_at"),)

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    appointment: Mapped[int] = mapped_column(Integer, ForeignKey("appointments.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    owner: Mapped[str] = mapped_column(String(80), index=True)
    state: Mapped[str] = mapped_column(String(12))
    due_at: Mapped[datetime] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(Integer)
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
