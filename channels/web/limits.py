"""How often one may try: booking, guessing a code, guessing a staff token. Counted where all processes count."""

from __future__ import annotations

import asyncio

from fastapi import Request

from channels.house import House
from core.errors import TooMany
from desk.appointments import Appointment, plain_number

HOUR = 3600
TRIES_NUMBER = 5  # an hour: there are a million codes
TRIES_ADDRESS = 20  # an hour
WRONG_TOKENS = 20  # in ten minutes
TEN_MINUTES = 600


class TooManyTries(TooMany):
    """试的次数太多了，请过一会儿再试。"""

    def __init__(self, retry_after: int) -> None:
        minutes = max(1, -(-retry_after // 60))
        Exception.__init__(self, f"试的次数太多了，请过 {minutes} 分钟再试。着急的话请打大厅电话。")
        self.retry_after = retry_after


def address(request: Request) -> str:
    """The network address a request came from."""
    return request.client.host if request.client else ""


async def booking(house: House, request: Request) -> None:
    """Count a booking from a network address. Raises TooManyTries."""
    most = house.settings.booking_limit_address
    if most:
        await _count(house, f"bookings:{address(request)}", most)


async def prove(house: House, request: Request, number: str, code: str) -> Appointment:
    """The appointment of that number and code; few tries. Raises NoAppointment, Invalid, TooManyTries."""
    await _count(house, f"tries:{address(request)}", TRIES_ADDRESS)
    name = f"tries:{plain_number(number)}"
    await _count(house, name, TRIES_NUMBER)
    found = await asyncio.to_thread(house.desk.prove, number, code)
    await house.cache.delete(name)  # whoever knows the code guesses no more
    return found


async def check_tokens(house: House, request: Request) -> None:
    """Refuse an address that showed too many wrong staff tokens. Raises TooManyTries."""
    kept = await house.cache.get(_tokens(request))
    if kept and int(kept) >= WRONG_TOKENS:
        raise TooManyTries(TEN_MINUTES)


async def wrong_token(house: House, request: Request) -> None:
    """Count a wrong staff token."""
    await house.cache.count(_tokens(request), TEN_MINUTES)


def _tokens(request: Request) -> str:
    return f"tokens:{address(request)}"


async def _count(house: House, name: str, most: int) -> None:
    tried, left = await house.cache.count(name, HOUR)
    if tried > most:
        raise TooManyTries(left)
