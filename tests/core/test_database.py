from __future__ import annotations

import threading
import traceback
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from core.database import engine, sessions


@pytest.fixture
def sqlite(tmp_path: Path):
    made = engine(f"sqlite:///{tmp_path / 'test.db'}")
    yield made
    made.dispose()


@pytest.fixture
def counter(database_url: str):
    """An engine on a database with a table `counter` that holds one row with 0."""
    made = engine(database_url)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE counter (value INTEGER)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))
    yield made
    with made.begin() as connection:
        connection.execute(text("DROP TABLE counter"))
    made.dispose()


def value(made: Engine) -> int:
    with sessions(made)() as session:
        return session.execute(text("SELECT value FROM counter")).scalar_one()


def test_sqlite_runs_in_wal_mode_with_foreign_keys_on(sqlite: Engine) -> None:
    with sqlite.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 10_000


def test_a_row_that_points_nowhere_is_refused(sqlite: Engine) -> None:
    with sqlite.begin() as connection:
        connection.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE child (parent INTEGER REFERENCES parent(id))"))
    with pytest.raises(IntegrityError), sqlite.begin() as connection:
        connection.execute(text("INSERT INTO child VALUES (7)"))


@pytest.mark.parametrize("written", ["postgresql://h.example/d", "postgres://h.example/d"])
def test_a_plain_postgresql_address_gets_the_driver_of_the_house(written: str) -> None:
    made = engine(written)
    assert made.dialect.driver == "psycopg"
    assert made.url.host == "h.example"


def test_what_is_committed_is_seen_and_what_fails_is_undone(counter: Engine) -> None:
    with sessions(counter, writing=True).begin() as session:
        session.execute(text("UPDATE counter SET value = 1"))
    with sessions(counter, writing=True)() as session:
        session.execute(text("UPDATE counter SET value = 2"))
        session.rollback()
    assert value(counter) == 1


def test_a_reader_is_not_held_up_by_a_writer(counter: Engine) -> None:
    with sessions(counter, writing=True)() as writer:
        writer.execute(text("UPDATE counter SET value = 5"))
        assert value(counter) == 0
        writer.commit()
    assert value(counter) == 5


def test_a_writing_session_waits_for_another_instead_of_failing(sqlite: Engine) -> None:
    """Both read before they write: without the lock at the beginning the later one would fail half-way."""
    with sqlite.begin() as connection:
        connection.execute(text("CREATE TABLE counter (value INTEGER)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))
    failures: list[Exception] = []
    holding, asked = threading.Event(), threading.Event()

    def second() -> None:
        try:
            holding.wait(10)
            asked.set()
            with sessions(sqlite, writing=True).begin() as session:
                seen = session.execute(text("SELECT value FROM counter")).scalar_one()
                session.execute(text("UPDATE counter SET value = :v"), {"v": seen + 1})
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=second)
    thread.start()
    with sessions(sqlite, writing=True).begin() as session:
        seen = session.execute(text("SELECT value FROM counter")).scalar_one()
        holding.set()
        assert asked.wait(10)
        thread.join(0.2)
        assert thread.is_alive(), "the second writer did not wait"
        session.execute(text("UPDATE counter SET value = :v"), {"v": seen + 1})
    thread.join(10)
    assert failures == []
    assert value(sqlite) == 2


def test_many_writers_that_read_first_lose_nothing(sqlite: Engine) -> None:
    with sqlite.begin() as connection:
        connection.execute(text("CREATE TABLE counter (value INTEGER)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))
    failures: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(10):
                with sessions(sqlite, writing=True).begin() as session:
                    seen = session.execute(text("SELECT value FROM counter")).scalar_one()
                    session.execute(text("UPDATE counter SET value = :v"), {"v": seen + 1})
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert value(sqlite) == 40


def test_an_error_of_the_database_names_no_values(counter: Engine) -> None:
    with counter.begin() as connection:
        connection.execute(text("CREATE TABLE people (name TEXT UNIQUE, phone TEXT NOT NULL)"))
        connection.execute(text("INSERT INTO people VALUES ('张伟', '13800138000')"))
    try:
        for given in ({"name": "张伟", "phone": "13800138000"}, {"name": "张伟", "phone": None}):
            with pytest.raises(IntegrityError) as error, counter.begin() as connection:
                connection.execute(text("INSERT INTO people VALUES (:name, :phone)"), given)
            told = "".join(traceback.format_exception(error.value))
            assert "people" in told
            assert not [secret for secret in ("张伟", "13800138000") if secret in told]
    finally:
        with counter.begin() as connection:
            connection.execute(text("DROP TABLE people"))
