"""What a citizen reads in WeChat: the demonstration city's replies, and whatever else a guide may hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from urllib.parse import unquote

import pytest
from anyio.from_thread import BlockingPortal
from fastapi.testclient import TestClient
from hypothesis import example, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from bot.conversation import sender_of
from channels.house import House
from channels.wechat.flattening import flat
from channels.wechat.rendering import CONTINUE, LIMIT, MORE, ROOM, plain, render
from channels.wechat.splitting import seen
from core.types import Act, Answer, Choice, GuideRef, Link, Message
from knowledge import faqs
from knowledge.schema import Faq
from tests.channels.conftest import client, house, settings
from tests.channels.town import CITY, PERSON, Town, opened, town

__all__ = ["client", "house", "opened", "settings", "town"]  # fixtures

MENU = re.compile(
    r'^(?:(\d+)\. )?<a href="weixin://bizmsgmenu\?msgmenucontent=([^"&]*)&msgmenuid=([^"&]*)">([^<]*)</a>(.*)$', re.M
)
ANCHOR = re.compile(r'<a href="(?:https?://|weixin://bizmsgmenu\?)[^"<>\s]*">[^<>]*</a>')
SITE = "https://bang.example"
GUIDE = GuideRef(7, "yq-7", "居民身份证丢失补领", "云桥市公安局", CITY, 3, date(2026, 10, 15))
SOURCE = "来源：云桥市办事指南《居民身份证丢失补领》，云桥市公安局，第 3 版，2026-10-15 核实"


@dataclass(frozen=True)
class Tap:
    """A choice as it is shown."""

    number: str
    sent: str
    id: str
    label: str


def linked(link: Link) -> str | None:
    return link.url if link.url.startswith("http") else f"{SITE}{link.url}"


def nowhere(link: Link) -> None:
    return None


def taps(parts: tuple[str, ...]) -> list[Tap]:
    found = MENU.findall("\n".join(parts))
    return [Tap(number, unquote(sent), unquote(id), label + rest) for number, sent, id, label, rest in found]


def one(*answers: Answer) -> str:
    (part,) = render(answers, linked)
    return part


# -- what is typed, said and tapped --


class Citizen:
    """Somebody in one conversation, who can take a step back."""

    def __init__(self, portal: BlockingPortal, house: House, name: str) -> None:
        self._portal, self._house, self._session = portal, house, f"wechat:tests:{name}"

    def say(self, text: str = "", choice: str = "") -> tuple[Answer, ...]:
        message = Message(self._session, text, choice, channel="wechat")
        return self._portal.call(self._house.conversation.turn, message).messages

    def each(self, answers: tuple[Answer, ...]) -> list[Tap]:
        """The choices shown, once it is sure that number, words and tap of each are answered alike."""
        shown, kept = taps(render(answers, linked)), self._memory()
        for tap in shown:
            # A masked label is not what anybody types; the words that a tap sends are.
            said = {tap.number, tap.sent} | ({tap.label} if tap.number and "****" not in tap.label else set())
            tapped = self._again(kept, choice=tap.id)
            for text in said - {""} if tap.number else set():
                assert self._again(kept, text=text) == tapped, f"{text} is not {tap}"
        self._portal.call(self._house.cache.set, self._name, kept or "", 3600)
        return shown

    @property
    def _name(self) -> str:
        return f"dialogue:{sender_of(self._session)}"

    def _memory(self) -> str | None:
        return self._portal.call(self._house.cache.get, self._name)

    def _again(self, kept: str | None, **said: str) -> list[tuple[Act, str, list[str]]]:
        self._portal.call(self._house.cache.set, self._name, kept or "", 3600)
        return [(told.act, told.text, [choice.id for choice in told.choices]) for told in self.say(**said)]


def citizen(client: TestClient, house: House, name: str) -> Citizen:
    assert client.portal
    return Citizen(client.portal, house, name)


@pytest.mark.parametrize(
    "asked",
    [
        "低保怎么申请", "残疾证", "孩子上户口要带什么", "办营业执照", "公积金", "户口", "迁户口", "孩子上学", "火星签证",
        "量子计算机许可", "补办证件", "要先预约吗", "预约低保",
    ],
)  # fmt: skip
def test_number_words_and_tap_of_a_choice_are_answered_alike(client: TestClient, house: House, asked: str) -> None:
    someone = citizen(client, house, asked)
    answers = someone.say(asked)
    shown = someone.each(answers)
    assert {tap.id for tap in shown} == {choice.id for answer in answers for choice in answer.choices}


def test_the_district_is_asked_for_with_numbers_to_tap(client: TestClient, house: House) -> None:
    text = one(*citizen(client, house, "district").say("低保怎么申请"))
    assert seen(text) == "“最低生活保障金给付”由各区办理，请问您在哪个区？\n\n1. 松风区\n2. 竹溪区\n3. 梅岭区"
    assert [tap.sent for tap in taps((text,))] == ["松风区", "竹溪区", "梅岭区"]


def test_guides_beside_a_curated_question_have_the_numbers_by_which_they_are_known(town: Town) -> None:
    asked = Faq(
        code="t-1",
        region=CITY,
        question="钱包丢了哪些证要补？",
        answer="先挂失，再补。",
        guides=["yq-sfz-003", "yq-sfz-002"],
    )
    with town.house.writing.begin() as session:
        faqs.write(session, asked, by="tests", at=town.watch.time)
    town.house.sync.catch_up()
    someone = citizen(town.client, town.house, "related")
    assert [tap.number for tap in someone.each(someone.say("钱包丢了哪些证要补？"))] == ["1", "2"]


def test_a_whole_booking_can_be_tapped_typed_or_said(town: Town) -> None:
    someone = citizen(town.client, town.house, "booking")
    numbered = []
    steps = (
        "预约补身份证",
        "1",
        "1",
        "3",
        "1",
        *PERSON.values(),
        "1",
        "改时间",
        "4",
        "2",
        "1",
        "1",
        "我的预约",
        "取消预约",
    )
    for said in steps:
        shown = someone.each(someone.say(said))
        numbered.append(sum(bool(tap.number) for tap in shown))
        assert all(not tap.number for tap in shown if tap.label in {"不约了", "上一步", "换一天", "换个大厅"})
    assert numbered == [5, 4, 5, 6, 0, 0, 0, 3, 0, 5, 3, 7, 3, 0, 0, 2]


def test_who_was_booked_for_last_is_taken_again_by_number(town: Town) -> None:
    someone = citizen(town.client, town.house, "again")
    first = ("预约补身份证", "1", "1", "3", "1", *PERSON.values(), "2")
    for said in (*first, "预约补身份证", "1", "1", "3", "2"):
        answers = someone.say(said)
    again, leave = someone.each(answers)
    assert (again.number, again.sent, leave.number) == ("1", "还用上次的", "")


def test_one_of_several_appointments_is_picked_by_number(town: Town) -> None:
    someone = citizen(town.client, town.house, "several")
    for said in ("预约居民身份证丢失补领，松风区，明天下午3点", "张伟，13800138000", "确认"):
        someone.say(said)
    for said in ("再约一个居民身份证丢失补领，松风区，明天下午3点", "李娜", "13900139000", "确认"):
        someone.say(said)
    mine = someone.say("我的预约")
    assert [tap.number for tap in someone.each(mine)] == ["1", "2"]
    alone = someone.say("2")
    assert [tap.number for tap in someone.each(alone)] == ["", ""]
    assert "李*" in one(*alone)
    assert "张*" not in one(*alone)


# -- how it reads --


def test_an_answer_ends_with_its_links_its_source_and_the_whole_guide(client: TestClient, house: House) -> None:
    text = one(*citizen(client, house, "answer").say("身份证丢了咋补"))
    links, source = text.split("\n\n")[-2:]
    assert links.split("\n") == [
        '<a href="https://yunqiao.example/apply/idcard-lost">网上办理</a>',
        '<a href="https://yunqiao.example/m/idcard-lost">手机办理</a>',
    ]
    told, whole = source.split("\n")
    assert told == "来源：云桥市公安局《居民身份证丢失补领》第 1 版，2026-10-15 核实"
    assert re.fullmatch(rf'<a href="{SITE}/guides/\d+">看完整指南</a>', whole)
    assert text.count("来源") == 1
    assert "网上办理：" not in text


def test_a_link_that_leads_nowhere_from_here_is_left_out() -> None:
    answer = Answer(
        Act.ANSWER,
        f"去办。\n\n网上办理：https://a.example/x\n\n{SOURCE}",
        guide=GUIDE,
        links=(Link("网上办理", "https://a.example/x"),),
    )
    assert render([answer], nowhere) == ("去办。\n\n来源：云桥市公安局《居民身份证丢失补领》第 3 版，2026-10-15 核实",)


def test_a_link_the_text_does_not_name_is_added() -> None:
    answer = Answer(Act.BOOK, "约好了。", links=(Link("预约凭证：二维码、验证码", "/book/slip/x"),))
    assert one(answer) == f'约好了。\n\n<a href="{SITE}/book/slip/x">预约凭证：二维码、验证码</a>'


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "tel:110", "weixin://dl/scan", "/book", "https://a.example/ x"]
)
def test_only_web_addresses_become_links(address: str) -> None:
    answer = Answer(Act.ANSWER, "去办。", links=(Link("网上办理", "https://a.example/x"),))
    assert render([answer], lambda link: address) == ("去办。",)


def test_a_telephone_number_is_text_and_said_once() -> None:
    call = (Link("拨打 12345", "tel:12345"),)
    assert one(Answer(Act.TICKET, "可以拨打 12345 反映。", links=call)) == "可以拨打 12345 反映。"
    assert one(Answer(Act.TICKET, "可以打热线。", links=call)) == "可以打热线。\n\n拨打 12345"
    assert one(Answer(Act.TICKET, "可以打热线。", links=(Link("热线", "tel:12345"),))) == "可以打热线。\n\n热线：12345"


def test_an_emergency_comes_first_and_unadorned(client: TestClient, house: House) -> None:
    (alarm,) = citizen(client, house, "fire").say("救命着火了")
    other = Answer(Act.CLARIFY, "哪个？\n\n1. 甲区", choices=(Choice("guide:1:", "甲区"),))
    first, second = one(other, alarm).split("\n\n")[0], seen(one(other, alarm))
    assert first == alarm.text
    assert one(alarm) == alarm.text
    assert second.endswith("1. 甲区")


def test_ways_out_have_no_number_and_follow_the_list() -> None:
    choices = (Choice("book:days", "换一天"), Choice("book:mine", "我的预约"), Choice("book:stop", "不约了"))
    text = one(Answer(Act.BOOK, "约满了。\n\n1. 我的预约", choices=choices))
    assert [(tap.number, tap.label) for tap in taps((text,))] == [("1", "我的预约"), ("", "换一天"), ("", "不约了")]
    assert text.count("我的预约") == 1


def test_of_two_questions_only_the_one_that_waits_has_numbers() -> None:
    aside = Answer(Act.ANSWER, "能停。", choices=(Choice("guide:1:", "停车证"),))
    question = Answer(Act.BOOK, "给谁办？", choices=(Choice("book:stop", "不约了"),))
    assert [tap.number for tap in taps((one(aside, question),))] == ["", ""]


def test_a_number_stands_once_in_a_message_before_the_choice_that_it_means() -> None:
    aside = Answer(Act.CLARIFY, "没有找到。\n\n1. 转人工", choices=(Choice("human", "转人工"),))
    question = Answer(
        Act.BOOK, "对不对？\n\n1. 确认", choices=(Choice("book:yes:1", "确认"), Choice("book:stop", "不约了"))
    )
    told = [(tap.number, tap.label) for tap in taps((one(aside, question),))]
    assert told == [("", "转人工"), ("1", "确认"), ("", "不约了")]


def test_many_long_choices_fit_into_one_message() -> None:
    choices = tuple(Choice(f"guide:{n}:how", f"第{n}件名称有十六个字那么长的事") for n in range(1, 10))
    listed = "\n".join(f"{n}. {choice.label}" for n, choice in enumerate(choices, 1))
    shown = taps((one(Answer(Act.CLARIFY, f"哪一件？\n\n{listed}", choices=choices)),))
    assert [(tap.sent, tap.label) for tap in shown] == [(str(n), one.label) for n, one in enumerate(choices, 1)]


def test_choices_that_do_not_fit_any_more_stay_together() -> None:
    choices = tuple(Choice(f"guide:{n}:how", f"第{n}件事") for n in range(1, 6))
    listed = "\n".join(f"{n}. {choice.label}" for n, choice in enumerate(choices, 1))
    answer = Answer(Act.CLARIFY, f"{'这是一句话。' * 98}\n\n{listed}", choices=choices)
    first, second = render([answer], linked)
    assert taps((first,)) == []
    assert [tap.number for tap in taps((second,))] == ["1", "2", "3", "4", "5"]


def test_the_way_on_is_one_short_line_to_tap_or_to_type() -> None:
    assert seen(CONTINUE) == "\n\n点继续，或者回复“继续”。"
    assert f'msgmenuid={MORE}"' in CONTINUE
    assert len(CONTINUE.encode()) + ROOM == LIMIT


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("## 办理条件\n**年满** 16 周岁\n- 本人\n* 监护人\n1. 先填表", "办理条件\n年满 16 周岁\n· 本人\n· 监护人\n1. 先填表"),
        ("看[办事指南](https://a.example/x?a=1&b=2)。", "看办事指南：https://a.example/x?a=1&b=2 。"),
        ("[https://a.example](https://a.example)", "https://a.example"),
        ("| 事项 | 费用 |\n|---|:---:|\n| 补领 | 40 元 |\n| 换领 | 20 元 |", "事项：补领，费用：40 元\n事项：换领，费用：20 元"),
        ("```\n`code` 一行\n```\n> 引用", "code 一行\n引用"),
        ("电话 138****8000，身份证 1****************X，办理人 张**", "电话 138****8000，身份证 1****************X，办理人 张**"),
        ("张**、李**", "张**、李**"),
        ("3*4=12，a_b_c，云政发[2020](5号)", "3*4=12，a_b_c，云政发[2020](5号)"),
        ("<script>alert(1)</script> a<b && c>d", "＜script＞alert(1)＜/script＞ a＜b ＆＆ c＞d"),
        ("A&amp;B &lt;a&gt; &nbsp;完", "A＆B ＜a＞  完"),
        ("去https://a.example/?x=1&copy;=2 看", "去https://a.example/?x=1&copy;=2 看"),
        ("一\r\n二\x00\x08三\u202e四\u200b五\ud800六\n\n\n\n七 \n", "一\n二三四五六\n\n七"),
        ("👨\u200d👩\u200d👧\u200d👦 ✌🏽 🇨🇳 ❤\ufe0f", "👨\u200d👩\u200d👧\u200d👦 ✌🏽 🇨🇳 ❤\ufe0f"),
        ("]]> <![CDATA[x]]>", "]]＞ ＜![CDATA[x]]＞"),
    ],
)  # fmt: skip
def test_markdown_and_markup_become_words(written: str, read: str) -> None:
    assert flat(written) == read
    assert plain(written) == (read,)


def test_a_guide_cannot_make_a_link_of_its_words() -> None:
    fake = '<a href="https://evil.example">网上办理</a>'
    labels = Answer(
        Act.CLARIFY,
        f"{fake}\n\n1. {fake}",
        choices=(Choice('x"><b>', fake),),
        links=(Link(fake, 'https://a.example/"><b>'),),
    )
    text = one(labels)
    assert "evil.example" not in "".join(re.findall(r'<a href="([^"]*)"', text))
    assert not re.search("[<>]", ANCHOR.sub("", text))
    assert [tap.id for tap in taps((text,))] == ['x"><b>']


# -- whatever it is --

WORD = st.text(st.characters(categories=["Lo", "Ll", "Nd"], max_codepoint=0x9FFF), min_size=1, max_size=12)
ADDRESS = st.from_regex(
    r"https://[a-z]{1,20}\.example/[a-z0-9/]{0,200}(\?[a-z]=[0-9]{1,20}&b=[a-z]{0,60})?", fullmatch=True
)
NUMBER = st.from_regex(r"0[0-9]{3}-[0-9]{7,8}|1[0-9]{10}|2026-1[0-9]-2[0-9]|[0-9]{1,30}", fullmatch=True)
EMOJI = st.sampled_from(
    [
        "👨\u200d👩\u200d👧\u200d👦",
        "✌🏽",
        "🇨🇳",
        "❤\ufe0f",
        "1\ufe0f⃣",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ]
)
NASTY = st.sampled_from(
    ["<", ">", "&", '"', "]]>", "</a>", '<a href="x">', "**", "[", "](", "|", "&lt;", "\u202e", "\x00", "`", "\n# "]
)
PAUSE = st.sampled_from(["。", "，", "\n", "\n\n", "；", " ", "”", ""])
SENTENCE = st.lists(st.one_of(WORD, WORD, NUMBER, EMOJI), max_size=40).map("，".join)
ANYTHING = st.one_of(
    st.lists(st.one_of(WORD, NUMBER, EMOJI, NASTY, PAUSE, SENTENCE, ADDRESS), max_size=60).map("".join),
    st.text(max_size=300),
)
BRIEF = st.one_of(WORD, st.text(max_size=90), st.lists(st.one_of(WORD, NASTY, EMOJI), max_size=12).map("".join))
CHOICES = st.lists(st.builds(Choice, st.text(min_size=1, max_size=40), BRIEF), max_size=12).map(tuple)
LINKS = st.lists(
    st.builds(Link, BRIEF, st.one_of(ADDRESS, ADDRESS, st.text(max_size=60), st.just("tel:12345"))), max_size=4
)
ANSWERS = st.lists(
    st.builds(
        Answer, st.sampled_from(Act), ANYTHING, guide=st.sampled_from([None, GUIDE]), choices=CHOICES, links=LINKS.map(tuple)
    ),
    min_size=1, max_size=3,
)  # fmt: skip


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


@given(ANSWERS)
@example([Answer(Act.ANSWER, "", links=(Link("", "<"),))])
@tried(deadline=None, max_examples=100)
def test_every_part_can_be_sent_and_holds_no_other_markup(answers: list[Answer]) -> None:
    for part in render(answers, linked):
        assert part == part.strip() != ""
        assert len((part + CONTINUE).encode()) <= LIMIT
        assert len(seen(part)) <= 700
        assert not re.search("[<>\x00-\x08\x0b-\x1f\u202a-\u202e]", ANCHOR.sub("", part))


@given(st.lists(st.one_of(SENTENCE, ADDRESS, PAUSE), min_size=1, max_size=60), ANYTHING)
@tried(deadline=None, max_examples=60)
def test_no_word_is_lost_where_a_text_is_split(pieces: list[str], anything: str) -> None:
    told = " ".join(pieces)
    assert bare("".join(plain(told))) == bare(told)
    assert bare("".join(plain(anything * 5))) == bare(flat(anything * 5))


@given(st.integers(0, 40), st.one_of(ADDRESS, NUMBER, EMOJI))
@tried(deadline=None, max_examples=60)
def test_no_address_number_or_emoji_is_cut(before: int, whole: str) -> None:
    parts = plain("话" * before + f"{whole} " * (2500 // len(whole)))
    assert len(parts) > 1
    assert all(part.lstrip("话").replace(whole, "").strip() == "" for part in parts)


@given(ANSWERS.map(lambda answers: answers * 2))
@tried(deadline=None, max_examples=60)
def test_each_choice_is_shown_once_and_comes_back_by_its_id(answers: list[Answer]) -> None:
    shown = [unquote(id) for id in re.findall(r'msgmenuid=([^"]*)"', "".join(render(answers, linked)))]
    assert shown == [
        choice.id for told in answers if told.act is not Act.EMERGENCY for choice in told.choices if flat(choice.label)
    ]


def test_the_first_part_says_more_than_its_first_paragraph() -> None:
    first, second = plain("由市局办理。" * 33 + "\n\n" + "\n".join(["线下办：到窗口办。" * 8] * 7))
    assert len(first) > 500
    assert first.endswith("到窗口办。"), "cut behind a line"
    assert second.startswith("线下办")


@given(st.text(st.sampled_from("住房公积金提取，。；、"), min_size=500, max_size=6000))
@tried(deadline=None, max_examples=50)
def test_a_long_text_is_cut_behind_a_sentence_where_there_is_one(text: str) -> None:
    parts = plain(text)
    for part, following in pairwise(parts):
        if re.search("[。；]", part[200:]):
            assert part[-1] in "。；", (part, following)
