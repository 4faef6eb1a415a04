"""The times that can be booked: from hours, calendar, exceptions and rules, less what is taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import NamedTuple, cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from core.clock import CHINA
from desk.calendar import Calendar, Day, Sort
from desk.halls import Window
from desk.models import ExceptionRow, SlotRow
from desk.rules import in_time
from knowledge.hours import DAYS, open_on
from knowledge.schema import Hours, HoursException

Stretch = tuple[str, str]  # opens and closes, as "HH:MM"
Taken = tuple[int, int]  # how many places, and how many minutes the longest of them lasts
_NONE = (0, 0)


class Slot(NamedTuple):
    """A time with the places left, of `places` in all. Full ones are kept, so that people see they were early enough."""

    starts: datetime
    ends: datetime
    free: int
    places: int


@dataclass(frozen=True)
class DaySlots:
    """A day at a window: its slots, or why it has none.

    `untaken` are its slots by the minute of the day they begin at, with all their places, and `taken` what is taken of
    them. Most who look at a month ask only how much is free: the slots are made for those who ask for them.
    """

    day: Day
    closed: str = ""
    untaken: Mapping[int, Slot] = field(default_factory=dict)
    taken: Mapping[int, Taken] = field(default_factory=dict)

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Its slots with the places left, earliest first."""
        beside = (lambda begins, slot: 0) if self._plain else self._beside
        return tuple(
            _slot(slot, beside(begins, slot), self.taken.get(begins, _NONE)[0]) for begins, slot in self.untaken.items()
        )

    @property
    def free(self) -> int:
        """Places left on the whole day."""
        if not self._plain:
            return sum(slot.free for slot in self.slots)
        places = next((slot.places for slot in self.untaken.values()), 0)
        return places * len(self.untaken) - sum([min(places, many) for many, _ in self.taken.values()])

    @property
    def _plain(self) -> bool:
        """Whether all that is taken is taken at the slots as they are now: hours and lengths of slots may change."""
        if not self.taken:
            return True
        length = next((_minutes(slot) for slot in self.untaken.values()), 0)
        return self.taken.keys() <= self.untaken.keys() and max([many for _, many in self.taken.values()]) <= length

    def _beside(self, begins: int, slot: Slot) -> int:
        """How many were taken at other times that reach into this one: it has so many places less, or the window would
        serve too many at once.
        """
        end = begins + _minutes(slot)
        return sum(
            many for at, (many, minutes) in self.taken.items() if at != begins and at < end and at + minutes > begins
        )


@dataclass(frozen=True, slots=True)
class Exceptional:
    """A day's hours at a hall in place of the weekly ones; no stretches means closed."""

    stretches: tuple[Stretch, ...]
    note: str


def available(
    session: Session, windows: Sequence[Window], first: date, last: date, *, now: datetime
) -> dict[str, tuple[DaySlots, ...]]:
    """The days `first` to `last` (both included) at each window, by its id. As many queries for one window
    as for many.
    """
    calendar = Calendar.load(session)
    exceptions = read_exceptions(session, {window.hall.name for window in windows}, first, last)
    taken = _taken(session, windows, first, last)
    days = [calendar.day(first + timedelta(days=n)) for n in range((last - first).days + 1)]
    now = now.astimezone(CHINA)
    ends = {horizon: calendar.last(now.date(), horizon) for horizon in {window.rules.horizon for window in windows}}
    return {
        window.id: tuple(
            _day(
                window, day, exceptions.get((window.hall.region, window.hall.name, day.day)), stretches,
                taken.get((window.id, day.day), {}), now=now, last=ends[window.rules.horizon],
            )
            for day, stretches in zip(days, _openings(window.hours, days), strict=True)
        )
        for window in windows
    }  # fmt: skip


def slot_at(session: Session, window: Window, starts: datetime, *, now: datetime) -> Slot | DaySlots:
    """The slot that begins at `starts`, or the day as it is where there is none such."""
    day = starts.astimezone(CHINA).date()
    (found,) = available(session, [window], day, day, now=now)[window.id]
    return next((slot for slot in found.slots if slot.starts == starts), found)


def read_exceptions(
    session: Session, halls: Iterable[str], first: date, last: date
) -> dict[tuple[str, str, date], Exceptional]:
    """The exceptional days of halls of these names, by region, hall and day."""
    within = (ExceptionRow.hall.in_(halls), ExceptionRow.day.between(first, last))
    found: dict[tuple[str, str, date], Exceptional] = {}
    for row in session.scalars(select(ExceptionRow).where(*within).order_by(ExceptionRow.opens)):
        before = found.get((row.region, row.hall, row.day), Exceptional((), row.note))
        own = ((row.opens, row.closes),) if row.opens and row.closes else ()
        found[row.region, row.hall, row.day] = Exceptional(before.stretches + own, before.note or row.note)
    return found


def opening(hours: Hours, day: Day, exceptional: Exceptional | None = None) -> tuple[Stretch, ...]:
    """When a hall is open on a day, earliest first."""
    if exceptional is not None:
        return exceptional.stretches
    if day.sort is Sort.MADE_UP and not any(one.day == day.day for one in hours.exceptions):
        # A weekend day that is worked has the hours of an ordinary Monday, not those of a weekend.
        monday = day.day - timedelta(days=day.day.weekday())
        plain = hours.model_copy(update={"exceptions": list[HoursException]()})
        return tuple(open_on(plain, monday, holiday=False)) or tuple(open_on(hours, day.day, holiday=False))
    return tuple(open_on(hours, day.day, holiday=day.sort is Sort.HOLIDAY))


def _openings(hours: Hours, days: Sequence[Day]) -> Iterator[tuple[Stretch, ...]]:
    """The same for many days; those of one weekday and sort are looked up once."""
    special = {one.day for one in hours.exceptions}
    known: dict[tuple[int, Sort], tuple[Stretch, ...]] = {}
    for day in days:
        alike = (day.day.weekday(), day.sort)
        if day.day in special:
            yield opening(hours, day)
            continue
        if alike not in known:
            known[alike] = opening(hours, day)
        yield known[alike]


def within(starts: datetime, ends: datetime, stretches: Sequence[Stretch]) -> bool:
    """Whether a slot lies wholly inside one of the stretches of its day."""
    day = starts.astimezone(CHINA).date()
    return any(_moment(day, opens) <= starts and ends <= _moment(day, closes) for opens, closes in stretches)


def _taken(
    session: Session, windows: Sequence[Window], first: date, last: date
) -> Mapping[tuple[str, date], dict[int, Taken]]:
    """What is taken, by window and day, then by the minute of the day at which a slot begins."""
    slot = cast(Table, SlotRow.__table__).c  # the bare table: thousands of rows need no mapper
    within = (slot.window.in_({one.id for one in windows}), slot.day.between(first, last), slot.taken > 0)
    found: dict[tuple[str, date], dict[int, Taken]] = defaultdict(dict)
    for window, day, begins, minutes, taken in session.execute(select(*slot).where(*within)).all():
        found[window, day][begins] = taken, minutes
    return found


def _day(
    window: Window,
    day: Day,
    exceptional: Exceptional | None,
    weekly: tuple[Stretch, ...],
    taken: Mapping[int, Taken],
    *,
    now: datetime,
    last: date,
) -> DaySlots:
    stretches = weekly if exceptional is None else exceptional.stretches
    if why := _closed(window, day, exceptional, stretches, now=now, last=last):
        return DaySlots(day, why)
    rules = window.rules
    untaken = _untaken(day.day, stretches, rules.slot, rules.capacity)
    if not untaken:
        return DaySlots(day, "这一天办公时间太短，不能预约")
    if in_time(rules, next(iter(untaken.values())).starts, now):
        return DaySlots(day, "", untaken, taken)
    left = {begins: slot for begins, slot in untaken.items() if in_time(rules, slot.starts, now)}
    still = {begins: some for begins, some in taken.items() if begins + some[1] > next(iter(left), 0)}
    return DaySlots(day, "", left, still) if left else DaySlots(day, _over(day, now))


def _minutes(slot: Slot) -> int:
    return (slot.ends - slot.starts) // timedelta(minutes=1)


def _slot(slot: Slot, beside: int, taken: int) -> Slot:
    places = max(0, slot.places - beside)
    return Slot(slot.starts, slot.ends, max(0, places - taken), places)


def _closed(
    window: Window,
    day: Day,
    exceptional: Exceptional | None,
    stretches: Sequence[Stretch],
    *,
    now: datetime,
    last: date,
) -> str:
    """Why nothing can be booked on a day, in the citizen's words; empty where something may."""
    if day.day < now.date():
        return "已经过去了"
    if exceptional is not None and not stretches:
        return exceptional.note or "大厅临时不办公"
    if not stretches:
        return _day_off(window.hours, day)
    if day.day > last:
        return f"还没放号，现在可以约到 {last.month}月{last.day}日"
    if not day.announced and exceptional is None:
        return f"{day.day.year}年放假安排待公布，公布后开放预约"
    return "这个窗口暂时不接受预约" if window.rules.capacity == 0 else ""


def _day_off(hours: Hours, day: Day) -> str:
    """Why the published hours leave a day out."""
    if own := next((one for one in hours.exceptions if one.day == day.day), None):
        return own.note or "大厅临时不办公"
    if not hours.rules:
        return "大厅没有写清楚办公时间，请打电话问大厅"
    if day.sort is Sort.HOLIDAY:
        return f"{day.name or '法定节假日'}放假"
    if day.sort is Sort.WEEKEND and not any({6, 7} & set(rule.days) for rule in hours.rules):
        return "大厅周末不办公"
    return f"大厅周{DAYS[day.day.weekday()]}不办公"


def _over(day: Day, now: datetime) -> str:
    """Why an open day has no slot left."""
    today = day.day == now.date()
    return "今天的预约时间已经过了" if today else "这一天的预约已经截止"


@lru_cache(maxsize=4096)
def _untaken(day: date, stretches: tuple[Stretch, ...], minutes: int, places: int) -> Mapping[int, Slot]:
    """The slots of a day by the minute they begin at, with all their places: from each opening on, as long as a whole one fits.

    Kept, because most halls have the same hours, and slots that nobody booked can be shared.
    """
    length = timedelta(minutes=minutes)
    made = {}
    for opens, closes in stretches:
        starts, end = _moment(day, opens), _moment(day, closes)
        while starts + length <= end:
            made[starts.hour * 60 + starts.minute] = Slot(starts, starts + length, places, places)
            starts += length
    return MappingProxyType(made)


def _moment(day: date, clock: str) -> datetime:
    if clock == "24:00":
        return datetime.combine(day + timedelta(days=1), time(), CHINA)
    return datetime.combine(day, time.fromisoformat(clock), CHINA)
