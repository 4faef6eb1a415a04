"""The days people name in spoken Chinese: 明天, 下周三, 25号, 月底, 三天后, 元旦. Patterns in a table, a reader for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

NUMERALS = "零〇一二两三四五六七八九十廿卅"
NUMBER = rf"[0-9]{{1,2}}|[{NUMERALS}]{{1,3}}"
TO = "[到至~—–-]"
_DIGITS = {**{sign: value for value, sign in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2}
_CHINESE_NUMBER = re.compile(r"[零〇]?(?:([二三]?十|廿|卅)([一二三四五六七八九])?|([零〇一二两三四五六七八九]))")
_TENS = {"十": 10, "二十": 20, "廿": 20, "三十": 30, "卅": 30}
_WEEKDAYS = "一二三四五六日"
_WEEK = "(?:周|星期|礼拜)"
_WEEK_LENGTH = timedelta(days=7)
_YEARS_AHEAD = 2
_MOST_DAYS = 62  # a longer stretch is a slip of the tongue, or a period that is not about coming


@dataclass(frozen=True, slots=True)
class Near:
    """What a word is read beside: today, and from when on a bare weekday and a bare day of the month are looked for."""

    today: date
    week: date
    month: date


@dataclass(frozen=True, slots=True)
class Named:
    """Days somebody named. `week` and `month` tell where the bare words after it belong: 下周三或周四."""

    days: tuple[date, ...]
    weekly: frozenset[int] = frozenset()  # named as weekdays of no one week: who refuses one refuses it every week
    week: date | None = None
    month: date | None = None


Reader = Callable[[re.Match[str], Near], Named | None]


def number(text: str) -> int | None:
    """The value of a numeral below a hundred, in digits or in Chinese; None where it is none."""
    if re.fullmatch("[0-9]+", text):
        return int(text)
    if (found := _CHINESE_NUMBER.fullmatch(text)) is None:
        return None
    tens, ones, alone = found.groups()
    return _DIGITS[alone] if alone else _TENS[tens] + _DIGITS.get(ones or "零", 0)


def stretch(first: date, last: date) -> tuple[date, ...]:
    """Every day from `first` to `last`, both included."""
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def between(first: Named, last: Named) -> Named | None:
    """周三到周五: the days from one to the other; None where they are no stretch."""
    begins, ends = first.days[0], last.days[-1]
    if ends < begins and last.weekly:
        ends += _WEEK_LENGTH
    if not 0 < (ends - begins).days < _MOST_DAYS:
        return None
    return replace(last, days=stretch(begins, ends), weekly=first.weekly | last.weekly)


def shifted(named: Named, said: str, word: str, near: Near) -> Named | None:
    """The seven days after those named (元旦以后), or the days from today until them (周五之前)."""
    if "后" in word:
        last = named.days[-1]
        return Named(stretch(last + timedelta(days=1), last + _WEEK_LENGTH))
    # 月底之前 still lets the last day of the month do.
    days = stretch(near.today, named.days[-1] if said.endswith("底") else named.days[0] - timedelta(days=1))
    return Named(days) if 0 < len(days) <= _MOST_DAYS else None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _one(day: date | None) -> Named | None:
    return None if day is None else Named((day,))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _months_on(day: date, months: int) -> date:
    """The first day of the month that is so many months on."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def _length(month: date) -> int:
    return (_months_on(month, 1) - timedelta(days=1)).day


def _of_month(month: date, numbers: Sequence[int]) -> Named | None:
    """The days of one month that have these numbers."""
    days = tuple(day for n in numbers if (day := _day(month.year, month.month, n)))
    return Named(days, month=month.replace(day=1)) if days else None


def _near_month(month: int, numbers: Sequence[int], today: date) -> Named | None:
    """A month and days without a year: this year's, or where those are past, the next year's."""
    for year in (today.year, today.year + 1):
        if (first := _day(year, month, 1)) and (named := _of_month(first, numbers)) and named.days[-1] >= today:
            return named
    return None


def _numbers(text: str) -> list[int]:
    """25、26 -> both; 25到27 -> all three."""
    values = [value for part in re.findall(NUMBER, text) if (value := number(part)) is not None]
    if len(values) == 2 and re.search(TO, text) and 0 < values[1] - values[0] < 31:
        return list(range(values[0], values[1] + 1))
    return values


def _full(found: re.Match[str], near: Near) -> Named | None:
    day = _day(*(int(part) for part in found.groups()))
    return _one(day) if day and _coming(day.year, near.today) else None


def _dated(found: re.Match[str], near: Near) -> Named | None:
    """(明年)12月3号, with the year or without."""
    year, month, days = found.groups()
    at = number(month)
    if at is None or not 1 <= at <= 12:
        return None
    if not year:
        return _near_month(at, _numbers(days), near.today)
    value = _year(year, near.today)
    return _of_month(date(value, at, 1), _numbers(days)) if _coming(value, near.today) else None


def _coming(year: int, today: date) -> bool:
    # A full date of an earlier year is a birthday or the date of a paper; one far ahead is when a paper expires.
    return 0 <= year - today.year <= _YEARS_AHEAD


def _year(text: str, today: date) -> int:
    if text in "今明后":
        return today.year + "今明后".index(text)
    digits = "".join(str(_DIGITS.get(sign, sign)) for sign in text)
    return int(digits) if len(digits) == 4 else 2000 + int(digits)


def _slashed(found: re.Match[str], near: Near) -> Named | None:
    """12/3, 12.3号, 12-3; before 号 a dash between near numbers is a stretch: 3-5号."""
    first, sign, second, suffix = found.groups()
    month, day = int(first), int(second)
    if sign == "-" and suffix and 0 < day - month < 7:
        return _numbered([*range(month, day + 1)], near)
    return _near_month(month, [day], near.today)


def _monthly(found: re.Match[str], near: Near) -> Named | None:
    """下个月3号, 下个月, 本月."""
    which, days = found.groups()
    month = _months_on(near.today, which.count("下"))
    if days:
        return _of_month(month, _numbers(days))
    first = max(month, near.today)
    return Named(stretch(first, month.replace(day=_length(month))), month=month)


def _third(found: re.Match[str], near: Near) -> Named | None:
    """月初, 下个月底, 12月中旬: what is past of it is left out."""
    which, named, which_days = found.groups()
    month = _months_on(near.today, which.count("下") if which else int(which_days == "初" and not named))
    if named:
        value = number(named)
        if value is None or not 1 <= value <= 12:
            return None
        month = date(near.today.year + (value < near.today.month), value, 1)
    last = _length(month)
    begins, ends = {"初": (1, 3), "上旬": (1, 10), "中旬": (11, 20), "下旬": (21, last)}.get(
        which_days, (last - 2, last)
    )
    days = [day for day in stretch(month.replace(day=begins), month.replace(day=ends)) if day >= near.today]
    return Named(tuple(days), month=month) if days else None


def _later(found: re.Match[str], near: Near) -> Named | None:
    """三天后, 过一周, 两个月后, 3个工作日后."""
    how_many, unit = found[1] or found[3], found[2] or found[4]
    if how_many == "半":
        return _one(near.today + timedelta(days=15)) if unit == "月" else None
    if (count := number(how_many)) is None or count == 0:
        return None
    if unit == "月":
        month = _months_on(near.today, count)
        return Named((month.replace(day=min(near.today.day, _length(month))),))
    if unit == "工作日":
        return Named((_workdays_on(near.today, count),))
    return Named((near.today + timedelta(days=count * (1 if unit in "天日" else 7)),))


def _workdays_on(day: date, count: int) -> date:
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def _relative(found: re.Match[str], near: Near) -> Named | None:
    big, word = found.groups()
    on = {"今": 0, "明": 1, "听": 1, "后": 2}[word.removeprefix("赶")[0]]
    return _one(near.today + timedelta(days=on + len(big)))


def _weekdays(found: re.Match[str], near: Near) -> Named | None:
    """周三, 下周三, 这周一三五, 周一到五."""
    which, first, more = found.groups()
    monday = _monday(near.today) + _WEEK_LENGTH * (which or "").count("下")
    wanted = [_WEEKDAYS.index(sign) for sign in (first + (more or "")).replace("天", "日") if sign in _WEEKDAYS]
    if more and re.match(TO, more):
        wanted = [*range(wanted[0], wanted[-1] + 1)]
    if which:
        return Named(tuple(sorted(monday + timedelta(days=n) for n in wanted)), week=monday)
    start = near.week + timedelta(days=(wanted[0] - near.week.weekday()) % 7) if more else near.week
    days = sorted(start + timedelta(days=(n - start.weekday()) % 7) for n in wanted)
    return Named(tuple(days), weekly=frozenset(wanted)) if days else None


def _weekend(found: re.Match[str], near: Near) -> Named | None:
    which = found[1]
    saturday = _monday(near.today) + timedelta(days=5) + _WEEK_LENGTH * (which or "").count("下")
    if not which:
        # On a Sunday the weekend people still plan for is the next one.
        saturday = near.week + timedelta(days=(5 - near.week.weekday()) % 7)
    days = tuple(day for day in (saturday, saturday + timedelta(days=1)) if day >= near.today)
    return Named(days, weekly=frozenset() if which else frozenset((5, 6)), week=_monday(saturday))


def _week(found: re.Match[str], near: Near) -> Named | None:
    monday = _monday(near.today) + _WEEK_LENGTH * found[1].count("下")
    return Named(stretch(max(monday, near.today), monday + timedelta(days=6)), week=monday)


def _holiday(found: re.Match[str], near: Near) -> Named | None:
    month, day = {"元": (1, 1), "国": (10, 1), "十": (10, 1)}.get(found[0][0], (5, 1))
    return _near_month(month, [day], near.today)


def _numbered(numbers: Sequence[int], near: Near) -> Named | None:
    """Days of the month: the next that are not past, months without such a day skipped."""
    days: list[date] = []
    for n in numbers:
        since = days[-1] if days else near.month
        months = (_months_on(since, on) for on in range(4))
        fits = (day for month in months if (day := _day(month.year, month.month, n)) and day >= since)
        days += [day] if (day := next(fits, None)) else []
    return Named(tuple(sorted(days)), month=near.month) if days else None


def _numbered_days(found: re.Match[str], near: Near) -> Named | None:
    return _numbered(_numbers(found[1]), near)


_LIST = rf"(?:{NUMBER})(?:(?:或者|[、或和跟,到至~—–-])(?:{NUMBER})){{0,9}}"
_NO_DAY = (
    r"(?!窗|楼|线|门|口|柜|厅|大[厅楼门院]|院|房|室|桌|机|车|码|路|公[馆告]|店|库|栋|站|台|文|令|地铁|通知|病房|诊|难|办公|会议|馆|座|岗"
    r"|单元)"
)
_DAY_SIGN = rf"(?:号{_NO_DAY}|日(?!内|期|游|元|常|子))"
_NO_ADDRESS = r"(?<![a-z第路街巷弄村园段栋区坊尾])(?<![^知]道)(?<!胡同)(?<![叫排取拿]到)"
_ENDS = r"(?=$|[ ,.。!?;吧的行可好有]|上午|下午|中午|早|晚)"
_WHICH = rf"((?:(?<![一楼线以])下下?|这|本)个?){_WEEK}"
_MORE = rf"((?:(?:[、或和/]|{TO})?[二三四五六日])+(?![{NUMERALS}点时号个月期天0-9楼]))?"
_NO_MONDAY = "(?!次|般|共|些|样|直|起|定(?!了|下|好|的))"
_AFTER = r"(?:之|以|过)?后(?!天|日|儿)"
_NUMBER_OR_HALF = f"{NUMBER}|半"

FULL_DATES: tuple[tuple[str, Reader], ...] = (
    (r"(20[0-9]{2})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?![0-9])[号日]?", _full),
    (r"(20[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?![0-9])", _full),
)
DAYS: tuple[tuple[str, Reader], ...] = (
    (
        r"(?:([0-9]{4}|[0-9]{2}|[零〇一二三四五六七八九]{4}|[零〇一二三四五六七八九]{2}|[今明后])年)?"
        rf"({NUMBER})月({_LIST})(?:{_DAY_SIGN}|{_ENDS})",
        _dated,
    ),
    (r"(?:^|(?<=[约到在改成]))(1[0-2]|0?[1-9])([./-])([0-3]?[0-9])(?![0-9])(?:([号日])|" + _ENDS + ")", _slashed),
    (r"(1[0-2]|0?[1-9])([./-])([0-3]?[0-9])(号" + _NO_DAY + "|日)", _slashed),
    (rf"(?:((?:下下?|这|本|当)个?)|({NUMBER}))?月(初|底|末|上旬|中旬|下旬)", _third),
    (rf"((?:下下?|这|本)个?)月(?:的?({_LIST}){_DAY_SIGN})?", _monthly),
    (
        rf"(?:再?(?<![通超不经越已])过)?({_NUMBER_OR_HALF})个?(天|(?<=[{NUMERALS}])日|周|星期|礼拜|(?<=个)月|工作日){_AFTER}"
        rf"|(?<![通超不经越已])过({_NUMBER_OR_HALF})个?(天|周|星期|礼拜|(?<=个)月|工作日)",
        _later,
    ),
    (r"(大{0,3})((?<![今以之然最先])后(?:天(?!天|气)|日(?!子|期|常)|儿))", _relative),
    (r"()((?:今|赶?明|听)(?:天(?!气)|日(?!期|常)|儿个?)|今(?=[早晚])|(?<![说声])明(?=早(?!就|已)|晚))", _relative),
    (rf"(?:{_WHICH}|{_WEEK})末", _weekend),
    (rf"(?:{_WHICH}|{_WEEK})(一{_NO_MONDAY}|[二三四五六日天]){_MORE}", _weekdays),
    (rf"{_WHICH}(?!期)", _week),
    (
        r"(?:元旦|国庆节?|劳动节|五一(?![零〇一二两三四五六七八九十点号月日路早])|十一(?=长?假|黄金周))(?:长?假期?|黄金周)?",
        _holiday,
    ),
    (rf"{_NO_ADDRESS}({_LIST}){_DAY_SIGN}", _numbered_days),
    (rf"((?:廿|卅)[一二三四五六七八九]?)(?!{NUMBER})", _numbered_days),
)
