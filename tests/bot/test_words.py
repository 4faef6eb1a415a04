"""What is asked, by the words alone: facets, topic, weekdays, wish."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.facets import recognise, topic, weekdays
from bot.understanding import Wish, about, from_rasa, from_words
from core.types import Facet
from knowledge.schema import Audience

LABELLED = """
who        这事归哪个部门管|找谁办身份证|低保找谁申请|哪个单位负责发居住证|这个归谁管
where      去哪里办|在哪儿办护照|身份证在哪补|大厅地址在哪|结婚证上哪领|到哪个窗口|搁哪办
how        怎么办|咋整|户口怎么迁|办理流程是啥|护照咋办|第一步先干啥|如何申请低保
materials  要带什么|那要带什么|需要什么材料|带啥|都要哪些手续|用带户口本吗|要准备些啥|照片要几张
conditions 有什么条件|什么人能申请|外地户口能办吗|我这种情况能申请不|要满足啥要求|必须本人去吗
time       多久能好|几天能拿到|要多长时间|多少个工作日|啥时候能拿证|当天能拿吗
fee        多少钱|要钱吗|收费吗|收多少钱|办这个要花钱不|工本费多少|免费不
hours      几点上班|周六上班吗|周末开门吗|中午休息吗|几点下班|星期天办不办公|节假日上班不
phone      电话多少|有联系电话吗|打哪个电话|咨询电话是多少
online     能网上办吗|手机上能弄不|有小程序吗|网址是啥|可以不去窗口吗
progress   办到哪一步了|进度怎么查|怎么还没办好|批下来了吗|申请了半个月还没消息
law        依据什么法律|有啥政策文件|凭什么要这个|哪条规定的
result     办完给什么证|最后拿到什么|会发证吗
complaint  我要投诉|怎么举报他们|态度太差|窗口乱收费
which      这两个有什么区别|我该办哪个|是办变更还是注销|有哪几种
"""
CASES = [
    (facet, one)
    for line in LABELLED.strip().split("\n")
    for facet, many in [line.split(None, 1)]
    for one in many.split("|")
]


def test_there_are_eighty_labelled_texts() -> None:
    assert len(CASES) >= 80


@pytest.mark.parametrize(("facet", "text"), CASES)
def test_a_short_question_shows_what_it_asks(facet: str, text: str) -> None:
    assert Facet(facet) in recognise(text)


# Written for the words, not taken from any guide: dialects, slips of input, bare remarks, stories with a question at the end.
SPOKEN = [
    (words, facet)
    for line in (Path(__file__).parent / "facets.tsv").read_text("utf-8").splitlines()
    for words, facet in [line.split("\t")]
]
LEAST = 0.97  # measured 0.998


def shows(words: str, facet: str) -> bool:
    """Whether the facet is what is answered first; a situation told without any asks how."""
    understood = from_words(words)
    if facet == Facet.COMPLAINT:
        return understood.wish is Wish.COMPLAINT
    first = understood.facets[0] if understood.facets else Facet.HOW
    return understood.wish is Wish.ASK and first == facet


def test_the_first_facet_of_spoken_questions_is_found_by_words_alone() -> None:
    wrong = [(words, facet) for words, facet in SPOKEN if not shows(words, facet)]
    assert {facet for _, facet in SPOKEN} == set(Facet)
    assert 1 - len(wrong) / len(SPOKEN) >= LEAST, wrong


@pytest.mark.parametrize(
    "text",
    [
        "我爸上个月走了，户口还没销", "在佛山上班，上班路上被车撞了", "国庆节结的婚", "昨天下午在厂里摔了", "饭店关门了想注销",
        "房子交给儿子", "带老人去看病", "要补身份证", "外国人工作许可", "孩子在公司上班",
    ],
)  # fmt: skip
def test_a_story_asks_nothing_by_the_words_it_shares_with_questions(text: str) -> None:
    assert from_words(text).wish is Wish.ASK
    assert recognise(text) == ()


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("要带什么，多少钱", (Facet.MATERIALS, Facet.FEE)),
        ("多少钱，要带什么材料", (Facet.FEE, Facet.MATERIALS)),
        ("在哪办，几点上班", (Facet.WHERE, Facet.HOURS)),
        ("几天能拿到，要多少钱", (Facet.TIME, Facet.FEE)),
        ("能网上办吗？电话多少", (Facet.ONLINE, Facet.PHONE)),
        ("去哪办要什么材料", (Facet.WHERE, Facet.MATERIALS)),
    ],
)
def test_two_questions_in_one_message_are_both_seen_in_their_order(text: str, asked: tuple[Facet, ...]) -> None:
    assert recognise(text) == asked


@pytest.mark.parametrize("text", ["身份证丢了", "护照", "我想结婚", "孩子刚出生", "你好", "竹溪区", "退休", "公积金"])
def test_a_message_that_only_names_a_matter_asks_no_facet(text: str) -> None:
    assert recognise(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "那要带什么", "要带什么材料", "周六上班吗", "多少钱", "在哪办", "怎么办", "要多久", "那需要多长时间呢", "请问怎么办理",
        "电话是多少", "能网上办吗", "谢谢", "周末呢", "星期天开门吗", "需要什么条件", "归哪个部门管", "几点上班", "怎么弄啊",
        "要带咩去啊", "喺边度办", "几多钱", "俺该咋着办", "才料有哪些", "有效期几年", "办好了能邮寄不", "几点下斑", "明天上班不",
    ],
)  # fmt: skip
def test_a_follow_up_has_no_topic_of_its_own(text: str) -> None:
    assert len(topic(text)) < 2


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("社保要带什么材料", "社保"), ("护照怎么办", "护照"), ("公积金多少钱", "公积金"), ("居住证在哪办", "居住证"), ("低保什么条件", "低保"),
        ("请问一下结婚登记怎么办", "结婚登记"), ("那身份证呢", "身份证"), ("周六能办离婚登记吗", "离婚登记"),
    ],
)  # fmt: skip
def test_a_topic_is_what_is_left_without_asking_words(text: str, about: str) -> None:
    assert topic(text) == about


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("周六上班吗", (6,)), ("星期天呢", (7,)), ("礼拜一到礼拜五", (1, 5)), ("周末开门吗", (6, 7)), ("双休日办不办", (6, 7)), ("周3行吗", (3,)),
        ("周日或者周二", (2, 7)), ("要多久", ()), ("一周能好吗", ()), ("周五和周末", (5, 6, 7)), ("星期7", (7,)),
    ],
)  # fmt: skip
def test_weekdays_are_read_from_the_words(text: str, days: tuple[int, ...]) -> None:
    assert weekdays(text) == days


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("你好", Wish.GREET), ("您好，在吗", Wish.GREET), ("谢谢", Wish.THANKS), ("好的，知道了", Wish.THANKS), ("再见", Wish.BYE), ("不用了", Wish.BYE), ("算了吧", Wish.BYE), ("我先走了", Wish.BYE),
        ("怎样申请呢谢谢", Wish.ASK), ("公积金客服打哪个号", Wish.ASK),
        ("转人工", Wish.HUMAN), ("我要找真人", Wish.HUMAN), ("有没有人工客服", Wish.HUMAN), ("我要预约", Wish.BOOK), ("能帮我约个号吗", Wish.BOOK),
        ("不是，我说的是公司的", Wish.CORRECT), ("不对，我问的是护照", Wish.CORRECT), ("我要投诉窗口", Wish.COMPLAINT),
        ("他们态度恶劣我要举报", Wish.COMPLAINT), ("今天天气怎么样", Wish.OUT_OF_SCOPE), ("讲个笑话", Wish.OUT_OF_SCOPE),
        ("身份证丢了咋补", Wish.ASK), ("开公司要什么材料", Wish.ASK),
    ],
)  # fmt: skip
def test_a_wish_shows_in_the_words(text: str, wish: Wish) -> None:
    assert from_words(text).wish is wish


@pytest.mark.parametrize(
    ("text", "audience"),
    [
        ("公司的社保", Audience.COMPANY),
        ("我个人的", Audience.PERSON),
        ("单位给个人交的", None),
        ("护照怎么办", None),
        ("企业注销", Audience.COMPANY),
    ],
)
def test_for_whom_counts_where_exactly_one_is_named(text: str, audience: Audience | None) -> None:
    assert from_words(text).audience is audience


def test_a_sure_intent_of_rasa_comes_before_the_facets_of_the_words() -> None:
    heard = from_rasa("身份证的事，多少钱", "materials", 0.9, [])
    assert heard.wish is Wish.ASK
    assert heard.facets == (Facet.MATERIALS, Facet.FEE)


def test_an_unsure_or_unknown_intent_leaves_it_to_the_words() -> None:
    assert from_rasa("多少钱", "materials", 0.3, []).facets == (Facet.FEE,)
    assert from_rasa("多少钱", "nlu_fallback", 0.9, []).facets == (Facet.FEE,)
    assert from_rasa("转人工", "None", 0.9, []).wish is Wish.HUMAN


def test_an_audience_entity_of_rasa_is_believed() -> None:
    assert from_rasa("老板的", "which", 0.9, [{"entity": "audience", "value": "企业"}]).audience is Audience.COMPANY
    assert from_rasa("老板的", "which", 0.9, [{"entity": "hall", "value": "企业"}]).audience is None


@given(st.text(max_size=40), st.text(max_size=10), st.floats(0, 1))
def test_no_text_and_no_intent_is_too_strange_to_understand(text: str, intent: str, confidence: float) -> None:
    assert from_words(text).wish in Wish
    assert from_rasa(text, intent, confidence, [{}]).wish in Wish


@pytest.mark.parametrize(
    ("wish", "text", "left"),
    [
        (Wish.HUMAN, "转人工", ""),
        (Wish.HUMAN, "护照的事帮我转人工", "护照"),
        (Wish.BOOK, "我要预约结婚登记", "结婚登记"),
        (Wish.COMPLAINT, "我要投诉烟草局", "烟草局"),
        (Wish.ASK, "护照怎么办", "护照"),
    ],
)
def test_a_wish_is_about_what_is_named_beside_its_own_words(wish: Wish, text: str, left: str) -> None:
    assert topic(about(wish, text)) == left


@pytest.mark.parametrize(
    ("story", "asked"),
    [
        ("我原来在公司上班，交了八年社保，去年辞职回家带孩子，人事说要先出手续，大概要等多少天？", (Facet.TIME,)),
        ("听说要用自己的营业执照单独申请装电表，不用高压那种，请问要带什么，几天能通？", (Facet.MATERIALS, Facet.TIME)),
        ("小店前阵子修路没法开门，跟烟草局报过停，现在路通了，想重新卖烟，怎么跟他们说？", (Facet.HOW,)),
        ("包工头欠我们七个人大半年的工钱，听说有帮打官司的，我们请不起律师，该怎么申请？", (Facet.HOW,)),
        ("上回跑去窗口没人，白跑了一趟又一趟的，问下到底星期几、几点有人收？", (Facet.HOURS,)),
    ],
)
def test_after_a_long_story_the_last_words_ask(story: str, asked: tuple[Facet, ...]) -> None:
    assert recognise(story) == asked


@pytest.mark.parametrize("words", ["最迟几天内要去报备", "开业后多少天内必须备案"])
def test_until_when_one_must_apply_is_asked_of_the_conditions_too(words: str) -> None:
    assert Facet.CONDITIONS in recognise(words)


@pytest.mark.parametrize("words", ["跑外卖没单位怎么一次办好社保", "拍电影的公司怎么登记", "旅游公司员工的医保怎么交"])
def test_a_word_of_leisure_in_an_official_matter_is_not_out_of_scope(words: str) -> None:
    assert from_words(words).wish is Wish.ASK


@pytest.mark.parametrize("words", ["今晚吃火锅还是点外卖", "推荐个好看的电影", "陪我聊聊天我失恋了"])
def test_leisure_by_itself_is_out_of_scope(words: str) -> None:
    assert from_words(words).wish is Wish.OUT_OF_SCOPE


@pytest.mark.parametrize("words", ["我怕跑去排队来不及，网上能打吗", "排队排了半天，到底几点开门"])
def test_a_queue_in_a_story_is_no_booking(words: str) -> None:
    assert from_words(words).wish is Wish.ASK


@pytest.mark.parametrize("words", ["帮我排个队", "怎么排队取号", "能排个号吗"])
def test_a_queue_that_is_asked_for_is_a_booking(words: str) -> None:
    assert from_words(words).wish is Wish.BOOK
