"""Two processes on PostgreSQL and Redis: what one learns, the other knows."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from benchmarks.console import PASSWORD, STAFF, Desk, approval, hire
from channels.house import House
from core import clock
from core.settings import Settings
from core.vault import new_key
from knowledge.publishing import publish, read
from tests.channels.conftest import Served, home
from tests.servers import postgresql, redis

WAITS = 15  # seconds; how long it takes is measured by `make bench`, not here
PHONE = "0000-5551234"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of a PostgreSQL and a Redis that end with this file."""
    folders = [tmp_path_factory.mktemp(name) for name in ("postgresql", "redis")]
    with postgresql(folders[0]) as database, redis(folders[1]) as cache:
        yield {
            "BANGBAN_DATABASE_URL": database,
            "BANGBAN_REDIS_URL": cache,
            "BANGBAN_RASA": "false",
            "BANGBAN_KEYS": new_key(),
        }


@pytest.fixture(scope="module")
def two(shared: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    """Both started at once, on an empty database."""
    served = [Served(home(tmp_path_factory.mktemp(name), city=False), **shared) for name in ("first", "second")]
    for one in served:
        one.wait("status", "ready", 180)
    yield served[0], served[1]
    for one in served:
        one.stop()


@pytest.fixture(scope="module")
def desks(two: tuple[Served, Served], shared: dict[str, str]) -> Iterator[list[Desk]]:
    """The editor and the reviewer, both at the first process."""
    hire(shared["BANGBAN_DATABASE_URL"])
    opened = [Desk(f"http://127.0.0.1:{two[0].port}", name, PASSWORD) for name in STAFF]
    yield opened
    for one in opened:
        one.close()


def test_a_conversation_goes_on_in_the_other_process(two: tuple[Served, Served]) -> None:
    first, second = two
    assert first.ask("护照怎么办", "session-both")["act"] == "answer"
    answer = second.ask("那要带什么", "session-both")
    assert answer["facets"] == ["materials"]
    assert "护照" in answer["guide"]["name"]  # type: ignore[index]


def test_a_retry_that_reaches_the_other_process_gets_the_same_reply(two: tuple[Served, Served]) -> None:
    body = {"session": "session-retry", "text": "居住证怎么办"}
    headers = {"Idempotency-Key": "key-of-replicas"}
    replies = [one.client.post("/api/chat", json=body, headers=headers).content for one in two]
    assert replies[0] == replies[1]


def test_an_edit_is_answered_by_every_process_without_a_restart(
    two: tuple[Served, Served], shared: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk = House(Settings(home=tmp_path_factory.mktemp("desk"), database_url=shared["BANGBAN_DATABASE_URL"]))
    desk.open_database()
    found = two[0].client.get("/api/search", params={"q": "养犬登记"}).json()["hits"][0]["guide"]["id"]
    with desk.reading() as session:
        before = read(session, found)
    assert before is not None
    with desk.writing.begin() as session:
        publish(session, before.guide.model_copy(update={"name": "小狗上户口办理"}), by="测试", at=clock.now())
    desk.engine.dispose()
    for one in two:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            hits = one.client.get("/api/search", params={"q": "小狗上户口办理"}).json()["hits"]
            if hits and hits[0]["guide"]["name"] == "小狗上户口办理":
                break
            time.sleep(0.05)
        else:
            pytest.fail("the edit never showed")
        assert one.ask("小狗上户口办理", "session-edited")["guide"]["version"] == before.version + 1  # type: ignore[index]


# -- the console --


def told(served: Served, text: str, wanted: str) -> dict[str, object]:
    """The first answer that holds what is wanted; each question begins a conversation of its own."""
    until = time.monotonic() + WAITS
    while time.monotonic() < until:
        answer = served.ask(text, f"tests-live-{time.monotonic_ns()}")
        if wanted in str(answer):
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{wanted} was never told: {answer}")


def test_a_corrected_number_is_answered_by_both_processes(two: tuple[Served, Served], desks: list[Desk]) -> None:
    question = "居民身份证丢失补领咨询电话"
    guide = two[0].ask(question)["guide"]
    approve = approval(*desks, guide["id"], **{"consult.phone": PHONE})  # type: ignore[index]
    assert PHONE not in str(two[1].ask(question, "tests-before"))
    approve()
    for served in two:
        answer = told(served, question, PHONE)
        assert answer["guide"]["version"] == guide["version"] + 1  # type: ignore[index]


def test_words_that_were_added_to_a_guide_find_it_at_the_other_process(
    two: tuple[Served, Served], desks: list[Desk]
) -> None:
    question = "霹雳无敌小卡片没影儿了"
    guide = two[0].ask("居民身份证丢失补领")["guide"]
    approval(*desks, guide["id"], questions=question)()  # type: ignore[index]
    assert told(two[1], question, "身份证")["guide"]["id"] == guide["id"]  # type: ignore[index]


def test_the_first_start_makes_one_administrator_for_both(two: tuple[Served, Served]) -> None:
    logs = [one.log.read_text("utf-8") for one in two]
    assert sum("bangban staff reset admin" in log for log in logs) == 1


def test_keeping_the_log_means_keeping_no_password(two: tuple[Served, Served]) -> None:
    """Where nobody reads the terminal, the password is not printed at all."""
    assert all("一次性密码：" not in one.log.read_text("utf-8") for one in two)
