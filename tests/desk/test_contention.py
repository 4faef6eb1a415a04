"""Many citizens at the same moment, on both databases: nothing oversold, nobody left waiting for each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from core.vault import Vault, new_key
from desk import days
from desk.calendar import SpecialDay
from desk.front import FrontDesk, Offer
from desk.models import AppointmentRow, OutboxRow, SlotRow
from desk.status import HOLDING, Status
from tests.desk.conftest import EAST, REGION, ZHANG, Watch, at, rules, starts_of
from tests.desk.crowd import child, rush, somebody

PLACES = 20
CROWD = 500


@pytest.fixture
def key() -> str:
    return new_key()


@pytest.fixture
def vault(key: str) -> Vault:
    return Vault([key])


@pytest.fixture
def slot(writing: sessionmaker[Session], offer: Offer, watch: Watch) -> datetime:
    """A slot of twenty places."""
    rules(writing, capacity=PLACES)
    return at(watch.tomorrow, 9)


@pytest.fixture(autouse=True)
def _books_balance(database: Engine, writing: sessionmaker[Session]) -> Iterator[None]:
    """After every test: each slot counts exactly the appointments that hold a place in it."""
    yield
    with writing() as session:
        taken = {(row.window, starts_of(row)): row.taken for row in session.scalars(select(SlotRow)) if row.taken}
        held = (AppointmentRow.window, AppointmentRow.starts_at)
        query = select(*held, func.count()).where(AppointmentRow.status.in_(HOLDING)).group_by(*held)
        assert {(window, starts): many for window, starts, many in session.execute(query)} == taken


def test_five_hundred_for_twenty_places_give_twenty(
    desk: FrontDesk, offer: Offer, slot: datetime, writing: sessionmaker[Session]
) -> None:
    def book(number: int) -> None:
        desk.book(offer.published.id, offer.windows[0].id, slot, somebody(number), owner=f"web:{number}", key="k")

    assert rush(book, range(CROWD)) == {"done": PLACES, "SlotTaken": CROWD - PLACES}
    assert _taken(writing) == PLACES


def test_two_processes_sell_twenty_places_between_them(
    database_url: str, key: str, offer: Offer, slot: datetime, writing: sessionmaker[Session]
) -> None:
    half = CROWD // 2
    given = {"url": database_url, "key": key, "guide": offer.published.id, "window": offer.windows[0].id}
    both = [child("crowd", **given, starts=slot.isoformat(), first=n * half, many=half) for n in range(2)]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    told = [json.loads(process.communicate("go\n", timeout=120)[0]) for process in both]
    assert sum(one.get("done", 0) for one in told) == PLACES
    assert sum(one.get("SlotTaken", 0) for one in told) == CROWD - PLACES
    assert _taken(writing) == PLACES


def test_fifty_taps_with_one_key_book_once(
    desk: FrontDesk, offer: Offer, slot: datetime, writing: sessionmaker[Session]
) -> None:
    made = set()

    def tap(_: int) -> None:
        made.add(desk.book(offer.published.id, offer.windows[0].id, slot, ZHANG, owner="web:a", key="k"))

    assert rush(tap, range(50)) == {"done": 50}
    assert len(made) == 1
    assert _taken(writing) == 1


def test_the_limit_of_a_person_holds_whatever_is_tried_at_once(
    desk: FrontDesk, offer: Offer, writing: sessionmaker[Session], watch: Watch
) -> None:
    rules(writing, capacity=PLACES, open_limit=3, daily_limit=10)

    def book(number: int) -> None:
        starts = at(watch.tomorrow, 9 + number % 3)
        desk.book(offer.published.id, offer.windows[0].id, starts, ZHANG, owner=f"web:{number}", key=f"{number}")

    assert rush(book, range(50)) == {"done": 3, "NotForThem": 47}


def test_the_limit_of_an_account_holds_for_different_persons(
    desk: FrontDesk, offer: Offer, slot: datetime, writing: sessionmaker[Session]
) -> None:
    rules(writing, capacity=PLACES, account_limit=6)

    def book(number: int) -> None:
        desk.book(offer.published.id, offer.windows[0].id, slot, somebody(number), owner="web:a", key=f"{number}")

    assert rush(book, range(50)) == {"done": 6, "Refused": 44}


def test_those_who_change_crosswise_neither_wait_for_ever_nor_lose_a_place(
    desk: FrontDesk, offer: Offer, watch: Watch, writing: sessionmaker[Session]
) -> None:
    east, west = offer.windows
    places = ((east.id, at(watch.tomorrow, 9)), (west.id, at(watch.tomorrow, 10)))
    both = [
        desk.book(offer.published.id, *place, somebody(n), owner=f"web:{n}", key="k").id
        for n, place in enumerate(places)
    ]

    def swap(number: int) -> None:
        one, times = number % 2, number // 2
        desk.change(both[one], *places[(one + times) % 2], by=f"web:{one}")

    assert rush(swap, range(80)) == {"done": 80}  # two places each: there is room on the way
    assert _taken(writing) == 2


def test_those_who_change_crosswise_between_full_slots_keep_what_they_have(
    desk: FrontDesk, offer: Offer, watch: Watch, writing: sessionmaker[Session]
) -> None:
    rules(writing, capacity=1)
    window, times = offer.windows[0].id, (at(watch.tomorrow, 9), at(watch.tomorrow, 10))
    both = [
        desk.book(offer.published.id, window, starts, somebody(n), owner=f"web:{n}", key="k").id
        for n, starts in enumerate(times)
    ]

    def swap(number: int) -> None:
        desk.change(both[number % 2], window, times[1 - number % 2], by=f"web:{number % 2}")

    assert rush(swap, range(40)) == {"SlotTaken": 40}
    assert [desk.held(one).appointment.starts for one in both] == list(times)


def test_nothing_stays_booked_on_a_day_that_is_closed_meanwhile(
    desk: FrontDesk, offer: Offer, slot: datetime, writing: sessionmaker[Session], vault: Vault, watch: Watch
) -> None:
    rules(writing, capacity=500)

    def come_or_close(number: int) -> None:
        if number == 30:
            with writing.begin() as session:
                days.set_hours(session, REGION, EAST, slot.date(), [], note="停电", by="staff", now=watch())
        else:
            desk.book(offer.published.id, offer.windows[0].id, slot, somebody(number), owner=f"web:{number}", key="k")

    outcome = rush(come_or_close, range(100))
    assert outcome.keys() <= {"done", "NotBookable"}
    with writing() as session:
        statuses = set(session.scalars(select(AppointmentRow.status)))
        assert statuses <= {Status.DISPLACED}
        made = set(session.scalars(select(AppointmentRow.id)))
        told = list(session.scalars(select(OutboxRow.appointment).where(OutboxRow.kind == "displaced")))
    assert len(made) == outcome["done"] - 1  # one closed the day
    assert sorted(told) == sorted(made)


def test_nothing_stays_booked_on_a_day_that_becomes_a_holiday_meanwhile(
    desk: FrontDesk, offer: Offer, slot: datetime, writing: sessionmaker[Session], watch: Watch
) -> None:
    rules(writing, capacity=500)

    def come_or_enter(number: int) -> None:
        if number == 30:
            with writing.begin() as session:
                days.enter(session, SpecialDay(slot.date(), False, "市庆"), by="staff", now=watch())
        else:
            desk.book(offer.published.id, offer.windows[0].id, slot, somebody(number), owner=f"web:{number}", key="k")

    assert rush(come_or_enter, range(100)).keys() <= {"done", "NotBookable"}
    with writing() as session:
        assert set(session.scalars(select(AppointmentRow.status))) <= {Status.DISPLACED}


def _taken(writing: sessionmaker[Session]) -> int:
    with writing() as session:
        return session.scalar(select(func.sum(SlotRow.taken))) or 0
