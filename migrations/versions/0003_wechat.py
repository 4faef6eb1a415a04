"""What is owed to citizens on WeChat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "wechat_owed",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("incoming", sa.Text),
        sa.Column("reply", sa.Text),
        sa.Column("given", sa.String(64)),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("lease_at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
    )
    op.create_index("ix_wechat_owed_owner", "wechat_owed", ["owner"])


def downgrade() -> None:
    op.drop_table("wechat_owed")
