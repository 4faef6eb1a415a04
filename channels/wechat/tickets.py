"""Tickets by which an online application learns who arrives: each is good once, for five minutes, and asked for by its server."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from channels.house import House
from channels.web.citizens import Arrived
from channels.web.clerks import bearer_of
from channels.web.forms import Body
from core.errors import NotFound

LIVES = 300  # seconds

router = APIRouter(prefix="/api/wechat", tags=["staff"])


class NoTicket(NotFound):
    """这张票据不对，或者已经用过、过期了。请让办事人从公众号里重新点一次链接。"""

    code = "no_ticket"


class Ticket(Body):
    """What stood in the address at which the citizen arrived."""

    ticket: str = Field(min_length=1, max_length=100)


class Bearer(BaseModel):
    """Who arrived."""

    appid: str
    openid: str


async def application_of(request: Request) -> str:
    """The host of the application that calls, by its token. Raises BadToken, TooManyTries."""
    return await bearer_of(request, House.of(request).settings.wechat_handoff)


Application = Annotated[str, Depends(application_of)]


async def issue(house: House, arrived: Arrived, host: str) -> str:
    """A ticket for the application at `host`."""
    ticket = secrets.token_urlsafe(24)
    await house.cache.set(_name(ticket), house.vault.lock(f"{arrived.address} {host}"), LIVES)
    return ticket


@router.post("/tickets", summary="Who arrived with a ticket")
async def redeem(request: Request, application: Application, body: Ticket) -> Bearer:
    """From server to server. Raises NoTicket, the same for one unknown, used, too old, or another application's."""
    house = House.of(request)
    locked = await house.cache.take(_name(body.ticket))
    appid, openid, host = house.vault.unlock(locked).split(" ") if locked else ("", "", "")
    if not locked or host != application:
        raise NoTicket()
    return Bearer(appid=appid, openid=openid)


def _name(ticket: str) -> str:
    # Who reads the shared memory could use no ticket.
    return f"ticket:{hashlib.sha256(ticket.encode()).hexdigest()}"
