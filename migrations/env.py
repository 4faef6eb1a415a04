"""Alembic's environment. The connection is handed over by knowledge.migrating, or made from the settings."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from channels.wechat import models as wechat_models  # noqa: F401  (its tables are the target)
from core.database import Base, engine
from core.settings import Settings
from desk import models as desk_models  # noqa: F401
from journal import models as journal_models  # noqa: F401
from knowledge import models as knowledge_models  # noqa: F401
from staff import models as staff_models  # noqa: F401


def migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Replicas start together; the second waits and then finds nothing to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(7226226)"))
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with engine(Settings().database).begin() as connection:
        migrate(connection)
