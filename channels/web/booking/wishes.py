"""What pages and the API have in common: somebody wishes for an appointment, and it is checked, counted and made."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from channels.house import House
from channels.web import limits
from channels.web.citizens import Arrived, citizen
from core.clock import CHINA
from core.errors import Invalid
from desk import people
from desk.appointments import Appointment, NotBookable

KEY = r"^[A-Za-z0-9_-]{16,64}$"
YEARS = range(2000, 2200)


class NoLongerKnown(Invalid):
    """时间长了，这里已经认不出您是从微信来的。回公众号再点一次链接，约好的号就会记在您的微信里；不回去也行，再按一次“确定预约”，凭预约号和验证码一样能办。"""

    code = "no_longer_known"


class NoTime(Invalid):
    """请选一个时间。"""

    code = "no_time"


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants to come when, as it was sent. `key` is the client's own and random.

    `arrived` is who asks, where the page knows them; `remind` counts only then: nobody else can be reached.
    """

    guide: int
    window: str
    starts: datetime
    name: str
    phone: str
    identity: str
    key: str
    arrived: Arrived | None = None
    remind: bool = False


def moment(text: str) -> datetime:
    """The time a form names, in China unless it says otherwise. Raises NoTime."""
    try:
        named = datetime.fromisoformat(text)
    except ValueError as error:
        raise NoTime() from error
    if named.year not in YEARS:
        raise NoTime()
    return named if named.tzinfo else named.replace(tzinfo=CHINA)


def problems(values: Mapping[str, str], *, needs_identity: bool) -> dict[str, str]:
    """What is wrong with the person in a form, all at once: a message by the name of the field."""
    checks = {"name": people.check_name, "phone": people.check_phone}
    if needs_identity:
        checks["identity"] = people.check_identity
    found = {}
    for field, check in checks.items():
        try:
            check(values.get(field, ""))
        except Invalid as error:
            found[field] = str(error)
    return found


def arrived(request: Request, values: Mapping[str, str]) -> Arrived | None:
    """Who sends a form. Raises NoLongerKnown where the form was shown to somebody known, who was promised more."""
    found = citizen(request)
    if found is None and values.get("arrived"):
        raise NoLongerKnown()
    return found


async def make(house: House, request: Request, wish: Wish) -> Appointment:
    """Book it. The same wish under the same key is booked once.

    Raises NotFound for the guide, Invalid for the person, Refused for the hall's rules, TooMany for the network address.
    """
    await limits.check_bookings(house, request)
    made = await asyncio.to_thread(_book, house, wish)
    await limits.count_booking(house, request, made)
    return made


def root(request: Request) -> str:
    """The path the application is mounted under, without a final slash."""
    return str(request.scope.get("root_path", ""))


def slip_path(token: str) -> str:
    """Where the slip is shown, under the application's root."""
    return f"/book/slip/{token}"


def _book(house: House, wish: Wish) -> Appointment:
    window = house.offer(wish.guide).window(wish.window)
    if window is None or not re.fullmatch(KEY, wish.key):
        raise NotBookable()
    person = people.check(wish.name, wish.phone, wish.identity, needs_identity=window.rules.identity)
    # Who goes back and changes something means another appointment; who taps twice does not.
    said = (str(wish.guide), window.id, wish.starts.isoformat(), person.name, person.phone, person.identity, wish.key)
    mark = house.vault.marks("\x1f".join(said))[0]
    by = wish.arrived or Arrived(f"page:{wish.key}", "")
    remind = wish.remind and wish.arrived is not None
    return house.desk.book(
        wish.guide, window.id, wish.starts, person, owner=by.owner, key=mark, address=by.address, remind=remind
    )
