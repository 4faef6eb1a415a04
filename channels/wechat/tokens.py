"""The access token of one account: fetched once, however many ask, and shared by all processes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from core.cache import Cache
from core.vault import Unreadable, Vault

FETCHING = 15  # seconds one process may hold the others off; fetching twice takes less
LOOK = 0.05  # seconds between looks at what another process fetches
EARLY = 60  # seconds by which a token is given up before it ends
FORCED = 75 * 60  # seconds between tokens asked for by force: the platform grants 20 a day

Fetch = Callable[[bool], Awaitable[tuple[str, int]]]


class Tokens:
    """The platform's `stable_token`, which stays the same for all who ask until it ends."""

    def __init__(self, appid: str, cache: Cache, vault: Vault, fetch: Fetch) -> None:
        """`fetch(force)` asks the platform for a token and the seconds it has left; with force, for another one."""
        self._name, self._cache, self._vault, self._fetch = f"wechat:token:{appid}", cache, vault, fetch
        self._fetching: dict[str, asyncio.Task[str]] = {}

    async def get(self) -> str:
        """The token. Raises what `fetch` raises."""
        return await self._kept() or await self._fetched("")

    async def renewed(self, failed: str) -> str:
        """The token after the platform said that `failed` is none. Raises what `fetch` raises."""
        return await self._fetched(failed)

    async def _fetched(self, failed: str) -> str:
        """One fetch for all who ask in this process; who gives up waiting does not end it for the others."""
        task = self._fetching.get(failed)
        if task is None:
            task = self._fetching[failed] = asyncio.create_task(self._another_than(failed), name="wechat-token")
            task.add_done_callback(lambda _: self._fetching.pop(failed, None))
        return await asyncio.shield(task)

    async def _another_than(self, failed: str) -> str:
        async with self._alone():
            if (kept := await self._kept()) and kept != failed:
                return kept
            token, left = await self._fetch(False)
            # By force only where the platform insists on what it refuses, and seldom: it may refuse for another reason.
            if token == failed and await self._cache.add(f"{self._name}:forced", "1", FORCED):
                token, left = await self._fetch(True)
            await self._cache.set(self._name, self._vault.lock(token), max(1, left - EARLY))
            return token

    async def _kept(self) -> str | None:
        locked = await self._cache.get(self._name)
        try:
            return self._vault.unlock(locked) if locked else None
        except Unreadable:  # locked with a key that was taken away
            return None

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """While no other process fetches."""
        lock, me = f"{self._name}:lock", secrets.token_hex(8)
        while not await self._cache.add(lock, me, FETCHING):
            await asyncio.sleep(LOOK)
        try:
            yield
        finally:
            if await self._cache.get(lock) == me:
                await self._cache.delete(lock)
