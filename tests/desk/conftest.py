"""A small town: two halls that take appointments and one guide that is booked at both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from core.clock import CHINA
from core.database import sessions
from core.vault import Vault, new_key
from desk.front import FrontDesk, Offer
from desk.halls import open_hall
from desk.models import SlotRow
from desk.people import Person
from desk.rules import Rules
from knowledge import publishing
from knowledge.hours import parse
from knowledge.schema import Booking, Department, Guide, Hall, Place

REGION = "980102"
EAST, WEST = "东门政务服务中心", "西门政务服务中心"
HOURS = "周一至周五：09:00-12:00，13:30-17:00（法定节假日除外）"
THURSDAY = datetime(2026, 10, 15, 0, 30, tzinfo=UTC)  # half past eight in China; an ordinary working day
ZHANG = Person("张伟", "13800138000")
LI = Person("李娜", "13900139000")


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment in China."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHINA)


@dataclass
class Watch:
    """A clock that tests set."""

    time: datetime = THURSDAY

    def __call__(self) -> datetime:
        return self.time

    @property
    def today(self) -> date:
        return self.time.astimezone(CHINA).date()

    @property
    def tomorrow(self) -> date:
        return self.today + timedelta(days=1)

    def pass_(self, **span: float) -> None:
        self.time += timedelta(**span)


def hall(name: str, **fields: Any) -> Hall:
    return Hall(name=name, region=REGION, address=f"{name}的地址", hours=parse(HOURS), **fields)


def guide(**fields: Any) -> Guide:
    """A guide booked at the 综合窗口 of both halls."""
    made: dict[str, Any] = {
        "name": "户口迁移",
        "local_code": "test-001",
        "region": REGION,
        "department": Department(name="公安局"),
        "booking": Booking(offered=True),
        "places": [Place(name=EAST, window="综合窗口"), Place(name=WEST, window="综合窗口")],
    }
    return Guide(**(made | fields))


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def vault() -> Vault:
    return Vault([new_key()])


@pytest.fixture
def writing(database: Engine) -> sessionmaker[Session]:
    """The town, on an empty database."""
    made = sessions(database, writing=True)
    with made.begin() as session:
        for name in (EAST, WEST):
            publishing.save_hall(session, hall(name))
            open_hall(session, REGION, name, Rules(capacity=2))
        publishing.publish(session, guide(), by="tests", at=THURSDAY)
    return made


@pytest.fixture
def reading(writing: sessionmaker[Session], database: Engine) -> sessionmaker[Session]:
    return sessions(database)


@pytest.fixture
def desk(reading: sessionmaker[Session], writing: sessionmaker[Session], vault: Vault, watch: Watch) -> FrontDesk:
    return FrontDesk(reading, writing, vault, now=watch)


@pytest.fixture
def offer(reading: sessionmaker[Session], desk: FrontDesk) -> Offer:
    """The guide with its two windows, the east one first."""
    with reading() as session:
        found = publishing.find(session, REGION, "test-001")
    assert found is not None
    made = desk.offer(found)
    assert made is not None
    return made


def rules(writing: sessionmaker[Session], name: str = EAST, **fields: Any) -> None:
    """Give a hall other rules."""
    with writing.begin() as session:
        open_hall(session, REGION, name, Rules(**fields))


def starts_of(row: SlotRow) -> datetime:
    """When a stored slot begins."""
    return at(row.day, *divmod(row.begins, 60))
