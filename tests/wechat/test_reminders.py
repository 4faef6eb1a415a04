"""From a booking in WeChat to its reminder there: the whole application, the platform played."""

from __future__ import annotations

from datetime import date, timedelta

from tests.desk.conftest import at
from tests.wechat.citizen import Letter
from tests.wechat.talking import OURS, Talk, opened_account, talk

__all__ = ["opened_account", "talk"]  # fixtures

FRIDAY, MONDAY = date(2026, 10, 16), date(2026, 10, 19)


def book(talk: Talk, when: str) -> None:
    for said in (f"约补身份证，松风区，{when}", "张伟 13800138000", "确认，提醒我"):
        told = talk.says(said)
    assert "约好了" in told
    assert "发消息提醒您" in told


def called_back(talk: Talk, letter: Letter) -> str:
    """The reply to a callback of the platform."""
    sealed = letter.sealed()
    answer = talk.client.post("/wechat/callback", params=sealed.params, content=sealed.body)
    reply = talk.citizen.reads(answer.text)
    assert reply
    return reply["Content"]


def test_who_books_in_wechat_is_reminded_there_and_can_cancel_by_a_tap(talk: Talk) -> None:
    book(talk, "明天上午十点")
    talk.watch.time = at(FRIDAY - timedelta(days=1), 17)
    talk.house.rounds.go()
    talk.house.rounds.go()
    (text,) = talk.citizen.received
    assert text.startswith("提醒您：明天（10月16日，周五）上午10:00去松风区政务服务中心办“居民身份证丢失补领”")
    assert f'href="{OURS}/book/slip/' in text
    assert "张" not in text
    cancel = text.split("msgmenuid=book:cancel:")[1].split('"')[0]
    assert "要取消这个预约吗" in talk.hears(talk.citizen.says("取消预约", tapped=f"book:cancel:{cancel}"))


def test_what_could_not_be_sent_comes_with_the_next_reply_once(talk: Talk) -> None:
    book(talk, "下周一上午十点")
    talk.watch.time = at(MONDAY - timedelta(days=1), 17)
    talk.house.rounds.go()
    assert talk.citizen.received == [], "the platform's 48 hours are over"
    talk.watch.time = at(MONDAY, 8)
    first = called_back(talk, talk.citizen.says("结婚登记要带什么"))
    assert "提醒您：10月19日（周一）上午10:00" in first
    assert "提醒您" not in called_back(talk, talk.citizen.says("要多少钱"))
