"""Over to a person of the account's customer service, and back: until then the bot is silent."""

from __future__ import annotations

import asyncio
import re

import structlog

from channels.wechat.allowance import Allowance
from channels.wechat.envelope import ANYBODY
from channels.wechat.letters import Incoming
from channels.wechat.platform import Platform, PlatformError
from channels.wechat.wording import say
from core.cache import Cache

WAITED = 30 * 60  # seconds a citizen is left to wait before the bot answers again
TALKED = 24 * 3600  # seconds a talk with a person lasts at most; its end may never be told
SOON = 1.0  # seconds for what should not keep the citizen waiting
_BACK = re.compile(  # 返回, 算了我不等了, 不用转人工了
    r"^(?:我|那|就|还是|算了|好了|，|,|\s)*"
    r"(?:(?:返回|回到?|找)(?:帮办)?|机器人"
    r"|(?:不|别|不用|不想|不要|不必)再?(?:等|转|找|要)(?:人工|工作人员|客服|人)?)"
    r"[了吧啊呀。！!\s]*$"
)

log = structlog.get_logger()


def wants_back(text: str) -> bool:
    """Whether `text` asks for the bot again, in the place of a person."""
    return bool(_BACK.match(text))


class Staffing:
    """Who is with a person, in the shared memory. `sender` is the hashed citizen."""

    def __init__(self, cache: Cache, allowance: Allowance) -> None:
        self._cache, self._allowance = cache, allowance

    async def away(self, sender: str) -> bool:
        """Whether the citizen waits for a person, or talks with one."""
        return await self._cache.get(_key(sender)) is not None

    async def called(self, sender: str) -> None:
        """The citizen waits."""
        await self._cache.set(_key(sender), "called", WAITED)

    async def came(self, sender: str) -> None:
        """A person took the citizen on."""
        await self._cache.set(_key(sender), "came", TALKED)

    async def back(self, sender: str) -> None:
        """The bot answers again."""
        await self._cache.delete(_key(sender))

    async def announce(self, incoming: Incoming, platform: Platform) -> None:
        """Tell the citizen what happens now: a hand-over itself says nothing. Best effort."""
        if not await self._allowance.spend(incoming.sender):
            return
        try:
            await asyncio.wait_for(platform.send_text(incoming.openid, say("staff_calling")), SOON)
        except (PlatformError, TimeoutError) as error:
            log.info("wechat.staff_not_announced", reason=type(error).__name__)


async def at_desk(platform: Platform, staff: str) -> bool:
    """Whether `staff`, an account of customer service or any, is there. False where that cannot be had soon."""
    try:
        online = await asyncio.wait_for(platform.online_staff(), SOON)
    except (PlatformError, TimeoutError) as error:
        log.warning("wechat.staff_unknown", reason=type(error).__name__)
        return False
    return bool(online) if staff == ANYBODY else staff in online


def _key(sender: str) -> str:
    return f"wechat:staff:{sender}"
