"""The free times of one window, and what becomes of a wish for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from bot.draft import WHENEVER, Draft
from bot.times import Wanted, spoken_day, spoken_time
from bot.wording import say
from core.clock import CHINA
from desk.front import FrontDesk
from desk.halls import Window
from desk.slots import DaySlots, Slot

NEAR = 5  # free times offered in place of one that is full
_NOON = time(12)
_FAR = 7  # days named beyond the horizon of which the reason is looked up


@dataclass(frozen=True, slots=True)
class Openings:
    """The days at a window from today until none can be booked any more, and those asked for beyond."""

    days: tuple[DaySlots, ...]

    def on(self, day: date) -> DaySlots | None:
        """That day, where it was read."""
        return next((one for one in self.days if one.day.day == day), None)

    def free(self, wanted: Wanted = WHENEVER) -> tuple[Slot, ...]:
        """The free times that fit, earliest first."""
        return tuple(slot for day in self.days for slot in day.slots if slot.free and fits(slot, wanted))

    def near(self, moment: datetime) -> tuple[Slot, ...]:
        """Free times about `moment`: of the same day the nearest first, then the next days'."""
        day = moment.date()
        same = sorted(
            (slot for slot in self.free() if slot.starts.date() == day), key=lambda slot: abs(slot.starts - moment)
        )
        later = [slot for slot in self.free() if slot.starts.date() > day]
        first = min((slot.starts.date() for slot in later), default=None)
        following = sorted(
            (slot for slot in later if slot.starts.date() == first),
            key=lambda slot: abs(_minutes(slot.starts.time()) - _minutes(moment.time())),
        )
        room = NEAR if len(same) < NEAR else NEAR - 1  # always one of the next day
        return (*same[:room], *following[: NEAR - min(len(same), room)])


@dataclass(frozen=True, slots=True)
class Settled:
    """A draft with what its wish came to: why it could not be had, and the times to have `instead`."""

    draft: Draft
    said: str = ""
    instead: tuple[Slot, ...] = ()


def read(desk: FrontDesk, window: Window, days: Sequence[date] = ()) -> Openings:
    """The openings of a window, and of `days` beyond them."""
    today = desk.today()
    last = _last(window, today)
    found = list(desk.days([window], today, last)[window.id])
    for day in [day for day in days if not today <= day <= last][:_FAR]:
        found += desk.days([window], day, day)[window.id]
    return Openings(tuple(sorted(found, key=lambda one: one.day.day)))


def read_all(desk: FrontDesk, windows: Sequence[Window]) -> dict[str, Openings]:
    """The openings of several windows by their ids, in one look at the desk."""
    today = desk.today()
    last = max((_last(window, today) for window in windows), default=today)
    return {window: Openings(days) for window, days in desk.days(windows, today, last).items()}


def fits(slot: Slot, wanted: Wanted) -> bool:
    """Whether a time is one of those wanted."""
    at = slot.starts.time()
    if wanted.days and slot.starts.date() not in wanted.days:
        return False
    if wanted.at is not None:
        return at == wanted.at
    return (wanted.begins is None or at >= wanted.begins) and (wanted.ends is None or at < wanted.ends)


def settle(draft: Draft, openings: Openings, today: date) -> Settled:
    """Choose day and time as far as the wish says, or say why it cannot be had."""
    wanted = draft.wanted
    if draft.starts or wanted == WHENEVER:
        return Settled(draft)
    free = openings.free(wanted)
    if not free:
        return _unmet(draft, openings, today)
    days = {slot.starts.date() for slot in free}
    if wanted.earliest or wanted.any or (len(days) == 1 and (wanted.at or (wanted.days and len(free) == 1))):
        return Settled(replace(draft, starts=free[0].starts))
    if len(days) == 1 and wanted.days:
        return Settled(replace(draft, wanted=replace(wanted, days=(free[0].starts.date(),))))
    return Settled(draft)


def _unmet(draft: Draft, openings: Openings, today: date) -> Settled:
    wanted = draft.wanted
    if not wanted.days:  # only a part of the day, or the soonest, and there is none
        return Settled(replace(draft, wanted=WHENEVER), say("book_no_such_time", when=spoken_part(wanted)))
    days = [one for day in wanted.days if (one := openings.on(day))]
    opened = [one for one in days if not one.closed]
    if not opened:
        why = "；".join(
            dict.fromkeys(f"{spoken_day(one.day.day, today=today)}{_because(one.closed)}" for one in days[:2])
        )
        return Settled(replace(draft, wanted=replace(wanted, days=())), say("book_closed", why=why))
    first = opened[0]
    day = first.day.day
    moment = datetime.combine(day, wanted.at or wanted.begins or _NOON, CHINA)
    when = spoken_day(day, today=today) + spoken_part(wanted)
    exists = any(fits(slot, wanted) for slot in first.slots)
    said = say("book_full" if exists else "book_no_slot", when=when)
    kept = (day,) if first.free else ()
    return Settled(replace(draft, wanted=Wanted(days=kept)), said, openings.near(moment))


def _because(closed: str) -> str:
    """Closed in a sentence about the day: 大厅周末不办公, 国庆节放假, 已经过去了."""
    return closed if closed.startswith(("大厅", "已经", "还没", "这")) else f"，{closed}"


def spoken_part(wanted: Wanted) -> str:
    """上午, 下午3:00; empty where no time of day was named."""
    if wanted.at:
        return spoken_time(wanted.at)
    if wanted.begins is None and wanted.ends is None:
        return ""
    begins, ends = wanted.begins or time(), wanted.ends or time(23, 59)
    if ends <= _NOON:
        return "上午"
    return ("下午" if begins < time(18) else "晚上") if begins >= _NOON else "这个时段"


def _last(window: Window, today: date) -> date:
    """A day after which none can be booked: working days are five of seven, and the longest holidays take two weeks."""
    return today + timedelta(days=window.rules.horizon * 7 // 5 + 16)


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
