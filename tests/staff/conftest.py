"""The record emptied by force, and accounts whose passwords take little time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from core.database import sessions
from core.vault import Vault, new_key
from staff import passwords
from staff.audit import GENESIS, Audit

KEY = new_key()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords kept with the least of time and memory; all else is real."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    nobodys = quick.hash("nobody's")
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)
    monkeypatch.setattr(passwords, "_nobodys", lambda: nobodys)


@pytest.fixture
def writing(database: Engine) -> sessionmaker[Session]:
    """Writing sessions on a database without accounts and with an empty record."""
    made = sessions(database, writing=True)
    with made.begin() as session, by_force(session):
        session.execute(text("DELETE FROM audit"))
        session.execute(text("UPDATE audit_head SET number = 0, digest = :seal"), {"seal": GENESIS})
    return made


@pytest.fixture
def audit() -> Audit:
    return Audit(Vault([KEY]))


@contextmanager
def by_force(session: Session) -> Iterator[None]:
    """As somebody who owns the database would do it: without the triggers that refuse."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        yield
        session.execute(text("ALTER TABLE audit ENABLE TRIGGER ALL"))
        return
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
    triggers = session.execute(query).all()
    for name, _ in triggers:
        session.execute(text(f"DROP TRIGGER {name}"))
    yield
    for _, made in triggers:
        session.execute(text(made))
