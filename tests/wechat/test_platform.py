"""Calls to the platform: what is sent, what its errors become, and what they never tell."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest

from channels.wechat import platform as module
from channels.wechat.platform import LARGEST, THREADS, Platform, PlatformError
from core.cache import MemoryCache
from core.settings import Template
from core.vault import Vault
from tests.wechat.citizen import Citizen
from tests.wechat.platform_server import PATIENCE, PlatformServer

SEND = "message/custom/send"
REMIND = Template(id="remind-1", fields={"thing1": "item", "time2": "when"})
VALUES = {"thing1": "补办身份证", "time2": "2026年11月23日 09:00"}
BUTTON = {"type": "click", "name": "办事", "key": "hello"}

Call = Callable[[Platform], Any]
CALLS: dict[str, Call] = {
    SEND: lambda calls: calls.send_text("o-zhang", "办好了"),
    "message/custom/typing": lambda calls: calls.typing("o-zhang"),
    "message/template/send": lambda calls: calls.send_notice("o-zhang", REMIND, VALUES, url="", key="k"),
    "sns/oauth2/access_token": lambda calls: calls.openid_of("code-1"),
    "customservice/getonlinekflist": lambda calls: calls.online_staff(),
    "media/get": lambda calls: calls.recording("voice-1"),
    "menu/get": lambda calls: calls.menu(),
    "menu/create": lambda calls: calls.apply_menu({"button": [BUTTON]}),
    "stable_token": lambda calls: calls.typing("o-zhang"),
}
every_call = pytest.mark.parametrize("path", CALLS)


@pytest.fixture
async def calls(platform: PlatformServer, vault: Vault) -> AsyncIterator[Platform]:
    made = Platform(platform.account, MemoryCache(), vault, base=platform.base)
    yield made
    await made.close()


@pytest.fixture
async def impatient(platform: PlatformServer, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Platform]:
    """The same, which waits a quarter of a second for each call, and as long as it takes for all."""
    monkeypatch.setattr(module, "ALL", 10 * PATIENCE)
    made = Platform(platform.account, MemoryCache(), vault, base=platform.base, patience=0.25)
    yield made
    await made.close()


@pytest.fixture
def zhang(platform: PlatformServer) -> Citizen:
    """Somebody who just wrote."""
    citizen = platform.citizen()
    citizen.says("你好")
    return citizen


async def failing(call: Any) -> PlatformError:
    with pytest.raises(PlatformError) as failed:
        async with asyncio.timeout(PATIENCE):
            await call
    return failed.value


# -- what is sent --


async def test_a_text_arrives_as_it_was_written(calls: Platform, zhang: Citizen) -> None:
    text = '请看<a href="weixin://bizmsgmenu?msgmenucontent=继续&msgmenuid=more">继续</a>\n“好” & 𠮷 😀'
    await calls.send_text("o-zhang", text)
    assert zhang.received == [text]


async def test_texts_sent_at_once_reach_each_whom_they_are_for(calls: Platform, platform: PlatformServer) -> None:
    people = [platform.citizen(f"o-{n}") for n in range(3 * THREADS)]
    for one in people:
        one.says("你好")
    await asyncio.gather(*(calls.send_text(one.openid, f"给 {one.openid}") for one in people))
    assert [one.received for one in people] == [[f"给 {one.openid}"] for one in people]


async def test_typing_is_shown(calls: Platform, zhang: Citizen) -> None:
    await calls.typing("o-zhang")
    assert zhang.typing == 1


async def test_a_template_message_is_filled_field_by_field(calls: Platform, zhang: Citizen) -> None:
    await calls.send_notice("o-zhang", REMIND, VALUES, url="https://bangban.example/slip", key="remind:1")
    (notice,) = zhang.notices
    assert notice["template_id"] == "remind-1"
    assert notice["data"] == {"thing1": {"value": "补办身份证"}, "time2": {"value": "2026年11月23日 09:00"}}
    assert notice["url"] == "https://bangban.example/slip"


async def test_a_template_message_with_the_same_key_arrives_once(calls: Platform, zhang: Citizen) -> None:
    for key in ("remind:1", "remind:1", "remind:2", "remind:" + "9" * 200):
        await calls.send_notice("o-zhang", REMIND, VALUES, url="", key=key)
    assert len(zhang.notices) == 3


async def test_a_platform_that_says_it_was_sent_already_is_content(
    calls: Platform, platform: PlatformServer, zhang: Citizen
) -> None:
    platform.fail("message/template/send", 45065)
    await calls.send_notice("o-zhang", REMIND, VALUES, url="", key="remind:1")


async def test_a_subscription_message_goes_its_own_way(
    calls: Platform, platform: PlatformServer, zhang: Citizen
) -> None:
    subscribed = REMIND.model_copy(update={"sort": "subscribe"})
    await calls.send_notice("o-zhang", subscribed, VALUES, url="https://bangban.example/slip", key="remind:1")
    assert zhang.notices[0]["page"] == "https://bangban.example/slip"
    assert len(platform.calls("message/subscribe/bizsend")) == 1
    zhang.accepts = False
    failed = await failing(calls.send_notice("o-zhang", subscribed, VALUES, url="", key="remind:1"))
    assert (failed.code, failed.refused) == (43101, True)


async def test_a_code_of_the_sign_in_page_tells_who_it_is_once(calls: Platform, platform: PlatformServer) -> None:
    code = platform.backend.code("o-zhang")
    assert await calls.openid_of(code) == "o-zhang"
    assert (await failing(calls.openid_of(code))).code == 40163
    assert (await failing(calls.openid_of("no code"))).code == 40029
    assert "access_token" not in platform.calls("sns/oauth2/access_token")[0].query


async def test_staff_are_those_online(calls: Platform, platform: PlatformServer) -> None:
    assert await calls.online_staff() == ()
    platform.backend.staff = ["kf2001@gh_0123", "kf2002@gh_0123"]
    assert await calls.online_staff() == ("kf2001@gh_0123", "kf2002@gh_0123")


async def test_a_recording_comes_with_its_type(calls: Platform, platform: PlatformServer) -> None:
    platform.backend.media = {"voice-1": b"#!AMR\n\x00\xff", "long": bytes(LARGEST)}
    assert await calls.recording("voice-1") == (b"#!AMR\n\x00\xff", "audio/amr")
    assert len((await calls.recording("long"))[0]) == LARGEST


@pytest.mark.parametrize("content", [bytes(LARGEST + 1), b'{"video_url": "http://x"}'])
async def test_what_is_too_large_or_no_recording_is_an_error(
    calls: Platform, platform: PlatformServer, content: bytes
) -> None:
    platform.backend.media["voice-1"] = content
    assert (await failing(calls.recording("voice-1"))).code is None


async def test_a_menu_is_read_back_as_it_was_applied(calls: Platform) -> None:
    assert await calls.menu() is None
    await calls.apply_menu({"button": [BUTTON]})
    assert await calls.menu() == {"button": [BUTTON]}
    assert (await failing(calls.apply_menu({"button": [BUTTON] * 4}))).code == 40016


# -- errors --


@pytest.mark.parametrize(
    ("code", "forbidden", "refused"),
    [
        (-1, False, False),
        (40003, False, True),
        (43004, False, True),
        (43019, False, True),
        (45002, False, False),
        (45009, False, False),
        (45015, False, False),
        (45047, False, False),
        (48001, True, False),
        (48002, False, True),
    ],
)
async def test_an_error_says_what_it_means(
    calls: Platform, platform: PlatformServer, code: int, forbidden: bool, refused: bool
) -> None:
    platform.fail(SEND, code)
    failed = await failing(CALLS[SEND](calls))
    assert (failed.code, failed.forbidden, failed.refused) == (code, forbidden, refused)
    assert str(code) in str(failed)
    assert len(platform.calls(SEND)) == 1


async def test_the_platforms_own_limits_come_as_errors(
    calls: Platform, platform: PlatformServer, zhang: Citizen
) -> None:
    assert (await failing(calls.send_text("o-zhang", "字" * 683))).code == 45002
    for _ in range(5):
        await calls.send_text("o-zhang", "字" * 682)
    assert (await failing(CALLS[SEND](calls))).code == 45047
    platform.citizen("o-silent")
    assert (await failing(calls.send_text("o-silent", "您好"))).code == 45015
    zhang.leaves()
    assert (await failing(CALLS[SEND](calls))).code == 43004
    platform.backend.forbidden.add(SEND)
    assert (await failing(CALLS[SEND](calls))).code == 48001


GARBLED = ["<html>", "", "[]", "null", '{"errcode": "x"}', "[" * 100_000]


@every_call
@pytest.mark.parametrize("trouble", ["dropped", "502", "404"])
async def test_a_platform_that_is_broken_is_one_error(
    calls: Platform, platform: PlatformServer, path: str, trouble: str
) -> None:
    if trouble == "dropped":
        platform.drop(path)
    else:
        platform.garble(path, status=int(trouble), text='{"detail": "not here"}')
    assert (await failing(CALLS[path](calls))).code is None


@pytest.mark.parametrize("path", sorted(set(CALLS) - {"media/get"}))  # whatever it is, it may be a recording
@pytest.mark.parametrize("text", GARBLED, ids=range(len(GARBLED)))
async def test_what_is_no_answer_of_the_platform_is_the_same_error(
    calls: Platform, platform: PlatformServer, path: str, text: str
) -> None:
    platform.garble(path, status=200, text=text)
    assert (await failing(CALLS[path](calls))).code is None


@pytest.mark.parametrize("path", ["stable_token", "sns/oauth2/access_token", "customservice/getonlinekflist"])
async def test_an_answer_without_what_was_asked_for_is_an_error(
    calls: Platform, platform: PlatformServer, path: str
) -> None:
    platform.garble(path, status=200, text="{}")
    assert (await failing(CALLS[path](calls))).code is None


async def test_a_platform_nobody_reaches_is_an_error(platform: PlatformServer, vault: Vault) -> None:
    away = Platform(platform.account, MemoryCache(), vault, base="http://127.0.0.1:9")
    for path in (SEND, "sns/oauth2/access_token"):  # where the address holds the secret
        failed = await failing(CALLS[path](away))
        assert failed.code is None
        assert platform.account.secret not in str(failed)
    await away.close()


@every_call
async def test_no_call_waits_longer_than_its_patience(impatient: Platform, platform: PlatformServer, path: str) -> None:
    with platform.held(path) as held:
        failed = await failing(CALLS[path](impatient))
        assert held.waiting == 1
    assert failed.code is None


async def test_a_call_that_finds_no_free_thread_is_given_up(
    calls: Platform, platform: PlatformServer, zhang: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    await calls.typing("o-zhang")
    with platform.held(SEND) as held:
        slow = [asyncio.create_task(calls.send_text("o-zhang", str(n))) for n in range(THREADS)]
        await asyncio.to_thread(platform.until, lambda: held.waiting == THREADS)
        monkeypatch.setattr(module, "ALL", 0.25)
        assert (await failing(calls.typing("o-zhang"))).code is None
    await asyncio.gather(*slow, return_exceptions=True)
    assert zhang.typing == 1


async def test_an_answer_that_drips_is_given_up(impatient: Platform, platform: PlatformServer, vault: Vault) -> None:
    async def drip(_: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                out.write(b" ")
                await out.drain()
                await asyncio.sleep(0.02)

    dripping = await asyncio.start_server(drip, "127.0.0.1")
    address = f"http://127.0.0.1:{dripping.sockets[0].getsockname()[1]}"
    dripped = Platform(platform.account, MemoryCache(), vault, base=address, patience=0.25)
    assert (await failing(CALLS["menu/get"](dripped))).code is None
    await dripped.close()
    dripping.close()


async def test_a_slow_platform_holds_up_nobody_else(
    calls: Platform, platform: PlatformServer, zhang: Citizen, vault: Vault
) -> None:
    await calls.typing("o-zhang")
    with platform.held(SEND) as held:
        slow = [asyncio.create_task(calls.send_text("o-zhang", str(n))) for n in range(2 * THREADS)]
        await asyncio.to_thread(platform.until, lambda: held.waiting == THREADS)  # here the loop runs on
        other = Platform(platform.account, MemoryCache(), vault, base=platform.base)
        await other.typing("o-zhang")
        assert not any(task.done() for task in slow)
        held.release()
        outcomes = await asyncio.gather(*slow, return_exceptions=True)
    assert zhang.typing == 2
    assert outcomes.count(None) == 5
    await other.close()


async def test_calls_after_the_end_are_errors(platform: PlatformServer, vault: Vault) -> None:
    ended = Platform(platform.account, MemoryCache(), vault, base=platform.base)
    await ended.close()
    assert (await failing(CALLS[SEND](ended))).code is None


# -- secrets --


@every_call
@pytest.mark.parametrize("trouble", [45009, 40001, "drop", "garble", "slow"])
async def test_errors_and_logs_tell_no_secret_and_nobody(
    impatient: Platform,
    platform: PlatformServer,
    caplog: pytest.LogCaptureFixture,
    path: str,
    trouble: int | str,
) -> None:
    caplog.set_level("DEBUG")
    secret = platform.account.secret
    match trouble:
        case "drop":
            platform.drop(path, times=3)
        case "garble":
            platform.garble(path, times=3)
        case "slow":
            pass
        case code:
            platform.fail(path, int(code), times=3, why=f"for {secret} and {platform.account.aes_key}")
    if trouble == "slow":
        with platform.held(path):
            failed = await failing(CALLS[path](impatient))
    else:
        failed = await failing(CALLS[path](impatient))
    tokens = {one.query["access_token"] for one in platform.calls() if "access_token" in one.query}
    assert tokens or path in ("stable_token", "sns/oauth2/access_token")
    told = "".join(traceback.format_exception(failed)) + repr(failed) + caplog.text
    for hidden in (secret, platform.account.token, platform.account.aes_key, "o-zhang", *tokens):
        assert hidden not in told


async def test_a_token_repeated_by_the_platform_is_not_told(
    calls: Platform, platform: PlatformServer, zhang: Citizen
) -> None:
    await calls.typing("o-zhang")
    token = platform.calls("message/custom/typing")[-1].query["access_token"]
    platform.fail(SEND, 45009, why=f"token {token}")
    failed = await failing(CALLS[SEND](calls))
    assert token not in str(failed)
    assert "reach max api daily quota limit" in str(failed)
