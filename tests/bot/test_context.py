"""Conversations whose messages lean on what was said before, in the demonstration city."""

from __future__ import annotations

import pytest

from bot import context
from bot.dialogue import Dialogue
from bot.understanding import Wish, audience, from_words
from core.types import Act, Answer, Facet
from knowledge.schema import Audience
from tests.bot.conftest import CITY, City, Talk


def code(said: Answer) -> str:
    assert said.guide, said.text
    return said.guide.local_code


def test_the_same_is_asked_of_another_matter(talk: Talk) -> None:
    talk.say("港澳通行证怎么续签")
    talk.say("要多少钱")
    said = talk.say("那台湾通行证呢")
    assert code(said) == "yq-crj-005"
    assert said.facets == (Facet.FEE,)


def test_the_same_is_asked_of_a_matter_named_by_one_word(talk: Talk) -> None:
    talk.say("身份证丢了咋补")
    talk.say("带什么")
    said = talk.say("那护照呢")
    assert said.guide
    assert "护照" in said.guide.name
    assert said.facets == (Facet.MATERIALS,)


def test_an_earlier_matter_is_gone_back_to(talk: Talk) -> None:
    talk.say("身份证丢了咋补")
    talk.say("港澳通行证怎么续签")
    assert code(talk.say("刚才那个身份证，电话多少")) == "yq-sfz-003"
    assert code(talk.say("还是说港澳通行证那个，要多少钱")) == "yq-crj-004"


def test_the_first_of_several_matters_is_gone_back_to(talk: Talk) -> None:
    talk.say("身份证丢了咋补")
    talk.say("港澳通行证怎么续签")
    talk.say("社保卡丢了怎么补")
    said = talk.say("最开始问的那个，多久能好")
    assert code(said) == "yq-sfz-003"
    assert said.facets == (Facet.TIME,)


def test_a_detail_told_beside_the_question_stays_on_the_guide(talk: Talk) -> None:
    talk.say("身份证丢了咋补")
    said = talk.say("我现在人在外地上学，家里人可以代领吗")
    assert code(said) == "yq-sfz-003"
    assert said.facets == (Facet.CONDITIONS,)


def test_a_remark_stays_on_a_guide_that_was_tapped(city: City, talk: Talk) -> None:
    talk.tap(f"guide:{city.guide('yq-sfz-003').id}")
    assert code(talk.say("家里人可以代领吗")) == "yq-sfz-003"


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("身份证丢了咋补", "身份证过期了要带什么"),
        ("港澳通行证怎么续签", "港澳通行证第一次办要带什么"),
        ("驾照丢了咋补办", "驾照到期换证要多少钱"),
    ],
)
def test_a_sister_of_the_guide_at_hand_is_a_matter_of_its_own(talk: Talk, first: str, then: str) -> None:
    before = code(talk.say(first))
    assert code(talk.say(then)) != before


@pytest.mark.parametrize("words", ["叉车证去哪考", "信用卡额度太低，怎么跟银行申请提额", "考研报哪个班好"])
def test_something_else_is_not_answered_with_the_guide_at_hand(talk: Talk, words: str) -> None:
    talk.say("身份证丢了咋补")
    said = talk.say(words)
    assert said.act is not Act.ANSWER or code(said) != "yq-sfz-003"


def test_a_matter_is_not_lost_over_a_question_without_an_answer(talk: Talk) -> None:
    talk.say("身份证丢了咋补")
    talk.say("南极科考队怎么报名要带什么")
    assert code(talk.say("回到刚才的身份证，多少钱")) == "yq-sfz-003"


def test_what_is_meant_may_be_named_before_what_is_not(talk: Talk) -> None:
    talk.say("个体户执照怎么办")
    assert code(talk.say("是公司的，不是个体的")) == "yq-sj-004"


def test_who_it_is_not_for_is_not_who_it_is_for() -> None:
    assert audience("是我们公司的，不是我个人的") is Audience.COMPANY
    assert from_words("是我们公司的，不是我个人的").wish is Wish.CORRECT


def test_a_bare_no_twice_over_is_taken_away(talk: Talk) -> None:
    talk.say("港澳通行证怎么续签")
    assert code(talk.say("搞错了，不是港澳，是台湾的")) == "yq-crj-005"


def test_the_last_guides_are_remembered_once_each() -> None:
    dialogue = Dialogue(CITY)
    for guide in (1, 2, 1, 3, 4, 5, 6):
        dialogue = dialogue.about(guide, (), f"第{guide}件")
    assert dialogue.guide == 6
    assert [guide for guide, _ in dialogue.earlier] == [5, 4, 3, 1]
    assert Dialogue.load(dialogue.dump()) == dialogue


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("那护照呢", "护照"),
        ("煤气那个呢", "煤气"),
        ("要是结婚证呢", "结婚证"),
        ("那呢", None),
        ("周六呢", None),
        ("护照怎么办", None),
    ],
)
def test_another_thing_is_heard_where_it_is_all_that_is_said(text: str, other: str | None) -> None:
    assert context.instead(text) == other


@pytest.mark.parametrize("text", ["我之前结过婚", "刚刚生了孩子", "前面的路口怎么走", "孩子一开始没上户口"])
def test_what_happened_before_is_not_what_was_asked_before(text: str) -> None:
    assert not context.goes_back(text)


def test_nothing_is_meant_before_where_nothing_was_told() -> None:
    assert context.meant_before("最开始那个", []) is None
    assert context.meant_before("刚才的津贴", ["电表过户", "生育津贴支付"]) == 1
