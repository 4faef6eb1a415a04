"""What is owed, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from channels.wechat.letters import Incoming, Kind, Outgoing
from channels.wechat.owed import KEPT, LEASE, MOST, RECENT, Owed
from core.database import sessions
from core.vault import Vault, new_key
from tests.desk.conftest import Watch

VAULT = Vault([new_key()])


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def owed(database: Engine, watch: Watch) -> Owed:
    return Owed(sessions(database), sessions(database, writing=True), VAULT, now=watch)


def asked(key: str = "first", openid: str = "openid-of-one") -> Incoming:
    return Incoming(key, "wx0123456789", openid, "gh_0123456789", Kind.TEXT, text="身份证丢了怎么补")


ONE = asked()
ANSWER = Outgoing(("到松风区政务服务中心办。",))


def test_an_answer_that_was_kept_goes_out_once(owed: Owed) -> None:
    owed.keep(ONE.owner, "first", ANSWER)
    assert owed.take(ONE.owner, "second") == {"first": ANSWER}
    assert owed.take(ONE.owner, "third") == {}


def test_a_retry_of_the_callback_it_went_out_with_gets_it_again(owed: Owed) -> None:
    owed.keep(ONE.owner, "first", ANSWER)
    assert owed.take(ONE.owner, "second") == owed.take(ONE.owner, "second") == {"first": ANSWER}


def test_what_came_since_goes_out_with_the_next(owed: Owed) -> None:
    owed.keep(ONE.owner, "first", ANSWER)
    owed.take(ONE.owner, "second")
    late = Outgoing(("第二个答案",))
    owed.keep(ONE.owner, "second", late)
    assert owed.take(ONE.owner, "third") == {"second": late}


def test_several_come_in_the_order_in_which_they_were_asked(owed: Owed, watch: Watch) -> None:
    for name in ("b", "a"):
        owed.keep(ONE.owner, name, Outgoing((name,)))
        watch.pass_(seconds=1)
    assert list(owed.take(ONE.owner, "next")) == ["b", "a"]


def test_keeping_the_same_answer_twice_keeps_one(owed: Owed) -> None:
    owed.keep(ONE.owner, "first", ANSWER)
    owed.keep(ONE.owner, "first", ANSWER)
    assert owed.take(ONE.owner, "second") == {"first": ANSWER}


def test_nobody_gets_what_is_owed_to_somebody_else(owed: Owed) -> None:
    owed.keep(ONE.owner, "first", ANSWER)
    assert owed.take(asked(openid="openid-of-other").owner, "second") == {}


def test_a_message_being_worked_on_is_no_answer_yet(owed: Owed) -> None:
    owed.begin(ONE)
    assert owed.take(ONE.owner, "second") == {}
    owed.keep(ONE.owner, ONE.key, ANSWER)
    assert owed.take(ONE.owner, "second") == {"first": ANSWER}


def test_what_a_worker_left_behind_is_taken_up_by_one_other(owed: Owed, watch: Watch) -> None:
    owed.begin(ONE)
    assert owed.abandoned() == ()
    watch.pass_(seconds=LEASE.total_seconds())
    assert owed.abandoned() == (ONE,)
    assert owed.abandoned() == ()


def test_what_was_left_behind_is_taken_up_in_the_order_in_which_it_was_asked_and_not_all_at_once(
    owed: Owed, watch: Watch
) -> None:
    keys = [f"{(7 * n) % MOST:03}" for n in range(MOST)]
    for key in [*keys, "over"]:
        owed.begin(asked(key))
        watch.pass_(seconds=0.001)
    watch.pass_(seconds=LEASE.total_seconds())
    assert [one.key for one in owed.abandoned()] == keys
    assert [one.key for one in owed.abandoned()] == ["over"]


def test_what_was_delivered_or_kept_is_not_taken_up(owed: Owed, watch: Watch) -> None:
    for key in ("delivered", "kept"):
        owed.begin(asked(key))
    owed.settle("delivered")
    owed.keep(ONE.owner, "kept", ANSWER)
    watch.pass_(seconds=LEASE.total_seconds())
    assert owed.abandoned() == ()


def test_a_question_of_long_ago_is_not_answered_any_more(owed: Owed, watch: Watch) -> None:
    owed.begin(ONE)
    watch.pass_(seconds=RECENT.total_seconds())
    assert owed.abandoned() == ()
    watch.pass_(seconds=LEASE.total_seconds())
    assert owed.abandoned() == ()


def test_an_answer_is_not_kept_for_ever(owed: Owed, watch: Watch, database: Engine) -> None:
    owed.keep(ONE.owner, "first", ANSWER)
    owed.keep(ONE.owner, "reminder", ANSWER, until=watch.time + timedelta(hours=1))
    watch.pass_(hours=1)
    assert len(owed.take(ONE.owner, "second")) == 1
    watch.pass_(seconds=KEPT.total_seconds())
    owed.sweep()
    with sessions(database)() as session:
        assert session.execute(text("SELECT count(*) FROM wechat_owed")).scalar() == 0


def test_who_leaves_is_owed_nothing(owed: Owed) -> None:
    owed.begin(asked("working"))
    owed.keep(ONE.owner, "first", ANSWER)
    owed.forget(ONE.owner)
    assert owed.take(ONE.owner, "second") == {}


def test_neither_question_nor_openid_nor_answer_can_be_read_in_the_table(owed: Owed, database: Engine) -> None:
    owed.begin(ONE)
    owed.keep(ONE.owner, "second", ANSWER)
    with sessions(database)() as session:
        rows = str(session.execute(text("SELECT * FROM wechat_owed")).all())
    assert not [secret for secret in ("身份证", ONE.openid, "松风区") if secret in rows]


def test_what_no_key_opens_any_more_is_left_out(owed: Owed, database: Engine, watch: Watch) -> None:
    owed.keep(ONE.owner, "first", ANSWER)
    owed.begin(ONE)
    other = Owed(sessions(database), sessions(database, writing=True), Vault([new_key()]), now=watch)
    watch.pass_(seconds=LEASE.total_seconds())
    assert other.take(ONE.owner, "second") == {}
    assert other.abandoned() == ()
