"""Whether an answer helped, told by a tap or in a word."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.conversation import sender_of
from channels.wechat.letters import Incoming, Kind
from channels.wechat.rating import under
from channels.wechat.rendering import LIMIT, ROOM
from core.types import Act, Answer, GuideRef, Reply
from journal.models import TurnRow
from tests.wechat.citizen import ACCOUNT
from tests.wechat.talking import Talk, labels, opened_account, talk

__all__ = ["opened_account", "talk"]  # fixtures

LOST = "身份证丢了，要带什么材料"
THANKS, NOTED = "谢谢您告诉我们", "工作人员会看"
WORDS = ["有用", "没用"]


@pytest.mark.parametrize(("word", "useful", "said"), [("有用", True, THANKS), ("没用", False, NOTED)])
def test_a_tap_under_an_answer_rates_it(talk: Talk, word: str, useful: bool, said: str) -> None:
    talk.says(LOST)
    assert labels(talk.out)[-2:] == WORDS
    assert said in talk.taps(word)
    assert _ratings(talk) == [useful]


@pytest.mark.parametrize("voice", [False, True])
def test_the_word_alone_rates_the_latest_answer(talk: Talk, voice: bool) -> None:
    talk.says(LOST)
    talk.says("要多少钱")
    told = talk.gets(_heard(talk, "没用。")) if voice else talk.says("没用")
    assert NOTED in told
    assert _ratings(talk) == [None, False]


def test_an_earlier_answer_is_rated_by_its_own_words(talk: Talk) -> None:
    talk.says(LOST)
    earlier = talk.out
    talk.says("要多少钱")
    talk.out = earlier
    talk.taps("没用")
    talk.says("有用")
    assert _ratings(talk) == [False, True]


def test_the_last_rating_holds(talk: Talk) -> None:
    talk.says(LOST)
    answer = talk.out
    talk.taps("没用")
    talk.out = answer
    talk.taps("有用")
    assert _ratings(talk) == [True]


def test_where_nothing_was_answered_there_is_nothing_to_rate(talk: Talk) -> None:
    talk.says("你好")
    assert not set(WORDS) & set(labels(talk.out))
    assert THANKS not in talk.says("有用")  # and the word is a question like any other


def test_after_a_refusal_the_word_does_not_rate_what_was_before(talk: Talk) -> None:
    talk.says(LOST)
    talk.says("帮我找找外星人户口")
    assert not set(WORDS) & set(labels(talk.out))
    talk.says("没用")
    assert set(_ratings(talk)) == {None}


def test_nobody_rates_the_answers_of_others(talk: Talk) -> None:
    talk.says(LOST)
    other = talk.somebody_else()
    other.out = talk.out
    other.taps("没用")
    assert _ratings(talk) == [None]


@pytest.mark.parametrize("choice", ["useful:", "useless:nonsense", "useful"])
def test_an_id_that_is_no_turns_harms_nothing(talk: Talk, choice: str) -> None:
    talk.says(LOST)
    assert talk.hears(talk.citizen.says("有用", tapped=choice))
    assert _ratings(talk)[0] is None


def test_the_words_are_left_out_rather_than_be_a_message_of_their_own() -> None:
    guide = GuideRef(1, "X", "挂失", "公安局", "980100", 1)
    reply = Reply("s", (Answer(Act.ANSWER, "好。", guide=guide),), "turn")
    (short,) = under(("好。",), reply)
    assert short.startswith("好。\n\n")
    assert len(short.encode()) <= LIMIT
    full = ("第一条", "字" * (ROOM // 3))
    assert under(full, reply) == full
    assert under((), reply) == ()


def _ratings(talk: Talk) -> list[bool | None]:
    """What was told of each turn of the citizen, in their order."""
    assert talk.house.journal.flush()
    sender = sender_of(_heard(talk, "").session)
    with talk.house.reading() as session:
        rated = session.scalars(select(TurnRow.useful).where(TurnRow.sender == sender).order_by(TurnRow.id))
        return [None if one is None else bool(one) for one in rated]


def _heard(talk: Talk, text: str) -> Incoming:
    return Incoming("", ACCOUNT.appid, talk.citizen.openid, "", Kind.VOICE, text)
