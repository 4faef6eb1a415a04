"""Which days are worked."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from core.errors import Invalid
from desk.calendar import Calendar, Day, Sort, SpecialDay, announce, enter

NEW_YEAR_2027 = SpecialDay(date(2027, 1, 1), False, "元旦")


@pytest.mark.parametrize(
    ("day", "sort", "name"),
    [
        ("2026-09-30", Sort.WORKING, ""),
        ("2026-10-01", Sort.HOLIDAY, "国庆节"),
        ("2026-10-04", Sort.HOLIDAY, "国庆节"),  # a Sunday within the holiday
        ("2026-10-07", Sort.HOLIDAY, "国庆节"),
        ("2026-10-08", Sort.WORKING, ""),
        ("2026-10-10", Sort.MADE_UP, "国庆节"),  # a Saturday
        ("2026-10-11", Sort.WEEKEND, ""),
        ("2026-02-14", Sort.MADE_UP, "春节"),  # a Saturday
        ("2026-02-15", Sort.HOLIDAY, "春节"),
        ("2026-02-23", Sort.HOLIDAY, "春节"),
        ("2026-02-24", Sort.WORKING, ""),
        ("2026-02-28", Sort.MADE_UP, "春节"),
        ("2026-06-19", Sort.HOLIDAY, "端午"),
    ],
)
def test_official_holidays_and_make_up_days_are_known_by_name(day: str, sort: Sort, name: str) -> None:
    known = Calendar().day(date.fromisoformat(day))
    assert known == Day(date.fromisoformat(day), sort, name, announced=True)
    assert known.working is (sort in (Sort.WORKING, Sort.MADE_UP))


def test_a_year_that_is_not_announced_says_so_and_knows_weekends_alone() -> None:
    known = [Calendar().day(date(2097, 10, day)) for day in range(1, 8)]
    assert not any(one.announced for one in known)
    assert {one.sort for one in known} == {Sort.WORKING, Sort.WEEKEND}


def test_the_special_days_of_a_year_come_in_order() -> None:
    special = list(Calendar().year(2026))
    assert special[0] == SpecialDay(date(2026, 1, 1), False, "元旦")
    assert special[-1] == SpecialDay(date(2026, 10, 10), True, "国庆节")
    assert [one.day for one in special] == sorted(one.day for one in special)
    assert sum(one.working for one in special) == 6
    assert list(Calendar().year(2097)) == []


# -- what staff enter --


def test_what_staff_entered_stands_over_the_built_in_calendar(session: Session) -> None:
    enter(session, SpecialDay(date(2026, 10, 8), False, "调休"))
    enter(session, SpecialDay(date(2026, 10, 10), False, ""))
    calendar = Calendar.load(session)
    assert calendar.day(date(2026, 10, 8)).sort is Sort.HOLIDAY
    assert calendar.day(date(2026, 10, 10)).sort is Sort.HOLIDAY
    assert calendar.day(date(2026, 10, 1)).name == "国庆节"


def test_a_day_entered_again_is_set_right(session: Session) -> None:
    enter(session, SpecialDay(date(2026, 11, 20), False, "停电"))
    enter(session, SpecialDay(date(2026, 11, 20), True))
    assert Calendar.load(session).day(date(2026, 11, 20)) == Day(date(2026, 11, 20), Sort.WORKING)


def test_a_year_announced_whole_is_known_from_then_on(session: Session) -> None:
    announce(
        session, 2097, [SpecialDay(date(2097, 10, 1), False, "国庆节"), SpecialDay(date(2097, 10, 12), True, "国庆节")]
    )
    calendar = Calendar.load(session)
    assert calendar.day(date(2097, 10, 1)) == Day(date(2097, 10, 1), Sort.HOLIDAY, "国庆节", announced=True)
    assert calendar.day(date(2097, 10, 12)).sort is Sort.MADE_UP
    assert calendar.day(date(2097, 10, 2)) == Day(date(2097, 10, 2), Sort.WORKING, announced=True)
    assert not calendar.day(date(2098, 1, 1)).announced


def test_a_year_announced_again_forgets_what_was_entered_before_and_the_built_in_calendar(session: Session) -> None:
    enter(session, SpecialDay(date(2026, 3, 3), False, "旧的"))
    announce(session, 2026, [SpecialDay(date(2026, 10, 1), False, "国庆")])
    announce(session, 2026, [SpecialDay(date(2026, 10, 2), False, "国庆")])
    calendar = Calendar.load(session)
    assert list(calendar.year(2026)) == [SpecialDay(date(2026, 10, 2), False, "国庆")]
    assert calendar.day(date(2025, 10, 1)).name.startswith("国庆")


@pytest.mark.parametrize("days", [[NEW_YEAR_2027, SpecialDay(date(2028, 1, 1), False)], [NEW_YEAR_2027, NEW_YEAR_2027]])
def test_days_of_another_year_and_days_named_twice_are_refused(session: Session, days: list[SpecialDay]) -> None:
    with pytest.raises(Invalid, match="2027 年"):
        announce(session, 2027, days)


# -- how far --


def test_the_known_time_ends_with_the_last_year_that_follows_without_a_gap(session: Session) -> None:
    known = Calendar().announced_until(2026)
    year = known.year
    assert known == date(year, 12, 31)
    assert Calendar().announced(year)
    assert not Calendar().announced(year + 1)
    announce(session, year + 2, [])  # a year too far ahead leaves the gap
    assert Calendar.load(session).announced_until(2026) == known
    announce(session, year + 1, [])
    assert Calendar.load(session).announced_until(2026) == date(year + 2, 12, 31)


def test_of_a_year_that_is_not_known_not_even_the_first_day_is() -> None:
    assert Calendar().announced_until(2097) == date(2096, 12, 31)


@pytest.mark.parametrize(
    ("today", "horizon", "last"),
    [
        ("2026-09-29", 0, "2026-09-29"),
        ("2026-09-29", 1, "2026-09-30"),
        ("2026-09-29", 2, "2026-10-08"),  # over the holiday
        ("2026-09-29", 4, "2026-10-10"),  # the Saturday that is worked counts
        ("2026-09-29", 5, "2026-10-12"),
        ("2026-10-03", 1, "2026-10-08"),
        ("2026-11-22", 1, "2026-11-23"),
        ("2026-11-20", 10, "2026-12-04"),
    ],
)
def test_the_horizon_counts_working_days_after_today(today: str, horizon: int, last: str) -> None:
    assert Calendar().last(date.fromisoformat(today), horizon) == date.fromisoformat(last)


def test_the_horizon_follows_what_staff_entered(session: Session) -> None:
    today = date(2026, 11, 23)
    assert Calendar().last(today, 1) == today + timedelta(days=1)
    enter(session, SpecialDay(today + timedelta(days=1), False))
    assert Calendar.load(session).last(today, 1) == today + timedelta(days=2)
