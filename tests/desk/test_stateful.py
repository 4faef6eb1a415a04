"""Citizens, staff, time and keys do whatever they like, in any order, beside a plain model of what must come of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from core.clock import CHINA
from core.vault import Vault, new_key
from desk import appointments, days, outbox, upkeep
from desk.appointments import Appointment, Ended
from desk.front import FrontDesk, Offer
from desk.halls import open_hall
from desk.models import AppointmentEvent, AppointmentRow, ExceptionRow, OutboxRow, SlotRow
from desk.outbox import Notice
from desk.people import Person
from desk.places import SlotTaken
from desk.rules import Refused, Rules
from desk.status import HOLDING, OPEN, Status
from tests.desk.conftest import EAST, REGION, THURSDAY, WEST, Watch, starts_of

HOUR = timedelta(hours=1)
HALLS = (EAST, WEST)
PEOPLE = (
    Person("张伟", "13800138000"), Person("李娜", "13900139000"), Person("张伟", "13700137000", "11010119900307109X"),
    Person("李娜", "13600136000"), Person("张伟", "13500135000"), Person("李娜", "13300133000"),
)  # fmt: skip
WEEKLY = ((time(9), time(12)), (time(13, 30), time(17)))
LATE = ((time(9, 30), time(12)),)  # what is left of a day, with slots across the usual ones
STARTS = (time(9), time(10), time(9), time(10), time(14, 30), time(10, 30))  # the last one where a day begins late
RULES = {
    "slot": 60, "lead": 60, "cancel_until": 60, "horizon": 5, "open_limit": 3, "account_limit": 4, "daily_limit": 1,
    "no_shows": {"most": 2, "days": 20, "pause": 5}, "cancellations": {"most": 2, "days": 20, "pause": 5}, "keep": 25,
}  # fmt: skip
LAST = datetime(2026, 12, 1, tzinfo=CHINA)  # until then every weekday is worked

somewhere, which = st.integers(0, 1), st.integers(0, 50)
soon, starting = st.integers(0, 2), st.sampled_from(STARTS)
visits = st.tuples(st.integers(0, 5), st.integers(0, 3), somewhere, soon, starting, st.booleans())
crowds = st.lists(visits, min_size=2, max_size=8)


Visit = tuple[int, int, int, int, time, bool]


@dataclass
class Expected:
    """An appointment as it must be."""

    id: int
    number: str
    status: Status
    hall: int
    starts: datetime
    person: int
    owner: int
    remind: bool
    since: datetime  # when it came to this time
    ended: date | None = None
    length: timedelta = HOUR
    displaced: int = 0  # how often
    known: bool = True  # not erased yet

    @property
    def day(self) -> date:
        return self.starts.date()

    @property
    def ends(self) -> datetime:
        return self.starts + self.length

    @property
    def due(self) -> datetime:
        return datetime.combine(self.day - timedelta(days=1), time(17), CHINA)


@dataclass
class Town:
    """What the machine works on."""

    reading: sessionmaker[Session]
    writing: sessionmaker[Session]
    guide: int
    windows: tuple[str, ...]
    watch: Watch = field(default_factory=Watch)


class Desk(RuleBasedStateMachine):
    """The front desk and the model beside it."""

    def __init__(self, town: Town) -> None:
        super().__init__()
        self.town, self.watch = town, town.watch
        self.watch.time = THURSDAY
        self.keys = [new_key()]
        self.capacity = [2, 2]
        self.length = HOUR
        self.longest: dict[tuple[int, datetime], timedelta] = {}
        self.hours: dict[tuple[int, date], tuple[tuple[time, time], ...]] = {}
        self.made: list[Expected] = []
        self.requests: list[tuple[str, int, Person, int]] = []
        self.reminded: Counter[tuple[int, datetime]] = Counter()
        self.told: Counter[int] = Counter()
        with town.writing.begin() as session:
            for table in (OutboxRow, AppointmentEvent, AppointmentRow, SlotRow, ExceptionRow):
                session.execute(delete(table))
        self._set_rules()

    # -- what the model knows --

    @property
    def now(self) -> datetime:
        return self.watch.time.astimezone(CHINA)

    @property
    def desk(self) -> FrontDesk:
        return FrontDesk(self.town.reading, self.town.writing, self.vault, now=self.watch)

    @property
    def vault(self) -> Vault:
        return Vault(self.keys)

    def moment(self, day: int, clock: time) -> datetime:
        """That time on the `day`th working day from today on."""
        ahead = (self.now.date() + timedelta(days=n) for n in range(10))
        worked = [found for found in ahead if found.isoweekday() <= 5]
        return datetime.combine(worked[day], clock, CHINA)

    def is_slot(self, hall: int, starts: datetime) -> bool:
        """Whether the hall's hours of that day make a slot that begins then."""
        for opens, closes in self.hours.get((hall, starts.date()), WEEKLY):
            begins, end = (datetime.combine(starts.date(), clock, CHINA) for clock in (opens, closes))
            if begins <= starts and starts + self.length <= end and not (starts - begins) % self.length:
                return True
        return False

    def is_full(self, hall: int, starts: datetime) -> bool:
        """Whether as many as may have a place that reaches into that slot, each for as long as the longest beside it."""
        ends = starts + self.length
        beside = [
            one for one in self.made
            if one.status in HOLDING and one.hall == hall
            and one.starts < ends and one.starts + self.longest[hall, one.starts] > starts
        ]  # fmt: skip
        return len(beside) >= self.capacity[hall]

    def takes(self, hall: int, starts: datetime) -> None:
        """Remember how long the place lasts that is about to be taken."""
        held = any(one.status in HOLDING and (one.hall, one.starts) == (hall, starts) for one in self.made)
        before = self.longest[hall, starts] if held else self.length
        self.longest[hall, starts] = max(before, self.length)

    def is_blocked(self, person: int, owner: int) -> bool:
        """Whether that person did not come, or that account cancelled, too often lately."""
        missed = [one.day for one in self.made if one.known and one.person == person and one.status is Status.MISSED]
        cancelled = [
            one.ended
            for one in self.made
            if one.known and one.owner == owner and one.status is Status.CANCELLED and one.ended
        ]
        return any(
            sum(day - timedelta(days=20) < other <= day for other in failures) >= most
            and self.now.date() < day + timedelta(days=5)
            for failures, most in ((missed, 2), (cancelled, 2))
            for day in failures
        )

    def too_much(self, person: int, owner: int) -> bool:
        """Whether the person or the account has as much open as may be."""
        open_ = [one for one in self.made if one.status in OPEN and one.ends > self.now]
        return sum(one.person == person for one in open_) >= 3 or sum(one.owner == owner for one in open_) >= 4

    def has_that_day(self, person: int, day: date, apart_from: Expected | None = None) -> bool:
        """Whether the person has this item on that day."""
        return any(
            one.person == person and one.day == day and one.status in OPEN and one.ends > self.now
            for one in self.made
            if one is not apart_from
        )

    def objection(self, hall: int, starts: datetime) -> type[Exception] | None:
        """Why the slot itself cannot be had."""
        if starts - self.now < HOUR or not self.is_slot(hall, starts) or not self.capacity[hall]:
            return Refused
        return SlotTaken if self.is_full(hall, starts) else None

    # -- what citizens do --

    @initialize(crowd=crowds)
    def some_have_booked(self, crowd: list[Visit]) -> None:
        self.book(crowd)

    @rule(crowd=crowds)
    def book(self, crowd: list[Visit]) -> None:
        for visit in crowd:
            self._visit(*visit)

    def _visit(self, person: int, owner: int, hall: int, day: int, clock: time, remind: bool) -> None:
        starts = self.moment(day, clock)
        refused = self.objection(hall, starts)
        if self.is_blocked(person, owner) or self.too_much(person, owner) or self.has_that_day(person, starts.date()):
            refused = refused or Refused
        key = f"key {len(self.requests)}"
        with expecting(refused):
            made = self._book(key, owner, PEOPLE[person], hall, starts, remind)
        if refused:
            return
        assert (made.status, made.hall, made.starts) == (Status.BOOKED, HALLS[hall], starts)
        self.requests.append((key, owner, PEOPLE[person], made.id))
        self.takes(hall, starts)
        self.made.append(
            Expected(
                made.id, made.number, Status.BOOKED, hall, starts, person, owner, remind, self.now, length=self.length
            )
        )

    @precondition(lambda self: self.requests)
    @rule(which=which, hall=somewhere, day=soon, clock=starting)
    def book_again_with_the_same_key(self, which: int, hall: int, day: int, clock: time) -> None:
        key, owner, person, made = self.requests[which % len(self.requests)]
        if not next(one for one in self.made if one.id == made).known:
            return  # so long ago that whose key it was is erased, too
        assert self._book(key, owner, person, hall, self.moment(day, clock), False).id == made

    @precondition(lambda self: self.made)
    @rule(which=which, hall=somewhere, day=soon, clock=starting)
    def change(self, which: int, hall: int, day: int, clock: time) -> None:
        one, starts = self._one(which), self.moment(day, clock)
        same = one.status is Status.BOOKED and (one.hall, one.starts) == (hall, starts)
        refused: type[Exception] | None = None
        if not same:
            late = one.status is Status.BOOKED and one.starts - self.now < HOUR
            refused = (
                Ended if one.status not in OPEN else Refused if late else self._objection_to_moving(one, hall, starts)
            )
        with expecting(refused):
            self.desk.change(one.id, self.town.windows[hall], starts, by=f"web:{one.owner}")
        if not refused and not same:
            self.takes(hall, starts)
            one.status, one.hall, one.starts, one.since = Status.BOOKED, hall, starts, self.now
            one.length = self.length

    @precondition(lambda self: self.made)
    @rule(which=which)
    def cancel(self, which: int) -> None:
        one = self._one(which)
        refused: type[Exception] | None = None
        if one.status is Status.BOOKED and one.starts - self.now < HOUR:
            refused = Refused
        elif one.status not in (*OPEN, Status.CANCELLED, Status.GIVEN_UP):
            refused = Ended
        with expecting(refused):
            self.desk.cancel(one.id, by=f"web:{one.owner}")
        if not refused and one.status in OPEN:
            one.status = Status.CANCELLED if one.status is Status.BOOKED else Status.GIVEN_UP
            one.ended = self.now.date()

    # -- what staff do --

    @rule(hall=somewhere, day=soon, hours=st.sampled_from([LATE, (), LATE, WEEKLY[:1]]))
    def set_hours(self, hall: int, day: int, hours: tuple[tuple[time, time], ...]) -> None:
        when = self.moment(day, time(9)).date()
        stretches = [(f"{opens:%H:%M}", f"{closes:%H:%M}") for opens, closes in hours]
        with self.town.writing.begin() as session:
            displaced = days.set_hours(session, REGION, HALLS[hall], when, stretches, note="", by="staff", now=self.now)
        self.hours[hall, when] = hours
        concerned = self._outside(hall, when, hours)
        assert displaced == len(concerned)
        self._displaced(concerned)

    def _outside(self, hall: int, when: date, hours: tuple[tuple[time, time], ...]) -> list[Expected]:
        concerned = [
            one for one in self.made
            if one.status is Status.BOOKED and (one.hall, one.day) == (hall, when) and one.starts > self.now
            and not any(opens <= one.starts.time() and one.ends.time() <= closes for opens, closes in hours)
        ]  # fmt: skip
        return concerned

    def _displaced(self, concerned: list[Expected]) -> None:
        for one in concerned:
            one.status, one.displaced = Status.DISPLACED, one.displaced + 1

    @precondition(lambda self: self.hours)
    @rule(which=which)
    def give_the_usual_hours_back(self, which: int) -> None:
        hall, day = sorted(self.hours)[which % len(self.hours)]
        with self.town.writing.begin() as session:
            displaced = days.reset_hours(session, REGION, HALLS[hall], day, by="staff", now=self.now)
        del self.hours[hall, day]
        concerned = self._outside(hall, day, WEEKLY)
        assert displaced == len(concerned)
        self._displaced(concerned)

    @rule(hall=somewhere, capacity=st.sampled_from([1, 2, 3, 1, 2, 0]))
    def set_capacity(self, hall: int, capacity: int) -> None:
        self.capacity[hall] = capacity
        self._set_rules()

    @rule(minutes=st.sampled_from([60, 30]))
    def set_length(self, minutes: int) -> None:
        self.length = timedelta(minutes=minutes)
        self._set_rules()

    @precondition(lambda self: self.made)
    @rule(which=which, status=st.sampled_from([Status.ATTENDED, Status.MISSED]))
    def record(self, which: int, status: Status) -> None:
        today = self.now.date()
        come = [one for one in self.made if one.day <= today and one.status in HOLDING]
        one = come[which % len(come)] if come else self._one(which)
        refused: type[Exception] | None = None
        if one.status not in HOLDING:
            refused = Ended
        elif (status is Status.ATTENDED and one.day != today) or (
            status is Status.MISSED and one.status is not status and self.now < one.starts
        ):
            refused = Refused
        with expecting(refused), self.town.writing.begin() as session:
            appointments.end(session, one.number, status, by="staff", now=self.now)
        if not refused:
            one.status = status

    # -- what time does --

    @precondition(lambda self: self.now < LAST)
    @rule(hours=st.sampled_from([0.5, 1, 3, 9, 9, 24, 24, 24 * 20]))
    def wait(self, hours: float) -> None:
        self.watch.pass_(hours=hours)

    @rule()
    def tidy(self) -> None:
        self._lapse()
        self._erase()

    def _lapse(self) -> None:
        over = [one for one in self.made if one.status in OPEN and one.day < self.now.date()]
        with self.town.writing.begin() as session:
            assert upkeep.lapse(session, now=self.now) == len(over)
        for one in over:
            one.status = Status.LAPSED if one.status is Status.BOOKED else Status.GIVEN_UP

    def _erase(self) -> None:
        oldest = self.now.date() - timedelta(days=25)
        over = [one for one in self.made if one.known and one.status not in OPEN and one.day < oldest]
        with self.town.writing.begin() as session:
            assert upkeep.erase(session, now=self.now) == len(over)
        for one in over:
            one.known = False

    @rule(fails=st.sampled_from([False, False, True]))
    def deliver(self, fails: bool) -> None:
        def channel(notice: Notice) -> None:
            if fails:
                raise OSError
            self._received(notice)

        outbox.deliver(self.town.writing, {"web": channel}, now=self.watch)
        with self.town.reading() as session:
            due = (OutboxRow.state.in_(("waiting", "claimed")), OutboxRow.due_at <= self.now)
            assert not session.scalar(select(func.count()).where(*due))

    @rule(dropping=st.booleans())
    def rotate_keys(self, dropping: bool) -> None:
        self.keys = [new_key(), *self.keys][:3]
        if dropping or len(self.keys) == 3:
            assert upkeep.relock(self.town.writing, self.vault) == sum(one.known for one in self.made)
            self.keys = self.keys[:1]

    # -- what must always hold --

    @invariant()
    def every_appointment_is_what_it_must_be(self) -> None:
        with self.town.reading() as session:
            rows = {row.id: row for row in session.scalars(select(AppointmentRow))}
            assert rows.keys() == {one.id for one in self.made}
            for one in self.made:
                row = rows[one.id]
                assert (row.number, row.status, row.hall, row.starts_at.astimezone(CHINA)) == (
                    one.number, one.status, HALLS[one.hall], one.starts,
                )  # fmt: skip
                details = appointments.read_details(session, self.vault, one.id)
                assert (details.person if details else None) == (PEOPLE[one.person] if one.known else None)
                assert bool(row.owner and row.phone_mark) == one.known

    @invariant()
    def every_slot_counts_those_who_hold_a_place(self) -> None:
        held = Counter((self.town.windows[one.hall], one.starts) for one in self.made if one.status in HOLDING)
        with self.town.reading() as session:
            assert {
                (row.window, starts_of(row)): row.taken for row in session.scalars(select(SlotRow)) if row.taken
            } == held

    @invariant()
    def nobody_has_more_than_allowed(self) -> None:
        open_ = [one for one in self.made if one.status in OPEN and one.ends > self.now]
        assert max(Counter(one.person for one in open_).values(), default=0) <= 3
        assert max(Counter(one.owner for one in open_).values(), default=0) <= 4
        assert max(Counter((one.person, one.day) for one in open_).values(), default=0) <= 1

    @invariant()
    def everybody_displaced_has_one_notice_of_it(self) -> None:
        with self.town.reading() as session:
            rows = list(session.scalars(select(OutboxRow).where(OutboxRow.kind == "displaced")))
        assert Counter(row.appointment for row in rows) == {one.id: one.displaced for one in self.made if one.displaced}
        live = Counter(row.appointment for row in rows if row.state in ("waiting", "claimed"))
        for one in self.made:
            assert live[one.id] <= (one.status is Status.DISPLACED)

    @invariant()
    def every_reminder_wished_is_on_its_way_or_was_given(self) -> None:
        with self.town.reading() as session:
            states = {
                row.key: row.state for row in session.scalars(select(OutboxRow).where(OutboxRow.kind == "remind"))
            }
        for one in self.made:
            if one.status is Status.BOOKED and one.remind and one.since < one.due and one.starts > self.now:
                state = states[f"remind:{one.number}:{one.starts:%Y%m%d%H%M}"]
                assert state == "delivered" if self.reminded[one.id, one.starts] else state in ("waiting", "failed")

    # -- within --

    def _set_rules(self) -> None:
        with self.town.writing.begin() as session:
            for hall, capacity in zip(HALLS, self.capacity, strict=True):
                changed = {"capacity": capacity, "slot": self.length // timedelta(minutes=1)}
                open_hall(session, REGION, hall, Rules.model_validate(RULES | changed))

    def _book(self, key: str, owner: int, person: Person, hall: int, starts: datetime, remind: bool) -> Appointment:
        return self.desk.book(
            self.town.guide, self.town.windows[hall], starts, person, owner=f"web:{owner}", key=key, remind=remind
        )

    def _one(self, which: int) -> Expected:
        """One of the open ones, if there are any and the number is even; else one of all."""
        chosen = [one for one in self.made if one.status in OPEN and which % 2 == 0] or self.made
        return chosen[which // 2 % len(chosen)]

    def _objection_to_moving(self, one: Expected, hall: int, starts: datetime) -> type[Exception] | None:
        """The place it has itself counts until it is given back, so a slot across it may be full of itself."""
        if refused := self.objection(hall, starts):
            return refused
        return Refused if self.has_that_day(one.person, starts.date(), apart_from=one) else None

    def _received(self, notice: Notice) -> None:
        one = next(one for one in self.made if one.id == notice.appointment)
        assert notice.owner == f"web:{one.owner}"
        if notice.kind == "displaced":
            assert one.status is Status.DISPLACED
            self.told[one.id] += 1
            assert self.told[one.id] <= one.displaced
            return
        assert one.status is Status.BOOKED
        assert one.remind
        assert one.due <= self.now < one.starts
        self.reminded[one.id, one.starts] += 1
        assert self.reminded[one.id, one.starts] == 1


@contextmanager
def expecting(error: type[Exception] | None) -> Iterator[None]:
    """Exactly this error or a finer one; or none."""
    raised: Exception | None = None
    try:
        yield
    except Refused as refused:
        raised = refused
    assert isinstance(raised, error or type(None)), f"{error} was due, not {raised!r}"


@pytest.fixture
def town(reading: sessionmaker[Session], writing: sessionmaker[Session], offer: Offer) -> Town:
    return Town(reading, writing, offer.published.id, tuple(window.id for window in offer.windows))


def test_whatever_is_done_nothing_is_oversold_and_nothing_lost(town: Town) -> None:
    chosen = settings(
        max_examples=int(os.environ.get("EXAMPLES", "15")),  # some 20 s on PostgreSQL
        stateful_step_count=40,
        deadline=None,
        derandomize="CI" in os.environ,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(lambda: Desk(town), settings=chosen)
