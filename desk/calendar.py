"""Which days are worked: the official calendar, with what staff entered over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.errors import Invalid
from desk.models import AnnouncedYear, SpecialDayRow


class Sort(StrEnum):
    """What kind of day it is; the value is the word people read."""

    WORKING = "工作日"
    WEEKEND = "周末"
    HOLIDAY = "法定节假日"
    MADE_UP = "调休上班"


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day off, or a weekend day that is worked; `name` is the holiday's."""

    day: date
    working: bool
    name: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar. Where the year is not `announced`, holidays may still fall on it."""

    day: date
    sort: Sort
    name: str = ""
    announced: bool = True

    @property
    def working(self) -> bool:
        """Whether offices work, as far as is known."""
        return self.sort in (Sort.WORKING, Sort.MADE_UP)


class Calendar:
    """The official calendar as far as it is announced. Made for one transaction: staff may edit it at any time."""

    def __init__(self, special: Mapping[date, SpecialDay] | None = None, years: frozenset[int] = frozenset()) -> None:
        """`special` are single days staff entered; `years` are those they entered whole."""
        self._special, self._years = special or {}, years

    @classmethod
    def load(cls, session: Session) -> Calendar:
        """The calendar with what staff entered."""
        rows = session.scalars(select(SpecialDayRow))
        special = {row.day: SpecialDay(row.day, row.working, row.name) for row in rows}
        return cls(special, frozenset(session.scalars(select(AnnouncedYear.year))))

    def day(self, day: date) -> Day:
        """What kind of day it is."""
        announced = self.announced(day.year)
        weekend = day.isoweekday() > 5
        if known := self._special.get(day) or self._built_in(day):
            return Day(day, _sort(weekend, known.working), known.name, announced)
        return Day(day, Sort.WEEKEND if weekend else Sort.WORKING, "", announced)

    def last(self, today: date, horizon: int) -> date:
        """The `horizon`th working day after today: the last that can be booked."""
        day, left = today, horizon
        while left:
            day += timedelta(days=1)
            left -= self.day(day).working
        return day

    def announced(self, year: int) -> bool:
        """Whether the holidays of a year are known."""
        return year in self._years or _official(year)

    def announced_until(self, year: int) -> date:
        """The last day whose sort is known, counted from `year` on without a gap; the day before it where it is not."""
        while self.announced(year):
            year += 1
        return date(year - 1, 12, 31)

    def year(self, year: int) -> Iterator[SpecialDay]:
        """The special days of a year, in order."""
        day = date(year, 1, 1)
        while day.year == year:
            known = self.day(day)
            if known.sort in (Sort.HOLIDAY, Sort.MADE_UP):
                yield SpecialDay(day, known.working, known.name)
            day += timedelta(days=1)

    def _built_in(self, day: date) -> SpecialDay | None:
        """What the library knows of a day; nothing where staff entered its year whole."""
        if day.year in self._years or not _official(day.year):
            return None
        import chinese_calendar

        off, name = chinese_calendar.get_holiday_detail(day)
        if name is None:  # a plain weekend or working day
            return None
        return SpecialDay(day, not off, chinese_calendar.Holiday(name).chinese)


def announce(session: Session, year: int, days: list[SpecialDay]) -> None:
    """Enter the holidays of a year whole, in place of what was known of it. Raises Invalid for other years' days."""
    if any(one.day.year != year for one in days) or len({one.day for one in days}) != len(days):
        raise Invalid(f"只能填 {year} 年的日期，每天一行。")
    session.execute(delete(SpecialDayRow).where(SpecialDayRow.day.between(date(year, 1, 1), date(year, 12, 31))))
    session.add_all([SpecialDayRow(day=one.day, working=one.working, name=one.name) for one in days])
    session.merge(AnnouncedYear(year=year))
    session.flush()


def enter(session: Session, special: SpecialDay) -> None:
    """Enter one day, over what is known of it."""
    session.merge(SpecialDayRow(day=special.day, working=special.working, name=special.name))
    session.flush()


def _sort(weekend: bool, working: bool) -> Sort:
    if not working:
        return Sort.HOLIDAY
    return Sort.MADE_UP if weekend else Sort.WORKING


def _official(year: int) -> bool:
    return year in _official_years()


@cache
def _official_years() -> range:
    """The years the built-in calendar covers; importing it costs 50 ms, so it waits until it is asked."""
    from chinese_calendar import constants

    return range(min(constants.holidays).year, max(constants.holidays).year + 1)
