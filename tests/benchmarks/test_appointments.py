"""The measurement of appointments runs, and would not count a booking that was lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import appointments
from benchmarks.appointments import AIM, Town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = appointments._town(f"sqlite:///{tmp_path / 'bench.db'}")
    yield made
    made.engine.dispose()


def test_bookings_are_measured_beside_a_naive_count(town: Town) -> None:
    found = appointments.booking("SQLite", town, clients=2, many=6)
    assert [figure.name for figure in found] == ["SQLite, 2 clients, one slot", "SQLite, 2 clients, 60 slots"]
    assert all(figure.ours > 0 and figure.baseline for figure in found)


def test_a_run_that_lost_a_booking_is_no_measurement(town: Town) -> None:
    naive = appointments._Naive(town, appointments._starts(1))
    naive.book(0)
    with pytest.raises(AssertionError, match="1 were to be booked: None places, 0 appointments, 1 naive"):
        appointments._check(town, naive, 1)


def test_a_month_of_halls_is_shown_as_it_would_be_hall_by_hall(town: Town) -> None:
    fifty, ninety_five = appointments.showing("SQLite", town, rounds=1)
    assert fifty.ours > 0
    assert ninety_five.aim == AIM
