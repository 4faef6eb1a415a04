"""Staff get in whatever others try, and learn whom to call."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bot.conversation import sender_of
from channels.web import limits
from core.clock import CHINA
from desk.people import Person
from tests.channels.town import CITY, HALL, STAFF, TOKEN, Town, opened, other, town

__all__ = ["opened", "town"]  # fixtures

TOMORROW = f"/api/desk/halls/{CITY}/{HALL}/days/2026-10-16"
CLOSED: dict[str, Any] = {"stretches": [], "note": "停电"}


def close(town: Town, **hours: Any) -> dict[str, Any]:
    answer = town.client.put(TOMORROW, json={**CLOSED, **hours}, headers=STAFF)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def chatted(town: Town, hour: int) -> str:
    """The number of an appointment made in a conversation."""
    who = other(5)
    made = town.house.desk.book(
        town.guide(), town.window().id, datetime(2026, 10, 16, hour, tzinfo=CHINA),
        Person(who["name"], who["phone"], who["identity"]), owner=f"web:{sender_of('tests-session-0001')}", key="k",
    )  # fmt: skip
    return made.number


def test_wrong_tokens_from_the_same_network_lock_no_clerk_out(town: Town) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    answers = [town.client.get("/api/desk/halls", headers=wrong).status_code for _ in range(limits.WRONG_TOKENS + 1)]
    assert answers == [401] * limits.WRONG_TOKENS + [429]
    for _ in range(3):
        assert town.client.get("/api/desk/halls", headers=STAFF).status_code == 200
    assert town.client.get("/api/desk/halls", headers=wrong).status_code == 429


def test_a_token_that_ends_in_a_slash_opens(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town.house.settings, "staff_tokens", [f"王芳:{TOKEN}/"])
    for token, status in ((f"{TOKEN}/", 200), (TOKEN, 401)):
        answer = town.client.get("/api/desk/halls", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


def test_who_booked_on_a_page_or_by_program_is_to_be_called_and_who_chatted_until_they_have_read_of_it(
    town: Town,
) -> None:
    page, _ = town.proof(town.book(9))
    fields = other()
    key = {"Idempotency-Key": fields.pop("key")}
    wish = {"guide": town.guide(), "window": town.window().id, "starts": "2026-10-16T10:00:00+08:00", **fields}
    program = town.client.post("/api/appointments", json=wish, headers=key).json()["number"]
    chat = chatted(town, 11)
    told = close(town)
    assert told == {"displaced": 3, "call": [page, program, chat]}
    town.house.rounds.go()
    notices = {"session": "tests-session-0001", "seen": []}
    (notice,) = town.client.post("/api/notices", json=notices).json()["notices"]
    assert close(town)["call"] == [page, program, chat]
    town.client.post("/api/notices", json={**notices, "seen": [notice["key"]]})
    assert close(town)["call"] == [page, program]
    for number in told["call"]:
        answer = town.client.post(f"/api/desk/appointments/{number}/contact", json={"reason": "停电"}, headers=STAFF)
        assert len(answer.json()["phone"]) == 11


def test_a_retry_still_says_whom_to_call_until_they_have_another_time(town: Town) -> None:
    slip = town.book(9)
    number, _ = town.proof(slip)
    close(town)
    assert close(town) == {"displaced": 0, "call": [number]}
    moved = {"window": town.window().id, "starts": "2026-10-19T09:00"}
    assert town.client.post(f"{slip}/change", data=moved, follow_redirects=False).status_code == 303
    assert close(town) == {"displaced": 0, "call": []}


def test_who_keeps_the_time_is_not_called(town: Town) -> None:
    town.book(9)
    late, _ = town.proof(town.book(15, **other()))
    assert close(town, stretches=[["09:00", "12:00"]]) == {"displaced": 1, "call": [late]}
