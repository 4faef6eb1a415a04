"""Every rule of booking at its border and one step beyond it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from core.clock import CHINA
from desk.rules import (
    Block,
    NotForThem,
    Past,
    Refused,
    Rules,
    WindowRules,
    blocked_until,
    check_arrival,
    check_cancelling,
    check_day,
    check_identity,
    check_person,
    in_time,
)

NOW = datetime(2026, 10, 15, 1, 0, tzinfo=UTC)
TODAY = date(2026, 10, 15)
DAY = date(2026, 10, 16)
PASSPORT, LICENCE = 1, 2
DOCS = Path(__file__).parents[2] / "docs" / "appointments.md"
MINUTE = timedelta(minutes=1)


def days(*numbers: int) -> tuple[date, ...]:
    """Days of October 2026."""
    return tuple(date(2026, 10, 1) + timedelta(days=number - 1) for number in numbers)


# -- in time --


@pytest.mark.parametrize(
    ("lead", "before", "possible"), [(60, 60, True), (60, 59, False), (0, 0, True), (0, -1, False), (1440, 1439, False)]
)
def test_a_slot_can_be_booked_until_the_lead_time_and_not_a_minute_later(
    lead: int, before: int, possible: bool
) -> None:
    assert in_time(Rules(lead=lead), NOW + before * MINUTE, NOW) is possible


@pytest.mark.parametrize(("until", "before"), [(60, 60), (60, 61), (0, 1), (1440, 1440)])
def test_one_may_cancel_up_to_the_time_that_the_hall_sets(until: int, before: int) -> None:
    check_cancelling(Rules(cancel_until=until), NOW + before * MINUTE, NOW)


@pytest.mark.parametrize(
    ("until", "before", "told"),
    [
        (60, 59, "1 小时"),
        (90, 89, "90 分钟"),
        (120, 1, "2 小时"),
        (1440, 1439, "1 天"),
        (2880, 60, "2 天"),
        (1500, 60, "25 小时"),
    ],
)
def test_whoever_cancels_too_late_is_told_by_when_it_was_possible(until: int, before: int, told: str) -> None:
    with pytest.raises(Refused, match=f"前 {told}取消"):
        check_cancelling(Rules(cancel_until=until), NOW + before * MINUTE, NOW)


@pytest.mark.parametrize("after", [0, 1, 600])
def test_what_has_begun_cannot_be_cancelled_even_where_no_time_is_set(after: int) -> None:
    with pytest.raises(Refused, match="已经到了"):
        check_cancelling(Rules(cancel_until=0), NOW - after * MINUTE, NOW)


# -- how much one may have --


def check(rules: Rules, past: Past, *, today: date = TODAY) -> None:
    check_person(rules, past, PASSPORT, DAY, today)


def test_a_newcomer_may_book() -> None:
    check(Rules(), Past())


def test_the_same_item_is_booked_once_a_day() -> None:
    past = Past(open=((PASSPORT, DAY),), own_open=((PASSPORT, DAY),), owned=1)
    with pytest.raises(Refused, match="约过这件事"):
        check(Rules(), past)
    with pytest.raises(Refused, match="约过这件事"):
        check_day(Rules(), past, PASSPORT, DAY)


@pytest.mark.parametrize("other", [(LICENCE, DAY), (PASSPORT, DAY + timedelta(days=1))])
def test_another_item_or_another_day_may_be_booked_besides(other: tuple[int, date]) -> None:
    check(Rules(), Past(open=(other,), own_open=(other,), owned=1))


def test_a_hall_may_allow_the_same_item_twice_a_day_but_then_not_thrice() -> None:
    rules = Rules(daily_limit=2)
    check_day(rules, Past(open=((PASSPORT, DAY),)), PASSPORT, DAY)
    with pytest.raises(Refused):
        check_day(rules, Past(open=((PASSPORT, DAY),) * 2), PASSPORT, DAY)


def test_a_person_may_have_as_many_open_as_the_hall_allows_and_none_more() -> None:
    def open_(many: int) -> Past:
        made = tuple((LICENCE, DAY + timedelta(days=n)) for n in range(many))
        return Past(open=made, own_open=made)

    check(Rules(open_limit=3), open_(2))
    with pytest.raises(Refused, match="已经有 3 个"):
        check(Rules(open_limit=3), open_(3))


def test_an_account_may_book_for_its_family_up_to_its_own_limit() -> None:
    check(Rules(account_limit=6), Past(owned=5))
    with pytest.raises(Refused, match="已经有 6 个"):
        check(Rules(account_limit=6), Past(owned=6))


# -- what others booked for the same number --

MISSED = days(8, 13, 14)
OTHERS = [
    Past(open=((PASSPORT, DAY),)),
    Past(open=((LICENCE, DAY), (LICENCE, TODAY), (PASSPORT, TODAY))),
    Past(missed=MISSED),
    Past(missed=MISSED, own_missed=MISSED[:2]),
    Past(open=((LICENCE, DAY), (LICENCE, TODAY), (PASSPORT, TODAY)), own_open=((LICENCE, DAY), (LICENCE, TODAY))),
]


@pytest.mark.parametrize("past", OTHERS)
def test_what_others_booked_for_a_number_is_refused_in_the_same_words_whatever_it_was(past: Past) -> None:
    with pytest.raises(NotForThem) as error:
        check(Rules(), past)
    assert str(error.value) == str(NotForThem())
    assert error.value.code == Refused().code


@pytest.mark.parametrize("past", OTHERS)
def test_an_account_with_all_it_may_have_learns_nothing_of_others_either(past: Past) -> None:
    full = replace(past, owned=6)
    with pytest.raises(Refused, match="已经有 6 个"):
        check(Rules(), full)


def test_at_two_items_a_day_one_of_them_by_another_account_is_told_to_nobody() -> None:
    past = Past(open=((PASSPORT, DAY),) * 2, own_open=((PASSPORT, DAY),))
    with pytest.raises(NotForThem):
        check_day(Rules(daily_limit=2), past, PASSPORT, DAY)


# -- blocks --


@pytest.mark.parametrize(
    ("failures", "free_from"),
    [
        ((), None),
        ((1, 2), None),
        ((1, 2, 3), 13),
        ((3, 1, 2), 13),  # in whatever order they are read
        ((1, 5, 7), 17),  # seven days from the 1st to the 7th, both counted
        ((1, 5, 8), None),  # eight: the first one has left the window
        ((1, 6, 8, 9), 19),  # the window slides: from the 6th on there are three
        ((1, 2, 3, 20), 13),  # a single one later begins nothing anew
        ((1, 2, 3, 4), 14),  # each one more within the window holds on to the block
        ((5, 5, 5), 15),
    ],
)
def test_failures_are_counted_in_a_window_that_slides(failures: tuple[int, ...], free_from: int | None) -> None:
    expected = days(free_from)[0] if free_from else None
    assert blocked_until(Block(most=3, days=7, pause=10), days(*failures)) == expected


def test_who_did_not_come_three_times_waits_until_the_day_that_is_named() -> None:
    past = Past(missed=days(1, 8, 14), own_missed=days(1, 8, 14))
    rules = Rules(no_shows=Block(most=3, days=90, pause=30))
    with pytest.raises(Refused, match="没有来的次数多了，到 11月13日才能再预约"):
        check(rules, past, today=date(2026, 11, 12))
    check(rules, past, today=date(2026, 11, 13))


def test_who_cancelled_again_and_again_waits_too() -> None:
    past = Past(cancelled=days(11, 11, 12, 13, 14))
    with pytest.raises(Refused, match="取消的次数多了，到 10月21日"):
        check(Rules(), past, today=date(2026, 10, 20))
    check(Rules(), past, today=date(2026, 10, 21))


def test_of_two_blocks_the_longer_one_is_told() -> None:
    past = Past(missed=days(12, 13, 14), own_missed=days(12, 13, 14), cancelled=days(10, 11, 12, 13, 14))
    with pytest.raises(Refused, match="没有来"):
        check(Rules(), past)


def test_one_failure_blocks_where_the_hall_says_so() -> None:
    assert blocked_until(Block(most=1, days=1, pause=1), days(15)) == DAY


# -- who comes, and where --


def test_who_comes_on_another_day_is_told_the_day_that_was_booked() -> None:
    starts = datetime(2026, 10, 16, 9, 30, tzinfo=CHINA)
    check_arrival(starts, DAY)
    for today in (TODAY, DAY + timedelta(days=1)):
        with pytest.raises(Refused, match="约的是 2026年10月16日 09:30，不是今天"):
            check_arrival(starts, today)


def test_a_window_that_asks_for_an_identity_number_takes_over_nobody_without() -> None:
    check_identity(Rules(identity=True), "11010119900307109X")
    check_identity(Rules(), "")
    with pytest.raises(Refused, match="先取消这个预约，再重新约一次"):
        check_identity(Rules(identity=True), "")


# -- one window of a hall --


@pytest.mark.parametrize("written", ["2楼 综合窗口", "2楼综合窗口", " 2 楼　综合 窗口 "])
@pytest.mark.parametrize("asked", ["2楼综合窗口", "2楼 综合窗口", "２楼综合窗口"])
def test_a_windows_rules_are_found_however_its_name_is_spaced(written: str, asked: str) -> None:
    rules = Rules(windows={written: WindowRules(capacity=7)})
    assert rules.at(asked).capacity == 7


def test_full_width_brackets_do_not_part_a_window_from_its_rules() -> None:
    assert Rules(windows={"综合窗口（C01-C12）": WindowRules(capacity=7)}).at("综合窗口(C01-C12)").capacity == 7


def test_a_window_keeps_what_it_does_not_change() -> None:
    hall = Rules(
        capacity=5, identity=True, slot=15, windows={"甲": WindowRules(capacity=0), "乙": WindowRules(identity=False)}
    )
    assert (hall.at("甲").capacity, hall.at("甲").identity, hall.at("甲").slot) == (0, True, 15)
    assert (hall.at("乙").capacity, hall.at("乙").identity) == (5, False)
    assert hall.at("丙") == hall


def test_the_same_window_is_not_described_twice() -> None:
    with pytest.raises(ValidationError, match="写了两遍"):
        Rules(windows={"甲 窗口": WindowRules(), "甲窗口": WindowRules()})


def test_rules_are_the_same_after_they_were_stored() -> None:
    made = Rules(windows={"2楼 综合窗口": WindowRules(capacity=3)})
    assert Rules.model_validate(made.model_dump(mode="json")) == made


# -- what may be set --


@pytest.mark.parametrize(
    "wrong",
    [
        {"slot": 4},
        {"slot": 241},
        {"capacity": -1},
        {"lead": -1},
        {"horizon": 61},
        {"open_limit": 0},
        {"daily_limit": 0},
        {"keep": 0},
        {"capacty": 2},
        {"no_shows": {"most": 0, "days": 1, "pause": 1}},
    ],
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rules.model_validate(wrong)


def test_details_are_kept_at_least_as_long_as_a_block_needs_them() -> None:
    block = Block(most=3, days=90, pause=30)
    assert Rules(keep=120, no_shows=block).keep == 120
    with pytest.raises(ValidationError, match="限制无从计算"):
        Rules(keep=119, no_shows=block)


# -- the documentation --


def test_the_documentation_tells_every_rule_with_its_default_and_bounds() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]*\|[^|]*)\|", DOCS.read_text("utf-8"), re.MULTILINE))
    for name, field in Rules.model_fields.items():
        default, bounds = (part.strip() for part in told[name].split("|"))
        limits = {type(one).__name__: one for one in field.metadata}
        if isinstance(field.default, Block):
            assert default == "{most} in {days} days: {pause} days".format(**field.default.model_dump()), name
        elif limits:
            assert (default, bounds) == (str(field.default), f"{limits['Ge'].ge}–{limits['Le'].le}"), name
    assert set(told) == set(Rules.model_fields)
