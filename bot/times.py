"""The day and the time a citizen names when booking, read from plain spoken Chinese. Pure: today comes in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise

from bot.days import DAYS, FULL_DATES, NUMBER, NUMERALS, TO, Named, Near, between, number, shifted, stretch


@dataclass(frozen=True, slots=True)
class Wanted:
    """The days and the time of day somebody named; what was not named is empty.

    `begins` is inclusive and `ends` exclusive; with `begins` alone the stretch lasts until the end of the day.
    """

    days: tuple[date, ...] = ()  # every day that fits, in order
    begins: time | None = None
    ends: time | None = None
    at: time | None = None  # a time named exactly
    earliest: bool = False  # the sooner the better
    any: bool = False  # whatever else is named, each of it suits


@dataclass(frozen=True, slots=True)
class _Span:
    """A part of the day or a time. `part` is the part of the day in whose terms it was said."""

    begins: time | None = None
    ends: time | None = None
    at: time | None = None
    part: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    """What one stretch of the text says."""

    begins: int
    ends: int
    said: Named | _Span

    @property
    def is_day(self) -> bool:
        return isinstance(self.said, Named)


_PARTS = {
    "凌晨": (time(0), time(6)),
    "上午": (time(0), time(12)),
    "中午": (time(11), time(14)),
    "下午": (time(12), time(18)),
    "傍晚": (time(17), time(19)),
    "晚上": (time(18), None),
}
_HALVES = {"上午": time(10), "下午": time(15), "晚上": time(20)}  # 早点 ends and 晚点 begins here
_AFTERNOONS = ("下午", "傍晚", "晚上")
_OTHERWISE = {"上午": _Span(begins=time(12)), "下午": _Span(ends=time(12)), "晚上": _Span(ends=time(18))}
_ALIASES = {
    **dict.fromkeys(("早上", "早晨", "清晨", "大清早", "清早", "一早", "早间", "早", "午前"), "上午"),
    **dict.fromkeys(("午后",), "下午"),
    **dict.fromkeys(("正午", "午间"), "中午"),
    **dict.fromkeys(("黄昏",), "傍晚"),
    **dict.fromkeys(("晚间", "夜里", "夜间", "夜晚", "晚"), "晚上"),
}
_TRADITIONAL = str.maketrans(
    "聽後週號點禮個兩這過國慶勞動節隨時間麼邊儘盡兒麽從處裡還開會沒行",
    "听后周号点礼个两这过国庆劳动节随时间么边尽尽儿么从处里还开会没行",
)
_QUARTER_HOUR = 15
_NOON = time(12)
_ABOUT = timedelta(minutes=30)
_LONGEST = 500  # characters; nobody books in more
_REFUSED_DAYS = 14  # who only says which days do not suit means the coming two weeks

_LONG_PART = "|".join(sorted((word for word in (*_PARTS, *_ALIASES) if len(word) > 1), key=len, reverse=True))
_PART = rf"{_LONG_PART}|(?<=[今明天日号后儿一二三四五六])(?:早(?!点|些|一|已|就|日|期)|晚(?!点|些|一|期|婚|育))"
_TWO_DIGITS = "[0-5][0-9]"
_MINUTE = rf"{_TWO_DIGITS}|[零〇][一二三四五六七八九]|[二三四五]?十[一二三四五六七八九]?"
_NO_CLOCK = (
    r"(?!点|儿|个?问题|疑|建议|意见|要求|想问|想咨询|想了解|想请|想确认|想法|原因|理由|需要|注意|说明|事|都没|都不|也没|也不|困|难|误"
    r"|不明|不清|不懂|希望|内容|情况|材料|评|击|赞|餐|[0-9]*[%％])"
)
_HOUR_SIGN = rf"(?:点{_NO_CLOCK}|时(?![间候刻长限效段]))"
_REST = (
    rf":{_TWO_DIGITS}(?![0-9:])"
    rf"|{_HOUR_SIGN}(?:半|[一二三]刻|(?:{NUMBER})分|(?:{_MINUTE})(?![{NUMERALS}0-9个人号日位天周月])|钟|整)?"
)
_CLOCK = rf"({NUMBER})({_REST})"
_PAIRS = "一两|两三|二三|三四|四五|五六|六七|七八|八九|九十|十一二"
_SUFFIX = re.compile(
    r"(左右|前后|上下)|(多)(?!少|久|长)|((?:之|以)前|前(?![台面天日]))|((?:之|以|过|往)后|后(?![天日儿台面续]))"
)
_DAY_SUFFIX = re.compile(r"(?:之|以)前|前(?![台面天日])|(?:之|以|过)后|后(?![天日儿台面续来])")
_ROUGHLY = re.compile(rf"(?:大概|大约|差不多)(?:是|在)?(?:{_LONG_PART})?的?$")
_SOONER = re.compile(r"的?(?:稍微|稍|要|可以|能|再|最好)?(早|晚)(?:一?点|一?些)(?!钟)")

_NOISE = (
    rf"(?:{_LONG_PART})好(?![的不像吗])",
    r"每(?:个)?(?:周|星期|礼拜|月)[一二三四五六日天末到至、0-9底初]*[号日]?|每[天日]|生日|节日",
    rf"(?:昨|(?<!提)前)[天日儿晚](?:{_LONG_PART})?(?:{_CLOCK})?|去年(?:(?:{NUMBER})月)?(?:(?:{NUMBER})[号日])?",
    r"(?<![网线晚早马以加算赶碰遇])上{1,2}个?(?:周|星期|礼拜)[一二三四五六日天末]?",
    rf"(?<![网线晚早马以加算赶碰遇])上{{1,2}}个?月(?:(?:{NUMBER})[号日])?",
    rf"第(?:{NUMBER})(?:个|点|号|天|日|周|次)*|(?:这|那|以上|以下|下面|如下)[二两三四五六七八九]点",
    r"有[一二两三四五六]点(?!的|半|钟|整|左右|以|之|前|后|吗|到|至|多|[0-9十二三四五])",
    # One hour and a little are the same words: the little follows an adjective, the hour a day or a preposition.
    r"(?<=[^0-9十午上天日号晨到约在从至概,、或和成就改末儿:是一二三四五六 ])"
    r"[一1]点(?!半|钟|整|[一三]刻|[0-5][0-9]|[二三四五]?十|零|左右)",
    r"(?<![十二])一时",
)
_NUMBERED = r"[0-9](?:[ -]?[0-9]){6,}x?"  # of a telephone, a person, an office
_UNREAD = (
    rf"[a-z]{{0,3}}[0-9]+(?:\.[0-9]+)?(?:个?(?:周|星期|礼拜|天|月))?|[{NUMERALS}百千万]+(?:个?(?:周|星期|礼拜|天|月))?"
)

_MOVED = re.compile(r".*(?:[改换调挪推延移]到|提前到|推迟到|调整到|改[成为约在]|换成|调成|不对|说错了)了?", re.S)
_AND = re.compile(r"的|[、和跟与及或/]|或者|还有|以及|都|")
_ASIDE = ("", "(", ",", "的", "是")  # between a date and its weekday: 1月4日（周一）
_UNTIL = re.compile(rf"{TO}")
_NOT_BEFORE = re.compile(
    r"(?:(?<!要)不要|除[了去开]|(?<![特级性区分个])别|(?<!想)不想要?|(?<!能)不能|不约|不选|(?<!是)不是|避开|排除|不考虑|不用|没法)"
    r"(?:在|是|约|选|排|安排|给我|到|去|来)*$"
)
_NOT_AFTER = re.compile(
    r"(?:我|就|都|也|可能|恐怕|实在|肯定|应该|那天|的|那|又|要是|如果|正好)*"
    r"(?:不行|不可以|不成|不方便|不合适|不得空|不在|不要|不约|不想|不去|不来|不考虑|不能[来去到过]|没有?时间|没有?空|[去来]不了"
    r"|有(?:点|些)?事(?!要办|想|要问|找|咨询|情|项)|除外|[以之]外|算了|要上[班课]|太[早晚])(?![吗么嘛])"
)
_EARLIEST = re.compile(
    r"最早(?!于)|越[快早]越好|尽[快早]|最快|马上|立[刻即]|最近(?:的(?![^,。?!]{0,6}?(?:大厅|窗口|网点|派出所"
    r"|地|在哪|办事|服务|政务|中心|银行|车站))|一天|有号|有空|能约|可约|可以约|哪天)"
)
_ANY = re.compile(
    r"(?:^|(?<=[我间候天午上晨晚号日点么样一二三四五六周末底初月刻半个,。后前他它余实]))"
    r"都(?:行|可以?|成|好|ok|没问题|方便)(?![办吗么用拿带申领交])"
    r"|随便(?![问看聊说])|随意|随时|无所谓|看着[办安]|[你您][们]?(?:来)?(?:定|安排|决定)|时间不限|任何时[间候]|任意|不挑|均可|怎么都行"
)


def wanted(text: str, *, today: date) -> Wanted | None:
    """What the text asks for, relative to today; None where it names neither a day nor a time.

    A day gone by that was named for certain (这周三, 这个月3号) is kept: the caller tells the citizen that it is past.
    """
    plain = _plain(text)
    moved = _MOVED.match(plain)
    latest = plain[moved.end() :] if moved else plain
    if not (tokens := _scanned(latest, today)):
        latest, tokens = plain, _scanned(plain, today)
    refused = _refused(latest, tokens)
    spans = [t.said for t in tokens if isinstance(t.said, _Span) and t not in refused]
    span = _span(spans, _only_parts(tokens, refused))
    found = Wanted(
        days=_days(tokens, _whole_days(tokens, refused), today),
        begins=span.begins,
        ends=span.ends,
        at=span.at,
        earliest=bool(_EARLIEST.search(plain)),
        any=bool(_ANY.search(plain)),
    )
    return None if found == Wanted() else found


def spoken_day(day: date, *, today: date) -> str:
    """明天（11月24日，周二）, 11月27日（周五）; with the year where it is not today's."""
    year = f"{day.year}年" if day.year != today.year else ""
    weekday = f"周{'一二三四五六日'[day.weekday()]}"
    on = f"{year}{day.month}月{day.day}日"
    word = {0: "今天", 1: "明天", 2: "后天"}.get((day - today).days)
    return f"{word}（{on}，{weekday}）" if word else f"{on}（{weekday}）"


def spoken_time(at: time) -> str:
    """上午9:30, 中午12:00, 下午2:00."""
    starts = ((18, "晚上"), (13, "下午"), (12, "中午"), (6, "上午"), (0, "凌晨"))
    part = next(word for hour, word in starts if at.hour >= hour)
    return f"{part}{at.hour - 12 if at.hour > 12 else at.hour}:{at.minute:02}"


def _plain(text: str) -> str:
    """One way of writing: half-width, simplified, without spaces save between digits."""
    folded = unicodedata.normalize("NFKC", text[:_LONGEST]).lower().translate(_TRADITIONAL)
    return re.sub(r"(?<![0-9])\s+|\s+(?![0-9])", "", folded)


_Clock = Callable[[re.Match[str], str], _Span | None]


def _time(hour: str, rest: str, part: str) -> time | None:
    """九, 点半, 上午 -> 9:30. From one to six without a part of the day is the afternoon: offices are shut before."""
    h, m = number(hour), _minutes(rest)
    if h is None or m is None or (part == "晚上" and h in (0, 12)):
        return None
    last_pm = 11 if part in _AFTERNOONS else 3 if part == "中午" else 0 if part or hour.startswith("0") else 6
    h += 12 if 1 <= h <= last_pm else 0
    return time(h, m) if h < 24 and m < 60 else None


def _minutes(rest: str) -> int | None:
    said = rest.strip("点时:分钟整")
    if said == "半":
        return 30
    if said.endswith("刻"):
        return (number(said[0]) or 0) * _QUARTER_HOUR
    return number(said) if said else 0


def _moved(at: time, by: timedelta) -> time | None:
    """That much earlier or later on the same day; None past its ends."""
    day = datetime(2000, 1, 2)
    on = datetime.combine(day, at) + by
    return on.time() if on.date() == day.date() else None


def _exact(found: re.Match[str], part: str) -> _Span | None:
    """十点, 三点左右, 十点以后, 9点多."""
    if (at := _time(found[1], found[2], part)) is None:
        return None
    begins, ends = _PARTS.get(part, (None, None))
    suffix = _SUFFIX.match(found.string, found.end())
    about, over, before, after = suffix.groups() if suffix else (None,) * 4
    if about or (not suffix and _ROUGHLY.search(found.string[: found.start()])):
        return _Span(_moved(at, -_ABOUT) or time.min, _moved(at, _ABOUT))
    if over:
        return _Span(at, _moved(at, 2 * _ABOUT))
    if before:
        return _Span(begins if begins and begins < at else None, at)
    if after:
        return _Span(at, ends if ends and ends > at else None)
    return _Span(at=at, part=part)


def _range(found: re.Match[str], part: str) -> _Span | None:
    """九点到十点, 9-10点, 上午九点到下午三点."""
    hour, rest, other, last_hour, last_rest = found.groups()
    begins = _time(hour, rest or "", part)
    ends = _time(last_hour, last_rest, _canonical(other) if other else part)
    if begins and ends and ends <= begins and ends.hour < 12:
        ends = time(ends.hour + 12, ends.minute)
    return _Span(begins, ends) if begins is not None and ends is not None and begins < ends else None


def _pair(found: re.Match[str], part: str) -> _Span | None:
    """两三点: from two until four, as three o'clock is among them."""
    both = found[1]
    first, last = ("十一", "十二") if both == "十一二" else (both[0], both[-1]) if both else (found[2], found[3])
    begins, second = _time(first, "", part), _time(last, "", part)
    if begins is None or second is None or second <= begins:
        return None
    return _Span(begins, _moved(second, timedelta(hours=1)))


def _part_of_day(found: re.Match[str], _part: str) -> _Span | None:
    """下午, 上午晚点, 中午以后."""
    part = _canonical(found[0])
    begins, ends = _PARTS[part]
    if (sooner := _SOONER.match(found.string, found.end())) and part in _HALVES:
        half = _HALVES[part]
        return _Span(begins, half, part=part) if sooner[1] == "早" else _Span(half, ends, part=part)
    if (suffix := _DAY_SUFFIX.match(found.string, found.end())) is None:
        return _Span(begins, ends, part=part)
    edge = _NOON if part == "中午" else begins if "前" in suffix[0] else ends
    if edge is None or edge == time.min:
        return None
    return _Span(ends=edge, part=part) if "前" in suffix[0] else _Span(begins=edge, part=part)


def _canonical(word: str) -> str:
    return _ALIASES.get(word, word)


_CLOCKS: tuple[tuple[str, _Clock], ...] = (
    (rf"({NUMBER})({_REST})?{TO}({_LONG_PART})?的?{_CLOCK}", _range),
    (rf"(?:({_PAIRS})|([0-9]{{1,2}})[、或]([0-9]{{1,2}}))点{_NO_CLOCK}", _pair),
    (_CLOCK, _exact),
    (_PART, _part_of_day),
)
_READ_DAYS = (*FULL_DATES, *DAYS)


def _one_of(patterns: Sequence[str], kind: str, first: int) -> str:
    return "|".join(f"(?P<{kind}{n}>{pattern})" for n, pattern in enumerate(patterns, first))


@cache
def _rules() -> tuple[re.Pattern[str], list[re.Pattern[str]], list[re.Pattern[str]]]:
    """All in one pattern, then those of days and of clocks each alone; made at the first call, as it takes a while.

    Where two fit at the same place the earlier wins. A numeral nobody reads goes whole: 12345号 holds no 45号.
    """
    days, clocks = ([pattern for pattern, _ in table] for table in (_READ_DAYS, _CLOCKS))
    full = len(FULL_DATES)
    together = (
        _one_of(days[:full], "day", 0),
        f"(?P<noise>{'|'.join((_NUMBERED, *_NOISE))})",
        _one_of(days[full:], "day", full),
        _one_of(clocks, "clock", 0),
        f"(?P<unread>{_UNREAD})",
    )
    return re.compile("|".join(together)), [re.compile(each) for each in days], [re.compile(each) for each in clocks]


def _scanned(text: str, today: date) -> list[_Token]:
    """Everything the text says, in order; 周三到周五 joined into one."""
    near = Near(today, today, today)
    tokens: list[_Token] = []
    for found in _rules()[0].finditer(text):
        kind = found.lastgroup or ""
        token = None
        if kind.startswith("day"):
            token = _day_token(text, found.start(), int(kind[3:]), near)
        elif kind.startswith("clock"):
            token = _clock_token(text, found.start(), int(kind[5:]), tokens)
        # What a token took with it is read: the 一点 of 下午晚一点.
        if token is None or (tokens and token.begins < tokens[-1].ends):
            continue
        if isinstance(token.said, Named):
            near = replace(near, week=token.said.week or near.week, month=token.said.month or near.month)
        tokens = _joined(text, tokens, token)
    return tokens


def _day_token(text: str, start: int, rule: int, near: Near) -> _Token | None:
    found = _rules()[1][rule].match(text, start)
    named = _READ_DAYS[rule][1](found, near) if found else None
    if found is None or named is None:
        return None
    if (suffix := _DAY_SUFFIX.match(text, found.end())) is None:
        return _Token(start, found.end(), named)
    after = shifted(named, found[0], suffix[0], near)
    return _Token(start, suffix.end(), after) if after else None


def _clock_token(text: str, start: int, rule: int, tokens: Sequence[_Token]) -> _Token | None:
    found = _rules()[2][rule].match(text, start)
    said = _CLOCKS[rule][1](found, _part_before(text, start, tokens)) if found else None
    if found is None or said is None:
        return None
    suffix = _SOONER.match(text, found.end()) or _SUFFIX.match(text, found.end())
    return _Token(start, suffix.end() if suffix else found.end(), said)


def _part_before(text: str, start: int, tokens: Sequence[_Token]) -> str:
    """The part of the day a time is said in: 下午的三点, but not 上午不行，三点."""
    if not tokens or not isinstance(last := tokens[-1].said, _Span):
        return ""
    gap = text[tokens[-1].ends : start]
    return last.part if len(gap) <= 6 and not re.search("[不别除没]", gap) else ""


def _joined(text: str, tokens: Sequence[_Token], token: _Token) -> list[_Token]:
    """The tokens with this one, with the stretch from the last to this one, or with the weekday added to its date."""
    if not tokens or not isinstance(first := tokens[-1].said, Named) or not isinstance(second := token.said, Named):
        return [*tokens, token]
    gap = text[tokens[-1].ends : token.begins]
    whole = between(first, second) if _UNTIL.fullmatch(gap) else None
    if len(first.days) == 1 and second.weekly == {first.days[0].weekday()} and gap in _ASIDE:
        whole = first
    return [*tokens[:-1], _Token(tokens[-1].begins, token.ends, whole)] if whole else [*tokens, token]


def _refused(text: str, tokens: Sequence[_Token]) -> list[_Token]:
    """What does not suit: 不要周一和周二, 周三、周四不行."""
    before = [bool(_NOT_BEFORE.search(text, 0, t.begins)) for t in tokens]
    after = [bool(_NOT_AFTER.match(text, t.ends)) for t in tokens]
    _settle(text, tokens, before, after)
    linked = [bool(_AND.fullmatch(text, a.ends, b.begins)) for a, b in pairwise(tokens)]
    for n, link in enumerate(linked):
        before[n + 1] |= link and before[n]
    for n, link in reversed([*enumerate(linked)]):
        after[n] |= link and after[n + 1]
    return [t for t, no in zip(tokens, map(max, before, after), strict=True) if no]


def _settle(text: str, tokens: Sequence[_Token], before: list[bool], after: list[bool]) -> None:
    """One 不要 between two words is said of one: of the later in 明天不要上午, of the former in 周三不要周四可以."""
    for n, (first, second) in enumerate(pairwise(tokens)):
        if after[n] and before[n + 1] and _NOT_BEFORE.fullmatch(text, first.ends, second.begins):
            within = isinstance(first.said, Named) and (
                isinstance(second.said, _Span) or set(second.said.days) < set(first.said.days)
            )
            (after if within else before)[n if within else n + 1] = False


def _whole_days(tokens: Sequence[_Token], refused: Sequence[_Token]) -> list[_Token]:
    """The refused days, save those of which only a part is refused: 周三上午不行，下午可以."""
    whole = []
    for n, token in enumerate(tokens):
        if token not in refused or not token.is_day:
            continue
        rest = tokens[n + 1 :]
        until = next((at for at, t in enumerate(rest) if t.is_day), len(rest))
        if not (until and rest[0] in refused and any(t not in refused for t in rest[:until])):
            whole.append(token)
    return whole


def _only_parts(tokens: Sequence[_Token], refused: Sequence[_Token]) -> list[str]:
    """The parts of the day that are refused on any day: 明天不要上午, but not 周三上午不行."""
    pairs = zip((None, *tokens), tokens, strict=False)
    return [t.said.part for last, t in pairs if t in refused and isinstance(t.said, _Span) and last not in refused]


def _days(tokens: Sequence[_Token], refused: Sequence[_Token], today: date) -> tuple[date, ...]:
    """The days that suit. 下周，周三上午 means the Wednesday: what lies within a wider stretch narrows it."""
    kept = [t.said for t in tokens if isinstance(t.said, Named) and t not in refused]
    sets = [frozenset(named.days) for named in kept]
    days = {day for each in sets if not any(other < each for other in sets) for day in each}
    unfit = [t.said for t in refused if isinstance(t.said, Named)]
    if unfit and not kept:
        days = set(stretch(today, today + timedelta(days=_REFUSED_DAYS - 1)))
    fits = (day for day in days if not any(day in no.days or day.weekday() in no.weekly for no in unfit))
    return tuple(sorted(fits))


def _span(spans: Sequence[_Span], refused: Sequence[str]) -> _Span:
    """One stretch of the day out of all that was said; of two times the first."""
    clocks = [span for span in spans if span.at or not span.part]
    if clocks:
        first, *more = clocks
        if more and first.begins and not first.ends and more[0].ends and not more[0].begins:
            return replace(first, ends=more[0].ends)
        return first
    if not spans:
        return next((_OTHERWISE[part] for part in refused if part in _OTHERWISE), _Span())
    whole = spans[0]
    for span in spans[1:]:
        if span.begins == whole.ends:
            whole = replace(whole, ends=span.ends)
    return whole
