"""The desk's staff, through the API: who may, and what each call does."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import select

from channels.web import limits
from core.clock import CHINA
from core.settings import Settings
from desk import outbox
from desk.models import AppointmentEvent, AppointmentRow
from desk.outbox import Notice, Undeliverable
from desk.rules import Rules
from desk.slips import scan_text
from tests.channels.town import CITY, HALL, KEY, PERSON, STAFF, TOKEN, Town, opened, other, town

__all__ = ["opened", "town"]  # fixtures

AT = f"/api/desk/halls/{CITY}/{HALL}"
TOMORROW = "2026-10-16"
# method, path, body: every call that staff can make
CALLS: list[tuple[str, str, Any]] = [
    ("GET", "/api/desk/halls", None),
    ("GET", f"{AT}/rules", None),
    ("PUT", f"{AT}/rules", {"capacity": 4}),
    ("DELETE", f"{AT}/rules", None),
    ("GET", f"{AT}/days/{TOMORROW}", None),
    ("GET", f"{AT}/days/{TOMORROW}.csv", None),
    ("PUT", f"{AT}/days/{TOMORROW}", {"stretches": []}),
    ("DELETE", f"{AT}/days/{TOMORROW}", None),
    ("POST", "/api/desk/check-in", {"number": "7992739875"}),
    ("POST", "/api/desk/no-show", {"number": "7992739875"}),
    ("POST", "/api/desk/appointments/7992739875/contact", {"reason": "停电改期"}),
    ("GET", "/api/desk/calendar/2026", None),
    ("PUT", "/api/desk/calendar/2027", {"days": []}),
    ("PUT", "/api/desk/calendar/days/2027-01-01", {"working": False, "name": "元旦"}),
]


def call(town: Town, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = town.client.request(method, path, json=body, headers=STAFF)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content and "json" in answer.headers["content-type"] else answer


def act(town: Town, number: str) -> list[tuple[str, str, str]]:
    """What happened to an appointment, as (by, act, note)."""
    with town.house.reading() as session:
        row = session.scalars(select(AppointmentRow).where(AppointmentRow.number == number)).one()
        events = session.scalars(select(AppointmentEvent).where(AppointmentEvent.appointment == row.id))
        return [(one.by, one.act, one.note) for one in events.all()]


# -- who may --


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=[f"{one[0]} {one[1]}" for one in CALLS])
def test_only_a_right_token_opens_a_call(town: Town, method: str, path: str, body: Any) -> None:
    def tried(token: str | None) -> httpx.Response:
        headers = {} if token is None else {"Authorization": token.encode()}
        return town.client.request(method, path, json=body, headers=headers)

    slip = town.book().rsplit("/", 1)[1]
    for token in (None, "", "Bearer ", "Bearer wrong", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Bearer {slip}",
                  "Bearer 王芳", f"Bearer 王芳:{TOKEN}", f"Basic {TOKEN}", TOKEN):  # fmt: skip
        refused = tried(token)
        assert refused.status_code == 401, token
        assert refused.json()["code"] == "unauthorized"
        assert "张" not in refused.text
    assert tried(f"Bearer {TOKEN}").status_code in (200, 204, 404)


def test_every_call_of_the_staff_is_in_that_table(town: Town) -> None:
    paths = town.client.get("/api/openapi.json").json()["paths"]
    published = {
        (method.upper(), re.sub(r"\{\w+\}", "*", path))
        for path, methods in paths.items()
        if path.startswith("/api/desk")
        for method in methods
    }
    tried = {
        (method, re.sub(rf"{CITY}|{HALL}|2026-10-16|2027-01-01|7992739875|2026$|2027$", "*", path))
        for method, path, _ in CALLS
    }
    assert tried == published


def test_a_staff_token_opens_no_slip(town: Town) -> None:
    town.book()
    for path in (f"/book/slip/{TOKEN}", f"/book/slip/{TOKEN}/cancel"):
        assert town.client.get(path, headers=STAFF).status_code == 404
    for path in (f"/api/appointments/{TOKEN}/cancel", "/api/appointments/x/cancel"):
        assert town.client.post(path, headers=STAFF).status_code == 404


def test_without_tokens_nobody_is_staff(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town.house.settings, "staff_tokens", [])
    for token in ("", "x", TOKEN):
        assert town.client.get("/api/desk/halls", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_guessing_tokens_ends_and_the_time_is_told(town: Town) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    answers = [town.client.get("/api/desk/halls", headers=wrong).status_code for _ in range(limits.WRONG_TOKENS + 2)]
    assert answers == [401] * limits.WRONG_TOKENS + [429] * 2
    refused = town.client.get("/api/desk/halls", headers=wrong)
    assert int(refused.headers["retry-after"]) > 0


def test_a_token_must_be_long_and_have_a_name() -> None:
    for bad in ("王芳:short", "0123456789abcdef-wang", ":0123456789abcdef-wang"):
        with pytest.raises(ValueError, match="口令"):
            Settings(staff_tokens=[bad])


def test_no_foreign_page_may_call_with_a_token(town: Town) -> None:
    asked = {"Origin": "http://127.0.0.1:8765", "Access-Control-Request-Method": "GET"}
    assert town.client.options(f"{AT}/rules", headers=asked).status_code == 200
    for more in ({"Access-Control-Request-Headers": "authorization"}, {"Access-Control-Request-Method": "PUT"}):
        assert town.client.options(f"{AT}/rules", headers=asked | more).status_code == 400


def test_what_staff_do_is_kept_by_no_cache_and_logs_nobody(town: Town) -> None:
    number, _ = town.proof(town.book())
    with structlog.testing.capture_logs() as logged:
        answer = town.client.get(f"{AT}/days/{TOMORROW}", headers=STAFF)
        call(town, "POST", f"/api/desk/appointments/{number}/contact", {"reason": "停电改期"})
    assert answer.headers["cache-control"] == "no-store"
    for secret in (*PERSON.values(), TOKEN, number):
        assert secret not in str(logged)


def test_who_of_the_staff_changed_what_is_on_record(town: Town) -> None:
    town.book()
    with structlog.testing.capture_logs() as logged:
        call(town, "PUT", f"{AT}/days/{TOMORROW}", {"stretches": [], "note": "停电"})
        call(town, "DELETE", f"{AT}/days/{TOMORROW}")
        call(town, "PUT", f"/api/desk/calendar/days/{TOMORROW}", {"working": False, "name": "临时假"})
        call(town, "PUT", "/api/desk/calendar/2027", {"days": []})
        call(town, "DELETE", f"{AT}/rules", status=204)
        call(town, "PUT", f"{AT}/rules", {"capacity": 1})
    changed = [one for one in logged if one["event"] == "desk.changed"]
    where = f"{CITY} {HALL}"
    assert {one["by"] for one in changed} == {"王芳"}
    assert [(one["what"], one["hall"], one["day"]) for one in changed] == [
        ("hours", where, TOMORROW), ("weekly hours", where, TOMORROW), ("day", "", TOMORROW), ("year", "", "2027-01-01"),
        ("no rules", where, ""), ("rules", where, ""),
    ]  # fmt: skip
    assert not [secret for secret in (*PERSON.values(), TOKEN) if secret in str(logged)]


def test_the_day_list_stays_where_no_more_appointments_are_taken(town: Town) -> None:
    number, _ = town.proof(town.book())
    call(town, "DELETE", f"{AT}/rules", status=204)
    assert [one["number"] for one in call(town, "GET", f"{AT}/days/{TOMORROW}")["entries"]] == [number]


# -- halls --


def test_halls_are_listed_with_their_rules_and_those_without(town: Town) -> None:
    call(town, "DELETE", f"{AT}/rules", status=204)
    found = {one["name"]: one["rules"] for one in call(town, "GET", "/api/desk/halls")}
    assert found[HALL] is None
    assert found["松风区政务服务中心"]["horizon"] == 7
    call(town, "PUT", f"{AT}/rules", {"capacity": 1})
    found = {one["name"]: one["rules"] for one in call(town, "GET", "/api/desk/halls")}
    assert found[HALL]["capacity"] == 1


def test_rules_are_read_written_and_in_force_at_once(town: Town) -> None:
    before = call(town, "GET", f"{AT}/rules")
    assert Rules.model_validate(before).horizon == 7
    assert call(town, "PUT", f"{AT}/rules", before | {"slot": 60, "capacity": 9, "windows": {}}) != before
    page = town.client.get(f"/book?guide={town.guide()}&window={town.window().id}&day={TOMORROW}").text
    assert "到 10:00，余 9" in page


@pytest.mark.parametrize(
    "rules", [{"slot": 1}, {"capacity": -1}, {"unknown": 1}, {"keep": 1}, {"windows": {"x": {"y": 1}}}, []]
)
def test_rules_that_cannot_be_are_refused(town: Town, rules: Any) -> None:
    call(town, "PUT", f"{AT}/rules", rules, status=422)


def test_a_hall_without_appointments_takes_none_and_those_made_stand(town: Town) -> None:
    slip = town.book()
    call(town, "DELETE", f"{AT}/rules", status=204)
    assert HALL not in town.client.get(f"/book?guide={town.guide()}").text
    assert "预约好了" in town.client.get(slip).text
    call(town, "DELETE", f"{AT}/rules", status=404)
    call(town, "GET", f"{AT}/rules", status=404)


def test_a_hall_that_is_not_published_cannot_be_opened(town: Town) -> None:
    told = call(town, "PUT", f"/api/desk/halls/{CITY}/没有的大厅/rules", {}, status=404)
    assert "先在大厅资料里添加" in told["message"]


def test_the_rules_are_described_in_the_contract(town: Town) -> None:
    schemas = town.client.get("/api/openapi.json").json()["components"]["schemas"]
    assert schemas["Rules"]["properties"]["horizon"]["title"] == "可以预约多少个工作日以内"


# -- days --


def test_the_day_list_is_masked_and_counted(town: Town) -> None:
    number, _ = town.proof(town.book())
    town.client.post(town.book(10, **other()) + "/cancel")
    found = call(town, "GET", f"{AT}/days/{TOMORROW}")
    assert found["counts"] == {"booked": 1, "cancelled": 1}
    first = found["entries"][0]
    assert (first["number"], first["name"], first["phone"], first["starts"]) == (number, "张*", "138****8000", "09:00")
    assert PERSON["phone"] not in str(found)
    assert found["sort"] == "工作日"


def test_the_day_list_is_a_table_for_spreadsheets(town: Town) -> None:
    number, _ = town.proof(town.book())
    answer = call(town, "GET", f"{AT}/days/{TOMORROW}.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    heading, line = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert heading[0] == "时间"
    assert line == [
        "09:00-09:30",
        "1楼公安综合窗口A05-A08",
        "居民身份证丢失补领",
        "张*",
        "138****8000",
        number,
        "已预约",
    ]


def test_no_cell_of_the_table_is_run_as_a_formula(town: Town) -> None:
    town.book()
    with town.house.writing.begin() as session:
        row = session.scalars(select(AppointmentRow)).one()
        row.guide_name = "=HYPERLINK(1)"
    answer = call(town, "GET", f"{AT}/days/{TOMORROW}.csv")
    assert "'=HYPERLINK" in answer.text


def test_who_could_not_be_told_is_on_the_list_to_call(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(town.house.rounds._channels, "chat", lambda notice: None)  # type: ignore[index]
    number, _ = town.proof(town.book())
    told, _ = town.proof(town.book(10, **other()))
    with town.house.writing.begin() as session:
        for row in session.scalars(select(AppointmentRow)):
            row.owner, row.remind = "chat:somebody", True
            outbox.remind(session, row, now=town.watch.time)
    assert call(town, "GET", f"{AT}/days/{TOMORROW}")["call"] == []
    _fail(town, number)
    assert call(town, "GET", f"{AT}/days/{TOMORROW}")["call"] == [number]
    closed = call(town, "PUT", f"{AT}/days/{TOMORROW}", {"stretches": [], "note": "停电"})
    assert closed["call"] == [], "there is something new to tell them"
    _fail(town, told)
    assert call(town, "GET", f"{AT}/days/{TOMORROW}")["call"] == [told]
    assert call(town, "PUT", f"{AT}/days/{TOMORROW}", {"stretches": [], "note": "停电"})["call"] == [told]


def _fail(town: Town, number: str) -> None:
    """Nothing will ever deliver what there is to tell about an appointment."""
    with town.house.reading() as session:
        made = session.scalars(select(AppointmentRow.id).where(AppointmentRow.number == number)).one()

    def deliver(notice: Notice) -> None:
        if notice.appointment == made:
            raise Undeliverable

    town.watch.time = datetime(2026, 10, 15, 17, tzinfo=CHINA)
    outbox.deliver(town.house.writing, {"chat": deliver}, now=town.watch)


def test_closing_a_day_says_how_many_lost_their_time(town: Town) -> None:
    slip = town.book()
    closed = call(town, "PUT", f"{AT}/days/{TOMORROW}", {"stretches": [], "note": "停电"})
    assert closed["displaced"] == 1
    assert "临时不办公" in town.client.get(slip).text
    assert act(town, town.proof(slip)[0])[-1] == ("王芳", "displace", "停电")
    assert call(town, "DELETE", f"{AT}/days/{TOMORROW}")["displaced"] == 0
    free = town.client.get(f"/book?guide={town.guide()}&window={town.window().id}&day={TOMORROW}").text
    assert "09:00" in free


def test_shorter_hours_move_only_those_outside(town: Town) -> None:
    early = town.book(9)
    town.book(15, **other())
    closed = call(town, "PUT", f"{AT}/days/{TOMORROW}", {"stretches": [["09:00", "12:00"]], "note": "下午开会"})
    assert closed["displaced"] == 1
    assert "预约好了" in town.client.get(early).text


@pytest.mark.parametrize(
    "hours",
    [
        {"stretches": [["12:00", "09:00"]]},
        {"stretches": [["09:00", "12:00"], ["11:00", "13:00"]]},
        {"stretches": [["9:00", "12:00"]]},
        {"stretches": [["09:00"]]},
        {"stretches": [["09:00", "25:00"]]},
        {"stretches": [["24:00", "24:00"]]},
        {"note": "没有时间"},
        {"stretches": [], "note": "长" * 201},
    ],
)
def test_hours_that_cannot_be_are_refused(town: Town, hours: Any) -> None:
    told = call(town, "PUT", f"{AT}/days/{TOMORROW}", hours, status=422)
    assert "。" in told["message"]


@pytest.mark.parametrize("day", ["2026-02-30", "tomorrow", "0000-00-00"])
def test_a_day_that_is_none_is_refused(town: Town, day: str) -> None:
    call(town, "GET", f"{AT}/days/{day}", status=422)


# -- who came --


def test_a_scanned_code_checks_in(town: Town) -> None:
    slip = town.book()
    number, code = town.proof(slip)
    town.watch.time += timedelta(days=1)
    with town.house.reading() as session:
        at = town.house.desk.by_slip(slip.rsplit("/", 1)[1])
        assert session is not None
    line = call(town, "POST", "/api/desk/check-in", {"scan": scan_text(at, code) + "\r"})
    assert (line["number"], line["spoken"], line["name"]) == (number, "已到场", "张*")
    assert (line["day"], line["hall"]) == (TOMORROW, HALL)
    assert act(town, number)[-1][:2] == ("王芳", "attended")
    assert call(town, "POST", "/api/desk/check-in", {"number": number})["status"] == "attended", "again does nothing"


@pytest.mark.parametrize("later", [0, 2])
def test_who_comes_on_another_day_is_told_which_it_is(town: Town, later: int) -> None:
    number, _ = town.proof(town.book())
    town.watch.time += timedelta(days=later)
    told = call(town, "POST", "/api/desk/check-in", {"number": number}, status=409)
    assert "2026年10月16日 09:00，不是今天" in told["message"]
    assert "attended" not in str(act(town, number))


def test_a_forged_code_checks_nobody_in(town: Town) -> None:
    number, code = town.proof(town.book())
    town.watch.time += timedelta(days=1)
    wrong = "000000" if code != "000000" else "111111"
    call(town, "POST", "/api/desk/check-in", {"scan": f"BANGBAN:{number}:{wrong}"}, status=404)
    call(town, "POST", "/api/desk/check-in", {"scan": "https://evil.example"}, status=422)
    assert "attended" not in str(act(town, number))


def test_who_did_not_come_is_registered_and_can_be_set_right(town: Town) -> None:
    number, _ = town.proof(town.book())
    call(town, "POST", "/api/desk/no-show", {"number": number}, status=409)  # the day has not come
    town.watch.time += timedelta(days=1, hours=2)
    spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
    assert call(town, "POST", "/api/desk/no-show", {"number": spaced})["spoken"] == "没有到场"
    assert call(town, "POST", "/api/desk/check-in", {"number": number})["spoken"] == "已到场"


@pytest.mark.parametrize("body", [{}, {"scan": "x", "number": "1"}, {"number": ""}, {"number": "1" * 50}, {"who": 1}])
def test_a_check_in_names_one_appointment(town: Town, body: Any) -> None:
    call(town, "POST", "/api/desk/check-in", body, status=422)


def test_whom_to_call_is_told_and_written_down(town: Town) -> None:
    number, _ = town.proof(town.book())
    told = call(town, "POST", f"/api/desk/appointments/{number}/contact", {"reason": "停电，电话通知改期"})
    assert told == {"name": "张伟", "phone": "13800138000"}
    assert act(town, number)[-1] == ("王芳", "reveal", "停电，电话通知改期")


def test_nobody_is_told_whom_to_call_without_a_reason(town: Town) -> None:
    number, _ = town.proof(town.book())
    for body in ({}, {"reason": ""}, {"reason": "x" * 201}):
        call(town, "POST", f"/api/desk/appointments/{number}/contact", body, status=422)
    assert "reveal" not in str(act(town, number))
    call(town, "POST", "/api/desk/appointments/7992739875/contact", {"reason": "停电改期"}, status=404)


def test_what_was_deleted_cannot_be_told(town: Town) -> None:
    number, _ = town.proof(town.book())
    with town.house.writing.begin() as session:
        session.scalars(select(AppointmentRow)).one().details = None
    told = call(town, "POST", f"/api/desk/appointments/{number}/contact", {"reason": "停电改期"}, status=404)
    assert "按规定删除" in told["message"]


# -- the calendar --


def test_a_year_is_entered_whole_and_opens_for_booking(town: Town) -> None:
    assert call(town, "GET", "/api/desk/calendar/2026")["announced"] is True
    assert call(town, "GET", "/api/desk/calendar/2027") == {"year": 2027, "announced": False, "days": []}
    new_year = {"day": "2027-01-01", "working": False, "name": "元旦"}
    assert call(town, "PUT", "/api/desk/calendar/2027", {"days": [new_year]}) == {
        "year": 2027, "announced": True, "days": [new_year], "displaced": 0,
    }  # fmt: skip
    town.watch.time += timedelta(days=75)
    page = town.client.get(f"/book?guide={town.guide()}&window={town.window().id}&month=2027-01").text
    assert "元旦放假" in page
    assert "待公布" not in page


def test_a_single_day_is_entered_over_what_is_known(town: Town) -> None:
    town.book()
    entered = call(town, "PUT", f"/api/desk/calendar/days/{TOMORROW}", {"working": False, "name": "临时假"})
    assert entered == {"day": TOMORROW, "working": False, "name": "临时假", "displaced": 1}
    page = town.client.get(f"/book?guide={town.guide()}&window={town.window().id}&day={TOMORROW}").text
    assert "临时假放假" in page


@pytest.mark.parametrize(
    "days", [[{"day": "2026-01-01", "working": False}], [{"day": "2027-01-01", "working": False}] * 2]
)
def test_days_of_another_year_and_twice_the_same_are_refused(town: Town, days: Any) -> None:
    call(town, "PUT", "/api/desk/calendar/2027", {"days": days}, status=422)


def test_the_key_of_a_form_is_no_token(town: Town) -> None:
    assert town.client.get("/api/desk/halls", headers={"Authorization": f"Bearer {KEY}"}).status_code == 401
