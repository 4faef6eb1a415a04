"""The places of slots. The database compares and counts in one statement: of two that come for the last place one
finds none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, case, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.clock import CHINA
from desk.models import SlotRow
from desk.rules import Refused

_SLOTS = cast(Table, SlotRow.__table__)


class SlotTaken(Refused):
    """这个时间刚刚约满了，请换一个时间。"""

    code = "slot_taken"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place of the slot from `starts` to `ends`, at a window by its id."""

    window: str
    starts: datetime
    ends: datetime

    @property
    def key(self) -> tuple[str, date, int]:
        """As slots are stored: window, day, and the minute of the day."""
        local = self.starts.astimezone(CHINA)
        return self.window, local.date(), local.hour * 60 + local.minute

    @property
    def minutes(self) -> int:
        """How long the slot lasts."""
        return int((self.ends - self.starts).total_seconds()) // 60


def take(session: Session, place: Place, places: int) -> None:
    """Take a place where the window has `places` at once, those counted that were taken at times across this one: hours
    and lengths of slots may change. Raises SlotTaken.
    """
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    taken, across = _SLOTS.c.taken, _across(place)
    longest = case(((taken > 0) & (_SLOTS.c.minutes > place.minutes), _SLOTS.c.minutes), else_=place.minutes)
    more = update(_SLOTS).where(*_slot(place), taken + across < places).values(taken=taken + 1, minutes=longest)
    new = select(*map(literal, (*place.key, place.minutes, 1))).where(across < places)
    first = dialect.insert(_SLOTS).from_select(_SLOTS.c.keys(), new).on_conflict_do_nothing()
    # The second `more` is for whoever lost the race to make the row.
    for statement in (more, first, more) if places > 0 else ():
        if session.execute(statement.returning(taken)).first():
            return
    raise SlotTaken()


def give(session: Session, place: Place) -> None:
    """Give a place back."""
    taken = _SLOTS.c.taken
    session.execute(update(_SLOTS).where(*_slot(place), taken > 0).values(taken=taken - 1))


def move(session: Session, held: Place, wanted: Place, places: int) -> None:
    """Give `held` back and take one of the `places` at `wanted`. Raises SlotTaken, and then nothing may be committed."""
    steps = {held: lambda: give(session, held), wanted: lambda: take(session, wanted, places)}
    for place in sorted(steps):  # in one order, so that two who change crosswise do not wait for each other
        steps[place]()


def _across(place: Place) -> ColumnElement[int]:
    """How many places are taken at other times that reach into this one's."""
    window, day, begins = place.key
    other = _SLOTS.alias("other")
    there = (other.c.window == window, other.c.day == day, other.c.begins != begins)
    meets = (other.c.begins < begins + place.minutes, other.c.begins + other.c.minutes > begins)
    return select(func.coalesce(func.sum(other.c.taken), 0)).where(*there, *meets).scalar_subquery()


def _slot(place: Place) -> tuple[ColumnElement[bool], ...]:
    window, day, begins = place.key
    return (_SLOTS.c.window == window, _SLOTS.c.day == day, _SLOTS.c.begins == begins)
