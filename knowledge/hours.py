"""Opening hours: published words into weekly rules, and rules into words and days.

What is not understood with certainty is left alone: a citizen is better served by the department's own sentence
than by a wrong time.
"""

from __future__ import annotations

import re
from datetime import date
from itertools import groupby

from core.text import normalise
from knowledge.schema import Hours, WeeklyRule

DAYS = "一二三四五六日"
WORKDAYS = (1, 2, 3, 4, 5)
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)

_BRACKETS = re.compile(r"[(（][^()（）]*[)）]")
_OTHER_COUNTER = re.compile(r"[(（][^()（）]*\d\s*[:：时点][^()（）]*[)）]")
_OPEN_BRACKET = re.compile(r"[(（][^()（）]*$")
# Times that hold for part of the year, for one service or after midnight are beyond weekly rules.
_BEYOND = re.compile(
    r"[春夏秋冬]季|[夏冬]令|\d+月|每月|每年|次日|翌日|凌晨|单周|双周|隔周|第[一二三四五]个|报名|审核|咨询|查询|预约"
)
_HOLIDAYS = re.compile(
    r"(?:法定)?节?假?节?日除外|除(?:国家)?(?:法定)?节?假?日外?|法定节?假?节?日(?:除外|休息|不办公|不上班)?"
)
_CLOSED = re.compile(
    r"(?:(?:每?周|星期|礼拜)[一二三四五六日天末]|双休日|节假日|法定节?假?日|国家|[、，和及与至\-])+"
    r"(?:均|都)?(?:休息|不办公|不上班|不对外办公|不办理|除外|闭馆|停止办公)"
)
_DAY = r"(?:每?周|每周周|每?星期|每?礼拜)([一二三四五六日天])"
_TOKEN = re.compile(
    rf"(?P<span>{_DAY}(?:至|到|-)(?:周|星期|礼拜)?([一二三四五六日天]))"
    rf"|(?P<day>{_DAY}(?:(?:、|和|及)?(?:周|星期|礼拜)?[一二三四五六日天])*(?![至到\-]))"
    r"|(?P<workdays>(?:法定)?工作日)|(?P<weekend>周末|双休日)|(?P<every>每天|每日|全年|天天)"
    r"|(?P<always>(?:全天)?(?:24|二十四)小时(?:自助)?|全天候?|0?0:00-24:00)"
    r"|(?P<half>上午|早上|早|中午|下午|午后|晚上|晚)"
    r"|(?P<range>(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2}))"
    r"|(?P<late>延时(?:服务)?(?:至|到|-)(\d{1,2}):(\d{2}))"
)
_FILLER = re.compile(
    r"(?:[\s,，、;；:：.。\"“”'·|/\-和及]|(?:窗口|对外|正常|政务)*(?:办理|办公|上班|工作(?!日)|服务|受理|接待|营业|开放|办事)(?:时间)?|时间"
    r"|中午(?:不休息|不间断|不打烊)|不休息|不间断|提供|开放|服务|窗口|自助(?:服务)?(?:区|终端|机)?|为)*"
)
_NOON = re.compile(r"中午(?:均|都)?(?:不休息|不间断(?:服务)?|不打烊)")


def parse(text: str) -> Hours:
    """Weekly rules from published words. `rules` stays empty where they cannot be understood; `text` is kept."""
    text = normalise(text).strip('"“” -')
    return Hours(text=text, rules=_rules(_prepare(text)))


def describe(hours: Hours) -> str:
    """The hours in one line, from the rules where there are any, else as published.

    Where brackets give another counter's times, the rules are only half of it and the published words stand.
    """
    if not hours.rules or _OTHER_COUNTER.search(normalise(hours.text)):
        return hours.text
    spoken = []
    ordered = sorted(hours.rules, key=lambda rule: (rule.days, rule.workdays_only, rule.opens))
    for (days, workdays), rules in groupby(ordered, key=lambda rule: (tuple(rule.days), rule.workdays_only)):
        times = "、".join(f"{rule.opens}–{rule.closes}" for rule in rules)
        times = "全天24小时" if times == "00:00–24:00" else times
        spoken.append(f"{_spoken_days(days)} {times}{'（法定节假日除外）' if workdays else ''}")
    return "；".join(spoken)


def open_on(hours: Hours, day: date, holiday: bool | None) -> list[tuple[str, str]]:
    """When it is open on `day`, as pairs of "HH:MM", earliest first.

    `holiday` says whether `day` is a statutory holiday; None, where the calendar is not yet published, counts as no.
    """
    special = [one for one in hours.exceptions if one.day == day]
    if special:
        return sorted((one.opens, one.closes) for one in special if one.opens and one.closes)
    return sorted(
        (rule.opens, rule.closes)
        for rule in hours.rules
        if day.isoweekday() in rule.days and not (rule.workdays_only and holiday)
    )


def _prepare(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"(?<=[一-鿿])\s+(?=[一-鿿\d])|(?<=\d)\s+(?=[一-鿿])", "", text)
    text = re.sub(r"[：∶︰﹕ː]", ":", text)
    text = re.sub(r"\s*:[\s:]*", ":", text)
    text = re.sub(r"[—–―－─~～〜﹣‐‑‒−]+|--+", "-", text)
    text = re.sub(r"(\d{1,2})[时点](\d{1,2})分?", lambda m: f"{m[1]}:{int(m[2]):02}", text)
    text = re.sub(r"(\d{1,2})[点时]半", r"\1:30", text)
    text = re.sub(r"(\d{1,2})[点时](?!间)(?:整)?", r"\1:00", text)
    text = re.sub(r"(?<![\d:])(\d{1,2})\.(\d{2})(?=\s*[-至到])", r"\1:\2", text)
    text = re.sub(r"(?<=[-至到])\s*(?:上午|下午|中午|晚上)?\s*(\d{1,2})\.(\d{2})(?!\d)", r"\1:\2", text)
    text = re.sub(r"(\d{1,2}:\d{2})\s*[-至到]+\s*(?:上午|下午|中午|晚上)?\s*(\d{1,2}:\d{2})", r"\1-\2", text)
    return text


def _rules(text: str) -> list[WeeklyRule]:
    while _BRACKETS.search(text):  # times in brackets are another counter's, or a note
        text = _BRACKETS.sub(_bracket, text)
    text = _OPEN_BRACKET.sub("", text)
    if _BEYOND.search(text):
        return []
    except_holidays = bool(_HOLIDAYS.search(text)) or "节假日" in text
    text = _NOON.sub(" ", _HOLIDAYS.sub(" ", _CLOSED.sub(" ", text)))
    read = _scan(text)
    if read is None:
        return []
    rules = []
    for days, opens, closes, workdays in read:
        rule = WeeklyRule(days=list(days), opens=opens, closes=closes, workdays_only=workdays or except_holidays)
        if rule not in rules:
            rules.append(rule)
    return [] if _clash(rules) else rules


def _bracket(match: re.Match[str]) -> str:
    return " 法定节假日除外 " if "节假日" in match[0] and not re.search(r"\d", match[0]) else " "


Read = tuple[tuple[int, ...], str, str, bool]


def _scan(text: str) -> list[Read] | None:
    """Every word of `text` as days and times; None as soon as something is not understood."""
    read: list[Read] = []
    days: set[int] = set()
    workdays = False
    half = ""
    fresh = False  # whether days were named since the last time
    at = 0
    while at < len(text):
        at += len(filler[0]) if (filler := _FILLER.match(text, at)) else 0
        if at >= len(text):
            break
        token = _TOKEN.match(text, at)
        if token is None:
            return None
        at = token.end()
        if token["half"]:
            half = token["half"]
            continue
        named = _named_days(token)
        if named is not None:
            days = days | set(named[0]) if fresh else set(named[0])
            workdays = (workdays or named[1]) if fresh else named[1]
            fresh, half = True, ""
            continue
        if token["always"]:
            read.append((tuple(sorted(days or EVERY_DAY)), "00:00", "24:00", workdays))
        elif token["late"]:
            if not read:
                return None
            hour, minute = re.findall(r"\d+", token["late"])
            read.append((tuple(sorted(days)), read[-1][2], _clock(hour, minute, "晚"), workdays))
        else:
            first, minutes, last, end = re.findall(r"\d+", token["range"])
            read.append((tuple(sorted(days)), _clock(first, minutes, half), _clock(last, end, half), workdays))
        fresh = False
    understood = all(days and _valid(opens, closes) for days, opens, closes, _ in read)
    return read if read and understood else None


def _named_days(token: re.Match[str]) -> tuple[tuple[int, ...], bool] | None:
    """The days a token names, and whether holidays are out unless said otherwise."""
    if token["workdays"]:
        return WORKDAYS, True
    if token["weekend"]:
        return (6, 7), False
    if token["every"]:
        return EVERY_DAY, False
    numbers = [DAYS.index(sign.replace("天", "日")) + 1 for sign in re.findall(r"[一二三四五六日天]", token[0])]
    if token["span"]:
        first, last = numbers
        chosen = tuple(range(first, last + 1)) if first <= last else ()
        return chosen, chosen != EVERY_DAY
    if token["day"]:
        return tuple(numbers), True
    return None


def _clock(hour: str, minute: str, half: str) -> str:
    number = int(hour)
    # 下午2:30 is 14:30; 下午14:30 is said as well.
    if half in ("下午", "午后", "晚上", "晚") and number < 12:
        number += 12
    if half == "中午" and number < 4:
        number += 12
    return f"{number:02}:{minute}"


def _valid(opens: str, closes: str) -> bool:
    shape = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
    return bool(shape.fullmatch(opens) and shape.fullmatch(closes)) and opens < closes and opens != "24:00"


def _clash(rules: list[WeeklyRule]) -> bool:
    """Whether two rules overlap on one day: then the words mean something else than we read."""
    return any(
        set(one.days) & set(other.days) and one.opens < other.closes and other.opens < one.closes
        for place, one in enumerate(rules)
        for other in rules[place + 1 :]
    )


def _spoken_days(days: tuple[int, ...]) -> str:
    if days == EVERY_DAY:
        return "每天"
    if len(days) > 2 and days == tuple(range(days[0], days[-1] + 1)):
        return f"周{DAYS[days[0] - 1]}至周{DAYS[days[-1] - 1]}"
    return "、".join(f"周{DAYS[day - 1]}" for day in days)
