"""From a message to a page, known: by snsapi_base, which asks the citizen nothing.

`go` sends the browser to the platform with a state that is good once, for five minutes, in this browser alone.
The platform sends it to `arrive` with a code, for which the platform tells our server who that is. Wherever this
fails, the citizen goes on to pages of ours all the same, as anybody on the web.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from channels.house import House
from channels.web import citizens, cookies, limits
from channels.web.booking.wishes import root
from channels.web.citizens import Arrived
from channels.web.pages import page
from channels.wechat import tickets
from channels.wechat.letters import Incoming, Kind
from channels.wechat.platform import PlatformError
from channels.wechat.targets import Target, read_target
from core.errors import NotFound
from core.vault import Unreadable, Vault

if TYPE_CHECKING:
    from channels.wechat.office import Counter

LIVES = 300  # seconds a sign-in may take: the platform's codes live as long
COOKIE = "bangban_going"
_BROWSER = re.compile(r"[0-9a-f]{32}")
_CODE = re.compile(r"[\x21-\x7e]{1,512}")

log = structlog.get_logger()
router = APIRouter()
router.include_router(tickets.router)


@dataclass(frozen=True, slots=True)
class State:
    """What the platform carries back: a random name and our signature, which only this browser's secret fits."""

    name: str
    signature: str

    @classmethod
    def make(cls, vault: Vault, counter: Counter, browser: str) -> State:
        """A fresh one."""
        name = secrets.token_hex(16)
        return cls(name, cls._signatures(vault, counter, browser, name)[0])

    @classmethod
    def read(cls, text: str, vault: Vault, counter: Counter, browser: str) -> State | None:
        """The one that came back; None where we never made it for this account and browser."""
        name, signature = text[:32], text[32:]
        given, known = signature.encode(), cls._signatures(vault, counter, browser, name)
        return cls(name, signature) if any(hmac.compare_digest(one.encode(), given) for one in known) else None

    @staticmethod
    def _signatures(vault: Vault, counter: Counter, browser: str, name: str) -> tuple[str, ...]:
        return vault.marks(f"arrive {counter.account.appid} {browser} {name}")

    def __str__(self) -> str:
        return self.name + self.signature  # 96 letters and digits; the platform carries 128


@router.get("/wechat/go", include_in_schema=False)
@router.get("/wechat/{name}/go", include_in_schema=False)
async def go(request: Request, to: str = "") -> Response:
    """Off to the platform, to come back known. Raises NotFound, TooMany."""
    house, counter = House.of(request), _counter(request)
    target = read_target(to, house.settings.wechat_handoff)
    if target is None:
        raise NotFound("这个链接打不开。请回到公众号，从菜单或者消息里再点一次。")
    if not house.settings.public_url or "MicroMessenger" not in request.headers.get("user-agent", ""):
        # Outside WeChat the platform shows an error, and no way on.
        return _unknown(request, counter, target, "outside")
    await limits.message(house, request)  # each of these is remembered for a while
    kept = cookies.read(request, COOKIE)
    # The same secret for all links of a browser: two may be under way.
    browser = kept if _BROWSER.fullmatch(kept) else secrets.token_hex(16)
    state = State.make(house.vault, counter, browser)
    await house.cache.set(f"arrival:{state.name}", house.vault.lock(target.url), LIVES)
    response = RedirectResponse(_sign_in(house, counter, state), 303)
    cookies.keep(request, response, COOKIE, browser, LIVES)
    return response


@router.get("/wechat/arrive", include_in_schema=False)
@router.get("/wechat/{name}/arrive", include_in_schema=False)
async def arrive(request: Request, code: str = "", state: str = "") -> Response:
    """Back from the platform, and on to where the link led."""
    house, counter = House.of(request), _counter(request)
    back = State.read(state, house.vault, counter, cookies.read(request, COOKIE))
    target = await _target(house, back) if back else None
    if back is None or target is None:
        return page(request, "arrival.html", status=403, why="lost")
    # Some browsers within WeChat call twice: the second time leads on, and asks the platform nothing.
    if not await house.cache.add(f"arrived:{back.name}", "1", LIVES):
        return _unknown(request, counter, target, "twice")
    arrived = await _who(counter, code)
    if arrived is None:
        return _unknown(request, counter, target, "away")
    if target.host:
        return RedirectResponse(target.with_ticket(await tickets.issue(house, arrived, target.host)), 303)
    response = RedirectResponse(root(request) + target.url, 303)
    citizens.remember(request, response, arrived)
    return response


def _counter(request: Request) -> Counter:
    office = House.of(request).office
    found = office.counter(request.path_params.get("name", "")) if office else None
    if found is None:
        raise NotFound()
    return found


def _sign_in(house: House, counter: Counter, state: State) -> str:
    """The platform's page, which sends the browser back at once. It wants the query in this order."""
    back = f"{house.settings.public_url.rstrip('/')}{counter.path}/arrive"
    query = {
        "appid": counter.account.appid,
        "redirect_uri": back,
        "response_type": "code",
        "scope": "snsapi_base",
        "state": str(state),
    }
    base = house.settings.wechat_open_base.rstrip("/")
    return f"{base}/connect/oauth2/authorize?{urlencode(query, quote_via=quote, safe='')}#wechat_redirect"


async def _target(house: House, state: State) -> Target | None:
    """Where the link led; None where that was too long ago. Looked at again: what may be led to may have changed."""
    locked = await house.cache.get(f"arrival:{state.name}")
    try:
        return read_target(house.vault.unlock(locked), house.settings.wechat_handoff) if locked else None
    except Unreadable:
        return None


async def _who(counter: Counter, code: str) -> Arrived | None:
    """Who signed in; None where the platform does not tell. A code is good once: the platform sees to that."""
    if not _CODE.fullmatch(code):
        return None
    try:
        openid = await counter.platform.openid_of(code)
    except PlatformError as error:
        log.warning("wechat.sign_in_failed", account=counter.name, code=error.code)
        return None
    # Known as from a message, so that what is booked here is found there.
    as_sender = Incoming("", counter.account.appid, openid, "", Kind.SILENT)
    return Arrived(as_sender.owner, as_sender.address)


def _unknown(request: Request, counter: Counter, target: Target, why: str) -> Response:
    """On without being known: to a page of ours at once; to elsewhere only where that is what they want."""
    if not target.host:
        response = RedirectResponse(root(request) + target.url, 303)
        if why == "away":  # whoever was known before need not be who holds the phone now
            citizens.forget(request, response)
        return response
    again = f"{root(request)}{counter.path}/go?{urlencode({'to': target.url})}"
    return page(request, "arrival.html", why=why, target=target.url, host=target.host, again=again)
