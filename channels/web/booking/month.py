"""A month as a calendar shows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from desk.slots import DaySlots

Week = tuple[DaySlots | None, ...]
_MONTH = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True, slots=True)
class Month:
    """Weeks from Monday to Sunday without those gone by, None for days of other months; and which months follow.

    `days` are those from today to the last that can be booked; `last` is that last one, None where there is none.
    """

    first: date
    weeks: tuple[Week, ...]
    days: tuple[DaySlots, ...]
    before: date | None
    after: date | None
    last: date | None


def month_of(text: str) -> date | None:
    """The first day of the month that "2026-11" names; None where it names none."""
    found = _MONTH.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12 or not int(found[1]):
        return None
    return date(int(found[1]), int(found[2]), 1)


def next_month(first: date) -> date:
    """The first day of the month after."""
    return (first + timedelta(days=31)).replace(day=1)


def month(days: Sequence[DaySlots], wanted: date | None, today: date) -> Month:
    """The wanted month, or the first with a free day. `days` run from the first of this month over all that may open."""
    opened = [one.day.day for one in days if one.slots]
    free = [one.day.day for one in days if one.free]
    last = max(opened, default=None)
    end = (last or today).replace(day=1)
    first = wanted or min(free, default=today).replace(day=1)
    first = min(max(first, today.replace(day=1)), end)
    shown = [one for one in days if first <= one.day.day < next_month(first)]
    return Month(
        first=first,
        weeks=tuple(week for week in _weeks(shown) if any(one and one.day.day >= today for one in week)),
        days=tuple(one for one in shown if last and today <= one.day.day <= last),
        before=(first - timedelta(days=1)).replace(day=1) if first > today.replace(day=1) else None,
        after=next_month(first) if first < end else None,
        last=last,
    )


def _weeks(days: Sequence[DaySlots]) -> tuple[Week, ...]:
    cells: list[DaySlots | None] = [None] * days[0].day.day.weekday() if days else []
    cells += days
    cells += [None] * (-len(cells) % 7)
    return tuple(tuple(cells[at : at + 7]) for at in range(0, len(cells), 7))
