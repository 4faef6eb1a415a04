"""A small shared memory for conversations and quotas: this process, or Redis where several serve."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Protocol


class Cache(Protocol):
    """Values by key, forgotten after a while. All times are in seconds."""

    async def get(self, key: str) -> str | None:
        """The value, or None when it is unknown or forgotten."""

    async def set(self, key: str, value: str, ttl: int) -> None:
        """Remember `value` for `ttl` seconds."""

    async def add(self, key: str, value: str, ttl: int) -> bool:
        """Remember `value` only if the key is unknown; False means somebody else was first."""

    async def count(self, key: str, ttl: int) -> tuple[int, int]:
        """Count one more under `key`: how many in the present window of `ttl` seconds, and seconds until it ends."""

    async def delete(self, key: str) -> None:
        """Forget the key; forgetting the unknown is fine."""

    async def close(self) -> None:
        """Give back what is held."""


class MemoryCache:
    """Keeps the most recent `size` keys in this process. Each call runs whole: nothing in it waits."""

    def __init__(self, size: int = 100_000) -> None:
        self._size = size
        self._kept: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def get(self, key: str) -> str | None:
        return self._live(key)

    async def set(self, key: str, value: str, ttl: int) -> None:
        self._put(key, value, time.monotonic() + ttl)

    async def add(self, key: str, value: str, ttl: int) -> bool:
        if self._live(key) is not None:
            return False
        self._put(key, value, time.monotonic() + ttl)
        return True

    async def count(self, key: str, ttl: int) -> tuple[int, int]:
        so_far = self._live(key)
        ends = self._kept[key][1] if so_far is not None else time.monotonic() + ttl
        self._put(key, str(int(so_far or 0) + 1), ends)
        return int(so_far or 0) + 1, max(1, round(ends - time.monotonic()))

    async def delete(self, key: str) -> None:
        self._kept.pop(key, None)

    async def close(self) -> None:
        self._kept.clear()

    def _live(self, key: str) -> str | None:
        value, ends = self._kept.get(key, ("", 0.0))
        if ends > time.monotonic():
            return value
        self._kept.pop(key, None)
        return None

    def _put(self, key: str, value: str, ends: float) -> None:
        self._kept[key] = (value, ends)
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


class RedisCache:
    """The same in Redis 5 or later, under the prefix `bangban:`."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis  # an optional extra: only deployments of several processes need it

        self._redis = Redis.from_url(url, decode_responses=True, socket_timeout=2, socket_connect_timeout=2)

    async def get(self, key: str) -> str | None:
        value = await self._redis.get(f"bangban:{key}")
        return value if isinstance(value, str) else None

    async def set(self, key: str, value: str, ttl: int) -> None:
        await self._redis.set(f"bangban:{key}", value, ex=ttl)

    async def add(self, key: str, value: str, ttl: int) -> bool:
        return bool(await self._redis.set(f"bangban:{key}", value, ex=ttl, nx=True))

    async def count(self, key: str, ttl: int) -> tuple[int, int]:
        async with self._redis.pipeline() as pipe:
            pipe.set(f"bangban:{key}", 0, ex=ttl, nx=True)
            pipe.incr(f"bangban:{key}")
            pipe.ttl(f"bangban:{key}")
            _, many, left = await pipe.execute()
        return int(many), max(1, int(left))

    async def delete(self, key: str) -> None:
        await self._redis.delete(f"bangban:{key}")

    async def close(self) -> None:
        await self._redis.aclose()


def cache(redis_url: str) -> Cache:
    """Redis when an address is set, else the memory of this process."""
    return RedisCache(redis_url) if redis_url else MemoryCache()
