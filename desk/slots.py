"""The times that can be booked: from hours, calendar, exceptions and rules, less what is taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import CHINA
from desk.calendar import Calendar, Day, Sort
from desk.halls import Window
from desk.models import ExceptionRow, SlotRow
from desk.rules import Rules, in_time
from knowledge.hours import open_on
from knowledge.schema import Hours, HoursException

Stretch = tuple[str, str]  # opens and closes, as "HH:MM"


@dataclass(frozen=True, slots=True)
class Slot:
    """A time with the places left; `full` slots stay visible so that people see that they were early enough."""

    starts: datetime
    ends: datetime
    free: int


@dataclass(frozen=True, slots=True)
class DaySlots:
    """A day at a window: its slots, or why it has none."""

    day: Day
    slots: tuple[Slot, ...] = ()
    closed: str = ""

    @property
    def free(self) -> int:
        """Places left on the whole day."""
        return sum(slot.free for slot in self.slots)


@dataclass(frozen=True, slots=True)
class Exceptional:
    """A day's hours at a hall in place of the weekly ones; no stretches means closed."""

    stretches: tuple[Stretch, ...]
    note: str


def available(
    session: Session, windows: Sequence[Window], first: date, last: date, *, now: datetime
) -> dict[str, tuple[DaySlots, ...]]:
    """The days `first` to `last` (both included) at each window, by its id. Three queries however many windows."""
    calendar = Calendar.load(session)
    exceptions = read_exceptions(session, windows, first, last)
    taken = _taken(session, windows, first, last)
    days = [calendar.day(first + timedelta(days=n)) for n in range((last - first).days + 1)]
    today = now.astimezone(CHINA).date()
    ends = {horizon: calendar.last(today, horizon) for horizon in {window.rules.horizon for window in windows}}
    return {
        window.id: tuple(
            _day(
                window, day, exceptions.get((window.hall.region, window.hall.name, day.day)), taken[window.id],
                now=now, last=ends[window.rules.horizon],
            )
            for day in days
        )
        for window in windows
    }  # fmt: skip


def slot_at(session: Session, window: Window, starts: datetime, *, now: datetime) -> Slot | DaySlots:
    """The slot that begins at `starts`, or the day as it is where there is none such."""
    day = starts.astimezone(CHINA).date()
    (found,) = available(session, [window], day, day, now=now)[window.id]
    return next((slot for slot in found.slots if slot.starts == starts), found)


def read_exceptions(
    session: Session, windows: Iterable[Window], first: date, last: date
) -> dict[tuple[str, str, date], Exceptional]:
    """The exceptional days of these windows' halls, by region, hall and day."""
    halls = {window.hall.name for window in windows}
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


def within(starts: datetime, ends: datetime, stretches: Sequence[Stretch]) -> bool:
    """Whether a slot lies wholly inside one of the stretches of its day."""
    day = starts.astimezone(CHINA).date()
    return any(_moment(day, opens) <= starts and ends <= _moment(day, closes) for opens, closes in stretches)


def _taken(session: Session, windows: Sequence[Window], first: date, last: date) -> Mapping[str, dict[datetime, int]]:
    begins = datetime.combine(first, time(), CHINA)
    ends = datetime.combine(last + timedelta(days=1), time(), CHINA)
    query = select(SlotRow.window, SlotRow.starts_at, SlotRow.taken).where(
        SlotRow.window.in_({window.id for window in windows}), SlotRow.starts_at >= begins, SlotRow.starts_at < ends
    )
    found: dict[str, dict[datetime, int]] = defaultdict(dict)
    for window, starts, taken in session.execute(query):
        found[window][starts] = taken
    return found


def _day(
    window: Window,
    day: Day,
    exceptional: Exceptional | None,
    taken: Mapping[datetime, int],
    *,
    now: datetime,
    last: date,
) -> DaySlots:
    stretches = opening(window.hours, day, exceptional)
    if why := _closed(window, day, exceptional, stretches, now=now, last=last):
        return DaySlots(day, closed=why)
    rules = window.rules
    slots = tuple(
        Slot(starts, ends, max(0, rules.capacity - taken.get(starts, 0)))
        for starts, ends in _grid(day.day, stretches, rules.slot)
        if in_time(rules, starts, now)
    )
    return DaySlots(day, slots, "" if slots else _over(rules, day, now))


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
    if day.day < now.astimezone(CHINA).date():
        return "已经过去了"
    if exceptional is not None and not stretches:
        return exceptional.note or "大厅临时不办公"
    if not stretches and day.sort is Sort.HOLIDAY:
        return f"{day.name or '法定节假日'}放假"
    if not stretches:
        return "大厅周末不办公" if day.sort is Sort.WEEKEND else "大厅这一天不办公"
    if day.day > last:
        return f"还没放号，现在可以约到 {last.month}月{last.day}日"
    if not day.announced and exceptional is None:
        return f"{day.day.year}年放假安排待公布，公布后开放预约"
    return "这个窗口暂时不接受预约" if window.rules.capacity == 0 else ""


def _over(rules: Rules, day: Day, now: datetime) -> str:
    today = day.day == now.astimezone(CHINA).date()
    return "今天的预约时间已经过了" if today else "这一天的预约已经截止"


@lru_cache(maxsize=4096)
def _grid(day: date, stretches: tuple[Stretch, ...], minutes: int) -> tuple[tuple[datetime, datetime], ...]:
    """The slots of a day as (begins, ends): from each opening on, as long as a whole one fits."""
    length = timedelta(minutes=minutes)
    made = []
    for opens, closes in stretches:
        starts, end = _moment(day, opens), _moment(day, closes)
        while starts + length <= end:
            made.append((starts, starts + length))
            starts += length
    return tuple(made)


def _moment(day: date, clock: str) -> datetime:
    if clock == "24:00":
        return datetime.combine(day + timedelta(days=1), time(), CHINA)
    return datetime.combine(day, time.fromisoformat(clock), CHINA)
