"""Two processes on PostgreSQL: what a reviewer approves at one, citizens are told at the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.console import PASSWORD, STAFF, Desk, approval, hire
from core.vault import new_key
from tests.channels.conftest import Served, home

WAITS = 15  # seconds; how long it takes is measured by `make bench`, not here
PHONE = "0000-5551234"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    pgserver = pytest.importorskip("pgserver", reason="pgserver has no wheel for this platform")
    database = pgserver.get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    settings = {
        "BANGBAN_DATABASE_URL": database.get_uri(), "BANGBAN_RASA": "false", "BANGBAN_KEYS": new_key(),
        "BANGBAN_ENCODER": "none",
    }  # fmt: skip
    served = [Served(home(tmp_path_factory.mktemp(name), city=False), **settings) for name in ("first", "second")]
    for one in served:
        one.wait("status", "ready", 180)
    hire(database.get_uri())
    yield served[0], served[1]
    for one in served:
        one.stop()
    database.cleanup()


@pytest.fixture(scope="module")
def desks(two: tuple[Served, Served]) -> list[Desk]:
    """The editor and the reviewer, both at the first process."""
    return [Desk(f"http://127.0.0.1:{two[0].port}", name, PASSWORD) for name in STAFF]


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


def test_keeping_the_log_means_keeping_no_password(two: tuple[Served, Served], tmp_path: Path) -> None:
    """Where nobody reads the terminal, the password is not printed at all."""
    assert all("一次性密码：" not in one.log.read_text("utf-8") for one in two)
