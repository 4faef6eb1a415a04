"""The halls that take appointments, and the window groups at which a guide is handled there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import NotFound
from desk.models import DeskHallRow
from desk.rules import Rules, plain_window
from knowledge.models import HallRow
from knowledge.publishing import Published
from knowledge.schema import Hall, Hours, Place

EARTH = 6371.0  # kilometres, the mean radius


class NoHall(NotFound):
    """没有这个大厅，或者它不接受预约。"""

    code = "no_hall"


@dataclass(frozen=True, slots=True)
class DeskHall:
    """A hall as published, with its rules."""

    hall: Hall
    rules: Rules


@dataclass(frozen=True, slots=True)
class Window:
    """A window group of a hall: what is booked. `id` is made of region, hall and name, so it needs no table.

    `hours` are the place's own where the guide gives them, else the hall's.
    """

    id: str
    name: str
    hall: Hall
    hours: Hours
    rules: Rules

    @property
    def where(self) -> str:
        """Hall and window in one line."""
        return f"{self.hall.name} {self.name}".strip()


def open_hall(session: Session, region: str, name: str, rules: Rules) -> None:
    """Let a published hall take appointments under these rules, or change them. Raises NoHall."""
    if session.get(HallRow, (region, name)) is None:
        raise NoHall("没有这个大厅，请先在大厅资料里添加。")
    session.merge(DeskHallRow(region=region, name=name, rules=rules.model_dump(mode="json")))
    session.flush()


def shut_hall(session: Session, region: str, name: str) -> None:
    """Take no more appointments at a hall; those made stand. Raises NoHall."""
    row = session.get(DeskHallRow, (region, name))
    if row is None:
        raise NoHall()
    session.delete(row)
    session.flush()


def published_hall(session: Session, region: str, name: str) -> Hall:
    """A hall as published, whether it takes appointments now or not. Raises NoHall."""
    row = session.get(HallRow, (region, name))
    if row is None:
        raise NoHall()
    return Hall.model_validate(row.content)


def read_hall(session: Session, region: str, name: str) -> DeskHall:
    """A hall that takes appointments. Raises NoHall."""
    found = next((one for one in _halls(session, [name]) if one.hall.region == region), None)
    if found is None:
        raise NoHall()
    return found


def desk_halls(session: Session) -> tuple[DeskHall, ...]:
    """Every hall that takes appointments, by region and name."""
    return tuple(sorted(_halls(session, None), key=lambda one: (one.hall.region, one.hall.name)))


def windows(session: Session, published: Published) -> tuple[Window, ...]:
    """Where this guide can be booked here, in the guide's order; none where it takes no appointments or none with us."""
    guide = published.guide
    if not guide.booking or not guide.booking.offered:
        return ()
    halls = _halls(session, [place.name for place in guide.places if place.name])
    made: dict[str, Window] = {}
    for place in guide.places:
        near = [one for one in halls if one.hall.name == place.name and _meant(one.hall.region, guide.region)]
        if near:
            window = window_at(min(near, key=lambda one: _farness(one.hall, guide.region, place)), place)
            made.setdefault(window.id, window)
    return tuple(made.values())


def window_at(desk: DeskHall, place: Place) -> Window:
    """The window group of a hall that a guide's place names."""
    name = re.sub(r"\s+", "", place.window or "")
    text = "\x1f".join((desk.hall.region, desk.hall.name, plain_window(name)))
    hours = place.hours if place.hours and place.hours.rules else desk.hall.hours
    return Window(hashlib.sha256(text.encode()).hexdigest()[:24], name, desk.hall, hours, desk.rules.at(name))


def by_distance(windows: Sequence[Window], latitude: float, longitude: float) -> list[tuple[Window, float | None]]:
    """The windows, nearest first, each with its distance in kilometres; those without a position come last."""
    measured = [(window, distance(window.hall, latitude, longitude)) for window in windows]
    return sorted(measured, key=lambda one: (one[1] is None, one[1] or 0.0))


def distance(hall: Hall, latitude: float, longitude: float) -> float | None:
    """Kilometres along the earth's surface (haversine formula); None where it is not known where the hall is."""
    if hall.latitude is None or hall.longitude is None:
        return None
    north, south = radians(hall.latitude), radians(latitude)
    across = sin((north - south) / 2) ** 2
    along = cos(north) * cos(south) * sin(radians(hall.longitude - longitude) / 2) ** 2
    return 2 * EARTH * asin(sqrt(min(1.0, across + along)))


def _halls(session: Session, names: Sequence[str] | None) -> list[DeskHall]:
    query = select(HallRow.content, DeskHallRow.rules).join(
        DeskHallRow, (DeskHallRow.region == HallRow.region) & (DeskHallRow.name == HallRow.name)
    )
    if names is not None:
        query = query.where(HallRow.name.in_(names))
    return [DeskHall(Hall.model_validate(hall), Rules.model_validate(rules)) for hall, rules in session.execute(query)]


def _meant(hall: str, guide: str) -> bool:
    """Whether a guide of one region may name a hall of another: the same city's, or one within the other.

    Hundreds of cities have a 市民中心.
    """
    own, others = _stem(guide), _stem(hall)
    return others.startswith(own) or own.startswith(others) or own[:4] == others[:4]


def _farness(hall: Hall, guide: str, place: Place) -> tuple[bool, int, str]:
    """Least for the hall that is meant where several have the name: by address, else by the guide's own region."""
    return hall.address != place.address, -_shared(hall.region, guide), hall.region


def _stem(region: str) -> str:
    """The digits that say where: 45 for a province, 4506 for a city."""
    return re.sub(r"(00)+$", "", region)


def _shared(one: str, other: str) -> int:
    """How many leading digits two region codes share."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
