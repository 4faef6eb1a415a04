"""A notice is told while it is true."""

from __future__ import annotations

import pytest

from bot import notices
from core.types import Answer
from desk import outbox
from desk.appointments import Appointment
from desk.outbox import Notice
from desk.people import Person
from tests.bot.conftest import LINES, Halls
from tests.bot.test_booking import FRIDAY, LOST, MONDAY, SONGFENG
from tests.desk.conftest import at

OWNER = "web:tests"


@pytest.fixture
def made(halls: Halls) -> Appointment:
    """An appointment on Monday, with a reminder."""
    offer = halls.offer(LOST)
    window = next(one for one in offer.windows if one.hall.name == SONGFENG)
    person = Person("张伟", "13800138000")
    return halls.desk.book(offer.published.id, window.id, at(MONDAY, 10), person, owner=OWNER, key="k", remind=True)


def told(halls: Halls) -> list[Answer | None]:
    """What is delivered by now, in words."""
    outbox.deliver(halls.city.writing, {"web": lambda notice: None}, now=halls.watch)
    return [notices.told(halls.desk, notice, LINES) for notice in halls.desk.inbox(OWNER)]


def test_the_day_before_one_is_reminded_of_what_to_bring(halls: Halls, made: Appointment) -> None:
    halls.watch.pass_(days=3, hours=9)
    (answer,) = told(halls)
    assert answer
    assert "明天（10月19日，周一）上午10:00" in answer.text
    assert SONGFENG in answer.text
    assert "带什么：" in answer.text
    assert made.number in answer.text
    assert "张" not in answer.text
    assert [choice.id for choice in answer.choices] == [f"book:change:{made.id}", f"book:cancel:{made.id}"]
    assert halls.desk.by_slip(answer.links[0].url.rpartition("/")[2]).id == made.id


def test_a_reminder_fetched_after_its_time_says_nothing(halls: Halls, made: Appointment) -> None:
    halls.watch.pass_(days=3, hours=9)
    outbox.deliver(halls.city.writing, {"web": lambda notice: None}, now=halls.watch)
    halls.watch.pass_(days=2)
    notice = Notice(f"remind:{made.number}:{made.starts:%Y%m%d%H%M}", "remind", OWNER, made.id, halls.watch())
    assert notices.told(halls.desk, notice, LINES) is None


def test_a_reminder_of_another_time_or_of_what_was_cancelled_says_nothing(halls: Halls, made: Appointment) -> None:
    notice = Notice(f"remind:{made.number}:{made.starts:%Y%m%d%H%M}", "remind", OWNER, made.id, halls.watch())
    assert notices.told(halls.desk, notice, LINES)
    halls.desk.change(made.id, made.window, at(FRIDAY, 10), by=OWNER)
    assert notices.told(halls.desk, notice, LINES) is None
    halls.desk.cancel(made.id, by=OWNER)
    assert notices.told(halls.desk, notice, LINES) is None


@pytest.mark.parametrize(("note", "why"), [("设备检修", "因为设备检修，当天不办公"), ("", "临时不办公")])
def test_who_is_displaced_is_told_why_and_may_choose_again(
    halls: Halls, made: Appointment, note: str, why: str
) -> None:
    halls.close(SONGFENG, MONDAY, note)
    (answer,) = told(halls)
    assert answer
    assert f"{SONGFENG}{why}" in answer.text
    assert "对不起" in answer.text
    assert "10月19日（周一）上午10:00" in answer.text
    assert [choice.id for choice in answer.choices] == [f"book:change:{made.id}", f"book:cancel:{made.id}"]


def test_who_has_chosen_again_is_not_told_of_the_closing(halls: Halls, made: Appointment) -> None:
    halls.close(SONGFENG, MONDAY, "设备检修")
    halls.desk.change(made.id, made.window, at(FRIDAY, 10), by=OWNER)
    assert told(halls) in ([], [None])


def test_links_begin_with_the_public_address(halls: Halls, made: Appointment) -> None:
    from dataclasses import replace

    notice = Notice(f"remind:{made.number}:{made.starts:%Y%m%d%H%M}", "remind", OWNER, made.id, halls.watch())
    answer = notices.told(halls.desk, notice, replace(LINES, url="https://yunqiao.example"))
    assert answer
    assert answer.links[0].url.startswith("https://yunqiao.example/book/slip/")


def test_words_that_may_be_read_on_another_day_say_no_tomorrow(halls: Halls, made: Appointment) -> None:
    halls.watch.pass_(days=3, hours=9)
    notice = Notice(f"remind:{made.number}:{made.starts:%Y%m%d%H%M}", "remind", OWNER, made.id, halls.watch())
    answer = notices.told(halls.desk, notice, LINES, lasting=True)
    assert answer
    assert answer.text.startswith("提醒您：10月19日（周一）上午10:00去")
