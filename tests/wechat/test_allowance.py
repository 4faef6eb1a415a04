"""What may be sent to a citizen besides replies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from itertools import count

import pytest

from channels.wechat import allowance
from channels.wechat.allowance import Allowance, Window
from channels.wechat.letters import Incoming, Kind
from channels.wechat.platform import Platform
from core.cache import Cache, MemoryCache
from core.vault import Vault
from tests.wechat.citizen import ACCOUNT, MAILBOX
from tests.wechat.platform_server import PlatformServer

_keys = count()


def did(kind: Kind, openid: str = "o-zhang", key: str = "") -> Incoming:
    return Incoming(key or f"key-{next(_keys)}", ACCOUNT.appid, openid, MAILBOX, kind)


ZHANG = did(Kind.TEXT).sender


async def spent(allowed: Allowance, sender: str = ZHANG, tries: int = 12) -> int:
    """How many of `tries` messages may be sent."""
    return [await allowed.spend(sender) for _ in range(tries)].count(True)


@pytest.fixture
def allowed(worker_cache: Callable[[], Cache]) -> Allowance:
    return Allowance(worker_cache())


async def test_nothing_may_be_sent_to_somebody_who_did_nothing(allowed: Allowance) -> None:
    await allowed.grant(did(Kind.TEXT))
    assert await spent(allowed, did(Kind.TEXT, "o-li").sender) == 0


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.VOICE, Kind.LOCATION, Kind.UNREADABLE])
async def test_five_may_follow_a_message(allowed: Allowance, kind: Kind) -> None:
    await allowed.grant(did(kind))
    assert await spent(allowed) == 5


@pytest.mark.parametrize("kind", [Kind.JOINED, Kind.SCANNED, Kind.CLICKED])
async def test_three_may_follow_a_click_a_scan_and_a_new_follower(allowed: Allowance, kind: Kind) -> None:
    await allowed.grant(did(kind))
    assert await spent(allowed) == 3


@pytest.mark.parametrize("kind", [Kind.SILENT, Kind.STAFF_CAME, Kind.STAFF_WENT])
async def test_what_the_platform_reports_by_itself_allows_nothing(allowed: Allowance, kind: Kind) -> None:
    await allowed.grant(did(kind))
    assert await spent(allowed) == 0


async def test_a_new_message_allows_five_again_and_not_more(allowed: Allowance) -> None:
    await allowed.grant(did(Kind.TEXT))
    assert await spent(allowed, tries=2) == 2
    await allowed.grant(did(Kind.TEXT))
    assert await spent(allowed) == 5


async def test_a_click_does_not_add_to_what_a_message_allows(allowed: Allowance) -> None:
    await allowed.grant(did(Kind.TEXT))
    await allowed.grant(did(Kind.CLICKED))
    assert await spent(allowed) == 5


@pytest.mark.parametrize(("before", "after"), [(0, 5), (2, 3), (3, 3), (5, 3)])
async def test_a_click_allows_three_where_a_message_allows_less(allowed: Allowance, before: int, after: int) -> None:
    await allowed.grant(did(Kind.TEXT))
    await spent(allowed, tries=before)
    await allowed.grant(did(Kind.CLICKED))
    assert await spent(allowed) == after


async def test_the_same_message_told_three_times_allows_five_once(allowed: Allowance) -> None:
    for _ in range(3):
        await allowed.grant(did(Kind.TEXT, key="again"))
        await spent(allowed, tries=2)
    assert await spent(allowed, tries=1) == 0


async def test_a_late_try_of_an_older_message_allows_nothing_new(allowed: Allowance) -> None:
    await allowed.grant(did(Kind.TEXT, key="older"))
    await allowed.grant(did(Kind.TEXT, key="newer"))
    await spent(allowed)
    await allowed.grant(did(Kind.TEXT, key="older"))
    assert await spent(allowed) == 0


async def test_nothing_may_be_sent_to_who_left(allowed: Allowance) -> None:
    await allowed.grant(did(Kind.TEXT))
    await allowed.grant(did(Kind.CLICKED))
    await allowed.grant(did(Kind.LEFT))
    assert await spent(allowed) == 0


async def test_a_window_ends(allowed: Allowance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(allowance.OPENS, Kind.CLICKED, Window(1_000_000, 1))
    await allowed.grant(did(Kind.CLICKED))
    async with asyncio.timeout(10):
        while await allowed.spend(ZHANG):
            await asyncio.sleep(0.05)


def test_windows_end_before_the_platforms_do() -> None:
    assert (allowance.MESSAGE.most, allowance.MOMENT.most) == (5, 3)
    assert 0 < allowance.MESSAGE.seconds < 48 * 3600
    assert 0 < allowance.MOMENT.seconds < 60


async def test_fifty_at_once_on_two_workers_never_exceed_it(worker_cache: Callable[[], Cache]) -> None:
    workers = [Allowance(worker_cache()), Allowance(worker_cache())]
    await workers[0].grant(did(Kind.TEXT))
    spending = await asyncio.gather(*(workers[n % 2].spend(ZHANG) for n in range(50)))
    assert spending.count(True) == 5


async def test_the_platform_never_has_to_refuse_what_is_allowed(
    allowed: Allowance, platform: PlatformServer, vault: Vault
) -> None:
    """Messages, clicks and sends in any order."""
    chance, zhang = random.Random(5), platform.citizen()
    calls = Platform(platform.account, MemoryCache(), vault, base=platform.base)
    for _ in range(200):
        match chance.choice(("says", "clicks", *["is sent"] * 8)):
            case "says":
                zhang.says("你好")
                await allowed.grant(did(Kind.TEXT))
            case "clicks":
                zhang.clicks("hello")
                await allowed.grant(did(Kind.CLICKED))
            case _ if await allowed.spend(ZHANG):
                await calls.send_text("o-zhang", "您好")  # raises PlatformError where it is refused
    assert len(zhang.received) > 50
    await calls.close()


async def test_citizens_are_counted_apart_and_never_by_their_openid(worker_cache: Callable[[], Cache]) -> None:
    cache = worker_cache()
    allowed = Allowance(cache)
    await allowed.grant(did(Kind.TEXT, "o-zhang"))
    await allowed.grant(did(Kind.TEXT, "o-li"))
    assert await spent(allowed) == 5
    assert await spent(allowed, did(Kind.TEXT, "o-li").sender) == 5
    names = [*cache._kept] if hasattr(cache, "_kept") else await cache._redis.keys("*")  # type: ignore[attr-defined]
    assert names
    assert not [name for name in names if "o-li" in name]
