"""What the desk has to tell a conversation on the web."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.conversation import sender_of
from core.clock import CHINA
from core.types import Answer
from desk import days
from desk.appointments import Appointment
from desk.people import Person
from tests.channels.town import CITY, HALL, Town, opened, town

__all__ = ["opened", "town"]  # fixtures

SESSION = "tests-session-0001"


def book(town: Town, session: str = SESSION, *, remind: bool = True) -> Appointment:
    """An appointment as the chat makes it, tomorrow at nine."""
    day = town.watch.tomorrow
    return town.house.desk.book(
        town.guide(), town.window().id, datetime(day.year, day.month, day.day, 9, tzinfo=CHINA),
        Person("张伟", "13800138000", "11010119900307002X"), owner=f"web:{sender_of(session)}", key="k", remind=remind,
    )  # fmt: skip


def fetched(town: Town, *seen: str, session: str = SESSION) -> dict[str, dict[str, Any]]:
    """What is told, by key, to a page that has shown the `seen`."""
    answer = town.client.post("/api/notices", json={"session": session, "seen": seen})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    messages = {one["key"]: one["message"] for one in answer.json()["notices"]}
    TypeAdapter(list[Answer]).validate_python(list(messages.values()))
    return messages


def told(town: Town, session: str = SESSION) -> list[dict[str, Any]]:
    """What is told to a page that then says that it was shown."""
    messages = fetched(town, session=session)
    if messages:
        assert fetched(town, *messages, session=session) == {}
    return list(messages.values())


def five(town: Town) -> None:
    """Five in the afternoon: reminders go out."""
    town.watch.time = datetime(2026, 10, 15, 17, 1, tzinfo=CHINA)
    town.house.rounds.go()


def test_a_reminder_is_told_once_like_a_reply(town: Town) -> None:
    made = book(town)
    town.house.rounds.go()
    assert told(town) == []
    five(town)
    (message,) = told(town)
    assert message["act"] == "book"
    assert made.number[-4:] in message["text"].replace(" ", "")
    assert told(town) == []


def test_what_was_lost_on_its_way_is_told_again_until_it_was_shown(town: Town) -> None:
    book(town)
    five(town)
    lost = list(fetched(town))
    assert len(lost) == 1
    assert list(fetched(town)) == lost, "the answer may never have arrived"
    assert list(fetched(town, "remind:of-something-else")) == lost
    assert fetched(town, *lost) == {}
    assert fetched(town) == {}


def test_nobody_elses_notices_are_marked_as_shown(town: Town) -> None:
    book(town)
    five(town)
    kept = list(fetched(town))
    assert fetched(town, *kept, session="tests-session-0002") == {}
    assert list(fetched(town)) == kept


def test_who_did_not_ask_for_it_is_not_reminded(town: Town) -> None:
    book(town, remind=False)
    five(town)
    assert told(town) == []


def test_a_closed_day_is_told_with_a_link_that_opens_the_slip(town: Town) -> None:
    book(town)
    with town.house.writing.begin() as session:
        days.set_hours(session, CITY, HALL, town.watch.tomorrow, [], note="停电", by="王芳", now=town.watch.time)
    town.house.rounds.go()
    (message,) = told(town)
    (link,) = [one for one in message["links"] if "/book/slip/" in one["url"]]
    assert "临时不办公" in town.client.get(link["url"]).text


def test_another_conversation_hears_nothing_of_it(town: Town) -> None:
    book(town)
    five(town)
    assert told(town, "tests-session-0002") == []
    assert len(told(town)) == 1


def test_a_notice_that_cannot_be_told_silences_no_other(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot import notices
    from desk.appointments import NoAppointment

    first = book(town)
    second = town.house.desk.book(
        town.guide(), town.window().id, datetime(2026, 10, 16, 10, tzinfo=CHINA), Person("李娜", "13900139000", "110101199003071000"),
        owner=first.owner, key="k2", remind=True,
    )  # fmt: skip
    five(town)
    tell = notices.told

    def gone(desk: Any, notice: Any, lines: Any) -> Answer | None:
        if notice.appointment == first.id:
            raise NoAppointment()
        return tell(desk, notice, lines)

    monkeypatch.setattr(notices, "told", gone)
    (message,) = told(town)
    assert second.number[-4:] in message["text"].replace(" ", "")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"session": "short"},
        {"session": "x" * 99},
        {"session": "tests-session-0001", "more": 1},
        {"session": "tests-session-0001", "seen": ["x"] * 51},
        {"session": "tests-session-0001", "seen": ["x" * 121]},
    ],
)
def test_a_session_that_is_none_is_refused(town: Town, body: Any) -> None:
    answer = town.client.post("/api/notices", json=body)
    assert answer.status_code == 422
    assert answer.json()["messages"][0]["act"] == "error"
