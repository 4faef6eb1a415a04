"""Appointments for programs."""

from __future__ import annotations

from typing import Any

import pytest

from channels.web import limits
from tests.channels.town import KEY, PERSON, Town, opened, other, rules, town

__all__ = ["opened", "town"]  # fixtures

NINE = "2026-10-16T09:00:00+08:00"
HEADERS = {"Idempotency-Key": KEY}


def body(town: Town, **changes: Any) -> dict[str, Any]:
    return {"guide": town.guide(), "window": town.window().id, "starts": NINE, **PERSON, **changes}


def book(town: Town, key: str = KEY, **changes: Any) -> Any:
    return town.client.post("/api/appointments", json=body(town, **changes), headers={"Idempotency-Key": key})


def refused(answer: Any, status: int) -> str:
    """The words of an error in the contract's form."""
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert told["messages"][0]["act"] == "error"
    assert told["messages"][0]["text"] == told["message"]
    assert not any(value in answer.text for value in PERSON.values())
    return str(told["message"])


def test_windows_are_listed_with_the_next_free_day(town: Town) -> None:
    found = town.client.get("/api/halls", params={"guide": town.guide()}).json()["halls"]
    assert len(found) == 4
    assert found[0] | {"soonest": "2026-10-15", "identity": True, "kilometres": None} == found[0]
    last = town.window(3).hall
    near = town.client.get("/api/halls", params={"guide": town.guide(), "near": f"{last.latitude},{last.longitude}"})
    assert (near.json()["halls"][0]["hall"], near.json()["halls"][0]["kilometres"]) == (last.name, 0.0)


def test_what_takes_no_appointments_has_no_windows(town: Town) -> None:
    assert town.client.get("/api/halls", params={"guide": town.guide("yq-sfz-004")}).json() == {"halls": []}


def test_days_tell_their_times_or_why_there_are_none(town: Town) -> None:
    asked = {"guide": town.guide(), "window": town.window().id, "from": "2026-10-16", "to": "2026-10-18"}
    days = town.client.get("/api/availability", params=asked).json()["days"]
    assert [one["day"] for one in days] == ["2026-10-16", "2026-10-17", "2026-10-18"]
    assert days[0]["slots"][0] == {"starts": NINE, "ends": "2026-10-16T09:30:00+08:00", "free": 4}
    assert (days[2]["slots"], days[2]["closed"]) == ([], "大厅周日不办公")


@pytest.mark.parametrize(
    "span",
    [
        {"from": "2026-10-16", "to": "2026-10-15"},
        {"from": "2026-10-01", "to": "2026-12-02"},
        {"from": "9999-12-30", "to": "9999-12-31"},
        {"from": "0001-01-01", "to": "0001-01-02"},
        {"from": "x", "to": "y"},
        {},
    ],
)
def test_a_span_that_cannot_be_is_refused(town: Town, span: dict[str, str]) -> None:
    refused(
        town.client.get("/api/availability", params={"guide": town.guide(), "window": town.window().id, **span}), 422
    )


def test_two_months_can_be_asked_at_once(town: Town) -> None:
    asked = {"guide": town.guide(), "window": town.window().id, "from": "2026-10-01", "to": "2026-12-01"}
    assert len(town.client.get("/api/availability", params=asked).json()["days"]) == 62


def test_what_was_booked_is_found_moved_and_cancelled(town: Town) -> None:
    made = book(town)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    one = made.json()
    assert (one["status"], one["starts"], one["hall"]) == ("booked", NINE, "云桥市政务服务中心")
    assert "code" not in one
    number, code = town.proof(one["page"])
    found = town.client.post("/api/appointments/find", json={"number": number, "code": code}).json()
    assert found["number"] == number
    to = {"window": town.window(1).id, "starts": "2026-10-19T10:00:00+08:00"}
    moved = town.client.post(f"/api/appointments/{found['slip']}/change", json=to)
    assert (moved.json()["hall"], moved.json()["starts"]) == ("松风区政务服务中心", to["starts"])
    for _ in range(2):
        gone = town.client.post(f"/api/appointments/{one['slip']}/cancel")
        assert gone.json()["status"] == "cancelled"
    assert gone.headers["referrer-policy"] == "no-referrer"


def test_a_retry_books_once(town: Town) -> None:
    assert book(town).json()["number"] == book(town).json()["number"]


def test_a_key_is_required_and_random_enough(town: Town) -> None:
    for headers in ({}, {"Idempotency-Key": "short"}, {"Idempotency-Key": "with space 0123456789"}):
        refused(town.client.post("/api/appointments", json=body(town), headers=headers), 422)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "x"}, {"phone": "12345"}, {"identity": ""}, {"identity": "110101199003070021"}, {"starts": "2026-10-16T09:00"},
        {"starts": "0001-01-01T00:00:00+00:00"}, {"starts": "9999-12-31T23:59:59+00:00"}, {"guide": "x"},
        {"more": 1}, {"name": None}, {"name": "张" * 200},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_without_repeating_it(town: Town, changes: Any) -> None:
    refused(book(town, **changes), 422)


def test_refusals_have_the_rules_own_words(town: Town) -> None:
    assert "不能预约" in refused(book(town, starts="2026-10-18T09:00:00+08:00"), 409)
    refused(book(town, window="x"), 409)
    for guide in (999999, 0, -1, 2**40, 2**80):
        refused(book(town, guide=guide), 404)
    book(town)
    assert "不能再约" in refused(book(town, "another-key-00000009", starts="2026-10-16T10:00:00+08:00"), 409)
    rules(town, capacity=1, windows={})
    fields = other()
    taken = refused(book(town, fields.pop("key"), **fields), 409)
    assert "约满" in taken


def test_only_what_was_booked_counts_for_its_network_and_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town.house.settings, "booking_limit_address", 2)
    for _ in range(3):
        refused(book(town, phone="12345"), 422)
        refused(book(town, window="x"), 409)
    for _ in range(3):
        assert book(town).status_code == 201
    fields = other()
    assert book(town, fields.pop("key"), **fields).status_code == 201
    fields = other(2)
    answer = book(town, fields.pop("key"), **fields)
    assert refused(answer, 429).startswith("这个网络一小时内约得太多了")
    assert 0 < int(answer.headers["retry-after"]) <= limits.HOUR


def test_guessing_codes_and_pages_share_their_limit(town: Town) -> None:
    number, code = town.proof(book(town).json()["page"])
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(limits.TRIES_NUMBER - 1):
        refused(town.client.post("/api/appointments/find", json={"number": number, "code": wrong}), 404)
    assert town.client.post("/book/mine", data={"number": number, "code": wrong}).status_code == 404
    answer = town.client.post("/api/appointments/find", json={"number": number, "code": code})
    assert "分钟" in refused(answer, 429)
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("token", ["x", "gAAAAA", "%00", "x" * 500])
def test_a_slip_that_is_none_changes_nothing(town: Town, token: str) -> None:
    to = {"window": town.window().id, "starts": NINE}
    for answer in (
        town.client.post(f"/api/appointments/{token}/cancel"),
        town.client.post(f"/api/appointments/{token}/change", json=to),
    ):
        assert answer.status_code in (404, 422)
        assert answer.json()["messages"][0]["act"] == "error"


def test_the_contract_names_these_calls(town: Town) -> None:
    paths = set(town.client.get("/api/openapi.json").json()["paths"])
    named = {"/api/halls", "/api/availability", "/api/appointments", "/api/appointments/find", "/api/notices"}
    assert named | {"/api/appointments/{token}/change", "/api/appointments/{token}/cancel"} <= paths
