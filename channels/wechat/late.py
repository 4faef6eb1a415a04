"""Replies that come after their callback: promised once, and sent once or kept for the citizen's next message.

What several processes must agree on is in the cache; what must outlive them is noted in the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from channels.wechat import paging, rendering
from channels.wechat.letters import Incoming, Outgoing
from channels.wechat.paging import Rest
from channels.wechat.platform import PlatformError
from channels.wechat.wording import say
from core.cache import Cache

if TYPE_CHECKING:
    from channels.wechat.office import Office

NOTING = 0.4  # seconds for writing down that a reply is owed
PARTS = 3  # messages a late reply may take
FORBIDDEN = 3600  # seconds until it is tried again whether an account may send
SENDING = 60  # seconds in which a reply has been sent, or its sender is dead

log = structlog.get_logger()


class Late:
    """Late replies of all accounts."""

    def __init__(self, office: Office, cache: Cache, rest: Rest, *, kept: int) -> None:
        """`kept` is for how many seconds it is known what became of a message."""
        self._office, self._cache, self._rest, self._kept = office, cache, rest, kept
        self._noting: set[asyncio.Task[None]] = set()

    async def forbidden(self, appid: str) -> bool:
        """Whether an account is known to lack the permission to send."""
        return await self._cache.get(f"wechat:forbidden:{appid}") is not None

    async def said(self, incoming: Incoming) -> Outgoing | None:
        """What a try was told in place of the reply; None where the reply is not promised."""
        match await self._cache.get(_way(incoming)):
            case "late":
                return Outgoing()
            case "told":
                return Outgoing((say("working") + rendering.CONTINUE,))
        return None

    async def promise(self, incoming: Incoming, *, by_itself: bool) -> bool:
        """From here on the reply goes out late: by a message of its own, or with the citizen's next one.

        False where somebody has promised it already.
        """
        new = await self._cache.add(_way(incoming), "late" if by_itself else "told", self._kept)
        if new:
            await self._note(incoming)
        return new

    async def deliver(self, incoming: Incoming, reply: Outgoing) -> None:
        """Send a promised reply, or keep it for the next message; once, whoever comes to it first."""
        sending = f"wechat:sending:{incoming.key}"
        if not await self._cache.add(sending, "", SENDING):
            return
        told = await self._cache.get(_way(incoming)) == "told"
        left = reply.parts if told else await self._send(incoming, reply)
        if left:
            await asyncio.to_thread(self._office.owed.keep, incoming.owner, incoming.key, Outgoing(tuple(left)))
            await self._rest.leave(incoming.sender, ())  # it is among what is kept
        else:
            await asyncio.to_thread(self._office.owed.settle, incoming.key)
        await self._cache.set(sending, "done", self._kept)
        log.info("wechat.late", kept=bool(left))

    async def typing(self, incoming: Incoming) -> None:
        """Show the citizen that an answer is being written."""
        if counter := self._office.by_appid(incoming.appid):
            with suppress(PlatformError):
                await counter.platform.typing(incoming.openid)

    async def _note(self, incoming: Incoming) -> None:
        """Write down that an answer is owed, so that it outlives this process; but let no callback wait for it."""
        noting = asyncio.create_task(asyncio.to_thread(self._office.owed.begin, incoming))
        self._noting.add(noting)
        noting.add_done_callback(self._noted)
        await asyncio.wait({noting}, timeout=NOTING)

    def _noted(self, noting: asyncio.Task[None]) -> None:
        self._noting.discard(noting)
        if not noting.cancelled() and (error := noting.exception()):
            log.warning("wechat.not_noted", reason=type(error).__name__)

    async def _send(self, incoming: Incoming, reply: Outgoing) -> Sequence[str]:
        """Send as much as the quota allows; what could not be sent is returned."""
        counter = self._office.by_appid(incoming.appid)
        parts = (say("staff_late"),) if reply.staff else reply.parts
        if counter is None:
            return parts
        may = 0
        while may < min(PARTS, len(parts)) and await self._office.allowance.spend(incoming.sender):
            may += 1
        for at, part in enumerate(paging.cut(parts, may)):
            try:
                await counter.platform.send_text(incoming.openid, part)
            except PlatformError as error:
                log.warning("wechat.not_sent", code=error.code)
                if error.forbidden:
                    await self._cache.set(f"wechat:forbidden:{incoming.appid}", "1", FORBIDDEN)
                return parts[at:]
        if may:
            await self._rest.leave(incoming.sender, parts[may:])
        return () if may else parts


def _way(incoming: Incoming) -> str:
    return f"wechat:way:{incoming.key}"
