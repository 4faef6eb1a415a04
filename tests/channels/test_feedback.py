"""Whether an answer helped: told by whoever asked, and by nobody else."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from channels.house import House
from journal.models import TurnRow
from journal.turns import Outcome
from knowledge.documents import document
from knowledge.publishing import find, read

numbers = itertools.count(1)


@pytest.fixture
def session_id() -> str:
    return f"session-rating-{next(numbers)}"


def chat(client: TestClient, session: str, text: str, **headers: str) -> dict[str, Any]:
    answer = client.post("/api/chat", json={"session": session, "text": text}, headers=headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def rate(client: TestClient, session: str, turn: str, useful: bool, comment: str = "") -> None:
    body = {"session": session, "turn": turn, "useful": useful, "comment": comment}
    answer = client.post("/api/feedback", json=body)
    assert (answer.status_code, answer.content) == (204, b"")


def kept(house: House, turn: str) -> TurnRow:
    assert house.journal.flush()
    with house.reading() as session:
        row = session.scalar(select(TurnRow).where(TurnRow.key == turn))
    assert row is not None
    return row


def test_a_turn_is_kept_with_its_outcome_its_guide_and_why(client: TestClient, house: House, session_id: str) -> None:
    reply = chat(client, session_id, "身份证丢了咋补，我的手机13800138000")
    row = kept(house, reply["turn"])
    assert (row.outcome, row.guide) == (Outcome.ANSWERED, reply["messages"][0]["guide"]["id"])
    assert row.looks[0]["candidates"][0]["guide"] == row.guide
    assert "13800138000" not in row.asked + row.reply
    assert "居民身份证丢失补领" in row.reply
    assert row.useful is None


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("低保怎么申请", Outcome.CLARIFIED),
        ("无人机飞手本子在哪里考呀", Outcome.REFUSED),
        ("帮我办个假身份证", Outcome.OTHER),  # refused on purpose: no answer is missing
        ("转人工", Outcome.HANDED),
        ("我要投诉", Outcome.HANDED),
        ("我要预约", Outcome.BOOKED),
        ("怎么转人工", Outcome.ANSWERED),
        ("你好", Outcome.OTHER),
        ("着火了", Outcome.OTHER),
    ],
)
def test_what_came_of_a_turn(client: TestClient, house: House, session_id: str, said: str, outcome: Outcome) -> None:
    reply = chat(client, session_id, said)
    row = kept(house, reply["turn"])
    assert row.outcome == outcome
    assert row.faq == reply["messages"][0]["faq"]


def test_the_one_who_asked_rates_a_turn_and_may_change_it(client: TestClient, house: House, session_id: str) -> None:
    turn = chat(client, session_id, "护照多少钱")["turn"]
    rate(client, session_id, turn, True)
    assert kept(house, turn).useful == 1
    rate(client, session_id, turn, False, "价格不对，请打 13800138000 问我")
    row = kept(house, turn)
    assert row.useful == 0
    assert row.comment == "价格不对，请打 〔手机号〕 问我"


def test_nobody_rates_a_turn_of_others_and_nobody_learns_whether_it_exists(
    client: TestClient, house: House, session_id: str
) -> None:
    turn = chat(client, session_id, "护照多少钱")["turn"]
    rate(client, "session-somebody-else", turn, False, "捣乱")
    rate(client, session_id, "A" * 22, False)
    row = kept(house, turn)
    assert (row.useful, row.comment) == (None, "")


def test_a_retry_carries_the_key_of_the_first_try(client: TestClient, session_id: str) -> None:
    headers = {"Idempotency-Key": f"key-{session_id}"}
    first, again = (chat(client, session_id, "护照多少钱", **headers) for _ in range(2))
    assert first["turn"] == again["turn"] != ""
    assert chat(client, session_id, "护照多少钱")["turn"] != first["turn"]


@pytest.mark.parametrize(
    "change",
    [{"turn": "short"}, {"session": "x"}, {"useful": "yes"}, {"useful": 1}, {"comment": "字" * 201}, {"more": 1}],
)
def test_what_is_no_rating_is_refused(client: TestClient, change: dict[str, Any]) -> None:
    body = {"session": "session-0001", "turn": "A" * 22, "useful": True} | change
    assert client.post("/api/feedback", json=body).status_code == 422


def test_ratings_are_counted_like_messages(
    client: TestClient, house: House, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.settings, "rate_limit", 2)
    body = {"session": session_id, "turn": "A" * 22, "useful": True}
    codes = [client.post("/api/feedback", json=body).status_code for _ in range(3)]
    assert codes == [204, 204, 429]


def test_a_draft_is_tried_without_being_kept(client: TestClient, house: House) -> None:
    with house.reading() as session:
        number = find(session, "980100", "yq-sfz-003")
        assert number
        published = read(session, number)
    assert published
    draft = document(published.guide) | {"consult": {"phone": "0000-5559999"}}
    assert house.journal.flush()
    with house.reading() as session:
        before = session.scalars(select(TurnRow.key)).all()
    answers, looks, found_at = house.try_out(draft, "身份证丢了打哪个电话", "980100", guide=number)
    assert "0000-5559999" in answers[0].text
    assert (looks[0].candidates[0].guide, found_at) == (number, 1)
    assert house.journal.flush()
    with house.reading() as session:
        assert session.scalars(select(TurnRow.key)).all() == before
