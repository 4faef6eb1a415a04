"""The record: found, read, verified and taken along, each act on it by whoever did it."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from channels.console import deeds
from core import clock
from staff.permissions import Grant, Role
from tests.console.conftest import CITY, DISTRICT, PASSWORD, Office, Visit, axe

FORMULA = "=HYPERLINK(1)"
ROOT, HAN = Path(__file__).parents[2], "[\u4e00-\u9fff]"
DETAILS = ("detail", "told", "counts")  # what details are called where they are put together first
OF_AN_ENTRY = ("who", "act", "subject", "region", "why", "detail", "at", "session")


@pytest.fixture(scope="module", autouse=True)
def done(office: Office) -> None:
    """Things done in the city, in its districts and nowhere in particular."""
    office.hire("song", "宋文", Grant(Role.ADMINISTRATOR, DISTRICT))
    with office.house.writing.begin() as session:
        for number in range(60):
            office.house.audit.record(
                session, who="lin", act="draft.save", subject=f"draft:{number}", region=CITY, at=clock.now()
            )
        for region in (DISTRICT, "980103"):
            office.house.audit.record(
                session, who="qian", act="guide.publish", subject=f"guide:{region}", region=region, why=FORMULA,
                detail={"before": "<b>0000-1</b>", "after": ["0000-2", True]}, at=clock.now(),
            )  # fmt: skip


def subjects(office: Office, name: str, query: str) -> list[str]:
    """What the entries that are shown were done to."""
    answer = office.signed(name).get(f"/console/audit?{query}")
    assert answer.status_code == 200
    return re.findall(r"<td>((?:草稿|办事指南|账号) ?[\w-]*)</td>", answer.text)


def test_an_administrator_finds_reads_and_verifies(office: Office, visit: Visit) -> None:
    page = visit("gao", "/console/audit")
    expect(page.get_by_role("row")).to_have_count(51)
    page.get_by_role("link", name="更早的").click()
    expect(page.get_by_role("link", name="回到最新")).to_be_visible()
    page.get_by_label("操作", exact=True).select_option("公布办事指南")
    page.get_by_role("button", name="查找").click()
    expect(page.get_by_role("row")).to_have_count(3)
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text("qian")
    expect(row).to_contain_text("云桥市竹溪区")
    expect(row).to_contain_text(re.compile(r"原来\s*<b>0000-1</b>\s*改成\s*0000-2；是"))
    axe(page)
    page.get_by_role("button", name="核验记录完整性").click()
    expect(page.get_by_role("status")).to_have_text(re.compile(r"记录完整：共 \d+ 条，没有被改动、删除或插入过。"))


def recorded() -> Iterator[str]:
    """The acts, and the keys of details, that the sources name where they record something."""
    files = [file for folder in ("channels", "staff") for file in (ROOT / folder).rglob("*.py")]
    functions = (one for file in files for one in ast.walk(ast.parse(file.read_text("utf-8"))))
    for function in (one for one in functions if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)):
        inside = list(ast.walk(function))
        calls = [one for one in inside if isinstance(one, ast.Call) and ast.unparse(one.func).endswith("record")]
        made = [one.value for one in inside if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) in DETAILS]
        for part in (part for one in (*calls, *(made if calls else ())) for part in ast.walk(one)):
            if isinstance(part, ast.Dict):
                yield from (key.value for key in part.keys if isinstance(key, ast.Constant) and key.value != "keys")
            elif isinstance(part, ast.Constant) and re.fullmatch(r"[a-z]+\.[a-z]+", str(part.value)):
                yield str(part.value)
        yield from (word.arg for call in calls for word in call.keywords if word.arg and word.arg not in OF_AN_ENTRY)


def test_every_act_and_every_detail_that_is_recorded_has_its_word() -> None:
    found = set(recorded())
    assert {"taken_back", "restored", "wrong", "expired", "import.apply"} <= found
    assert {one for one in found if not re.search(HAN, deeds.act(one) + deeds.heading("", one))} == set()


def test_a_change_of_rules_and_of_a_question_reads_in_words(office: Office) -> None:
    changed = {
        "slot": [30, 20],
        "identity": [False, True],
        "windows": [{}, {"综合窗口": {"capacity": 1, "identity": None}}],
    }
    changed |= {"no_shows": [{"most": 3, "days": 90, "pause": 30}, {"most": 2, "days": 90, "pause": 30}]}
    with office.house.writing.begin() as session:
        for act, subject, detail in (
            ("desk.rules", "hall:980102 一厅", {"changed": changed}),
            ("faq.write", "faq:wd/1", {"change": "changed", "fields": ["回答"]}),
            ("journal.settle", "journal:1", {"what": "faq:wd/1", "turns": 2}),
            ("journal.settle", "journal:2", {"what": "ignored", "turns": 2}),
        ):
            office.house.audit.record(
                session, who="zhou", act=act, subject=subject, region=DISTRICT, detail=detail, at=clock.now()
            )
    page = " ".join(re.sub("<[^>]+>", " ", office.signed("gao").get("/console/audit?who=zhou").text).split())
    for words in (
        "每个时段的分钟数由 30 改成 20",
        "需要身份证号由 否 改成 是",
        "爽约限制由 3 次、90 天以内、暂停 30 天 改成 2 次",
        "个别窗口的规定由 无 改成 综合窗口（每个时段的名额 1）",
        "变动 修改 改了哪些 回答",
        "怎样处理 常见问题 wd/1",
        "怎样处理 不用处理",
    ):
        assert words in page


def test_a_change_of_roles_reads_in_words(office: Office) -> None:
    account = office.hire("wang", "王", Grant(Role.EDITOR, CITY))
    fields = {"called": "王", "role": ["reviewer"], "region": [DISTRICT], "department": ["民政局"]}
    office.post(office.signed("gao"), f"/console/accounts/{account.id}", fields)
    shown = office.signed("gao").get("/console/audit?act=account.grants").text
    assert "编辑，云桥市，全部部门" in shown
    assert "审核，云桥市松风区，民政局" in shown


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("subject=guide:", ["办事指南 980103", "办事指南 980102"]),
        ("who=qian&act=guide.publish", ["办事指南 980103", "办事指南 980102"]),
        ("subject=办事指南 980103", ["办事指南 980103"]),
        ("subject=办事指南 98010", []),
        ("subject=草稿 5", ["草稿 5"]),
        ("who=nobody", []),
        ("subject=draft:59&since=2026-10-15&until=2026-10-15", ["草稿 59"]),
        ("subject=draft:59&since=2026-10-16", []),
        ("subject=draft:59&until=2026-10-14", []),
    ],
)
def test_filters_find_the_newest_first(office: Office, query: str, found: list[str]) -> None:
    assert subjects(office, "gao", query) == found


def test_pages_go_back_to_the_first_entry_without_a_gap(office: Office) -> None:
    seen, query = [], "who=lin&act=draft.save"
    while query:
        seen += subjects(office, "gao", query)
        older = re.search(
            r'rel="next" href="/console/audit\?([^"]+)"', office.signed("gao").get(f"/console/audit?{query}").text
        )
        query = older[1].replace("&amp;", "&") if older else ""
    assert seen == [f"草稿 {number}" for number in reversed(range(60))]


def test_a_day_that_is_none_is_told(office: Office) -> None:
    answer = office.signed("gao").get("/console/audit?since=yesterday")
    assert (answer.status_code, "日期不对" in answer.text) == (422, True)


# -- taken along --


def test_the_table_has_what_was_found_and_no_formula_in_it(office: Office) -> None:
    answer = office.post(office.signed("gao"), "/console/audit/export", form="csv", act="guide.publish")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-2026-10-15.csv"'
    head, *rows = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert head[:5] == ["编号", "时间", "经办人", "操作", "对象"]
    assert [row[4] for row in rows] == [f"guide:{DISTRICT}", "guide:980103"]
    assert {row[6] for row in rows} == {f"'{FORMULA}"}


def test_taking_the_record_along_is_on_record_and_in_the_file(office: Office) -> None:
    answer = office.post(office.signed("gao"), "/console/audit/export", form="jsonl")
    entries = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["number"] for one in entries] == list(range(1, len(entries) + 1))
    last = entries[-1]
    assert (last["who"], last["act"], last["detail"]) == ("gao", "audit.export", {"form": "jsonl"})


# -- others --


def test_an_administrator_reads_of_the_own_district_alone(office: Office) -> None:
    assert subjects(office, "song", "act=guide.publish") == [f"办事指南 {DISTRICT}"]
    assert subjects(office, "song", "act=draft.save") == []
    taken = office.post(office.signed("song"), "/console/audit/export", form="jsonl").text
    assert {json.loads(line)["region"] for line in taken.splitlines()} <= {"", DISTRICT}


@pytest.mark.parametrize("name", ["lin", "zhou", "sun", "qian"])
def test_who_is_no_administrator_reads_nothing(office: Office, name: str) -> None:
    client = office.signed(name)
    assert client.get("/console/audit").status_code == 403
    assert office.post(client, "/console/audit/verify").status_code == 403
    assert office.post(client, "/console/audit/export", form="csv").status_code == 403


@pytest.mark.parametrize("what", ["verify", "export"])
def test_a_forged_form_takes_nothing(office: Office, what: str) -> None:
    gao = office.signed("gao")
    assert gao.post(f"/console/audit/{what}", data={"form": "csv"}).status_code == 403
    data = {"form": "csv", "csrf": office.csrf(gao)}
    assert gao.post(f"/console/audit/{what}", data=data, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(office: Office) -> None:
    with office.client() as client:
        to = client.get("/console/audit?act=sign.in").headers["location"]
        assert to == "/console/sign-in?next=/console/audit%3Fact%3Dsign.in"
        assert 'name="next" value="/console/audit?act=sign.in"' in client.get(to).text
        answer = client.post("/console/sign-in", data={"name": "gao", "password": PASSWORD, "next": "/console/audit"})
        assert answer.headers["location"] == "/console/audit"


def test_a_record_that_was_changed_is_told_with_the_place(office: Office) -> None:
    """The last test: the record is broken afterwards."""
    with office.house.writing.begin() as session:
        for (name,) in session.execute(
            text("SELECT name FROM sqlite_master WHERE type='trigger' AND tbl_name='audit'")
        ):
            session.execute(text(f'DROP TRIGGER "{name}"'))
        session.execute(text("UPDATE audit SET who = 'zhou' WHERE subject = 'draft:7'"))
        number = session.scalar(text("SELECT number FROM audit WHERE subject = 'draft:7'"))
    answer = office.post(office.signed("gao"), "/console/audit/verify")
    assert answer.status_code == 200
    assert f"记录不完整，从第 {number} 条开始对不上" in answer.text
