from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

import knowledge.models  # noqa: F401
from core.database import Base, engine
from knowledge.migrating import MIGRATIONS, head, stored, upgrade


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
