"""Where a citizen is reached later: kept with what they book, and readable nowhere on the way."""

from __future__ import annotations

import asyncio

import pytest

from bot.dialogue import Dialogue, Turn
from bot.understanding import from_words
from desk.front import Held
from tests.bot.conftest import Chat, Halls

ADDRESS = "wx0123456789abcdef o-zhang-of-the-tests"
BOOKING = ("约补身份证，松风区，下周一上午十点", "张伟 13800138000", "确认，提醒我")


class Engine:
    """Understands by words, from what travels to Rasa and nothing else."""

    def __init__(self, halls: Halls) -> None:
        self._assistant = halls.assistant
        self.given: list[str] = []

    async def turn(self, sender: str, text: str, dialogue: Dialogue) -> Turn | None:
        self.given.append(dialogue.dump())
        return await asyncio.to_thread(
            self._assistant.respond, text, from_words(text), Dialogue.load(dialogue.dump())
        )  # fmt: skip


@pytest.fixture(params=["Rasa", "words"])
def chat(request: pytest.FixtureRequest, halls: Halls) -> Chat:
    """Somebody whom the channel can reach."""
    engine = Engine(halls) if request.param == "Rasa" else None
    return Chat(halls, engine=engine, session="wechat:wx01:o-zhang", channel="wechat", address=ADDRESS)


async def booked(chat: Chat) -> Held:
    for said in BOOKING:
        answer = await chat.say(said)
    assert "约好了" in answer
    (made,) = chat.halls.desk.mine(chat.owner)
    return chat.halls.desk.held(made.id)


def address(held: Held) -> str:
    assert held.details
    return held.details.address


async def test_an_appointment_knows_where_its_citizen_is_reached(chat: Chat) -> None:
    held = await booked(chat)
    assert address(held) == ADDRESS
    assert held.appointment.owner.startswith("wechat:")


async def test_it_stays_when_the_appointment_is_moved_and_cancelled(chat: Chat) -> None:
    made = (await booked(chat)).appointment
    chat.address = ""  # as from a page
    await chat.say("改到下午四点")
    assert "改好了" in await chat.say("确认")
    moved = chat.halls.desk.held(made.id)
    assert (moved.appointment.starts.hour, address(moved)) == (16, ADDRESS)
    await chat.say("取消预约")
    assert "已经取消" in await chat.say("确认")
    assert address(chat.halls.desk.held(made.id)) == ADDRESS


async def test_it_travels_locked_and_is_not_remembered(chat: Chat) -> None:
    for said in BOOKING:
        await chat.say(said)
        kept = await chat.dialogue()
        assert kept.reach == ""
    assert "o-zhang" not in str(chat.cache.__dict__)
    if isinstance(chat.engine, Engine):
        assert len(chat.engine.given) == len(BOOKING)
        assert not any("o-zhang" in given for given in chat.engine.given)
        assert all(chat.halls.vault.unlock(Dialogue.load(given).reach) == ADDRESS for given in chat.engine.given)


async def test_on_the_web_there_is_none(halls: Halls) -> None:
    chat = Chat(halls, engine=Engine(halls))
    assert address(await booked(chat)) == ""
    assert isinstance(chat.engine, Engine)
    assert all(Dialogue.load(given).reach == "" for given in chat.engine.given)


@pytest.mark.parametrize(
    ("channel", "said", "not_said"), [("web", "这个网页还开着", "发消息"), ("wechat", "发消息提醒您", "网页")]
)
async def test_who_wishes_to_be_reminded_is_told_how(halls: Halls, channel: str, said: str, not_said: str) -> None:
    chat = Chat(halls, channel=channel, address="" if channel == "web" else ADDRESS)
    await booked(chat)
    text = chat.last[0].text
    reminder = next(block for block in text.split("\n\n") if "提醒" in block)
    assert said in reminder
    assert not_said not in reminder
