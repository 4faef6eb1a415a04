"""Citizens who arrived known from another channel: for a while, pages know whose appointments are theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fastapi import Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ValidationError

from channels.house import House
from channels.web import cookies
from core import clock
from core.vault import Unreadable

COOKIE = "bangban_citizen"
KNOWN = 2 * 3600  # seconds
_KIND = "citizen "  # whatever else is locked begins otherwise, and is no citizen


@dataclass(frozen=True, slots=True)
class Arrived:
    """`owner` is the citizen as the desk knows them; `address` is where their channel reaches them."""

    owner: str
    address: str


class _Kept(BaseModel):
    owner: str
    address: str
    until: AwareDatetime


def citizen(request: Request) -> Arrived | None:
    """Who this browser arrived as; None where nobody is known, or no more, or another site sent the form."""
    # A sibling host's form carries the cookie too: same-site is not same-origin.
    if request.method == "POST" and request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return None
    locked = cookies.read(request, COOKIE)
    if not locked:
        return None
    try:
        kind, text = _split(House.of(request).vault.unlock(locked))
        kept = _Kept.model_validate_json(text)
    except (Unreadable, ValidationError):
        return None
    return Arrived(kept.owner, kept.address) if kind and kept.until > clock.now() else None


def remember(request: Request, response: Response, arrived: Arrived) -> None:
    """Have the browser show who arrived with it, for KNOWN seconds. `response` is the one that is sent."""
    until = clock.now() + timedelta(seconds=KNOWN)
    kept = _Kept(owner=arrived.owner, address=arrived.address, until=until)
    locked = House.of(request).vault.lock(_KIND + kept.model_dump_json())
    cookies.keep(request, response, COOKIE, locked, KNOWN)


def forget(request: Request, response: Response) -> None:
    """Have the browser show nobody any more."""
    cookies.drop(request, response, COOKIE)


def _split(text: str) -> tuple[bool, str]:
    return text.startswith(_KIND), text.removeprefix(_KIND)
