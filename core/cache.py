"""A small shared memory for conversations and quotas: this process, or Redis where several serve."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from contextlib import suppress
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

    async def take(self, key: str) -> str | None:
        """The value, for one caller only: it is forgotten in the same moment."""

    async def join(self, line: str, who: str, ttl: int) -> int:
        """Stand at the end of a line; returns how many stand there now. A line not joined for `ttl` seconds is forgotten."""

    async def first(self, line: str) -> str | None:
        """Who stands first."""

    async def leave(self, line: str, who: str) -> None:
        """Leave a line, from wherever; leaving twice is fine."""

    async def close(self) -> None:
        """Give back what is held."""


class MemoryCache:
    """Keeps the most recent `size` keys in this process. Each call runs whole: nothing in it waits."""

    def __init__(self, size: int = 100_000) -> None:
        self._size = size
        self._kept: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._lines: dict[str, deque[str]] = {}

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

    async def take(self, key: str) -> str | None:
        value = self._live(key)
        self._kept.pop(key, None)
        return value

    async def join(self, line: str, who: str, ttl: int) -> int:
        # No time is kept: whoever stands in a line of this process leaves it, or ends with it.
        standing = self._lines.setdefault(line, deque())
        standing.append(who)
        return len(standing)

    async def first(self, line: str) -> str | None:
        standing = self._lines.get(line)
        return standing[0] if standing else None

    async def leave(self, line: str, who: str) -> None:
        standing = self._lines.get(line, deque())
        with suppress(ValueError):
            standing.remove(who)
        if not standing:
            self._lines.pop(line, None)

    async def close(self) -> None:
        self._kept.clear()
        self._lines.clear()

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


CONNECTIONS = 100  # to Redis; whoever comes when all are busy waits for one


class RedisCache:
    """The same in Redis 5 or later, under the prefix `bangban:`."""

    def __init__(self, url: str) -> None:
        # An optional extra: only deployments of several processes need it.
        from redis.asyncio import BlockingConnectionPool, Redis

        limits = {"max_connections": CONNECTIONS, "timeout": 2, "socket_timeout": 2, "socket_connect_timeout": 2}
        self._redis = Redis(connection_pool=BlockingConnectionPool.from_url(url, decode_responses=True, **limits))

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

    async def take(self, key: str) -> str | None:
        async with self._redis.pipeline() as pipe:
            pipe.get(f"bangban:{key}")
            pipe.delete(f"bangban:{key}")
            value, _ = await pipe.execute()
        return value if isinstance(value, str) else None

    async def join(self, line: str, who: str, ttl: int) -> int:
        async with self._redis.pipeline() as pipe:
            pipe.rpush(f"bangban:{line}", who)
            pipe.expire(f"bangban:{line}", ttl)
            many, _ = await pipe.execute()
        return int(many)

    async def first(self, line: str) -> str | None:
        who = await self._redis.lindex(f"bangban:{line}", 0)
        return who if isinstance(who, str) else None

    async def leave(self, line: str, who: str) -> None:
        await self._redis.lrem(f"bangban:{line}", 0, who)

    async def close(self) -> None:
        await self._redis.aclose(close_connection_pool=True)


def cache(redis_url: str) -> Cache:
    """Redis when an address is set, else the memory of this process."""
    return RedisCache(redis_url) if redis_url else MemoryCache()
