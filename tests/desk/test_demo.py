"""The demonstration city's halls take appointments."""

from __future__ import annotations

from typing import Any

import yaml
from sqlalchemy.orm import Session

from desk.demo import SEEDS, load_demo
from desk.halls import desk_halls, open_hall, read_hall, shut_hall, windows
from desk.rules import Rules, plain_window
from knowledge import publishing, seeds
from tests.desk.conftest import THURSDAY


def load(session: Session) -> None:
    seeds.load_demo(session, at=THURSDAY)
    load_demo(session, at=THURSDAY)


def test_four_halls_of_the_demonstration_city_take_appointments(session: Session) -> None:
    load(session)
    assert [(one.hall.region, one.hall.name) for one in desk_halls(session)] == [
        ("980100", "云桥市政务服务中心"),
        ("980102", "松风区政务服务中心"),
        ("980103", "竹溪区政务服务中心"),
        ("980104", "梅岭区政务服务中心"),
    ]


def test_what_staff_changed_stands_at_the_next_start(session: Session) -> None:
    load(session)
    open_hall(session, "980102", "松风区政务服务中心", Rules(capacity=9))
    shut_hall(session, "980103", "竹溪区政务服务中心")
    load(session)
    assert read_hall(session, "980102", "松风区政务服务中心").rules == Rules(capacity=9)
    assert len(desk_halls(session)) == 3


def test_every_window_with_rules_of_its_own_is_one_that_guides_name(session: Session) -> None:
    load(session)
    named = {
        (place.name, plain_window(place.window))
        for guide in seeds.read().guides
        for place in guide.places
        if place.name and place.window
    }
    described = {(one["name"], plain_window(window)) for one in seeded() for window in one["rules"].get("windows", {})}
    assert described - named == set()


def test_every_item_that_takes_appointments_can_be_booked_somewhere_in_the_city(session: Session) -> None:
    load(session)
    without = []
    for guide in seeds.read().guides:
        if guide.booking and guide.booking.offered and not guide.booking.url:
            published = publishing.read(session, publishing.find(session, guide.region, guide.local_code) or 0)
            assert published is not None
            if not windows(session, published):
                without.append((guide.region, guide.name))
    assert without == []


def seeded() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load(SEEDS.read_text("utf-8"))
    return entries
