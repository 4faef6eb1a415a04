"""`bangban serve` as it is run: two processes on PostgreSQL and Redis, one on SQLite; they are killed, and no answer is lost."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest
from redis import Redis

from channels.wechat.envelope import Envelope
from channels.wechat.letters import Incoming, Kind
from channels.wechat.wording import say
from core import clock
from core.vault import new_key
from tests.channels.conftest import Served, home
from tests.servers import postgresql, redis
from tests.wechat.citizen import ACCOUNT, Citizen, Letter
from tests.wechat.opened import post, told, until
from tests.wechat.platform_server import PlatformServer

STARTING = 180  # seconds
TAKEN_UP = 60  # seconds in which another process has looked, and its turn is made
LOST, FOUND = "居民身份证丢失补领怎么办", "居民身份证丢失补领"
SEND = "message/custom/send"
RECOGNISER = "v1/audio/transcriptions"  # of speech: while it is held, the turn of a voice message is slow


def configured(platform: PlatformServer) -> dict[str, str]:
    """The settings of the account."""
    own = {f"BANGBAN_WECHAT_{name.upper()}": getattr(ACCOUNT, name) for name in ("token", "aes_key", "appid", "secret")}
    base = {"BANGBAN_WECHAT_API_BASE": platform.base, "BANGBAN_SPEECH_URL": f"{platform.base}/{RECOGNISER}"}
    return own | base | {"BANGBAN_RASA": "false", "BANGBAN_ENCODER": "none"}


def dies(served: Served) -> None:
    """Ends without a word."""
    served.process.kill()
    served.process.wait(30)


def stderr(*served: Served) -> str:
    return "".join(one.log.read_text("utf-8") for one in served)


@dataclass
class Pair:
    """Two processes on one database and one Redis."""

    first: Served
    second: Served
    database: str
    redis: Redis
    pool: ThreadPoolExecutor = field(default_factory=ThreadPoolExecutor)

    def tries(self, served: Served, letter: Letter) -> Future[httpx.Response]:
        """One try of the platform, which waits for the answer elsewhere."""
        return self.pool.submit(post, served.client, letter)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody reads or writes what is owed: every turn waits."""
        with psycopg.connect(self.database) as holder:
            holder.execute("LOCK TABLE wechat_owed IN ACCESS EXCLUSIVE MODE")
            yield
            holder.rollback()

    def asks(self, query: str) -> Any:
        with psycopg.connect(self.database, autocommit=True) as connection:
            done = connection.execute(query)  # type: ignore[arg-type]
            return done.fetchone() if done.description else None


@pytest.fixture(scope="module")
def both(running_platform: PlatformServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folders = [tmp_path_factory.mktemp(name) for name in ("postgresql", "redis")]
    with postgresql(folders[0]) as database, redis(folders[1]) as cache, ExitStack() as running:
        variables = {"BANGBAN_DATABASE_URL": database, "BANGBAN_REDIS_URL": cache, "BANGBAN_KEYS": new_key()}
        served = []
        for name in ("first", "second"):
            made = Served(home(tmp_path_factory.mktemp(name), city=False), **configured(running_platform), **variables)
            running.callback(made.stop)
            made.wait("status", "ready", STARTING)
            served.append(made)
        with closing(Redis.from_url(cache, decode_responses=True)) as client:
            yield Pair(served[0], served[1], database, client)


@pytest.fixture
def pair(both: Pair, platform: PlatformServer) -> Pair:
    """Both live, and remember nobody."""
    for one in (both.first, both.second):
        if one.process.poll() is not None:
            one.start()
            one.wait("status", "ready", STARTING)
    both.redis.flushall()
    both.asks("DELETE FROM wechat_owed")
    return both


@pytest.fixture
def zhang(platform: PlatformServer) -> Citizen:
    """Who asks what LOST asks, when they speak."""
    platform.backend.media["voice-1"] = b"#!AMR"
    platform.garble(RECOGNISER, status=200, text=json.dumps({"text": LOST}), times=20)
    return platform.citizen("o-zhang_6cH31")


def key(letter: Letter) -> str:
    """The message's name in the shared memory."""
    sealed = letter.sealed()
    incoming = Envelope(ACCOUNT, window=300, now=clock.now).open(sealed.body, sealed.params)
    assert incoming
    return incoming.key


def sender(citizen: Citizen) -> str:
    return Incoming("", ACCOUNT.appid, citizen.openid, "", Kind.TEXT).sender


# -- two processes --


def test_tries_that_reach_both_processes_make_one_turn_and_get_one_answer(
    pair: Pair, zhang: Citizen, platform: PlatformServer
) -> None:
    letter = zhang.speaks()
    with platform.held(RECOGNISER) as held:
        tries = [pair.tries(pair.first, letter)]
        platform.until(lambda: held.waiting)
        tries += [pair.tries(pair.second, letter), pair.tries(pair.first, letter)]
        until(lambda: pair.redis.get(f"bangban:wechat:tries:{key(letter)}") == "3")
    answers = {told(zhang, one.result()) for one in tries} | {told(zhang, post(pair.second.client, letter))}
    assert len(answers) == 1
    assert FOUND in answers.pop()
    assert len(platform.calls(RECOGNISER)) == 1
    assert platform.calls(SEND) == []


def test_messages_are_answered_in_their_order_whichever_process_they_reach(
    pair: Pair, zhang: Citizen, platform: PlatformServer
) -> None:
    with platform.held(RECOGNISER) as held:
        asked = pair.tries(pair.first, zhang.speaks())
        platform.until(lambda: held.waiting)
        further = pair.tries(pair.second, zhang.says("要带什么"))
        until(lambda: pair.redis.llen(f"bangban:wechat:line:{sender(zhang)}") == 2)
    assert "一共 4 步" in told(zhang, asked.result())
    assert "登记表" in told(zhang, further.result())


def test_when_a_process_is_killed_in_the_middle_of_a_turn_the_next_try_is_answered_by_the_other(
    pair: Pair, zhang: Citizen, platform: PlatformServer
) -> None:
    letter = zhang.speaks()
    with platform.held(RECOGNISER) as held:
        lost = pair.tries(pair.first, letter)
        platform.until(lambda: held.waiting)
        dies(pair.first)
        with pytest.raises(httpx.TransportError):
            lost.result()
    # The dead one counts as alive for some seconds: what is late by that is sent.
    answer = told(zhang, post(pair.second.client, letter))
    if not answer:
        platform.until(lambda: zhang.received)
        (answer,) = zhang.received
    assert FOUND in answer
    assert "登记表" in told(zhang, post(pair.second.client, zhang.says("要带什么")))


def test_when_a_process_is_killed_after_it_acknowledged_the_other_sends_the_answer_once(
    pair: Pair, zhang: Citizen, platform: PlatformServer
) -> None:
    with platform.held(RECOGNISER):
        assert post(pair.first.client, zhang.speaks()).text == "success"
        platform.until(lambda: zhang.typing)
        dies(pair.first)
    assert pair.asks("SELECT count(*) FROM wechat_owed WHERE lease_at > now()") == (1,)
    pair.asks("UPDATE wechat_owed SET lease_at = now()")  # as if a minute had passed
    platform.until(lambda: zhang.received, TAKEN_UP)
    until(lambda: pair.asks("SELECT count(*) FROM wechat_owed") == (0,))
    pair.first.start()
    pair.first.wait("status", "ready", STARTING)
    assert FOUND not in told(zhang, post(pair.first.client, zhang.says("谢谢")))
    (answer,) = zhang.received
    assert FOUND in answer


def test_an_answer_kept_by_one_process_comes_with_the_next_message_to_the_other(
    pair: Pair, zhang: Citizen, platform: PlatformServer
) -> None:
    platform.fail(SEND, 45015)
    with platform.held(RECOGNISER):
        assert post(pair.first.client, zhang.speaks()).text == "success"
    until(lambda: pair.asks("SELECT count(*) FROM wechat_owed WHERE reply IS NOT NULL") == (1,))
    dies(pair.first)
    answer = told(zhang, post(pair.second.client, zhang.says("谢谢")))
    assert answer.startswith(say("owed"))
    assert FOUND in answer
    assert FOUND not in told(zhang, post(pair.second.client, zhang.says("谢谢")))
    assert zhang.received == []


def test_while_the_database_is_locked_each_callback_is_acknowledged_and_answered_afterwards(
    pair: Pair, zhang: Citizen, platform: PlatformServer
) -> None:
    with pair.locked():
        tries = [pair.tries(one, letter) for letter in [zhang.says(LOST)] for one in (pair.first, pair.second)]
        assert {one.result().text for one in tries} == {"success"}
        assert {one.client.get("/healthz").status_code for one in (pair.first, pair.second)} == {200}
    platform.until(lambda: zhang.received)
    until(lambda: pair.asks("SELECT count(*) FROM wechat_owed") == (0,))
    (answer,) = zhang.received
    assert FOUND in answer


def test_one_token_serves_both_processes(pair: Pair, zhang: Citizen, platform: PlatformServer) -> None:
    citizens = [platform.citizen(f"o-waiting-{n}") for n in range(4)]
    with platform.held(RECOGNISER):
        tries = [pair.tries((pair.first, pair.second)[n % 2], one.speaks()) for n, one in enumerate(citizens)]
        assert {one.result().text for one in tries} == {"success"}
    platform.until(lambda: all(one.received for one in citizens))
    assert len(platform.calls("stable_token")) == 1


def test_their_logs_tell_of_requests_and_senders_and_of_nothing_private(pair: Pair, zhang: Citizen) -> None:
    for one in (pair.first, pair.second):
        assert told(zhang, post(one.client, zhang.says(LOST)))
        assert post(one.client, zhang.says(LOST), msg_signature="x").status_code == 403
    written = stderr(pair.first, pair.second)
    assert sender(zhang) in written
    assert '"request_id"' in written
    assert "wechat.refused" in written
    private = [ACCOUNT.token, ACCOUNT.aes_key, ACCOUNT.secret, zhang.openid, "丢失", "o-waiting", "Traceback"]
    assert not [one for one in private if one in written]


# -- one process, as it is out of the box --


@dataclass
class Alone:
    """One process on SQLite, without Redis."""

    served: Served

    def asks(self, query: str) -> Any:
        with closing(sqlite3.connect(self.served.folder / "bangban.db", timeout=10)) as connection, connection:
            return connection.execute(query).fetchone()

    def again(self) -> None:
        self.served.start()
        self.served.wait("status", "ready", STARTING)


@pytest.fixture(scope="module")
def one(running_platform: PlatformServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    served = Served(home(tmp_path_factory.mktemp("alone")), **configured(running_platform))
    try:
        served.wait("status", "ready", STARTING)
        yield Alone(served)
    finally:
        served.stop()


@pytest.fixture
def alone(one: Alone, zhang: Citizen) -> Alone:
    """It lives, and nothing is owed."""
    if one.served.process.poll() is not None:
        one.again()
    one.asks("DELETE FROM wechat_owed")
    return one


@pytest.mark.parametrize("ends", [dies, Served.stop], ids=["killed", "stopped"])
def test_an_answer_that_could_not_be_sent_outlives_the_process(
    alone: Alone, zhang: Citizen, platform: PlatformServer, ends: Callable[[Served], None]
) -> None:
    platform.fail(SEND, 45015)
    with platform.held(RECOGNISER) as held:
        assert post(alone.served.client, zhang.speaks()).text == "success"
        held.release()
        until(lambda: alone.asks("SELECT count(*) FROM wechat_owed WHERE reply IS NOT NULL") == (1,))
    ends(alone.served)
    alone.again()
    next_ = zhang.says("谢谢")
    for _ in range(2):  # a retry gets it again
        answer = told(zhang, post(alone.served.client, next_))
        assert answer.startswith(say("owed"))
        assert FOUND in answer
    assert FOUND not in told(zhang, post(alone.served.client, zhang.says("谢谢")))
    assert zhang.received == []


def test_a_question_that_was_acknowledged_is_answered_after_the_process_was_killed(
    alone: Alone, zhang: Citizen, platform: PlatformServer
) -> None:
    with platform.held(RECOGNISER):
        assert post(alone.served.client, zhang.speaks()).text == "success"
        until(lambda: alone.asks("SELECT count(*) FROM wechat_owed WHERE incoming IS NOT NULL") == (1,))
        dies(alone.served)
    alone.asks("UPDATE wechat_owed SET lease_at = '2026-01-01 00:00:00.000000'")  # as if a minute had passed
    alone.again()
    platform.until(lambda: zhang.received, TAKEN_UP)
    until(lambda: alone.asks("SELECT count(*) FROM wechat_owed") == (0,))
    (answer,) = zhang.received
    assert FOUND in answer


def test_what_is_kept_of_a_citizen_is_locked_in_the_database(
    alone: Alone, zhang: Citizen, platform: PlatformServer
) -> None:
    platform.fail(SEND, 45015)
    with platform.held(RECOGNISER) as held:
        assert post(alone.served.client, zhang.speaks()).text == "success"
        until(lambda: alone.asks("SELECT count(*) FROM wechat_owed") == (1,))
        during = _stored(alone)
        held.release()
        until(lambda: alone.asks("SELECT count(*) FROM wechat_owed WHERE reply IS NOT NULL") == (1,))
    for stored in (during, _stored(alone), stderr(alone.served).encode()):
        for private in (zhang.openid, FOUND, "voice-1", ACCOUNT.secret, ACCOUNT.token):
            assert private.encode() not in stored
    assert FOUND in told(zhang, post(alone.served.client, zhang.says("谢谢")))


def _stored(alone: Alone) -> bytes:
    """All that the table of what is owed holds."""
    with closing(sqlite3.connect(alone.served.folder / "bangban.db", timeout=10)) as connection:
        rows = connection.execute("SELECT * FROM wechat_owed").fetchall()
    assert rows
    return repr(rows).encode()
