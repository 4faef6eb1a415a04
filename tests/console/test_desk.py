"""The desk's pages: halls and their rules, days, the calendar; who may, and what is told."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete, select

from channels.web import desk_changes
from core.clock import CHINA
from desk.appointments import Appointment
from desk.calendar import SpecialDay
from desk.halls import open_hall
from desk.models import (
    AnnouncedYear,
    AppointmentEvent,
    AppointmentRow,
    DeskHallRow,
    ExceptionRow,
    OutboxRow,
    SlotRow,
    SpecialDayRow,
)
from desk.people import Person
from desk.rules import Rules
from desk.slips import scan_text
from knowledge import publishing
from staff.audit import Entry
from tests.chromium import browser
from tests.console.conftest import CITY, Fields, Office, Visit, axe
from tests.desk.conftest import THURSDAY, hall

__all__ = ["browser"]  # a fixture

HALL = "云桥市政务服务中心"
AT: dict[str, Any] = {"hall": f"{CITY} {HALL}"}
TODAY, TOMORROW = date(2026, 10, 15), date(2026, 10, 16)
ZHANG = Person("张伟", "13800138000", "11010119900307002X")
LI = Person("李娜", "13900139001", "")
OWN = "东门政务服务中心"  # a hall of the district
# Which pages are opened by which forms; each needs a hall.
FORMS = ["rules", "shut", "check-in", "no-show", "reveal", "day/hours", "day/weekly"]


@pytest.fixture
def desk(office: Office) -> Office:
    """The office on Thursday morning with nothing booked, closed or entered yet."""
    office.watch.time = THURSDAY
    with office.house.writing.begin() as session:
        tables = (OutboxRow, AppointmentEvent, AppointmentRow, SlotRow, ExceptionRow, SpecialDayRow, AnnouncedYear)
        for table in tables:
            session.execute(delete(table))
        open_hall(session, CITY, HALL, Rules(horizon=7, capacity=4))
    return office


@pytest.fixture
def elsewhere(desk: Office) -> Office:
    """With a hall in a region that nobody of the city's staff works in."""
    with desk.house.writing.begin() as session:
        made = hall(OWN).model_copy(update={"region": "110000"})
        publishing.save_hall(session, made)
        open_hall(session, "110000", OWN, Rules())
    return desk


def book(
    office: Office, hour: int = 9, day: date = TODAY, person: Person = ZHANG, owner: str = "page:1"
) -> Appointment:
    """Book at the city's hall; a page's owner is one whom no notice reaches."""
    with office.house.reading() as session:
        guide = publishing.find(session, CITY, "yq-sfz-003")
    assert guide is not None
    offer = office.house.desk.offer(guide)
    assert offer is not None
    window = next(one for one in offer.windows if one.hall.name == HALL)
    starts = datetime(day.year, day.month, day.day, hour, 30, tzinfo=CHINA)
    return office.house.desk.book(guide, window.id, starts, person, owner=owner, key=f"key-{owner}-{starts}")


def see(office: Office, name: str, path: str, status: int = 200, **query: object) -> str:
    """A page as somebody of the staff gets it."""
    answer = office.signed(name).get(f"/console/desk{path}", params={k: str(v) for k, v in query.items()})
    assert answer.status_code == status, answer.text
    return answer.text


def send(office: Office, name: str, path: str, data: Fields | None = None, **query: object) -> httpx.Response:
    """A form of somebody of the staff, about the city's hall."""
    asked = httpx.QueryParams({k: str(v) for k, v in ({**AT, **query}).items()})
    return office.post(office.signed(name), f"/console/desk/{path}?{asked}", data)


def done(office: Office, answer: httpx.Response, name: str) -> str:
    """The page that tells what was done."""
    assert answer.status_code == 303, answer.text
    return office.signed(name).get(answer.headers["location"]).text


def record(office: Office) -> Entry:
    """The last entry of the audit."""
    with office.house.reading() as session:
        return office.house.audit.entries(session, act="desk.", limit=1)[0]


def form(**changes: str) -> dict[str, str]:
    """The form of the rules with the defaults."""
    rules = Rules().model_dump()
    flat = {name: str(value) for name, value in rules.items() if isinstance(value, int)}
    flat |= {
        f"{block}.{part}": str(value) for block in ("no_shows", "cancellations") for part, value in rules[block].items()
    }
    return {name: value for name, value in flat.items() if name != "identity"} | changes


def told(text: str) -> str:
    """What a page says first, whether it went well or not."""
    found = re.search(r'class="(?:told|wrong|problem)"[^>]*>(.*?)</p>', text, re.DOTALL)
    return found[1].strip() if found else ""


# -- who may --


def test_halls_are_shown_to_whoever_may_read_them(elsewhere: Office) -> None:
    text = see(elsewhere, "zhou", "")
    assert HALL in text
    assert "接受预约" in text
    assert OWN not in text
    assert HALL not in see(elsewhere, "qian", "")


def test_a_hall_of_another_region_is_opened_to_nobody(elsewhere: Office) -> None:
    for page in ("day", "day.csv", "month", "rules"):
        see(elsewhere, "zhou", f"/{page}", 403, hall=f"110000 {OWN}")
        see(elsewhere, "qian", f"/{page}", 403, **AT)
    for path in FORMS:
        assert send(elsewhere, "zhou", path, hall=f"110000 {OWN}").status_code == 403, path
    with elsewhere.house.reading() as session:
        assert session.get(DeskHallRow, ("110000", OWN)) is not None


def test_an_editor_serves_and_a_reviewer_manages_and_an_administrator_reads(desk: Office) -> None:
    at = book(desk)
    managing = {"rules": form(), "shut": {}, "day/hours": {"closed": "yes"}, "day/weekly": {}}
    serving = {
        "check-in": {"arrival": at.number},
        "no-show": {"number": at.number},
        "reveal": {"number": at.number, "why": "改期"},
    }
    for name, may in (("lin", serving), ("gao", {}), ("sun", {})):
        for path, data in (managing | serving).items():
            if path not in may:
                assert send(desk, name, path, data).status_code == 403, (name, path)
    text = see(desk, "gao", "/day", **AT)
    assert at.number in text
    assert "/console/desk/reveal" not in text
    assert "/console/desk/day/hours" not in text
    assert "/console/desk/day/hours" not in see(desk, "lin", "/day", **AT)


def test_the_calendar_is_the_deployments(desk: Office) -> None:
    for name in ("lin", "qian", "gao"):
        assert "整年录入" not in see(desk, name, "/calendar/2026")
        day = {"day": "2026-12-31", "working": "no"}
        assert send(desk, name, "calendar/2026/day", day).status_code == 403
        assert send(desk, name, "calendar/2026", {"lines": "2026-12-31 放假"}).status_code == 403


@pytest.mark.parametrize("path", [*FORMS, "calendar/2026", "calendar/2026/day"])
def test_a_form_without_its_token_does_nothing(desk: Office, path: str) -> None:
    client = desk.signed("zhou")
    for token in ("", "x" * 43):
        assert client.post(f"/console/desk/{path}", params=AT, data={"csrf": token}).status_code == 403
    other = {"csrf": desk.csrf(desk.signed("lin"))}
    assert client.post(f"/console/desk/{path}", params=AT, data=other).status_code == 403
    sent = {"csrf": desk.csrf(client)}
    assert (
        client.post(
            f"/console/desk/{path}", params=AT, data=sent, headers={"Origin": "http://evil.example"}
        ).status_code
        == 403
    )


def test_a_number_of_another_regions_hall_is_as_good_as_unknown(desk: Office) -> None:
    at = book(desk)
    with desk.house.writing.begin() as session:
        row = session.get(AppointmentRow, at.id)
        assert row is not None
        row.region, row.hall = "110000", OWN
    for path, data in (
        ("check-in", {"arrival": at.number}),
        ("no-show", {"number": at.number}),
        ("reveal", {"number": at.number, "why": "改期通知"}),
    ):
        answer = send(desk, "zhou", path, data)
        assert answer.status_code == 404
        assert "张伟" not in answer.text
        assert ZHANG.phone not in answer.text


# -- rules --


def test_rules_are_changed_and_the_change_is_on_record(desk: Office) -> None:
    data = form(slot="20", capacity="3", **{
        "windows.0.name": "综合窗口", "windows.0.capacity": "1", "windows.0.identity": "yes", "windows.1.name": "",
    })  # fmt: skip
    text = done(desk, send(desk, "zhou", "rules", data), "zhou")
    assert "已保存" in told(text)
    assert 'value="综合窗口"' in text
    with desk.house.reading() as session:
        row = session.get(DeskHallRow, (CITY, HALL))
        assert row is not None
        rules = Rules.model_validate(row.rules)
    assert (rules.slot, rules.capacity, rules.at("综合窗口").capacity, rules.at("综合窗口").identity) == (
        20,
        3,
        1,
        True,
    )
    entry = record(desk)
    assert (entry.act, entry.who, entry.subject, entry.region) == ("desk.rules", "zhou", f"hall:{CITY} {HALL}", CITY)
    assert entry.detail["changed"]["capacity"] == [4, 3]


def test_rules_that_somebody_else_changed_meanwhile_are_not_overwritten_unseen(desk: Office) -> None:
    def seen(text: str) -> str:
        return re.findall(r'name="seen" value="(\w+)"', text)[0]

    read = seen(see(desk, "zhou", "/rules", **AT))
    desk_changes.open_hall(desk.house, "lin", CITY, HALL, Rules(slot=20))
    answer = send(desk, "zhou", "rules", form(slot="15", seen=read))
    assert answer.status_code == 409
    assert "刚刚被别人改过" in told(answer.text)
    assert "现在是 20" in answer.text
    assert 'name="slot" type="number" value="15"' in answer.text
    assert read != seen(answer.text)
    assert "已保存" in told(done(desk, send(desk, "zhou", "rules", form(slot="15", seen=seen(answer.text))), "zhou"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slot": "3"}, "不能小于 5"),
        ({"slot": ""}, "应当是整数"),
        ({"capacity": "很多"}, "“很多”应当是整数"),
        ({"capacity": "9" * 5000}, "内容不符合要求"),
        ({"no_shows.most": "0"}, "不能小于 1"),
        ({"keep": "10"}, "个人信息保留的天数"),
        ({"windows.0.name": "", "windows.0.capacity": "2"}, "没有填写"),
        ({"windows.0.name": "综 合", "windows.1.name": "综合"}, "这个窗口写了两遍"),
        ({"windows.0.name": "长" * 101}, "太长，最多 100 个字"),
        ({"windows.7.name": "综合", "windows.7.capacity": "-1"}, "不能小于 0"),
    ],
)
def test_wrong_rules_are_told_beside_the_field_and_nothing_typed_is_lost(
    desk: Office, changes: dict[str, str], said: str
) -> None:
    answer = send(desk, "zhou", "rules", form(lead="77", **changes))
    assert answer.status_code == 422
    assert "没有保存" in told(answer.text)
    assert said in answer.text
    assert 'value="77"' in answer.text
    with desk.house.reading() as session:
        row = session.get(DeskHallRow, (CITY, HALL))
    assert row is not None
    assert row.rules["lead"] == 60


def test_a_hall_stops_taking_appointments_and_begins_again(desk: Office) -> None:
    text = done(desk, send(desk, "zhou", "shut"), "zhou")
    assert "已停止接受预约" in told(text)
    assert "不接受预约" in see(desk, "zhou", "/rules", **AT)
    assert record(desk).detail == {"shut": True}
    done(desk, send(desk, "zhou", "rules", form()), "zhou")
    assert record(desk).detail["opened"] is True
    assert "停止接受预约" in see(desk, "zhou", "/rules", **AT)


# -- days --


def test_the_day_list_is_masked_counted_and_a_table(desk: Office) -> None:
    at, other = book(desk), book(desk, 10, person=LI, owner="page:2")
    text = see(desk, "lin", "/day", **AT)
    assert at.number in text
    assert other.number in text
    assert "已预约 2" in text
    for secret in (ZHANG.name, ZHANG.phone, ZHANG.identity, LI.name, LI.phone):
        assert secret not in text
    answer = desk.signed("lin").get("/console/desk/day.csv", params={**AT, "day": str(TODAY)})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row[5] for row in rows[1:]] == [at.number, other.number]
    assert ZHANG.phone not in answer.text


def test_somebody_is_checked_in_by_code_and_by_number(desk: Office) -> None:
    at, other = book(desk), book(desk, 10, person=LI, owner="page:2")
    code = desk.house.desk.held(at.id).details
    assert code is not None
    for arrival in (scan_text(at, code.code), f"{other.number[:5]} {other.number[5:]}"):
        text = done(desk, send(desk, "lin", "check-in", {"arrival": arrival}), "lin")
        assert "已登记到场" in told(text)
        entry = record(desk)
        assert (entry.act, entry.who, entry.detail["status"]) == ("desk.end", "lin", "attended")
    assert "已到场 2" in text


@pytest.mark.parametrize(
    ("arrival", "said"),
    [
        ("", "预约号不对"),
        ("1234567890", "预约号不对"),
        ("BANGBAN:1:2", "扫到的不是预约二维码"),
        ("7992739875", "没有"),
        ("<script>alert(1)</script>", "预约号不对"),
        ("9" * 5000, "预约号不对"),
    ],
)
def test_what_is_no_number_is_told_in_plain_words(desk: Office, arrival: str, said: str) -> None:
    answer = send(desk, "lin", "check-in", {"arrival": arrival})
    assert answer.status_code in (404, 422)
    assert said in told(answer.text)
    assert "<script>alert" not in answer.text


def test_nobody_is_missed_before_their_time(desk: Office) -> None:
    at = book(desk, 15)
    answer = send(desk, "lin", "no-show", {"number": at.number})
    assert answer.status_code == 409
    assert "还没到预约的时间" in told(answer.text)
    with desk.house.writing.begin() as session:
        row = session.get(AppointmentRow, at.id)
        assert row is not None
        row.starts_at = THURSDAY - timedelta(minutes=30)
    text = done(desk, send(desk, "lin", "no-show", {"number": at.number}), "lin")
    assert "没有到场 1" in text
    assert record(desk).detail["status"] == "missed"


def test_whom_to_call_is_shown_for_a_reason_alone_and_put_on_record(desk: Office) -> None:
    at = book(desk)
    for why in ("", "x", "长" * 201):
        answer = send(desk, "lin", "reveal", {"number": at.number, "why": why})
        assert answer.status_code == 422
        assert ZHANG.phone not in answer.text
    answer = send(desk, "lin", "reveal", {"number": at.number, "why": "停电，通知改期"})
    assert answer.status_code == 200
    assert ZHANG.name in answer.text
    assert ZHANG.phone in answer.text
    assert answer.headers["cache-control"] == "no-store"
    entry = record(desk)
    assert (entry.act, entry.who, entry.why) == ("desk.reveal", "lin", "停电，通知改期")
    assert entry.subject == f"appointment:{at.number}"
    assert ZHANG.phone not in str(entry)
    assert ZHANG.phone not in see(desk, "lin", "/day", **AT)


def test_a_day_is_closed_and_opened_again_and_it_is_told_whom_to_call(desk: Office) -> None:
    at = book(desk, day=TOMORROW)
    text = done(desk, send(desk, "zhou", "day/hours", {"closed": "yes", "note": "停电检修"}, day=TOMORROW), "zhou")
    assert "已改为不办公" in told(text)
    assert "有 1 个预约没有了时间" in told(text)
    assert "要打电话的人（1）" in text
    assert at.number in text
    entry = record(desk)
    assert (entry.act, entry.why, entry.detail["displaced"]) == ("desk.hours", "停电检修", 1)
    month = see(desk, "lin", "/month", **AT)
    assert "停电检修" in month
    assert "关闭" in month
    text = done(desk, send(desk, "zhou", "day/weekly", day=TOMORROW), "zhou")
    assert "已改回平常的办公时间" in told(text)
    assert "停电检修" not in see(desk, "lin", "/month", **AT)
    assert record(desk).detail["weekly"] is True


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "请填写办公时间"),
        ({"opens.0": "09:00"}, "每一段都要写"),
        ({"opens.0": "09:00", "closes.0": "25:00"}, "时间请写成"),
        ({"opens.0": "12:00", "closes.0": "09:00"}, "结束时间要晚于开始时间"),
        ({"opens.0": "09:00", "closes.0": "12:00", "opens.1": "11:00", "closes.1": "13:00"}, "不能重叠"),
        ({"closed": "yes", "note": "长" * 201}, "不要超过 200 个字"),
    ],
)
def test_wrong_hours_are_told_and_what_was_typed_stays(desk: Office, data: dict[str, str], said: str) -> None:
    answer = send(desk, "zhou", "day/hours", {"note": "检修", **data}, day=TOMORROW)
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{data.get("note", "检修")}"' in answer.text
    with desk.house.reading() as session:
        assert session.scalars(select(ExceptionRow)).all() == []


def test_a_past_day_keeps_its_hours(desk: Office) -> None:
    yesterday = TODAY - timedelta(days=1)
    assert "day/hours" not in see(desk, "zhou", "/day", **AT, day=yesterday)
    assert send(desk, "zhou", "day/hours", {"closed": "yes"}, day=yesterday).status_code == 422


def test_a_note_is_never_markup(desk: Office) -> None:
    evil = '<script>alert(1)</script><img src=x onerror="alert(2)">'
    done(desk, send(desk, "zhou", "day/hours", {"closed": "yes", "note": evil}, day=TOMORROW), "zhou")
    for path in ("/day", "/month"):
        text = see(desk, "zhou", path, **AT, day=TOMORROW)
        assert "&lt;script&gt;" in text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
    done(desk, send(desk, "zhou", "calendar/2026/day", {"day": "2026-12-31", "working": "no", "name": evil}), "zhou")
    assert "<script>alert" not in see(desk, "zhou", "/calendar/2026")


@pytest.mark.parametrize(
    "query",
    [
        {**AT, "day": "x"},
        {**AT, "day": "0001-01-01"},
        {**AT, "day": "2026-02-30"},
        {**AT, "month": "2026-13"},
        {**AT, "month": "0001-01"},
        {"hall": ""},
        {"hall": f"{CITY} 没有这个大厅"},
        {"hall": "x" * 300},
    ],
)
def test_an_address_that_names_nothing_is_told_so(desk: Office, query: dict[str, str]) -> None:
    path = "month" if "month" in query else "day"
    answer = desk.signed("zhou").get(f"/console/desk/{path}", params=query)
    assert answer.status_code in (403, 404, 422)
    assert "没有办成" in answer.text


# -- the calendar --


def test_a_year_is_entered_by_pasting_lines(desk: Office) -> None:
    assert "待公布" in see(desk, "lin", "/calendar/2027")
    lines = "2027-10-01 放假 国庆节\n\n 2027-10-09   上班\n2027-01-01 放假 元旦"
    text = done(desk, send(desk, "zhou", "calendar/2027", {"lines": lines}), "zhou")
    assert "2027 年的放假安排已保存" in told(text)
    assert "已公布" in text
    assert "调休上班" in text
    entry = record(desk)
    assert (entry.act, entry.subject, entry.region) == ("desk.year", "year:2027", CITY)
    assert "2027-10-09 上班" in entry.detail["after"]
    # What the page shows for editing enters the same year again.
    shown = re.search(r'name="lines"[^>]*>\n(.*?)</textarea>', text, re.DOTALL)
    assert shown
    done(desk, send(desk, "zhou", "calendar/2027", {"lines": shown[1]}), "zhou")
    assert record(desk).detail["before"] == record(desk).detail["after"]


def test_a_year_that_somebody_else_changed_meanwhile_is_not_overwritten_unseen(desk: Office) -> None:
    def seen(text: str) -> str:
        return re.findall(r'name="seen" value="(\w+)"', text)[0]

    desk_changes.announce(desk.house, "lin", 2027, [SpecialDay(date(2027, 10, 1), False, "国庆节")])
    read = seen(see(desk, "zhou", "/calendar/2027"))
    desk_changes.enter(desk.house, "lin", SpecialDay(date(2027, 3, 2), False, "台风停办"))
    mine = {"lines": "2027-10-01 放假 国庆节\n2027-10-09 上班"}
    wrong = send(desk, "zhou", "calendar/2027", {"lines": "2027-13-01 放假", "seen": read})
    assert seen(wrong.text) == read, "what was not looked at stays so"
    answer = send(desk, "zhou", "calendar/2027", mine | {"seen": read})
    assert answer.status_code == 409
    assert "刚刚被别人改过" in told(answer.text)
    assert "2027-03-02 放假 台风停办" in told(answer.text)
    assert mine["lines"] in answer.text
    assert 'scope="row">2027-03-02' in answer.text
    again = mine | {"seen": seen(answer.text), "lines": mine["lines"] + "\n2027-03-02 放假 台风停办"}
    text = done(desk, send(desk, "zhou", "calendar/2027", again), "zhou")
    assert "台风停办" in text
    assert record(desk).detail["displaced"] == 0


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "还没有填写"),
        ("2027-10-01", "第 1 行看不懂"),
        ("2027-10-01 放假\n2027-13-01 放假", "第 2 行：日期请写成"),
        ("2026-10-01 放假", "第 1 行：这里只能填 2027 年"),
        ("2027-10-01 放假\n2027-10-01 上班", "写了两遍"),
        ("2027-10-01 放假 " + "长" * 61, "名称请不要超过 60 个字"),
    ],
)
def test_a_wrong_line_is_named(desk: Office, lines: str, said: str) -> None:
    answer = send(desk, "zhou", "calendar/2027", {"lines": lines})
    assert answer.status_code == 422
    assert said in answer.text
    assert "待公布" in see(desk, "zhou", "/calendar/2027")


def test_a_day_entered_displaces_and_says_so(desk: Office) -> None:
    book(desk, day=TOMORROW)
    data = {"day": str(TOMORROW), "working": "no", "name": "临时放假"}
    text = done(desk, send(desk, "zhou", "calendar/2026/day", data), "zhou")
    assert "有 1 个预约没有了时间" in told(text)
    assert "临时放假" in text
    assert record(desk).act == "desk.day"
    assert "要打电话的人（1）" in see(desk, "lin", "/day", **AT, day=TOMORROW)


# -- in the browser --


def test_a_day_by_keyboard_from_check_in_to_whom_to_call(desk: Office, visit: Visit) -> None:
    at, other = book(desk), book(desk, 10, person=LI, owner="page:2")
    page: Page = visit("zhou", f"/console/desk/day?hall={CITY}+{HALL}")
    page.get_by_label("登记到场：扫预约单的码").focus()
    page.keyboard.type(at.number)
    page.keyboard.press("Enter")  # as a scanner does
    expect(page.get_by_role("status")).to_contain_text("已登记到场")
    expect(page.get_by_role("status")).to_be_focused()  # so it is read out first
    page.get_by_label("全天不办公").focus()
    page.keyboard.press("Space")
    page.get_by_label("说明（群众能看到）").focus()
    page.keyboard.type("停电检修")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("有 1 个预约没有了时间")
    expect(page.get_by_role("heading", name="要打电话的人（1）")).to_be_visible()
    page.get_by_text(f"看 {other.number} 的电话").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("停电，通知改期")
    page.keyboard.press("Enter")
    expect(page.get_by_text(LI.phone)).to_be_visible()
    axe(page)
    page.emulate_media(media="print")
    expect(page.get_by_text(LI.phone)).to_be_hidden()
    expect(page.get_by_role("table", name="名单")).to_be_visible()


@pytest.mark.parametrize("path", ["rules", "month", "/console/desk/calendar/2026"])
def test_axe_finds_nothing_serious_on_the_other_pages(desk: Office, visit: Visit, path: str) -> None:
    page = visit("zhou", path if path.startswith("/") else f"/console/desk/{path}?hall={CITY}+{HALL}")
    axe(page, night=False)
