"""The tables of knowledge: regions, items, guides, their history, FAQ, halls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "regions",
        sa.Column("code", sa.String(12), primary_key=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("short_name", sa.String(60), nullable=False),
        sa.Column("level", sa.String(12), nullable=False),
        sa.Column("parent", sa.String(12)),
    )
    op.create_index("ix_regions_parent", "regions", ["parent"])
    op.create_table(
        "items",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("content", DOCUMENT, nullable=False),
    )
    op.create_table(
        "guides",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("item", sa.String(64), sa.ForeignKey("items.digest"), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("local_code", sa.String(200), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("department_name", sa.Text, nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("content", DOCUMENT, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", sa.String(100), nullable=False),
        sa.Column("effective_from", sa.Date),
        sa.Column("effective_to", sa.Date),
        sa.Column("verified_at", sa.Date),
        sa.UniqueConstraint("region", "local_code", name="uq_guides_region_local_code"),
    )
    op.create_index("ix_guides_revision_id", "guides", ["revision", "id"])
    for column in ("item", "region", "local_code", "effective_from", "effective_to"):
        op.create_index(f"ix_guides_{column}", "guides", [column])
    op.create_table(
        "guide_versions",
        sa.Column("guide_id", sa.Integer, sa.ForeignKey("guides.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
    )
    op.create_table(
        "faqs",
        sa.Column("code", sa.String(200), primary_key=True),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("content", DOCUMENT, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
    )
    op.create_index("ix_faqs_region", "faqs", ["region"])
    op.create_index("ix_faqs_revision", "faqs", ["revision"])
    op.create_table(
        "halls",
        sa.Column("region", sa.String(12), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("content", DOCUMENT, nullable=False),
    )
    counter = op.create_table(
        "revision",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("rolled_on", sa.Date),
    )
    op.bulk_insert(counter, [{"id": 1, "value": 0}])
    op.create_table(
        "seed_digests",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("loaded_at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    for table in ("seed_digests", "revision", "halls", "faqs", "guide_versions", "guides", "items", "regions"):
        op.drop_table(table)
