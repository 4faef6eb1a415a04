"""The tables of the desk: halls that take appointments, calendar, slots, appointments, notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "desk_halls",
        sa.Column("region", sa.String(12), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("rules", DOCUMENT, nullable=False),
    )
    op.create_table(
        "desk_exceptions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("hall", sa.String(200), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("opens", sa.String(5)),
        sa.Column("closes", sa.String(5)),
        sa.Column("note", sa.String(200), nullable=False),
    )
    op.create_index("ix_desk_exceptions_hall_day", "desk_exceptions", ["hall", "day"])
    op.create_table(
        "desk_special_days",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("working", sa.Boolean, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
    )
    op.create_table(
        "desk_announced_years",
        sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    )
    op.create_table(
        "desk_slots",
        sa.Column("window", sa.String(24), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("begins", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.CheckConstraint("taken >= 0", name="ck_desk_slots_taken"),
    )
    op.create_table(
        "appointments",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("number", sa.String(10), nullable=False, unique=True),
        sa.Column("request", sa.String(64), nullable=False, unique=True),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("hall", sa.String(200), nullable=False),
        sa.Column("window", sa.String(24), nullable=False),
        sa.Column("window_name", sa.Text, nullable=False),
        sa.Column("guide", sa.Integer, nullable=False),
        sa.Column("guide_name", sa.String(300), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("owner", sa.String(80), nullable=False),
        sa.Column("phone_mark", sa.String(64)),
        sa.Column("identity_mark", sa.String(64)),
        sa.Column("details", sa.Text),
        sa.Column("remind", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
    )
    op.create_index("ix_appointments_day", "appointments", ["day"])
    op.create_index("ix_appointments_hall_day", "appointments", ["hall", "day"])
    op.create_index("ix_appointments_owner", "appointments", ["owner", "starts_at"])
    op.create_index("ix_appointments_phone_mark", "appointments", ["phone_mark"])
    op.create_index("ix_appointments_identity_mark", "appointments", ["identity_mark"])
    op.create_table(
        "appointment_events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("appointment", sa.Integer, sa.ForeignKey("appointments.id"), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("act", sa.String(20), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
    )
    op.create_index("ix_appointment_events_appointment", "appointment_events", ["appointment"])
    op.create_table(
        "outbox",
        sa.Column("key", sa.String(120), primary_key=True),
        sa.Column("appointment", sa.Integer, sa.ForeignKey("appointments.id"), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("owner", sa.String(80), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("settled_at", MOMENT),
    )
    op.create_index("ix_outbox_appointment", "outbox", ["appointment"])
    op.create_index("ix_outbox_owner", "outbox", ["owner"])
    op.create_index("ix_outbox_state_due", "outbox", ["state", "due_at"])


def downgrade() -> None:
    for table in (
        "outbox",
        "appointment_events",
        "appointments",
        "desk_slots",
        "desk_announced_years",
        "desk_special_days",
        "desk_exceptions",
        "desk_halls",
    ):
        op.drop_table(table)
