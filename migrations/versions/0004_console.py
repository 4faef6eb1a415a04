"""Staff and their record, drafts, versions of questions, imports to be decided, and the journal of turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _knowledge()
    _staff()
    _journal()


def _knowledge() -> None:
    for table in ("guides", "guide_versions"):
        op.add_column(table, sa.Column("why", sa.Text, nullable=False, server_default=""))
    op.add_column("faqs", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    op.add_column("faqs", sa.Column("updated_by", sa.String(100), nullable=False, server_default=""))
    op.add_column("faqs", sa.Column("why", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "faq_versions",
        sa.Column("code", sa.String(200), sa.ForeignKey("faqs.code"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("guide", sa.Integer, sa.ForeignKey("guides.id"), unique=True),
        sa.Column("base", sa.Integer, nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("department_name", sa.Text, nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("edition", sa.Integer, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column("editors", DOCUMENT, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by", sa.String(100), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", sa.String(100), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_drafts_region_status", "drafts", ["region", "status"])
    op.create_table(
        "import_batches",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("file", sa.String(200), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by", sa.String(100), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("decided_by", sa.String(100), nullable=False),
        sa.Column("refused", DOCUMENT, nullable=False),
        sa.Column("same", sa.Integer, nullable=False),
    )
    op.create_index("ix_import_batches_region", "import_batches", ["region"])
    op.create_table(
        "import_guides",
        sa.Column("batch", sa.Integer, sa.ForeignKey("import_batches.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("change", sa.String(8), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("local_code", sa.String(200), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("department_name", sa.Text, nullable=False),
        sa.Column("base", sa.Integer, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column("chosen", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
    )


def _staff() -> None:
    op.create_table(
        "staff_accounts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(60), nullable=False, unique=True),
        sa.Column("called", sa.String(60), nullable=False),
        sa.Column("password", sa.Text),
        sa.Column("must_change", sa.Boolean, nullable=False),
        sa.Column("password_until", MOMENT),
        sa.Column("subject", sa.String(400), unique=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("locked_until", MOMENT),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by", sa.String(100), nullable=False),
        sa.Column("signed_at", MOMENT),
    )
    owner = {"ondelete": "CASCADE"}
    op.create_table(
        "staff_grants",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("account", sa.Integer, sa.ForeignKey("staff_accounts.id", **owner), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("department", sa.String(200), nullable=False),
        sa.UniqueConstraint("account", "role", "region", "department", name="uq_staff_grants"),
    )
    op.create_index("ix_staff_grants_account", "staff_grants", ["account"])
    op.create_table(
        "staff_sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("account", sa.Integer, sa.ForeignKey("staff_accounts.id", **owner), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
    )
    op.create_index("ix_staff_sessions_account", "staff_sessions", ["account"])
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("act", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("detail", DOCUMENT, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    for column in ("at", "who", "act", "subject"):
        op.create_index(f"ix_audit_{column}", "audit", [column])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "digest": "0" * 64}])
    _append_only()


def _append_only() -> None:
    """The database itself refuses to change or delete what is on record."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{act.lower()} BEFORE {act} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
        )


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(32), nullable=False, unique=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("sender", sa.String(24), nullable=False),
        sa.Column("channel", sa.String(12), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("chosen", sa.Boolean, nullable=False),
        sa.Column("path", sa.String(12), nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("guide", sa.Integer),
        sa.Column("faq", sa.String(200)),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("looks", DOCUMENT, nullable=False),
        sa.Column("ms", sa.Integer, nullable=False),
        sa.Column("rephrased", sa.Boolean, nullable=False),
        sa.Column("useful", sa.SmallInteger),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("settled", sa.String(220), nullable=False),
    )
    op.create_index("ix_journal_at", "journal", ["at"])
    op.create_index("ix_journal_guide", "journal", ["guide"])
    op.create_index("ix_journal_sender_at", "journal", ["sender", "at"])
    op.create_index("ix_journal_outcome_at", "journal", ["outcome", "at"])


def downgrade() -> None:
    for table in ("journal", "audit_head", "audit"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_is_append_only()")
    tables = ("staff_sessions", "staff_grants", "staff_accounts", "import_guides", "import_batches", "drafts")
    for table in (*tables, "faq_versions"):
        op.drop_table(table)
    for table, column in (
        ("faqs", "why"),
        ("faqs", "updated_by"),
        ("faqs", "version"),
        ("guide_versions", "why"),
        ("guides", "why"),
    ):
        op.drop_column(table, column)
