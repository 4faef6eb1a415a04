"""Over to a person and back: the bot is silent meanwhile, whatever happens to the platform."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from channels.wechat.allowance import Allowance
from channels.wechat.letters import Outgoing
from channels.wechat.staffing import Staffing, at_desk, wants_back
from channels.wechat.wording import say
from core.cache import Cache
from tests.wechat.platform_server import PlatformServer
from tests.wechat.talking import Talk, labels, opened_account, staffed, talk

__all__ = ["opened_account", "staffed", "talk"]  # fixtures

LOST = "身份证丢了怎么补"
STAFF = "kf2001@gh_1"
ONLINE = "customservice/getonlinekflist"
OVER = Outgoing(staff="any")


@pytest.fixture
def called(staffed: Talk) -> Talk:
    """A citizen who asked for a person; one is there."""
    staffed.platform.backend.staff[:] = [STAFF]
    staffed.says("转人工")
    assert staffed.out == OVER
    return staffed


# -- to a person --


def test_without_customer_service_a_person_is_reached_by_telephone(talk: Talk) -> None:
    talk.platform.backend.staff[:] = [STAFF]
    assert "可以打 12345 找工作人员" in talk.says("转人工")
    assert talk.platform.calls() == []


def test_where_nobody_is_there_the_telephone_is_named(staffed: Talk) -> None:
    told = staffed.says("转人工")
    assert told.startswith(say("staff_nobody"))
    assert "可以打 12345 找工作人员" in told
    assert "“居民身份证丢失补领”" in staffed.says(LOST), "the bot goes on"


@pytest.mark.parametrize(
    "happens",
    [
        lambda platform: platform.fail(ONLINE, 48001),
        lambda platform: platform.fail(ONLINE, -1, times=5),
        lambda platform: platform.drop(ONLINE, times=5),
        lambda platform: platform.garble(ONLINE, times=5),
    ],
    ids=["forbidden", "busy", "dropped", "garbled"],
)
def test_where_the_platform_cannot_tell_the_telephone_is_named(
    staffed: Talk, happens: Callable[[PlatformServer], None]
) -> None:
    staffed.platform.backend.staff[:] = [STAFF]
    happens(staffed.platform)
    assert staffed.says("转人工").startswith(say("staff_nobody"))


def test_nobody_waits_for_a_platform_that_hangs(staffed: Talk) -> None:
    staffed.platform.backend.staff[:] = [STAFF]
    with staffed.platform.held(ONLINE):
        assert staffed.says("转人工").startswith(say("staff_nobody"))


def test_one_person_is_asked_for_where_the_account_names_one(staffed: Talk) -> None:
    staffed.platform.backend.staff[:] = [STAFF]

    def there(staff: str) -> bool:
        assert staffed.client.portal
        return staffed.client.portal.call(at_desk, staffed.counter.platform, staff)

    assert there("any")
    assert there(STAFF)
    assert not there("kf2002@gh_1")


def test_it_is_said_that_somebody_is_called_before_the_bot_falls_silent(called: Talk) -> None:
    assert called.citizen.received == [say("staff_calling")]


def test_the_hand_over_does_not_depend_on_saying_so(staffed: Talk) -> None:
    staffed.platform.backend.staff[:] = [STAFF]
    staffed.platform.backend.forbidden.add("message/custom/send")
    staffed.says("转人工")
    assert staffed.out == OVER


def test_what_may_not_be_sent_any_more_is_not_tried(staffed: Talk) -> None:
    staffed.platform.backend.staff[:] = [STAFF]
    assert staffed.client.portal
    letter = staffed.citizen.says("转人工").sealed()
    incoming = staffed.counter.envelope.open(letter.body, letter.params)
    assert incoming
    staffed.gets(incoming)
    before = len(staffed.platform.calls("message/custom/send"))
    for _ in range(5):
        staffed.client.portal.call(staffed.office.allowance.spend, incoming.sender)
    assert staffed.gets(incoming) == ""
    assert len(staffed.platform.calls("message/custom/send")) == before


def test_a_menu_button_cannot_be_handed_over_so_the_next_message_is(staffed: Talk) -> None:
    staffed.platform.backend.staff[:] = [STAFF]
    assert staffed.hears(staffed.citizen.clicks("human")) == say("staff_ready")
    assert staffed.says("我的社保断了") == ""
    assert staffed.out == OVER


def test_a_tapped_offer_of_a_person_hands_over(staffed: Talk) -> None:
    staffed.platform.backend.staff[:] = [STAFF]
    staffed.says("怎么开具星际移民证")
    offer = next(label for label in labels(staffed.out) if "转人工" in label)
    staffed.taps(offer)
    assert staffed.out == OVER


# -- meanwhile --


def test_everything_goes_to_the_person_meanwhile(called: Talk) -> None:
    citizen = called.citizen
    for letter in (
        citizen.says(LOST), citizen.says("1"), citizen.speaks("还有人吗。"), citizen.shows(),
        citizen.sends_place(0.1, 0.1, "云桥市"), citizen.says("竹溪区", tapped="guide:12:how"),
    ):  # fmt: skip
        assert called.hears(letter) == ""
        assert called.out == OVER


def test_danger_is_answered_at_once_even_so(called: Talk) -> None:
    assert "119" in called.says("我家着火了")
    assert "119" in called.hears(called.citizen.speaks("煤气漏了，着火了。"))
    called.says("好的")
    assert called.out == OVER


def test_a_menu_button_is_the_bots_even_so(called: Talk) -> None:
    assert "“居民身份证丢失补领”" in called.hears(called.citizen.clicks(f"ask:{LOST}"))


def test_the_bot_is_silent_until_the_person_has_gone(called: Talk) -> None:
    assert called.hears(called.citizen.meets(STAFF)) == ""
    assert called.out == Outgoing()
    called.says(LOST)
    assert called.out == OVER
    assert called.hears(called.citizen.parts(STAFF)) == ""
    assert called.out == Outgoing()
    assert "“居民身份证丢失补领”" in called.says(LOST)


def test_a_person_who_begins_by_themselves_is_not_talked_over(staffed: Talk) -> None:
    staffed.hears(staffed.citizen.meets(STAFF))
    staffed.says(LOST)
    assert staffed.out == OVER


def test_somebody_else_is_answered_by_the_bot(called: Talk) -> None:
    assert "“居民身份证丢失补领”" in called.somebody_else().says(LOST)


# -- and back --


def test_the_citizen_brings_the_bot_back(called: Talk) -> None:
    called.says("我的社保断了")
    assert called.says("返回") == say("staff_back")
    assert "“居民身份证丢失补领”" in called.says(LOST)


def test_the_citizen_brings_the_bot_back_by_voice(called: Talk) -> None:
    assert called.hears(called.citizen.speaks("不等了。")) == say("staff_back")


@pytest.mark.parametrize(
    "text",
    [
        "返回", "返回。", "返回帮办", "回到帮办", "回帮办吧", "找帮办", "不等了", "我不等了！", "算了，不等了", "不用等了",
        "别转了", "不转人工了", "不用转人工了", "不要人工了", "不找客服了", "那不等了吧", "机器人",
    ],
)  # fmt: skip
def test_who_wants_the_bot_back_is_understood(text: str) -> None:
    assert wants_back(text)


@pytest.mark.parametrize(
    "text", ["", "转人工", "怎么返回上一级", "退回来的材料怎么办", "不等人来怎么办", "我要人工", "我等着"]
)
def test_whatever_else_is_said_goes_on_to_the_person(text: str) -> None:
    assert not wants_back(text)


async def test_workers_agree_on_who_is_with_a_person(worker_cache: Callable[[], Cache]) -> None:
    one, other = (Staffing(cache, Allowance(cache)) for cache in (worker_cache(), worker_cache()))
    assert not await other.away("zhang")
    await one.called("zhang")
    assert await other.away("zhang")
    await other.came("zhang")
    assert await one.away("zhang")
    assert not await one.away("li")
    await other.back("zhang")
    assert not await one.away("zhang")
