"""One engine, one way to open a session, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import JSON, DateTime, Dialect, Engine, ExceptionContext, TypeDecorator, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

# Chinese is stored as it is: escaped, it would take twice the room and time.
_dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class Json(str):
    """JSON that is text already, given for a `Document`: many are stored far quicker so."""

    __slots__ = ()


def _json(value: object) -> str:
    return str(value) if isinstance(value, Json) else _dumps(value)


Document = JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    """All tables of the house."""


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def engine(url: str) -> Engine:
    """An engine for `url`, whose errors name no values. SQLite runs in WAL mode with foreign keys on, and waits 10 s
    for a lock.
    """
    made = _sqlite(url) if url.startswith("sqlite") else _server(url)
    event.listen(made, "handle_error", _name_no_values)
    return made


def sessions(engine: Engine, *, writing: bool = False) -> sessionmaker[Session]:
    """Opens sessions: `with sessions(engine).begin() as session` is one transaction.

    `writing` takes SQLite's write lock at the beginning, so that a transaction which reads before it
    writes waits its turn instead of failing half-way; PostgreSQL needs no such word.
    """
    return sessionmaker(engine.execution_options(writing=True) if writing else engine, expire_on_commit=False)


def _sqlite(url: str) -> Engine:
    waiting = {"timeout": 10, "check_same_thread": False}
    made = create_engine(url, connect_args=waiting, json_serializer=_json, hide_parameters=True)
    event.listen(made, "connect", _prepare_sqlite)
    event.listen(made, "begin", _begin)
    return made


def _server(url: str) -> Engine:
    driven = _with_driver(url)
    return create_engine(
        driven, pool_pre_ping=True, pool_size=10, max_overflow=10, json_serializer=_json, hide_parameters=True
    )


def _name_no_values(context: ExceptionContext) -> None:
    # PostgreSQL tells the whole row that it refuses, on the lines after the first.
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).partition("\n")[0], *error.args[1:])


def _with_driver(url: str) -> str:
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _prepare_sqlite(connection, _record) -> None:  # type: ignore[no-untyped-def]
    # The driver must not open transactions by itself: reads would then hold a snapshot between statements.
    connection.isolation_level = None
    # FULL, since a confirmed appointment must outlive a power failure; it costs about a millisecond a transaction.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection) -> None:  # type: ignore[no-untyped-def]
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writing") else "BEGIN")
