"""How often one may try: sending, booking, guessing a code, guessing a staff token. Counted where all processes count."""

from __future__ import annotations

import asyncio

from fastapi import Request

from channels.house import House
from core.errors import TooMany
from desk.appointments import Appointment
from desk.numbers import plain_number

MINUTE = 60
HOUR = 3600
TRIES_NUMBER = 5  # an hour: there are a million codes
TRIES_ADDRESS = 20  # an hour
WRONG_TOKENS = 20  # in ten minutes
TEN_MINUTES = 600


class TooManyTries(TooMany):
    """试的次数太多了，请过一会儿再试。"""

    words = "试的次数太多了，请过 {minutes} 分钟再试。着急的话请打大厅电话。"

    def __init__(self, retry_after: int) -> None:
        Exception.__init__(self, self.words.format(minutes=max(1, -(-retry_after // 60))))
        self.retry_after = retry_after


class TooManyBookings(TooManyTries):
    """这个网络一小时内约得太多了，请过一会儿再约。"""

    words = "这个网络一小时内约得太多了，请过 {minutes} 分钟再约，或者换用手机流量。着急的话请打大厅电话。"


def address(request: Request) -> str:
    """The network address a request came from."""
    return request.client.host if request.client else ""


async def message(house: House, request: Request) -> None:
    """Count a message from a network address. Raises TooMany."""
    most, sender = house.settings.rate_limit_address, address(request)
    if most and sender:
        await _count(house, f"address:{sender}", most, MINUTE, TooMany)


async def check_bookings(house: House, request: Request) -> None:
    """Refuse a network address from which too much was booked. Raises TooManyBookings."""
    most, name = house.settings.booking_limit_address, _bookings(request)
    if most and int(await house.cache.get(name) or 0) >= most:
        await _count(house, name, most, HOUR, TooManyBookings)


async def count_booking(house: House, request: Request, made: Appointment) -> None:
    """Count what was booked, once however often its request is repeated."""
    if await house.cache.add(f"booked:{made.id}", "1", HOUR):
        await house.cache.count(_bookings(request), HOUR)


async def prove(house: House, request: Request, number: str, code: str) -> Appointment:
    """The appointment of that number and code; few tries. Raises NoAppointment, Invalid, TooManyTries."""
    await _count(house, f"tries:{address(request)}", TRIES_ADDRESS)
    name = f"tries:{plain_number(number)}"
    await _count(house, name, TRIES_NUMBER)
    found = await asyncio.to_thread(house.desk.prove, number, code)
    await house.cache.delete(name)  # whoever knows the code guesses no more
    return found


async def wrong_token(house: House, request: Request) -> None:
    """Count a wrong staff token. Raises TooManyTries."""
    await _count(house, f"tokens:{address(request)}", WRONG_TOKENS, TEN_MINUTES)


def _bookings(request: Request) -> str:
    return f"bookings:{address(request)}"


async def _count(house: House, name: str, most: int, span: int = HOUR, error: type[TooMany] = TooManyTries) -> None:
    tried, left = await house.cache.count(name, span)
    if tried > most:
        raise error(left)
