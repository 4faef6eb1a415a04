"""The launched server, with a trained model."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.rasa.conftest import ACTIONS_TOKEN, ROOT, TOKEN, Actions, Rasa, launch

LEAST_ACCURACY = 0.95  # measured 0.983 on these 483 questions
SECRET = "隔壁老王的秘密在松风路七号"


@pytest.fixture(autouse=True)
def fresh(actions: Actions) -> None:
    actions.asked.clear()
    actions.answer = {"events": [], "responses": [{"custom": {"act": "answer", "text": "好"}}]}


def test_intents_of_held_out_questions_are_found(rasa: Rasa) -> None:
    lines = (ROOT / "tests/rasa/intents.tsv").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines]
    wrong = [(text, intent, found) for text, intent in pairs if (found := rasa.intent(text)) != intent]
    assert 1 - len(wrong) / len(pairs) >= LEAST_ACCURACY, wrong


def test_a_request_without_the_token_is_refused(rasa: Rasa, actions: Actions) -> None:
    body = {"sender": "tester", "message": "你好"}
    assert rasa.client.post("/webhooks/bangban/webhook", json=body).status_code == 401
    assert rasa.say("你好", token="wrong").status_code == 401
    assert rasa.client.get("/status").status_code == 401
    assert actions.asked == []


def test_a_question_reaches_the_action_and_its_answer_comes_back(rasa: Rasa, actions: Actions) -> None:
    answer = rasa.say("身份证丢了咋补")
    assert answer.status_code == 200
    assert [message["custom"]["text"] for message in answer.json()] == ["好"]
    headers, asked = actions.asked[0]
    assert headers["Authorization"] == f"Bearer {ACTIONS_TOKEN}"
    assert asked["next_action"] == "action_answer"
    assert "domain" not in asked


def test_a_leading_slash_is_no_command(rasa: Rasa, actions: Actions) -> None:
    rasa.say("/human")
    tracker = actions.asked[0][1]["tracker"]
    assert isinstance(tracker, dict)
    assert tracker["latest_message"]["text"] == "human"


def test_slots_outlive_the_turns_that_are_dropped(rasa: Rasa, actions: Actions) -> None:
    actions.answer = {"events": [{"event": "slot", "name": "guide", "value": {"id": 7}}], "responses": []}
    rasa.say("身份证丢了", sender="slots")
    actions.answer = {"events": [], "responses": []}
    for _ in range(8):
        rasa.say("那要带什么", sender="slots")
    tracker = actions.asked[-1][1]["tracker"]
    assert isinstance(tracker, dict)
    assert tracker["slots"]["guide"] == {"id": 7}
    assert len(tracker["events"]) < 20


def test_a_malformed_body_is_refused(rasa: Rasa) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    slash_only, no_sender, no_message = (
        {"sender": "a", "message": "/"},
        {"sender": "", "message": "你好"},
        {"sender": "a"},
    )
    for body in ("no json", "[]", *map(json.dumps, (slash_only, no_sender, no_message))):
        assert rasa.client.post("/webhooks/bangban/webhook", content=body, headers=headers).status_code == 400


def test_an_invalid_action_answer_is_rejected_and_no_text_is_logged(rasa: Rasa, actions: Actions) -> None:
    actions.answer = {"events": [{"event": "slot", "name": 5, "value": SECRET}], "responses": []}
    assert rasa.say(SECRET, sender="invalid").json() == []
    rasa.wait_for_log("jsonschema.exceptions.ValidationError")
    assert SECRET not in rasa.log
    assert TOKEN not in rasa.log


def test_the_server_listens_on_loopback_only(rasa: Rasa) -> None:
    listening = Path(f"/proc/{rasa.process.pid}/net/tcp").read_text()
    at = [line.split()[1] for line in listening.splitlines()[1:] if line.split()[3] == "0A"]
    assert [address for address in at if address.endswith(f":{rasa.port:04X}")] == [f"0100007F:{rasa.port:04X}"]


def test_a_busy_port_is_told_at_once_in_one_sentence(rasa: Rasa, model: Path) -> None:
    second = launch("run", "--model", str(model), "--port", str(rasa.port), "--actions-url", "http://127.0.0.1:9/")
    said, _ = second.communicate(timeout=20)
    assert second.returncode == 3
    assert said.startswith(f"run: port {rasa.port} is in use")
    assert len(said.strip().splitlines()) == 1


def test_the_kept_validator_raises_what_rasas_own_raises() -> None:
    script = """
from bangban_rasa.actions import keep_one_validator
from rasa.core.actions.action import RemoteAction
import jsonschema
action = RemoteAction("action_answer", None)
def outcome(answer):
    try:
        return action._validate_action_result(answer)
    except Exception as error:
        return type(error)
slot = {"event": "slot", "name": "guide", "value": 1, "timestamp": None}
answers = [{}, {"events": [], "responses": []}, {"events": {}}, {"responses": [1]}, [], {"events": [1]}]
answers += [{"events": [slot, {"event": "followup", "name": "action_listen"}], "responses": [{"custom": {}}]}]
answers += [{"events": [slot, wrong]} for wrong in ({"event": "slot"}, {"event": "nothing"}, {**slot, "name": 1}, {})]
before = [outcome(answer) for answer in answers]
keep_one_validator()
assert [outcome(answer) for answer in answers] == before, before
assert jsonschema.ValidationError in before and True in before
"""
    done = subprocess.run(
        [str(ROOT / "bot/runtime/.venv/bin/python"), "-W", "ignore", "-c", script],
        cwd=ROOT / "bot/runtime",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_the_tracker_store_keeps_within_its_bounds() -> None:
    script = """
import asyncio
from bangban_rasa.trackers import BoundedTrackerStore
from rasa.shared.core.domain import Domain
now = [0.0]
store = BoundedTrackerStore(Domain.empty(), sessions=2, idle_seconds=10, clock=lambda: now[0])
async def check():
    for name in "abc":
        await store.get_or_create_tracker(name)
    assert sorted(await store.keys()) == ["b", "c"]
    await store.retrieve("b")
    await store.get_or_create_tracker("d")
    assert sorted(await store.keys()) == ["b", "d"]
    now[0] = 11.0
    assert await store.keys() == [] and await store.retrieve("d") is None
asyncio.run(check())
"""
    done = subprocess.run(
        [str(ROOT / "bot/runtime/.venv/bin/python"), "-W", "ignore", "-c", script],
        cwd=ROOT / "bot/runtime",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
