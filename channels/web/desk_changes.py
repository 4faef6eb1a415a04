"""What staff change at the desk, by the API or on a page: each change and its entry in the audit in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

from channels.house import House
from channels.web import day_lists
from core import clock
from core.errors import Conflict
from desk import appointments, days, halls
from desk.calendar import Calendar, SpecialDay
from desk.days import Entry
from desk.locking import lock_calendar
from desk.people import Person
from desk.rules import Rules
from desk.slots import Stretch
from desk.status import Status


class RulesChanged(Conflict):
    """这个大厅的规定刚刚被别人改过，请对照后再保存。"""

    code = "rules_changed"

    def __init__(self, theirs: Rules | None) -> None:
        super().__init__()
        self.theirs = theirs


class YearChanged(Conflict):
    """这一年的安排刚刚被别人改过，请对照后再保存。"""

    code = "year_changed"

    def __init__(self, theirs: Sequence[SpecialDay]) -> None:
        super().__init__()
        self.theirs = theirs


@dataclass(frozen=True, slots=True)
class Displaced:
    """How many appointments lost their time just now, and the numbers of all that day whom no notice reaches."""

    displaced: int
    call: tuple[str, ...]


def stamp(rules: Rules | None) -> str:
    """What tells whether rules are still those that were read; None: the hall takes no appointments."""
    return sha256(rules.model_dump_json().encode()).hexdigest()[:16] if rules else "none"


def year_stamp(special: Sequence[SpecialDay]) -> str:
    """What tells whether a year's days are still those that were read."""
    return sha256("\n".join(map(written, special)).encode()).hexdigest()[:16]


def open_hall(house: House, by: str, region: str, hall: str, rules: Rules, *, seen: str = "") -> None:
    """Take appointments under these rules; those made stand. `seen` is the stamp of the rules that were read.

    Raises NoHall, and RulesChanged where others stand than were seen.
    """
    with house.writing.begin() as session:
        before = next((one.rules for one in halls.desk_halls(session) if _is(one.hall, region, hall)), None)
        if seen and seen != stamp(before):
            raise RulesChanged(before)
        halls.open_hall(session, region, hall, rules)
        detail = {"opened": before is None, "changed": _changed(before, rules)}
        _record(house, session, by, "desk.rules", _hall(region, hall), region, detail=detail)


def shut_hall(house: House, by: str, region: str, hall: str) -> None:
    """Take no more appointments; those made stand. Raises NoHall."""
    with house.writing.begin() as session:
        halls.shut_hall(session, region, hall)
        _record(house, session, by, "desk.rules", _hall(region, hall), region, detail={"shut": True})


def set_hours(
    house: House, by: str, region: str, hall: str, day: date, stretches: Sequence[Stretch], note: str
) -> Displaced:
    """Give a day its own hours, or close it. Raises NoHall, Invalid."""
    with house.writing.begin() as session:
        many = days.set_hours(session, region, hall, day, stretches, note=note, by=by, now=clock.now())
        detail = {"day": str(day), "hours": ["-".join(one) for one in stretches], "displaced": many}
        done = Displaced(many, day_lists.lost(house, session, region, hall, day))
        _record(house, session, by, "desk.hours", _hall(region, hall), region, why=note, detail=detail)
    return done


def reset_hours(house: House, by: str, region: str, hall: str, day: date) -> Displaced:
    """Give a day its weekly hours back. Raises NoHall."""
    with house.writing.begin() as session:
        many = days.reset_hours(session, region, hall, day, by=by, now=clock.now())
        detail = {"day": str(day), "weekly": True, "displaced": many}
        done = Displaced(many, day_lists.lost(house, session, region, hall, day))
        _record(house, session, by, "desk.hours", _hall(region, hall), region, detail=detail)
    return done


def end(house: House, by: str, number: str, status: Status) -> Entry:
    """Record that somebody came or did not. Raises NoAppointment, Ended, Refused, Invalid."""
    with house.writing.begin() as session:
        ended = appointments.end(session, number, status, by=by, now=clock.now())
        detail = {"status": status.value, "hall": ended.hall}
        entry = days.entry(session, house.vault, ended.id)
        _record(house, session, by, "desk.end", f"appointment:{ended.number}", ended.region, detail=detail)
    return entry


def reveal(house: House, by: str, number: str, why: str) -> Person:
    """Whom to call, unmasked. Raises NoAppointment, Erased, Invalid."""
    with house.writing.begin() as session:
        person = days.reveal(session, house.vault, number, by=by, reason=why, now=clock.now())
        found = appointments.find(session, number)
        assert found is not None
        subject = f"appointment:{found.number}"
        _record(house, session, by, "desk.reveal", subject, found.region, why=why, detail={"hall": found.hall})
    return person


def announce(house: House, by: str, year: int, special: Sequence[SpecialDay], *, seen: str = "") -> int:
    """Enter a year's holidays whole. Returns how many appointments lost their time by it. `seen` is the stamp of the days
    that were read. Raises Invalid, and YearChanged where others stand than were seen.
    """
    with house.writing.begin() as session:
        lock_calendar(session)
        before = list(Calendar.load(session).year(year))
        if seen and seen != year_stamp(before):
            raise YearChanged(before)
        many = days.announce(session, year, list(special), by=by, now=clock.now())
        detail = {"before": _told(before), "after": _told(special), "displaced": many}
        _record(house, session, by, "desk.year", f"year:{year}", house.settings.region, detail=detail)
    return many


def enter(house: House, by: str, special: SpecialDay) -> int:
    """Enter one day over what is known of it. Returns how many appointments lost their time by it."""
    with house.writing.begin() as session:
        before = Calendar.load(session).day(special.day)
        many = days.enter(session, special, by=by, now=clock.now())
        detail = {"before": f"{before.sort} {before.name}".strip(), "after": _told([special]), "displaced": many}
        _record(house, session, by, "desk.day", f"day:{special.day}", house.settings.region, detail=detail)
    return many


def written(special: SpecialDay) -> str:
    """2027-10-01 放假 国庆节, as staff write a day."""
    return f"{special.day} {'上班' if special.working else '放假'} {special.name}".strip()


# Others wait for the audit until the transaction ends, so it comes last in each.
def _record(
    house: House, session: Session, by: str, act: str, subject: str, region: str, *, why: str = "", detail: Any
) -> None:
    house.audit.record(session, who=by, act=act, subject=subject, region=region, why=why, detail=detail, at=clock.now())


def _hall(region: str, hall: str) -> str:
    return f"hall:{region} {hall}"


def _is(hall: Any, region: str, name: str) -> bool:
    return bool((hall.region, hall.name) == (region, name))


def _changed(before: Rules | None, after: Rules) -> dict[str, Any]:
    """The rules that differ from those before, or from the defaults, as (before, after)."""
    old, new = (before or Rules()).model_dump(mode="json"), after.model_dump(mode="json")
    return {name: [old[name], new[name]] for name in new if new[name] != old[name]}


def _told(special: Sequence[SpecialDay]) -> list[str]:
    return [written(one) for one in special]
