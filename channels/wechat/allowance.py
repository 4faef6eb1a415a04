"""How many customer-service messages a citizen may still be sent: the platform counts them, so we do."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from channels.wechat.letters import Incoming, Kind
from core.cache import Cache

RETRIES = 3600  # seconds in which the platform may tell of the same message again


@dataclass(frozen=True, slots=True)
class Window:
    """`most` messages within `seconds`."""

    most: int
    seconds: int


# A little less than the platform's 48 hours and 1 minute: its clock starts before ours.
MESSAGE = Window(5, 48 * 3600 - 60)
MOMENT = Window(3, 55)
OPENS = {
    Kind.TEXT: MESSAGE,
    Kind.VOICE: MESSAGE,
    Kind.LOCATION: MESSAGE,
    Kind.UNREADABLE: MESSAGE,
    Kind.JOINED: MOMENT,
    Kind.SCANNED: MOMENT,
    Kind.CLICKED: MOMENT,
}


class Allowance:
    """Counted by sender, atomically, in the cache.

    The platform's documents leave open whether the windows of a message and of a click add up, so here they do not: a
    citizen has one window, and a click opens another only where that leaves more than there was.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def grant(self, incoming: Incoming) -> None:
        """What a citizen did opens a window; the same callback told again opens none."""
        sender, window = incoming.sender, OPENS.get(incoming.kind)
        if incoming.kind is Kind.LEFT:
            await self._cache.delete(_window(sender))
        if window is None or not await self._first_time(incoming):
            return
        if window is MESSAGE or await self._left(sender) < window.most:
            opened = f"{window.most}:{secrets.token_hex(8)}"
            await self._cache.set(_window(sender), opened, window.seconds)

    async def spend(self, sender: str) -> bool:
        """Whether one more message may be sent to `sender`, who is an Incoming's; it counts as sent."""
        opened = await self._cache.get(_window(sender))
        if opened is None:
            return False
        # Each window has a count of its own: one opened meanwhile starts anew, and this one never does.
        many, _ = await self._cache.count(_spent(sender, opened), MESSAGE.seconds)
        return many <= _most(opened)

    async def _first_time(self, incoming: Incoming) -> bool:
        mark = hashlib.sha256(incoming.key.encode()).hexdigest()[:24]
        return await self._cache.add(f"wechat:granted:{incoming.sender}:{mark}", "1", RETRIES)

    async def _left(self, sender: str) -> int:
        opened = await self._cache.get(_window(sender))
        if opened is None:
            return 0
        return _most(opened) - int(await self._cache.get(_spent(sender, opened)) or 0)


def _window(sender: str) -> str:
    return f"wechat:allowed:{sender}"


def _spent(sender: str, opened: str) -> str:
    return f"wechat:spent:{sender}:{opened}"


def _most(opened: str) -> int:
    return int(opened.partition(":")[0])
