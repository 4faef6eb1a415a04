"""Appointments for programs: where and when, book, find, change, cancel; and notices for a conversation."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from bot import notices
from bot.conversation import sender_of
from channels.house import House
from channels.web import limits
from channels.web.booking import steps, wishes
from channels.web.booking.wishes import KEY, Wish
from channels.web.forms import Body
from core.errors import Invalid
from core.types import Answer
from desk.appointments import Appointment, NoAppointment, NotBookable
from desk.calendar import Sort
from desk.status import Status

MOST_DAYS = 62

router = APIRouter(prefix="/api")


class HallShown(BaseModel):
    """A window group that takes appointments for the guide. `soonest` is the next day with a place."""

    window: str = Field(description="what is booked; used in the other calls")
    name: str = Field(description="the window group's name; may be empty")
    hall: str
    region: str
    address: str
    phone: str | None
    transport: str | None
    latitude: float | None
    longitude: float | None
    identity: bool = Field(description="whether an identity number is needed")
    kilometres: float | None
    soonest: date | None


class Halls(BaseModel):
    """Where a guide can be booked; none where it takes no appointments with us."""

    halls: list[HallShown]


class SlotShown(BaseModel):
    """A time with the places left; times are China's."""

    starts: datetime
    ends: datetime
    free: int


class DayShown(BaseModel):
    """A day with its times, or the reason why it has none."""

    day: date
    sort: Sort
    closed: str
    slots: list[SlotShown]


class Days(BaseModel):
    """Days in order."""

    days: list[DayShown]


class Time(Body):
    """A time at a window."""

    window: str = Field(max_length=64)
    starts: AwareDatetime = Field(description="with its zone, as availability gives it")


class Booking(Time):
    """Who comes when. The identity number is needed only where the window says so."""

    guide: int
    name: str = Field(max_length=100)
    phone: str = Field(max_length=40)
    identity: str = Field("", max_length=40)


class Proof(Body):
    """Number and code, as on the slip."""

    number: str = Field(max_length=40)
    code: str = Field(max_length=20)


class Visitor(Body):
    """A conversation, with the keys of the notices it has shown."""

    session: str = Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")
    seen: list[Annotated[str, Field(max_length=120)]] = Field(default_factory=list, max_length=50)


class Booked(BaseModel):
    """An appointment without what is personal. Who has `slip` has the appointment: it opens `page` and the other calls."""

    number: str
    status: Status
    guide: int
    guide_name: str
    hall: str
    window: str
    window_name: str
    starts: datetime
    ends: datetime
    slip: str
    page: str


class Told(BaseModel):
    """A notice, written like a reply. Its key comes back as `seen` once it was shown, and then it is told no more."""

    key: str
    message: Answer


class Notices(BaseModel):
    """What the desk has to tell a conversation."""

    notices: tuple[Told, ...]


Token = Annotated[str, Path(max_length=400, description="the slip")]
Idempotency = Annotated[str, Header(alias="Idempotency-Key", pattern=KEY, description="random; the same books once")]


@router.get("/halls", summary="Where a guide can be booked")
def halls(
    request: Request, guide: int, near: Annotated[str, Query(max_length=50, description="latitude,longitude")] = ""
) -> Halls:
    """The window groups, in the guide's order or the nearest first."""
    house = House.of(request)
    offer = house.offer(guide)
    position = steps.Chosen(near=near).position
    if near and position is None:
        raise Invalid("位置请写成“纬度,经度”。")
    return Halls(halls=[_hall(one) for one in steps.nearby(house, offer.windows, position)])


@router.get("/availability", summary="When a window can be booked")
def availability(
    request: Request,
    guide: int,
    window: Annotated[str, Query(max_length=64)],
    first: Annotated[date, Query(alias="from")],
    last: Annotated[date, Query(alias="to")],
) -> Days:
    """Every day from `from` to `to`, both included, at most 62."""
    house = House.of(request)
    if not 0 <= (last - first).days < MOST_DAYS or abs((first - house.desk.today()).days) > 366:
        raise Invalid(f"一次最多查 {MOST_DAYS} 天，从近一年里的日子开始。")
    at = house.offer(guide).window(window)
    if at is None:
        raise NotBookable()
    found = house.desk.days([at], first, last)[at.id]
    return Days(
        days=[
            DayShown(
                day=one.day.day,
                sort=one.day.sort,
                closed=one.closed,
                slots=[SlotShown(starts=slot.starts, ends=slot.ends, free=slot.free) for slot in one.slots],
            )
            for one in found
        ]
    )


@router.post("/appointments", status_code=201, summary="Book")
async def book(request: Request, body: Booking, key: Idempotency) -> Booked:
    """Take a place. A retry with the same Idempotency-Key and body books once and is answered alike."""
    house = House.of(request)
    starts = wishes.moment(body.starts.isoformat())
    wish = Wish(body.guide, body.window, starts, body.name, body.phone, body.identity, key)
    return _booked(house, await wishes.make(house, request, wish))


@router.post("/appointments/find", summary="Find by number and code")
async def find(request: Request, proof: Proof) -> Booked:
    """Few tries an hour, by number and by network address."""
    house = House.of(request)
    return _booked(house, await limits.prove(house, request, proof.number, proof.code))


@router.post("/appointments/{token}/change", summary="Move to another time or hall")
def change(token: Token, request: Request, to: Time) -> Booked:
    """To where it is already: nothing happens."""
    house = House.of(request)
    at = house.desk.by_slip(token)
    starts = wishes.moment(to.starts.isoformat())
    return _booked(house, house.desk.change(at.id, to.window, starts, by=at.owner))


@router.post("/appointments/{token}/cancel", summary="Give the place back")
def cancel(token: Token, request: Request) -> Booked:
    """Cancelling again does nothing."""
    house = House.of(request)
    at = house.desk.by_slip(token)
    return _booked(house, house.desk.cancel(at.id, by=at.owner))


@router.post("/notices", summary="What the desk has to tell a conversation")
async def inbox(request: Request, visitor: Visitor) -> Notices:
    """Each notice is handed out until it is among the `seen`, so that none is lost with an answer that did not arrive."""
    return Notices(notices=await asyncio.to_thread(_told, House.of(request), visitor))


def _told(house: House, visitor: Visitor) -> tuple[Told, ...]:
    told = []
    for notice in house.desk.inbox(f"web:{sender_of(visitor.session)}", visitor.seen):
        with suppress(NoAppointment):  # one that is gone must not silence the others
            if message := notices.told(house.desk, notice, house.lines):
                told.append(Told(key=notice.key, message=message))
    return tuple(told)


def _hall(one: steps.Nearby) -> HallShown:
    hall = one.window.hall
    return HallShown(
        window=one.window.id, name=one.window.name, hall=hall.name, region=hall.region, address=hall.address,
        phone=hall.phone, transport=hall.transport, latitude=hall.latitude, longitude=hall.longitude,
        identity=one.window.rules.identity,
        kilometres=None if one.distance is None else round(one.distance, 1),
        soonest=one.soonest.day.day if one.soonest else None,
    )  # fmt: skip


def _booked(house: House, at: Appointment) -> Booked:
    token = house.desk.slip(at)
    return Booked(
        number=at.number, status=at.status, guide=at.guide, guide_name=at.guide_name, hall=at.hall, window=at.window,
        window_name=at.window_name, starts=at.starts, ends=at.ends, slip=token, page=wishes.slip_path(token),
    )  # fmt: skip
