"""Pages on which an appointment is booked, complete without scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from channels.house import House
from channels.web import citizens, limits
from channels.web.booking import steps, wishes
from channels.web.booking.steps import Chosen, Way
from channels.web.booking.wishes import Wish
from channels.web.forms import Filled, Form
from channels.web.pages import page
from core.errors import BangbanError, Invalid, TooMany
from core.text import normalise
from desk.appointments import Appointment, NoAppointment
from desk.front import Offer
from desk.rules import Refused
from knowledge.changes import IndexedGuide

FOUND = 20  # guides looked at for a search
POPULAR = 8  # services offered before anything was searched

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Bookable:
    """A guide on the first page; `windows` is how many take appointments for it.

    Of one that only regions `inside` ours have, each has its own.
    """

    id: int
    name: str
    department: str
    region_name: str
    windows: int
    inside: bool


@router.get("/book", response_class=HTMLResponse)
def book(
    request: Request,
    chosen: Annotated[Chosen, Depends()],
    guide: str = "",
    q: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The step that comes next: item, hall, day or time."""
    house = House.of(request)
    if guide:
        offer = house.offer(_number(guide))
        return steps.show(request, _way(request, offer), offer, chosen)
    hits = [guide for hit in _hits(house, q) for guide in hit] if q.strip() else []
    asked = _bookable(house, hits[:FOUND])
    popular = [] if asked else [one for one in _bookable(house, _popular(house)) if one.windows]
    return page(request, "booking/item.html", q=q, found=asked, popular=popular[:POPULAR])


@router.post("/book", response_class=HTMLResponse)
async def booked(request: Request, filled: Form) -> Response:
    """Book, and lead to the slip; or the same page again with what is wrong."""
    house, values = House.of(request), filled.values
    guide = _number(values.get("guide", ""))
    offer = await asyncio.to_thread(house.offer, guide)
    window = offer.window(values.get("window", ""))
    wrong = wishes.problems(values, needs_identity=bool(window and window.rules.identity))
    try:
        starts = wishes.moment(values.get("starts", ""))
        if wrong:
            raise Invalid()
        wish = Wish(
            guide, values.get("window", ""), starts, values["name"], values["phone"], values.get("identity", ""),
            values.get("key", ""), wishes.arrived(request, values), bool(values.get("remind")),
        )  # fmt: skip
        made = await wishes.make(house, request, wish)
    except (Invalid, Refused, TooMany) as error:
        if not wrong or isinstance(error, wishes.NoTime):
            wrong = {"starts": str(error), **wrong}
        return await _again(request, offer, filled.with_problems(wrong), error)
    return _to_slip(request, made)


@router.get("/book/mine", response_class=HTMLResponse)
def mine(request: Request) -> Response:
    """Their own for those who arrived known; of anybody else it asks for number and code."""
    return _mine(request, Filled())


@router.post("/book/mine", response_class=HTMLResponse)
async def found(request: Request, filled: Form) -> Response:
    """Lead to the slip of that number and code."""
    house = House.of(request)
    try:
        one = await limits.prove(house, request, filled.values.get("number", ""), filled.values.get("code", ""))
    except (Invalid, NoAppointment, TooMany) as error:
        told = filled.with_problems({"number": str(error)})
        answer = await asyncio.to_thread(_mine, request, told, status=error.status)
        return _retry_after(answer, error)
    return _to_slip(request, one)


@router.post("/book/leave")
def leave(request: Request) -> Response:
    """Be known no more."""
    response = RedirectResponse(wishes.root(request) + "/book/mine", 303)
    citizens.forget(request, response)
    return response


def _mine(request: Request, filled: Filled, *, status: int = 200) -> HTMLResponse:
    desk, arrived = House.of(request).desk, citizens.citizen(request)
    own = [(one, wishes.slip_path(desk.slip(one))) for one in desk.mine(arrived.owner)] if arrived else []
    return page(request, "booking/mine.html", status=status, filled=filled, arrived=arrived, own=own)


def _number(guide: str) -> int:
    """The guide that an address or a form names; 0, which no guide has, where it names none."""
    return int(guide) if guide.isdecimal() and len(guide) < 20 else 0


def _to_slip(request: Request, at: Appointment) -> Response:
    return RedirectResponse(wishes.root(request) + wishes.slip_path(House.of(request).desk.slip(at)), 303)


async def _again(request: Request, offer: Offer, filled: Filled, error: BangbanError) -> Response:
    values = filled.values
    chosen = Chosen(window=values.get("window", ""), day=values.get("starts", "")[:10] or values.get("day", ""))
    answer = await asyncio.to_thread(
        steps.show, request, _way(request, offer), offer, chosen, filled, status=error.status
    )
    return _retry_after(answer, error)


def _retry_after(answer: Response, error: BangbanError) -> Response:
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _way(request: Request, offer: Offer) -> Way:
    return Way(f"{wishes.root(request)}/book", (("guide", str(offer.published.id)),))


def _hits(house: House, q: str) -> Iterable[Iterable[IndexedGuide]]:
    """The guides that fit, those of each region inside ours where only they have it."""
    for hit in house.search(normalise(q), None, FOUND):
        if isinstance(hit.target, IndexedGuide) and hit.score >= house.index.thresholds.suggest:
            yield hit.inside or (hit.target,)


def _popular(house: House) -> list[IndexedGuide]:
    return list({guide.id: guide for _, guide in house.hot(None)}.values())


def _bookable(house: House, guides: Iterable[IndexedGuide]) -> list[Bookable]:
    """Those that can be booked come first."""
    made, ours = [], house.ancestors(None)
    for guide in {one.id: one for one in guides}.values():
        if offer := house.desk.offer(guide.id):
            name = house.regions.full_name(guide.region)
            made.append(
                Bookable(guide.id, guide.name, guide.department, name, len(offer.windows), guide.region not in ours)
            )
    return sorted(made, key=lambda one: not one.windows)
