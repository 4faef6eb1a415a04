"""The days and times people name when they book, in the words they use."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.times import Wanted, spoken_day, spoken_time, wanted

SUNDAY = date(2026, 11, 22)
WEDNESDAY = date(2026, 11, 25)


def on(*days: str) -> tuple[date, ...]:
    """11-25 is of this year, 2027-01-01 of another."""
    return tuple(date.fromisoformat(day if len(day) > 5 else f"2026-{day}") for day in days)


def since(first: str, count: int) -> tuple[date, ...]:
    """So many days in a row."""
    return tuple(on(first)[0] + timedelta(days=n) for n in range(count))


def fortnight_without(today: date, *weekdays: int) -> tuple[date, ...]:
    """The next 14 days without these weekdays."""
    days = (today + timedelta(days=n) for n in range(14))
    return tuple(day for day in days if day.weekday() not in weekdays)


def days(text: str, today: date) -> tuple[date, ...]:
    """The days alone."""
    found = wanted(text, today=today)
    return found.days if found else ()


RELATIVE = [
    ("今天", "11-22"), ("今儿", "11-22"), ("今日", "11-22"), ("明天", "11-23"), ("明儿", "11-23"), ("明儿个", "11-23"),
    ("明日", "11-23"), ("聽日", "11-23"), ("听日得唔得", "11-23"), ("赶明儿", "11-23"), ("后天", "11-24"), ("后儿", "11-24"),
    ("後日", "11-24"), ("大后天", "11-25"), ("大大后天", "11-26"), ("三天后", "11-25"), ("过三天", "11-25"),
    ("两天后", "11-24"), ("三日后", "11-25"), ("10天以后", "12-02"), ("一周后", "11-29"), ("过一周", "11-29"),
    ("一个礼拜后", "11-29"), ("过两周", "12-06"), ("半个月后", "12-07"), ("两个月后", "2027-01-22"),
    ("3个工作日后", "11-25"), ("身份证明天办", "11-23"), ("我想约明天的号", "11-23"),
]  # fmt: skip
WEEKDAYS = [
    ("周三", SUNDAY, on("11-25")), ("星期三", SUNDAY, on("11-25")), ("礼拜三", SUNDAY, on("11-25")),
    ("週三", SUNDAY, on("11-25")), ("周三", WEDNESDAY, on("11-25")), ("周二", WEDNESDAY, on("12-01")),
    ("周日", SUNDAY, on("11-22")), ("周天", WEDNESDAY, on("11-29")), ("星期天", WEDNESDAY, on("11-29")),
    ("礼拜日", WEDNESDAY, on("11-29")), ("这周三", SUNDAY, on("11-18")), ("本周三", SUNDAY, on("11-18")),
    ("这周一", WEDNESDAY, on("11-23")), ("下周三", SUNDAY, on("11-25")), ("下周三", WEDNESDAY, on("12-02")),
    ("下下周一", SUNDAY, on("11-30")), ("下星期五", SUNDAY, on("11-27")), ("下个礼拜二", SUNDAY, on("11-24")),
    ("改到周五", SUNDAY, on("11-27")), ("把周三的改到周五", SUNDAY, on("11-27")),
    ("明天的换到后天", SUNDAY, on("11-24")), ("周三，不对，周四", SUNDAY, on("11-26")),
    ("约一下周三", WEDNESDAY, on("11-25")), ("约一下下周三", WEDNESDAY, on("12-02")),
    ("晚上周三", SUNDAY, on("11-25")), ("是不是周三", SUNDAY, on("11-25")), ("周三行不行", SUNDAY, on("11-25")),
    ("周五或者周六", SUNDAY, on("11-27", "11-28")), ("周三、周四都行", SUNDAY, on("11-25", "11-26")),
    ("周三四都行", SUNDAY, on("11-25", "11-26")), ("周一、三、五", SUNDAY, on("11-23", "11-25", "11-27")),
    ("周一到周五", SUNDAY, since("11-23", 5)), ("周一到周五", WEDNESDAY, since("11-30", 5)),
    ("下周一至周三", WEDNESDAY, since("11-30", 3)), ("下周三或周二", WEDNESDAY, on("12-01", "12-02")),
]  # fmt: skip
STRETCHES = [
    ("下周", SUNDAY, since("11-23", 7)), ("下周", WEDNESDAY, since("11-30", 7)), ("这周", WEDNESDAY, since("11-25", 5)),
    ("本周", SUNDAY, on("11-22")), ("周末", WEDNESDAY, on("11-28", "11-29")), ("周末", SUNDAY, on("11-28", "11-29")),
    ("这周末", WEDNESDAY, on("11-28", "11-29")), ("这周末", SUNDAY, on("11-22")),
    ("下周末", SUNDAY, on("11-28", "11-29")), ("下周末", WEDNESDAY, on("12-05", "12-06")),
    ("月底", SUNDAY, since("11-28", 3)), ("月底", date(2026, 11, 30), on("11-30")), ("下个月底", SUNDAY, since("12-29", 3)),
    ("月初", SUNDAY, since("12-01", 3)), ("下月初", SUNDAY, since("12-01", 3)), ("12月中旬", SUNDAY, since("12-11", 10)),
    ("下个月", SUNDAY, since("12-01", 31)), ("这个月", WEDNESDAY, since("11-25", 6)),
    ("下周，周三上午", WEDNESDAY, on("12-02")), ("周末，周六吧", SUNDAY, on("11-28")),
    ("元旦后", SUNDAY, since("2027-01-02", 7)), ("元旦以后", SUNDAY, since("2027-01-02", 7)),
    ("国庆长假后", SUNDAY, since("2027-10-02", 7)), ("25号以后", SUNDAY, since("11-26", 7)),
    ("周五之前", SUNDAY, since("11-22", 5)), ("月底前", SUNDAY, since("11-22", 9)),
]  # fmt: skip
DATES = [
    ("25号", SUNDAY, on("11-25")), ("25日", SUNDAY, on("11-25")), ("二十五号", SUNDAY, on("11-25")),
    ("廿五", SUNDAY, on("11-25")), ("２５号", SUNDAY, on("11-25")), ("22号", SUNDAY, on("11-22")),
    ("24号", WEDNESDAY, on("12-24")), ("31号", SUNDAY, on("12-31")), ("12月3号", SUNDAY, on("12-03")),
    ("12月3日", SUNDAY, on("12-03")), ("十二月三号", SUNDAY, on("12-03")), ("12.3", SUNDAY, on("12-03")),
    ("12.3号", SUNDAY, on("12-03")), ("12/3", SUNDAY, on("12-03")), ("12-3", SUNDAY, on("12-03")),
    ("改到12/3上午", SUNDAY, on("12-03")), ("2026-12-03", SUNDAY, on("12-03")), ("2026年12月3日", SUNDAY, on("12-03")),
    ("二〇二六年十二月三日", SUNDAY, on("12-03")), ("20261203", SUNDAY, on("12-03")), ("1月4号", SUNDAY, on("2027-01-04")),
    ("明年1月4号", SUNDAY, on("2027-01-04")), ("11月20号", SUNDAY, on("2027-11-20")), ("下个月3号", SUNDAY, on("12-03")),
    ("这个月28号", SUNDAY, on("11-28")), ("这个月3号", SUNDAY, on("11-03")), ("元旦", SUNDAY, on("2027-01-01")),
    ("国庆", SUNDAY, on("2027-10-01")), ("五一", SUNDAY, on("2027-05-01")), ("劳动节", SUNDAY, on("2027-05-01")),
    ("25、26号都行", SUNDAY, on("11-25", "11-26")), ("三号或者四号", SUNDAY, on("12-03", "12-04")),
    ("25号到27号", SUNDAY, since("11-25", 3)), ("3-5号", SUNDAY, since("12-03", 3)),
    ("1月3号到5号", SUNDAY, since("2027-01-03", 3)), ("12月3号周四", SUNDAY, on("12-03")),
    ("1月4日，周一", SUNDAY, on("2027-01-04")), ("明天周一", SUNDAY, on("11-23")),
]  # fmt: skip
EXACT = [
    ("十点", time(10)), ("十点整", time(10)), ("两点", time(14)), ("3点", time(15)), ("十二点", time(12)), ("七点", time(7)),
    ("下午三点半", time(15, 30)), ("下午的3点", time(15)), ("晚上7点", time(19)), ("早上6点", time(6)),
    ("中午1点", time(13)), ("凌晨3点", time(3)), ("9:30", time(9, 30)), ("９：３０", time(9, 30)), ("3:30", time(15, 30)),
    ("14点一刻", time(14, 15)), ("14时30分", time(14, 30)), ("10点45", time(10, 45)), ("10点半", time(10, 30)),
    ("十點半", time(10, 30)), ("十点一刻", time(10, 15)), ("九点三刻", time(9, 45)), ("十点二十", time(10, 20)),
    ("十点零五", time(10, 5)), ("下午一点", time(13)), ("一点半", time(13, 30)), ("一点", time(13)),
    ("有三点的吗", time(15)), ("9点太早了，10点吧", time(10)), ("十点十一号窗口", time(10)), ("上午9点或者下午3点", time(9)),
]  # fmt: skip
SPANS = [
    ("上午", time(0), time(12)), ("早上", time(0), time(12)), ("早晨", time(0), time(12)), ("一早", time(0), time(12)),
    ("下午", time(12), time(18)), ("晚上", time(18), None), ("中午", time(11), time(14)), ("傍晚", time(17), time(19)),
    ("九点到十点", time(9), time(10)), ("8点到10点", time(8), time(10)), ("八点至十点之间", time(8), time(10)),
    ("9-10点", time(9), time(10)), ("9:30-10:30", time(9, 30), time(10, 30)), ("下午2到4点", time(14), time(16)),
    ("上午11点到1点", time(11), time(13)), ("10点到下午三点", time(10), time(15)), ("下午两三点", time(14), time(16)),
    ("九十点", time(9), time(11)), ("9、10点", time(9), time(11)), ("10点左右", time(9, 30), time(10, 30)),
    ("大概十点", time(9, 30), time(10, 30)), ("10点多", time(10), time(11)), ("十点以后", time(10), None),
    ("上午十点以后", time(10), time(12)), ("3点后", time(15), None), ("三点之前", None, time(15)), ("3点前", None, time(15)),
    ("九点以后十一点以前", time(9), time(11)), ("中午以后", time(12), None), ("中午之前", None, time(12)),
    ("上午晚点", time(10), time(12)), ("上午早点", time(0), time(10)), ("下午早点", time(12), time(15)),
    ("下午晚一点", time(15), time(18)), ("上午下午都行", time(0), time(18)), ("不要上午", time(12), None),
    ("下午没空", None, time(12)),
]  # fmt: skip
TOGETHER = [
    ("我想约下周三上午十点的", Wanted(on("11-25"), at=time(10))),
    ("后天下午", Wanted(on("11-24"), time(12), time(18))),
    ("明早", Wanted(on("11-23"), time(0), time(12))),
    ("明晚", Wanted(on("11-23"), time(18))),
    ("今晚", Wanted(on("11-22"), time(18))),
    ("周五一早", Wanted(on("11-27"), time(0), time(12))),
    ("周三四点", Wanted(on("11-25"), at=time(16))),
    ("周三三点", Wanted(on("11-25"), at=time(15))),
    ("周一一点", Wanted(on("11-23"), at=time(13))),
    ("9点，25号", Wanted(on("11-25"), at=time(9))),
    ("25号 10:30", Wanted(on("11-25"), at=time(10, 30))),
    ("2026-12-03 10:30", Wanted(on("12-03"), at=time(10, 30))),
    ("把明天上午十点的预约改成后天下午三点", Wanted(on("11-24"), at=time(15))),
    ("早上好，我想约周三", Wanted(on("11-25"))),
    ("明天上午9点，我的手机号是13812345678", Wanted(on("11-23"), at=time(9))),
    ("周三上午不行，下午可以", Wanted(on("11-25"), time(12), time(18))),
    ("明天不要上午", Wanted(on("11-23"), time(12))),
    ("明天几点上班", Wanted(on("11-23"))),
    ("周三，三点不行", Wanted(on("11-25"))),
]
WISHES = [
    ("最早的", Wanted(earliest=True)), ("越快越好", Wanted(earliest=True)), ("尽快", Wanted(earliest=True)),
    ("最近的", Wanted(earliest=True)), ("马上", Wanted(earliest=True)), ("下周最早的", Wanted(since("11-23", 7), earliest=True)),
    ("都行", Wanted(any=True)), ("随便", Wanted(any=True)), ("哪天都可以", Wanted(any=True)),
    ("什么时间都可以", Wanted(any=True)), ("你看着办", Wanted(any=True)), ("什么时候都行", Wanted(any=True)),
    ("上午都行", Wanted((), time(0), time(12), any=True)), ("周三都行", Wanted(on("11-25"), any=True)),
]  # fmt: skip
REFUSED = [
    ("不要周一", SUNDAY, fortnight_without(SUNDAY, 0)), ("除了周三", SUNDAY, fortnight_without(SUNDAY, 2)),
    ("周三不行", WEDNESDAY, fortnight_without(WEDNESDAY, 2)), ("周三我有点事", SUNDAY, fortnight_without(SUNDAY, 2)),
    ("不要周一和周二", SUNDAY, fortnight_without(SUNDAY, 0, 1)), ("周三、周四不行", SUNDAY, fortnight_without(SUNDAY, 2, 3)),
    ("不要周末", SUNDAY, fortnight_without(SUNDAY, 5, 6)), ("今天不行", SUNDAY, since("11-23", 13)),
    ("除了周三都行", SUNDAY, fortnight_without(SUNDAY, 2)), ("周三不行，周四呢", SUNDAY, on("11-26")),
    ("不要周三，周四可以", SUNDAY, on("11-26")), ("周三不要周四可以", SUNDAY, on("11-26")),
    ("这周不行下周吧", SUNDAY, since("11-23", 7)), ("下周不要周一", SUNDAY, since("11-24", 6)),
    ("下周除了周三都行", SUNDAY, on("11-23", "11-24", "11-26", "11-27", "11-28", "11-29")), ("不是周三，是周四", SUNDAY, on("11-26")),
]  # fmt: skip
NOTHING = """
一点问题 有点事 快点办 快一点 一号窗口 3号窗口 3号楼 2号线 三号门 A3号 身份证号 手机号 两点疑问 有三点想问 第三点 一点都不明白 10分钟
3个工作日 3天内 办理时间 几点 几点上班 24小时 第3个 3 2.5点 12345 13812345678 0571-88881234 110101199003071234 11010119900307123X
2月30号 2026年2月30日 13月3号 32号 25点 10:75 早上好 最近的大厅在哪 随便问问 老人和小孩都可以办吗 今后天天 说明天气 证明日期 一周三次
一时半会 人民路25号 排到25号了 每周三开门吗 上周三 昨天下午去了 生日是1990年12月3日 五一路 身份证丢了怎么办 超过三天 你好
""".split()  # fmt: skip


@pytest.mark.parametrize(("text", "day"), RELATIVE)
def test_a_day_is_counted_from_today(text: str, day: str) -> None:
    assert days(text, SUNDAY) == on(day)


@pytest.mark.parametrize(("text", "today", "expected"), WEEKDAYS)
def test_a_weekday_means_the_next_one_unless_its_week_is_named(
    text: str, today: date, expected: tuple[date, ...]
) -> None:
    assert days(text, today) == expected


@pytest.mark.parametrize(("text", "today", "expected"), STRETCHES)
def test_a_stretch_means_each_of_its_days(text: str, today: date, expected: tuple[date, ...]) -> None:
    assert days(text, today) == expected


@pytest.mark.parametrize(("text", "today", "expected"), DATES)
def test_a_date_means_the_next_that_is_not_past(text: str, today: date, expected: tuple[date, ...]) -> None:
    assert days(text, today) == expected


@pytest.mark.parametrize(("text", "at"), EXACT)
def test_a_time_is_read_as_office_hours_have_it(text: str, at: time) -> None:
    assert wanted(text, today=SUNDAY) == Wanted(at=at)


@pytest.mark.parametrize(("text", "begins", "ends"), SPANS)
def test_a_part_of_the_day_has_a_beginning_and_an_end(text: str, begins: time | None, ends: time | None) -> None:
    found = wanted(text, today=SUNDAY)
    assert found is not None
    assert (found.begins, found.ends, found.at, found.days) == (begins, ends, None, ())


@pytest.mark.parametrize(("text", "expected"), [*TOGETHER, *WISHES])
def test_days_and_times_and_wishes_are_read_together(text: str, expected: Wanted) -> None:
    assert wanted(text, today=SUNDAY) == expected


@pytest.mark.parametrize(("text", "today", "expected"), REFUSED)
def test_a_refused_day_is_not_offered(text: str, today: date, expected: tuple[date, ...]) -> None:
    assert days(text, today) == expected


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_like_a_day_or_a_time_names_none(text: str) -> None:
    assert wanted(text, today=SUNDAY) is None


@pytest.mark.parametrize("today", [date(2027, 1, 30), date(2028, 2, 29), date(2026, 12, 31)])
def test_months_without_the_day_are_skipped(today: date) -> None:
    assert all(day.day == 31 and day >= today for day in days("31号", today))
    assert days("一个月后", today)[0] > today


_WORDS = "今明后大天下周上星期礼拜一二三十两半点刻号日月年底初末午早晚到至前后以之不要除了行都可以、，的过个国庆元旦五0123456789:-./ "


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text(alphabet=_WORDS), st.dates(date(2020, 1, 1), date(2060, 12, 31)))
def test_any_text_is_read_without_an_error(text: str, today: date) -> None:
    found = wanted(text, today=today)
    if found:
        assert list(found.days) == sorted(set(found.days))
        assert found.ends is None or found.begins is None or found.begins < found.ends


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("11-22", "今天（11月22日，周日）"),
        ("11-23", "明天（11月23日，周一）"),
        ("11-24", "后天（11月24日，周二）"),
        ("11-27", "11月27日（周五）"),
        ("11-18", "11月18日（周三）"),
        ("2027-01-04", "2027年1月4日（周一）"),
    ],
)
def test_a_day_is_said_with_its_date_and_weekday(day: str, said: str) -> None:
    assert spoken_day(on(day)[0], today=SUNDAY) == said
    if day != "11-18":  # said of a day that is past, it means the next year's
        assert days(said, SUNDAY) == on(day)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (time(9, 30), "上午9:30"),
        (time(12), "中午12:00"),
        (time(12, 30), "中午12:30"),
        (time(14), "下午2:00"),
        (time(18, 5), "晚上6:05"),
        (time(5), "凌晨5:00"),
    ],
)
def test_a_time_is_said_as_people_say_it_and_is_read_back(at: time, said: str) -> None:
    assert spoken_time(at) == said
    found = wanted(said, today=SUNDAY)
    assert found is not None
    assert found.at == at
