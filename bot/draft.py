"""The half-made booking: what has been settled of it, and what is asked next."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum

from bot.times import Wanted
from core.types import Choice


class Step(StrEnum):
    """What is asked. The values name the slots in which Rasa mirrors a draft."""

    ITEM = "item"
    ONLINE = "online"
    HALL = "hall"
    DAY = "day"
    TIME = "time"
    NAME = "name"
    PHONE = "phone"
    IDENTITY = "identity"
    CONFIRM = "confirm"


WHENEVER = Wanted()


@dataclass(frozen=True, slots=True)
class Draft:
    """A booking in the making, or one that is being moved: then `moving` is the appointment's id.

    `person` is locked: nothing in here can be read that is personal. `key` makes the booking happen once however often it
    is confirmed. `online` is set once the citizen wants to come although it is done online; `trouble` says what was
    wrong with the last detail given. `offered` are the matters to choose from while none is settled. `doubtful` is set when
    the last message was about something else or not understood: a bare yes then does not book.
    """

    key: str
    guide: int | None = None
    moving: int | None = None
    online: bool = False
    window: str = ""
    wanted: Wanted = WHENEVER
    starts: datetime | None = None
    person: str = ""
    step: Step = Step.ITEM
    trouble: str = ""
    offered: tuple[Choice, ...] = ()
    doubtful: bool = False

    @property
    def day(self) -> date | None:
        """The day, where it is settled."""
        if self.starts:
            return self.starts.date()
        return self.wanted.days[0] if len(self.wanted.days) == 1 else None

    def wanting(self, more: Wanted) -> Draft:
        """The same booking at another time: what was named now counts, and what was named before where it still fits."""
        old, timed = self.wanted, more.at or more.begins or more.ends
        days = more.days or ((self.starts.date(),) if self.starts and timed else old.days)
        clock = more if timed else replace(old, at=None) if more.earliest else old
        merged = Wanted(days, clock.begins, clock.ends, clock.at, more.earliest, more.any)
        return replace(self, wanted=merged, starts=None)

    def on(self, day: date | None, at: time | None = None) -> Draft:
        """The same booking on that day, at `at` or a time to be asked; on a day to be asked where there is none."""
        wish = Wanted((day,) if day else (), self.wanted.begins, self.wanted.ends, at)
        return replace(self, wanted=wish, starts=None)


def new(guide: int | None = None, *, moving: int | None = None, wanted: Wanted = WHENEVER) -> Draft:
    """A draft just begun."""
    return Draft(key=secrets.token_urlsafe(12), guide=guide, moving=moving, wanted=wanted)
