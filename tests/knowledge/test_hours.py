from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.hours import describe, open_on, parse
from knowledge.schema import Hours, HoursException

THURSDAY, SATURDAY, SUNDAY = date(2026, 10, 15), date(2026, 10, 17), date(2026, 10, 18)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "工作日：上午08：30—12：00，下午14：00—17：30，（法定节假日除外）",
            "周一至周五 08:30–12:00、14:00–17:30（法定节假日除外）",
        ),
        ("工作日：上午9∶00—12∶00，下午13∶30—16∶30", "周一至周五 09:00–12:00、13:30–16:30（法定节假日除外）"),
        (
            "周一至周五 9:00-12:00 13:30-16:30（法定节假日除外）",
            "周一至周五 09:00–12:00、13:30–16:30（法定节假日除外）",
        ),
        ("星期一至星期六 8:30-17:30", "周一至周六 08:30–17:30（法定节假日除外）"),
        ("工作日上午9时至12时，下午2时30分至5时", "周一至周五 09:00–12:00、14:30–17:00（法定节假日除外）"),
        ("工作日上午9点到12点，下午2点半到5点", "周一至周五 09:00–12:00、14:30–17:00（法定节假日除外）"),
        ("工作日：上 午 9∶00—12∶00,下午 13∶30—16：:30", "周一至周五 09:00–12:00、13:30–16:30（法定节假日除外）"),
        ("工作日９：００－１７：００", "周一至周五 09:00–17:00（法定节假日除外）"),
        ("周一、三、五上午9:00-12:00", "周一、周三、周五 09:00–12:00（法定节假日除外）"),
        ("每周周三 09:00--12:00", "周三 09:00–12:00（法定节假日除外）"),
        ("周一至周日 9.00-17.00", "每天 09:00–17:00"),
        ("全天24小时", "每天 全天24小时"),
        ("每天 24 小时", "每天 全天24小时"),
        ("周末上午9:00-11:30", "周六、周日 09:00–11:30"),
        ("工作日：09:00-17:00，中午不休息；周六、周日及法定节假日休息", "周一至周五 09:00–17:00（法定节假日除外）"),
        (
            "周一至周五：上午9:00—12:00，下午13:30—17:00；每周三延时服务至19:30",
            "周一至周五 09:00–12:00、13:30–17:00（法定节假日除外）；周三 17:00–19:30（法定节假日除外）",
        ),
        (
            "工作日：09:00-12:00；周六：上午09:00-11:00（仅办理社保）；周日不办公",
            "周一至周五 09:00–12:00（法定节假日除外）；周六 09:00–11:00（法定节假日除外）",
        ),
    ],
)
def test_published_hours_are_understood(text: str, told: str) -> None:
    assert describe(parse(text)) == told


@pytest.mark.parametrize(
    "text",
    [
        "上午9：00-12：00，下午13：30-16：30",  # no days are stated
        "夏季：工作日8:00-12:00；冬季：工作日8:30-12:00",
        "工作日9:00-次日2:00",
        "每月第一周周三9:00-12:00",
        "工作日9:00-12:00，周五9:30-11:00",  # which one on Friday?
        "工作日12:00-9:00",
        "工作日9:00-25:00",
        "报名时间：工作日9:00-12:00",
        "0000-5550123",
        "请提前联系工作人员",
        "-",
        "",
    ],
)
def test_what_is_not_understood_stays_in_the_departments_words(text: str) -> None:
    hours = parse(text)
    assert hours.rules == []
    assert describe(hours) == hours.text


def test_another_counters_times_in_brackets_do_not_become_rules_but_are_told() -> None:
    text = "工作日：上午09:00-12:00（车管所办证大厅上午08:00-12:00），（法定节假日除外）"
    hours = parse(text)
    assert [(rule.opens, rule.closes) for rule in hours.rules] == [("09:00", "12:00")]
    assert describe(hours) == text


def test_a_day_is_open_by_its_weekday_and_the_calendar() -> None:
    hours = parse("工作日：09:00-12:00，13:30-17:00；周六：09:00-11:00")
    assert open_on(hours, THURSDAY, holiday=False) == [("09:00", "12:00"), ("13:30", "17:00")]
    assert open_on(hours, THURSDAY, holiday=None) == [("09:00", "12:00"), ("13:30", "17:00")]
    assert open_on(hours, THURSDAY, holiday=True) == []
    assert open_on(hours, SATURDAY, holiday=False) == [("09:00", "11:00")]
    assert open_on(hours, SUNDAY, holiday=False) == []


def test_a_place_open_every_day_is_open_on_holidays() -> None:
    assert open_on(parse("全天24小时"), SUNDAY, holiday=True) == [("00:00", "24:00")]


def test_an_exception_overrules_the_week() -> None:
    rules = parse("工作日：09:00-12:00").rules
    closed = HoursException(day=THURSDAY, note="停电")
    late = HoursException(day=SATURDAY, opens="10:00", closes="11:00")
    hours = Hours(text="", rules=rules, exceptions=[closed, late])
    assert open_on(hours, THURSDAY, holiday=False) == []
    assert open_on(hours, SATURDAY, holiday=False) == [("10:00", "11:00")]


@given(st.text())
def test_any_text_is_parsed_without_failing(text: str) -> None:
    parse(text)


@given(
    st.text(
        alphabet="工作日周一二三四五六每天上下午至到-—:：0123456789时点半，、（）休息法定节假除外延服务小", max_size=60
    )
)
def test_any_mixture_of_the_usual_words_gives_valid_rules_or_none(text: str) -> None:
    for rule in parse(text).rules:
        assert rule.opens < rule.closes
        assert rule.days
