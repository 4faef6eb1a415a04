"""Rasa's client against a server that does everything wrong a server can do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot import rasa as module
from bot.conversation import TURN
from bot.dialogue import Dialogue, Turn
from bot.rasa import FAILURES, MOST, Rasa
from core.types import Act, Answer, Choice, Facet, GuideRef
from core.vault import Vault, new_key

TURN_SAID = Turn(
    (Answer(Act.CLARIFY, "哪个区？", (Facet.FEE,), choices=(Choice("guide:1:fee", "松风区", GuideRef(1, "a", "b", "c", "980102", 2)),)),),
    Dialogue("980100", 1, (Facet.FEE,)),
)  # fmt: skip
VAULT = Vault([new_key()])
GOOD = json.dumps([{"recipient_id": "x", "custom": {"turn": VAULT.lock(TURN.dump_json(TURN_SAID).decode())}}])
Writer = asyncio.StreamWriter


@dataclass
class Server:
    """Answers each request as `behave` does, over a bare socket so that it can misbehave."""

    behave: Callable[[Writer], Awaitable[None]]
    requests: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length")
                    ),
                    0,
                )
                self.requests.append((head, await reader.readexactly(length)))
                await self.behave(writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def replying(body: str, status: int = 200) -> Callable[[Writer], Awaitable[None]]:
    async def behave(writer: Writer) -> None:
        data = body.encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        await writer.drain()

    return behave


async def hanging(writer: Writer) -> None:
    await asyncio.sleep(5)


async def hanging_up(writer: Writer) -> None:
    writer.close()


async def dripping(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    site = Server(replying(GOOD))
    listening = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    yield site, f"http://127.0.0.1:{port}"
    listening.close()


@pytest.fixture
async def rasa(server: tuple[Server, str]) -> AsyncIterator[Rasa]:
    client = Rasa(server[1], "token-0001", VAULT, deadline=0.3)
    client.ready = True
    yield client
    await client.close()


async def ask(rasa: Rasa) -> Turn | None:
    return await rasa.turn("sender", "护照多少钱", Dialogue("980100"))


async def test_where_too_many_come_at_once_the_rest_is_not_asked_and_counts_as_no_failure(
    server: tuple[Server, str], rasa: Rasa
) -> None:
    async def slow(writer: Writer) -> None:
        await asyncio.sleep(0.1)
        await replying(GOOD)(writer)

    server[0].behave = slow
    turns = await asyncio.gather(*(ask(rasa) for _ in range(MOST + 5)))
    assert (turns.count(TURN_SAID), turns.count(None)) == (MOST, 5)
    assert await ask(rasa) == TURN_SAID


async def test_a_turn_comes_back_as_the_action_made_it(server: tuple[Server, str], rasa: Rasa) -> None:
    assert await ask(rasa) == TURN_SAID
    head, body = server[0].requests[0]
    assert b"POST /webhooks/bangban/webhook" in head
    assert b"Bearer token-0001" in head
    sent = json.loads(body)
    assert (sent["sender"], sent["message"]) == ("sender", "护照多少钱")
    assert Dialogue.load(sent["metadata"]["dialogue"]) == Dialogue("980100")


WRONG: dict[str, Callable[[Writer], Awaitable[None]]] = {
    "an empty list": replying("[]"),
    "malformed JSON": replying('[{"custom": {"tur'),
    "an object": replying('{"status": "failure"}'),
    "null": replying("null"),
    "a number": replying("7"),
    "words": replying('["turn", "custom"]'),
    "text without custom": replying('[{"recipient_id": "x", "text": "你好"}]'),
    "custom that is words": replying('[{"custom": "the turn"}]'),
    "custom that is a list": replying('[{"custom": ["turn"]}]'),
    "custom without a turn": replying('[{"custom": {"other": 1}}]'),
    "a turn of another shape": replying('[{"custom": {"turn": {"answers": 3}}}]'),
    "a turn that nobody locked": replying(json.dumps([{"custom": {"turn": TURN.dump_python(TURN_SAID, mode="json")}}])),
    "a turn of another key": replying(
        json.dumps([{"custom": {"turn": Vault([new_key()]).lock(TURN.dump_json(TURN_SAID).decode())}}])
    ),
    "a turn in Chinese": replying('[{"custom": {"turn": "一轮"}}]'),
    "a turn that is null": replying('[{"custom": {"turn": null}}]'),
    "a page": replying("<html>busy</html>"),
    "no text at all": replying(""),
    "an error": replying('{"reason": "x"}', 500),
    "a refusal": replying('{"reason": "x"}', 401),
    "a redirect": replying("", 302),
    "silence": hanging,
    "a lost connection": hanging_up,
    "a drip": dripping,
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_whatever_goes_wrong_there_is_no_turn_and_no_error_in_time(
    server: tuple[Server, str], rasa: Rasa, wrong: str
) -> None:
    server[0].behave = WRONG[wrong]
    began = time.monotonic()
    assert await ask(rasa) is None
    assert time.monotonic() - began < 2


async def test_a_dead_server_is_no_turn() -> None:
    client = Rasa("http://127.0.0.1:9", "t", VAULT, deadline=0.3)
    client.ready = True
    assert await ask(client) is None
    assert await client.loaded() is False
    await client.warm_up()
    await client.close()


async def test_nothing_is_sent_before_rasa_is_ready(server: tuple[Server, str], rasa: Rasa) -> None:
    rasa.ready = False
    assert await ask(rasa) is None
    assert server[0].requests == []


async def test_after_three_failures_rasa_is_left_alone_for_a_while(
    server: tuple[Server, str], rasa: Rasa, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE", 0.3)
    server[0].behave = replying("[]")
    for _ in range(FAILURES + 3):
        assert await ask(rasa) is None
    assert len(server[0].requests) == FAILURES
    server[0].behave = replying(GOOD)
    assert await ask(rasa) is None
    await asyncio.sleep(0.35)
    assert await ask(rasa) == TURN_SAID


async def test_a_success_between_failures_begins_the_count_anew(server: tuple[Server, str], rasa: Rasa) -> None:
    for body in ("[]", "[]", GOOD, "[]", "[]", GOOD):
        server[0].behave = replying(body)
        await ask(rasa)
    assert len(server[0].requests) == 6


async def test_rasa_counts_as_loaded_when_its_status_is_good(server: tuple[Server, str], rasa: Rasa) -> None:
    server[0].behave = replying("{}")
    assert await rasa.loaded()
    assert b"GET /status?token=token-0001" in server[0].requests[0][0]
    server[0].behave = replying("{}", 409)
    assert not await rasa.loaded()
    server[0].behave = hanging
    assert not await rasa.loaded()


async def test_messages_beside_the_turn_are_passed_over(server: tuple[Server, str], rasa: Rasa) -> None:
    messages: list[Any] = [None, {"text": "hm"}, *json.loads(GOOD)]
    server[0].behave = replying(json.dumps(messages))
    assert await ask(rasa) == TURN_SAID
