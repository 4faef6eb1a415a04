"""One access token for all, however many ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from channels.wechat.platform import Platform, PlatformError
from channels.wechat.tokens import Tokens
from core.cache import Cache, MemoryCache
from core.vault import Vault, new_key
from tests.wechat.citizen import Citizen
from tests.wechat.platform_server import PlatformServer

SEND = "message/custom/send"


@pytest.fixture
def zhang(platform: PlatformServer) -> Citizen:
    """Somebody who just wrote."""
    citizen = platform.citizen()
    citizen.says("你好")
    return citizen


@pytest.fixture
async def workers(
    platform: PlatformServer, worker_cache: Callable[[], Cache], vault: Vault
) -> AsyncIterator[tuple[Platform, Platform]]:
    """Two processes' calls; in Redis they share nothing else."""
    one, other = (Platform(platform.account, worker_cache(), vault, base=platform.base) for _ in range(2))
    yield one, other
    await one.close()
    await other.close()


async def test_ten_at_once_fetch_one_token(
    workers: tuple[Platform, Platform], platform: PlatformServer, zhang: Citizen
) -> None:
    await asyncio.gather(*(workers[0].typing("o-zhang") for _ in range(10)))
    assert zhang.typing == 10
    assert platform.backend.fetches == ["stable"]


async def test_ten_at_once_on_two_workers_fetch_one_token(
    workers: tuple[Platform, Platform], platform: PlatformServer, zhang: Citizen
) -> None:
    await asyncio.gather(*(workers[n % 2].typing("o-zhang") for n in range(10)))
    assert zhang.typing == 10
    assert platform.backend.fetches == ["stable"]


@pytest.mark.parametrize("trouble", ["expire", "invalidate"])
async def test_ten_whose_token_failed_at_once_renew_it_once(
    workers: tuple[Platform, Platform], platform: PlatformServer, zhang: Citizen, trouble: str
) -> None:
    await workers[0].typing("o-zhang")
    getattr(platform.backend, trouble)()
    await asyncio.gather(*(workers[n % 2].typing("o-zhang") for n in range(10)))
    assert zhang.typing == 11
    assert platform.backend.fetches == ["stable", "stable"]


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_a_token_the_platform_refuses_but_hands_out_again_is_replaced_by_force(
    workers: tuple[Platform, Platform], platform: PlatformServer, zhang: Citizen, code: int
) -> None:
    platform.fail(SEND, code)
    await workers[0].send_text("o-zhang", "办好了")
    assert zhang.received == ["办好了"]
    assert platform.backend.fetches == ["stable", "stable", "forced"]
    assert len(platform.calls(SEND)) == 2


async def test_a_call_that_keeps_failing_for_its_token_is_tried_twice_and_ends(
    workers: tuple[Platform, Platform], platform: PlatformServer, zhang: Citizen
) -> None:
    platform.fail(SEND, 40001, times=1000)
    with pytest.raises(PlatformError) as failed:
        await workers[0].send_text("o-zhang", "办好了")
    assert failed.value.code == 40001
    assert len(platform.calls(SEND)) == 2
    assert len(platform.backend.fetches) == 3


async def test_force_is_used_once_however_many_calls_keep_failing(
    workers: tuple[Platform, Platform], platform: PlatformServer, zhang: Citizen
) -> None:
    platform.fail(SEND, 40001, times=1000)
    for n in range(6):
        with pytest.raises(PlatformError):
            await workers[n % 2].send_text("o-zhang", "办好了")
    assert platform.backend.fetches.count("forced") == 1


async def test_a_secret_that_is_wrong_is_one_error_for_all_who_wait_and_no_call(
    platform: PlatformServer, worker_cache: Callable[[], Cache], vault: Vault
) -> None:
    wrong = platform.account.model_copy(update={"secret": "f" * 32})
    mistaken = Platform(wrong, worker_cache(), vault, base=platform.base)
    failures = await asyncio.gather(*(mistaken.typing("o-zhang") for _ in range(5)), return_exceptions=True)
    assert {getattr(one, "code", None) for one in failures} == {40125}
    assert len(platform.calls("stable_token")) == 1
    assert platform.calls("message/custom/typing") == []
    await mistaken.close()


async def test_after_a_fetch_that_failed_the_next_call_fetches_again(
    workers: tuple[Platform, Platform], platform: PlatformServer, zhang: Citizen
) -> None:
    platform.fail("stable_token", -1)
    with pytest.raises(PlatformError):
        await workers[0].typing("o-zhang")
    await workers[1].typing("o-zhang")
    assert zhang.typing == 1


async def test_who_gives_up_waiting_does_not_end_the_fetch_for_the_others(
    workers: tuple[Platform, Platform], platform: PlatformServer, zhang: Citizen
) -> None:
    with platform.held("stable_token") as held:
        hasty, patient = (asyncio.create_task(workers[0].typing("o-zhang")) for _ in range(2))
        await asyncio.to_thread(platform.until, lambda: held.waiting == 1)
        hasty.cancel()
    await patient
    assert hasty.cancelled()
    assert zhang.typing == 1
    assert platform.backend.fetches == ["stable"]


async def test_a_token_is_given_up_a_minute_before_it_ends() -> None:
    cache = MemoryCache()
    lasts: list[int] = []
    remember = cache.set

    async def set(key: str, value: str, ttl: int) -> None:
        lasts.append(ttl)
        await remember(key, value, ttl)

    cache.set = set  # type: ignore[method-assign]
    lives = iter([7200, 30])
    vault = Vault([new_key()])

    async def fetch(force: bool) -> tuple[str, int]:
        return f"token {force}", next(lives)

    await Tokens("wx1", cache, vault, fetch).get()
    await Tokens("wx2", cache, vault, fetch).get()
    assert lasts == [7140, 1]


async def test_it_is_locked_wherever_it_is_kept(platform: PlatformServer, zhang: Citizen, vault: Vault) -> None:
    cache = MemoryCache()
    calls = Platform(platform.account, cache, vault, base=platform.base)
    await calls.typing("o-zhang")
    token = platform.calls("message/custom/typing")[-1].query["access_token"]
    assert cache._kept
    assert token not in str(cache._kept)
    await calls.close()


async def test_a_token_locked_with_a_key_that_is_gone_is_fetched_again(
    platform: PlatformServer, zhang: Citizen
) -> None:
    cache = MemoryCache()
    for _ in range(2):
        calls = Platform(platform.account, cache, Vault([new_key()]), base=platform.base)
        await calls.typing("o-zhang")
        await calls.close()
    assert platform.backend.fetches == ["stable", "stable"]


async def test_accounts_have_tokens_of_their_own() -> None:
    cache, vault = MemoryCache(), Vault([new_key()])

    def fetcher(name: str) -> Tokens:
        async def fetch(force: bool) -> tuple[str, int]:
            return f"{name}'s", 7200

        return Tokens(name, cache, vault, fetch)

    assert [await fetcher(name).get() for name in ("wx1", "wx2", "wx1")] == ["wx1's", "wx2's", "wx1's"]
