"""What each kind of callback is answered with, talked through on the demonstration city."""

from __future__ import annotations

import pytest
import structlog

from channels.wechat import replies
from channels.wechat.letters import Incoming, Kind, Outgoing
from channels.wechat.splitting import seen
from channels.wechat.wording import say
from core.errors import BangbanError
from core.types import Act, Answer, Link, Reply
from tests.wechat.citizen import ACCOUNT
from tests.wechat.talking import OURS, Talk, labels, of_district, opened_account, staffed, talk

__all__ = ["of_district", "opened_account", "staffed", "talk"]  # fixtures

LOST = "身份证丢了怎么补"
FIRE = "我家着火了"
QUESTION = "“出生户口登记”由各区办理，请问您在哪个区？"


# -- words and taps --


def test_a_question_is_answered_from_the_guide(talk: Talk) -> None:
    told = talk.says(LOST)
    assert "“居民身份证丢失补领”" in told
    assert "来源：云桥市公安局《居民身份证丢失补领》" in told
    assert "40元" in talk.says("要多少钱")


def test_a_tap_a_number_and_the_words_mean_the_same(talk: Talk) -> None:
    def chosen(how: str, what: str) -> str:
        other = talk.somebody_else()
        assert QUESTION in other.says("孩子出生怎么上户口")
        return seen(getattr(other, how)(what))

    tapped = chosen("taps", "竹溪区")
    assert "竹溪区政务服务中心" in tapped
    assert chosen("says", "2") == chosen("says", "竹溪区") == tapped


def test_a_greeting_is_returned_in_the_accounts_own_name(of_district: Talk) -> None:
    assert "竹溪区帮办" in of_district.says("你好")
    assert "“居民身份证丢失补领”" in of_district.says("1")


def test_a_tap_on_a_menu_that_is_not_ours_counts_by_its_words(talk: Talk) -> None:
    assert "“居民身份证丢失补领”" in talk.hears(talk.citizen.says(LOST, tapped="101"))


def test_two_citizens_do_not_share_a_conversation(talk: Talk) -> None:
    talk.says(LOST)
    assert "居民身份证" not in talk.somebody_else().says("要多少钱")


def test_what_is_booked_here_is_the_citizens_of_this_account(talk: Talk) -> None:
    talk.says("我要预约补身份证")
    talk.taps("竹溪区政务服务中心")
    talk.says("明天上午十点")
    talk.says("我叫张伟")
    talk.says("13800138000")
    if "身份证号" in talk.out.parts[0]:
        talk.says("11010119900307002X")
    told = talk.taps("确认")
    assert "约好了。您的预约号是" in told
    (held,) = talk.house.desk.mine(_incoming(talk).owner)
    assert held.hall == "竹溪区政务服务中心"
    assert f"{OURS}/wechat/go?to=/book/" in told, "the slip opens known"


# -- what cannot be answered --


@pytest.mark.parametrize(
    ("text", "told"), [("字" * 501, "这段话太长了"), ("？？？", "没有看懂您发的内容"), ("。", "没有看懂您发的内容")]
)
def test_what_cannot_be_taken_is_said_kindly(talk: Talk, text: str, told: str) -> None:
    assert told in talk.says(text)


def test_who_writes_too_fast_is_asked_to_wait_and_in_danger_still_told_whom_to_call(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk.house.conversation, "_per_minute", 1)
    talk.says(LOST)
    assert "您发得太快了" in talk.says(LOST)
    assert "119" in talk.says(FIRE)


def test_an_emergency_in_too_long_a_message_is_heard(talk: Talk) -> None:
    assert "119" in talk.says(FIRE + "字" * 600)


def test_what_breaks_is_an_apology_and_leaves_only_its_type_in_the_log(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(message: object) -> None:
        raise RuntimeError("column secret of openid")

    monkeypatch.setattr(talk.house.conversation, "turn", broken)
    with structlog.testing.capture_logs() as logged:
        assert talk.says(LOST) == str(BangbanError())
        assert talk.hears(talk.citizen.clicks("book:mine")) == str(BangbanError())
    assert [one["reason"] for one in logged] == ["RuntimeError"] * 2
    assert [one["sender"] for one in logged] == [_incoming(talk).sender] * 2
    everything = str(logged)
    assert talk.citizen.openid not in everything
    assert LOST not in everything
    assert "column" not in everything
    assert "119" in talk.says(FIRE)


def test_a_picture_a_video_and_a_link_are_asked_for_in_words(talk: Talk) -> None:
    citizen = talk.citizen
    for letter in (citizen.shows(), citizen.films(), citizen.sends_link("文章", "https://news.example/1")):
        assert talk.hears(letter) == say("unreadable")


# -- 继续 --


def test_to_go_on_where_nothing_is_left_is_answered_kindly(talk: Talk) -> None:
    talk.says(LOST)
    assert talk.says("继续") == say("nothing_left")
    assert talk.hears(talk.citizen.says("继续", tapped="more")) == say("nothing_left")
    assert "40元" in talk.says("要多少钱"), "the guide is still at hand"


def test_to_go_on_while_booking_asks_the_open_question_again(talk: Talk) -> None:
    talk.says("我要预约补身份证")
    before = labels(talk.out)
    assert "您去哪个大厅办" in talk.says("继续")
    assert labels(talk.out) == before


# -- menus, scenes, and those who are new --


def test_who_joins_is_greeted_and_shown_what_others_ask(talk: Talk) -> None:
    told = talk.hears(talk.citizen.joins())
    assert told.startswith("您好，这里是云桥市帮办。")
    assert "转人工" in told
    assert len(labels(talk.out)) == replies.HOT
    assert LOST in labels(talk.out)


def test_an_everyday_question_is_asked_by_tap_number_and_words(talk: Talk) -> None:
    def asked(how: str, what: str) -> str:
        other = talk.somebody_else()
        other.hears(other.citizen.joins())
        assert labels(other.out)[0] == LOST
        return seen(getattr(other, how)(what))

    tapped = asked("taps", LOST)
    assert "“居民身份证丢失补领”" in tapped
    assert asked("says", "1") == asked("says", "第一个") == asked("says", LOST) == tapped


def test_the_number_of_an_everyday_question_counts_until_something_else_is_said(talk: Talk) -> None:
    talk.hears(talk.citizen.joins())
    assert QUESTION in talk.taps("孩子出生了怎么上户口")
    assert "松风区政务服务中心" in talk.says("1")


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (f"ask:{LOST}", "“居民身份证丢失补领”"),
        ("region:980103", "好的，往后按云桥市竹溪区给您查。那里的办事大厅是竹溪区政务服务中心。"),
        ("book:mine", "在这里没有查到您的预约"),
        ("human", "可以打 12345 找工作人员"),
        ("hello", "您好，这里是云桥市帮办"),
        ("", "您好，这里是云桥市帮办"),
        ("ask:", "您好，这里是云桥市帮办"),
        ("region:440300", "您好，这里是云桥市帮办"),
        ("region:999999", "您好，这里是云桥市帮办"),
        ("region:x", "您好，这里是云桥市帮办"),
        ("last_trade_no_4001", "您好，这里是云桥市帮办"),
    ],
)
def test_a_menu_and_a_code_say_what_to_do_and_strange_ones_greet(talk: Talk, key: str, told: str) -> None:
    assert told in talk.hears(talk.citizen.clicks(key))
    assert told in talk.hears(talk.citizen.scans(key))
    assert told in talk.hears(talk.citizen.joins(key))


def test_a_menu_opens_a_guide(talk: Talk) -> None:
    talk.says(LOST)
    guide = next(one for one in talk.house.index.guides() if one.name == "居民身份证丢失补领")
    other = talk.somebody_else()
    assert "40元" in other.hears(other.citizen.clicks(f"guide:{guide.id}:fee"))


def test_who_joins_by_a_code_is_welcomed_before_it_is_answered(talk: Talk) -> None:
    told = talk.hears(talk.citizen.joins(f"ask:{LOST}"))
    assert told.startswith("欢迎关注云桥市帮办。\n\n“居民身份证丢失补领”")


def test_the_account_of_a_district_speaks_for_it(of_district: Talk) -> None:
    assert of_district.hears(of_district.citizen.joins()).startswith("您好，这里是竹溪区帮办。")
    assert "竹溪区政务服务中心" in of_district.says("孩子出生怎么上户口"), "nobody asks which district"
    assert "这里是竹溪区帮办" in of_district.hears(of_district.citizen.clicks("region:980102")), "not this account's"


# -- what is not answered --


def test_who_leaves_is_forgotten_in_silence(staffed: Talk) -> None:
    talk = staffed
    talk.platform.backend.staff[:] = ["kf2001@gh_1"]
    talk.hears(talk.citizen.clicks("region:980103"))
    talk.says(LOST)
    talk.hears(talk.citizen.clicks("hello"))
    talk.says("转人工")
    talk.house.office.owed.keep(_incoming(talk).owner, "key-1", Outgoing(("说晚了的",)))  # type: ignore[union-attr]
    assert talk.out.staff
    assert talk.hears(talk.citizen.leaves()) == ""
    assert talk.out == Outgoing()
    assert talk.house.office.owed.take(_incoming(talk).owner, "key-2") == {}  # type: ignore[union-attr]
    assert "您问的是哪件事" in talk.says("要多少钱"), "the guide is forgotten, and nobody is called"
    talk.hears(talk.citizen.leaves())
    assert QUESTION in talk.says("孩子出生怎么上户口"), "the district is forgotten"


def test_silent_events_are_answered_with_nothing(talk: Talk) -> None:
    for letter in (talk.citizen.opens("https://x.example"), talk.citizen.is_at(0.1, 0.1), talk.citizen.got_template()):
        assert talk.hears(letter) == ""
        assert talk.out == Outgoing()


def test_the_letter_to_an_account_that_is_no_longer_served_is_not_answered(talk: Talk) -> None:
    assert talk.gets(Incoming("k", "wx-another-app", "o-1", "gh_1", Kind.TEXT, LOST)) == ""


# -- links --


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("/guides/12", f"{OURS}/guides/12"),
        (f"{OURS}/guides/12", f"{OURS}/guides/12"),
        ("/book/mine", f"{OURS}/wechat/go?to=/book/mine"),
        (f"{OURS}/book/mine", f"{OURS}/wechat/go?to=/book/mine"),
        ("https://apply.example/x", f"{OURS}/wechat/go?to=https%3A//apply.example/x"),
        ("https://gov.example/x", "https://gov.example/x"),
        ("http://gov.example/x", "http://gov.example/x"),
    ],
)
def test_links_open_where_they_should(talk: Talk, url: str, told: str) -> None:
    assert f'<a href="{told}">看</a>' in _linked(talk, url)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example/x", f"{OURS}.evil.example"])
def test_other_links_are_not_what_they_pretend(talk: Talk, url: str) -> None:
    told = _linked(talk, url)
    assert "javascript" not in told
    assert 'href="//' not in told
    assert f'"{OURS}/' not in told


def test_without_an_address_of_our_own_there_is_no_link_to_our_pages(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk.house.settings, "public_url", "")
    assert "<a" not in _linked(talk, "/book/mine")
    assert "<a" not in _linked(talk, "/guides/12")
    assert 'href="https://apply.example/x"' in _linked(talk, "https://apply.example/x")


def _linked(talk: Talk, url: str) -> str:
    answer = Answer(Act.ANSWER, "好的。", links=(Link("看", url),))
    return "".join(talk.office.replies._asking.rendered(talk.counter, Reply("", (answer,))).parts)


def _incoming(talk: Talk) -> Incoming:
    return Incoming("", ACCOUNT.appid, talk.citizen.openid, "", Kind.TEXT)
