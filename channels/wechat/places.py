"""Where a citizen is: the district of a position they sent, and the hall nearest to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.phrases import sentence
from channels.wechat.wording import say
from core.cache import Cache
from desk.halls import distance
from knowledge import hours
from knowledge.regions import Regions
from knowledge.schema import Hall

KEPT = 30 * 24 * 3600  # seconds a citizen's district is remembered
FAR = 100.0  # kilometres; who is further from every hall than this is elsewhere, where the address names no place

Position = tuple[float, float]  # latitude and longitude (GCJ-02, as the halls' own)


class Homes:
    """The districts of citizens, in the shared memory. `sender` is the hashed citizen."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def get(self, sender: str) -> str:
        """The district's code; empty where it is not known."""
        return await self._cache.get(_key(sender)) or ""

    async def settle(self, sender: str, region: str) -> None:
        """The citizen is there now."""
        await self._cache.set(_key(sender), region, KEPT)

    async def forget(self, sender: str) -> None:
        """The citizen has left."""
        await self._cache.delete(_key(sender))


@dataclass(frozen=True, slots=True)
class Place:
    """A district, or the city where nothing narrower is known; `hall` is the nearest, `away` kilometres from there.

    `inside` is whether it belongs to the area asked about; `region` is empty where it is not known either.
    """

    region: str
    inside: bool = True
    hall: Hall | None = None
    away: float | None = None


def locate(address: str, position: Position | None, area: str, regions: Regions, halls: Sequence[Hall]) -> Place | None:
    """The place of an address and a position, seen from `area`; None where neither says where it is."""
    hall, away = _nearest([one for one in halls if regions.within(one.region, area)], position)
    named = regions.find(address, area)
    inside = [code for code in named if regions.within(code, area)]
    around = [code for code in named if regions.within(area, code)]
    elsewhere = next((code for code in named if code not in around), "")
    if elsewhere and not inside:
        return Place(elsewhere, inside=False)
    narrower = next((code for code in inside if code != area), "")
    if not narrower and not named:
        if away is None:
            return None
        if away > FAR:
            return Place("", inside=False)
    if away is not None and away > FAR:  # a position that its address belies
        hall, away = None, None
    region = narrower or (hall.region if hall else area)
    return Place(region, hall=hall or hall_of(region, halls), away=away)


def hall_of(region: str, halls: Sequence[Hall]) -> Hall | None:
    """The hall of a district itself."""
    return next((one for one in halls if one.region == region), None)


def described(place: Place, first: str) -> str:
    """The sentence `first`, and then the hall: where it is, when it is open, whom to call."""
    hall = place.hall
    if hall is None:
        return first
    if place.away is None:
        lines = [first + say("place_hall_of", hall=hall.name)]
    else:
        lines = [first + say("place_hall", hall=hall.name, distance=_spoken(place.away))]
    lines.append(say("place_address", address=hall.address))
    lines.append(say("place_hours", hours=sentence(hall.hours.text or hours.describe(hall.hours))))
    if hall.phone:
        lines.append(say("place_phone", phone=hall.phone))
    return "\n".join(lines)


def _nearest(halls: Sequence[Hall], position: Position | None) -> tuple[Hall | None, float | None]:
    if position is None:
        return None, None
    measured = [(away, hall) for hall in halls if (away := distance(hall, *position)) is not None]
    if not measured:
        return None, None
    away, hall = min(measured, key=lambda one: one[0])
    return hall, away


def _spoken(kilometres: float) -> str:
    """600 米, 1.2 公里, 23 公里."""
    if kilometres < 0.95:
        return f"{max(1, round(kilometres * 10)) * 100} 米"
    return f"{kilometres:.1f} 公里" if kilometres < 10 else f"{kilometres:.0f} 公里"


def _key(sender: str) -> str:
    return f"wechat:region:{sender}"
