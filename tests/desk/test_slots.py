"""The times that can be booked, and why a day has none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from core.clock import CHINA
from desk.calendar import SpecialDay, announce, enter
from desk.days import reset_hours, set_hours
from desk.halls import Window, open_hall
from desk.models import SlotRow
from desk.places import Place
from desk.rules import Rules
from desk.slots import DaySlots, Slot, Stretch, available, slot_at, within
from knowledge import publishing
from knowledge.hours import parse
from knowledge.schema import Hall, Hours, HoursException, WeeklyRule
from tests.desk.conftest import EAST, HOURS, REGION, THURSDAY, at

TODAY = date(2026, 10, 15)
FRIDAY, SATURDAY, SUNDAY, MONDAY = (TODAY + timedelta(days=n) for n in (1, 2, 3, 4))
NATIONAL_DAY, MADE_UP = date(2026, 10, 1), date(2026, 10, 10)
MORNING = [(9, 0), (9, 30), (10, 0), (10, 30), (11, 0), (11, 30)]
AFTERNOON = [(13, 30), (14, 0), (14, 30), (15, 0), (15, 30), (16, 0), (16, 30)]
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


def window(hours: str | Hours = HOURS, name: str = "综合窗口", **fields: Any) -> Window:
    """A window group of the east hall."""
    made = parse(hours) if isinstance(hours, str) else hours
    hall = Hall(name=EAST, region=REGION, address="东门", hours=made)
    return Window(f"id of {name}", name, hall, made, Rules(**fields))


def weekly(*stretches: Stretch, days: list[int] | None = None, workdays_only: bool = True) -> Hours:
    rules = [
        WeeklyRule(days=days or [1, 2, 3, 4, 5], opens=opens, closes=closes, workdays_only=workdays_only)
        for opens, closes in stretches
    ]
    return Hours(text="", rules=rules)


def look(session: Session, place: Window, day: date, now: datetime = THURSDAY) -> DaySlots:
    """One day at one window."""
    return available(session, [place], day, day, now=now)[place.id][0]


def times(found: DaySlots) -> list[tuple[int, int]]:
    return [(slot.starts.hour, slot.starts.minute) for slot in found.slots]


def exceptional(session: Session, day: date, *stretches: Stretch, note: str = "", now: datetime = THURSDAY) -> None:
    publishing.save_hall(session, window().hall)
    open_hall(session, REGION, EAST, Rules())
    set_hours(session, REGION, EAST, day, stretches, note=note, by="staff:a", now=now)


def take(session: Session, place: Window, starts: datetime, taken: int, minutes: int = 30) -> None:
    held = Place(place.id, starts, starts + timedelta(minutes=minutes))
    key, day, begins = held.key
    session.add(SlotRow(window=key, day=day, begins=begins, minutes=held.minutes, taken=taken))
    session.flush()


# -- ordinary days --


def test_an_ordinary_day_has_slots_before_and_after_the_lunch_break(session: Session) -> None:
    found = look(session, window(), FRIDAY)
    assert times(found) == MORNING + AFTERNOON
    assert found.closed == ""
    assert found.slots[0] == Slot(at(FRIDAY, 9), at(FRIDAY, 9, 30), 2, 2)
    assert found.free == 26


@pytest.mark.parametrize(
    ("stretch", "slot", "last", "many"),
    [
        (("09:00", "11:45"), 30, (11, 0), 5),  # the last half hour is not filled
        (("09:00", "12:00"), 45, (11, 15), 4),
        (("09:15", "10:15"), 60, (9, 15), 1),
        (("09:00", "09:10"), 5, (9, 5), 2),
    ],
)
def test_a_slot_is_whole_or_is_not_there(
    session: Session, stretch: Stretch, slot: int, last: tuple[int, int], many: int
) -> None:
    found = times(look(session, window(weekly(stretch), slot=slot), FRIDAY))
    assert (found[-1], len(found)) == (last, many)


def test_a_hall_that_opens_for_less_than_one_slot_says_so(session: Session) -> None:
    found = look(session, window(weekly(("09:00", "09:20")), slot=30), FRIDAY)
    assert (found.slots, found.closed) == ((), "这一天办公时间太短，不能预约")


def test_a_place_that_never_closes_has_slots_around_the_clock_and_the_last_ends_at_midnight(session: Session) -> None:
    hours = weekly(("00:00", "24:00"), days=EVERY_DAY, workdays_only=False)
    found = look(session, window(hours, slot=60), SUNDAY)
    assert times(found) == [(hour, 0) for hour in range(24)]
    assert found.slots[-1].ends == at(MONDAY, 0)
    assert slot_at(session, window(hours, slot=60), at(MONDAY, 0), now=THURSDAY) != found.slots[-1]


def test_all_days_of_a_stretch_come_in_order_for_each_window(session: Session) -> None:
    one, other = window(name="甲"), window(name="乙", capacity=5)
    found = available(session, [one, other], TODAY, MONDAY, now=THURSDAY)
    assert [day.day.day for day in found[one.id]] == [TODAY, FRIDAY, SATURDAY, SUNDAY, MONDAY]
    assert (found[one.id][1].free, found[other.id][1].free) == (26, 65)


def test_a_month_of_many_windows_costs_no_more_queries_than_one_day_of_one(session: Session) -> None:
    counted: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        counted.append(statement)

    session.connection()  # the transaction has begun before anything is counted
    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", count)
    try:
        look(session, window(), FRIDAY)
        single = len(counted)
        available(session, [window(name=f"{n}号") for n in range(20)], TODAY, TODAY + timedelta(days=30), now=THURSDAY)
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len(counted) == 2 * single


# -- what is taken --


def test_places_that_are_taken_are_not_offered_and_a_full_slot_stays_to_be_seen(session: Session) -> None:
    place = window()
    take(session, place, at(FRIDAY, 9), 2)
    take(session, place, at(FRIDAY, 9, 30), 1)
    assert [slot.free for slot in look(session, place, FRIDAY).slots[:3]] == [0, 1, 2]


def test_a_window_with_fewer_places_than_were_taken_is_full_and_not_below(session: Session) -> None:
    take(session, window(), at(FRIDAY, 9), 2)
    assert look(session, window(capacity=1), FRIDAY).slots[0].free == 0


def test_another_windows_appointments_take_nothing_here(session: Session) -> None:
    take(session, window(name="乙"), at(FRIDAY, 9), 2)
    assert look(session, window(name="甲"), FRIDAY).slots[0].free == 2


def test_a_window_without_places_takes_no_appointments(session: Session) -> None:
    found = look(session, window(capacity=0), FRIDAY)
    assert (found.slots, found.closed) == ((), "这个窗口暂时不接受预约")


# -- today --


@pytest.mark.parametrize(
    ("now", "first"), [(at(TODAY, 8), (9, 0)), (at(TODAY, 8, 1), (9, 30)), (at(TODAY, 11), (13, 30))]
)
def test_today_begins_after_the_lead_time(session: Session, now: datetime, first: tuple[int, int]) -> None:
    assert times(look(session, window(lead=60), TODAY, now))[0] == first


def test_after_the_last_slot_today_is_over(session: Session) -> None:
    assert times(look(session, window(lead=60), TODAY, at(TODAY, 15, 30))) == [(16, 30)]
    found = look(session, window(lead=60), TODAY, at(TODAY, 15, 31))
    assert (found.slots, found.closed) == ((), "今天的预约时间已经过了")


def test_a_long_lead_time_ends_tomorrow_too(session: Session) -> None:
    found = look(session, window(lead=2 * 1440), FRIDAY, at(TODAY, 8))
    assert (found.slots, found.closed) == ((), "这一天的预约已经截止")


def test_a_lead_time_over_midnight_reaches_into_the_next_morning(session: Session) -> None:
    hours = weekly(("00:00", "24:00"), days=EVERY_DAY, workdays_only=False)
    assert times(look(session, window(hours, lead=60, slot=60), FRIDAY, at(TODAY, 23, 30)))[0] == (1, 0)


@pytest.mark.parametrize(
    ("now", "gone"),
    [
        (datetime(2026, 10, 15, 15, 59, tzinfo=UTC), False),  # a minute to midnight in China
        (datetime(2026, 10, 15, 16, 0, tzinfo=UTC), True),
    ],
)
def test_the_day_changes_at_midnight_in_china(session: Session, now: datetime, gone: bool) -> None:
    assert (look(session, window(), TODAY, now).closed == "已经过去了") is gone
    assert (look(session, window(horizon=1), MONDAY, now).closed == "") is gone


def test_a_moment_is_found_in_whatever_zone_it_is_given(session: Session) -> None:
    hours = weekly(("07:00", "09:00"))
    found = slot_at(session, window(hours), datetime(2026, 10, 15, 23, 0, tzinfo=UTC), now=THURSDAY)
    assert isinstance(found, Slot)
    assert found.starts == at(FRIDAY, 7)
    assert found.starts.tzinfo is CHINA


@pytest.mark.parametrize("minute", [1, 15, 31])
def test_a_moment_between_two_slots_is_none(session: Session, minute: int) -> None:
    found = slot_at(session, window(), at(FRIDAY, 9, minute), now=THURSDAY)
    assert isinstance(found, DaySlots)
    assert found.day.day == FRIDAY


# -- days off --


@pytest.mark.parametrize(
    ("hours", "day", "closed"),
    [
        (HOURS, SATURDAY, "大厅周末不办公"),
        (HOURS, SUNDAY, "大厅周末不办公"),
        ("周一至周六 9:00-12:00", SUNDAY, "大厅周日不办公"),
        ("周二至周日 9:00-12:00", MONDAY, "大厅周一不办公"),
        ("周一、周三、周五 9:00-12:00", date(2026, 10, 20), "大厅周二不办公"),
        ("详情请咨询大厅", FRIDAY, "大厅没有写清楚办公时间，请打电话问大厅"),
        ("", SUNDAY, "大厅没有写清楚办公时间，请打电话问大厅"),
        (HOURS, date(2026, 10, 14), "已经过去了"),
    ],
)
def test_a_day_off_says_why_in_plain_words(session: Session, hours: str, day: date, closed: str) -> None:
    found = look(session, window(hours), day)
    assert (found.slots, found.closed) == ((), closed)


def test_a_hall_that_works_on_saturdays_takes_appointments_on_saturdays(session: Session) -> None:
    assert times(look(session, window("周一至周六 9:00-10:00"), SATURDAY)) == [(9, 0), (9, 30)]


def test_a_holiday_is_called_by_its_name(session: Session) -> None:
    assert look(session, window(), NATIONAL_DAY, at(date(2026, 9, 28), 8)).closed == "国庆节放假"


def test_a_place_that_works_through_holidays_takes_appointments_on_them(session: Session) -> None:
    hours = weekly(("09:00", "10:00"), days=EVERY_DAY, workdays_only=False)
    found = look(session, window(hours), NATIONAL_DAY, at(date(2026, 9, 28), 8))
    assert times(found) == [(9, 0), (9, 30)]


def test_a_weekend_day_that_is_worked_has_the_hours_of_a_monday(session: Session) -> None:
    weekend = WeeklyRule(days=[6, 7], opens="10:00", closes="11:00")
    hours = Hours(rules=[*weekly(("09:00", "12:00")).rules, weekend])
    now = at(date(2026, 10, 8), 8)
    assert times(look(session, window(hours), MADE_UP, now)) == MORNING
    assert times(look(session, window(hours), MADE_UP + timedelta(days=7), now)) == [(10, 0), (10, 30)]


def test_a_hall_closed_on_mondays_has_its_weekend_hours_on_a_weekend_day_that_is_worked(session: Session) -> None:
    found = look(session, window("周二至周六 9:00-10:00"), MADE_UP, at(date(2026, 10, 8), 8))
    assert times(found) == [(9, 0), (9, 30)]


def test_a_day_that_the_hall_published_as_different_is_so(session: Session) -> None:
    weekly_rules = weekly(("09:00", "12:00")).rules
    own = [HoursException(day=FRIDAY, note="消防演练"), HoursException(day=SUNDAY, opens="09:00", closes="10:00")]
    hours = Hours(rules=weekly_rules, exceptions=[*own, HoursException(day=MADE_UP, opens="14:00", closes="15:00")])
    assert look(session, window(hours), FRIDAY).closed == "消防演练"
    assert times(look(session, window(hours), SUNDAY)) == [(9, 0), (9, 30)]
    assert times(look(session, window(hours), MADE_UP, at(date(2026, 10, 8), 8))) == [(14, 0), (14, 30)]


# -- what staff set --


@pytest.mark.parametrize(("note", "told"), [("系统升级", "系统升级"), ("", "大厅临时不办公")])
def test_a_day_that_staff_closed_gives_their_reason(session: Session, note: str, told: str) -> None:
    exceptional(session, FRIDAY, note=note)
    assert look(session, window(), FRIDAY).closed == told


def test_extra_hours_open_a_sunday_and_shorter_ones_stand_over_the_weekly_ones(session: Session) -> None:
    exceptional(session, SUNDAY, ("09:00", "10:00"))
    exceptional(session, FRIDAY, ("14:00", "15:00"), ("10:00", "10:30"))
    assert times(look(session, window(), SUNDAY)) == [(9, 0), (9, 30)]
    assert times(look(session, window(), FRIDAY)) == [(10, 0), (14, 0), (14, 30)]


def test_hours_that_staff_set_open_a_day_of_a_hall_whose_words_were_not_understood(session: Session) -> None:
    exceptional(session, FRIDAY, ("09:00", "10:00"))
    assert times(look(session, window("详情请咨询大厅"), FRIDAY)) == [(9, 0), (9, 30)]


def test_a_day_given_its_weekly_hours_back_has_them(session: Session) -> None:
    exceptional(session, FRIDAY)
    reset_hours(session, REGION, EAST, FRIDAY, by="staff:a", now=THURSDAY)
    assert times(look(session, window(), FRIDAY)) == MORNING + AFTERNOON


def test_an_exception_of_one_hall_does_not_touch_its_namesake_elsewhere(session: Session) -> None:
    exceptional(session, FRIDAY)
    elsewhere = Hall(name=EAST, region="980103", address="别处", hours=parse(HOURS))
    place = Window("another", "", elsewhere, elsewhere.hours, Rules())
    assert times(look(session, place, FRIDAY)) == MORNING + AFTERNOON


# -- how far ahead --


def test_the_horizon_is_told_and_the_last_day_of_it_can_be_booked(session: Session) -> None:
    place, now = window(horizon=2), at(date(2026, 9, 29), 8)
    assert look(session, place, date(2026, 10, 8), now).slots
    assert look(session, place, date(2026, 10, 9), now).closed == "还没放号，现在可以约到 10月8日"


def test_without_a_horizon_today_alone_can_be_booked(session: Session) -> None:
    assert look(session, window(horizon=0), TODAY).slots
    assert look(session, window(horizon=0), FRIDAY).closed == "还没放号，现在可以约到 10月15日"


def test_a_year_whose_holidays_are_not_announced_waits_for_them(session: Session) -> None:
    day, now = date(2097, 1, 2), at(date(2096, 12, 31), 8)  # a Wednesday
    announce(session, 2096, [])
    assert look(session, window(), day, now).closed == "2097年放假安排待公布，公布后开放预约"
    announce(session, 2097, [SpecialDay(date(2097, 1, 1), False, "元旦")])
    assert times(look(session, window(), day, now)) == MORNING + AFTERNOON
    assert look(session, window(), date(2097, 1, 1), now).closed == "元旦放假"


def test_hours_that_staff_set_do_not_wait_for_the_holidays(session: Session) -> None:
    now = at(date(2096, 12, 31), 8)
    exceptional(session, date(2097, 1, 2), ("09:00", "10:00"), now=now)
    assert times(look(session, window(), date(2097, 1, 2), now)) == [(9, 0), (9, 30)]


def test_what_staff_enter_in_the_calendar_shows_at_once(session: Session) -> None:
    enter(session, SpecialDay(FRIDAY, False, "市庆"))
    enter(session, SpecialDay(SATURDAY, True))
    assert look(session, window(), FRIDAY).closed == "市庆放假"
    assert times(look(session, window(), SATURDAY)) == MORNING + AFTERNOON


@pytest.mark.parametrize(
    ("starts", "ends", "stretches", "inside"),
    [
        ((9, 0), (9, 30), [("09:00", "09:30")], True),
        ((9, 0), (9, 31), [("09:00", "09:30")], False),
        ((8, 59), (9, 30), [("09:00", "12:00")], False),
        ((11, 45), (13, 45), [("09:00", "12:00"), ("13:30", "17:00")], False),
        ((9, 0), (9, 30), [], False),
        ((23, 30), (24, 0), [("00:00", "24:00")], True),
    ],
)
def test_a_slot_lies_wholly_inside_one_stretch_or_outside(
    starts: tuple[int, int], ends: tuple[int, int], stretches: list[Stretch], inside: bool
) -> None:
    midnight = at(FRIDAY, 0)
    begins, until = (midnight + timedelta(hours=hour, minutes=minute) for hour, minute in (starts, ends))
    assert within(begins, until, stretches) is inside
