"""Booking under contention on both databases, and showing a month of many halls."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sqlalchemy import Engine, delete, func, insert, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from benchmarks.figures import Figure
from benchmarks.timing import clocked
from core import database
from core.clock import CHINA
from core.vault import Vault, new_key
from desk import places
from desk.front import FrontDesk
from desk.halls import Window, open_hall
from desk.models import AppointmentEvent, AppointmentRow, OutboxRow, SlotRow
from desk.people import Person
from desk.rules import Rules
from knowledge import migrating, publishing
from knowledge.hours import parse
from knowledge.schema import Booking, Department, Guide, Hall, Place

BOOKING, SHOWING = "Booking", "Showing free times"
NOW = datetime(2026, 10, 15, 0, 30, tzinfo=UTC)  # fixed, so that every run has the same holidays
FIRST, LAST = date(2026, 10, 16), date(2026, 11, 15)
REGION, EVERYWHERE, NEARBY = "980102", "bench-001", "bench-002"
HOURS = "周一至周五：09:00-12:00，13:30-17:00（法定节假日除外）"
HALLS = 50
PLACES = 500  # as many as rules allow: nobody is to be refused while bookings are timed
CLIENTS = (8, 32)
KEY = ("window", "day", "begins")  # of a slot
AIM = 50.0  # milliseconds, p95 of a month of fifty halls
BESIDE = "SELECT count, INSERT, nothing else"


@dataclass(frozen=True, slots=True)
class Town:
    """A database with a guide that is shown for fifty halls, and one that is booked in two of them."""

    engine: Engine
    reading: sessionmaker[Session]
    writing: sessionmaker[Session]
    desk: FrontDesk
    windows: tuple[Window, ...]
    guide: int


def measure(shared: Path, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Bookings a second on SQLite and, where pgserver is there, PostgreSQL; the month on both."""
    many, rounds = (64, 10) if quick else (320, 60)
    found: list[Figure] = []
    for name, opened in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        with TemporaryDirectory(prefix="bangban-bench-") as folder, opened(Path(folder)) as url:
            if url is None:
                say(f"{name} left out: pgserver is not installed")
                continue
            town = _town(url)
            for clients in CLIENTS:
                say(f"booking, {name}, {clients} clients")
                found += booking(name, town, clients, many)
            say(f"a month of {HALLS} halls, {name}")
            found += showing(name, town, rounds)
            town.engine.dispose()
    return found


def booking(name: str, town: Town, clients: int, many: int) -> list[Figure]:
    """Whole bookings against a naive count in the strictest transaction, at one slot and over many."""
    at_once, spread = _starts(1), _starts(60)
    found = []
    for where, starts in (("one slot", at_once), (f"{len(spread)} slots", spread)):
        _empty(town)
        naive = _Naive(town, starts)
        ours = _rate(partial(_book, town, starts), clients, many)
        theirs = _rate(naive.book, clients, many)
        _check(town, naive, many)
        title = f"{name}, {clients} clients, {where}"
        found.append(Figure(BOOKING, title, ours, "bookings/s", theirs, BESIDE, higher=True))
    return found


def showing(name: str, town: Town, rounds: int) -> list[Figure]:
    """A month at fifty halls at once, against hall by hall; in turn, on the same fill."""
    _fill(town)
    ours, theirs = [], []
    for _ in range(rounds):
        days, spent = clocked(_month, town.desk, town.windows)
        ours.append(spent)
        singly, spent = clocked(_hall_by_hall, town)
        theirs.append(spent)
        assert days == singly
    return [
        Figure(
            SHOWING,
            f"{name}, {HALLS} halls, {(LAST - FIRST).days + 1} days: p{p}",
            1000 * float(np.percentile(ours, p)),
            "ms",
            1000 * float(np.percentile(theirs, p)),
            "a look for each hall",
            aim=AIM if p == 95 else None,
        )
        for p in (50, 95)
    ]


class _Naive:
    """What is often done: count who has come, and if there is room, write one more down, in a table of its own.

    It keeps no personal data, checks no rule and writes no notice: less work than ours.
    """

    def __init__(self, town: Town, starts: Sequence[datetime]) -> None:
        self._starts = starts
        self._isolated = town.engine.dialect.name == "postgresql"
        self._writing = town.writing
        with town.writing.begin() as session:
            session.execute(text("DROP TABLE IF EXISTS naive"))
            session.execute(text("CREATE TABLE naive (starts_at TIMESTAMP NOT NULL)"))
            session.execute(text("CREATE INDEX ix_naive ON naive (starts_at)"))

    def book(self, number: int) -> None:
        """Until it goes through: of two that count at the same time, PostgreSQL turns one away."""
        while True:
            try:
                return self._try(self._starts[number % len(self._starts)])
            except OperationalError:
                continue

    def count(self) -> int:
        """How many were written down."""
        with self._writing() as session:
            return session.scalar(text("SELECT count(*) FROM naive")) or 0

    def _try(self, starts: datetime) -> None:
        with self._writing() as session:
            if self._isolated:
                session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
            given = {"starts": starts.astimezone(UTC).replace(tzinfo=None)}
            taken = session.scalar(text("SELECT count(*) FROM naive WHERE starts_at = :starts"), given) or 0
            if taken < 10 * PLACES:
                session.execute(text("INSERT INTO naive VALUES (:starts)"), given)
            session.commit()


def _book(town: Town, starts: Sequence[datetime], number: int) -> None:
    person = Person("张伟", f"138{number:08}")
    slot, hall = starts[number % len(starts)], number // PLACES  # a hall's slot holds five hundred
    window = town.windows[hall].id
    town.desk.book(town.guide, window, slot, person, owner=f"web:{number}", key="k", remind=True)


def _rate(work: Callable[[int], None], clients: int, many: int) -> float:
    """How often a second `work` was done by so many threads, each with numbers of its own."""
    numbers = itertools.count()
    together = threading.Barrier(clients + 1)

    def client(_: int) -> None:
        together.wait()
        while (number := next(numbers)) < many:
            work(number)

    with ThreadPoolExecutor(clients) as pool:
        ends = [pool.submit(client, n) for n in range(clients)]
        together.wait()
        began = time.perf_counter()
        for end in ends:
            end.result()
        return many / (time.perf_counter() - began)


def _check(town: Town, naive: _Naive, many: int) -> None:
    """That both did their work: a fast one that loses bookings is none."""
    with town.reading() as session:
        taken = session.scalar(select(func.sum(SlotRow.taken)))
        made = session.scalar(select(func.count()).select_from(AppointmentRow))
    if (taken, made, naive.count()) != (many, many, many):
        raise AssertionError(
            f"{many} were to be booked: {taken} places, {made} appointments, {naive.count()} naive ones"
        )


def _month(desk: FrontDesk, windows: Sequence[Window]) -> dict[str, list[tuple[int, str]]]:
    """What a month shows: what is free on each day at each window, or why it is closed."""
    found = desk.days(windows, FIRST, LAST)
    return {window: [(day.free, day.closed) for day in days] for window, days in found.items()}


def _hall_by_hall(town: Town) -> dict[str, list[tuple[int, str]]]:
    return {window: days for one in town.windows for window, days in _month(town.desk, [one]).items()}


def _starts(many: int) -> list[datetime]:
    """So many slots, from tomorrow on."""
    days = (FIRST + timedelta(days=n) for n in range(31))
    hours = (9, 10, 11, 14, 15, 16)
    worked = [day for day in days if day.isoweekday() <= 5]
    return [datetime(day.year, day.month, day.day, hour, tzinfo=CHINA) for day in worked for hour in hours][:many]


def _fill(town: Town) -> None:
    """As halls look: of this week's slots four in five have somebody, of the next week's two, later one."""
    _empty(town)
    weeks = (4, 2, 1, 1, 1)
    rows = [
        dict(zip(KEY, (at := places.Place(window.id, slot.starts, slot.ends)).key, strict=True))
        | {"minutes": at.minutes, "taken": 1 + (number + place) % 3}
        for number, window in enumerate(town.windows)
        for day in town.desk.days([window], FIRST, LAST)[window.id]
        for place, slot in enumerate(day.slots)
        if (number + place) % 5 < weeks[(day.day.day - FIRST).days // 7]
    ]
    with town.writing.begin() as session:
        session.execute(insert(SlotRow), rows)


def _empty(town: Town) -> None:
    with town.writing.begin() as session:
        for table in (OutboxRow, AppointmentEvent, AppointmentRow, SlotRow):
            session.execute(delete(table))


def _town(url: str) -> Town:
    engine = database.engine(url)
    migrating.upgrade(engine)
    reading, writing = database.sessions(engine), database.sessions(engine, writing=True)
    names = [f"第{number}政务服务中心" for number in range(1, HALLS + 1)]
    with writing.begin() as session:
        for name in names:
            publishing.save_hall(session, Hall(name=name, region=REGION, address=f"{name}的地址", hours=parse(HOURS)))
            open_hall(session, REGION, name, Rules(capacity=PLACES, horizon=25))
        for code, halls in ((EVERYWHERE, names), (NEARBY, names[:2])):
            publishing.publish(session, _guide(code, halls), by="benchmarks", at=NOW)
        shown, booked = (publishing.find(session, REGION, code) for code in (EVERYWHERE, NEARBY))
    desk = FrontDesk(reading, writing, Vault([new_key()]), now=lambda: NOW)
    assert shown is not None
    assert booked is not None
    offer = desk.offer(shown)
    assert offer is not None
    return Town(engine, reading, writing, desk, offer.windows, booked)


def _guide(code: str, halls: Sequence[str]) -> Guide:
    return Guide(
        name="户口迁移",
        local_code=code,
        region=REGION,
        department=Department(name="公安局"),
        booking=Booking(offered=True),
        places=[Place(name=name, window="综合窗口") for name in halls],
    )


@contextmanager
def _sqlite(folder: Path) -> Iterator[str | None]:
    yield f"sqlite:///{folder / 'bench.db'}"


@contextmanager
def _postgresql(folder: Path) -> Iterator[str | None]:
    try:
        import pgserver
    except ImportError:
        yield None
        return
    server = pgserver.get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
