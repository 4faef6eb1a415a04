"""An index that holds all the overview counts: the turns themselves, with what was said, need not be read for it."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COUNTED = ["at", "region", "channel", "outcome", "guide", "faq", "useful", "sender"]


def upgrade() -> None:
    op.create_index("ix_journal_counted", "journal", COUNTED)
    op.drop_index("ix_journal_at", "journal")


def downgrade() -> None:
    op.create_index("ix_journal_at", "journal", ["at"])
    op.drop_index("ix_journal_counted", "journal")
