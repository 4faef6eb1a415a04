"""The public contract of /api/chat, without Rasa: what is answered, refused, limited and repeated."""

from __future__ import annotations

import concurrent.futures

import pytest
from fastapi.testclient import TestClient

from channels.app import create
from channels.house import House
from core.settings import Settings

FIELDS = {"act", "text", "facets", "facts", "guide", "choices", "links", "faq"}


def chat(client: TestClient, text: str, session: str = "session-0001", **more: str) -> dict:
    answer = client.post("/api/chat", json={"session": session, "text": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_everyday_question_gets_a_sourced_answer(client: TestClient) -> None:
    reply = chat(client, "身份证丢了咋补", "session-first")
    message = reply["messages"][0]
    assert reply["session"] == "session-first"
    assert set(message) == FIELDS
    assert message["act"] == "answer"
    assert message["facets"] == ["how"]
    assert message["guide"]["name"] == "居民身份证丢失补领"
    assert set(message["guide"]) == {"id", "local_code", "name", "department", "region", "version", "verified_at"}
    assert "云桥市公安局" in message["text"]
    assert "2026-10-15 核实" in message["text"]
    assert any(link["url"].startswith("https://yunqiao.example/") for link in message["links"])


def test_a_follow_up_stays_on_the_guide_and_a_choice_is_taken_by_its_id(client: TestClient) -> None:
    asked = chat(client, "低保怎么申请", "session-choice")["messages"][0]
    assert asked["act"] == "clarify"
    assert {choice["label"] for choice in asked["choices"]} == {"松风区", "竹溪区", "梅岭区"}
    chosen = asked["choices"][1]
    answer = client.post("/api/chat", json={"session": "session-choice", "choice": chosen["id"]}).json()["messages"][0]
    assert answer["guide"]["id"] == chosen["guide"]["id"]
    after = chat(client, "那要带什么", "session-choice")["messages"][0]
    assert (after["guide"]["id"], after["facets"]) == (chosen["guide"]["id"], ["materials"])


def test_two_sessions_do_not_know_of_each_other(client: TestClient) -> None:
    chat(client, "护照怎么办", "session-left1")
    assert chat(client, "那要带什么", "session-right")["messages"][0]["guide"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"session": "short", "text": "你好"},
        {"session": "has space here", "text": "你好"},
        {"session": "session-bad1", "text": "你好", "region": "33"},
        {"session": "session-bad1", "text": "你好", "region": "112233"},
        {"session": "session-bad1", "text": "你好", "unknown": 1},
        {"session": "session-bad1"},
        {"session": "session-bad1", "text": "你好", "choice": "guide:1:"},
        {"session": "session-bad1", "text": "  "},
        {"session": "session-bad1", "text": "？？？"},
        {"session": "session-bad1", "text": ["list"]},
    ],
)
def test_bad_input_gets_a_sentence_in_chinese_and_nothing_of_it_back(client: TestClient, body: dict) -> None:
    answer = client.post("/api/chat", json=body)
    assert answer.status_code == 422
    told = answer.json()
    assert told["messages"][0]["act"] == "error"
    assert "。" in told["message"]
    assert "has space" not in answer.text
    assert "Traceback" not in answer.text


def test_a_message_that_is_no_json_is_refused_in_words(client: TestClient) -> None:
    answer = client.post("/api/chat", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["messages"][0]["act"] == "error"


def test_a_long_message_and_a_huge_body_are_refused(client: TestClient) -> None:
    long = client.post("/api/chat", json={"session": "session-long", "text": "身份证" * 400})
    huge = client.post("/api/chat", content=b"x" * 100_000, headers={"Content-Type": "application/json"})
    assert long.status_code == 413
    assert "500" in long.json()["message"]
    assert huge.status_code == 413


def test_a_body_of_unstated_length_is_cut_off_too(client: TestClient) -> None:
    parts = (b"x" * 4096 for _ in range(100))
    answer = client.post("/api/chat", content=parts, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


def test_personal_data_is_neither_kept_nor_echoed(client: TestClient, house: House) -> None:
    reply = client.post(
        "/api/chat",
        json={"session": "session-secret", "text": "我叫王小明，身份证110101199003078515，手机13812345678，护照怎么办"},
    )
    assert "110101199003078515" not in reply.text
    assert "13812345678" not in reply.text
    assert "已经隐去" in reply.text
    kept = str(house.cache.__dict__)
    assert "110101199003078515" not in kept
    assert "13812345678" not in kept


def test_an_emergency_is_answered_first(client: TestClient) -> None:
    message = chat(client, "我家着火了，房产证还在里面怎么办")["messages"][0]
    assert (message["act"], message["links"]) == ("emergency", [{"label": "拨打 119", "url": "tel:119"}])


def test_text_that_begins_like_a_command_is_only_text(client: TestClient) -> None:
    assert chat(client, "/restart", "session-slash")["messages"][0]["act"] in {"refuse", "clarify"}
    assert chat(client, "／身份证丢了咋补", "session-slash")["messages"][0]["guide"]["name"] == "居民身份证丢失补领"


def test_a_retry_with_the_same_key_gets_the_same_reply_and_is_answered_once(client: TestClient, house: House) -> None:
    def counted() -> float:
        return sum(
            one.value
            for metric in house.metrics.registry.collect()
            for one in metric.samples
            if one.name == "bangban_answers_total"
        )

    before = counted()
    body = {"session": "session-again", "text": "居住证怎么办"}
    headers = {"Idempotency-Key": "key-00000001"}
    with concurrent.futures.ThreadPoolExecutor(4) as many:
        replies = list(many.map(lambda _: client.post("/api/chat", json=body, headers=headers), range(4)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.content for reply in replies}) == 1
    assert counted() - before == 1


def test_a_reply_kept_for_a_retry_cannot_be_read_where_it_is_kept(client: TestClient, house: House) -> None:
    body = {"session": "session-locked", "text": "居住证怎么办"}
    headers = {"Idempotency-Key": "key-00000003"}
    reply = client.post("/api/chat", json=body, headers=headers)
    kept = house.cache._kept["reply:session-locked:key-00000003"][0]  # type: ignore[attr-defined]
    assert "居住证" in reply.text
    assert "居住证" not in kept
    assert house.vault.unlock(kept) == client.post("/api/chat", json=body, headers=headers).text


def test_a_failed_try_does_not_use_up_its_key(client: TestClient) -> None:
    headers = {"Idempotency-Key": "key-00000002"}
    assert (
        client.post("/api/chat", json={"session": "session-fail", "text": "！！"}, headers=headers).status_code == 422
    )
    good = client.post("/api/chat", json={"session": "session-fail", "text": "护照怎么办"}, headers=headers)
    assert good.status_code == 200


def test_who_sends_too_fast_is_told_how_long_to_wait(settings: Settings) -> None:
    slow = settings.model_copy(update={"rate_limit": 3})
    with TestClient(create(slow)) as client:
        codes = [client.post("/api/chat", json={"session": "session-fast", "text": "你好"}) for _ in range(4)]
        other = client.post("/api/chat", json={"session": "session-calm", "text": "你好"})
    assert [one.status_code for one in codes] == [200, 200, 200, 429]
    assert 1 <= int(codes[3].headers["Retry-After"]) <= 60
    assert other.status_code == 200


def test_one_address_cannot_go_around_the_limit_with_many_sessions(settings: Settings) -> None:
    slow = settings.model_copy(update={"rate_limit_address": 3})
    with TestClient(create(slow)) as client:
        codes = [
            client.post("/api/chat", json={"session": f"session-{n:04}", "text": "你好"}).status_code for n in range(4)
        ]
    assert codes == [200, 200, 200, 429]


def test_what_breaks_inside_stays_inside(client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("secret table name")

    monkeypatch.setattr(house.conversation, "turn", broken)
    answer = client.post("/api/chat", json={"session": "session-broken", "text": "你好"})
    assert answer.status_code == 500
    assert answer.json()["messages"][0]["act"] == "error"
    assert "secret" not in answer.text
