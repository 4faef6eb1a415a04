"""Keys are changed, and the doctor tells when they or the calendar need somebody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from channels.doctor import HOLIDAYS_AHEAD, holidays
from channels.house import House
from core.settings import Settings
from core.vault import new_key
from desk.calendar import Calendar
from desk.front import FrontDesk
from knowledge import publishing
from tests.channels.command import call, run
from tests.channels.conftest import home
from tests.desk.conftest import LI, THURSDAY, ZHANG, at

OLD, NEW = new_key(), new_key()
Command = Callable[..., CompletedProcess[str]]


@dataclass
class City:
    """A demonstration city with two appointments, locked under OLD unless its home keeps a key."""

    home: Path

    def run(self, *arguments: str, keys: str = "", command: Command = call, **variables: str) -> tuple[int, str]:
        """Exit status and everything that was printed."""
        settings = {"BANGBAN_HOME": str(self.home), "BANGBAN_ENCODER": "none", "BANGBAN_KEYS": keys}
        done = command(*arguments, **settings, **variables)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    def book(self, *keys: str) -> None:
        home(self.home, at=THURSDAY)
        house = House(Settings(home=self.home, keys=list(keys), log_level="ERROR"))
        house.open_database()
        try:
            desk = FrontDesk(house.reading, house.writing, house.vault, now=lambda: THURSDAY)
            with house.reading() as session:
                offers = (desk.offer(one.id) for one in publishing.read_many(session, range(1, 500)).values())
                offer = next(one for one in offers if one and one.windows)
            friday = THURSDAY.date() + timedelta(days=1)
            for hour, person in ((10, ZHANG), (11, LI)):
                starts = at(friday, hour)
                desk.book(offer.published.id, offer.windows[0].id, starts, person, owner=f"web:{hour}", key="k")
        finally:
            house.engine.dispose()


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


# -- bangban keys --


def test_a_new_key_is_printed_alone_and_is_another_each_time(city: City) -> None:
    first, second = (city.run("keys", "new", command=command)[1].strip() for command in (run, call))
    assert first != second
    assert [len(key) for key in (first, second)] == [44, 44]
    assert list(city.home.iterdir()) == []


def test_after_rotating_the_old_key_can_be_left_out(city: City) -> None:
    city.book(OLD)
    status, told = city.run("doctor", keys=NEW)
    assert (status, "2 个预约的个人信息打不开" in told) == (1, True)
    status, told = city.run("keys", "rotate", keys=f"{NEW},{OLD}")
    assert (status, "重新锁好 2 个预约" in told) == (0, True)
    told = city.run("doctor", keys=NEW)[1]
    assert "打不开" not in told
    assert "好 密钥：由 BANGBAN_KEYS 设置" in told


def test_rotating_without_the_right_key_says_how_many_it_cannot_open(city: City) -> None:
    city.book(OLD)
    status, told = city.run("keys", "rotate", keys=NEW)
    assert status == 1
    assert "2 个预约的个人信息，哪一把密钥都打不开" in told
    assert "BANGBAN_KEYS 的最后" in told


def test_the_key_made_at_the_first_start_can_be_rotated_away(city: City) -> None:
    city.book()
    kept = (city.home / "secret.key").read_text()
    assert "重新锁好 2 个预约" in city.run("keys", "rotate", keys=f"{NEW},{kept}")[1]
    assert "打不开" not in city.run("doctor", keys=NEW)[1]


@pytest.mark.parametrize("command", [["keys", "rotate"], ["doctor"]])
def test_a_malformed_key_is_told_in_one_sentence(city: City, command: list[str]) -> None:
    city.book(OLD)
    status, told = city.run(*command, keys="secret")
    assert status == 1
    assert "BANGBAN_KEYS 不对" in told


# -- bangban doctor --


def test_a_key_on_one_machine_is_pointed_out_where_the_database_is_elsewhere(city: City) -> None:
    city.book()
    told = city.run("doctor")[1]
    assert "好 密钥：存在" in told
    elsewhere = f"sqlite:///{city.home / 'bangban.db'}"
    told = city.run("doctor", BANGBAN_DATABASE_URL=elsewhere)[1]
    assert "注意 密钥：只存在这台机器上" in told
    told = city.run("doctor", keys=OLD, BANGBAN_DATABASE_URL=elsewhere)[1]
    assert "只存在这台机器上" not in told


def test_the_doctor_makes_no_key(city: City) -> None:
    city.book()
    (city.home / "secret.key").unlink()
    status, told = city.run("doctor")
    assert (status, "2 个预约的个人信息打不开" in told) == (1, True)
    assert not (city.home / "secret.key").exists()


LAST = Calendar().announced_until(2026)


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (date(2026, 1, 1), "好"),
        (LAST - timedelta(days=HOLIDAYS_AHEAD), "好"),
        (LAST - timedelta(days=HOLIDAYS_AHEAD - 1), "注意"),
        (LAST, "注意"),
        (LAST + timedelta(days=1), "注意"),
        (LAST + timedelta(days=200), "注意"),
    ],
)
def test_holidays_that_are_not_entered_are_asked_for_before_the_year_begins(today: date, state: str) -> None:
    check = holidays(Calendar(), today)
    assert (check.state, check.name) == (state, "放假安排")
    if state == "注意":
        assert f"{LAST.year + 1} 年的放假安排还没有录入" in check.told
        assert check.remedy


def test_holidays_that_staff_entered_count() -> None:
    entered = Calendar(years=frozenset({LAST.year + 1}))
    assert holidays(entered, LAST).state == "好"


def test_the_doctor_looks_at_the_calendar_that_is_stored(city: City) -> None:
    city.book(OLD)
    assert "放假安排：" in city.run("doctor", keys=OLD)[1]


@pytest.mark.parametrize("arguments", [["keys"], ["keys", "--help"], ["keys", "rotate", "--help"]])
def test_the_key_commands_explain_themselves(city: City, arguments: list[str]) -> None:
    told = city.run(*arguments)[1]
    assert "密钥" in told
    assert list(city.home.iterdir()) == []
