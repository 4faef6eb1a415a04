"""Conversations as staff read them."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import delete

from core import clock
from journal.models import TurnRow
from tests.console.conftest import CITY, DISTRICT, Office, Visit, axe
from tests.journal.making import keep, turn


@pytest.fixture(autouse=True)
def nothing_asked(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", office.watch)
    assert office.house.journal.flush()
    with office.house.writing.begin() as session:
        session.execute(delete(TurnRow))


def test_a_reviewer_reads_why_a_question_was_answered_so(office: Office, visit: Visit) -> None:
    sent = {"session": "why-session-1", "text": "身份证丢了怎么补，我电话13800138000"}
    answer = httpx.post(f"{office.address}/api/chat", json=sent, timeout=10).json()
    office.house.journal.rate(answer["turn"], _sender(office), False, "没说要不要照片")
    assert office.house.journal.flush()
    page = visit("zhou", "/console/conversations")
    axe(page, night=False)
    page.get_by_role("link", name=re.compile("身份证丢了怎么补")).click()
    expect(page.get_by_text("群众评价：没用")).to_be_visible()
    expect(page.get_by_role("table").first).to_be_visible()
    expect(page.get_by_role("columnheader", name="分数的意思").first).to_be_visible()
    assert "13800138000" not in page.content()
    assert "〔手机号〕" in page.content()
    axe(page)


def _sender(office: Office) -> str:
    assert office.house.journal.flush()
    with office.house.reading() as session:
        return str(session.query(TurnRow).one().sender)


def test_conversations_are_filtered_and_the_filters_stay(office: Office) -> None:
    at = clock.now()
    with office.house.writing.begin() as session:
        keep(session, [turn("遛狗证怎么办", at=at, useful=False), turn("公积金怎么提取", at=at, channel="wechat")])
    client = office.signed("zhou")
    both = client.get("/console/conversations").text
    assert "遛狗证" in both
    assert "公积金" in both
    for query in ({"text": "遛狗"}, {"useful": "no"}, {"channel": "web"}):
        text = client.get("/console/conversations", params=query).text
        assert "遛狗证" in text
        assert "公积金" not in text
    assert "没有符合条件" in client.get("/console/conversations", params={"until": "2020-01-01"}).text
    assert client.get("/console/conversations", params={"since": "昨天"}).status_code == 422


def test_conversations_are_read_only_by_reviewers_of_the_region(office: Office) -> None:
    with office.house.writing.begin() as session:
        keep(
            session,
            [turn("区里的事", at=clock.now(), region=DISTRICT), turn("外市的事", at=clock.now(), region="970100")],
        )
        numbers = {row.asked: row.id for row in session.query(TurnRow)}
    zhou, inside, outside = office.signed("zhou"), numbers["区里的事"], numbers["外市的事"]
    assert "区里的事" in zhou.get(f"/console/conversations/{inside}").text
    assert "外市的事" not in zhou.get("/console/conversations").text
    assert zhou.get(f"/console/conversations/{outside}").status_code == 404
    assert zhou.get("/console/conversations/987654").status_code == 404
    for nobody in ("lin", "gao"):
        assert office.signed(nobody).get("/console/conversations").status_code == 403
        assert office.signed(nobody).get(f"/console/conversations/{inside}").status_code == 403
    assert zhou.get(f"/console/conversations?region={CITY}").status_code == 200
