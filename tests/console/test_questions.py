"""From a question nobody could answer to one that the assistant answers."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import delete

from core import clock
from core.database import sessions
from journal import questions
from journal.models import TurnRow
from journal.turns import Outcome
from knowledge.publishing import find
from staff.permissions import Grant, Role
from tests.console.conftest import CITY, DISTRICT, Office, Visit, axe
from tests.journal.making import keep, turn

SECOND_DISTRICT = "980103"
TYPED, OTHER = "无人机飞手本子在哪里考呀", "飞手本子在哪里考无人机呀"


@pytest.fixture(autouse=True)
def nothing_asked(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", office.watch)
    assert office.house.journal.flush()
    with office.house.writing.begin() as session:
        session.execute(delete(TurnRow))


def refused(office: Office, *texts: str, region: str = CITY) -> None:
    """Questions that were refused an hour ago."""
    with office.house.writing.begin() as session:
        at = clock.now() - timedelta(hours=1)
        keep(session, [turn(text, Outcome.REFUSED, at=at, region=region) for text in texts])


def ask(office: Office, text: str, session: str) -> str:
    """What the assistant does with a question."""
    answer = httpx.post(f"{office.address}/api/chat", json={"session": session, "text": text}, timeout=10)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["messages"][0]["act"])


def open_ones(office: Office) -> set[str]:
    with sessions(office.house.engine)() as session:
        since = clock.now() - timedelta(days=7)
        found = questions.unanswered(session, regions=[CITY], since=since, now=clock.now())
    return {one.asked for one in found.questions}


def test_a_question_nobody_could_answer_is_taught_in_two_clicks_and_then_answered(office: Office, visit: Visit) -> None:
    assert ask(office, TYPED, "drone-session-1") == "refuse"
    assert ask(office, OTHER, "drone-session-2") == "refuse"
    assert office.house.journal.flush()
    page = visit("lin", "/console/questions")
    expect(page.get_by_text("问了 2 次", exact=True)).to_be_visible()
    page.get_by_text("其他问法（1）").click()
    axe(page)
    page.get_by_text("加到指南的问法").click()
    page.get_by_role("button", name=re.compile("加到《")).first.click()
    expect(page.get_by_role("status")).to_contain_text("群众现在这样问就能找到它")
    expect(page.get_by_text("这段时间没有要处理的问题")).to_be_visible()
    office.house.sync.catch_up()
    assert ask(office, TYPED, "drone-session-3") == "answer"


def test_a_group_begins_a_curated_question_with_all_its_wordings(office: Office) -> None:
    refused(office, TYPED, OTHER, TYPED)
    text = office.signed("lin").get("/console/questions").text
    assert "问了 3 次" in text
    link = re.search(r'href="(/console/faqs/new\?[^"]+)"', text)
    assert link
    form = office.signed("lin").get(link[1].replace("&amp;", "&"))
    assert form.status_code == 200
    assert TYPED in form.text
    assert OTHER in form.text
    assert re.search(r'name="settle" value="\d+,\d+"', form.text)


def test_a_group_begins_a_guide_that_holds_its_question(office: Office) -> None:
    refused(office, TYPED)
    client = office.signed("lin")
    ids = re.search(r'name="settle" value="([\d,]+)"', client.get("/console/questions").text)
    assert ids
    answer = office.post(client, "/console/drafts", question=TYPED, settle=ids[1])
    assert answer.status_code == 303
    assert TYPED in client.get(answer.headers["location"]).text
    assert open_ones(office) == set()


def test_what_needs_nothing_is_listed_no_more_and_who_said_so_is_on_record(office: Office) -> None:
    refused(office, TYPED)
    client = office.signed("lin")
    ids = re.search(r'name="settle" value="([\d,]+)"', client.get("/console/questions").text)
    assert ids
    assert office.post(client, "/console/questions/settle", settle=ids[1]).status_code == 303
    assert open_ones(office) == set()
    with office.house.reading() as session:
        last = next(iter(office.house.audit.entries(session, act="journal.settle")))
    assert (last.who, last.detail) == ("lin", {"what": "ignored", "turns": 1})


def test_a_clerk_of_a_district_sees_and_settles_only_what_was_asked_there(office: Office) -> None:
    refused(office, "市里问的无人机飞手考证")
    refused(office, "区里问的遛狗证怎么办", region=DISTRICT)
    text = office.signed("qian").get("/console/questions").text
    assert "区里问的" in text
    assert "市里问的" not in text
    every = ",".join(re.findall(r'name="settle" value="([\d,]+)"', office.signed("lin").get("/console/questions").text))
    office.post(office.signed("qian"), "/console/questions/settle", settle=every)
    assert open_ones(office) == {"市里问的无人机飞手考证"}
    assert office.signed("qian").get(f"/console/questions?region={CITY}").status_code == 403
    assert office.signed("gao").get("/console/questions").status_code == 403


def test_a_question_is_taught_only_to_guides_of_ones_own(office: Office) -> None:
    refused(office, TYPED)
    with office.house.reading() as session:
        guide = find(session, CITY, "yq-sfz-003")
    sent = {"guide": str(guide), "question": TYPED}
    answer = office.post(office.signed("qian"), "/console/questions/teach", sent)
    assert answer.status_code == 403
    assert open_ones(office) == {TYPED}
    assert office.signed("lin").post("/console/questions/teach", data=sent).status_code == 403  # without the token
    assert office.post(office.signed("lin"), "/console/questions/teach", sent | {"guide": "999999"}).status_code == 404


def test_another_guide_is_found_to_be_taught(office: Office) -> None:
    found = office.signed("lin").get("/console/questions/teach", params={"question": TYPED, "text": "居民身份证"})
    assert found.status_code == 200
    assert "加到《" in found.text


def test_where_every_district_keeps_the_item_each_clerk_is_offered_the_guides_of_their_own(office: Office) -> None:
    office.hire("he", "何静", Grant(Role.EDITOR, SECOND_DISTRICT))
    asked = {"question": TYPED, "text": "最低生活保障金给付"}

    def offered(name: str) -> set[str]:
        found = office.signed(name).get("/console/questions/teach", params=asked).text
        return set(re.findall(r"加到《最低生活保障金给付》.*?(..区民政局)", found))

    assert offered("he") == {"竹溪区民政局"}
    assert offered("qian") == {"松风区民政局"}
    assert offered("lin") == {"松风区民政局", "竹溪区民政局", "梅岭区民政局"}


def test_what_people_typed_is_shown_as_text(office: Office) -> None:
    refused(office, "<script>alert(1)</script>怎么考无人机")
    text = office.signed("lin").get("/console/questions").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
