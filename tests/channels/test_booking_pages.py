"""Booking on pages, as a browser without scripts does it."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog
from icalendar import Calendar

from channels.web import limits
from core.clock import CHINA
from desk import days
from desk.status import Status
from tests.channels.town import CITY, HALL, KEY, PERSON, Town, opened, other, rules, town

__all__ = ["opened", "town"]  # fixtures

XSS = '"><script>alert(1)</script>'
PAGE = {"Accept": "text/html"}


def links(page: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r'href="([^"]+)"', page)]


def get(town: Town, path: str, status: int = 200) -> str:
    answer = town.client.get(path, headers=PAGE)
    assert answer.status_code == status, answer.text
    return answer.text


def post(town: Town, path: str, **form: str) -> tuple[int, str, str]:
    """Status, text, and where it leads."""
    answer = town.client.post(path, data=form, headers=PAGE, follow_redirects=False)
    return answer.status_code, answer.text, answer.headers.get("location", "")


def kept(town: Town) -> list[str]:
    """The numbers of all appointments that hold a place tomorrow."""
    with town.house.reading() as session:
        found = days.entries(session, town.house.vault, CITY, HALL, town.watch.tomorrow)
    return [one.appointment.number for one in found if one.appointment.status is Status.BOOKED]


# -- the walk --


def test_a_citizen_walks_from_the_front_page_to_the_slip_by_links_and_one_form(town: Town) -> None:
    assert "/book" in links(get(town, "/"))
    found = get(town, "/book?q=身份证丢了")
    halls = get(town, f"/book?guide={town.guide()}")
    assert f"/book?guide={town.guide()}" in links(found)
    for words in ("云桥市政务服务中心", "望桥大道100号", "0000-5550100", "10月15日 周四", "打开网上办理"):
        assert words in halls
    month = get(town, next(one for one in links(halls) if f"window={town.window().id}" in one))
    day = get(town, next(one for one in links(month) if one.endswith("day=2026-10-16")))
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', day))
    first = re.findall(r'type="radio" name="starts" value="([^"]+)"', day)[0]
    status, _, slip = post(town, "/book", **sent, starts=first, **PERSON)
    assert status == 303
    shown = get(town, slip)
    for words in (
        "居民身份证丢失补领",
        "2026年10月16日 周五 09:00–09:30",
        HALL,
        "望桥大道100号",
        "地铁1号线",
        "张*",
        "138****8000",
    ):
        assert words in shown
    assert "张伟" not in shown
    assert PERSON["phone"] not in shown
    assert PERSON["identity"] not in shown
    assert "登记表" in shown, "what to bring"


def test_every_step_is_an_address_that_can_be_kept(town: Town) -> None:
    step = f"/book?guide={town.guide()}&window={town.window().id}"
    assert get(town, step) == get(town, step)
    assert "10月16日 周五，几点去" in get(town, f"{step}&day=2026-10-16")


def test_a_guide_leads_to_booking_where_it_is_booked_here(town: Town) -> None:
    assert f"/book?guide={town.guide()}" in links(get(town, f"/guides/{town.guide()}"))
    walk_in = town.guide("yq-sfz-004")
    assert not any("/book?guide" in one for one in links(get(town, f"/guides/{walk_in}")))


def test_what_takes_no_appointments_tells_when_to_walk_in(town: Town) -> None:
    page = get(town, f"/book?guide={town.guide('yq-sfz-004')}")
    assert "不用预约" in page
    assert "办公时间" in page
    assert "09:00" in page


def test_where_the_guide_does_not_say_one_is_told_to_call_first(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    offer = town.house.desk.offer(town.guide("yq-sfz-004"))
    assert offer
    guide = offer.published.guide
    silent = replace(offer, published=replace(offer.published, guide=guide.model_copy(update={"booking": None})))
    monkeypatch.setattr(type(town.house.desk), "_offer", lambda self, session, guide: silent)
    page = get(town, f"/book?guide={offer.published.id}")
    assert "不用预约" not in page
    assert "没有写这件事要不要预约" in page
    assert f'请先打电话问一下：<a href="tel:00005550100">{guide.places[0].phone}</a>' in page


def earliest(town: Town) -> str:
    """What is said of the city's hall where its next free day would be."""
    return re.findall(r"<dt>最早有空</dt><dd>(.*?)</dd>", get(town, f"/book?guide={town.guide()}"))[0]


def test_a_hall_without_free_days_says_why(town: Town) -> None:
    rules(town, capacity=0)
    assert earliest(town) == "这个窗口暂时不接受预约"
    rules(town, capacity=1, horizon=0, windows={})
    town.watch.time += timedelta(days=1)  # a Friday
    day = town.watch.today
    with town.house.writing.begin() as session:
        days.set_hours(session, CITY, HALL, day, [("09:00", "10:00")], note="", by="王芳", now=town.watch.time)
    town.book(9, 30, day=day, **other())  # the only time left: nine is in less than an hour
    assert earliest(town) == "最近都约满了，可以过几天再来看看"


def test_a_year_that_is_not_announced_is_said_where_halls_are_chosen(town: Town) -> None:
    town.watch.time = datetime(2026, 12, 31, 18, tzinfo=CHINA)
    assert "2027年放假安排待公布" in earliest(town)


def test_the_nearest_hall_comes_first_where_a_position_is_given(town: Town) -> None:
    def order(near: str) -> list[str]:
        page = get(town, f"/book?guide={town.guide()}&near={near}")
        return re.findall(r"<h2>(.+?)</h2>", page)

    windows = [town.window(at).hall for at in range(4)]
    for hall in windows:
        assert order(f"{hall.latitude},{hall.longitude}")[0] == hall.name
    for bad in ("", "x", "1,2,3", "nan,1", "91,0", "1e999,2"):
        assert order(bad) == [hall.name for hall in windows]


@pytest.mark.parametrize("guide", ["999999", "0", "-1", "x", "9" * 40, "1 OR 1=1", "²"])
def test_a_guide_that_is_not_there_is_said_so(town: Town, guide: str) -> None:
    assert "没有" in get(town, f"/book?guide={guide}", 404)


@pytest.mark.parametrize(
    "query",
    [
        "window=x",
        "month=2026-13",
        "month=x",
        "day=x",
        "day=0000-00-00",
        "day=0001-01-01",
        f"window={'9' * 300}&day=9999-12-31",
    ],
)
def test_what_means_nothing_in_an_address_counts_as_not_chosen(town: Town, query: str) -> None:
    assert "去哪个大厅" in get(town, f"/book?guide={town.guide()}&{query}")


# -- the calendar --


def test_the_calendar_is_a_table_whose_days_say_themselves(town: Town) -> None:
    page = get(town, f"/book?guide={town.guide()}&window={town.window().id}")
    table = re.search(r"<table.*?</table>", page, re.S)
    assert table
    assert "<caption" in table[0]
    assert table[0].count('<th scope="col">') == 7
    named = [re.sub(r"<[^>]+>", "", one) for one in re.findall(r"<a .*?</a>", table[0])]
    assert named[0] == "10月15日，星期四，余 48"
    cells = [re.sub(r"<[^>]+>", "", one) for one in re.findall(r"<td>.*?</td>", table[0])]
    assert "18日，大厅周日不办公" in cells
    assert "14日，已经过去了" in cells
    assert "27日，还没放号" in cells


def test_a_closed_day_says_why_and_leads_back(town: Town) -> None:
    with town.house.writing.begin() as session:
        days.set_hours(
            session, CITY, HALL, town.watch.tomorrow, [], note="消防演练，全天停办", by="王芳", now=town.watch.time
        )
    step = f"/book?guide={town.guide()}&window={town.window().id}"
    assert "消防演练" in get(town, step)
    page = get(town, f"{step}&day={town.watch.tomorrow}")
    assert "消防演练，全天停办" in page
    assert f"{step}&month=2026-10" in links(page)
    assert "<form" not in page


def test_one_turns_to_the_next_month_only_while_it_has_days(town: Town) -> None:
    rules(town, horizon=20)
    step = f"/book?guide={town.guide()}&window={town.window().id}"
    october = get(town, step)
    assert f"{step}&month=2026-11" in links(october)
    assert f"{step}&month=2026-09" not in links(october)
    november = get(town, f"{step}&month=2026-11")
    assert f"{step}&month=2026-10" in links(november)
    assert f"{step}&month=2026-12" not in links(november)
    assert get(town, f"{step}&month=2031-01") == november


def test_days_not_yet_announced_say_so(town: Town) -> None:
    rules(town, horizon=20)
    town.watch.time += timedelta(days=70)  # the end of December
    step = f"/book?guide={town.guide()}&window={town.window().id}"
    assert "现在可以约到 12月31日" in get(town, step)
    assert "2027年放假安排待公布" in get(town, f"{step}&day=2027-01-05")


# -- what goes wrong --


def test_all_that_is_wrong_is_said_at_once_and_what_was_typed_stays(town: Town) -> None:
    form = town.form(name="张", phone="12345", identity="110101")
    status, page, _ = post(town, "/book", **{**form, "starts": ""})
    assert status == 422
    assert "有 4 处要改" in page
    for field in ("times", "name", "phone", "identity"):
        assert f'href="#{field}"' in page
        assert f'id="{field}"' in page
    assert 'role="alert"' in page
    assert page.count('aria-invalid="true"') == 3
    assert 'value="12345"' in page
    assert f'value="{KEY}"' in page


def test_what_was_typed_never_gets_into_an_address(town: Town) -> None:
    _, page, _ = post(town, "/book", **town.form(phone="12345678901"))
    assert not any("12345678901" in one for one in links(page))
    slip = town.book()
    assert all(one not in slip for one in PERSON.values())


def test_a_full_time_is_shown_as_full_and_another_can_be_taken_at_once(town: Town) -> None:
    for n in range(4):
        town.book(10, **other(n))
    status, page, _ = post(town, "/book", **town.form(10))
    assert status == 409
    assert "约满了" in page
    assert re.search(
        r'value="2026-10-16T10:00" required disabled>\s*<span><b>10:00</b> <span class="left">到 10:30，已满', page
    )
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert post(town, "/book", **sent, starts="2026-10-16T10:30", **PERSON)[0] == 303


def test_a_rule_of_the_hall_is_told_in_its_own_words(town: Town) -> None:
    town.book(9)
    status, page, _ = post(town, "/book", **town.form(10, key="another-key-00000001"))
    assert status == 409
    assert "现在不能再约这件事" in page
    assert "“我的预约”" in page
    assert links(page).count("/book/mine") == 1


def test_two_taps_on_the_button_book_once(town: Town) -> None:
    one, two = town.book(), town.book()
    assert town.proof(one) == town.proof(two)
    assert len(kept(town)) == 1


def test_the_same_form_with_another_time_is_another_wish(town: Town) -> None:
    town.book(9)
    status, page, _ = post(town, "/book", **town.form(14))
    assert (status, "已经约过" in page) == (409, True)


def test_an_identity_number_nobody_asked_for_is_not_kept(town: Town) -> None:
    assert "身份证 1" in get(town, town.book())
    rules(town, windows={})  # none asks for it
    assert "身份证 1" not in get(town, town.book(day=town.watch.today, key="another-key-00000001", hour=14))


@pytest.mark.parametrize(
    "starts", ["", "x", "2026-10-16", "0001-01-01T00:00", "9999-12-31T23:59+14:00", "2026-10-16T09:07"]
)
def test_a_time_that_is_none_is_refused_kindly(town: Town, starts: str) -> None:
    status, page, _ = post(town, "/book", **{**town.form(), "starts": starts})
    assert status in (409, 422)
    assert 'role="alert"' in page
    assert kept(town) == []


@pytest.mark.parametrize("window", ["", "x", "' OR 1=1 --"])
def test_a_window_that_is_none_leads_back_to_the_halls(town: Town, window: str) -> None:
    status, page, _ = post(town, "/book", **town.form(window=window))
    assert status == 409
    assert "去哪个大厅" in page


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space in it 00"])
def test_a_form_with_a_key_of_somebody_elses_making_is_not_booked(town: Town, key: str) -> None:
    assert post(town, "/book", **town.form(key=key))[0] == 409
    assert kept(town) == []


def test_a_form_that_is_none_is_refused(town: Town) -> None:
    assert town.client.post("/book", json={"guide": 1}).status_code == 422
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert town.client.post("/book", content=b"guide=%ff%fe&a=\xff", headers=form).status_code in (404, 422)
    assert town.client.post("/book", content=b"a=1&" * 100, headers=form).status_code == 422
    assert town.client.post("/book", content=b"name=" + b"x" * 70_000, headers=form).status_code == 413


def test_nobody_books_without_end_from_one_address(town: Town) -> None:
    town.house.settings.booking_limit_address = 2
    try:
        town.book(9)
        for _ in range(3):
            assert post(town, "/book", **town.form(9, 30))[0] == 409
            assert post(town, "/book", **town.form(9, 30, phone="12345"))[0] == 422
        town.book(9, **other())
        status, page, _ = post(town, "/book", **town.form(10))
    finally:
        town.house.settings.booking_limit_address = 0
    assert status == 429
    assert "这个网络一小时内约得太多了" in page
    assert "试的次数" not in page
    assert f'value="{PERSON["name"]}"' in page


def test_hostile_text_is_shown_as_text(town: Town) -> None:
    pages = [
        get(town, f"/book?q={XSS}"),
        get(town, f"/book?guide={town.guide()}&near={XSS}"),
        get(town, f"/book?guide={town.guide()}&window={XSS}&month={XSS}&day={XSS}"),
        post(town, "/book", **town.form(name=XSS, phone=XSS, identity=XSS, key=XSS))[1],
        post(town, "/book", **town.form(window=XSS, starts=XSS, day=XSS))[1],
        post(town, "/book/mine", number=XSS, code=XSS)[1],
    ]
    for page in pages:
        assert "<script>alert" not in page


# -- the slip --


def test_the_code_to_scan_and_the_calendar_come_with_the_slip(town: Town) -> None:
    slip = town.book()
    number, code = town.proof(slip)
    image = town.client.get(f"{slip}/qr.svg")
    assert image.headers["content-type"] == "image/svg+xml"
    assert image.content.startswith(b"<?xml")
    file = town.client.get(f"{slip}/booking.ics")
    (event,) = Calendar.from_ical(file.text).walk("VEVENT")
    assert number in event["description"]
    assert event["dtstart"].dt.isoformat() == "2026-10-16T01:00:00+00:00"
    for secret in (code, slip.rsplit("/", 1)[1], *PERSON.values()):
        assert secret not in file.text


def test_nothing_keeps_lists_or_betrays_a_slip(town: Town) -> None:
    slip = town.book()
    paths = ["", "/qr.svg", "/booking.ics", "/change", "/cancel", f"/change?window={town.window().id}"]
    for path in [slip + path for path in paths] + ["/book/slip/wrong"]:
        headers = town.client.get(path, headers=PAGE).headers
        assert headers["cache-control"] == "no-store", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert headers["x-robots-tag"] == "noindex", path
    for path in paths[:1] + paths[3:]:
        assert '<meta name="referrer" content="no-referrer">' in get(town, slip + path)


def test_an_appointment_is_moved_to_another_time_and_hall(town: Town) -> None:
    slip = town.book()
    before = town.proof(slip)
    other = town.window(1)
    page = get(town, f"{slip}/change?window={other.id}&day=2026-10-19")
    assert "改到几点" in page
    assert 'name="phone"' not in page
    starts = re.findall(r'type="radio" name="starts" value="([^"]+)"', page)[0]
    status, _, back = post(town, f"{slip}/change", window=other.id, day="2026-10-19", starts=starts)
    assert (status, back) == (303, slip)
    shown = get(town, slip)
    assert other.hall.name in shown
    assert "10月19日 周一" in shown
    assert town.proof(slip) == before
    assert kept(town) == []


def test_moving_to_a_full_time_keeps_the_old_one_and_shows_the_times(town: Town) -> None:
    slip = town.book(9)
    for n in range(4):
        town.book(10, **other(n))
    status, page, _ = post(town, f"{slip}/change", window=town.window().id, day="2026-10-16", starts="2026-10-16T10:00")
    assert status == 409
    assert "约满了" in page
    assert "改到几点" in page
    assert "09:00–09:30" in get(town, slip)


def test_cancelling_asks_once_more_and_gives_the_place_back(town: Town) -> None:
    slip = town.book()
    assert "要取消" in get(town, f"{slip}/cancel")
    assert len(kept(town)) == 1, "asking changes nothing"
    assert post(town, f"{slip}/cancel")[0::2] == (303, slip)
    page = get(town, slip)
    assert "已取消" in page
    assert "/qr.svg" not in page
    assert kept(town) == []
    assert post(town, f"{slip}/cancel")[0] == 303, "again does nothing"
    (event,) = Calendar.from_ical(town.client.get(f"{slip}/booking.ics").text).walk("VEVENT")
    assert event["status"] == "CANCELLED"


def test_too_late_to_cancel_is_said_on_the_slip(town: Town) -> None:
    slip = town.book(9)
    town.watch.time += timedelta(hours=24)  # half past eight on the day
    status, page, _ = post(town, f"{slip}/cancel")
    assert status == 409
    assert "来不及" in page
    assert "09:00–09:30" in page


def test_a_closed_hall_is_said_on_the_slip_with_times_to_choose(town: Town) -> None:
    slip = town.book()
    with town.house.writing.begin() as session:
        moved = days.set_hours(
            session, CITY, HALL, town.watch.tomorrow, [], note="停电", by="王芳", now=town.watch.time
        )
    assert moved == 1
    page = get(town, slip)
    assert "临时不办公" in page
    assert "大厅的说明：停电" in page
    assert "/qr.svg" not in page
    offered = [one for one in links(page) if "/change?" in one and "day=" in one]
    assert len(offered) == 5
    window = parse_qs(urlsplit(offered[0]).query)["window"][0]
    free = re.findall(r'type="radio" name="starts" value="([^"]+)"', get(town, offered[1]))[0]
    assert post(town, f"{slip}/change", window=window, starts=free)[0] == 303
    moved_on = get(town, slip)
    assert "预约好了" in moved_on
    assert "停电" not in moved_on


def test_the_reason_is_told_for_shorter_hours_too_and_after_they_are_taken_back(town: Town) -> None:
    slip = town.book(15)
    with town.house.writing.begin() as session:
        hours = [("09:00", "12:00")]
        days.set_hours(
            session, CITY, HALL, town.watch.tomorrow, hours, note="下午开会<b>", by="王芳", now=town.watch.time
        )
    assert "大厅的说明：下午开会&lt;b&gt;" in get(town, slip)
    with town.house.writing.begin() as session:
        days.reset_hours(session, CITY, HALL, town.watch.tomorrow, by="王芳", now=town.watch.time)
    assert "大厅的说明：下午开会" in get(town, slip)


def test_what_becomes_of_ones_details_is_said_before_they_are_sent(town: Town) -> None:
    page = get(town, f"/book?guide={town.guide()}&window={town.window().id}&day={town.watch.tomorrow}")
    assert "只给办这件事的窗口人员看" not in page
    assert "每看一次都会记下" in page


def test_a_withdrawn_guide_leaves_the_slip_readable(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    slip = town.book()
    monkeypatch.setattr(type(town.house.desk), "_offer", lambda self, session, guide: None)
    page = get(town, slip)
    assert "居民身份证丢失补领" in page
    assert "打大厅电话" in page
    assert town.client.get(f"{slip}/change", follow_redirects=False).headers["location"] == slip
    assert post(town, f"{slip}/change", window="x", starts="2026-10-19T09:00")[0] == 409


def test_a_token_that_was_changed_opens_nothing(town: Town) -> None:
    slip = town.book()
    token = slip.rsplit("/", 1)[1]
    details = town.house.vault.lock('{"number": "1"}')
    tampered = [
        token[:-2], token[1:], token.swapcase(), "A" + token, "x", "1", "gAAAAA", token[:40] + "A" + token[41:],
        town.house.vault.lock("1"), town.house.vault.lock("slip 999999"), details, "%00", "张三", "..%2f..%2fetc",
    ]  # fmt: skip
    for wrong in tampered:
        for path in ("", "/qr.svg", "/booking.ics", "/change", "/cancel"):
            answer = town.client.get(f"/book/slip/{wrong}{path}", headers=PAGE)
            assert answer.status_code == 404, (wrong, path)
            assert "张" not in answer.text.replace("张三", "")
        assert post(town, f"/book/slip/{wrong}/cancel")[0] == 404
        assert post(town, f"/book/slip/{wrong}/change", starts="2026-10-19T09:00")[0] == 404
    assert len(kept(town)) == 1


def test_one_slip_does_not_open_anothers(town: Town) -> None:
    mine = town.book(9)
    theirs = town.book(10, **other())
    assert town.proof(mine) != town.proof(theirs)
    post(town, f"{mine}/cancel")
    assert "预约好了" in get(town, theirs)


def test_tokens_and_people_are_never_logged(town: Town) -> None:
    with structlog.testing.capture_logs() as logged:
        slip = town.book()
        number, code = town.proof(slip)
        post(town, "/book/mine", number=number, code=code)
        town.client.get(f"{slip}/qr.svg?x={PERSON['phone']}")
        post(town, f"{slip}/cancel")
        town.client.get("/book/slip/wrong-token-1234")
    written = str(logged)
    assert {"/book", "/book/mine", "/book/slip/{token}", "/book/slip/{token}/cancel"} <= {
        one.get("route") for one in logged
    }
    for secret in (slip.rsplit("/", 1)[1], number, code, "wrong-token", *PERSON.values()):
        assert secret not in written


# -- number and code --


def test_number_and_code_open_the_slip(town: Town) -> None:
    number, code = town.proof(town.book())
    status, _, slip = post(town, "/book/mine", number=f"{number[:3]} {number[3:6]} {number[6:]}", code=code)
    assert status == 303
    assert town.proof(slip) == (number, code)


def test_guessing_a_code_ends_after_five_tries(town: Town) -> None:
    number, code = town.proof(town.book())
    wrong = [f"{n:06}" for n in range(7) if f"{n:06}" != code][:6]
    answers = [post(town, "/book/mine", number=number, code=one)[0] for one in wrong]
    assert answers == [404] * limits.TRIES_NUMBER + [429]
    status, page, _ = post(town, "/book/mine", number=number, code=code)
    assert status == 429, "the right one does not help the guesser either"
    assert "分钟再试" in page
    assert code not in page.replace(f'value="{code}"', "")


def test_guessing_many_numbers_from_one_address_ends_after_twenty(town: Town) -> None:
    answers = [post(town, "/book/mine", number=f"{n:010}", code="000000")[0] for n in range(22)]
    assert answers[limits.TRIES_ADDRESS :] == [429, 429]
    assert 429 not in answers[: limits.TRIES_ADDRESS]


def test_opening_ones_own_slip_often_is_no_guessing(town: Town) -> None:
    number, code = town.proof(town.book())
    assert [post(town, "/book/mine", number=number, code=code)[0] for _ in range(8)] == [303] * 8


def test_a_wrong_number_and_a_wrong_code_sound_alike(town: Town) -> None:
    number, code = town.proof(town.book())
    other = "".join("1" if one != "1" else "2" for one in code)
    unknown = next(one for one in ("7992739875", "2222222222") if one != number)
    said = [
        re.findall(r'id="number-wrong">.*?</span>(.*?)</p>', post(town, "/book/mine", number=one, code=other)[1])
        for one in (number, unknown)
    ]
    assert said[0] == said[1] != []
