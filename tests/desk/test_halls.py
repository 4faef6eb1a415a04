"""Halls that take appointments, and the windows of a guide."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from desk.halls import NoHall, Window, by_distance, desk_halls, open_hall, read_hall, shut_hall, windows
from desk.rules import Rules, WindowRules
from knowledge import publishing
from knowledge.hours import parse
from knowledge.schema import Booking, Hall, Hours, Place
from tests.desk.conftest import HOURS, THURSDAY, guide

CITY, EAST_DISTRICT, WEST_DISTRICT, OTHER_CITY = "980100", "980102", "980103", "450600"
CENTRE = "市民中心"


def add(session: Session, region: str, name: str = CENTRE, rules: Rules | None = None, **fields: Any) -> None:
    """A hall that takes appointments."""
    made: dict[str, Any] = {"address": f"{region}{name}的地址", "hours": parse(HOURS)} | fields
    publishing.save_hall(session, Hall(name=name, region=region, **made))
    open_hall(session, region, name, rules or Rules())


def found(session: Session, *places: Place, region: str = EAST_DISTRICT, **fields: Any) -> tuple[Window, ...]:
    """The windows of a guide with these places."""
    made = guide(region=region, places=list(places), **fields)
    publishing.publish(session, made, by="tests", at=THURSDAY)
    published = publishing.read(session, publishing.find(session, region, made.local_code) or 0)
    assert published is not None
    return windows(session, published)


# -- halls --


def test_only_a_published_hall_can_take_appointments(session: Session) -> None:
    with pytest.raises(NoHall, match="请先在大厅资料里添加"):
        open_hall(session, CITY, CENTRE, Rules())


def test_a_hall_opened_again_has_its_new_rules(session: Session) -> None:
    add(session, CITY, rules=Rules(capacity=3))
    open_hall(session, CITY, CENTRE, Rules(capacity=9))
    assert read_hall(session, CITY, CENTRE).rules.capacity == 9


def test_a_hall_that_was_shut_takes_no_more_appointments(session: Session) -> None:
    add(session, CITY)
    shut_hall(session, CITY, CENTRE)
    assert desk_halls(session) == ()
    for again in (read_hall, shut_hall):
        with pytest.raises(NoHall):
            again(session, CITY, CENTRE)


def test_halls_come_by_region_and_name(session: Session) -> None:
    for region, name in ((WEST_DISTRICT, "甲"), (EAST_DISTRICT, "乙"), (EAST_DISTRICT, "丙")):
        add(session, region, name)
    assert [(one.hall.region, one.hall.name) for one in desk_halls(session)] == [
        (EAST_DISTRICT, "丙"), (EAST_DISTRICT, "乙"), (WEST_DISTRICT, "甲"),
    ]  # fmt: skip


# -- windows --


@pytest.mark.parametrize("booking", [None, Booking(offered=False)])
def test_an_item_without_appointments_has_no_window(session: Session, booking: Booking | None) -> None:
    add(session, EAST_DISTRICT)
    assert found(session, Place(name=CENTRE), booking=booking) == ()


def test_places_without_a_hall_and_halls_without_appointments_are_left_out(session: Session) -> None:
    add(session, EAST_DISTRICT)
    publishing.save_hall(session, Hall(name="老大厅", region=EAST_DISTRICT, address="老街", hours=parse(HOURS)))
    places = (Place(address="某路 1 号"), Place(name="老大厅"), Place(name="派出所"), Place(name=CENTRE, window="甲"))
    assert [one.where for one in found(session, *places)] == [f"{CENTRE} 甲"]


def test_windows_keep_the_guides_order(session: Session) -> None:
    for name in ("甲厅", "乙厅"):
        add(session, EAST_DISTRICT, name)
    assert [one.where for one in found(session, Place(name="乙厅"), Place(name="甲厅", window="3号"))] == [
        "乙厅",
        "甲厅 3号",
    ]


def test_a_window_spaced_in_different_ways_is_one_window(session: Session) -> None:
    add(session, EAST_DISTRICT, rules=Rules(windows={"2楼 综合窗口（A区）": WindowRules(capacity=7)}))
    (one,) = found(
        session, Place(name=CENTRE, window="2楼　综合窗口（A区）"), Place(name=CENTRE, window="2楼综合窗口(A区)")
    )
    (other,) = found(session, Place(name=CENTRE, window=" 2楼 综合 窗口 (A区)"), local_code="test-002")
    assert one.id == other.id
    assert one.rules.capacity == other.rules.capacity == 7


def test_windows_of_one_name_in_two_halls_or_of_two_names_in_one_hall_are_two(session: Session) -> None:
    for name in ("甲厅", "乙厅"):
        add(session, EAST_DISTRICT, name)
    places = [Place(name=hall, window=window) for hall in ("甲厅", "乙厅") for window in ("1号", "2号", None)]
    assert len({one.id for one in found(session, *places)}) == 6


def test_of_two_halls_of_one_name_the_one_in_the_guides_district_is_meant(session: Session) -> None:
    add(session, EAST_DISTRICT)
    add(session, WEST_DISTRICT)
    for region in (EAST_DISTRICT, WEST_DISTRICT):
        (one,) = found(session, Place(name=CENTRE), region=region, local_code=region)
        assert one.hall.region == region


@pytest.mark.parametrize("region", [EAST_DISTRICT, WEST_DISTRICT])
def test_a_guide_of_the_city_means_the_hall_whose_address_it_gives(session: Session, region: str) -> None:
    add(session, EAST_DISTRICT)
    add(session, WEST_DISTRICT)
    (one,) = found(session, Place(name=CENTRE, address=f"{region}{CENTRE}的地址"), region=CITY)
    assert one.hall.region == region


def test_a_guide_of_the_city_that_gives_no_address_means_the_same_hall_every_time(session: Session) -> None:
    add(session, WEST_DISTRICT)
    add(session, EAST_DISTRICT)
    (one,) = found(session, Place(name=CENTRE), region=CITY)
    assert one.hall.region == EAST_DISTRICT


@pytest.mark.parametrize(
    ("hall", "guide_of", "meant"),
    [
        (CITY, EAST_DISTRICT, True),
        (EAST_DISTRICT, CITY, True),
        (WEST_DISTRICT, EAST_DISTRICT, True),  # a district may send people to its neighbour
        (EAST_DISTRICT, "980000", True),
        (EAST_DISTRICT, "000000", True),
        ("980000", EAST_DISTRICT, True),
        (EAST_DISTRICT, "980102001", True),
        (OTHER_CITY, EAST_DISTRICT, False),
        (OTHER_CITY, "450700", False),  # another city of the same province
        ("450702", OTHER_CITY, False),
        ("110000", "110101", True),  # a municipality's own hall
    ],
)
def test_a_hall_of_that_name_in_another_city_is_not_meant(
    session: Session, hall: str, guide_of: str, meant: bool
) -> None:
    add(session, hall)
    assert bool(found(session, Place(name=CENTRE), region=guide_of)) is meant


def test_a_place_with_hours_of_its_own_has_those_and_words_alone_do_not_count(session: Session) -> None:
    add(session, EAST_DISTRICT)
    own = parse("周一至周五 10:00-11:00")
    one, other = found(
        session,
        Place(name=CENTRE, window="甲", hours=own),
        Place(name=CENTRE, window="乙", hours=Hours(text="详询大厅")),
    )
    assert one.hours == own
    assert other.hours == parse(HOURS)


# -- distance --


def test_the_nearest_comes_first_and_those_without_a_position_last(session: Session) -> None:
    add(session, EAST_DISTRICT, "没有坐标")
    add(session, EAST_DISTRICT, "远", latitude=31.0, longitude=120.0)
    add(session, EAST_DISTRICT, "近", latitude=30.1, longitude=120.0)
    ordered = by_distance(found(session, *(Place(name=name) for name in ("没有坐标", "远", "近"))), 30.0, 120.0)
    assert [window.hall.name for window, _ in ordered] == ["近", "远", "没有坐标"]
    assert [distance and round(distance, 1) for _, distance in ordered] == [11.1, 111.2, None]


def test_who_stands_at_the_door_is_nowhere_else(session: Session) -> None:
    add(session, EAST_DISTRICT, latitude=30.0, longitude=120.0)
    ((_, distance),) = by_distance(found(session, Place(name=CENTRE)), 30.0, 120.0)
    assert distance == 0
