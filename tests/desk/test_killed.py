"""A process that is killed in the middle: what was confirmed stands, and nothing is there by half."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from subprocess import Popen

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from core.vault import Vault, new_key
from desk import appointments, days, outbox
from desk.front import FrontDesk, Offer
from desk.models import AppointmentEvent, AppointmentRow, OutboxRow, SlotRow
from desk.outbox import LEASE, Notice
from desk.status import Status
from tests.desk.conftest import EAST, REGION, ZHANG, Watch, at, rules, starts_of
from tests.desk.crowd import child

ROUNDS = 3


@pytest.fixture
def key() -> str:
    return new_key()


@pytest.fixture
def vault(key: str) -> Vault:
    return Vault([key])


@pytest.fixture
def started() -> Iterator[list[Popen[str]]]:
    """Processes that are ended with the test, however it ends."""
    made: list[Popen[str]] = []
    yield made
    for process in made:
        process.kill()
        process.communicate()


def test_whatever_was_confirmed_before_a_kill_is_there_and_nothing_by_half(
    database_url: str, key: str, vault: Vault, offer: Offer, writing, reading, watch: Watch, started: list[Popen[str]]
) -> None:
    rules(writing, capacity=500)
    starts = [at(watch.tomorrow, hour).isoformat() for hour in (9, 10, 11)]
    given = {"url": database_url, "key": key, "guide": offer.published.id, "window": offer.windows[0].id}
    draw = random.Random(4)
    confirmed: list[str] = []
    for turn in range(ROUNDS):
        process = child("book_on", **given, starts=starts, first=turn * 100_000)
        started.append(process)
        assert process.stdout is not None
        confirmed += [process.stdout.readline().strip() for _ in range(draw.randint(1, 40))]
        process.kill()  # in the middle of the next ones
        confirmed += process.stdout.read().split()
        _check_nothing_by_half(reading, vault, confirmed)
    assert len(confirmed) > ROUNDS


def test_a_notice_that_a_killed_process_had_claimed_is_delivered_by_another_under_the_same_key(
    database_url: str, offer: Offer, desk: FrontDesk, writing, watch: Watch, started: list[Popen[str]]
) -> None:
    made = desk.book(offer.published.id, offer.windows[0].id, at(watch.tomorrow, 9), ZHANG, owner="web:a", key="k")
    with writing.begin() as session:
        days.set_hours(session, REGION, EAST, made.day, [], note="停电", by="staff", now=watch())
    process = child("deliver_and_hang", url=database_url, now=watch().isoformat())
    started.append(process)
    assert process.stdout is not None
    sent = {process.stdout.readline().strip()}  # the channel had sent it; its settling never came
    process.kill()
    process.wait()
    sent_again: list[str] = []

    def channel(notice: Notice) -> None:
        """As a channel does that cannot take back what it sent: it knows keys."""
        (sent_again if notice.key in sent else pytest.fail("a new key")).append(notice.key)

    watch.time += LEASE - (LEASE / 100)
    assert outbox.deliver(writing, {"web": channel}, now=watch) == 0
    assert sent_again == []
    watch.time += LEASE
    assert outbox.deliver(writing, {"web": channel}, now=watch) == 1
    assert sent_again == list(sent)
    watch.time += 100 * LEASE
    assert outbox.deliver(writing, {"web": channel}, now=watch) == 0


def _check_nothing_by_half(reading: sessionmaker[Session], vault: Vault, confirmed: list[str]) -> None:
    with reading() as session:
        if session.get_bind().dialect.name == "postgresql":  # the killed one's last commit may come while we look
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        rows = list(session.scalars(select(AppointmentRow)))
        taken = {(row.window, starts_of(row)): row.taken for row in session.scalars(select(SlotRow))}
        assert Counter((row.window, row.starts_at) for row in rows) == taken
        assert set(confirmed) <= {row.number for row in rows}
        everyone = sorted(row.id for row in rows)
        assert sorted(session.scalars(select(AppointmentEvent.appointment))) == everyone
        assert sorted(session.scalars(select(OutboxRow.appointment))) == everyone
        for row in rows:
            assert row.status == Status.BOOKED
            details = appointments.read_details(session, vault, row.id)
            assert details is not None
            assert vault.marks(details.phone)[0] == row.phone_mark
