"""Conversations in the demonstration city, understood by words alone, as while Rasa is away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from bot.assistant import Assistant
from bot.dialogue import Dialogue
from core.types import Act, Answer, Facet
from knowledge.publishing import publish, withdraw
from knowledge.schema import Contact
from tests.bot.conftest import AT, CITY, LINES, TODAY, City, Talk


def code(said: Answer) -> str:
    assert said.guide, said.text
    return said.guide.local_code


def test_what_was_sealed_in_a_question_makes_nothing_harder_to_find(city: City) -> None:
    finder, dialogue = city.assistant._finder, Dialogue(CITY)
    sealed = finder.find("我爸叫〔姓名〕，〔身份证号〕的身份证丢了怎么补", dialogue)
    plain = finder.find("的身份证丢了怎么补", dialogue)
    assert [(hit.text, hit.score) for hit in sealed] == [(hit.text, hit.score) for hit in plain]


def test_who_names_the_child_and_asks_about_another_matter_leaves_the_guide_at_hand(talk: Talk) -> None:
    talk.say("老房子想写上媳妇的名字")
    assert "义务教育阶段小学入学报名" in talk.say("我儿子叫〔姓名〕，今年上小学要什么材料").text


def test_a_lost_identity_card_is_answered_with_its_guide(talk: Talk) -> None:
    said = talk.say("身份证丢了咋补")
    assert said.act is Act.ANSWER
    assert code(said) == "yq-sfz-003"
    assert said.facets == (Facet.HOW,)
    assert "云桥市公安局" in said.text
    assert said.links
    assert said.links[0].url.startswith("https://yunqiao.example/")


def test_follow_ups_stay_on_the_guide(talk: Talk) -> None:
    talk.say("身份证丢了咋补")
    for words, facets in [
        ("那要带什么", (Facet.MATERIALS,)),
        ("周六上班吗", (Facet.HOURS,)),
        ("多久能拿到，要多少钱", (Facet.TIME, Facet.FEE)),
        ("照片要带吗", (Facet.MATERIALS,)),
        ("电话是多少", (Facet.PHONE,)),
        ("必须本人去吗", (Facet.CONDITIONS,)),
    ]:
        said = talk.say(words)
        assert code(said) == "yq-sfz-003", words
        assert said.facets == facets


def test_a_weekday_in_a_follow_up_is_answered(talk: Talk) -> None:
    talk.say("离婚登记怎么办")
    talk.say("松风区")
    assert "周六不上班" in talk.say("周六上班吗").text


def test_a_follow_up_without_a_facet_repeats_what_was_asked(talk: Talk) -> None:
    talk.say("低保要什么材料")
    talk.say("竹溪区")
    said = talk.say("那松风区呢")
    assert code(said) == "yq-mz-008-sf"
    assert said.facets == (Facet.MATERIALS,)


def test_a_new_topic_switches(talk: Talk) -> None:
    talk.say("身份证丢了咋补")
    assert code(talk.say("港澳通行证怎么续签")) == "yq-crj-004"
    assert code(talk.say("多少钱")) == "yq-crj-004"


def test_a_correction_looks_elsewhere(talk: Talk) -> None:
    talk.say("港澳通行证怎么续签")
    assert code(talk.say("不是，我说的是台湾的")) == "yq-crj-005"


def test_a_correction_to_companies_leaves_what_is_for_persons(talk: Talk) -> None:
    talk.say("个体户执照怎么办")
    said = talk.say("不是，我说的是公司的")
    offered = [choice.guide.local_code for choice in said.choices if choice.guide]
    assert "yq-sj-004" in (offered or [code(said)])
    assert not any(one.startswith("yq-sj-001") for one in offered)


def test_a_correction_to_companies_of_a_guide_for_both_says_that_it_serves_both(talk: Talk) -> None:
    talk.say("营业执照丢了怎么补")
    said = talk.say("不是，我说的是公司的")
    assert code(said) == "yq-sj-006"
    assert "法人" in said.text


def test_not_this_but_that_looks_for_that(talk: Talk) -> None:
    talk.say("社保卡丢了")
    assert code(talk.say("不是卡，是查社保")) == "yq-sb-001"


@pytest.mark.parametrize(
    ("remark", "meant"), [("补办", "yq-sfz-003"), ("过期的", "yq-sfz-002"), ("头一回办", "yq-sfz-001")]
)
def test_a_short_remark_settles_what_was_ambiguous(talk: Talk, remark: str, meant: str) -> None:
    assert talk.say("身份证").act is Act.CLARIFY
    assert code(talk.say(remark)) == meant


def test_a_new_topic_is_not_taken_for_a_choice(talk: Talk) -> None:
    talk.say("身份证")
    assert code(talk.say("退休")) == "yq-yjs-012"


def test_a_weekday_named_alone_asks_for_the_hours(talk: Talk) -> None:
    talk.say("个体户执照怎么办")
    talk.say("松风区")
    said = talk.say("下周六能办吗")
    assert Facet.HOURS in said.facets
    assert "周六" in said.text


def test_a_correction_that_says_no_more_asks_what_is_meant(talk: Talk) -> None:
    talk.say("身份证丢了咋补")
    said = talk.say("不对")
    assert said.act is Act.CLARIFY
    assert talk.dialogue.guide is None


def test_a_correction_may_name_a_choice(talk: Talk) -> None:
    talk.say("低保怎么申请")
    assert code(talk.say("不是，我说的是梅岭区")) == "yq-mz-008-ml"


def test_words_that_begin_like_a_correction_are_none(talk: Talk) -> None:
    talk.say("居住证怎么办")
    talk.say("竹溪区")
    said = talk.say("不是本地人能办吗")
    assert code(said) == "yq-hj-008-zx"
    assert Facet.CONDITIONS in said.facets


@pytest.mark.parametrize("way", ["tap", "number", "words", "last"])
def test_an_ambiguous_question_is_settled_by_a_choice_and_keeps_its_facets(talk: Talk, way: str) -> None:
    asked = talk.say("社保要带什么材料，多少钱")
    assert asked.act is Act.CLARIFY
    assert 2 <= len(asked.choices) <= 5
    for number, choice in enumerate(asked.choices, 1):
        assert f"{number}. {choice.label}" in asked.text
    place = -1 if way == "last" else 1
    wanted = asked.choices[place]
    said = {
        "tap": lambda: talk.tap(wanted.id),
        "number": lambda: talk.say("2"),
        "words": lambda: talk.say(wanted.label),
        "last": lambda: talk.say("最后一个"),
    }[way]()
    assert said.guide == wanted.guide
    assert said.facets == (Facet.MATERIALS, Facet.FEE)
    assert talk.dialogue.choices == ()


def test_where_only_districts_differ_the_district_is_asked_and_remembered(talk: Talk) -> None:
    asked = talk.say("孩子上户口要带什么")
    assert [choice.label for choice in asked.choices] == ["松风区", "竹溪区", "梅岭区"]
    said = talk.say("竹溪区")
    assert code(said) == "yq-hj-001-zx"
    assert said.facets == (Facet.MATERIALS,)
    assert code(talk.say("低保怎么申请")) == "yq-mz-008-zx"


def test_a_choice_answers_the_weekday_asked_before_it(talk: Talk) -> None:
    asked = talk.say("周六能办离婚登记吗")
    assert asked.act is Act.CLARIFY
    assert "周六" in talk.say("1").text


def test_more_questions_before_choosing_are_kept_for_the_choice(talk: Talk) -> None:
    talk.say("低保怎么申请")
    again = talk.say("要带什么")
    assert again.act is Act.CLARIFY
    assert [choice.label for choice in again.choices] == ["松风区", "竹溪区", "梅岭区"]
    assert "哪个区" in again.text
    assert talk.say("1").facets == (Facet.HOW, Facet.MATERIALS)


def test_a_number_that_no_choice_has_offers_the_same_choices_again(talk: Talk) -> None:
    first = talk.say("低保怎么申请")
    again = talk.say("第九个")
    assert again.choices == first.choices
    assert code(talk.say("3")) == "yq-mz-008-ml"


def test_a_district_named_later_asks_what_led_to_the_guide_again(talk: Talk) -> None:
    talk.say("身份证丢了咋补")
    talk.say("要不要照片")
    said = talk.say("在松风区哪里办")
    assert code(said) == "yq-sfz-003"
    assert said.facets == (Facet.WHERE,)


def test_a_district_named_in_the_question_is_not_asked_again(talk: Talk) -> None:
    said = talk.say("竹溪区低保怎么申请")
    assert code(said) == "yq-mz-008-zx"
    assert talk.dialogue.region == "980103"


@pytest.mark.parametrize(
    "words", ["上海身份证丢了怎么补", "北京的居住证怎么办", "你好，上海身份证怎么补", "在杭州怎么办社保卡"]
)
def test_another_city_is_said_not_to_be_covered(talk: Talk, words: str) -> None:
    said = talk.say(words)
    assert said.act is Act.REFUSE
    assert said.guide is None
    assert "还没有收录" in said.text
    assert talk.dialogue.region == CITY


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("去澳门的签注用完了再签一次", "yq-crj-004"),
        ("想去香港逛逛头一次办证", "yq-crj-003"),
        ("我是四川人，在这边能办居住证吗", "yq-hj-008"),
        ("社保从上海转过来怎么办", "yq-sb-005"),
        ("想去台湾探亲要办什么", "yq-crj-005"),
    ],
)
def test_a_place_one_comes_from_or_goes_to_is_not_where_it_is_done(talk: Talk, words: str, known: str) -> None:
    said = talk.say(words)
    found = [said.guide] if said.guide else [choice.guide for choice in said.choices]
    assert any(one and one.local_code.startswith(known) for one in found), said.text


@pytest.mark.parametrize("words", ["今天天气怎么样", "给我讲个笑话", "推荐一部电影", "股票能买吗", "我喜欢你"])
def test_what_is_no_government_service_is_refused_kindly(talk: Talk, words: str) -> None:
    said = talk.say(words)
    assert said.act is Act.REFUSE
    assert "12345" in said.text
    assert said.guide is None


def test_out_of_scope_talk_keeps_the_guide_at_hand(talk: Talk) -> None:
    talk.say("身份证丢了咋补")
    talk.say("讲个笑话")
    assert code(talk.say("那要带什么")) == "yq-sfz-003"


def test_what_nobody_knows_is_refused_with_the_hotline_and_a_person(talk: Talk) -> None:
    said = talk.say("量子对撞机租赁")
    assert said.act in (Act.REFUSE, Act.CLARIFY)
    assert said.guide is None
    assert talk.tap("human").act is Act.HANDOFF


def test_a_greeting_is_greeted_and_a_question_in_it_answered(talk: Talk) -> None:
    hello = talk.say("你好")
    assert hello.act is Act.GREET
    assert "云桥帮办" in hello.text
    assert code(talk.say("你好，身份证丢了怎么补")) == "yq-sfz-003"


def test_thanks_are_taken_and_a_question_with_them_answered(talk: Talk) -> None:
    talk.say("身份证丢了咋补")
    assert talk.say("谢谢").act is Act.SMALLTALK
    said = talk.say("谢谢，那要带什么")
    assert (code(said), said.facets) == ("yq-sfz-003", (Facet.MATERIALS,))
    assert talk.say("好的谢谢，知道在哪办了").act is Act.SMALLTALK
    assert talk.say("再见").act is Act.SMALLTALK


def test_a_wish_for_a_person_gets_the_staffed_line_with_its_hours(talk: Talk) -> None:
    said = talk.say("转人工")
    assert said.act is Act.HANDOFF
    assert LINES.staff_phone in said.text
    assert LINES.staff_hours in said.text
    assert said.links[0].url == f"tel:{LINES.staff_phone}"


def test_a_wish_for_a_person_about_a_guide_names_its_department(talk: Talk, city: City) -> None:
    talk.say("身份证丢了咋补")
    said = talk.say("转人工")
    consult = city.guide("yq-sfz-003").guide.consult
    assert consult
    assert consult.phone
    assert consult.phone in said.text
    assert LINES.staff_phone in said.text


def test_a_complaint_gets_the_guides_line_or_the_hotline(talk: Talk, city: City) -> None:
    assert talk.say("我要投诉").act is Act.TICKET
    assert LINES.hotline in talk.said[-1].answers[0].text
    talk.say("身份证丢了咋补")
    said = talk.say("他们态度太差我要投诉")
    complain = city.guide("yq-sfz-003").guide.complain
    assert complain
    assert complain.phone
    assert complain.phone in said.text
    assert said.act is Act.TICKET
    assert code(said) == "yq-sfz-003"


def test_a_complaint_among_open_choices_is_not_laid_on_the_first(talk: Talk) -> None:
    talk.say("社保要带什么材料")
    said = talk.say("我要投诉")
    assert said.act is Act.TICKET
    assert said.guide is None


def test_a_booking_is_shown_for_the_guide_meant(talk: Talk, city: City) -> None:
    assert talk.say("我要预约").act is Act.BOOK
    said = talk.say("结婚登记怎么预约")
    booking = city.guide("yq-mz-001").guide.booking
    assert said.act is Act.BOOK
    assert code(said) == "yq-mz-001"
    assert booking
    assert booking.url
    assert said.links[0].url == booking.url
    assert code(talk.say("要带什么")) == "yq-mz-001"


def test_a_question_about_the_hall_is_answered_by_a_curated_one(talk: Talk) -> None:
    said = talk.say("大厅有母婴室吗")
    assert said.act is Act.ANSWER
    assert "常见问题《有母婴室吗？》" in said.text


def test_an_unknown_choice_is_answered_with_a_question(talk: Talk) -> None:
    for choice in (
        "",
        "x",
        "guide:",
        "guide:abc:",
        "guide:99999:how",
        f"guide:{'9' * 40}:",
        "faq:no-such",
        "guide:-1:",
        "guide:1",
    ):
        said = talk.tap(choice)
        assert said.act in (Act.CLARIFY, Act.ANSWER), choice
        assert said.text


def test_a_choice_with_facets_unknown_or_twice_is_answered_once(talk: Talk, city: City) -> None:
    number = city.guide("yq-sfz-003").id
    said = talk.tap(f"guide:{number}:fee+fee+nonsense")
    assert said.facets == (Facet.FEE,)


def test_a_message_without_a_topic_asks_for_one_and_keeps_the_facet(talk: Talk) -> None:
    said = talk.say("要带什么材料")
    assert said.act is Act.CLARIFY
    answer = talk.say("身份证丢了")
    assert code(answer) == "yq-sfz-003"
    assert answer.facets == (Facet.MATERIALS,)


def test_a_withdrawn_guide_is_never_cited(own_city: City) -> None:
    talk = Talk(own_city.assistant, Dialogue(CITY))
    number = talk.say("身份证丢了咋补").guide
    assert number
    with own_city.writing.begin() as session:
        withdraw(session, number.id, by="测试", at=AT)
    said = talk.say("那要带什么")  # before the index has noticed
    assert said.guide is None
    assert "调整过" in said.text
    own_city.sync.catch_up()
    again = talk.say("身份证丢了咋补")
    assert again.guide is None or again.guide.id != number.id
    assert number.id not in [choice.guide.id for choice in again.choices if choice.guide]


def test_an_edit_is_answered_from_at_once(own_city: City) -> None:
    talk = Talk(own_city.assistant, Dialogue(CITY))
    before = talk.say("身份证丢了咋补").guide
    assert before
    guide = own_city.guide("yq-sfz-003").guide.model_copy(update={"consult": Contact(phone="0000-5559999")})
    with own_city.writing.begin() as session:
        publish(session, guide, by="测试", at=AT)
    said = talk.say("电话是多少")
    assert "0000-5559999" in said.text
    assert said.guide
    assert said.guide.version == before.version + 1


def test_a_guide_out_of_its_dates_is_not_told(city: City) -> None:
    number = city.guide("yq-sfz-003").id
    assert city.guide("yq-sfz-003").visible_on(TODAY)
    later = Assistant(city.index, city.regions, city.reading, LINES, today=lambda: date(1900, 1, 1))
    guide = city.guide("yq-sfz-003").guide
    said = later.choose(f"guide:{number}:fee", Dialogue(CITY)).answers[0]
    assert (said.guide is None) == bool(guide.effective_from)


def test_every_guide_of_the_city_is_told_in_every_facet(city: City) -> None:
    for one in city.index.guides():
        said = city.assistant.choose(f"guide:{one.id}:{'+'.join(Facet)}", Dialogue(CITY)).answers[0]
        assert said.guide
        assert said.guide.id == one.id
        assert "None" not in said.text
        assert "。。" not in said.text


def test_two_conversations_do_not_meet(talks: Callable[[], Talk]) -> None:
    one, other = talks(), talks()
    one.say("身份证丢了咋补")
    other.say("结婚登记去哪办")
    assert code(one.say("那要带什么")) == "yq-sfz-003"
    assert code(other.say("那要带什么")) == "yq-mz-001"


def test_a_known_item_that_no_guide_here_carries_out_is_named_and_not_answered_with_a_neighbour(talk: Talk) -> None:
    said = talk.say("叉车证去哪考")
    assert said.act is Act.REFUSE
    assert "特种设备作业人员资格认定" in said.text


def test_a_guide_is_not_missing_because_another_city_calls_its_matter_otherwise(talk: Talk) -> None:
    assert code(talk.say("身份证弄丢了去哪补")) == "yq-sfz-003"
