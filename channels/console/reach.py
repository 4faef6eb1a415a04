"""What a list shows: the regions of whoever looks at it, and the days."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from channels.console.clerks import Clerk
from channels.house import House
from core.clock import CHINA
from core.errors import Forbidden, Invalid
from staff.permissions import Act

DAYS = (7, 30, 90)
FIRST, LAST = 2000, 2199  # years that a day may be of
SPANS = [(days, f"最近 {days} 天") for days in DAYS]


def reach(house: House, clerk: Clerk, act: Act, region: str = "") -> tuple[list[str], list[tuple[str, str]]]:
    """The regions to show, `region` alone where it is given, and those to choose among with their names.

    Raises Forbidden where the clerk may not, there or anywhere.
    """
    clerk.require_anywhere(act)
    if region and not (region in house.regions and clerk.may(act, region)):
        raise Forbidden()
    own = list(clerk.regions(act))
    codes = dict.fromkeys(code for one in own for code in (one, *house.regions.children(one)))
    return [region] if region else own, [(code, house.regions.full_name(code)) for code in codes]


def day_of(text: str) -> date | None:
    """A day as a date field sends it; None for an empty one. Raises Invalid."""
    return read_day(text) if text else None


def read_day(text: str) -> date:
    """The day that "2026-10-16" names. Raises Invalid."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("日期请写成 2026-10-16 这样，现在写的日期不对。") from error
    if not FIRST <= day.year <= LAST:
        raise Invalid(f"日期只能在 {FIRST} 年到 {LAST} 年之间。")
    return day


def begins(day: date | None) -> datetime | None:
    """The first moment of a day in China."""
    return datetime.combine(day, time(), CHINA) if day else None


def ends(day: date | None) -> datetime | None:
    """The first moment after it."""
    return begins(day + timedelta(days=1)) if day else None
