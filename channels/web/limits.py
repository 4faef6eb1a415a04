"""How often one may try: sending, booking, guessing a code, a staff token or a password. Counted where all processes count."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from datetime import datetime, timedelta

from fastapi import Request

from bot.conversation import sender_of
from channels.house import House
from core import clock
from core.errors import TooMany
from desk.appointments import Appointment
from desk.numbers import plain_number
from staff.signing import LOCKED, TRIES

MINUTE = 60
HOUR = 3600
TRIES_NUMBER = 5  # an hour: there are a million codes
TRIES_ADDRESS = 20  # an hour
WRONG_TOKENS = 20  # in ten minutes
WRONG_SIGN_INS = 30  # in ten minutes: an office of many shares one address
SIGN_ONS = 600  # in ten minutes, each counted as it begins and as it comes back: likewise
TEN_MINUTES = 600
GUESSES = 5  # in a quarter of an hour, at the password of somebody who left a browser open
QUARTER = 900
MONTH = 30 * 86400
TRIALS = 60  # a minute, by one clerk: each searches as citizens do


class TooManyTries(TooMany):
    """试的次数太多了，请过一会儿再试。"""

    words = "试的次数太多了，请过 {minutes} 分钟再试。着急的话请打大厅电话。"

    def __init__(self, retry_after: int) -> None:
        Exception.__init__(self, self.words.format(minutes=max(1, -(-retry_after // 60))))
        self.retry_after = retry_after


class TooManyBookings(TooManyTries):
    """这个网络一小时内约得太多了，请过一会儿再约。"""

    words = "这个网络一小时内约得太多了，请过 {minutes} 分钟再约，或者换用手机流量。着急的话请打大厅电话。"


class TooManySignIns(TooManyTries):
    """这个网络登录失败的次数太多了，请过一会儿再试。"""

    words = "这个网络登录失败的次数太多了，请过 {minutes} 分钟再试。"


class TooManySignOns(TooManyTries):
    """这个网络登录的次数太多了，请过一会儿再试。"""

    words = "这个网络登录的次数太多了，请过 {minutes} 分钟再试，或者用密码登录。"


class TooManyGuesses(TooManyTries):
    """现在的密码试错太多次了，请过一会儿再试。"""

    words = "现在的密码试错太多次了，请过 {minutes} 分钟再试。"


def address(request: Request) -> str:
    """The network address a request came from."""
    return request.client.host if request.client else ""


async def message(house: House, request: Request) -> None:
    """Count a message from a network address. Raises TooMany."""
    most, sender = house.settings.rate_limit_address, address(request)
    if most and sender:
        await _count(house, f"address:{sender}", most, MINUTE, TooMany)


async def rating(house: House, request: Request, session: str) -> None:
    """Count a rating from a network address and a session, like a message. Raises TooMany."""
    await message(house, request)
    if most := house.settings.rate_limit:
        await _count(house, f"ratings:{sender_of(session)}", most, MINUTE, TooMany)


async def check_bookings(house: House, request: Request) -> None:
    """Refuse a network address from which too much was booked. Raises TooManyBookings."""
    if most := house.settings.booking_limit_address:
        await _refuse(house, _bookings(request), most, HOUR, TooManyBookings)


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


async def check_sign_in(house: House, request: Request) -> None:
    """Refuse a network address from which too many passwords were wrong. Raises TooManySignIns."""
    await _refuse(house, _sign_ins(request), WRONG_SIGN_INS, TEN_MINUTES, TooManySignIns)


async def wrong_sign_in(house: House, request: Request) -> None:
    """Count a sign-in or a change of password that failed."""
    await house.cache.count(_sign_ins(request), TEN_MINUTES)


async def single_sign_on(house: House, request: Request) -> None:
    """Count a single sign-on that begins or comes back, whatever becomes of it. Raises TooManySignOns."""
    await _count(house, f"sign-ons:{address(request)}", SIGN_ONS, TEN_MINUTES, TooManySignOns)


async def nobody_locked(house: House, name: str) -> timedelta | None:
    """How long a name that opens nothing is still to seem locked, as that of an account would be."""
    until = await house.cache.get(f"nobody-until:{_sealed(house, name)}")
    left = datetime.fromisoformat(until) - clock.now() if until else timedelta()
    return left if left > timedelta() else None


async def nobody_failed(house: House, name: str) -> bool:
    """Count a sign-in with a name that opens nothing; whether an account would now be locked."""
    sealed = _sealed(house, name)
    tried, _ = await house.cache.count(f"nobody:{sealed}", MONTH)
    if tried < TRIES:
        return False
    await house.cache.delete(f"nobody:{sealed}")
    until = clock.now() + LOCKED
    await house.cache.set(f"nobody-until:{sealed}", until.isoformat(), int(LOCKED.total_seconds()))
    return True


async def known_browser(house: House, browser: str) -> bool:
    """Count a sign-in in a browser that is known; whether it has any left, however often strangers tried."""
    tried, _ = await house.cache.count(f"known:{browser}", QUARTER)
    return tried <= TRIES


async def guess(house: House, account: int) -> None:
    """Count a guess at the password of an account from inside. Raises TooManyGuesses."""
    await _count(house, f"guesses:{account}", GUESSES, QUARTER, TooManyGuesses)


async def guessed(house: House, account: int) -> None:
    """Whoever knows it guesses no more."""
    await house.cache.delete(f"guesses:{account}")


async def trial(house: House, clerk: str) -> None:
    """Count a question that a clerk tries out. Raises TooMany."""
    await _count(house, f"trials:{clerk}", TRIALS, MINUTE, TooMany)


def _sealed(house: House, name: str) -> str:
    # It may well be a password in the wrong field.
    typed = name.strip().casefold().encode("utf-8", "replace")
    return hmac.new(house.vault.derive("names")[0], typed, hashlib.sha256).hexdigest()


def _sign_ins(request: Request) -> str:
    return f"sign-ins:{address(request)}"


def _bookings(request: Request) -> str:
    return f"bookings:{address(request)}"


async def _refuse(house: House, name: str, most: int, span: int, error: type[TooMany]) -> None:
    """Raises `error` where as many were counted elsewhere; this one then counts too."""
    if int(await house.cache.get(name) or 0) >= most:
        await _count(house, name, most, span, error)


async def _count(house: House, name: str, most: int, span: int = HOUR, error: type[TooMany] = TooManyTries) -> None:
    tried, left = await house.cache.count(name, span)
    if tried > most:
        raise error(left)
