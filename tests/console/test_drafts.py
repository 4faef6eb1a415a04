"""Drafts: written with and without scripts, by two at once, reviewed, sent back and published."""

from __future__ import annotations

import re
import time
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from knowledge import drafts
from knowledge.changes import revision
from knowledge.drafts import Draft
from tests.chromium import browser
from tests.console.conftest import Office, Visit, axe
from tests.console.test_guides import acts, made, standing

__all__ = ["browser"]  # a fixture

Fields = dict[str, str | list[str]]


class _Form(HTMLParser):
    """What a browser sends of the form whose fields are checked, when nothing is changed."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: Fields = {}
        self._in = self._skipped = 0
        self._area = self._select = ""

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        at = dict(given)
        self._in += tag == "form" and "data-lint" in at
        self._skipped += tag == "template"
        if not self._in or self._skipped:
            return
        name, value = at.get("name") or "", at.get("value") or ""
        if tag == "input" and name and at.get("type") not in ("checkbox", "radio"):
            self.sent[name] = value
        elif tag == "input" and name and "checked" in at:
            kept = self.sent.get(name, [])
            self.sent[name] = [*kept, value] if isinstance(kept, list) else value
        elif tag == "textarea":
            self._area, self.sent[name] = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in at or self._select not in self.sent):
            self.sent[self._select] = value

    def handle_endtag(self, tag: str) -> None:
        self._in -= tag == "form" and bool(self._in)
        self._skipped -= tag == "template"
        if tag == "textarea" and self._area:
            self.sent[self._area] = str(self.sent[self._area]).removeprefix("\n")
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.sent[self._area] = str(self.sent[self._area]) + data


def form(page: str) -> Fields:
    parser = _Form()
    parser.feed(page)
    return parser.sent


def begun(office: Office, name: str, guide: int) -> tuple[httpx.Client, str, Fields]:
    """Somebody's browser, the draft's address, and the form as it came."""
    client = office.signed(name)
    path = office.post(client, f"/console/guides/{guide}/edit").headers["location"]
    return client, path, form(client.get(path).text)


def draft(office: Office, path: str) -> Draft:
    with office.house.reading() as session:
        return drafts.read(session, int(path.rsplit("/", 1)[1]))


def submitted(office: Office, guide: int, by: str = "lin", **changes: str) -> str:
    client, path, fields = begun(office, by, guide)
    answer = office.post(client, path, fields | changes, do="submit", why="电话换了")
    assert answer.status_code == 303, re.findall(r'class="wrong".*?</p>', answer.text)
    return path


def test_a_form_that_is_sent_as_it_came_changes_nothing(office: Office) -> None:
    lin, path, fields = begun(office, "lin", made(office, "d-same"))
    before = draft(office, path)
    assert office.post(lin, path, fields, do="save").status_code == 303
    assert draft(office, path) == before


def test_a_number_is_corrected_reviewed_and_published(office: Office) -> None:
    guide = made(office, "d-phone", consult={"phone": "0900-1111111"})
    path = submitted(office, guide, **{"consult.phone": "0900-2222222"})
    zhou = office.signed("zhou")
    assert path in zhou.get("/console/drafts").text
    text = zhou.get(f"{path}/review").text
    assert "电话换了" in text
    assert "<del>" in text
    assert "林静" in text
    answer = office.post(zhou, f"{path}/approve", edition=str(draft(office, path).edition))
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/console/guides/{guide}"
    assert f'href="/guides/{guide}"' in zhou.get(answer.headers["location"]).text
    consult = standing(office, guide).consult
    assert consult
    assert consult.phone == "0900-2222222"
    assert acts(office, f"guide:{guide}") == ["guide.submit", "guide.publish"]
    with office.house.reading() as session:
        last = next(iter(office.house.audit.entries(session, subject=f"guide:{guide}")))
    assert last.why == "电话换了"
    assert last.detail["fields"] == ["咨询方式的电话"]


def test_nobody_approves_their_own_change(office: Office) -> None:
    guide = made(office, "d-own")
    path = submitted(office, guide, by="zhou", **{"consult.phone": "0900-3333333"})
    zhou = office.signed("zhou")
    assert "这是您自己改的，要请另一位审核" in zhou.get(f"{path}/review").text
    answer = office.post(zhou, f"{path}/approve", edition=str(draft(office, path).edition))
    assert answer.status_code == 403
    assert acts(office, f"guide:{guide}") == ["guide.submit"]


def test_in_an_office_of_one_it_can_be_allowed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office.house.settings, "own_approval", True)
    guide = made(office, "d-alone")
    path = submitted(office, guide, by="zhou", **{"consult.phone": "0900-5555555"})
    zhou = office.signed("zhou")
    assert "通过并发布" in zhou.get(f"{path}/review").text
    assert office.post(zhou, f"{path}/approve", edition=str(draft(office, path).edition)).status_code == 303
    assert acts(office, f"guide:{guide}") == ["guide.submit", "guide.publish"]


def test_a_change_is_sent_back_with_a_word_and_taken_up_again(office: Office) -> None:
    guide = made(office, "d-back")
    path = submitted(office, guide, **{"consult.phone": "0900-4444444"})
    zhou, lin = office.signed("zhou"), office.signed("lin")
    edition = str(draft(office, path).edition)
    assert office.post(lin, f"{path}/return", edition=edition, why="不行").status_code == 403
    assert office.post(zhou, f"{path}/return", edition=edition, why="请核对区号").status_code == 303
    assert "请核对区号" in lin.get(path).text
    assert "请核对区号" in lin.get("/console/drafts").text
    again = office.post(lin, path, form(lin.get(path).text), do="submit", why="核对过了")
    assert again.status_code == 303
    taken = office.post(lin, f"{path}/take-back", edition=str(draft(office, path).edition))
    assert taken.status_code == 303
    assert taken.headers["location"] == path
    assert acts(office, f"guide:{guide}") == ["guide.submit", "guide.return", "guide.submit"]


def test_a_change_is_not_submitted_without_a_reason_or_with_faults_and_stays_saved(office: Office) -> None:
    lin, path, fields = begun(office, "lin", made(office, "d-why"))
    answer = office.post(lin, path, fields | {"visits": "3"}, do="submit", why="")
    assert answer.status_code == 422
    assert "为什么改" in answer.text
    assert draft(office, path).document["visits"] == 3
    answer = office.post(lin, path, form(answer.text) | {"visits": "三次"}, do="submit", why="改次数")
    assert answer.status_code == 422
    assert "应当是整数" in answer.text
    assert 'value="三次"' in answer.text
    assert draft(office, path).status == "draft"


def test_rows_are_arranged_without_scripts_and_all_that_was_typed_is_kept(office: Office) -> None:
    lin, path, fields = begun(office, "lin", made(office, "d-rows", materials=[{"name": "甲"}, {"name": "乙"}]))
    answer = office.post(lin, path, fields | {"name": "打了一半"}, add="materials")
    assert answer.status_code == 200
    shown = form(answer.text)
    assert shown["name"] == "打了一半"
    assert shown["materials.2.name"] == ""
    assert re.search(r'name="materials\.2\.name"[^>]* autofocus', answer.text)
    moved = form(office.post(lin, path, shown | {"materials.2.name": "丙"}, up="materials.2").text)
    assert [moved[f"materials.{at}.name"] for at in range(3)] == ["甲", "丙", "乙"]
    left = form(office.post(lin, path, moved, drop="materials.0").text)
    assert office.post(lin, path, left, do="save").status_code == 303
    assert [one["name"] for one in draft(office, path).document["materials"]] == ["丙", "乙"]
    assert office.post(lin, path, left, drop="materials.77").status_code == 422


def test_what_two_clerks_change_comes_together_and_nothing_is_lost(office: Office) -> None:
    guide = made(office, "d-two", consult={"phone": "0900-1111111"}, progress="打电话问")
    lin, path, mine = begun(office, "lin", guide)
    zhou, _, theirs = begun(office, "zhou", guide)
    office.post(zhou, path, theirs | {"progress": "网上查", "consult.phone": "0900-6666666"}, do="save")
    answer = office.post(lin, path, mine | {"how_offline": "到窗口", "consult.phone": "0900-7777777"}, do="save")
    assert answer.status_code == 409
    assert "周明 刚刚保存过" in answer.text
    shown = form(answer.text)
    assert shown["progress"] == "网上查"
    assert shown["how_offline"] == "到窗口"
    assert shown["consult.phone"] == "0900-7777777"
    assert shown["take.consult"] == ["mine"]
    assert draft(office, path).document["consult"]["phone"] == "0900-6666666"
    assert office.post(lin, path, shown | {"take.consult": "theirs"}, do="save").status_code == 303
    kept = draft(office, path).document
    assert (kept["consult"]["phone"], kept["progress"], kept["how_offline"]) == ("0900-6666666", "网上查", "到窗口")


def test_what_was_chosen_between_two_clerks_survives_arranging_rows(office: Office) -> None:
    guide = made(office, "d-choose", consult={"phone": "0900-1111111"}, progress="打电话问")
    lin, path, mine = begun(office, "lin", guide)
    zhou, _, theirs = begun(office, "zhou", guide)
    office.post(zhou, path, theirs | {"progress": "网上查", "consult.phone": "0900-6666666"}, do="save")
    changed = mine | {"progress": "到窗口问", "consult.phone": "0900-7777777"}
    shown = form(office.post(lin, path, changed, do="save").text)
    answer = office.post(lin, path, shown | {"take.consult": "theirs"}, add="materials")
    again = form(answer.text)
    assert "两个人都改了：咨询方式" in answer.text
    assert (again["take.consult"], again["take.progress"]) == (["theirs"], ["mine"])
    # Whatever is saved in between, it is the words that were shown that were chosen.
    office.post(zhou, path, form(zhou.get(path).text) | {"how_offline": "到窗口"}, do="save")
    last = form(office.post(lin, path, again, do="save").text)
    assert office.post(lin, path, last, do="save").status_code == 303
    kept = draft(office, path).document
    assert (kept["consult"]["phone"], kept["progress"], kept["how_offline"]) == ("0900-6666666", "到窗口问", "到窗口")


def test_a_draft_is_not_moved_to_where_its_clerk_may_not_write(office: Office) -> None:
    sun, path, fields = begun(office, "sun", made(office, "d-move"))
    answer = office.post(sun, path, fields | {"department.name": "云桥市民政局"}, do="save")
    assert answer.status_code == 403
    assert "没有保存" in answer.text
    assert 'value="云桥市民政局"' in answer.text
    assert draft(office, path).department == "云桥市公安局"
    new = office.post(sun, "/console/drafts").headers["location"]
    fields = form(sun.get(new).text)
    assert fields["department.name"] == "云桥市公安局"
    for code in ("980000", "", "99"):
        assert office.post(sun, new, fields | {"region": code}, do="save").status_code == 403
    assert draft(office, new).region == "980100"


@pytest.mark.parametrize("name", ["qian", "gao"])
def test_strangers_neither_read_nor_write_a_draft_by_its_number(office: Office, name: str) -> None:
    path = submitted(office, made(office, f"d-idor-{name}"))
    stranger = office.signed(name)
    before = draft(office, path)
    for call in ("", "/lint", "/approve", "/return", "/take-back", "/discard"):
        answer = office.post(stranger, f"{path}{call}", edition=str(before.edition), why="试试")
        assert answer.status_code == 403, call
    assert stranger.get(f"{path}/review").status_code == (200 if name == "gao" else 403)
    assert draft(office, path) == before
    assert office.client().post(path, data={}).status_code == 401


def test_a_form_without_the_token_is_refused(office: Office) -> None:
    lin, path, fields = begun(office, "lin", made(office, "d-csrf"))
    assert lin.post(path, data=fields | {"csrf": "x", "do": "save"}).status_code == 403


def test_a_new_guide_is_written_and_published(office: Office) -> None:
    lin, zhou = office.signed("lin"), office.signed("zhou")
    path = office.post(lin, "/console/drafts").headers["location"]
    fields = form(lin.get(path).text) | {
        "name": "办理夜间摆摊登记", "local_code": "d-new", "department.name": "云桥市城市管理局",
    }  # fmt: skip
    assert office.post(lin, path, fields, do="submit", why="新开的事项").status_code == 303
    answer = office.post(zhou, f"{path}/approve", edition=str(draft(office, path).edition))
    assert "办理夜间摆摊登记" in zhou.get(answer.headers["location"]).text


def test_lint_says_beside_which_field_and_what_to_do(office: Office) -> None:
    lin, path, fields = begun(office, "lin", made(office, "d-lint"))
    changed = fields | {"consult.phone": "2234567", "visits": "三", "places.0.hours.text": "每天 9:00-17:00"}
    told = office.post(lin, f"{path}/lint", changed).json()
    by = {one["name"]: one for one in told["problems"]}
    assert by["consult.phone"]["id"] == "f-consult-phone"
    assert "区号" in by["consult.phone"]["fix"]
    assert "整数" in by["visits"]["message"]
    assert (by["visits"]["stops"], by["consult.phone"]["stops"]) == (True, False)
    assert told["problems"][0]["stops"]
    assert 0 < told["completeness"] <= 1
    assert told["hours"]["places.0.hours"] == "群众会看到上面的原文。系统理解为：每天 09:00–17:00"
    assert draft(office, path).document.get("visits") != "三"


def approved(office: Office, path: str) -> str:
    """The page that a reviewer sees after approving."""
    zhou = office.signed("zhou")
    answer = office.post(zhou, f"{path}/approve", edition=str(draft(office, path).edition))
    assert answer.status_code == 303, answer.text
    return unescape(zhou.get(answer.headers["location"]).text)


def test_a_version_of_next_year_waits_and_the_one_of_today_stays(office: Office) -> None:
    guide = made(office, "d-later", name="补领夜渔证", consult={"phone": "0900-1111111"}, effective_to="2026-12-20")
    changes = {"consult.phone": "0900-2222222", "effective_from": "2027-01-01", "effective_to": ""}
    path = submitted(office, guide, **changes)
    lin, zhou, citizen = office.signed("lin"), office.signed("zhou"), office.client()
    told = "实施日期是 2027-01-01，到那天才公布，在那之前群众看到的仍是第 1 版"
    gap = "但第 1 版 2026-12-20 以后就失效，中间这段时间群众查不到这份指南"
    for text in (zhou.get(f"{path}/review").text, office.post(zhou, f"{path}/try", question="补领夜渔证").text):
        assert told in text
        assert gap in text
    assert "已发布" not in approved(office, path).partition("<h1>")[0]
    assert "0900-1111111" in citizen.get(f"/guides/{guide}").text
    page = lin.get(f"/console/guides/{guide}").text
    assert "已通过，等着生效" in page
    assert f"{guide}/edit" not in page
    assert path in zhou.get("/console/drafts").text
    assert lin.get(path).headers["location"] == f"{path}/review"
    assert "周明" in lin.get(f"{path}/review").text
    today = office.watch.time
    office.watch.time = today.replace(year=2027, month=1, day=2)
    office.house.rounds.go()
    office.watch.time = today
    consult = standing(office, guide).consult
    assert consult
    assert consult.phone == "0900-2222222"
    assert acts(office, f"guide:{guide}") == ["guide.submit", "guide.approve", "guide.publish"]
    with office.house.reading() as session:
        last = next(iter(office.house.audit.entries(session, subject=f"guide:{guide}")))
    assert (last.who, last.why, last.detail["version"]) == ("zhou", "电话换了", 2)


@pytest.mark.parametrize("name", ["lin", "zhou"])
def test_a_version_that_waits_is_taken_back_by_its_author_or_the_reviewer(office: Office, name: str) -> None:
    path = submitted(office, made(office, f"d-halt-{name}"), effective_from="2027-01-01")
    approved(office, path)
    step, edition = {"lin": "take-back", "zhou": "return"}[name], str(draft(office, path).edition)
    other = {"lin": "return", "zhou": "take-back"}[name]
    assert f"{path}/{other}" not in office.signed(name).get(f"{path}/review").text
    assert f"{path}/{step}" in office.signed(name).get(f"{path}/review").text
    assert office.post(office.signed(name), f"{path}/{step}", edition=edition, why="推迟了").status_code == 303
    assert draft(office, path).status == "draft"


@pytest.mark.parametrize(
    ("stood", "dates", "before", "after"),
    [
        ({}, {"effective_to": "2026-09-30"}, "现在公布的第 1 版也会撤下来", "失效日期已经过了，群众看不到"),
        (
            {"effective_from": "2026-12-01"}, {"effective_from": "2027-01-01"}, "群众要到那天才看得到",
            "群众 2027-01-01 起才能看到",
        ),
    ],
)  # fmt: skip
def test_what_citizens_will_not_see_is_told_before_and_after_it_is_published(
    office: Office, stood: dict[str, str], dates: dict[str, str], before: str, after: str
) -> None:
    path = submitted(office, made(office, f"d-{'-'.join(dates.values())}", **stood), **dates)
    assert before in office.signed("zhou").get(f"{path}/review").text
    assert after in approved(office, path)


def test_that_a_draft_brings_back_what_was_withdrawn_is_told_to_who_writes_and_who_approves(office: Office) -> None:
    guide, lin, zhou = made(office, "d-down"), office.signed("lin"), office.signed("zhou")
    office.post(zhou, f"/console/guides/{guide}/withdraw", why="收费标准写错了")
    path = submitted(office, guide, aliases="夜渔许可")
    page = zhou.get(f"{path}/review").text
    assert re.search(r"已下架（[^）]*周明：收费标准写错了）。通过后会重新公布", page)
    assert "现在公布的是" not in page
    office.post(lin, f"{path}/take-back", edition=str(draft(office, path).edition))
    assert "已下架（" in lin.get(path).text
    assert "已下架（" not in lin.get(submitted(office, made(office, "d-not-down"))).text


def test_what_stops_a_draft_is_marked_and_what_only_could_be_better_is_not(office: Office) -> None:
    legal = {"legal_time": {"days": 5}, "case_type": "承诺件", "promised_time": {"days": 3}}
    lin, path, fields = begun(office, "lin", made(office, "d-stops", **legal))
    changed = fields | {"promised_time.days": "9", "consult.phone": "2234567"}
    answer = office.post(lin, path, changed, do="submit", why="改时限")
    assert answer.status_code == 422
    assert "标着“必须改”的地方还没有改好" in answer.text
    told = answer.text.partition('id="f-promised_time-told">')[2].partition("</div>")[0]
    assert "<strong>必须改</strong>：承诺时限 9 个工作日长于法定时限" in told
    assert "<strong>必须改</strong>，承诺时限 9 个工作日长于法定时限" in answer.text
    assert "1 处必须改，" in answer.text
    assert answer.text.count("必须改</strong>") == 2
    mended = form(answer.text) | {"promised_time.days": "5"}
    assert office.post(lin, path, mended, do="submit", why="改时限").status_code == 303


def test_a_question_is_tried_on_a_draft_beside_what_is_answered_now(office: Office) -> None:
    guide = made(office, "d-try", name="补领夜市摊位证", consult={"phone": "0900-1111111"})
    lin, path, fields = begun(office, "lin", guide)
    office.post(lin, path, fields | {"consult.phone": "0900-8888888"}, do="save")
    text = unescape(office.post(lin, f"{path}/try", question="补领夜市摊位证的电话是多少").text)
    then, _, now = text.partition("现在的回答")
    assert "排在第 1 位" in then
    assert "0900-8888888" in then
    assert "0900-8888888" not in now


def test_a_draft_is_given_up(office: Office) -> None:
    guide = made(office, "d-drop")
    lin, path, _ = begun(office, "lin", guide)
    answer = office.post(lin, f"{path}/discard", edition=str(draft(office, path).edition))
    assert answer.headers["location"] == f"/console/guides/{guide}"
    assert lin.get(path).status_code == 404


def test_what_changed_in_the_guide_meanwhile_is_brought_in(office: Office) -> None:
    guide = made(office, "d-behind")
    lin, path, fields = begun(office, "lin", guide)
    made(office, "d-behind", progress="到窗口问")
    page = lin.get(path).text
    assert "第 2 版" in page
    answer = office.post(lin, path, form(page) | {"how_offline": "带身份证来"}, do="catch_up")
    assert answer.status_code == 303
    kept = draft(office, path)
    assert (kept.base, kept.document["progress"], kept.document["how_offline"]) == (2, "到窗口问", "带身份证来")
    assert fields["how_offline"] != "带身份证来"


def test_what_was_typed_into_a_draft_that_is_gone_comes_back_in_a_new_one(office: Office) -> None:
    guide = made(office, "d-gone", consult={"phone": "0900-1111111"}, progress="打电话问")
    lin, path, mine = begun(office, "lin", guide)
    submitted(office, guide, by="sun", **{"progress": "网上查", "consult.phone": "0900-2222222"})
    office.post(office.signed("zhou"), f"{path}/approve", edition=str(draft(office, path).edition))
    answer = office.post(lin, path, mine | {"how_offline": "到窗口", "consult.phone": "0900-3333333"}, do="save")
    assert answer.status_code == 409
    assert "没有丢" in answer.text
    shown = form(answer.text)
    assert (shown["progress"], shown["how_offline"], shown["consult.phone"]) == ("网上查", "到窗口", "0900-3333333")
    fresh = re.search(r'action="(/console/drafts/\d+)" class="form"', answer.text)
    assert fresh
    assert fresh[1] != path  # a number is never given twice
    assert office.post(lin, fresh[1], shown, do="save").status_code == 303
    kept = draft(office, fresh[1])
    assert (kept.base, kept.document["progress"], kept.document["how_offline"]) == (2, "网上查", "到窗口")
    assert office.post(office.signed("qian"), path, mine, do="save").status_code == 403


def test_a_new_guide_that_a_colleague_threw_away_is_kept_as_another_draft(office: Office) -> None:
    lin, zhou = office.signed("lin"), office.signed("zhou")
    path = office.post(lin, "/console/drafts").headers["location"]
    fields = form(lin.get(path).text)
    office.post(zhou, f"{path}/discard", edition="1")
    answer = office.post(lin, path, fields | {"name": "办理早市摊位登记"}, do="save")
    assert answer.status_code == 303
    assert answer.headers["location"] != path
    assert draft(office, answer.headers["location"]).document["name"] == "办理早市摊位登记"


def test_who_opens_what_a_colleague_saved_just_now_is_told(office: Office) -> None:
    lin, path, fields = begun(office, "lin", made(office, "d-lately"))
    zhou = office.signed("zhou")
    assert "林静 刚刚打开了这份草稿" in zhou.get(path).text
    office.post(lin, path, fields | {"progress": "网上查"}, do="save")
    office.watch.pass_(minutes=3)
    assert "林静 3 分钟前保存过这份草稿" in zhou.get(path).text
    assert "保存过这份草稿" not in lin.get(path).text
    office.watch.pass_(minutes=13)
    assert "保存过这份草稿" not in zhou.get(path).text


def test_a_new_guide_is_of_a_region_and_a_department_to_choose(office: Office) -> None:
    qian = office.signed("qian")
    path = office.post(qian, "/console/drafts").headers["location"]
    page = qian.get(path).text
    chosen = page.partition('<select id="f-region"')[2].partition("</select>")[0]
    assert "云桥市" in chosen
    assert '<option value="980102" selected>' in chosen
    assert 'value="980100"' not in chosen
    sun = office.signed("sun")
    page = sun.get(office.post(sun, "/console/drafts").headers["location"]).text
    assert 'name="department.name"' in page
    assert re.findall(
        r'<option value="([^"]*)">', page.partition('<datalist id="departments">')[2].partition("</datal")[0]
    ) == ["云桥市公安局"]


# -- in a real browser --


def followed(office: Office) -> None:
    """Wait until search knows what is published."""
    with office.house.reading() as session:
        newest = revision(session)
    deadline = time.monotonic() + 5
    while office.house.sync.revision < newest and time.monotonic() < deadline:
        time.sleep(0.02)


def asked(office: Office, question: str) -> str:
    answer = httpx.post(
        f"{office.address}/api/chat", json={"session": "0123456789abcdef0123456789abcdef", "text": question}
    )
    return str(answer.json())


def test_a_clerk_corrects_a_number_by_keyboard_and_citizens_are_told(office: Office, visit: Visit) -> None:
    brief: dict[str, object] = {
        "materials": [{"name": "甲"}],
        "places": [{"address": "松风路"}],
        "laws": [],
        "faq": [],
        "steps": [],
    }
    guide = made(office, "d-keys", name="补领夜航船票证", consult={"phone": "0900-1111111"}, **brief)
    page = visit("lin", f"/console/guides/{guide}")
    page.get_by_role("button", name="修改").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/drafts/*")
    # All sorts of fields are in these two parts; the whole form takes axe ten seconds.
    page.evaluate("document.querySelectorAll('details.section:not(#needed, #contacts)').forEach((one) => one.remove())")
    axe(page, night=False)
    page.reload()
    page.locator("#f-name").fill("")
    page.locator("#f-consult-phone").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("2234567")
    expect(page.locator("#f-consult-phone-told")).to_contain_text("没有区号")
    expect(page.locator("#f-name-told strong")).to_have_text("必须改")
    expect(page.locator("[data-findings]")).to_contain_text("事项名称：必须改，没有填写")
    page.locator("#f-name").fill("补领夜航船票证")
    page.locator("#f-consult-phone").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("0900-9999999")
    expect(page.locator("#f-consult-phone-told")).to_be_empty()
    page.get_by_label("为什么改").focus()
    page.keyboard.type("电话换了")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/review")
    path = page.url.removeprefix(office.address)
    other = visit("zhou", path)
    expect(other.locator("ins")).to_contain_text("9999999")
    axe(other)
    other.get_by_role("button", name="通过并发布").focus()
    other.keyboard.press("Enter")
    other.wait_for_url(f"**/console/guides/{guide}")
    followed(office)
    assert "0900-9999999" in asked(office, "补领夜航船票证的咨询电话")


def test_rows_are_arranged_in_the_page(office: Office, visit: Visit) -> None:
    guide = made(office, "d-script", materials=[{"name": "甲"}, {"name": "乙"}])
    _, path, _ = begun(office, "lin", guide)
    page = visit("lin", path)
    page.get_by_role("button", name="加一项申请材料").click()
    page.keyboard.type("丙")
    expect(page.locator("#f-materials-2-name")).to_have_value("丙")
    page.get_by_role("button", name=re.compile("上移 ?申请材料 ?3")).click()
    page.get_by_role("button", name=re.compile("删除 ?申请材料 ?1")).click()
    page.get_by_role("button", name="加一项办理地点").click()
    last = page.locator("[data-rows=places] > [data-row]").last
    last.get_by_role("button", name="加一项例外日期").click()
    page.keyboard.type("2026-12-31")
    name = last.locator("input[type=date]").get_attribute("name")
    assert name == f"places.{page.locator('[data-rows=places] > [data-row]').count() - 1}.hours.exceptions.0.day"
    page.get_by_role("button", name="保存草稿").click()
    expect(page.locator(".told[role=status]")).to_contain_text("已保存")
    assert [one["name"] for one in draft(office, path).document["materials"]] == ["丙", "乙"]


def test_a_guide_is_written_without_scripts(office: Office, visit: Visit) -> None:
    guide = made(office, "d-plain", materials=[{"name": "甲"}])
    _, path, _ = begun(office, "lin", guide)
    page = visit("lin", path, java_script_enabled=False)
    page.locator("#f-consult-phone").fill("0900-5555555")
    page.get_by_role("button", name="加一项申请材料").click()
    page.locator("#f-materials-1-name").fill("乙")
    page.locator("#f-name").press("Enter")  # saves, as it should, and arranges nothing
    expect(page.get_by_text("已保存")).to_be_visible()
    kept: dict[str, Any] = draft(office, path).document
    assert [one["name"] for one in kept["materials"]] == ["甲", "乙"]
    assert kept["consult"]["phone"] == "0900-5555555"
