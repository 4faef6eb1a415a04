"""The slip of an appointment: whoever has its address may see it, take it along, change and cancel it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bot.parts import PARTS, Asked
from channels.house import House
from channels.web.booking import steps, wishes
from channels.web.booking.steps import Chosen, Way
from channels.web.forms import Form
from channels.web.pages import page
from core import clock
from core.errors import Invalid
from core.types import Facet, Fact
from desk import days, people, slips
from desk.appointments import Appointment, NoAppointment
from desk.front import Held
from desk.halls import NoHall, published_hall
from desk.people import Person
from desk.rules import Refused
from desk.status import OPEN, Status
from knowledge.schema import Hall

OFFERED = 5  # days offered where a hall has closed

router = APIRouter(prefix="/book/slip/{token}", include_in_schema=False)


def _held(token: str, request: Request) -> Held:
    desk = House.of(request).desk
    return desk.held(desk.by_slip(token).id)


Own = Annotated[Held, Depends(_held)]


@router.get("", response_class=HTMLResponse)
def slip(token: str, request: Request, held: Own) -> Response:
    """The appointment with all that is needed to come."""
    return _slip(request, token, held)


@router.get("/qr.svg")
def qr(held: Own) -> Response:
    """The code that staff scan. Raises NoAppointment once the details were deleted."""
    if held.details is None:
        raise NoAppointment()
    return Response(slips.qr_svg(held.appointment, held.details.code), media_type="image/svg+xml")


@router.get("/booking.ics")
def calendar(request: Request, held: Own) -> Response:
    """The appointment for the citizen's calendar, with a reminder."""
    house = House.of(request)
    hall = _hall(house, held.appointment)
    # The calendar may be shared: its link asks for number and code instead of opening the slip.
    url = f"{house.settings.public_url}/book/mine" if house.settings.public_url else ""
    made = slips.calendar_file(
        held.appointment, address=hall.address if hall else "", url=url, remind=True, now=clock.now()
    )
    headers = {"Content-Disposition": 'inline; filename="booking.ics"'}
    return Response(made, media_type="text/calendar; charset=utf-8", headers=headers)


@router.get("/change", response_class=HTMLResponse)
def change(token: str, request: Request, held: Own, chosen: Annotated[Chosen, Depends()]) -> Response:
    """The steps to another time."""
    if held.offer is None or held.appointment.status not in OPEN:
        return RedirectResponse(_here(request, token), 303)
    return steps.show(request, _way(request, token, held), held.offer, chosen)


@router.post("/change", response_class=HTMLResponse)
async def changed(token: str, request: Request, held: Own, filled: Form) -> Response:
    """Move it, and lead back to the slip; or the same page again with what is wrong."""
    desk, values = House.of(request).desk, filled.values
    try:
        starts = wishes.moment(values.get("starts", ""))
        at = held.appointment
        await asyncio.to_thread(desk.change, at.id, values.get("window", ""), starts, by=at.owner)
    except (Invalid, Refused) as error:
        if held.offer is None:
            return await asyncio.to_thread(_slip, request, token, held, error)
        chosen = Chosen(window=values.get("window", ""), day=values.get("day", ""))
        way, told = _way(request, token, held), filled.with_problems({"starts": str(error)})
        return await asyncio.to_thread(steps.show, request, way, held.offer, chosen, told, status=error.status)
    return RedirectResponse(_here(request, token), 303)


@router.get("/cancel", response_class=HTMLResponse)
def cancel(token: str, request: Request, held: Own) -> Response:
    """Asks once more."""
    if held.appointment.status not in OPEN:
        return RedirectResponse(_here(request, token), 303)
    return page(request, "booking/cancel.html", at=held.appointment, here=_here(request, token))


@router.post("/cancel", response_class=HTMLResponse)
def cancelled(token: str, request: Request, held: Own) -> Response:
    """Give the place back."""
    try:
        House.of(request).desk.cancel(held.appointment.id, by=held.appointment.owner)
    except Refused as error:
        return _slip(request, token, held, error)
    return RedirectResponse(_here(request, token), 303)


def _slip(request: Request, token: str, held: Held, error: Refused | Invalid | None = None) -> HTMLResponse:
    house, at = House.of(request), held.appointment
    window = held.offer.window(at.window) if held.offer else None
    displaced = at.status is Status.DISPLACED
    other = steps.soonest_days(house, window, OFFERED) if window and displaced else []
    return page(
        request, "booking/slip.html", status=error.status if error else 200, at=at, hall=_hall(house, at),
        person=_masked(held), code=held.details.code if held.details else "", here=_here(request, token),
        way=_way(request, token, held), window=window, other=other, open=at.status in OPEN,
        booked=at.status is Status.BOOKED, displaced=displaced, why=_why(house, at) if displaced else "",
        guide=held.offer is not None, bring=_bring(held), problem=str(error) if error else "",
    )  # fmt: skip


def _here(request: Request, token: str) -> str:
    return wishes.root(request) + wishes.slip_path(token)


def _way(request: Request, token: str, held: Held) -> Way:
    return Way(f"{_here(request, token)}/change", held=held)


def _masked(held: Held) -> Person | None:
    if held.details is None:
        return None
    person = held.details.person
    return Person(
        people.masked_name(person.name), people.masked_phone(person.phone), people.masked_identity(person.identity)
    )


def _bring(held: Held) -> tuple[Fact, ...]:
    """What the guide asks for, as it is now."""
    return PARTS[Facet.MATERIALS](held.offer.published.guide, Asked(())).facts if held.offer else ()


def _why(house: House, at: Appointment) -> str:
    """What the hall's staff noted when they took the time back."""
    with house.reading() as session:
        return days.displaced_why(session, at.id)


def _hall(house: House, at: Appointment) -> Hall | None:
    with house.reading() as session:
        try:
            return published_hall(session, at.region, at.hall)
        except NoHall:
            return None
