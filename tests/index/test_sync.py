"""Each Sync stands for one process; they share nothing but the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from core.database import sessions
from index.search import SearchIndex
from index.store import Store
from index.sync import Sync
from knowledge import faqs, publishing
from knowledge.regions import Regions
from knowledge.schema import Faq, Guide

POLL = 0.02
DAY = date(2026, 10, 15)
AT = datetime(2026, 10, 15, 4, 0, tzinfo=UTC)
COUNTY = "980102"


class Clock:
    """A day that tests turn."""

    def __init__(self) -> None:
        self.day = DAY

    def __call__(self) -> date:
        return self.day


class Process:
    """A search index that follows the database, and what it finds."""

    def __init__(self, database: Engine, store: Store, encoder: Any, clock: Clock, regions: Regions) -> None:
        self.index = SearchIndex(store, encoder)
        self.reading: Any = Flaky(sessions(database))
        self.sync = Sync(self.index, self.reading, sessions(database, writing=True), today=clock, poll=POLL)
        self._ancestors = regions.ancestors(COUNTY)

    def found(self, query: str) -> list[str]:
        return [
            one.code if isinstance(one := hit.target, Faq) else one.name
            for hit in self.index.search(query, self._ancestors)
        ]


class Flaky:
    """Opens sessions as `opens` does, but fails as often as `failures` says."""

    def __init__(self, opens: Callable[[], Any]) -> None:
        self._opens = opens
        self.failures = 0

    def __call__(self) -> Any:
        if self.failures:
            self.failures -= 1
            raise OperationalError("SELECT", {}, Exception("the server closed the connection"))
        return self._opens()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def process(
    database: Engine, tmp_path: Path, encoder: Any, clock: Clock, regions: Regions
) -> Iterator[Callable[[], Process]]:
    """Makes a process that shares the database and the store's file with the others; ends them all."""
    with ExitStack() as ends:

        def make() -> Process:
            store = Store(tmp_path / "texts.db")
            made = Process(database, store, encoder, clock, regions)
            ends.callback(store.close)
            ends.callback(made.sync.stop)
            return made

        yield make


@pytest.fixture
def publish(database: Engine) -> Callable[..., int]:
    """Publishes a guide in a transaction of its own; its id."""

    def put(name: str, code: str = "t-001", **fields: Any) -> int:
        made = Guide.model_validate(
            {"name": name, "local_code": code, "region": COUNTY, "department": {"name": "松风区公安分局"}} | fields
        )
        with sessions(database, writing=True).begin() as session:
            publishing.publish(session, made, by="测试", at=AT)
            found = publishing.find(session, COUNTY, code)
            assert found is not None
            return found

    return put


def wait_until(happened: Callable[[], bool], patience: float = 20) -> None:
    ends = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < ends, "it never happened"
        time.sleep(POLL)


def test_what_was_published_before_the_start_is_found_when_it_has_started(process, publish):
    publish("居民身份证补领")
    one = process()
    one.sync.start()
    assert one.found("身份证补领") == ["居民身份证补领"]
    assert one.sync.revision == 1


def test_an_edit_in_one_process_is_found_in_every_other(process, publish):
    publish("船舶检验")
    first, second = process(), process()
    first.sync.start()
    second.sync.start()
    publish("渔业捕捞许可")
    wait_until(lambda: first.found("渔业捕捞许可") == second.found("渔业捕捞许可") == ["渔业捕捞许可"])
    for one in (first, second):
        assert [guide.version for guide in one.index.guides()] == [2]
        wait_until(lambda one=one: one.index.by_meaning)


def test_a_withdrawn_guide_is_gone_in_every_process(process, publish, database):
    known = publish("居民身份证补领")
    first, second = process(), process()
    first.sync.start()
    second.sync.start()
    with sessions(database, writing=True).begin() as session:
        publishing.withdraw(session, known, by="测试", at=AT)
    wait_until(lambda: len(first.index) == len(second.index) == 0)
    assert first.found("居民身份证补领") == second.found("居民身份证补领") == []


def test_a_curated_question_comes_and_goes(process, database):
    one = process()
    one.sync.start()
    asked = Faq(code="f1", region=COUNTY, question="大厅周末开门吗", answer="开。")
    with sessions(database, writing=True).begin() as session:
        faqs.write(session, asked, by="测试", at=AT)
    wait_until(lambda: one.found("周末开门吗") == ["f1"])
    with sessions(database, writing=True).begin() as session:
        faqs.switch(session, asked.code, False, by="测试", at=AT)
    wait_until(lambda: one.found("周末开门吗") == [])


def test_what_is_not_committed_is_not_found(process, publish, database):
    publish("居民身份证补领")
    one = process()
    one.sync.catch_up()
    guide = Guide.model_validate(
        {"name": "户口迁移", "local_code": "t-2", "region": COUNTY, "department": {"name": "松风区公安分局"}}
    )
    with sessions(database, writing=True)() as session:
        publishing.publish(session, guide, by="测试", at=AT)
        one.sync.catch_up()
        assert "户口迁移" not in one.found("户口迁移")
        session.rollback()
    one.sync.catch_up()
    assert "户口迁移" not in one.found("户口迁移")


def test_effective_dates_turn_at_midnight_in_every_process(process, publish, clock):
    tomorrow = DAY + timedelta(days=1)
    publish("渔业捕捞许可", "t-new", effective_from=tomorrow)
    publish("船舶检验", "t-old", effective_to=DAY)
    first, second = process(), process()
    for one in (first, second):
        one.sync.catch_up()
        assert [guide.name for guide in one.index.guides()] == ["船舶检验"]
    clock.day = tomorrow
    for one in (first, second):
        one.sync.catch_up()
        assert [guide.name for guide in one.index.guides()] == ["渔业捕捞许可"]


def test_a_process_whose_clock_is_behind_learns_the_new_day_from_the_others(process, publish, clock):
    publish("渔业捕捞许可", effective_from=DAY + timedelta(days=1))
    ahead, behind = process(), process()
    ahead.sync.catch_up()
    behind.sync.catch_up()
    clock.day = DAY + timedelta(days=1)
    ahead.sync.catch_up()
    clock.day = DAY
    behind.sync.catch_up()
    clock.day = DAY + timedelta(days=1)
    behind.sync.catch_up()
    assert behind.found("渔业捕捞许可") == ["渔业捕捞许可"]


def test_effective_dates_turn_while_the_process_runs(process, publish, clock):
    publish("渔业捕捞许可", effective_from=DAY + timedelta(days=3))
    one = process()
    one.sync.start()
    assert len(one.index) == 0
    clock.day = DAY + timedelta(days=5)
    wait_until(lambda: one.found("渔业捕捞许可") == ["渔业捕捞许可"])


def test_a_process_that_was_away_over_midnight_knows_the_day_when_it_starts(process, publish, clock):
    publish("渔业捕捞许可", effective_from=DAY + timedelta(days=1))
    process().sync.catch_up()
    clock.day = DAY + timedelta(days=1)
    later = process()
    later.sync.catch_up()
    assert later.found("渔业捕捞许可") == ["渔业捕捞许可"]


def test_a_database_that_fails_for_some_looks_is_followed_again_afterwards(process, publish):
    publish("船舶检验")
    one = process()
    one.sync.start()
    one.reading.failures = 3
    wait_until(lambda: one.reading.failures == 0)
    assert one.index.guides(), "search answers from what it has"
    publish("渔业捕捞许可")
    wait_until(lambda: [guide.name for guide in one.index.guides()] == ["渔业捕捞许可"])


def test_a_start_without_a_database_says_so(process):
    one = process()
    one.reading.failures = 1
    with pytest.raises(OperationalError):
        one.sync.start()


def test_more_guides_than_one_page_are_all_taken_in(process, publish, monkeypatch):
    from index import sync

    monkeypatch.setattr(sync, "_PAGE", 2)
    for number in range(5):
        publish(f"第{number}号许可", f"t-{number}")
    one = process()
    one.sync.catch_up()
    assert len(one.index) == 5
    assert one.sync.revision == 5


def test_nothing_is_taken_in_twice(process, publish, monkeypatch):
    publish("船舶检验")
    one = process()
    one.sync.catch_up()
    taken = []
    monkeypatch.setattr(one.index, "apply", taken.append)
    one.sync.catch_up()
    assert taken == []


def test_a_stopped_process_follows_no_more_and_stopping_again_is_fine(process, publish):
    one = process()
    one.sync.start()
    one.sync.stop()
    one.sync.stop()
    publish("船舶检验")
    assert not one.sync._thread.is_alive()
    assert one.sync.revision == 0
