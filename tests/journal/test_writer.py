from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from core.database import sessions
from journal import turns, writer
from journal.turns import Entry, Outcome
from journal.writer import Writer
from tests.journal.making import CITY, after, keep, turn


@pytest.fixture
def running(database: Engine) -> Iterator[Writer]:
    made = Writer(sessions(database, writing=True))
    made.start()
    yield made
    made.stop()


def kept(database: Engine) -> list[Entry]:
    with sessions(database)() as session:
        return list(reversed(turns.entries(session, regions=[CITY]).entries))


def test_what_is_put_is_kept_in_the_order_in_which_it_was_asked(running: Writer, database: Engine) -> None:
    running.put(turn("二", at=after(minutes=1)))
    running.put(turn("一"))
    assert running.flush()
    assert [one.asked for one in kept(database)] == ["一", "二"]


def test_stopping_writes_what_waits(database: Engine) -> None:
    stopped = Writer(sessions(database, writing=True))
    stopped.start()
    for _ in range(450):  # more than one transaction takes
        stopped.put(turn())
    stopped.stop()
    with sessions(database)() as session:
        assert turns.entries(session, regions=[CITY]).total == 450
    assert stopped.dropped == 0


def test_a_thumb_is_noted_with_its_comment_sealed(running: Writer, database: Engine) -> None:
    running.put(turn(key="k"))
    running.rate("k", "somebody", True)
    running.rate("k", "somebody", False, " 打 13800138000 没人接 ")
    assert running.flush()
    (one,) = kept(database)
    assert (one.useful, one.comment) == (False, "打 〔手机号〕 没人接")


def test_nobody_rates_the_turn_of_another(running: Writer, database: Engine) -> None:
    running.put(turn(key="k"))
    running.rate("k", "another", True)
    assert running.flush()
    assert kept(database)[0].useful is None


def test_a_thumb_waits_for_a_turn_that_another_process_still_holds(
    running: Writer, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "WAITS", (0.0,) * 1000)
    running.rate("k", "somebody", True)
    assert running.flush()
    with sessions(database, writing=True).begin() as session:
        keep(session, [turn(key="k")])
    assert running.flush()
    assert kept(database)[0].useful is True


def test_a_database_that_is_away_for_a_while_loses_nothing(
    running: Writer, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PAUSE", 0.01)
    tried, write = threading.Event(), Writer._write

    def failing(self: Writer, batch: list[Entry]) -> None:
        if tried.is_set():
            return write(self, batch)
        tried.set()
        raise OperationalError("insert", {}, Exception("away"))

    monkeypatch.setattr(Writer, "_write", failing)
    running.put(turn("还在"))
    assert running.flush()
    assert tried.is_set()
    assert [one.asked for one in kept(database)] == ["还在"]
    assert running.dropped == 0


def test_a_turn_written_twice_is_kept_once(running: Writer, database: Engine) -> None:
    one = turn()
    running.put(one)
    assert running.flush()
    running.put(one)
    assert running.flush()
    assert len(kept(database)) == 1


def test_what_the_database_refuses_takes_nothing_else_with_it(running: Writer, database: Engine) -> None:
    running.put(turn(guide="no number", sender=object()))
    running.put(turn("好的"))
    assert running.flush()
    assert [one.asked for one in kept(database)] == ["好的"]
    assert running.dropped == 1


def test_a_full_queue_loses_turns_and_counts_them(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "ROOM", 2)
    idle = Writer(sessions(database, writing=True))
    for _ in range(5):
        idle.put(turn())
    assert (idle.dropped, idle.waiting) == (3, 2)


R, C, A = Outcome.REFUSED, Outcome.CLARIFIED, Outcome.ANSWERED


@pytest.mark.parametrize(
    ("first", "second", "said_again"),
    [
        (turn("无人机在哪考证", R), turn("无人机驾驶证怎么考"), True),
        (turn("无人机在哪考证", R), turn("谢谢", Outcome.OTHER), False),
        (turn("无人机在哪考证", R), turn("无人机驾驶证怎么考", at=after(minutes=4)), False),
        (turn("无人机在哪考证", R), turn("无人机驾驶证怎么考", sender="another"), False),
        (turn("无人机在哪考证", R), turn("", chosen=True), False),
        (turn("身份证", C), turn("我的身份证掉了要补"), True),
        (turn("身份证", C), turn("第一个"), False),
        (turn("身份证", C), turn("居民身份证补领"), False),
        (turn("身份证丢了怎么办"), turn("身份证丢了要怎么办理", guide=8), True),
        (turn("身份证丢了怎么办"), turn("身份证丢了要怎么办理", R), True),
        (turn("身份证丢了怎么办"), turn("身份证丢了补办多少钱"), False),
        (turn("身份证丢了怎么办"), turn("小孩上学要什么材料", guide=8), False),
    ],
)
def test_who_says_it_again_was_not_helped_before(
    first: Entry, second: Entry, said_again: bool, running: Writer, database: Engine
) -> None:
    running.put(first)
    running.put(second)
    assert running.flush()
    assert {one.key: one.rephrased for one in kept(database)} == {first.key: said_again, second.key: False}
