from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from threading import Event

from sqlalchemy import Engine

from core.database import sessions
from knowledge.changes import changed_since, revision
from knowledge.publishing import publish
from knowledge.schema import Guide

TODAY = date(2026, 10, 15)


def test_a_follower_misses_nothing_while_several_write_at_once(
    database: Engine, guide: Callable[..., Guide], noon: datetime
) -> None:
    done = Event()

    def write(writer: int) -> None:
        for number in range(15):
            with sessions(database, writing=True).begin() as session:
                publish(session, guide(local_code=f"{writer}-{number}"), by="clerk", at=noon)

    def follow() -> list[str]:
        seen: list[str] = []
        since = 0
        while True:
            last = done.is_set()
            with sessions(database)() as session:
                changes = changed_since(session, since, today=TODAY, limit=3)
            seen += [row.local_code for row in changes.guides]
            if last and changes.revision == since:
                return seen
            since = changes.revision
            done.wait(0.002)

    with ThreadPoolExecutor(4) as pool:
        follower = pool.submit(follow)
        for writing in [pool.submit(write, writer) for writer in range(3)]:
            writing.result()
        done.set()
        seen = follower.result()
    assert sorted(seen) == sorted(f"{writer}-{number}" for writer in range(3) for number in range(15))
    with sessions(database)() as session:
        assert revision(session) == 45


def test_two_who_publish_the_same_new_guide_make_one(
    database: Engine, guide: Callable[..., Guide], noon: datetime
) -> None:
    def write(visits: int) -> None:
        with sessions(database, writing=True).begin() as session:
            publish(session, guide(visits=visits), by="clerk", at=noon)

    with ThreadPoolExecutor(4) as pool:
        for writing in [pool.submit(write, visits) for visits in range(4)]:
            writing.result()
    with sessions(database)() as session:
        (only,) = changed_since(session, 0, today=TODAY).guides
    assert only.version == 4
