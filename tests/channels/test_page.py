"""The portal and its widget in a real Chromium, on the real application with its Rasa."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.channels.conftest import Served
from tests.chromium import WATCH


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    context.add_init_script(WATCH)
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    opened.goto(f"http://127.0.0.1:{served.port}/")
    yield opened
    assert opened.evaluate("window.broken") == []
    context.close()


def ask(page: Page, text: str) -> None:
    said = page.locator("bangban-chat article.said")
    before = said.count()
    box = page.locator("bangban-chat textarea")
    box.fill(text)
    box.press("Enter")
    expect(said).to_have_count(before + 1)


def last(page: Page) -> str:
    return page.locator("bangban-chat article.said").last.inner_text()


def test_a_citizen_asks_and_reads_a_sourced_answer(page: Page) -> None:
    ask(page, "身份证丢了咋补")
    answer = last(page)
    assert "居民身份证丢失补领" in answer
    assert "云桥市公安局" in answer
    assert "第 1 版" in answer


def test_a_follow_up_and_two_questions_in_one_breath_are_answered(page: Page) -> None:
    ask(page, "护照怎么办")
    ask(page, "那要带什么，多少钱")
    answer = last(page)
    assert "材料 1" in answer
    assert "120元" in answer.replace(" ", "")


def test_a_choice_is_taken_by_a_tap_and_by_a_number(page: Page) -> None:
    ask(page, "低保怎么申请")
    said = page.locator("bangban-chat article.said")
    said.last.get_by_role("button", name="竹溪区").click()
    expect(said).to_have_count(2)
    assert "竹溪区民政局" in last(page)
    ask(page, "高龄津贴怎么领")
    if "请问您在哪个区" in last(page):
        ask(page, "2")
    assert "竹溪区" in last(page)


def test_the_conversation_is_still_there_after_a_reload(page: Page) -> None:
    ask(page, "护照怎么办")
    page.reload()
    expect(page.locator("bangban-chat article.said")).to_have_count(1)
    ask(page, "多久能好")
    assert "护照" in last(page)


def test_a_service_on_the_front_page_leads_to_its_guide(page: Page) -> None:
    page.locator("ul.cards a").first.click()
    expect(page.locator("article.page h1")).to_be_visible()
    expect(page.get_by_role("heading", name="申请材料")).to_be_visible()
