"""What the desk does without being asked."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

import channels.rounds
from channels.rounds import Rounds
from core.database import sessions
from core.vault import Vault, new_key
from desk.days import set_hours
from desk.front import FrontDesk, Offer
from desk.halls import open_hall
from desk.outbox import Notice
from desk.rules import Rules
from desk.status import Status
from journal import turns
from knowledge import publishing
from tests.desk.conftest import EAST, REGION, THURSDAY, WEST, ZHANG, Watch, at, guide, hall
from tests.journal.making import keep, turn


class Town:
    """A hall, a guide, and a citizen of a channel that writes down what it delivers."""

    def __init__(self, database: Engine) -> None:
        self.watch = Watch()
        self.writing: sessionmaker[Session] = sessions(database, writing=True)
        self.desk = FrontDesk(sessions(database), self.writing, Vault([new_key()]), now=self.watch)
        self.sent: list[Notice] = []
        self.refused = 0
        with self.writing.begin() as session:
            for name in (EAST, WEST):
                publishing.save_hall(session, hall(name))
                open_hall(session, REGION, name, Rules())
            publishing.publish(session, guide(), by="tests", at=THURSDAY)
            self.guide = publishing.find(session, REGION, "test-001") or 0

    def offer(self) -> Offer:
        found = self.desk.offer(self.guide)
        assert found is not None
        return found

    def book(self, days: int = 1, owner: str = "web:a") -> int:
        starts = at(self.watch.today + timedelta(days=days), 9)
        window = self.offer().windows[0].id
        return self.desk.book(self.guide, window, starts, ZHANG, owner=owner, key=str(days), remind=True).id

    def close(self) -> None:
        with self.writing.begin() as session:
            set_hours(session, REGION, EAST, self.watch.tomorrow, [], note="停电", by="staff:a", now=self.watch())

    def deliver(self, notice: Notice) -> None:
        if self.refused:
            self.refused -= 1
            raise ConnectionError
        self.sent.append(notice)

    def rounds(self) -> Rounds:
        return Rounds(self.writing, {"web": self.deliver}, now=self.watch)


@pytest.fixture
def town(database: Engine) -> Town:
    return Town(database)


def test_a_round_delivers_what_is_due_once(town: Town) -> None:
    made = town.book()
    rounds = town.rounds()
    rounds.go()
    assert town.sent == []
    town.watch.time = at(town.watch.today, 17)
    rounds.go()
    rounds.go()
    assert [(one.kind, one.appointment, one.owner) for one in town.sent] == [("remind", made, "web:a")]


def test_every_round_runs_the_errands(town: Town) -> None:
    ran: list[datetime] = []
    rounds = Rounds(town.writing, {"web": town.deliver}, now=town.watch, errands=[ran.append])
    rounds.go()
    rounds.go()
    assert ran == [town.watch(), town.watch()]


def test_two_processes_that_go_round_deliver_once(town: Town) -> None:
    town.book()
    town.close()
    for rounds in (town.rounds(), town.rounds()):
        rounds.go()
    assert [one.kind for one in town.sent] == ["displaced"]


def test_what_another_processs_channel_delivers_waits_for_it(town: Town) -> None:
    town.book(owner="wechat:a")
    town.close()
    town.rounds().go()
    assert town.sent == []
    Rounds(town.writing, {"wechat": town.deliver}, now=town.watch).go()
    assert [one.owner for one in town.sent] == ["wechat:a"]


def test_a_channel_that_fails_gets_the_notice_again_later(town: Town) -> None:
    town.book()
    town.close()
    town.refused = 1
    rounds = town.rounds()
    rounds.go()
    assert town.sent == []
    town.watch.pass_(hours=1)
    rounds.go()
    assert len(town.sent) == 1


def test_the_day_is_tidied_once_and_again_when_the_next_one_begins(town: Town) -> None:
    first, second = town.book(), town.book(days=4)
    rounds = town.rounds()
    rounds.go()
    assert status(town, first) is Status.BOOKED
    town.watch.time = at(town.watch.today + timedelta(days=2), 0)
    rounds.go()
    assert (status(town, first), status(town, second)) == (Status.LAPSED, Status.BOOKED)
    town.watch.pass_(days=3)
    rounds.go()
    assert status(town, second) is Status.LAPSED


def test_details_are_deleted_when_their_time_is_over(town: Town) -> None:
    made = town.book()
    town.watch.pass_(days=183)
    town.rounds().go()
    assert town.desk.held(made).details is None


def test_a_round_that_fails_does_not_end_the_rounds(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels.rounds, "EVERY", 0.01)
    went = threading.Event()
    rounds = town.rounds()
    failures = iter([ConnectionError("the database is away"), ValueError("and again")])

    def go() -> None:
        if failure := next(failures, None):
            raise failure
        went.set()

    monkeypatch.setattr(rounds, "go", go)
    rounds.start()
    try:
        assert went.wait(30)
    finally:
        rounds.stop()


def test_rounds_that_never_started_can_be_stopped(town: Town) -> None:
    town.rounds().stop()


def test_once_a_day_the_turns_that_are_too_old_are_forgotten(town: Town, database: Engine) -> None:
    with town.writing.begin() as session:
        keep(session, [turn("旧的", at=town.watch() - timedelta(days=31)), turn("新的", at=town.watch())])
    Rounds(town.writing, {"web": town.deliver}, now=town.watch, journal_days=30).go()
    with sessions(database)() as session:
        assert [one.asked for one in turns.entries(session, regions=["000000"]).entries] == ["新的"]


def status(town: Town, appointment: int) -> Status:
    return town.desk.held(appointment).appointment.status
