from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

import desk.models
import knowledge.models  # noqa: F401
from core.database import Base, engine, sessions
from knowledge import publishing
from knowledge.migrating import MIGRATIONS, head, stored, upgrade
from tests.desk.conftest import REGION, THURSDAY, guide

DESK = {
    table.name for table in Base.metadata.sorted_tables if table.name.startswith(("desk_", "appointment", "outbox"))
}


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    """A database, or a schema, of its own with nothing in it."""
    if database_url.startswith("sqlite"):
        made = engine(f"sqlite:///{tmp_path / 'own.db'}")
        yield made
        made.dispose()
        return
    server = engine(database_url)
    with server.begin() as connection:
        connection.execute(text("CREATE SCHEMA own"))
    inside = server.url.update_query_dict({"options": "-csearch_path=own"})
    made = engine(inside.render_as_string(hide_password=False))
    yield made
    made.dispose()
    with server.begin() as connection:
        connection.execute(text("DROP SCHEMA own CASCADE"))
    server.dispose()


def migrate(to: str, database: Engine) -> None:
    """Up or down to a migration."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    known = stored(database) or ""
    with database.execution_options(writing=True).begin() as connection:
        config.attributes["connection"] = connection
        (command.upgrade if to > known else command.downgrade)(config, to)


def test_the_migrations_make_the_tables_the_models_name(migrated: Engine) -> None:
    ours = {name for name, table in Base.metadata.tables.items() if table.metadata is Base.metadata}

    def known(_object: object, name: str | None, kind: str, _reflected: bool, _compare: object) -> bool:
        return kind != "table" or name in ours

    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": known})
        assert compare_metadata(context, Base.metadata) == []


def test_the_newest_migration_by_file_name_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [head()]


def test_a_migrated_database_has_nothing_to_do(migrated: Engine) -> None:
    assert stored(migrated) == head()
    assert upgrade(migrated) is False


def test_a_start_on_a_migrated_database_does_not_import_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    upgrade(engine(url))
    code = (
        "import sys; from core.database import engine; from knowledge.migrating import upgrade;"
        f"assert upgrade(engine({url!r})) is False; assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=MIGRATIONS.parent)


def test_the_desks_tables_are_among_those_that_are_compared(migrated: Engine) -> None:
    assert len(DESK) == 8
    assert set(inspect(migrated).get_table_names()) >= DESK


def test_the_desk_comes_to_a_database_with_guides_and_leaves_them_as_they_are(empty: Engine) -> None:
    migrate("0001", empty)
    assert set(inspect(empty).get_table_names()).isdisjoint(DESK)
    with sessions(empty, writing=True).begin() as session:
        publishing.publish(session, guide(), by="tests", at=THURSDAY)
        found = publishing.find(session, REGION, "test-001")
        assert found is not None
        before = publishing.read(session, found)
    assert upgrade(empty) is True
    assert set(inspect(empty).get_table_names()) >= DESK
    migrate("0001", empty)
    assert set(inspect(empty).get_table_names()).isdisjoint(DESK)
    with sessions(empty)() as session:
        assert publishing.read(session, found) == before


def test_the_database_itself_keeps_a_slot_from_having_less_than_nothing_taken(database: Engine) -> None:
    row = desk.models.SlotRow(window="w", day=THURSDAY.date(), begins=540, minutes=30, taken=-1)
    with sessions(database, writing=True)() as session:
        session.add(row)
        with pytest.raises(IntegrityError):
            session.flush()
