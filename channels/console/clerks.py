"""Who is signed in, and what they may do here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import Response

from channels.house import House
from channels.web import cookies
from core import clock
from core.errors import Forbidden, Unauthorized
from staff import signing
from staff.accounts import Account
from staff.permissions import Act, Within, allowed, scopes

COOKIE = "bangban_staff"
HOUR = 3600
LONGEST = 2000  # of an address to come back to; a proxy takes no address of any length


class Elsewhere(Exception):
    """The page is somewhere else: `path` is under the console."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class NotSignedIn(Unauthorized):
    """登录已过期，请重新登录。"""

    code = "not_signed_in"


@dataclass(frozen=True, slots=True)
class Clerk:
    """Somebody of the staff, signed in with this browser."""

    account: Account
    digest: str
    csrf: str
    within: Within

    @property
    def name(self) -> str:
        """The name on record for what they do."""
        return self.account.name

    @property
    def called(self) -> str:
        """What people call them."""
        return self.account.called

    def may(self, act: Act, region: str, department: str | None = None) -> bool:
        """Whether `act` is allowed on something of that region, and department if it has one."""
        return allowed(self.account.grants, act, region, department, self.within)

    def anywhere(self, act: Act) -> bool:
        """Whether `act` is allowed at all."""
        return bool(self.scopes(act))

    def require(self, act: Act, region: str, department: str | None = None) -> None:
        """Raises Forbidden where `act` is not allowed there."""
        if not self.may(act, region, department):
            raise Forbidden()

    def require_anywhere(self, act: Act) -> None:
        """Raises Forbidden where `act` is allowed nowhere."""
        if not self.anywhere(act):
            raise Forbidden()

    def regions(self, act: Act) -> tuple[str, ...]:
        """The regions in which `act` is allowed, be it in one department."""
        return tuple(dict.fromkeys(region for region, _ in self.scopes(act)))

    def scopes(self, act: Act) -> tuple[tuple[str, str], ...]:
        """The regions, each with a department or none, in which `act` is allowed."""
        return scopes(self.account.grants, act)


def signed_in(request: Request) -> Clerk:
    """Who is signed in, whether or not the password must be changed first. Raises Elsewhere, NotSignedIn."""
    house = House.of(request)
    signed = signing.recognise(house.reading, house.writing, cookies.read(request, COOKIE), now=clock.now())
    if signed is None:
        if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
            raise NotSignedIn()
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        raise Elsewhere(f"/console/sign-in?next={quote(here)}" if len(here) <= LONGEST else "/console/sign-in")
    return Clerk(signed.account, signed.digest, signed.csrf, house.regions.within)


def at_work(request: Request, clerk: Annotated[Clerk, Depends(signed_in)]) -> Clerk:
    """Who is signed in and may go on. Raises Elsewhere where a one-time password must be changed first."""
    if clerk.account.must_change:
        raise Elsewhere("/console/password")
    return clerk


SignedIn = Annotated[Clerk, Depends(signed_in)]
AtWork = Annotated[Clerk, Depends(at_work)]


def keep(request: Request, response: Response, token: str) -> None:
    """Have the browser show the session."""
    cookies.keep(request, response, COOKIE, token, House.of(request).settings.staff_hours_signed_in * HOUR)


def forget(request: Request, response: Response) -> None:
    """Have the browser show it no more."""
    cookies.drop(request, response, COOKIE)
