"""Notices to citizens: delivered once, by whoever is there, as long as they are true."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from desk import days, outbox
from desk.appointments import Appointment
from desk.front import FrontDesk, Offer
from desk.models import OutboxRow
from desk.outbox import LEASE, RETRIES, Notice, Undeliverable
from desk.people import Person
from tests.desk.conftest import EAST, REGION, ZHANG, Watch, at, rules
from tests.desk.crowd import rush, somebody

Book = Callable[..., Appointment]


class Recorder:
    """A channel that keeps what it was given, and raises what it is told to."""

    def __init__(self, *raises: Exception) -> None:
        self.given: list[Notice] = []
        self._raises = list(raises)

    def __call__(self, notice: Notice) -> None:
        self.given.append(notice)
        if self._raises:
            raise self._raises.pop(0)

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(notice.kind, notice.appointment) for notice in self.given]


@pytest.fixture
def book(desk: FrontDesk, offer: Offer, watch: Watch) -> Book:
    """Books at the east hall for tomorrow at nine, with a reminder."""

    def made(
        person: Person = ZHANG, *, owner: str = "web:a", remind: bool = True, starts: datetime | None = None
    ) -> Appointment:
        when = starts or at(watch.tomorrow, 9)
        window = offer.windows[0].id
        return desk.book(offer.published.id, window, when, person, owner=owner, key=person.phone, remind=remind)

    return made


@pytest.fixture
def states(writing: sessionmaker[Session]) -> Callable[[], list[str]]:
    def read() -> list[str]:
        with writing() as session:
            return list(session.scalars(select(OutboxRow.state).order_by(OutboxRow.key)))

    return read


@pytest.fixture
def close(writing: sessionmaker[Session], watch: Watch) -> Callable[[Appointment], int]:
    def closed(made: Appointment) -> int:
        with writing.begin() as session:
            return days.set_hours(session, REGION, EAST, made.day, [], note="停电", by="staff", now=watch())

    return closed


def test_a_reminder_comes_the_day_before_at_five_and_once(book: Book, writing, watch: Watch) -> None:
    made, web = book(), Recorder()
    watch.time = at(watch.today, 16, 59)
    assert outbox.deliver(writing, {"web": web}, now=watch) == 0
    watch.pass_(minutes=1)
    assert outbox.deliver(writing, {"web": web}, now=watch) == 1
    watch.pass_(hours=3)
    assert outbox.deliver(writing, {"web": web}, now=watch) == 0
    assert web.told == [("remind", made.id)]


def test_nobody_is_reminded_who_did_not_wish_it(book: Book, states) -> None:
    book(remind=False)
    assert states() == []


def test_who_books_after_reminders_went_out_gets_none(book: Book, states, watch: Watch) -> None:
    book(starts=at(watch.today, 10))
    watch.time = at(watch.today, 17)
    book(Person("李娜", "13900139000"))
    assert states() == []


def test_a_cancelled_appointment_is_not_remembered(book: Book, desk, writing, states, watch: Watch) -> None:
    made, web = book(), Recorder()
    desk.cancel(made.id, by="web:a")
    watch.time = at(watch.today, 17)
    assert outbox.deliver(writing, {"web": web}, now=watch) == 0
    assert (web.given, states()) == ([], ["dropped"])


def test_a_moved_appointment_is_remembered_at_its_new_time_only(book: Book, desk, writing, watch: Watch) -> None:
    made, web = book(), Recorder()
    moved = desk.change(made.id, made.window, at(watch.today + timedelta(days=4), 9), by="web:a")
    watch.time = at(watch.today, 17)
    outbox.deliver(writing, {"web": web}, now=watch)
    assert web.given == []
    watch.time = at(moved.day, 17) - timedelta(days=1)
    outbox.deliver(writing, {"web": web}, now=watch)
    assert web.told == [("remind", made.id)]


def test_who_moves_away_and_back_is_reminded_once(book: Book, desk, writing, watch: Watch) -> None:
    made, web = book(), Recorder()
    desk.change(made.id, made.window, at(watch.tomorrow, 10), by="web:a")
    desk.change(made.id, made.window, made.starts, by="web:a")
    watch.time = at(watch.today, 17)
    outbox.deliver(writing, {"web": web}, now=watch)
    assert web.told == [("remind", made.id)]


def test_who_was_displaced_is_told_at_once_and_not_reminded(book: Book, close, writing, watch: Watch) -> None:
    made, web = book(), Recorder()
    close(made)
    outbox.deliver(writing, {"web": web}, now=watch)
    watch.time = at(watch.today, 17)
    outbox.deliver(writing, {"web": web}, now=watch)
    assert web.told == [("displaced", made.id)]


def test_who_chose_another_time_already_is_not_told(book: Book, desk, close, writing, watch: Watch) -> None:
    made, web = book(remind=False), Recorder()
    close(made)
    desk.change(made.id, made.window, at(watch.today, 10), by="web:a")
    assert outbox.deliver(writing, {"web": web}, now=watch) == 0
    assert web.given == []


def test_a_channel_that_fails_is_tried_again_less_and_less_often(book: Book, close, writing, states, watch) -> None:
    close(book(remind=False))
    web = Recorder(*(OSError() for _ in range(len(RETRIES) + 1)))
    for tries, pause in enumerate(RETRIES, 1):
        assert outbox.deliver(writing, {"web": web}, now=watch) == 0
        assert (len(web.given), states()) == (tries, ["waiting"])
        watch.pass_(seconds=pause - 1)
        outbox.deliver(writing, {"web": web}, now=watch)
        assert len(web.given) == tries
        watch.pass_(seconds=1)
    outbox.deliver(writing, {"web": web}, now=watch)
    assert states() == ["failed"]
    assert len({notice.key for notice in web.given}) == 1


def test_a_channel_that_comes_back_delivers(book: Book, close, writing, states, watch: Watch) -> None:
    close(book(remind=False))
    web = Recorder(OSError())
    outbox.deliver(writing, {"web": web}, now=watch)
    watch.pass_(seconds=RETRIES[0])
    assert outbox.deliver(writing, {"web": web}, now=watch) == 1
    assert states() == ["delivered"]


def test_what_can_never_be_delivered_is_not_tried_again(book: Book, close, writing, states, watch: Watch) -> None:
    close(book(remind=False))
    web = Recorder(Undeliverable())
    assert outbox.deliver(writing, {"web": web}, now=watch) == 0
    watch.pass_(days=1)
    outbox.deliver(writing, {"web": web}, now=watch)
    assert (len(web.given), states()) == (1, ["failed"])


def test_notices_of_channels_that_are_not_here_wait(book: Book, close, writing, states, watch: Watch) -> None:
    close(book(owner="wechat:a", remind=False))
    web, wechat = Recorder(), Recorder()
    assert outbox.deliver(writing, {"web": web}, now=watch) == 0
    assert outbox.deliver(writing, {}, now=watch) == 0
    assert states() == ["waiting"]
    assert outbox.deliver(writing, {"web": web, "wechat": wechat}, now=watch) == 1
    assert (web.given, len(wechat.given)) == ([], 1)


def test_one_channel_that_fails_keeps_no_other_from_delivering(book: Book, close, writing, watch: Watch) -> None:
    made = book(owner="wechat:a", remind=False)
    book(Person("李娜", "13900139000"), remind=False)
    close(made)
    web, wechat = Recorder(), Recorder(OSError())
    assert outbox.deliver(writing, {"web": web, "wechat": wechat}, now=watch) == 1


def test_nothing_is_handed_out_twice_while_its_lease_runs(book: Book, close, writing, watch: Watch) -> None:
    close(book(remind=False))
    other = Recorder()

    def slow(notice: Notice) -> None:
        watch.time += LEASE - timedelta(seconds=1)
        assert outbox.deliver(writing, {"web": other}, now=watch) == 0

    assert outbox.deliver(writing, {"web": slow}, now=watch) == 1
    assert other.given == []


def test_the_last_of_many_is_not_abandoned_while_the_first_are_delivered(book: Book, close, writing, watch) -> None:
    made = book(remind=False)
    book(Person("李娜", "13900139000"), remind=False)
    close(made)
    given, other = Recorder(), Recorder()

    def slow(notice: Notice) -> None:
        given(notice)
        watch.time += LEASE - timedelta(seconds=1)
        outbox.deliver(writing, {"web": other}, now=watch)

    outbox.deliver(writing, {"web": slow}, now=watch)
    assert sorted(notice.key for notice in given.given + other.given) == sorted(
        {notice.key for notice in given.given + other.given}
    )
    assert len(given.given + other.given) == 2


def test_a_delivery_that_outlives_its_lease_takes_nothing_back(book: Book, close, writing, states, watch) -> None:
    """The second deliverer has the same key, so the channel knows it; the first one's failure is no news then."""
    close(book(remind=False))
    other = Recorder()

    def hanging(notice: Notice) -> None:
        watch.time += LEASE
        assert outbox.deliver(writing, {"web": other}, now=watch) == 1
        raise OSError

    assert outbox.deliver(writing, {"web": hanging}, now=watch) == 0
    assert states() == ["delivered"]
    watch.pass_(days=1)
    assert outbox.deliver(writing, {"web": other}, now=watch) == 0
    assert len(other.given) == 1


@pytest.mark.parametrize("act", ["cancel", "change"])
def test_a_claim_left_behind_is_dropped_where_it_is_no_longer_true(act, book, desk, writing, states, watch) -> None:
    made = book(starts=at(watch.today + timedelta(days=4), 9))
    watch.time = at(made.day, 17) - timedelta(days=1)

    def crash(notice: Notice) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outbox.deliver(writing, {"web": crash}, now=watch)
    assert states() == ["claimed"]
    if act == "cancel":
        desk.cancel(made.id, by="web:a")
    else:
        desk.change(made.id, made.window, at(made.day, 10), by="web:a")
    watch.time += LEASE
    web = Recorder()
    assert outbox.deliver(writing, {"web": web}, now=watch) == 0
    assert (web.given, states()) == ([], ["dropped"])


def test_nobody_is_reminded_of_what_is_over(book: Book, writing, states, watch: Watch) -> None:
    made, web = book(), Recorder()
    watch.time = made.starts  # nobody delivered anything since yesterday
    assert outbox.deliver(writing, {"web": web}, now=watch) == 0
    assert (web.given, states()) == ([], ["dropped"])


def test_two_who_deliver_at_once_share_the_notices(book: Book, close, writing, watch: Watch) -> None:
    rules(writing, capacity=50)
    made = [book(somebody(n), owner=f"web:{n}", remind=False) for n in range(40)]
    close(made[0])
    web, lock = Recorder(), threading.Lock()

    def record(notice: Notice) -> None:
        with lock:
            web(notice)

    delivered = []
    assert rush(lambda _: delivered.append(outbox.deliver(writing, {"web": record}, now=watch)), range(2)) == {
        "done": 2
    }
    assert sum(delivered) == 40
    assert sorted(web.told) == sorted(("displaced", one.id) for one in made)


def test_an_inbox_is_emptied_by_what_was_seen(book: Book, desk, close, writing, watch: Watch) -> None:
    made = book(remind=False)
    close(made)
    assert desk.inbox("web:a") == ()  # not delivered yet
    outbox.deliver(writing, {"web": Recorder()}, now=watch)
    assert desk.inbox("web:b") == ()
    (notice,) = desk.inbox("web:a")
    assert (notice.kind, notice.appointment) == ("displaced", made.id)
    assert desk.inbox("web:a") == (notice,), "until it was seen"
    assert desk.inbox("web:b", [notice.key]) == ()
    assert desk.inbox("web:a", [notice.key]) == ()
    assert desk.inbox("web:a") == ()


def test_an_inbox_holds_nothing_that_is_no_longer_true(book: Book, desk, writing, watch: Watch) -> None:
    made = book()
    watch.time = at(watch.today, 17)
    outbox.deliver(writing, {"web": Recorder()}, now=watch)
    desk.cancel(made.id, by="web:a")
    assert desk.inbox("web:a") == ()
