"""A hall's day list, as the staff's API and their pages show it, and the halls they may choose among."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from channels.house import House
from core import clock, tables
from desk import days, halls, outbox
from desk.calendar import Calendar, Day
from desk.days import Entry
from desk.rules import Rules
from desk.status import Status
from knowledge.schema import Hall

COLUMNS = ("时间", "窗口", "事项", "姓名", "手机", "预约号", "状态")


@dataclass(frozen=True, slots=True)
class DayList:
    """All appointments of a hall's day by time, those that ended among them.

    `call` has the numbers of those whom no notice reached, or who have not read it yet: that their time was lost, or
    the reminder they wished for.
    """

    day: Day
    entries: tuple[Entry, ...]
    call: tuple[str, ...]

    @property
    def counts(self) -> Mapping[Status, int]:
        """How many there are of each status."""
        return Counter(one.appointment.status for one in self.entries)


def read(house: House, session: Session, region: str, hall: str, day: date) -> DayList:
    """The day list. Raises NoHall."""
    entries = days.entries(session, house.vault, region, hall, day)
    known = Calendar.load(session).day(day)
    return DayList(known, entries, _call(house, session, region, hall, day, entries))


def lost(house: House, session: Session, region: str, hall: str, day: date) -> tuple[str, ...]:
    """The numbers of those without a time that day whom no notice reaches by itself."""
    entries = days.entries(session, house.vault, region, hall, day)
    without = [one for one in entries if one.appointment.status is Status.DISPLACED]
    return _call(house, session, region, hall, day, without)


def table(entries: Iterable[Entry]) -> bytes:
    """The list for spreadsheets, as UTF-8."""
    return tables.table(COLUMNS, map(_cells, entries)).encode()


def every_hall(house: House, session: Session) -> tuple[tuple[Hall, Rules | None], ...]:
    """The halls that take appointments with their rules, then the published ones of this region that could."""
    opened = {(one.hall.region, one.hall.name): one for one in halls.desk_halls(session)}
    rest = [hall for hall in house.halls() if (hall.region, hall.name) not in opened]
    return (*((one.hall, one.rules) for one in opened.values()), *((hall, None) for hall in rest))


def _cells(one: Entry) -> tuple[str, ...]:
    at = one.appointment
    span = f"{at.starts:%H:%M}-{at.ends:%H:%M}"
    return (span, at.window_name, at.guide_name, one.name, one.phone, at.number, at.status.spoken)


def _call(
    house: House, session: Session, region: str, hall: str, day: date, entries: Iterable[Entry]
) -> tuple[str, ...]:
    """The numbers of those among the `entries` who must be called."""
    unreached = outbox.unreached(session, region, hall, day, house.rounds.pushes, now=clock.now())
    return tuple(one.number for one in (entry.appointment for entry in entries) if one.id in unreached)
