"""Booking through a real Rasa: its form follows the draft, and nothing personal ever reaches it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.actions import FORM, SLOTS, executor
from bot.conversation import sender_of
from bot.rasa import Rasa as Client
from tests.bot.conftest import CITY, IDENTITY, Chat, Halls, encoder, halls, open_halls
from tests.rasa.conftest import TOKEN, Actions, Rasa

__all__ = ["encoder", "halls", "open_halls"]  # fixtures

PERSONAL = ("张伟", "张*", "13800138000", "138****", "8000", IDENTITY, "110105", "/book/slip", "李娜", "1380013800")


@pytest.fixture
async def chat(rasa: Rasa, actions: Actions, halls: Halls) -> AsyncIterator[Chat]:
    """A conversation whose sentences are understood by Rasa, and whose actions are the application's."""
    served = executor(halls.assistant, CITY, halls.vault)
    actions.asked.clear()

    def act(body: dict[str, Any]) -> object:
        result = asyncio.run(served.run({"domain": {}, **body}))
        return result.model_dump() if result else {"events": [], "responses": []}

    actions.answer = act
    client = Client(f"http://127.0.0.1:{rasa.port}", TOKEN, halls.vault, deadline=20)
    client.ready = True
    yield Chat(halls, engine=client, session=f"session-{id(client)}")
    await client.close()
    actions.answer = {"events": [], "responses": []}


def tracker(rasa: Rasa, chat: Chat) -> dict[str, Any]:
    """All that Rasa keeps of the conversation."""
    answer = rasa.client.get(f"/conversations/{sender_of(chat.session)}/tracker", params={"token": TOKEN})
    kept: dict[str, Any] = answer.json()
    return kept


async def test_the_form_follows_the_draft_to_its_end(chat: Chat, rasa: Rasa, actions: Actions) -> None:
    for said, words, asked in [
        ("我想预约身份证丢失补领", "哪个大厅", "booking_hall"),
        ("松风区", "哪一天方便", "booking_day"),
        ("要带什么材料", "接着约", "booking_day"),
        ("明天", "几点方便", "booking_time"),
        ("上午十点", "姓名", "booking_person"),
        ("张伟", "手机号", "booking_person"),
        ("13800138000", "请核对", "booking_confirmed"),
    ]:
        assert words in await chat.say(said), said
        kept = tracker(rasa, chat)
        assert kept["active_loop"].get("name") == FORM, said
        assert kept["slots"]["requested_slot"] == asked, said
        assert actions.asked[-1][1]["next_action"] == f"validate_{FORM}"
    slots = tracker(rasa, chat)["slots"]
    assert slots["booking_item"] == chat.halls.city.guide("yq-sfz-003").id
    assert (slots["booking_day"], slots["booking_time"], slots["booking_person"]) == ("2026-10-16", "10:00", True)
    assert "约好了" in await chat.say("确认，不用提醒")
    kept = tracker(rasa, chat)
    assert not kept["active_loop"].get("name")
    assert [kept["slots"][name] for name in (*SLOTS, "requested_slot")] == [None] * 7
    assert set(chat.paths) == {"rasa"}
    assert "要准备" in await chat.say("要带什么材料")
    assert actions.asked[-1][1]["next_action"] == "action_answer"


async def test_nothing_personal_reaches_rasa_or_its_log(chat: Chat, rasa: Rasa, actions: Actions) -> None:
    for said in (
        "约结婚登记，松风区，明天下午3点", "1380013800", "张伟，13800138000", "110105194912310020", IDENTITY, "确认，提醒我",
        "我的预约", "约补身份证，松风区，下周一上午十点", "李娜", "上一步", "换个大厅", "竹溪区", "取消预约", "我的预约", "取消预约", "确认",
    ):  # fmt: skip
        assert await chat.say(said), said
        sent = json.dumps([body for _, body in actions.asked], ensure_ascii=False)
        held = json.dumps(tracker(rasa, chat), ensure_ascii=False)
        for words in PERSONAL:
            assert words not in sent, (said, words)
            assert words not in held, (said, words)
            assert words not in rasa.log, (said, words)
    assert set(chat.paths) == {"rasa"}
    assert "〔姓名〕" in json.dumps([body for _, body in actions.asked], ensure_ascii=False)


async def test_a_booking_goes_on_while_rasa_is_away_and_enters_the_form_again(chat: Chat, rasa: Rasa) -> None:
    assert isinstance(chat.engine, Client)
    chat.engine.ready = False
    await chat.say("约补身份证")
    assert "哪一天方便" in await chat.say("松风区")
    assert chat.paths == ["direct", "direct"]
    chat.engine.ready = True
    assert "几点方便" in await chat.say("明天")
    assert tracker(rasa, chat)["active_loop"].get("name") == FORM
    assert "姓名" in await chat.say("上午十点")
    chat.engine.ready = False
    assert "手机号" in await chat.say("张伟")
    await chat.say("不约了")
    chat.engine.ready = True
    assert "要准备" in await chat.say("身份证丢了要带什么材料")
    assert not tracker(rasa, chat)["active_loop"].get("name")


async def test_giving_up_leaves_the_form(chat: Chat, rasa: Rasa) -> None:
    await chat.say("约补身份证，松风区")
    assert tracker(rasa, chat)["active_loop"].get("name") == FORM
    assert "不约了" in await chat.say("算了，不约了")
    assert not tracker(rasa, chat)["active_loop"].get("name")


async def test_an_item_without_appointments_never_enters_it(chat: Chat, rasa: Rasa) -> None:
    assert "不用预约" in await chat.say("预约驾驶证期满换证")
    assert not tracker(rasa, chat)["active_loop"].get("name")
    assert chat.paths == ["rasa"]
