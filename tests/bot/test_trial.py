"""A question is asked against a draft; citizens are answered from what is published meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from bot.dialogue import Dialogue
from bot.trial import NEW, Trial, Tried, Unfinished, drafted
from core.types import Act
from knowledge.documents import document
from tests.bot.conftest import CITY, LINES, TODAY, City, Talk

CODE = "yq-sfz-003"
ALIAS = "卡片飞走了重弄一张"


def ask(city: City, question: str, code: str | None = CODE, **changes: Any) -> Tried:
    """Ask against the guide with `changes`; without a code, against a new one."""
    now = city.guide(code or CODE)
    made = document(now.guide) | changes
    draft = drafted(made, now if code else None)
    trial = Trial(city.index, city.regions, city.reading, LINES, draft, today=lambda: TODAY)
    return trial.ask(question, CITY, longest=500)


def test_an_alias_only_in_the_draft_finds_it_and_the_real_assistant_knows_nothing_of_it(city: City) -> None:
    held = len(city.index)
    before = Talk(city.assistant, Dialogue(CITY)).say(ALIAS)
    tried = ask(city, ALIAS, aliases=[ALIAS])
    assert tried.found_at == 1
    assert tried.answers[0].guide
    assert tried.answers[0].guide.local_code == CODE
    best = tried.looks[0].candidates[0]
    assert (best.guide, best.text) == (city.guide(CODE).id, ALIAS)
    assert Talk(city.assistant, Dialogue(CITY)).say(ALIAS) == before
    assert len(city.index) == held
    assert city.index.scores(ALIAS, [ALIAS]) == {}


def test_an_alias_taken_out_of_the_draft_finds_it_no_longer(city: City) -> None:
    guide = city.guide("yq-crj-001").guide
    text = guide.questions[0] if guide.questions else guide.aliases[0]
    kept = ask(city, text, "yq-crj-001")
    gone = ask(city, text, "yq-crj-001", aliases=[], questions=[])
    told = [
        one.text
        for tried in (kept, gone)
        for one in tried.looks[0].candidates
        if one.guide == city.guide("yq-crj-001").id
    ]
    assert text == told[0]
    assert text not in told[1:]


def test_the_phone_of_the_draft_is_told_and_the_published_one_still_to_citizens(city: City) -> None:
    tried = ask(city, "身份证丢了打哪个电话", consult={"phone": "0000-5559999"})
    assert "0000-5559999" in tried.answers[0].text
    assert "0000-5559999" not in Talk(city.assistant, Dialogue(CITY)).say("身份证丢了打哪个电话").text
    assert tried.answers[0].guide
    assert tried.answers[0].guide.version == city.guide(CODE).version + 1


@pytest.mark.parametrize(
    "question", ["身份证丢了咋补", "护照多少钱", "低保怎么申请", "社保要带什么材料", "今天天气怎么样"]
)
def test_an_unchanged_draft_is_answered_like_the_guide_that_stands(city: City, question: str) -> None:
    tried, real = ask(city, question), Talk(city.assistant, Dialogue(CITY))
    real.say(question)
    assert [one.act for one in tried.answers] == [one.act for one in real.said[0].answers]
    for mine, theirs in zip(tried.looks, real.said[0].looks, strict=True):
        assert mine.query == theirs.query
        assert [(one.name, one.score) for one in mine.candidates] == [
            (one.name, one.score) for one in theirs.candidates
        ]


def test_a_guide_that_was_never_published_is_found_and_told(city: City) -> None:
    tried = ask(
        city, "飞艇驾驶证怎么办", None, name="飞艇驾驶证核发", local_code="yq-new-1", aliases=["飞艇驾照"], questions=[]
    )
    assert tried.found_at == 1
    assert tried.answers[0].guide
    assert (tried.answers[0].guide.id, tried.answers[0].guide.name) == (NEW, "飞艇驾驶证核发")


def test_a_question_about_something_else_tells_where_the_draft_stands(city: City) -> None:
    assert ask(city, "食品经营许可证怎么办").found_at is None
    assert ask(city, "我家着火了") == Tried(ask(city, "我家着火了").answers, (), None)
    assert ask(city, "我家着火了").answers[0].act is Act.EMERGENCY


def test_a_draft_with_holes_is_not_tried() -> None:
    with pytest.raises(Unfinished, match="草稿"):
        drafted({"name": "居民身份证丢失补领"}, None)
