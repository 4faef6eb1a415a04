"""The steps to a time, each a page of its own: hall, day, time. Booking and changing walk the same way."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse

from bot.phrases import hours_line, place_line
from channels.house import House
from channels.web.booking.month import month, month_of
from channels.web.booking.wishes import YEARS
from channels.web.citizens import citizen
from channels.web.forms import Filled
from channels.web.pages import page
from desk.calendar import Sort
from desk.front import Held, Offer
from desk.halls import Window, by_distance
from desk.slots import DaySlots
from knowledge.schema import Place

SOON = 31  # days in which a hall's next free day is looked for
SPAN = 100  # days: sixty working days, the longest horizon, with their weekends and holidays
NOON = 12


@dataclass(frozen=True, slots=True)
class Way:
    """Where the steps are: their path and the query each carries on. `held` is the appointment that is moved."""

    path: str
    carried: tuple[tuple[str, str], ...] = ()
    held: Held | None = None

    def to(self, **query: object) -> str:
        """The address of a step."""
        pairs = [*self.carried, *((name, str(value)) for name, value in query.items() if value)]
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path


@dataclass
class Chosen:
    """What is chosen so far, from the address; anything that means nothing counts as not chosen."""

    window: str = ""
    month: str = ""
    day: str = ""
    near: str = ""

    @property
    def date(self) -> date | None:
        """The day chosen."""
        try:
            named = date.fromisoformat(self.day)
        except ValueError:
            return None
        return named if named.year in YEARS else None

    @property
    def position(self) -> tuple[float, float] | None:
        """Latitude and longitude."""
        try:
            latitude, longitude = map(float, self.near.split(","))
        except ValueError:
            return None
        sound = math.isfinite(latitude) and math.isfinite(longitude) and abs(latitude) <= 90 and abs(longitude) <= 180
        return (latitude, longitude) if sound else None


@dataclass(frozen=True, slots=True)
class Nearby:
    """A window with what helps to choose it: kilometres, where they are known, and the next day with a place.

    Where there is none, `why` says what keeps it closed; it is empty where all places are taken.
    """

    window: Window
    distance: float | None
    soonest: DaySlots | None
    why: str


def show(
    request: Request, way: Way, offer: Offer, chosen: Chosen, filled: Filled | None = None, *, status: int = 200
) -> HTMLResponse:
    """The next step to take, with what was filled in and what is wrong with it."""
    house, filled = House.of(request), filled or Filled()
    shared = {"way": way, "offer": offer, "guide": offer.published.guide, "filled": filled}
    window = offer.window(chosen.window)
    if not offer.windows:
        places = [_described(place) for place in offer.published.guide.places]
        phone = next((place["phone"] for place in places if place["phone"]), None)
        return page(request, "booking/walk_in.html", status=status, places=places, phone=phone, **shared)
    if window is None:
        halls = nearby(house, offer.windows, chosen.position)
        return page(request, "booking/halls.html", status=status, halls=halls, near=chosen.near, **shared)
    if chosen.date is None:
        shown = month(_days(house, window), month_of(chosen.month), house.desk.today())
        return page(request, "booking/month.html", status=status, window=window, month=shown, **shared)
    ((day,),) = house.desk.days([window], chosen.date, chosen.date).values()
    halves = {
        "上午": [slot for slot in day.slots if slot.starts.hour < NOON],
        "下午": [slot for slot in day.slots if slot.starts.hour >= NOON],
    }
    key = filled.values.get("key") or secrets.token_urlsafe(16)
    return page(
        request, "booking/time.html", status=status, window=window, day=day, halves=halves, key=key,
        arrived=citizen(request), **shared,
    )  # fmt: skip


def nearby(house: House, windows: Sequence[Window], position: tuple[float, float] | None) -> list[Nearby]:
    """The windows in the guide's order, or the nearest first."""
    today = house.desk.today()
    days = house.desk.days(windows, today, today + timedelta(days=SOON))
    ordered = by_distance(windows, *position) if position else [(window, None) for window in windows]
    return [Nearby(window, away, _soonest(days[window.id]), _why_closed(days[window.id])) for window, away in ordered]


def soonest_days(house: House, window: Window, most: int) -> list[DaySlots]:
    """The next days with places left."""
    return [day for day in _days(house, window) if day.free][:most]


def _soonest(days: Sequence[DaySlots]) -> DaySlots | None:
    return next((day for day in days if day.free), None)


def _why_closed(days: Sequence[DaySlots]) -> str:
    """Why none of the days from today on has any times; empty where one has."""
    if any(day.untaken for day in days):
        return ""
    # Weekends are closed anyway, and today may only be over: the next day that is worked tells more.
    worked = [day for day in days[1:] if day.day.sort in (Sort.WORKING, Sort.MADE_UP)]
    return (worked or days)[0].closed


def _days(house: House, window: Window) -> tuple[DaySlots, ...]:
    today = house.desk.today()
    return house.desk.days([window], today.replace(day=1), today + timedelta(days=SPAN))[window.id]


def _described(place: Place) -> dict[str, str | None]:
    return {"line": place_line(place), "hours": hours_line(place), "phone": place.phone, "transport": place.transport}
