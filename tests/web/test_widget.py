"""The widget in a real browser, against canned answers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.web.stub import XSS, Open, Site

PLAIN = "/plain"


def launch(page: Any) -> Any:
    """Open the floating panel; return the box to type in."""
    page.get_by_role("button", name="云桥市帮办").click()
    return page.get_by_role("combobox")


def ask(page: Any, text: str) -> None:
    box = page.get_by_role("combobox")
    box.fill(text)
    box.press("Enter")


def answers(page: Any) -> Any:
    return page.locator("article.said")


def serious(page: Any) -> list[str]:
    """What axe-core finds, in the shadow root too, that keeps people out."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_one_script_tag_brings_an_assistant_that_answers(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "身份证丢了咋补")
    expect(answers(page)).to_have_count(1)
    expect(answers(page).get_by_role("definition").first).to_have_text(
        "松风区政务服务中心，松风路 1 号，2楼 公安综合窗口"
    )
    key, body = site.asked[0]
    assert body["text"] == "身份证丢了咋补"
    assert body["region"] == "980100"
    assert re.fullmatch(r"[A-Za-z0-9_-]{8,64}", body["session"])
    assert len(key) >= 16


def test_an_answer_names_its_source_and_where_its_links_lead(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "身份证丢了咋补")
    source = page.locator(".source")
    expect(source).to_contain_text("《居民身份证丢失补领》")
    expect(source).to_contain_text("松风区公安局，第 3 版，2026 年 10 月 15 日核实")
    expect(source.get_by_role("link")).to_have_attribute("href", f"{site.url}/guides/7")
    link = page.get_by_role("link", name="网上申请")
    expect(link).to_contain_text("yunqiao.example")
    expect(link).to_contain_text("在新窗口打开")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_phone_numbers_in_words_can_be_called_and_other_numbers_cannot(open_page: Open) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "120 元 20 天 身份证丢了")
    numbers = answers(page).locator("a.tel").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert numbers == ["tel:00005550123", "tel:00005550123", "tel:12345"]


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_choice_is_taken_by_mouse_and_by_keyboard(open_page: Open, site: Site, by: str) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "我在哪个区办")
    choice = page.get_by_role("button", name="竹溪区")
    if by == "mouse":
        choice.click()
    else:
        choice.focus()
        page.keyboard.press("Enter")
    expect(answers(page)).to_have_count(2)
    expect(page.locator(".asked").last).to_contain_text("竹溪区")
    _, body = site.asked[-1]
    assert body["choice"] == "region:980103"
    assert "text" not in body


def test_a_list_of_choices_is_shown_once_with_its_numbers(open_page: Open) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "我要预约")
    offered = answers(page).locator(".choice")
    expect(offered).to_have_count(4)
    assert offered.locator(".number").all_inner_texts() == ["1", "2"], "ways out have no number"
    expect(answers(page).get_by_text("9:30", exact=False)).to_have_count(1)


def test_the_history_survives_a_reload_until_it_is_cleared(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "身份证丢了咋补")
    expect(answers(page)).to_have_count(1)
    page.reload()
    expect(answers(page)).to_have_count(1)
    expect(page.locator(".asked")).to_contain_text("身份证丢了咋补")
    page.get_by_role("button", name="清空对话记录").click()
    expect(answers(page)).to_have_count(0)
    ask(page, "再问一次")
    expect(answers(page)).to_have_count(1)
    sessions = [body["session"] for _, body in site.asked]
    assert sessions[0] != sessions[1], "a cleared conversation must not be continued by the next person"
    page.reload()
    expect(page.locator(".asked")).to_have_count(1)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("手机 13800138000", "手机 138******00"),
        ("138 0013 8000，张伟", "138********00，张伟"),
        ("我的是11010119900307002x。", "我的是110*************2x。"),
        ("１３８００１３８０００", "１３８******００"),
        ("12345 打得通吗，2026-10-15 去", "12345 打得通吗，2026-10-15 去"),
    ],
)
def test_private_numbers_are_hidden_once_they_were_sent(open_page: Open, site: Site, typed: str, shown: str) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, typed)
    expect(answers(page)).to_have_count(1)
    assert site.asked[0][1]["text"] == typed
    for _ in range(2):
        expect(page.locator(".asked .words")).to_have_text(f"您问：{shown}")
        kept = page.evaluate("JSON.parse(sessionStorage.getItem('bangban.history'))[0].text")
        assert kept == shown
        page.reload()


def test_a_private_number_that_did_not_arrive_is_sent_whole_again(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "出错 13800138000")
    page.get_by_role("button", name="重试").click()
    expect(page.locator(".asked .words")).to_have_text("您问：出错 138******00")
    assert [body["text"] for _, body in site.asked] == ["出错 13800138000"] * 2


def test_a_retry_sends_the_same_key_and_shows_one_bubble(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "出错一次")
    expect(page.locator(".failure")).to_contain_text("没有送到")
    page.get_by_role("button", name="重试").click()
    expect(answers(page)).to_have_count(1)
    expect(page.locator(".asked")).to_have_count(1)
    expect(page.locator(".failure")).to_have_count(0)
    keys = [key for key, _ in site.asked]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_question_cut_off_by_a_reload_is_offered_again_under_its_key(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "很慢的问题")
    expect(page.locator(".typing")).to_contain_text("正在查")
    page.reload()
    page.get_by_role("button", name="重试").click()
    expect(answers(page)).to_have_count(1)
    assert len({key for key, _ in site.asked}) == 1


def test_being_asked_to_wait_is_kind_and_counts_down(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "问得太快")
    expect(page.locator(".failure")).to_contain_text("问得有点快")
    button = page.get_by_role("button", name="秒后可重试")
    expect(button).to_be_disabled()
    page.get_by_role("button", name="重试", exact=True).click()
    expect(answers(page)).to_have_count(1)


def test_what_can_never_be_sent_is_not_offered_again(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "看不懂的话")
    expect(page.locator(".failure")).to_contain_text("换个简短的说法")
    expect(page.get_by_role("button", name="重试")).to_have_count(0)


def test_nothing_is_sent_twice_while_an_answer_is_on_its_way(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    box = launch(page)
    ask(page, "很慢的问题")
    expect(page.get_by_role("button", name="发送")).to_be_disabled()
    box.fill("第二句")
    box.press("Enter")
    expect(answers(page)).to_have_count(1)
    assert len(site.asked) == 1
    expect(box).to_have_value("第二句")
    expect(page.get_by_role("button", name="发送")).to_be_enabled()


def test_being_offline_is_said_and_the_question_waits(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    launch(page)
    page.context.set_offline(True)
    expect(page.locator(".offline")).to_contain_text("网络断开了")
    ask(page, "身份证丢了咋补")
    expect(page.locator(".failure")).to_contain_text("网络断开了")
    page.context.set_offline(False)
    page.get_by_role("button", name="重试").click()
    expect(answers(page)).to_have_count(1)
    expect(page.locator(".offline")).to_be_empty()


def test_enter_that_ends_an_input_method_composition_does_not_send(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    box = launch(page)
    ime = page.context.new_cdp_session(page)
    ime.send("Input.imeSetComposition", {"text": "shen fen", "selectionStart": 8, "selectionEnd": 8})
    for options in ("{isComposing: true}", "{keyCode: 229}"):
        box.evaluate(
            "(box, options) => box.dispatchEvent(new KeyboardEvent('keydown', "
            "{key: 'Enter', bubbles: true, composed: true, cancelable: true, ...options}))",
            {"isComposing": True} if "isComposing" in options else {"keyCode": 229},
        )
    ime.send("Input.insertText", {"text": "身份证"})
    expect(box).to_have_value("身份证")
    box.press("Shift+Enter")
    expect(box).to_have_value("身份证\n")
    expect(page.locator(".asked")).to_have_count(0)
    assert site.asked == []
    box.press("Enter")
    expect(answers(page)).to_have_count(1)


def test_hostile_text_is_shown_as_text_everywhere(open_page: Open) -> None:
    page = open_page(PLAIN)
    box = launch(page)
    ask(page, f"攻击 {XSS}")
    expect(answers(page)).to_contain_text(XSS)
    expect(page.locator(".asked")).to_contain_text(XSS)
    expect(page.locator(".facts dt")).to_have_text(XSS)
    expect(page.locator(".facts dd")).to_have_text(XSS)
    expect(page.locator(".source")).to_contain_text(XSS)
    expect(answers(page).locator(".choice")).to_contain_text(XSS)
    box.fill("身份")
    expect(page.get_by_role("option").last).to_contain_text(XSS)
    assert page.evaluate("window.hacked") is None
    shadow = "document.querySelector('bangban-chat').shadowRoot"
    assert page.evaluate(f"{shadow}.querySelectorAll('img, script').length") == 0
    page.reload()
    expect(answers(page)).to_contain_text(XSS)
    assert page.evaluate("window.hacked") is None


def test_links_that_are_not_web_or_phone_are_dropped(open_page: Open) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "攻击")
    links = answers(page).locator("a").evaluate_all("links => links.map(link => link.href)")
    assert len(links) == 2, "the one good link and the source"
    assert all(re.match(r"https?://", link) for link in links)
    assert not any("user:pass" in link for link in links)
    expect(answers(page)).not_to_contain_text("坏链接")


def test_an_emergency_stands_out_with_numbers_to_call(open_page: Open) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "家里着火了")
    calls = page.locator(".urgent .call")
    expect(calls).to_have_count(2)
    expect(calls.first).to_have_attribute("href", "tel:119")
    expect(page.get_by_role("alert")).to_contain_text("119")


def test_elder_mode_is_large_and_is_remembered(open_page: Open) -> None:
    page = open_page(PLAIN)
    launch(page)
    page.get_by_role("button", name="大字版").click()
    ask(page, "身份证丢了咋补")
    expect(answers(page)).to_have_count(1)
    sizes = page.locator(".said .words, .source, dt, dd, button, textarea, .note").evaluate_all(
        "all => all.filter(one => one.getClientRects().length).map(one => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert min(sizes) >= 20
    heights = page.locator(".panel button").evaluate_all(
        "all => all.filter(one => one.getClientRects().length).map(one => one.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44
    page.get_by_role("button", name="没用").click()
    remark = page.get_by_label("哪里不对").bounding_box()
    assert remark["height"] >= 44
    page.reload()
    expect(page.get_by_role("button", name="大字版")).to_have_attribute("aria-pressed", "true")


def test_elder_mode_can_be_set_by_the_page(open_page: Open) -> None:
    page = open_page(f"{PLAIN}?extra=data-elder")
    launch(page)
    expect(page.get_by_role("button", name="大字版")).to_have_attribute("aria-pressed", "true")


def test_an_answer_is_read_aloud_and_stopped(open_page: Open) -> None:
    page = open_page(PLAIN)
    page.evaluate("() => { speechSynthesis.speak = (words) => { window.spoken = [words.lang, words.text]; }; }")
    launch(page)
    ask(page, "身份证丢了咋补")
    page.get_by_role("button", name="朗读").click()
    language, text = page.evaluate("window.spoken")
    assert language == "zh-CN"
    assert "办理地点：松风区政务服务中心" in text
    page.get_by_role("button", name="停止朗读").click()
    expect(page.get_by_role("button", name="朗读", exact=True)).to_be_visible()


def test_a_checklist_is_printed_alone_with_boxes_to_tick(open_page: Open) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "身份证丢了咋补")
    page.get_by_role("button", name="打印清单").click()
    paper = page.frames[1]
    text = paper.locator("body").inner_text()
    assert "☐ 1. 居民户口簿" in text
    assert "https://yunqiao.example/apply/idcard" in text
    assert "《居民身份证丢失补领》" in text


@pytest.mark.parametrize("elder", ["", "?extra=data-elder"])
def test_at_phone_width_nothing_scrolls_sideways(open_page: Open, elder: str) -> None:
    page = open_page(PLAIN + elder, width=320, height=640)
    launch(page)
    for question in ("身份证丢了咋补", "我在哪个区办", "攻击", "家里着火了", "出错"):
        ask(page, question)
        expect(page.get_by_role("button", name="发送")).to_be_enabled()
    sideways = page.evaluate(
        """() => {
          const inside = document.querySelector("bangban-chat").shadowRoot;
          const all = [document.documentElement, ...inside.querySelectorAll("*")];
          const shown = all.filter((one) => !one.closest(".unseen") && getComputedStyle(one).display !== "inline");
          const wide = shown.filter((one) => one.scrollWidth > one.clientWidth + 1);
          return wide.map((one) => one.className || one.tagName);
        }"""
    )
    assert sideways == []
    box = page.locator("section.panel").bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 320, 640)


@pytest.mark.parametrize(("width", "height"), [(640, 360), (320, 256)])
def test_zoomed_far_in_the_box_can_still_be_reached_and_used(open_page: Open, width: int, height: int) -> None:
    """A desktop of 1280 x 720 at 200 %, and one of 1280 x 1024 at 400 %."""
    page = open_page(PLAIN, width=width, height=height)
    box = launch(page)
    ask(page, "身份证丢了咋补")
    expect(answers(page)).to_have_count(1)
    box.scroll_into_view_if_needed()
    place = box.bounding_box()
    assert place["y"] >= 0
    assert place["y"] + place["height"] <= height


def test_on_a_phone_the_keyboard_stays_in_the_panel(open_page: Open) -> None:
    page = open_page(PLAIN, width=360, height=640)
    launch(page)
    expect(page.get_by_role("dialog")).to_have_attribute("aria-modal", "true")
    for _ in range(20):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "BANGBAN-CHAT"


def test_escape_closes_the_panel_and_gives_the_focus_back(open_page: Open) -> None:
    page = open_page(PLAIN)
    box = launch(page)
    expect(box).to_be_focused()
    expect(page.get_by_role("dialog", name="云桥市帮办")).to_have_attribute("aria-modal", "false")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    launcher = page.get_by_role("button", name="云桥市帮办")
    expect(launcher).to_be_focused()
    expect(launcher).to_have_attribute("aria-expanded", "false")


def test_suggestions_are_walked_by_arrows_and_taken_by_enter(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    box = launch(page)
    box.press_sequentially("身份")
    options = page.get_by_role("option")
    expect(options).to_have_count(3)
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    box.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id"))
    box.press("Escape")
    expect(options).to_have_count(0)
    expect(page.get_by_role("dialog")).to_be_visible()
    box.press_sequentially("证")
    expect(options).to_have_count(3)
    box.press("ArrowDown")
    box.press("Enter")
    expect(answers(page)).to_have_count(1)
    assert [body["text"] for _, body in site.asked] == ["身份证丢了怎么补"]


def test_numbers_that_may_be_private_are_not_sent_while_typing(open_page: Open) -> None:
    page = open_page(PLAIN)
    box = launch(page)
    box.press_sequentially("身份")
    expect(page.get_by_role("option")).to_have_count(3)
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    page.keyboard.insert_text("证 110101199001011234")
    expect(page.get_by_role("option")).to_have_count(0)
    assert sent == []


def test_a_browser_without_constructed_sheets_gets_its_style_by_link(open_page: Open) -> None:
    page = open_page(PLAIN)
    page.add_init_script("delete window.CSSStyleSheet")
    page.reload()
    launcher = page.locator(".launcher")
    expect(launcher).to_be_visible()
    assert launcher.evaluate("one => getComputedStyle(one).position") == "fixed"


def test_hot_questions_are_offered_at_the_start(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    launch(page)
    page.get_by_role("button", name="公积金怎么提取").click()
    expect(answers(page)).to_have_count(1)
    assert site.asked[0][1]["text"] == "公积金怎么提取"


def test_what_is_said_is_in_a_polite_live_region(open_page: Open) -> None:
    page = open_page(PLAIN)
    launch(page)
    log = page.get_by_role("log", name="云桥市帮办对话记录")
    expect(log).to_have_attribute("aria-live", "polite")
    ask(page, "身份证丢了咋补")
    expect(log.locator("article")).to_have_count(1)


def test_the_box_stops_at_500_and_says_when_it_is_near(open_page: Open) -> None:
    page = open_page(PLAIN)
    box = launch(page)
    expect(page.locator(".count")).to_be_empty()
    box.fill("长" * 460)
    expect(page.locator(".count")).to_have_text("还可以输入 40 个字")
    box.press("End")
    page.keyboard.insert_text("长" * 60)
    assert len(box.input_value()) == 500


def test_it_works_on_another_origin_with_only_script_and_connection_allowed(open_page: Open, site: Site) -> None:
    page = open_page(site.url.replace("localhost", "127.0.0.1") + "/foreign")
    page.get_by_role("button", name="帮办").click()
    ask(page, "身份证丢了咋补")
    expect(answers(page)).to_have_count(1)
    expect(page.locator(".source a")).to_have_attribute("href", f"{site.url}/guides/7")
    assert page.locator(".launcher").evaluate("one => getComputedStyle(one).position") == "fixed"


def place(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name).bounding_box()


def test_an_answer_is_rated_by_one_press_and_stays_rated(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "身份证丢了咋补")
    group = page.get_by_role("group", name="这个回答有没有用")
    yes = group.get_by_role("button", name="有用")
    expect(yes).to_have_attribute("aria-pressed", "false")
    yes.focus()
    before = place(page, "有用")
    page.keyboard.press("Enter")
    expect(group).to_contain_text("谢谢")
    expect(yes).to_have_attribute("aria-pressed", "true")
    expect(yes).to_be_focused()
    assert place(page, "有用") == before, "nothing jumps"
    page.keyboard.press("Enter")
    _, body = site.asked[0]
    assert site.rated == [{"session": body["session"], "turn": "turn-00000000000000001", "useful": True}]
    page.reload()
    expect(page.get_by_role("button", name="有用")).to_have_attribute("aria-pressed", "true")


def test_who_finds_it_useless_may_say_why(open_page: Open, site: Site) -> None:
    page = open_page(PLAIN)
    launch(page)
    ask(page, "周六上班吗")
    expect(page.get_by_label("哪里不对")).to_be_hidden()
    page.get_by_role("button", name="没用").click()
    remark = page.get_by_label("哪里不对？（请不要写个人信息）")
    expect(remark).to_be_visible()
    remark.fill("太快了")
    remark.press("Enter")
    expect(page.get_by_text("没有送到，请再点")).to_be_visible()
    expect(remark).to_have_value("太快了")
    remark.fill("时间不对")
    remark.press("Enter")
    expect(remark).to_be_hidden()
    expect(page.get_by_role("button", name="没用")).to_be_focused()
    assert [(one["useful"], one.get("comment")) for one in site.rated] == [
        (False, None),
        (False, "太快了"),
        (False, "时间不对"),
    ]
    page.get_by_role("button", name="有用").click()
    expect(page.get_by_role("button", name="没用")).to_have_attribute("aria-pressed", "false")
    assert site.rated[-1]["useful"] is True


def test_what_cites_nothing_is_not_rated(open_page: Open) -> None:
    page = open_page(PLAIN)
    launch(page)
    for number, question in enumerate(("我在哪个区办", "家里着火了", "转人工"), 1):
        ask(page, question)
        expect(answers(page)).to_have_count(number)
    expect(page.get_by_role("button", name="有用")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("elder", ["", "?extra=data-elder"])
def test_axe_finds_nothing_serious_in_the_widget(open_page: Open, scheme: str, elder: str) -> None:
    page = open_page(PLAIN + elder, color_scheme=scheme)
    box = launch(page)
    for question in ("身份证丢了咋补", "我在哪个区办", "家里着火了", "太快", "出错"):
        ask(page, question)
        expect(page.get_by_role("button", name="发送")).to_be_enabled()
    box.press_sequentially("身份")
    expect(page.get_by_role("option")).to_have_count(3)
    box.press("ArrowDown")
    page.get_by_role("button", name="没用").first.click()
    expect(page.get_by_label("哪里不对").first).to_be_visible()
    assert serious(page) == []
