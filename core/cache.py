"""A small shared memory for conversations and quotas: this process, or Redis where several serve."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Protocol


class Cache(Protocol):
    """Values by key, forgotten after a while. All times are in seconds."""

    def get(self, key: str) -> str | None:
        """The value, or None when it is unknown or forgotten."""

    def set(self, key: str, value: str, ttl: int) -> None:
        """Remember `value` for `ttl` seconds."""

    def add(self, key: str, value: str, ttl: int) -> bool:
        """Remember `value` only if the key is unknown; False means somebody else was first."""

    def count(self, key: str, ttl: int) -> tuple[int, int]:
        """Count one more under `key`: how many in the present window of `ttl` seconds, and seconds until it ends."""

    def delete(self, key: str) -> None:
        """Forget the key; forgetting the unknown is fine."""


class MemoryCache:
    """Keeps the most recent `size` keys in this process."""

    def __init__(self, size: int = 100_000) -> None:
        self._size = size
        self._kept: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> str | None:
        with self._lock:
            return self._live(key)

    def set(self, key: str, value: str, ttl: int) -> None:
        with self._lock:
            self._put(key, value, time.monotonic() + ttl)

    def add(self, key: str, value: str, ttl: int) -> bool:
        with self._lock:
            if self._live(key) is not None:
                return False
            self._put(key, value, time.monotonic() + ttl)
            return True

    def count(self, key: str, ttl: int) -> tuple[int, int]:
        with self._lock:
            so_far = self._live(key)
            ends = self._kept[key][1] if so_far is not None else time.monotonic() + ttl
            self._put(key, str(int(so_far or 0) + 1), ends)
            return int(so_far or 0) + 1, max(1, round(ends - time.monotonic()))

    def delete(self, key: str) -> None:
        with self._lock:
            self._kept.pop(key, None)

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
        from redis import Redis  # an optional extra: only deployments of several processes need it

        self._redis = Redis.from_url(url, decode_responses=True, socket_timeout=2, socket_connect_timeout=2)

    def get(self, key: str) -> str | None:
        value = self._redis.get(f"bangban:{key}")
        return value if isinstance(value, str) else None

    def set(self, key: str, value: str, ttl: int) -> None:
        self._redis.set(f"bangban:{key}", value, ex=ttl)

    def add(self, key: str, value: str, ttl: int) -> bool:
        return bool(self._redis.set(f"bangban:{key}", value, ex=ttl, nx=True))

    def count(self, key: str, ttl: int) -> tuple[int, int]:
        with self._redis.pipeline() as pipe:
            pipe.set(f"bangban:{key}", 0, ex=ttl, nx=True)
            pipe.incr(f"bangban:{key}")
            pipe.ttl(f"bangban:{key}")
            _, many, left = pipe.execute()
        return int(many), max(1, int(left))

    def delete(self, key: str) -> None:
        self._redis.delete(f"bangban:{key}")


def cache(redis_url: str) -> Cache:
    """Redis when an address is set, else the memory of this process."""
    return RedisCache(redis_url) if redis_url else MemoryCache()
