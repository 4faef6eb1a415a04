"""Curated questions are answered before anything is searched for, and catch nothing that is about something else."""

from __future__ import annotations

from datetime import date

import pytest

from bot.dialogue import Dialogue
from core.types import Act
from knowledge import faqs
from knowledge.publishing import publish
from knowledge.schema import Faq
from tests.bot.conftest import AT, CITY, City, Talk


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("怎么转人工", "yq-faq-0"),
        ("怎么转人工？", "yq-faq-0"),
        (" 怎么 转人工!", "yq-faq-0"),
        ("请不起律师能不能帮忙", "yq-faq-072"),
        ("周六周日能办事吗", "yq-faq-002"),
    ],
)
def test_a_curated_question_is_answered_in_other_signs_and_in_other_words(talk: Talk, said: str, code: str) -> None:
    answer = talk.say(said)
    assert answer.act is Act.ANSWER
    assert answer.faq
    assert answer.faq.startswith(code)
    assert answer.guide is None


def test_what_staff_wrote_comes_before_a_guide_with_the_same_words_and_before_small_talk(own_city: City) -> None:
    with own_city.writing.begin() as session:
        for code, question, variants in (
            ("own-1", "身份证丢了咋补？", []),
            ("own-2", "早上好", ["您好啊"]),
            ("own-3", "我要投诉你们", []),
        ):
            made = Faq(code=code, region=CITY, question=question, variants=variants, answer="请看公告。")
            faqs.write(session, made, by="王芳", at=AT)
    own_city.sync.catch_up()
    for said, code in (
        ("身份证丢了咋补", "own-1"),
        ("早上好！", "own-2"),
        ("您好啊", "own-2"),
        ("我要投诉你们", "own-3"),
    ):
        assert Talk(own_city.assistant, Dialogue(CITY)).say(said).faq == code
    with own_city.writing.begin() as session:
        faqs.switch(session, "own-1", False, by="王芳", at=AT)
    own_city.sync.catch_up()
    said = Talk(own_city.assistant, Dialogue(CITY)).say("身份证丢了咋补")
    assert said.guide
    assert said.guide.verified_at == date(2026, 10, 15)


@pytest.mark.parametrize("said", ["那要带什么", "多少钱", "周六上班吗", "多久能办好"])
def test_what_only_names_a_facet_stays_with_the_guide_at_hand(talk: Talk, said: str) -> None:
    talk.say("身份证丢了咋补")
    answer = talk.say(said)
    assert answer.faq is None
    assert answer.guide
    assert answer.guide.local_code == "yq-sfz-003"


@pytest.mark.parametrize("said", ["身份证丢了，要带什么材料", "身份证掉了在哪补办"])
def test_a_guide_that_fits_clearly_better_is_not_hidden_by_a_question_that_is_only_near(talk: Talk, said: str) -> None:
    answer = talk.say(said)
    assert answer.guide
    assert answer.guide.local_code == "yq-sfz-003"


def test_a_wish_to_complain_or_for_a_person_is_served_unless_the_question_is_the_very_same(talk: Talk) -> None:
    assert talk.say("我要投诉").act is Act.TICKET
    assert talk.say("转人工").act is Act.HANDOFF


def test_a_question_curated_by_city_and_district_is_answered_by_the_nearer(own_city: City) -> None:
    with own_city.writing.begin() as session:
        for code, region, question, variants in (
            ("own-1", CITY, "大厅中午休息吗", ["中午有人吗"]),
            ("own-2", "980103", "中午有人吗", []),
        ):
            made = Faq(code=code, region=region, question=question, variants=variants, answer="请看公告。")
            faqs.write(session, made, by="王芳", at=AT)
    own_city.sync.catch_up()
    for region, code in ((CITY, "own-1"), ("980103", "own-2"), ("980102", "own-1")):
        assert Talk(own_city.assistant, Dialogue(region)).say("中午有人吗？").faq == code


def test_the_guides_of_a_question_are_those_its_own_region_means(own_city: City) -> None:
    guide = own_city.guide("yq-sfz-003")
    other = guide.guide.model_copy(update={"region": "110000", "name": "别处的事项"})
    with own_city.writing.begin() as session:
        publish(session, other, by="王芳", at=AT)
        made = Faq(code="own-1", region=CITY, question="证件掉了", answer="请看公告。", guides=["yq-sfz-003"])
        faqs.write(session, made, by="王芳", at=AT)
    own_city.sync.catch_up()
    answer = Talk(own_city.assistant, Dialogue("980103")).say("证件掉了")
    assert answer.faq == "own-1"
    assert [one.label for one in answer.choices] == ["居民身份证丢失补领"]


def test_a_choice_among_those_offered_comes_first(talk: Talk) -> None:
    asked = talk.say("孩子上户口要带什么")
    assert asked.act is Act.CLARIFY
    assert talk.say("第一个").guide == asked.choices[0].guide
