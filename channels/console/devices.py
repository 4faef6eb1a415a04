"""The cookie by which a browser is known again in which somebody signed in before."""

from __future__ import annotations

import asyncio
import hashlib

from fastapi import Request
from fastapi.responses import Response

from channels.house import House
from channels.web import cookies, limits
from staff import devices

COOKIE = "bangban_known"
KEPT = 90 * 86400  # seconds since the last sign-in there
_PURPOSE = "devices"


async def known(request: Request, name: str) -> bool:
    """Whether it signed in to that account before, and has tries of its own left. Counts one."""
    house, shown = House.of(request), cookies.read(request, COOKIE)
    if not shown or not await asyncio.to_thread(_knows, house, shown, name):
        return False
    return await limits.known_browser(house, hashlib.sha256(shown.encode()).hexdigest())


def keep(request: Request, response: Response, account_id: int) -> None:
    """Have the browser be known again, afresh: who just signed in, or changed the password, has all tries."""
    house = House.of(request)
    with house.reading() as session:
        token = devices.token(session, house.vault.derive(_PURPOSE)[0], account_id)
    cookies.keep(request, response, COOKIE, token, KEPT)


def _knows(house: House, shown: str, name: str) -> bool:
    with house.reading() as session:
        return devices.knows(session, house.vault.derive(_PURPOSE), shown, name)
