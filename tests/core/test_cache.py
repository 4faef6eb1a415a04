from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from core.cache import CONNECTIONS, Cache, MemoryCache, RedisCache, cache


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

    async def test_a_value_is_taken_once(self, cache: Cache) -> None:
        await cache.set("ticket", "42", 60)
        assert await cache.take("ticket") == "42"
        assert await cache.take("ticket") is None
        assert await cache.get("ticket") is None
        assert await cache.take("nobody") is None

    async def test_of_many_who_take_at_once_one_gets_it(self, cache: Cache) -> None:
        await cache.set("ticket", "", 60)
        taken = await asyncio.gather(*(cache.take("ticket") for _ in range(20)))
        assert sorted(taken, key=str) == ["", *[None] * 19]

    async def test_what_is_forgotten_cannot_be_taken(self, cache: Cache) -> None:
        await cache.set("brief", "value", 1)
        await forgotten(cache, "brief")
        assert await cache.take("brief") is None

    async def test_a_line_is_served_in_the_order_of_joining(self, cache: Cache) -> None:
        assert await cache.first("line") is None
        assert [await cache.join("line", who, 60) for who in ("王", "李", "张")] == [1, 2, 3]
        served = []
        while (who := await cache.first("line")) is not None:
            served.append(who)
            await cache.leave("line", who)
        assert served == ["王", "李", "张"]

    async def test_whoever_gives_up_leaves_from_the_middle(self, cache: Cache) -> None:
        for who in ("王", "李", "张"):
            await cache.join("line", who, 60)
        await cache.leave("line", "李")
        await cache.leave("line", "李")
        assert await cache.first("line") == "王"
        await cache.leave("line", "王")
        assert await cache.first("line") == "张"

    async def test_leaving_a_line_that_nobody_joined_is_fine(self, cache: Cache) -> None:
        await cache.leave("line", "王")
        assert await cache.join("line", "王", 60) == 1

    async def test_of_many_who_join_at_once_each_has_a_place_of_their_own(self, cache: Cache) -> None:
        places = await asyncio.gather(*(cache.join("line", str(who), 60) for who in range(50)))
        assert sorted(places) == list(range(1, 51))
        assert await cache.first("line") == str(places.index(1))

    async def test_lines_stand_apart_and_apart_from_values(self, cache: Cache) -> None:
        await cache.join("east", "王", 60)
        await cache.join("west", "李", 60)
        await cache.leave("west", "王")
        assert (await cache.first("east"), await cache.first("west")) == ("王", "李")


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

    async def test_a_line_nobody_stands_in_takes_no_memory(self) -> None:
        small = MemoryCache()
        await small.join("line", "王", 60)
        await small.leave("line", "王")
        assert not small._lines


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
        await cache.join("d", "1", 60)
        keys = await cache._redis.keys("*")
        assert sorted(keys) == ["bangban:a", "bangban:b", "bangban:c", "bangban:d"]
        assert all([await cache._redis.ttl(key) > 0 for key in keys])

    async def test_a_line_is_forgotten_when_nobody_joined_it_for_its_time(self, cache: RedisCache) -> None:
        await cache.join("line", "王", 1)
        await cache.join("line", "李", 60)
        assert await cache._redis.ttl("bangban:line") > 50
        await cache.join("brief", "王", 1)
        async with asyncio.timeout(10):
            while await cache.first("brief") is not None:
                await asyncio.sleep(0.05)

    async def test_a_crowd_at_once_waits_for_its_turn_and_nobody_is_turned_away(self, cache: RedisCache) -> None:
        counted = await asyncio.gather(*(cache.count("crowd", 60) for _ in range(1000)))
        assert sorted(many for many, _ in counted) == list(range(1, 1001))
        clients = await cache._redis.info("clients")
        assert clients["connected_clients"] <= CONNECTIONS + 2

    async def test_two_processes_stand_in_one_line(self, cache: Cache, redis_url: str) -> None:
        other = RedisCache(redis_url)
        await cache.join("line", "王", 60)
        assert await other.join("line", "李", 60) == 2
        await other.leave("line", "王")
        assert await cache.first("line") == "李"
        await other.close()


def test_redis_serves_only_where_an_address_is_set(redis_url: str) -> None:
    assert isinstance(cache(""), MemoryCache)
    assert isinstance(cache(redis_url), RedisCache)


async def forgotten(cache: Cache, key: str, patience: float = 10) -> None:
    ends = time.monotonic() + patience
    while await cache.get(key) is not None:
        assert time.monotonic() < ends, "it never happened"
        await asyncio.sleep(0.05)
