"""Booking in a real browser: on the real application with the demonstration city."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from bot.conversation import sender_of
from core.clock import CHINA
from desk import days
from desk.people import Person
from tests.channels.town import CITY, HALL, PERSON, Town, opened, town
from tests.chromium import WATCH
from tests.web.stub import Open, Site, message

__all__ = ["opened", "town"]  # fixtures

# Between the parts of a name a screen reader may pause.
CHOOSE = re.compile("选这里.*云桥市政务服务中心")
FRIDAY = re.compile("10月 ?16 ?日，星期五， ?余 5")
MONDAY = re.compile("10月 ?19 ?日，星期一")
ANYWHERE = {"Access-Control-Allow-Origin": "*"}
Visit = Callable[..., Any]  # path, width, height, large, browser context options -> Playwright's page


@pytest.fixture(scope="module")
def address(opened: Town) -> Iterator[str]:
    """Where the application is served; it was opened before, so that the server opens it not again."""
    with socket.socket() as listening:
        listening.bind(("localhost", 0))
        port = listening.getsockname()[1]
    config = uvicorn.Config(
        opened.client.app, host="localhost", port=port, log_level="warning", lifespan="off",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not running.started and time.monotonic() < deadline:
        time.sleep(0.02)
    yield f"http://localhost:{port}"
    running.should_exit = True
    thread.join(5)


@pytest.fixture
def visit(browser: Browser, address: str, town: Town) -> Iterator[Visit]:
    """Open a path in a fresh profile; at the end no policy violation and no script error may have happened."""
    pages: list[Page] = []

    def visited(
        path: str, width: int = 1280, height: int = 900, large: bool = False, clock: bool = False, **context: Any
    ) -> Page:
        profile = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", reduced_motion="reduce", **context
        )
        profile.add_init_script(WATCH)
        if large:
            profile.add_init_script("localStorage.setItem('bangban.elder', 'true')")
        page = profile.new_page()
        page.set_default_timeout(8000)
        if clock:
            page.clock.install()
        page.goto(address + path)
        pages.append(page)
        return page

    yield visited
    broken = [page.evaluate("window.broken") or [] for page in pages]
    for page in pages:
        page.context.close()
    assert not any(broken), broken


def steps(town: Town) -> dict[str, str]:
    """Every page of booking, by a name for it."""
    guide, window, slip = town.guide(), town.window().id, town.book(15, 30)
    at = f"/book?guide={guide}&window={window}"
    return {
        "item": "/book",
        "found": "/book?q=身份证",
        "halls": f"/book?guide={guide}",
        "walk-in": f"/book?guide={town.guide('yq-sfz-004')}",
        "month": at,
        "time": f"{at}&day=2026-10-16",
        "closed": f"{at}&day=2026-10-18",
        "mine": "/book/mine",
        "slip": slip,
        "change": f"{slip}/change?window={window}&day=2026-10-19",
        "cancel": f"{slip}/cancel",
    }


STEPS = ["item", "found", "halls", "walk-in", "month", "time", "closed", "mine", "slip", "change", "cancel"]


def serious(page: Page) -> list[str]:
    """What axe-core finds that keeps people out."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['help']}" for one in found if one["impact"] in ("serious", "critical")]


def session_of(page: Page) -> str:
    """The conversation's id, as the widget keeps it."""
    kept: str = page.evaluate("JSON.parse(sessionStorage.getItem('bangban.session'))")
    return kept


def close_tomorrow(town: Town, session: str) -> None:
    """An appointment of this conversation loses its time."""
    person = Person(PERSON["name"], PERSON["phone"], PERSON["identity"])
    starts = datetime(2026, 10, 16, 9, tzinfo=CHINA)
    owner = f"web:{sender_of(session)}"
    town.house.desk.book(town.guide(), town.window().id, starts, person, owner=owner, key="k")
    with town.house.writing.begin() as opened:
        days.set_hours(opened, CITY, HALL, town.watch.tomorrow, [], note="停电", by="王芳", now=town.watch.time)
    town.house.rounds.go()


# -- for everybody --


@pytest.mark.parametrize("name", STEPS)
def test_axe_finds_nothing_serious_on_any_step_by_day_and_by_night(town: Town, visit: Visit, name: str) -> None:
    page = visit(steps(town)[name])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert serious(page) == []
    page.emulate_media(color_scheme="dark")
    assert serious(page) == []


def test_axe_finds_nothing_serious_where_something_is_wrong(town: Town, visit: Visit) -> None:
    page = visit(steps(town)["time"])
    page.get_by_role("button", name="确定预约").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert serious(page) == []


@pytest.mark.parametrize("large", [False, True])
def test_no_step_scrolls_sideways_on_a_narrow_phone(town: Town, visit: Visit, address: str, large: bool) -> None:
    page = visit("/book", width=320, height=640, large=large)
    for name, path in steps(town).items():
        page.goto(address + path)
        if large:
            expect(page.locator("html")).to_have_class("elder")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        assert not page.evaluate("window.broken"), name


def test_what_is_tapped_is_large_enough_for_a_thumb(town: Town, visit: Visit, address: str) -> None:
    page, paths = visit("/book", width=360, height=740), steps(town)
    for name in ("halls", "month", "time", "slip"):
        page.goto(address + paths[name])
        boxes = (
            page.locator("main")
            .locator("a.button, button, .daylist a, .times label")
            .evaluate_all(
                "all => all.filter(one => one.getClientRects().length).map(one => one.getBoundingClientRect().height)"
            )
        )
        assert boxes
        assert min(boxes) >= 44, name


def test_a_phone_gets_the_days_as_a_list_and_a_desk_as_a_calendar(town: Town, visit: Visit) -> None:
    path = steps(town)["month"]
    phone, desk = visit(path, width=360, height=740), visit(path)
    expect(phone.get_by_role("table")).to_have_count(0)
    expect(phone.get_by_role("list", name="2026年10月").get_by_role("link").first).to_contain_text("10月15日 周四")
    expect(desk.get_by_role("table", name="2026年10月，每天还剩多少号")).to_be_visible()
    expect(desk.get_by_role("link", name=FRIDAY)).to_be_visible()


# -- the walk --


def test_an_appointment_is_booked_by_keyboard_alone(town: Town, visit: Visit) -> None:
    page = visit("/book")

    def tab_to(role: str, name: str | re.Pattern[str]) -> None:
        wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
        for _ in range(60):
            if wanted.evaluate("one => one === document.activeElement"):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"Tab never reached {role} {name}")

    tab_to("searchbox", "要办什么事")
    page.keyboard.type("身份证丢了")
    page.keyboard.press("Enter")
    tab_to("link", "居民身份证丢失补领")
    page.keyboard.press("Enter")
    tab_to("link", CHOOSE)
    page.keyboard.press("Enter")
    tab_to("link", FRIDAY)
    page.keyboard.press("Enter")
    tab_to("radio", re.compile("^09:00"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    for value in (PERSON["name"], PERSON["phone"], PERSON["identity"]):
        page.keyboard.type(value)
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="确定预约")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="预约好了")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("09:30–10:00")


def test_without_scripts_one_books_moves_and_cancels(town: Town, visit: Visit) -> None:
    page = visit("/book?q=身份证丢了", java_script_enabled=False)
    page.get_by_role("link", name="居民身份证丢失补领").click()
    page.get_by_role("link", name=CHOOSE).click()
    page.get_by_role("link", name=FRIDAY).click()
    page.get_by_role("radio", name=re.compile("^09:00")).check()
    for label, value in (("姓名", "name"), ("手机号", "phone"), ("身份证号", "identity")):
        page.get_by_label(label, exact=True).fill(PERSON[value])
    page.get_by_role("button", name="确定预约").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("预约好了")
    page.get_by_role("link", name="改时间").click()
    page.get_by_role("link", name=MONDAY).click()
    page.get_by_role("radio", name=re.compile("^14:00")).check()
    page.get_by_role("button", name="改到这个时间").click()
    expect(page.get_by_role("main")).to_contain_text("10月19日 周一 14:00–14:30")
    page.get_by_role("link", name="取消预约").click()
    page.get_by_role("button", name="取消预约").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已取消")


def test_what_is_wrong_takes_the_focus_and_leads_to_the_field(town: Town, visit: Visit) -> None:
    page = visit(steps(town)["time"])
    page.get_by_label("姓名").fill("张伟")
    page.get_by_role("button", name="确定预约").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("有 3 处要改")
    summary.get_by_role("link", name="手机号").click()
    expect(page.get_by_label("手机号")).to_be_focused()
    expect(page.get_by_label("手机号")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("姓名")).to_have_value("张伟")
    assert page.url.split("#")[0].endswith("/book")


def test_the_code_is_shown_and_the_slip_is_printed_without_buttons(town: Town, visit: Visit) -> None:
    page = visit(steps(town)["slip"], width=360, height=740)
    image = page.get_by_role("img", name="预约二维码")
    expect(image).to_be_visible()
    assert image.evaluate("one => one.complete && one.naturalWidth") > 200
    page.get_by_role("button", name="打印").click()
    assert page.evaluate("window.printed") is True
    page.emulate_media(media="print")
    expect(image).to_be_visible()
    expect(page.get_by_role("link", name="改时间")).to_be_hidden()
    expect(page.get_by_role("link", name="取消预约")).to_be_hidden()


# -- notices in the widget --


def test_what_the_desk_has_to_tell_appears_like_a_reply_and_opens_the_slip(town: Town, visit: Visit) -> None:
    page = visit("/", clock=True)
    box = page.locator("bangban-chat textarea")
    box.fill("你好")
    box.press("Enter")
    said = page.locator("bangban-chat article.said")
    expect(said).to_have_count(1)
    close_tomorrow(town, session_of(page))
    page.clock.fast_forward(61_000)
    expect(said).to_have_count(2)
    expect(said.last).to_contain_text("停电")
    link = said.last.locator("a.go").first
    expect(link).not_to_have_attribute("target", "_blank")
    link.click()
    expect(page.get_by_role("main")).to_contain_text("临时不办公")
    assert serious(page) == []


def greeted(visit: Visit) -> tuple[Page, Any]:
    """A page on which somebody has said 你好, and what was said to them."""
    page = visit("/", clock=True)
    box = page.locator("bangban-chat textarea")
    box.fill("你好")
    box.press("Enter")
    said = page.locator("bangban-chat article.said")
    expect(said).to_have_count(1)
    return page, said


def looked(page: Page) -> Any:
    """Waits for an answer about notices that were seen."""
    return page.expect_response(lambda one: one.url.endswith("/api/notices") and '"seen":["' in one.request.post_data)


def waiting(town: Town, page: Page) -> int:
    """How many notices are still to be told."""
    return len(town.house.desk.inbox(f"web:{sender_of(session_of(page))}"))


def test_a_notice_whose_answer_was_lost_appears_at_the_next_look(town: Town, visit: Visit) -> None:
    page, said = greeted(visit)
    close_tomorrow(town, session_of(page))

    def lose(route: Route) -> None:
        assert "停电" in route.fetch().text()
        route.abort()

    page.route("**/api/notices", lose, times=1)
    with page.expect_event("requestfailed"):
        page.clock.fast_forward(61_000)
    expect(said).to_have_count(1)
    assert waiting(town, page) == 1
    with looked(page):
        page.clock.fast_forward(61_000)
    expect(said).to_have_count(2)
    expect(said.last).to_contain_text("停电")
    assert waiting(town, page) == 0


def test_a_notice_is_shown_once_though_the_desk_did_not_hear_that_it_was(town: Town, visit: Visit) -> None:
    page, said = greeted(visit)
    close_tomorrow(town, session_of(page))

    def lose(route: Route) -> None:
        route.abort() if route.request.post_data_json["seen"] else route.continue_()

    page.route("**/api/notices", lose)
    with page.expect_event("requestfailed"):
        page.clock.fast_forward(61_000)
    expect(said).to_have_count(2)
    assert waiting(town, page) == 1
    page.unroute("**/api/notices")
    page.reload()
    expect(said).to_have_count(2)
    with looked(page):
        page.clock.fast_forward(61_000)
    assert waiting(town, page) == 0
    expect(said).to_have_count(2)


def test_opening_the_panel_brings_what_waited(town: Town, visit: Visit) -> None:
    page = visit("/book")
    page.get_by_role("button", name="云桥市帮办").click()
    box = page.locator("bangban-chat textarea")
    box.fill("你好")
    box.press("Enter")
    said = page.locator("bangban-chat article.said")
    expect(said).to_have_count(1)
    page.keyboard.press("Escape")
    close_tomorrow(town, session_of(page))
    page.get_by_role("button", name="云桥市帮办").click()
    expect(said).to_have_count(2)
    page.reload()
    expect(said).to_have_count(2)  # kept here, and told once


def test_who_never_asked_anything_is_not_looked_up(town: Town, visit: Visit) -> None:
    page = visit("/book", clock=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="云桥市帮办").click()
    expect(page.locator("bangban-chat textarea")).to_be_visible()
    page.clock.fast_forward(130_000)
    page.get_by_role("link", name="用预约号和验证码").focus()
    assert not [one for one in asked if one.endswith("/api/notices")]
    assert page.evaluate("sessionStorage.getItem('bangban.session')") is None


def test_on_another_site_the_slip_opens_on_our_server_in_a_new_tab(open_page: Open, site: Site) -> None:
    page = open_page(site.url.replace("localhost", "127.0.0.1") + "/foreign")
    page.get_by_role("button", name="帮办").click()
    box = page.get_by_role("combobox")
    box.fill("你好")
    box.press("Enter")
    said = page.locator("article.said")
    expect(said).to_have_count(1)
    told = message("book", "大厅停电，请换一个时间。", links=[{"label": "预约凭证", "url": "/book/slip/abc"}])
    answer = {"notices": [{"key": "displaced:1", "message": told}]}
    page.route("**/api/notices", lambda route: route.fulfill(json=answer, headers=ANYWHERE))
    page.keyboard.press("Escape")
    page.get_by_role("button", name="帮办").click()
    expect(said).to_have_count(2)
    link = said.last.locator("a.go")
    expect(link).to_have_attribute("href", f"{site.url}/book/slip/abc")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
