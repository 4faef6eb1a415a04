"""What is told of a turn: its key, the sealed words, and why this answer was chosen."""

from __future__ import annotations

import re

import pytest

from bot import looks
from bot.conversation import TURN, sender_of
from bot.dialogue import Dialogue
from bot.observing import Observed
from core.types import Message
from tests.bot.conftest import CITY, City, Talk
from tests.bot.test_conversation import SESSION, Fake, converse, say


async def test_each_turn_is_observed_with_the_key_that_its_reply_carries(city: City) -> None:
    seen: list[Observed] = []
    talk = converse(city, observe=seen.append)
    replies = [await say(talk, text) for text in ("身份证丢了咋补", "着火了", "孩子上户口要带什么")]
    choice = replies[-1].messages[0].choices[0].id
    replies.append(await talk.turn(Message(SESSION, choice=choice, channel="wechat")))
    assert [one.key for one in seen] == [reply.turn for reply in replies]
    assert len({one.key for one in seen}) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", one.key) for one in seen)
    assert [one.path for one in seen] == ["direct", "guard", "direct", "choice"]
    assert [one.asked for one in seen] == ["身份证丢了咋补", "着火了", "孩子上户口要带什么", ""]
    assert (seen[-1].choice, seen[-1].channel) == (choice, "wechat")
    assert {one.sender for one in seen} == {sender_of(SESSION)}
    assert {one.region for one in seen[:3]} == {CITY}
    assert [one.answers for one in seen] == [reply.messages for reply in replies]
    assert all(one.seconds > 0 for one in seen)


async def test_what_is_observed_is_sealed(city: City) -> None:
    seen: list[Observed] = []
    await say(converse(city, observe=seen.append), "身份证110105194912310021丢了咋补，电话13800138000")
    await say(converse(city, observe=seen.append), "着火了快打13800138000")
    told = repr(seen)
    assert "13800138000" not in told
    assert "110105194912310021" not in told
    assert "〔手机号〕" in seen[0].asked
    assert "〔手机号〕" in seen[1].asked


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("我爸叫张大江，身份证丢了怎么补", "张大江"),
        ("申请人：赵敏，低保怎么办", "赵敏"),
        ("办理人张伟，怎么查进度", "张伟"),
    ],
)
async def test_a_name_reaches_neither_the_engine_nor_what_is_kept(city: City, said: str, name: str) -> None:
    seen: list[Observed] = []
    engine = Fake(lambda _: None)
    reply = await say(converse(city, engine, observe=seen.append), said)
    assert seen[0].asked == said.replace(name, "〔姓名〕")
    assert seen[0].looks
    assert name not in repr((seen, engine.heard, reply))


async def test_why_an_answer_was_chosen_is_told_with_texts_scores_and_what_was_rejected(city: City) -> None:
    seen: list[Observed] = []
    reply = await say(converse(city, observe=seen.append), "身份证丢了咋补")
    (look,) = seen[0].looks
    best, *others = look.candidates
    assert look.query == "身份证丢了咋补"
    assert reply.messages[0].guide
    assert (best.guide, best.faq, best.region) == (reply.messages[0].guide.id, None, CITY)
    assert "身份证" in best.text
    assert 0 < len(others) < looks.CANDIDATES
    assert best.score >= max(one.score for one in others)


def test_the_looks_of_a_long_turn_are_bounded_and_no_query_comes_twice(talk: Talk) -> None:
    for text in (
        "身份证丢了咋补",
        "那护照呢",
        "不是，我问的是港澳通行证那个",
        "刚才那个要带什么",
        "就是普通的有限公司，要带些什么",
    ):
        talk.say(text)
        found = talk.said[-1].looks
        assert len(found) <= looks.MOST
        assert len({look.query for look in found}) == len(found)
        assert all(len(look.candidates) <= looks.CANDIDATES for look in found)
    assert len(talk.said[1].looks) > 1, "what was asked before is looked at too"


async def test_looks_come_back_through_an_engine_that_is_elsewhere(city: City) -> None:
    there = Talk(city.assistant, Dialogue(CITY))
    there.say("护照多少钱")
    told = TURN.validate_json(TURN.dump_json(there.said[-1]))
    seen: list[Observed] = []
    await say(converse(city, Fake(lambda _: told), observe=seen.append), "护照多少钱")
    assert seen[0].path == "rasa"
    assert seen[0].looks == there.said[-1].looks != ()


def test_outside_a_turn_nothing_is_gathered(city: City) -> None:
    finder = city.assistant._finder
    first = finder.find("护照多少钱", Dialogue(CITY))
    assert finder.find("护照多少钱", Dialogue(CITY)) == first
    with looks.gathering() as seen:
        assert seen() == ()
