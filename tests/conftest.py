"""Databases for all tests: the same test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, TableClause, delete, inspect, update
from sqlalchemy.orm import Session
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from core.database import Base, engine, sessions
from knowledge.migrating import upgrade
from knowledge.models import Revision
from staff.models import AuditHead, AuditRow
from tests.chromium import browser
from tests.servers import postgresql, redis

__all__ = ["browser"]  # a fixture

NOON = datetime(2026, 10, 15, 4, 0, tzinfo=UTC)


STAYS = {Revision.__table__, AuditRow.__table__, AuditHead.__table__}  # the audit cannot be emptied

# Each would train or load a Rasa of its own.
WITH_RASA = ("tests/rasa/", "tests/channels/test_page.py", "tests/channels/test_serving.py")

# Minutes long: begun last, they would keep the other processes waiting for them.
FIRST = (*WITH_RASA, "tests/wechat/test_processes.py", "tests/web/test_booking.py", "tests/desk/test_stateful.py")


class ByFile(LoadScopeScheduling):
    """With several processes, a file is run by one, so that what it sets up is set up once; and so is all of Rasa."""

    def _split_scope(self, nodeid: str) -> str:
        return "rasa" if nodeid.startswith(WITH_RASA) else nodeid.partition("::")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An address of an empty database, once for SQLite and once for PostgreSQL."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield f"sqlite:///{folder / 'bangban.db'}"
        return
    with postgresql(folder) as address:
        yield address


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis."""
    with redis(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture(scope="session")
def migrated(database_url: str) -> Iterator[Engine]:
    """The database with all tables. Tests take `database`, which is emptied for each."""
    made = engine(database_url)
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def emptied(migrated: Engine) -> list[TableClause]:
    """The tables that are emptied for each test, those that depend on others first."""
    known = set(inspect(migrated).get_table_names())
    return [one for one in reversed(Base.metadata.sorted_tables) if one not in STAYS and one.name in known]


@pytest.fixture
def database(migrated: Engine, emptied: list[TableClause]) -> Engine:
    """An empty, migrated database."""
    with sessions(migrated, writing=True).begin() as session:
        for table in emptied:
            session.execute(delete(table))
        session.execute(update(Revision).values(value=0, rolled_on=None))
    return migrated


@pytest.fixture
def session(database: Engine) -> Iterator[Session]:
    """An open writing session on an empty database; the test commits if it wants to."""
    with sessions(database, writing=True)() as opened:
        yield opened


@pytest.fixture
def noon() -> datetime:
    """The moment tests take for now: 15 October 2026, noon in China."""
    return NOON
