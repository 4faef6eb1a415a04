"""The portal, search and guide pages in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.web.stub import Open, Site

PALETTE = Path(__file__).resolve().parents[2] / "channels" / "web" / "static" / "palette.css"
# (foreground, background, least contrast): 4.5 for text, 3 for borders and focus rings
PAIRS = [
    *[(text, ground, 4.5) for text in ("ink", "muted", "brand") for ground in ("surface", "canvas", "tint")],
    *[(edge, ground, 3.0) for edge in ("edge", "focus", "brand") for ground in ("surface", "canvas")],
    ("ink", "danger-ground", 4.5),
    ("danger", "danger-ground", 4.5),
    ("danger", "canvas", 4.5),
    ("on-danger", "danger", 4.5),
    ("on-brand", "brand", 4.5),
    ("on-brand", "brand-deep", 4.5),
    ("on-bar", "bar", 4.5),
]
PAGES = ["/", "/guides/7", "/search?q=身份证", "/search?q=没有", "/guides/404", "/error"]


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", by WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_pair_of_colours_keeps_its_contrast(scheme: str) -> None:
    light, dark = PALETTE.read_text(encoding="utf-8").split("@media")
    colours = dict(re.findall(r"--bb-([a-z-]+): (#[0-9a-f]{6});", light if scheme == "light" else dark))
    low = []
    for front, ground, least in PAIRS:
        dim, bright = sorted((luminance(colours[front]), luminance(colours[ground])))
        contrast = (bright + 0.05) / (dim + 0.05)
        if contrast < least:
            low.append(f"{front} on {ground}: {contrast:.2f}")
    assert low == []


def test_the_portal_answers_a_question_asked_in_the_search_box(open_page: Open, site: Site) -> None:
    page = open_page("/")
    page.get_by_role("search").get_by_role("combobox").fill("户口迁移")
    page.keyboard.press("Enter")
    expect(page.locator("article.said")).to_have_count(1)
    assert site.asked[0][1] == site.asked[0][1] | {"text": "户口迁移", "region": "980100"}
    assert page.url == site.url + "/"


def test_the_search_button_leads_to_the_results_page(open_page: Open) -> None:
    page = open_page("/")
    page.get_by_role("search").get_by_role("combobox").fill("身份证")
    page.get_by_role("button", name="搜指南").click()
    expect(page.get_by_role("link", name="居民身份证丢失补领")).to_have_attribute("href", "/guides/7")


def test_without_scripts_searching_and_reading_still_work(open_page: Open) -> None:
    page = open_page("/", java_script_enabled=False)
    expect(page.get_by_role("button", name="问帮办")).to_have_count(0)
    page.locator("#q").fill("身份证")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="居民身份证丢失补领").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("居民身份证丢失补领")


def test_a_hot_question_is_asked_by_a_click(open_page: Open, site: Site) -> None:
    page = open_page("/")
    page.get_by_role("link", name="结婚登记要带什么").click()
    expect(page.locator("article.said")).to_have_count(1)
    assert site.asked[0][1]["text"] == "结婚登记要带什么"


def test_the_portal_has_one_assistant_in_the_page_and_no_floating_one(open_page: Open) -> None:
    page = open_page("/")
    expect(page.get_by_role("region", name="云桥市帮办")).to_be_visible()
    assert page.locator("bangban-chat").count() == 1
    expect(page.locator(".launcher")).to_have_count(0)


def test_the_type_size_is_one_setting_for_page_and_assistant(open_page: Open) -> None:
    page = open_page("/")
    page.get_by_role("navigation").get_by_role("button", name="大字版").click()
    inside = page.get_by_role("region", name="云桥市帮办").get_by_role("button", name="大字版")
    expect(inside).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 20
    inside.click()
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") == 16
    page.get_by_role("navigation").get_by_role("button", name="大字版").click()
    page.goto(page.url + "guides/7")
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 20


def test_a_guide_page_tells_all_and_links_only_to_the_web(open_page: Open) -> None:
    page = open_page("/guides/7")
    main = page.get_by_role("main")
    for words in (
        "松风区公安局",
        "2楼 公安综合窗口",
        "20 个工作日",
        "40 元/证",
        "不能，要采集本人指纹",
        "第 3 版",
        "2026-10-15",
    ):
        expect(main).to_contain_text(words)
    expect(main).to_contain_text("工作日上午9点到12点")
    expect(page.get_by_role("table")).to_contain_text("居民户口簿")
    assert page.locator("a[href^='javascript' i]").count() == 0
    data = page.locator("script[type='application/ld+json']").text_content()
    assert data == '{"a": "\\u003c/script>"}'


def test_ask_about_a_guide_fills_the_box_and_sends_nothing(open_page: Open, site: Site) -> None:
    page = open_page("/guides/7")
    page.get_by_role("link", name="问问帮办").click()
    box = page.get_by_role("dialog").get_by_role("combobox")
    expect(box).to_have_value("居民身份证丢失补领，")
    page.goto(f"{site.url}/?ask=结婚登记")
    expect(page.get_by_role("region", name="云桥市帮办").get_by_role("combobox")).to_have_value("结婚登记")
    assert site.asked == []


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(open_page: Open, path: str, scheme: str) -> None:
    page = open_page(path, color_scheme=scheme)
    expect(page.locator("bangban-chat .root")).to_be_attached()
    options = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}  # nothing else differs
    found = Axe().run(page, options=options).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("large", [False, True])
def test_no_page_scrolls_sideways_on_a_narrow_phone(open_page: Open, path: str, large: bool) -> None:
    page = open_page(path, width=320, height=640)
    if large:
        page.get_by_role("navigation", name="工具").get_by_role("button").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
