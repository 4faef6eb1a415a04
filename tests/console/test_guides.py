"""Guides as clerks find, read, compare, restore and withdraw them."""

from __future__ import annotations

import re

import httpx
import pytest

from core import clock
from knowledge import drafts
from knowledge.documents import document
from knowledge.publishing import find, publish, read
from knowledge.schema import Guide, Status
from tests.console.conftest import CITY, Office

CODE = "yq-sfz-003"


def number(office: Office, code: str = CODE, region: str = CITY) -> int:
    with office.house.reading() as session:
        found = find(session, region, code)
    assert found is not None
    return found


def standing(office: Office, guide: int) -> Guide:
    with office.house.reading() as session:
        published = read(session, guide)
    assert published is not None
    return published.guide


def made(office: Office, code: str, **fields: object) -> int:
    """A guide of the city, like the lost identity card, for one test alone."""
    content = document(standing(office, number(office))) | {"local_code": code, "name": f"试办{code}"} | fields
    with office.house.writing.begin() as session:
        publish(session, Guide.model_validate(content), by="tests", at=clock.now())
    return number(office, code)


def acts(office: Office, subject: str) -> list[str]:
    """What is on record of something, the first first."""
    with office.house.reading() as session:
        return [one.act for one in office.house.audit.entries(session, subject=subject)][::-1]


def test_the_list_is_searched_and_filtered(office: Office) -> None:
    lin = office.signed("lin")
    everything = lin.get("/console/guides")
    assert everything.status_code == 200
    assert "新写指南" in everything.text
    found = lin.get("/console/guides", params={"text": CODE})
    assert f"/console/guides/{number(office)}" in found.text
    assert "没有符合条件的指南" in lin.get("/console/guides", params={"text": "没有这种事"}).text
    for due in ("expiring", "unverified", "draft", "review"):
        assert lin.get("/console/guides", params={"due": due}).status_code == 200
    assert f"/console/guides/{number(office)}" in lin.get(f"/console/guides?text={CODE}&status=published").text
    assert lin.get("/console/guides?page=0").status_code == 422


def test_a_guide_is_read_with_its_state_and_what_it_lacks(office: Office) -> None:
    guide = made(office, "t-read", consult={"phone": "2234567"}, results=[])
    text = office.signed("lin").get(f"/console/guides/{guide}").text
    for words in (
        "已发布",
        "第 1 版",
        "完整度",
        "缺",
        "办理结果",
        "没有区号",
        "修改",
        "立即下架",
        f'href="/guides/{guide}"',
    ):
        assert words in text, words
    boss = office.signed("gao").get(f"/console/guides/{guide}").text
    assert "立即下架" not in boss
    assert f"{guide}/edit" not in boss


def test_opening_hours_are_read_as_citizens_read_them(office: Office) -> None:
    rule = {"days": [1, 2, 3, 4, 5], "opens": "09:00", "closes": "17:00"}
    words = "周一至周五 9:00-12:00，下午不办理"
    guide = made(office, "t-hours", places=[{"name": "大厅", "hours": {"text": words, "rules": [rule]}}])
    assert words in office.client().get(f"/guides/{guide}").text
    text = office.signed("lin").get(f"/console/guides/{guide}").text
    assert words in text
    assert "系统理解为：周一至周五 09:00–17:00（法定节假日除外）" in text


def test_a_guide_begins_with_what_matters_and_leaves_out_what_is_empty(office: Office) -> None:
    guide = made(office, "t-order", consult={"phone": "0900-1111111"}, laws=[], fees=[], charged=None)
    text = office.signed("lin").get(f"/console/guides/{guide}").text
    order = [
        text.index(words)
        for words in ("已发布", "完整度", ">修改</button>", "立即下架", "0900-1111111", 'id="s-naming"')
    ]
    assert order == sorted(order)
    assert "s-laws" not in text
    assert "s-costs" not in text


def test_citizens_not_seeing_a_guide_is_told_with_the_reason(office: Office) -> None:
    ended = made(office, "t-ended", effective_to="2026-09-30")
    coming = made(office, "t-coming", effective_from="2027-01-01")
    lin = office.signed("lin")
    assert "看不到这份指南：已经过了有效期" in lin.get(f"/console/guides/{ended}").text
    assert "看不到这份指南：还没有到实施日期" in lin.get(f"/console/guides/{coming}").text


def test_a_guide_is_withdrawn_at_once_with_a_reason(office: Office) -> None:
    guide, lin = made(office, "t-withdraw"), office.signed("lin")
    path = f"/console/guides/{guide}/withdraw"
    assert office.post(lin, path).status_code == 422
    assert office.post(lin, path, why="地址写错了").status_code == 303
    assert lin.get(f"/guides/{guide}").status_code == 404
    text = lin.get(f"/console/guides/{guide}").text
    assert "已下架" in text
    assert "地址写错了" in text
    assert acts(office, f"guide:{guide}") == ["guide.withdraw"]


def test_versions_are_compared_and_any_is_restored_as_a_draft(office: Office) -> None:
    guide = made(office, "t-versions", consult={"phone": "0900-1111111"})
    made(office, "t-versions", consult={"phone": "0900-2222222"})
    lin = office.signed("lin")
    text = lin.get(f"/console/guides/{guide}/versions").text
    assert "1111111" in text
    assert "2222222" in text
    assert "<del>" in text
    assert "<ins>" in text
    assert 'class="told"' not in text
    assert '恢复<span class="unseen">第 1 版' in text
    assert '恢复<span class="unseen">第 2 版' not in text  # that is how it stands
    assert "没有不同" in lin.get(f"/console/guides/{guide}/versions?before=2&after=2").text
    assert lin.get(f"/console/guides/{guide}/versions?before=7").status_code == 404
    answer = office.post(lin, f"/console/guides/{guide}/restore", version="1")
    assert answer.status_code == 303
    assert "0900-1111111" in lin.get(answer.headers["location"]).text
    assert office.post(lin, f"/console/guides/{guide}/restore", version="1").status_code == 409


def test_what_is_written_is_shown_and_never_run(office: Office) -> None:
    attack = "<script>alert(1)</script>"
    guide = made(
        office, "t-xss", aliases=[attack], how_online=f"\"'>{attack}", urls={"online": "javascript:alert(1)"},
        materials=[{"name": attack, "form_url": "data:text/html,x"}],
    )  # fmt: skip
    lin = office.signed("lin")
    draft = office.post(lin, f"/console/guides/{guide}/edit").headers["location"]
    for path in (f"/console/guides/{guide}", f"/console/guides/{guide}/versions", draft, f"{draft}/review"):
        text = lin.get(path).text
        assert attack not in text
        assert not re.search(r'href="(?:javascript|data):', text)


@pytest.mark.parametrize("name", ["qian", "gao", "sun"])
def test_who_may_not_write_a_guide_cannot_by_its_number(office: Office, name: str) -> None:
    guide = made(office, "t-strange", department={"name": "云桥市民政局"})
    stranger = office.signed(name)
    for path in ("edit", "withdraw", "restore"):
        answer = office.post(stranger, f"/console/guides/{guide}/{path}", why="试试", version="1")
        assert answer.status_code == 403, path
    assert acts(office, f"guide:{guide}") == []
    with office.house.reading() as session:
        published = read(session, guide)
        assert published
        assert published.status is Status.PUBLISHED
        assert drafts.of_guide(session, guide) is None


def test_who_is_not_signed_in_sees_nothing(office: Office) -> None:
    nobody: httpx.Client = office.client()
    for path in ("/console/guides", f"/console/guides/{number(office)}", "/console/drafts"):
        assert nobody.get(path).headers["location"].startswith("/console/sign-in")


def test_a_question_is_tried_on_a_guide(office: Office) -> None:
    lin = office.signed("lin")
    answer = office.post(lin, f"/console/guides/{number(office)}/try", question="身份证丢了怎么办")
    assert answer.status_code == 200
    assert "现在的回答" in answer.text
    assert "身份证" in answer.text
