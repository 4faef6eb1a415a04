"""Voice: the platform's recognition, else our own recogniser, else a request to type."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from aiohttp import web

from channels.wechat import speech
from channels.wechat.speech import transcribed
from channels.wechat.wording import say
from core.settings import Settings
from tests.wechat.talking import Talk, opened_account, talk

__all__ = ["opened_account", "talk"]  # fixtures

SOUND = b"#!AMR\n" + bytes(range(256))
LOST = "身份证丢了怎么补"


@dataclass
class Recogniser:
    """A recogniser as OpenAI's: what it was sent, and what it says."""

    url: str = ""
    says: bytes = json.dumps({"text": f" {LOST}。 "}).encode()
    status: int = 200
    silent: bool = False
    sent: list[dict[str, object]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        self.sent.append(
            {
                "name": file.filename,
                "sound": file.file.read(),
                "model": form["model"],
                "key": request.headers.get("Authorization"),
            }
        )
        if self.silent:
            await asyncio.Event().wait()
        return web.Response(body=self.says, status=self.status, headers={"Location": "/elsewhere"})

    async def elsewhere(self, request: web.Request) -> web.Response:
        self.sent.append({"path": request.path})
        return web.Response(body=self.says)


async def _open(recogniser: Recogniser) -> web.AppRunner:
    application = web.Application(client_max_size=4 * 2**20)
    application.router.add_post("/v1/audio/transcriptions", recogniser.answer)
    application.router.add_route("*", "/elsewhere", recogniser.elsewhere)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    recogniser.url = f"http://127.0.0.1:{port}/v1/audio/transcriptions"
    return runner


@pytest.fixture
async def recogniser() -> AsyncIterator[Recogniser]:
    made = Recogniser()
    runner = await _open(made)
    yield made
    await runner.cleanup()


@pytest.fixture
def made(recogniser: Recogniser, tmp_path: Path) -> Callable[..., Settings]:
    def made(**changes: str) -> Settings:
        return Settings(home=tmp_path, speech_url=recogniser.url).model_copy(update=changes)

    return made


# -- the recogniser --


async def test_a_recording_becomes_words(recogniser: Recogniser, made: Callable[..., Settings]) -> None:
    settings = made(speech_model="paraformer", speech_key="key-1")
    assert await transcribed(SOUND, "audio/amr", settings) == f"{LOST}。"
    assert recogniser.sent == [
        {"name": "voice.amr", "sound": SOUND, "model": "paraformer", "key": "Bearer key-1"}
    ]  # fmt: skip


async def test_a_recogniser_without_a_key_is_sent_none(recogniser: Recogniser, made: Callable[..., Settings]) -> None:
    assert await transcribed(SOUND, "audio/speex", made())
    assert (recogniser.sent[0]["key"], recogniser.sent[0]["name"]) == (None, "voice.speex")
    await transcribed(SOUND, "", made())
    assert recogniser.sent[1]["name"] == "voice.amr"


@pytest.mark.parametrize(
    "says",
    [b"", b"<html>", b"[]", b"{}", b'{"text": 1}', b"\xff\xfe", json.dumps({"text": "x" * speech.LONGEST}).encode()],
)
async def test_what_is_no_answer_is_no_words(
    recogniser: Recogniser, made: Callable[..., Settings], says: bytes
) -> None:
    recogniser.says = says
    assert await transcribed(SOUND, "audio/amr", made()) == ""


@pytest.mark.parametrize("status", [302, 401, 429, 500, 502])
async def test_a_failure_is_no_words_and_its_text_is_not_logged(
    recogniser: Recogniser, made: Callable[..., Settings], status: int
) -> None:
    recogniser.status = status
    with structlog.testing.capture_logs() as logged:
        assert await transcribed(SOUND, "audio/amr", made(speech_key="key-1")) == ""
    assert len(recogniser.sent) == 1, "no redirection is followed with the key"
    assert [one["event"] for one in logged] == ["speech.failed"]
    assert LOST not in str(logged)
    assert "key-1" not in str(logged)


async def test_a_silent_recogniser_is_not_waited_for(
    recogniser: Recogniser, made: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    recogniser.silent = True
    monkeypatch.setattr(speech, "SECONDS", 0.2)
    assert await transcribed(SOUND, "audio/amr", made()) == ""


async def test_nothing_is_asked_of_nobody_or_about_nothing(
    recogniser: Recogniser, made: Callable[..., Settings]
) -> None:
    assert await transcribed(SOUND, "audio/amr", made(speech_url="")) == ""
    assert await transcribed(b"", "audio/amr", made()) == ""
    assert await transcribed(b"x" * (speech.LARGEST + 1), "audio/amr", made()) == ""
    assert await transcribed(SOUND, "audio/amr", made(speech_url="http://127.0.0.1:1/")) == ""
    assert recogniser.sent == []


# -- in a conversation --


def test_what_the_platform_heard_is_said_and_answered(talk: Talk) -> None:
    told = talk.hears(talk.citizen.speaks(f"{LOST}。"))
    assert told.startswith(f"您说的是：{LOST}\n\n“居民身份证丢失补领”")
    assert "40元" in talk.hears(talk.citizen.speaks("要多少钱。"))


def test_what_is_personal_is_masked_when_it_is_said_back(talk: Talk) -> None:
    told = talk.hears(talk.citizen.speaks("我的手机号是13800138000，身份证丢了怎么补。"))
    assert told.startswith("您说的是：我的手机号是138******00，")
    assert "13800138000" not in told


def test_who_is_in_danger_is_told_whom_to_call_before_anything_else(talk: Talk) -> None:
    assert talk.hears(talk.citizen.speaks("我家着火了。")).startswith("请马上离开")


@pytest.mark.parametrize("heard", ["", "。", " 。"])
def test_without_words_the_citizen_is_asked_to_type(talk: Talk, heard: str) -> None:
    assert talk.hears(talk.citizen.speaks(heard)) == say("unheard")
    assert talk.platform.calls("media/get") == [], "nobody would listen to it"


@pytest.fixture
def listening(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recogniser]:
    """A recogniser of our own, on the application's loop."""
    recogniser = Recogniser()
    assert talk.client.portal
    runner = talk.client.portal.call(_open, recogniser)
    monkeypatch.setattr(talk.house.settings, "speech_url", recogniser.url)
    talk.platform.backend.media["voice-1"] = SOUND
    yield recogniser
    talk.client.portal.call(runner.cleanup)


def test_what_the_platform_did_not_hear_our_own_recogniser_does(talk: Talk, listening: Recogniser) -> None:
    told = talk.hears(talk.citizen.speaks())
    assert told.startswith(f"您说的是：{LOST}\n\n“居民身份证丢失补领”")
    assert [one["sound"] for one in listening.sent] == [SOUND]


def test_the_platforms_own_words_need_no_recogniser(talk: Talk, listening: Recogniser) -> None:
    talk.hears(talk.citizen.speaks(LOST))
    assert listening.sent == []


def test_where_nobody_understands_the_citizen_is_asked_to_type(talk: Talk, listening: Recogniser) -> None:
    listening.says = b'{"text": ""}'
    assert talk.hears(talk.citizen.speaks()) == say("unheard")
    talk.platform.backend.media.clear()
    assert talk.hears(talk.citizen.speaks()) == say("unheard"), "the recording is gone"


def test_danger_in_a_recording_is_heard_while_something_is_broken(
    talk: Talk, listening: Recogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(message: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(talk.house.conversation, "turn", broken)
    listening.says = json.dumps({"text": "我家着火了。"}).encode()
    assert "119" in talk.hears(talk.citizen.speaks())
