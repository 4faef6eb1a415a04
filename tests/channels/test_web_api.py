"""Search, type-ahead, guides, pages, and what operators and browsers rely on."""

from __future__ import annotations

import json
import re
import time

import pytest
from fastapi.testclient import TestClient

from channels.house import House
from core import clock
from knowledge.publishing import find, publish, read, withdraw
from knowledge.schema import Contact, Guide


def test_search_finds_guides_with_score_and_the_text_that_matched(client: TestClient) -> None:
    hits = client.get("/api/search", params={"q": "娃刚出生怎么上户口", "limit": 5}).json()["hits"]
    assert 0 < len(hits) <= 5
    assert "出生" in hits[0]["guide"]["name"]
    assert hits[0]["score"] >= hits[-1]["score"]
    assert hits[0]["matched"]


def test_search_never_shows_another_city_its_guides(client: TestClient) -> None:
    assert client.get("/api/search", params={"q": "身份证补领", "region": "330602"}).json() == {"hits": []}
    assert client.get("/api/search", params={"q": "身份证补领", "region": "999999"}).status_code == 422


def test_type_ahead_offers_names_and_everyday_questions(client: TestClient) -> None:
    found = client.get("/api/suggest", params={"q": "身份证丢"}).json()["suggestions"]
    assert any("身份证丢" in one["text"] for one in found)
    assert found[0]["guide"]["name"] == "居民身份证丢失补领"
    assert client.get("/api/suggest", params={"q": ""}).json() == {"suggestions": []}


def test_every_hot_question_has_an_answer(client: TestClient) -> None:
    questions = client.get("/api/hot").json()["questions"]
    assert len(questions) >= 6
    for n, question in enumerate(questions):
        reply = client.post("/api/chat", json={"session": f"session-hot{n:02}", "text": question}).json()
        assert reply["messages"][0]["act"] in {"answer", "clarify", "book"}, question


def test_a_guide_can_be_read_as_data_and_as_a_page(client: TestClient, house: House) -> None:
    with house.reading() as session:
        known = find(session, "980100", "yq-sfz-003")
    data = client.get(f"/api/guides/{known}").json()
    page = client.get(f"/guides/{known}")
    Guide.model_validate({key: value for key, value in data.items() if key not in {"id", "version", "region_name"}})
    assert data["region_name"] == "云桥市"
    assert page.status_code == 200
    assert "居民身份证丢失补领" in page.text
    linked = re.search(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', page.text, re.S)
    assert linked
    assert json.loads(linked[1])["@type"] == "GovernmentService"


@pytest.mark.parametrize("path", ["/guides/999999", "/guides/99999999999999", "/nothing", "/api/guides/0"])
def test_what_is_not_there_is_said_so(client: TestClient, path: str) -> None:
    page = client.get(path, headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "Traceback" not in page.text
    assert ("没有" in page.text) is True


def test_pages_work_without_scripts(client: TestClient) -> None:
    assert "身份证丢了怎么补" in client.get("/").text
    assert "居民身份证丢失补领" in client.get("/search", params={"q": "身份证丢了"}).text
    assert "没有找到" in client.get("/search", params={"q": "量子色动力学"}).text


def test_a_guide_with_markup_in_it_is_shown_as_text(client: TestClient, house: House) -> None:
    nasty = "</script><script>alert(1)</script>"
    guide = Guide.model_validate(
        {
            "name": f"测试{nasty}",
            "local_code": "t-xss",
            "region": "980100",
            "department": {"name": nasty},
            "conditions": [nasty],
        }
    )
    with house.writing.begin() as session:
        publish(session, guide, by="测试", at=clock.now())
        known = find(session, "980100", "t-xss")
    page = client.get(f"/guides/{known}").text
    with house.writing.begin() as session:
        withdraw(session, known or 0, by="测试", at=clock.now())
    assert "<script>alert(1)" not in page
    assert client.get(f"/guides/{known}").status_code == 404


def test_a_corrected_phone_number_is_in_the_next_answer(client: TestClient, house: House) -> None:
    ask = {"session": "session-phone", "text": "养犬登记电话多少"}
    with house.reading() as session:
        known = house.search("养犬登记", None, 1)[0].target.id  # type: ignore[union-attr]
        before = read(session, known)
    assert before is not None
    changed = before.guide.model_copy(update={"consult": Contact(phone="0000-5559999")})
    with house.writing.begin() as session:
        publish(session, changed, by="测试", at=clock.now())
    told = client.post("/api/chat", json=ask).json()["messages"][0]
    with house.writing.begin() as session:
        publish(session, before.guide, by="测试", at=clock.now())
    assert "0000-5559999" in told["text"]
    assert told["guide"]["version"] == before.version + 1


def test_a_new_guide_is_found_by_search_soon_after_it_is_published(client: TestClient, house: House) -> None:
    guide = Guide.model_validate(
        {
            "name": "热气球升空活动报备",
            "local_code": "t-balloon",
            "region": "980100",
            "department": {"name": "云桥市体育局"},
        }
    )
    with house.writing.begin() as session:
        publish(session, guide, by="测试", at=clock.now())
        known = find(session, "980100", "t-balloon") or 0
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        hits = client.get("/api/search", params={"q": "放热气球要报备吗"}).json()["hits"]
        if hits and hits[0]["guide"]["id"] == known:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the new guide was never found")
    with house.writing.begin() as session:
        withdraw(session, known, by="测试", at=clock.now())


def test_operators_see_health_readiness_and_numbers(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"], ready.json()["rasa"]) == (200, "ready", "off")
    metrics = client.get("/metrics").text
    for name in (
        "bangban_answers_total",
        "bangban_turn_seconds_bucket",
        "bangban_index_texts",
        "bangban_index_revision",
    ):
        assert name in metrics


def test_every_response_carries_a_strict_policy(client: TestClient) -> None:
    for path in ("/", "/api/hot", "/guides/1", "/nothing"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Request-ID"]


def test_only_listed_portals_may_call_from_their_pages(client: TestClient) -> None:
    def allowed(origin: str) -> str | None:
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,idempotency-key",
        }
        return client.options("/api/chat", headers=asked).headers.get("access-control-allow-origin")

    assert allowed("https://portal.example") == "https://portal.example"
    assert allowed("https://evil.example") is None
    assert client.get("/widget.js").headers["access-control-allow-origin"] == "*"
    assert client.get("/static/widget/element.js").headers["access-control-allow-origin"] == "*"


def test_actions_are_only_carried_out_for_who_knows_the_token(client: TestClient) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}):
        assert (
            client.post("/internal/actions", json={"next_action": "action_answer"}, headers=headers).status_code == 401
        )


def test_the_contract_is_published(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {
        "/api/chat",
        "/api/search",
        "/api/suggest",
        "/api/guides/{guide_id}",
        "/healthz",
        "/readyz",
        "/metrics",
    } <= set(paths)
    assert client.get("/api/schema").json()["title"] == "Guide"
