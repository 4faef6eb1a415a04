"""The code that staff scan and the entry for the calendar."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, datetime, timedelta
from xml.etree import ElementTree

import pytest
import segno
from icalendar import Calendar
from icalendar.cal import Component

from core.clock import CHINA
from core.errors import Invalid
from desk.appointments import Appointment
from desk.slips import Unscannable, calendar_file, qr_svg, read_scan, scan_text
from desk.status import Status
from tests.desk.conftest import THURSDAY, at

DAY = date(2026, 11, 24)
MADE = Appointment(
    id=1, number="7992739875", status=Status.BOOKED, region="980102", hall="东门政务服务中心", window="w",
    window_name="综合窗口", guide=7, guide_name="户口迁移", starts=at(DAY, 9), ends=at(DAY, 9, 30), owner="page:x",
    remind=False,
)  # fmt: skip
QUIET = 4  # modules of white around the code


def file(appointment: Appointment = MADE, now: datetime = THURSDAY, **changes: object) -> Component:
    made = {"address": "东门街 1 号", "url": "https://desk.example/book/mine", "remind": True, **changes}
    text = calendar_file(appointment, now=now, **made)  # type: ignore[arg-type]
    return Calendar.from_ical(text)


def event(calendar: Component) -> Component:
    (found,) = calendar.walk("VEVENT")
    return found


def test_the_code_says_number_and_code() -> None:
    assert scan_text(MADE, "012345") == "BANGBAN:7992739875:012345"
    assert read_scan(scan_text(MADE, "012345")) == ("7992739875", "012345")


def test_the_image_is_that_code_black_on_white_with_its_quiet_zone() -> None:
    drawn = qr_svg(MADE, "012345")
    root = ElementTree.parse(io.BytesIO(drawn)).getroot()
    wanted = segno.make_qr(scan_text(MADE, "012345"), error="m")
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert int(root.attrib["width"]) == 8 * (len(wanted.matrix) + 2 * QUIET)
    ground, modules = root.iter("{http://www.w3.org/2000/svg}path")
    assert (ground.attrib["fill"], modules.attrib["stroke"]) == ("#fff", "#000")
    assert b"style" not in drawn, "the pages' policy forbids styles in it"
    assert qr_svg(MADE, "012346") != drawn


@pytest.mark.parametrize("typed", ["bangban:7992739875:012345\r\n", " BANGBAN：7992739875：０１２３４５ "])
def test_a_scanner_may_change_case_width_and_add_an_end_of_line(typed: str) -> None:
    assert read_scan(typed) == ("7992739875", "012345")


@pytest.mark.parametrize(
    "text", ["", "7992739875", "BANGBAN:7992739875", "https://evil.example", "BANGBAN:1:2", "x" * 999]
)
def test_another_code_is_not_taken_for_ours(text: str) -> None:
    with pytest.raises(Unscannable):
        read_scan(text)


def test_a_number_with_a_wrong_digit_is_refused() -> None:
    with pytest.raises(Invalid):
        read_scan("BANGBAN:7992739876:012345")


def test_the_calendar_holds_the_time_and_the_place() -> None:
    calendar = file()
    entry = event(calendar)
    assert (str(calendar["method"]), str(entry["status"])) == ("PUBLISH", "CONFIRMED")
    assert entry["dtstart"].dt == at(DAY, 9)
    assert entry["dtend"].dt - entry["dtstart"].dt == timedelta(minutes=30)
    assert entry["dtstart"].dt.astimezone(CHINA).hour == 9
    assert str(entry["location"]) == "东门政务服务中心，东门街 1 号，综合窗口"
    assert "7992739875" in entry["description"]
    assert str(entry["url"]) == "https://desk.example/book/mine"


def test_a_reminder_rings_the_day_before_where_it_is_wished() -> None:
    (alarm,) = file().walk("VALARM")
    assert alarm["trigger"].dt == timedelta(days=-1)
    assert file(remind=False).walk("VALARM") == []


def test_a_later_file_is_the_same_entry_and_stands_above_the_former() -> None:
    moved = replace(MADE, starts=at(DAY, 10), ends=at(DAY, 10, 30))
    before, after = event(file()), event(file(moved, now=THURSDAY + timedelta(minutes=5)))
    assert before["uid"] == after["uid"]
    assert before["sequence"] < after["sequence"]


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.DISPLACED, Status.GIVEN_UP])
def test_what_is_off_takes_itself_out_of_the_calendar(status: Status) -> None:
    calendar = file(replace(MADE, status=status))
    assert str(calendar["method"]) == "CANCEL"
    assert str(event(calendar)["status"]) == "CANCELLED"
    assert calendar.walk("VALARM") == []


def test_no_line_of_the_file_can_be_forged_by_a_name() -> None:
    nasty = replace(MADE, guide_name="办证\r\nATTENDEE:mailto:x@evil.example\nEND:VEVENT")
    entry = event(file(nasty))
    assert "attendee" not in entry
    assert "ATTENDEE" in entry["summary"]
