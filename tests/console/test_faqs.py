"""Curated questions: who may write which, what becomes of them, and that citizens are answered with them at once."""

from __future__ import annotations

import html
import re
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import delete, select

from journal.models import TurnRow
from knowledge import faqs
from knowledge.faqs import Curated
from knowledge.models import FaqRow, FaqVersion
from knowledge.schema import Faq
from staff.audit import Entry
from tests.chromium import browser
from tests.console.conftest import CITY, DISTRICT, Fields, Office, Visit, axe
from tests.desk.conftest import THURSDAY
from tests.journal.making import keep, turn

__all__ = ["browser"]  # a fixture

OURS = "wd-"  # with what the codes of these tests begin
PARKING = {
    "question": "政务大厅停车收费吗",
    "variants": "办事大厅能停车吗\n去大厅办事停车要钱吗",
    "answer": "办事群众凭取号单免费停两小时。",
    "region": CITY,
    "version": "0",
    "do": "save",
}
ELSEWHERE = Faq(code="wd-bj", region="110000", question="北京的停车问题", answer="不归我们管")


@pytest.fixture
def desk(office: Office) -> Office:
    """The office with the questions of the demonstration city alone."""
    office.watch.time = THURSDAY
    with office.house.writing.begin() as session:
        for table, code in ((FaqVersion, FaqVersion.code), (FaqRow, FaqRow.code)):
            session.execute(delete(table).where(code.startswith(OURS)))
        session.execute(delete(TurnRow))
    return office


def send(office: Office, name: str, path: str, data: Fields | None = None, **fields: str) -> httpx.Response:
    return office.post(office.signed(name), f"/console/faqs{path}", {**(data or {}), **fields})


def see(office: Office, name: str, path: str = "", status: int = 200, **query: Any) -> str:
    answer = office.signed(name).get(f"/console/faqs{path}", params=query)
    assert answer.status_code == status, answer.text
    return answer.text


def make(office: Office, name: str = "zhou", **fields: str) -> str:
    """A new question that somebody of the staff saves. Returns its code."""
    answer = send(office, name, "/new", PARKING, **fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rsplit("/", 1)[1]


def stored(office: Office, code: str) -> Curated:
    with office.house.reading() as session:
        found = faqs.read(session, code)
    assert found is not None
    return found


def told(office: Office, answer: httpx.Response, name: str) -> str:
    """What the page says after something was done."""
    assert answer.status_code == 303, answer.text
    found = re.search(r'class="told"[^>]*>(.*?)</p>', office.signed(name).get(answer.headers["location"]).text)
    assert found
    return html.unescape(found[1])


def record(office: Office) -> Entry:
    with office.house.reading() as session:
        return office.house.audit.entries(session, act="faq.", limit=1)[0]


def soon(known: Callable[[], bool]) -> None:
    """Wait until search has taken in what was saved."""
    deadline = time.monotonic() + 10
    while not known() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert known()


def chat(office: Office, text: str) -> str:
    """What citizens are told."""
    ask = {"session": secrets.token_hex(16), "text": text}
    answer = httpx.post(f"{office.address}/api/chat", json=ask)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["messages"][0]["text"])


# -- who may --


def test_a_reviewers_question_is_on_at_once_and_answers(desk: Office) -> None:
    answer = send(desk, "zhou", "/new", PARKING, enabled="yes")
    assert told(desk, answer, "zhou") == "已保存，群众一秒内就能问到。"
    code = answer.headers["location"].rsplit("/", 1)[1]
    soon(lambda: desk.house.index.target(code) is not None)
    for asked in ("政务大厅停车收费吗", "去大厅办事停车要钱吗？"):
        assert "免费停两小时" in chat(desk, asked)
    entry = record(desk)
    assert (entry.act, entry.who, entry.subject, entry.region) == ("faq.write", "zhou", f"faq:{code}", CITY)
    assert entry.detail["enabled"] is True


def test_an_editors_question_waits_until_a_reviewer_switches_it_on(desk: Office) -> None:
    answer = send(desk, "lin", "/new", PARKING, enabled="yes", why="大厅反映")
    assert told(desk, answer, "lin") == "已保存，等审核启用。"
    code = answer.headers["location"].rsplit("/", 1)[1]
    assert stored(desk, code).faq.enabled is False
    assert "等审核启用（1）" in see(desk, "zhou")
    assert "停车" in see(desk, "zhou", state="waiting")
    assert "没有符合的常见问题" in see(desk, "zhou", state="on", text="凭取号单")
    on = {"enabled": "yes", "version": "1"}
    assert send(desk, "lin", f"/{code}/switch", on).status_code == 403
    assert "已启用" in told(desk, send(desk, "zhou", f"/{code}/switch", on), "zhou")
    assert stored(desk, code).faq.enabled is True
    assert (record(desk).act, record(desk).detail) == ("faq.switch", {"enabled": True})
    assert "等审核启用（" not in see(desk, "zhou")


def test_an_editor_changes_no_question_that_is_on(desk: Office) -> None:
    code = make(desk, enabled="yes")
    assert "要由审核人员来改" in see(desk, "lin", f"/{code}")
    answer = send(desk, "lin", f"/{code}", PARKING, answer="改成别的", version="1")
    assert answer.status_code == 403
    assert "要由审核人员来改" in answer.text
    off = {"enabled": "no", "version": "1"}
    assert send(desk, "lin", f"/{code}/switch", off).status_code == 403
    assert send(desk, "lin", f"/{code}/restore", {"restored": "1", "version": "1"}).status_code == 403
    assert stored(desk, code).version == 1


def test_an_administrator_reads_alone(desk: Office) -> None:
    code = make(desk)
    assert "停车" in see(desk, "gao", f"/{code}")
    see(desk, "gao", "/new", 403)
    for path in ("/new", f"/{code}", f"/{code}/switch", f"/{code}/restore"):
        answer = send(desk, "gao", path, PARKING, version="1", restored="1", enabled="no")
        assert answer.status_code == 403, path


def test_questions_of_other_regions_are_as_good_as_unknown(desk: Office) -> None:
    with desk.house.writing.begin() as session:
        faqs.write(session, ELSEWHERE, by="tests", at=THURSDAY)
    assert "北京的停车问题" not in see(desk, "zhou", text="停车")
    for path in ("/wd-bj", "/wd-bj/versions"):
        assert "北京的停车问题" not in see(desk, "zhou", path, 404)
    see(desk, "zhou", "", 403, region="110000")
    fields = {**PARKING, "version": "1", "restored": "1", "enabled": "no"}
    for path in ("/wd-bj", "/wd-bj/switch", "/wd-bj/restore"):
        assert send(desk, "zhou", path, fields).status_code == 404, path
    assert send(desk, "zhou", "/new", PARKING, region="110000").status_code == 403
    code = make(desk)
    assert send(desk, "qian", f"/{code}", PARKING, region=DISTRICT, version="1").status_code == 404
    assert send(desk, "zhou", f"/{code}", PARKING, region="110000", version="1").status_code == 403
    assert stored(desk, "wd-bj").faq == ELSEWHERE


@pytest.mark.parametrize("path", ["/new", "/{code}", "/{code}/switch", "/{code}/restore"])
def test_a_form_without_its_token_does_nothing(desk: Office, path: str) -> None:
    code = make(desk)
    client = desk.signed("zhou")
    data = {**PARKING, "version": "1", "enabled": "yes", "restored": "1"}
    for token in ("", "x" * 43, desk.csrf(desk.signed("lin"))):
        answer = client.post(f"/console/faqs{path.format(code=code)}", data={**data, "csrf": token})
        assert answer.status_code == 403
    assert stored(desk, code).version == 1


# -- writing --


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"question": ""}, "没有填写"),
        ({"answer": " \n "}, "没有填写"),
        ({"question": "长" * 201}, "最多 200 个字"),
        ({"variants": "长" * 201}, "最多 200 个字"),
        ({"answer": "长" * 2001}, "回答太长，最多 2000 个字"),
        ({"variants": "\n".join(f"第{n}种问法" for n in range(60))}, "最多 50 条"),
        ({"variants": "我爸叫张大江，能停车吗"}, "问法里有姓名，请去掉群众的个人信息"),
        ({"region": "999999"}, "没有这个地区"),
        ({"version": "x"}, "不符合要求"),
    ],
)
def test_what_cannot_be_saved_is_told_and_stays_in_the_form(desk: Office, fields: dict[str, str], said: str) -> None:
    answer = send(desk, "zhou", "/new", PARKING, **fields)
    assert answer.status_code == 422
    assert said in answer.text
    if {"region", "version"}.isdisjoint(fields):
        kept = {**PARKING, **fields}
        assert html.escape(kept["answer"].strip()) in answer.text
    with desk.house.reading() as session:
        assert session.scalars(select(FaqRow.code).where(FaqRow.code.startswith(OURS))).all() == []


def test_guides_are_found_and_chosen_and_nothing_typed_is_lost(desk: Office) -> None:
    answer = send(desk, "lin", "/new", PARKING, do="find", find="身份证")
    assert answer.status_code == 200
    assert "免费停两小时" in answer.text
    found = re.findall(r'name="guide" value="([^"]+)"', answer.text)
    assert "yq-sfz-003" in found
    code = make(desk, "lin", guide="yq-sfz-003")
    assert stored(desk, code).faq.guides == ["yq-sfz-003"]
    assert re.search(r'value="yq-sfz-003" checked', see(desk, "lin", f"/{code}"))
    assert "没有找到这样的指南" in send(desk, "lin", "/new", PARKING, do="find", find="囧囧囧").text


def test_a_new_question_begins_with_citizens_words_and_settles_theirs_with_itself(desk: Office) -> None:
    with desk.house.writing.begin() as session:
        for number, (region, asked) in enumerate(
            ((CITY, "停车咋收费"), (DISTRICT, "停车咋收费"), ("110000", "停车咋收费"))
        ):
            session.add(
                TurnRow(
                    id=number + 1, key=f"k{number}", at=THURSDAY, sender="s", channel="web", region=region, asked=asked,
                    chosen=False, path="direct", outcome="refused", guide=None, faq=None, reply="", looks=[], ms=1,
                    rephrased=False, useful=None, comment="", settled="",
                )
            )  # fmt: skip
    query: dict[str, Any] = {
        "question": "停车咋收费",
        "variant": ["停车要钱不", "停车多少钱"],
        "settle": "1,2,3",
        "region": CITY,
    }
    text = see(desk, "lin", "/new", **query)
    assert 'value="停车咋收费"' in text
    assert "停车要钱不\n停车多少钱" in text
    assert 'name="settle" value="1,2,3"' in text
    assert send(desk, "lin", "/new", PARKING, settle="1,x").status_code == 422
    answer = send(desk, "lin", "/new", PARKING, settle="1,2,3")
    assert "有 2 次同样的提问" in told(desk, answer, "lin")
    code = answer.headers["location"].rsplit("/", 1)[1]
    with desk.house.reading() as session:
        settled = {row.region: row.settled for row in session.scalars(select(TurnRow))}
    assert settled == {CITY: f"faq:{code}", DISTRICT: f"faq:{code}", "110000": ""}
    assert record(desk).detail["settled"] == 2


def test_the_second_of_two_writers_is_told_and_loses_nothing(desk: Office) -> None:
    code = make(desk, enabled="yes")
    first = {**PARKING, "enabled": "yes", "version": "1"}
    assert send(desk, "zhou", f"/{code}", first, answer="凭取号单免费停三小时。").status_code == 303
    answer = send(desk, "zhou", f"/{code}", first, answer="大厅停车全部免费。")
    assert answer.status_code == 409
    assert "刚刚被别人改过" in answer.text
    assert "大厅停车全部免费。" in answer.text
    assert "<del>" in answer.text
    assert 'name="version" value="2"' in answer.text
    assert "三小时" in stored(desk, code).faq.answer
    again = send(desk, "zhou", f"/{code}", first, answer="大厅停车全部免费。", version="2")
    assert again.status_code == 303
    assert stored(desk, code).version == 3


def test_what_was_not_looked_at_is_not_switched_on(desk: Office) -> None:
    code = make(desk, "lin")
    assert send(desk, "lin", f"/{code}", PARKING, answer="后来改的。", version="1").status_code == 303
    answer = send(desk, "zhou", f"/{code}/switch", {"enabled": "yes", "version": "1"})
    assert answer.status_code == 409
    assert "刚刚被别人改过" in answer.text
    assert stored(desk, code).faq.enabled is False


def test_versions_tell_what_changed_and_any_comes_back(desk: Office) -> None:
    code = make(desk, enabled="yes")
    send(
        desk,
        "zhou",
        f"/{code}",
        PARKING,
        enabled="yes",
        answer="办事群众凭取号单免费停三小时。",
        version="1",
        why="规定改了",
    )
    text = see(desk, "gao", f"/{code}/versions")
    assert "规定改了" in text
    assert "<del>两</del><ins>三</ins>小时" in text
    assert "确定恢复" not in text
    assert "确定恢复" in see(desk, "zhou", f"/{code}/versions")
    for wrong, status in (({"restored": "9", "version": "2"}, 404), ({"restored": "1", "version": "1"}, 409)):
        assert send(desk, "zhou", f"/{code}/restore", wrong).status_code == status
    answer = send(desk, "zhou", f"/{code}/restore", {"restored": "1", "version": "2"})
    assert told(desk, answer, "zhou") == "已保存，群众一秒内就能问到。"
    assert stored(desk, code).faq.answer == PARKING["answer"]
    assert stored(desk, code).version == 3
    assert record(desk).detail == {"restored": 1}


def test_saving_the_same_again_changes_nothing(desk: Office) -> None:
    code = make(desk, enabled="yes")
    before = record(desk).number
    answer = send(desk, "zhou", f"/{code}", PARKING, enabled="yes", version="1")
    assert told(desk, answer, "zhou") == "没有改动。"
    assert stored(desk, code).version == 1
    assert record(desk).number == before


def test_a_question_is_tried_as_citizens_would_ask_it(desk: Office) -> None:
    code = make(desk)
    asked = PARKING["question"]
    assert "这条还没有启用" in see(desk, "lin", f"/{code}", ask=asked)
    send(desk, "zhou", f"/{code}/switch", {"enabled": "yes", "version": "1"})
    soon(lambda: desk.house.index.target(code) is not None)
    text = see(desk, "lin", f"/{code}", ask=asked)
    assert "会用这条回答" in text
    assert "没有用这条回答" in see(desk, "lin", f"/{code}", ask="身份证丢了怎么补办")
    assert "<script>alert" not in see(desk, "lin", f"/{code}", ask="<script>alert(1)</script>")


def test_a_question_is_never_markup(desk: Office) -> None:
    evil = '<script>alert(1)</script><img src=x onerror="alert(2)">'
    code = make(desk, question=f"停车{evil}", variants=evil, answer=f"{evil}\n免费", why=evil, find=evil, guide=evil)
    version = {"version": "1"}
    send(desk, "zhou", f"/{code}", PARKING, **version)
    pages = [see(desk, "zhou", path) for path in ("", f"/{code}", f"/{code}/versions")]
    pages += [see(desk, "zhou", text=evil), see(desk, "zhou", "/new", question=evil, variant=evil, settle=evil)]
    pages += [send(desk, "zhou", "/new", PARKING, do="find", find=evil, answer=evil).text]
    assert "&lt;script&gt;" in pages[2]
    for text in pages:
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_the_list_is_filtered_and_paged_and_bad_filters_are_told(desk: Office) -> None:
    make(desk, enabled="yes")
    make(desk, region=DISTRICT, question="区里的停车问题")
    assert "区里的停车问题" in see(desk, "qian")
    assert "政务大厅停车收费吗" not in see(desk, "qian")
    text = see(desk, "zhou", region=DISTRICT, text="停车")
    assert "区里的停车问题" in text
    assert "政务大厅停车收费吗" not in text
    assert "没有符合的常见问题" in see(desk, "zhou", text="囧")
    see(desk, "zhou", "", 422, page="0")
    see(desk, "zhou", "", 422, text="长" * 201)
    see(desk, "zhou", "/没有这条", 404)


def test_a_code_with_slashes_is_opened_written_and_switched_like_any_other(desk: Office) -> None:
    faq = Faq(code="wd-云桥/停车/1", region=CITY, question="河边停车收费吗", answer="不收费。")
    with desk.house.writing.begin() as session:
        faqs.write(session, faq, by="导入", at=THURSDAY)
    path = "/wd-云桥/停车/1"
    assert "不收费。" in see(desk, "zhou", path)
    assert "第 1 版" in see(desk, "zhou", f"{path}/versions")
    sent = {**PARKING, "question": faq.question, "answer": "晚上不收费。", "version": "1", "enabled": "yes"}
    assert send(desk, "zhou", path, sent).status_code == 303
    assert send(desk, "zhou", f"{path}/switch", enabled="no", version="2").status_code == 303
    assert send(desk, "zhou", f"{path}/restore", restored="1", version="3").status_code == 303
    with desk.house.reading() as session:
        stored = faqs.read(session, faq.code)
    assert stored
    assert (stored.faq.answer, stored.faq.enabled, stored.version) == ("不收费。", False, 4)
    assert re.search(r'href="[^"]*/console/faqs/wd-[^"]*/1"', see(desk, "zhou", text="河边停车"))


def test_an_answer_in_which_nothing_can_be_seen_is_refused(desk: Office) -> None:
    answer = send(desk, "zhou", "/new", PARKING, answer="\u200b\u2060\ufeff")
    assert answer.status_code == 422
    assert "问题和回答都要填写" in answer.text


def test_the_list_tells_how_often_each_was_the_answer_lately(desk: Office) -> None:
    code = make(desk, "zhou")
    with desk.house.writing.begin() as session:
        old = THURSDAY - timedelta(days=31)
        keep(session, [turn(faq=code, at=THURSDAY), turn(faq=code, at=THURSDAY), turn(faq=code, at=old)])
    rows = re.findall(r"<tr>.*?</tr>", see(desk, "zhou", text=PARKING["question"]), re.DOTALL)
    assert "30 天内回答" in rows[0]
    assert "2 次" in rows[1]


# -- in the browser --


def test_a_reviewer_writes_a_question_by_keyboard_and_citizens_are_answered(desk: Office, visit: Visit) -> None:
    page = visit("zhou", "/console/faqs/new?question=大厅有没有充电桩")
    page.get_by_label("其他问法").focus()
    page.keyboard.type("电动车在大厅能充电吗")
    page.get_by_label("回答（必填）").focus()
    page.keyboard.type("地下一层有六个充电桩，扫码就能充。")
    page.get_by_label("按名称找指南").focus()
    page.keyboard.type("身份证")
    page.keyboard.press("Enter")
    guide = page.get_by_role("checkbox", name=re.compile("身份证")).first
    guide.focus()
    page.keyboard.press("Space")
    expect(page.get_by_label("启用：群众问到时用它回答")).to_be_checked()
    page.get_by_role("button", name="保存", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("已保存，群众一秒内就能问到。")
    code = page.url.rsplit("/", 1)[1]
    soon(lambda: desk.house.index.target(code) is not None)
    assert "六个充电桩" in chat(desk, "电动车在大厅能充电吗")
    page.get_by_label("群众会怎么问").focus()
    page.keyboard.type("电动车在大厅能充电吗")
    page.keyboard.press("Enter")
    expect(page.get_by_text("会用这条回答", exact=True)).to_be_visible()
    axe(page)


@pytest.mark.parametrize("path", ["", "/versions"])
def test_axe_finds_nothing_serious_on_the_other_pages(desk: Office, visit: Visit, path: str) -> None:
    code = make(desk, "lin")
    send(desk, "lin", f"/{code}", PARKING, answer="后来改的。", version="1")
    axe(visit("zhou", f"/console/faqs{f'/{code}{path}' if path else '?text=停车'}"), night=False)
