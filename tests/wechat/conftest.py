"""The platform for all tests of the channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from core.cache import Cache, MemoryCache, RedisCache
from core.vault import Vault, new_key
from tests.wechat.platform_server import PlatformServer


@pytest.fixture(scope="session")
def running_platform() -> Iterator[PlatformServer]:
    with PlatformServer() as server:
        yield server


@pytest.fixture
def platform(running_platform: PlatformServer) -> PlatformServer:
    """WeChat with one account and nothing yet; `platform.citizen()` makes citizens. See platform_server.py."""
    running_platform.reset()
    return running_platform


@pytest.fixture(params=["memory", "redis"])
async def worker_cache(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[], Cache]]:
    """Makes the cache of one more worker: all share one empty store. In Redis each has connections of its own."""
    if request.param == "memory":
        shared = MemoryCache()
        yield lambda: shared
        return
    made: list[RedisCache] = []

    def another() -> Cache:
        made.append(RedisCache(request.getfixturevalue("redis_url")))
        return made[-1]

    another()
    await made[0]._redis.flushall()
    yield another
    for one in made:
        await one.close()


@pytest.fixture(scope="session")
def vault() -> Vault:
    return Vault([new_key()])
