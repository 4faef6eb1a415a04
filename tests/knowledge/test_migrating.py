from __future__ import annotations

import json
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

import desk.halls
import desk.models
import knowledge.models  # noqa: F401
from core.database import Base, engine, sessions
from knowledge import faqs, publishing
from knowledge.changes import changed_since
from knowledge.documents import document, parts
from knowledge.migrating import MIGRATIONS, head, stored, upgrade
from knowledge.schema import Faq
from tests.desk.conftest import REGION, THURSDAY, guide

DESK = {
    table.name for table in Base.metadata.sorted_tables if table.name.startswith(("desk_", "appointment", "outbox"))
}

FAQ = Faq(code="f-1", region=REGION, question="周六上班吗", answer="周六上午办公。")
GUIDES = "SELECT id, item, region, local_code, version, content, updated_by FROM guides"


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


def put(database: Engine) -> None:
    """A guide and a curated question as the first migration knows them."""
    made = parts(guide())
    now = {"now": THURSDAY.isoformat(), "region": REGION}
    stored = {
        name: json.dumps(content, ensure_ascii=False) for name, content in (("item", made.item), ("own", made.own))
    }
    with database.execution_options(writing=True).begin() as connection:
        connection.execute(
            text("INSERT INTO items (digest, name, content) VALUES (:digest, '户口迁移', :item)"),
            {"digest": made.item_digest, "item": stored["item"]},
        )
        connection.execute(
            text(
                "INSERT INTO guides (id, item, region, local_code, name, department_name, status, version, revision, "
                "content, digest, created_at, updated_at, updated_by) VALUES (1, :item, :region, 'test-001', "
                "'户口迁移', '公安局', 'published', 1, 1, :own, :digest, :now, :now, 'tests')"
            ),
            now | {"item": made.item_digest, "digest": made.digest, "own": stored["own"]},
        )
        connection.execute(
            text(
                "INSERT INTO faqs (code, region, content, enabled, revision, updated_at) "
                "VALUES ('f-1', :region, :content, true, 1, :now)"
            ),
            now | {"content": json.dumps(document(FAQ), ensure_ascii=False)},
        )


def test_what_comes_later_leaves_the_guides_as_they_are(empty: Engine) -> None:
    migrate("0001", empty)
    assert set(inspect(empty).get_table_names()).isdisjoint(DESK)
    put(empty)
    assert upgrade(empty) is True
    assert set(inspect(empty).get_table_names()) >= DESK
    with sessions(empty)() as session:
        (version,) = publishing.history(session, 1)
        assert (version.guide, version.by, version.why) == (guide(), "tests", "")
        curated = faqs.read(session, "f-1")
        assert curated is not None
        assert (curated.faq, curated.version, curated.by) == (FAQ, 1, "")
    with empty.connect() as connection:
        before = connection.execute(text(GUIDES)).all()
    migrate("0001", empty)
    assert set(inspect(empty).get_table_names()).isdisjoint(DESK)
    with empty.connect() as connection:
        assert connection.execute(text(GUIDES)).all() == before


LONG = f"{REGION}000000"
AGAIN = (
    "INSERT INTO guides (id, item, region, local_code, name, department_name, status, version, revision, content, "
    "digest, created_at, updated_at, updated_by) SELECT {id}, item, '{region}', 'twice', name, department_name, status, "
    "version, revision, content, digest, created_at, updated_at, updated_by FROM guides WHERE id = 1"
)


def test_what_stands_under_a_long_code_of_its_region_comes_under_the_short_one(
    empty: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    migrate("0005", empty)
    put(empty)
    hall = json.dumps({"name": "大厅", "region": LONG, "address": "1 号", "hours": {"text": "每天"}})
    long = {"region": LONG, "own": json.dumps(parts(guide()).own | {"region": LONG}), "hall": hall}
    with empty.execution_options(writing=True).begin() as connection:
        for id, region in ((2, LONG), (3, REGION)):
            connection.execute(text(AGAIN.format(id=id, region=region)))
        for statement in (
            "UPDATE guides SET region = :region, content = :own, digest = 'x' WHERE id = 1",
            "UPDATE revision SET value = 1",
            "UPDATE faqs SET region = :region",
            "INSERT INTO halls (region, name, content) VALUES (:region, '大厅', :hall)",
            "INSERT INTO desk_halls (region, name, rules) VALUES (:region, '大厅', '{}')",
        ):
            wanted = {name: value for name, value in long.items() if f":{name}" in statement}
            connection.execute(text(statement), wanted)
    assert upgrade(empty) is True
    with sessions(empty, writing=True).begin() as session:
        assert publishing.find(session, REGION, "test-001") == 1
        assert publishing.publish(session, guide(), by="tests", at=THURSDAY) is publishing.Change.SAME
        assert publishing.find(session, LONG, "twice") == 2, "two of one code are for people to sort out"
        assert [one.faq.region for one in faqs.every(session)] == [REGION]
        assert desk.halls.published_hall(session, REGION, "大厅").region == REGION
        assert [one.id for one in changed_since(session, 1, today=THURSDAY.date()).guides] == [1], "search follows"
    assert "guide 2 has the code of guide 3" in caplog.text
    with empty.connect() as connection:
        assert connection.execute(text("SELECT region FROM desk_halls")).scalar() == REGION


def test_the_database_itself_keeps_a_slot_from_having_less_than_nothing_taken(database: Engine) -> None:
    row = desk.models.SlotRow(window="w", day=THURSDAY.date(), begins=540, minutes=30, taken=-1)
    with sessions(database, writing=True)() as session:
        session.add(row)
        with pytest.raises(IntegrityError):
            session.flush()
