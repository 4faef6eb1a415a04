"""Where a citizen is, the hall nearest to it, and what goes on there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from channels.wechat.places import Homes, Place, described, locate
from channels.wechat.wording import say
from core.cache import Cache
from knowledge.hours import parse
from knowledge.regions import Regions
from knowledge.schema import Hall
from knowledge.seeds import SEEDS
from tests.wechat.talking import Talk, labels, of_district, opened_account, talk

__all__ = ["of_district", "opened_account", "talk"]  # fixtures

CITY, SONGFENG, ZHUXI, MEILING = "980100", "980102", "980103", "980104"
REGIONS = Regions.read(SEEDS / "regions.yml")
BY_THE_CREEK = (0.152, 0.161)
ADDRESS = "演示省云桥市竹溪区溪畔街66号"
HOURS = parse("周一至周五：09:00-17:00")


def hall(name: str, region: str, position: tuple[float, float] | None = None, phone: str | None = None) -> Hall:
    latitude, longitude = position or (None, None)
    return Hall(
        name=name, region=region, address=f"{name}的地址", phone=phone, latitude=latitude, longitude=longitude, hours=HOURS
    )  # fmt: skip


CENTRE, CREEK = hall("市中心", CITY, (0.10, 0.10)), hall("竹溪大厅", ZHUXI, (0.15, 0.16), "0000-5550300")
HALLS = (CENTRE, hall("没有坐标的大厅", MEILING), CREEK)


def found(address: str, position: tuple[float, float] | None = None, area: str = CITY) -> Place | None:
    return locate(address, position, area, REGIONS, HALLS)


# -- where --


@pytest.mark.parametrize("address", [ADDRESS, "云桥市竹溪区", "竹溪区溪畔街66号", "溪畔街（竹溪区）"])
def test_the_address_says_which_district(address: str) -> None:
    place = found(address, (0.10, 0.10))
    assert place is not None
    assert place.region == ZHUXI, "whatever the position says"
    assert place.hall == CENTRE, "the nearest, in whichever district"


@pytest.mark.parametrize("address", ["", "溪畔街66号", "云桥市溪畔街66号", "演示省"])
def test_without_a_district_in_the_address_the_nearest_hall_says_which(address: str) -> None:
    place = found(address, BY_THE_CREEK)
    assert place is not None
    assert (place.region, place.hall) == (ZHUXI, CREEK)
    assert place.away == pytest.approx(0.249, abs=0.01)


def test_without_a_position_the_districts_own_hall_is_named() -> None:
    assert found(ADDRESS) == Place(ZHUXI, hall=CREEK)
    assert found("云桥市松风区") == Place(SONGFENG)
    assert found("云桥市") == Place(CITY, hall=CENTRE)


def test_a_district_whose_hall_has_no_position_still_has_the_nearest_one() -> None:
    place = found("云桥市梅岭区", BY_THE_CREEK)
    assert place is not None
    assert (place.region, place.hall) == (MEILING, CREEK)


@pytest.mark.parametrize("address", ["", "一条小路"])
def test_what_says_nothing_is_no_place(address: str) -> None:
    assert found(address) is None


def test_elsewhere_is_known_by_its_name_and_by_its_distance() -> None:
    assert found("广东省深圳市南山区深南大道", (22.5, 113.9)) == Place("440305", inside=False)
    assert found("广东省深圳市南山区深南大道", BY_THE_CREEK) == Place("440305", inside=False)
    assert found("", (30.0, 120.0)) == Place("", inside=False)


def test_another_district_of_the_city_is_elsewhere_to_a_districts_account() -> None:
    assert found("云桥市松风区松涛路18号", BY_THE_CREEK, ZHUXI) == Place(SONGFENG, inside=False)
    place = found("云桥市", (0.10, 0.10), ZHUXI)
    assert place is not None
    assert (place.region, place.hall) == (ZHUXI, CREEK), "only its own halls count"


def test_where_there_are_no_halls_the_district_is_enough() -> None:
    assert locate(ADDRESS, BY_THE_CREEK, CITY, REGIONS, ()) == Place(ZHUXI)
    assert locate("", BY_THE_CREEK, CITY, REGIONS, ()) is None


# -- in words --


@pytest.mark.parametrize(
    ("away", "said"),
    [(0.01, "100 米"), (0.249, "200 米"), (0.94, "900 米"), (0.96, "1.0 公里"), (3.44, "3.4 公里"), (23.4, "23 公里")],
)
def test_distances_are_round(away: float, said: str) -> None:
    assert f"直线大约 {said}。" in described(Place(ZHUXI, hall=CREEK, away=away), "")


def test_the_hall_is_told_with_all_one_needs_to_go_there() -> None:
    told = described(Place(ZHUXI, hall=CREEK, away=1.2), "您在竹溪区。")
    assert told.split("\n") == [
        "您在竹溪区。离您最近的办事大厅是竹溪大厅，直线大约 1.2 公里。",
        "地址：竹溪大厅的地址",
        "办公时间：周一至周五：09:00-17:00。",
        "电话：0000-5550300",
    ]
    assert "电话" not in described(Place(CITY, hall=CENTRE), ""), "it has none"


async def test_workers_agree_on_where_a_citizen_is(worker_cache: Callable[[], Cache]) -> None:
    one, other = Homes(worker_cache()), Homes(worker_cache())
    assert await one.get("zhang") == ""
    await one.settle("zhang", ZHUXI)
    assert await other.get("zhang") == ZHUXI
    assert await other.get("li") == ""
    await other.forget("zhang")
    assert await one.get("zhang") == ""


# -- in a conversation --


def test_a_position_is_answered_with_the_nearest_hall_and_is_remembered(talk: Talk) -> None:
    told = talk.hears(talk.citizen.sends_place(*BY_THE_CREEK, ADDRESS))
    assert told.startswith(
        "您在云桥市竹溪区，往后按这里给您查。离您最近的办事大厅是竹溪区政务服务中心，直线大约 200 米。"
    )
    for line in ("地址：云桥市竹溪区溪畔街66号", "电话：0000-5550300", "每周三延时服务至19:30", say("place_ask")):
        assert line in told
    assert "竹溪分局" in talk.says("孩子出生怎么上户口"), "nobody asks which district"
    talk.says("那松风区呢")
    assert "松风" in talk.says("在哪办"), "the conversation stays where it went"


def test_a_conversation_that_has_begun_goes_on_in_the_district(talk: Talk) -> None:
    talk.says("你好")
    talk.hears(talk.citizen.sends_place(*BY_THE_CREEK, ADDRESS))
    talk.says("孩子出生怎么上户口")
    assert "竹溪分局" in talk.out.parts[0], "nobody asks which district"


def test_a_position_elsewhere_is_said_and_changes_nothing(talk: Talk) -> None:
    told = talk.hears(talk.citizen.sends_place(22.5, 113.9, "广东省深圳市南山区深南大道"))
    assert told == say("place_elsewhere", region="深圳市南山区", here="云桥市")
    assert talk.hears(talk.citizen.sends_place(30.0, 120.0)) == say("place_far", region="", here="云桥市")
    assert "请问您在哪个区" in talk.says("孩子出生怎么上户口")


def test_a_position_nobody_can_read_is_asked_for_in_words(talk: Talk) -> None:
    assert talk.hears(talk.citizen.message("location", Location_X="?", Location_Y="")) == say("place_unclear")


def test_a_position_answers_which_district(talk: Talk) -> None:
    talk.says("孩子出生怎么上户口")
    told = talk.hears(talk.citizen.sends_place(*BY_THE_CREEK, ADDRESS))
    assert "离您最近的办事大厅是竹溪区政务服务中心" in told
    assert "来源：云桥市公安局竹溪分局《出生户口登记》" in told
    assert "不收费" in talk.says("要多少钱")


def test_a_position_in_another_district_asks_the_same_there(talk: Talk) -> None:
    talk.says("孩子出生怎么上户口")
    talk.says("竹溪区")
    told = talk.hears(talk.citizen.sends_place(0.12, 0.11, "云桥市松风区"))
    assert "来源：云桥市公安局松风分局《出生户口登记》" in told
    told = talk.hears(talk.citizen.sends_place(0.12, 0.11, "云桥市松风区"))
    assert "来源" not in told, "the same again says nothing"


def test_what_is_the_same_in_the_whole_city_is_not_told_again(talk: Talk) -> None:
    talk.says("身份证丢了怎么补")
    told = talk.hears(talk.citizen.sends_place(*BY_THE_CREEK, ADDRESS))
    assert told.endswith(say("place_ask"))
    assert "40元" in talk.says("要多少钱"), "the guide is still at hand"


def test_where_nothing_was_found_a_position_does_not_ask_again(talk: Talk) -> None:
    talk.says("回到机器人")
    assert labels(talk.out) == ["转人工"]
    assert talk.hears(talk.citizen.sends_place(*BY_THE_CREEK, ADDRESS)).endswith(say("place_ask"))


def test_a_position_chooses_the_hall_of_a_booking(talk: Talk) -> None:
    talk.says("我要预约补身份证")
    assert len(labels(talk.out)) > 3
    told = talk.hears(talk.citizen.sends_place(0.12, 0.11, "云桥市松风区"))  # two halls have 松风区 in their line
    assert "“居民身份证丢失补领”在松风区政务服务中心办，哪一天方便？" in told
    assert "松风区政务服务中心" in talk.says("明天上午十点")


def test_a_position_chooses_the_district_of_a_booking(talk: Talk) -> None:
    talk.says("预约给孩子上户口")
    told = talk.hears(talk.citizen.sends_place(*BY_THE_CREEK))
    assert "“出生户口登记”在竹溪区政务服务中心办，哪一天方便？" in told


def test_a_position_does_not_move_a_booking_whose_hall_is_chosen(talk: Talk) -> None:
    talk.says("我要预约补身份证")
    talk.taps("竹溪区政务服务中心")
    talk.says("明天上午十点")
    told = talk.hears(talk.citizen.sends_place(0.18, 0.13, "云桥市梅岭区梅园路9号"))
    assert "离您最近的办事大厅是梅岭区政务服务中心" in told
    assert "给谁办？" in told, "the open question is asked again"
    talk.says("我叫张伟")
    talk.says("13800138000")
    assert "竹溪区政务服务中心" in talk.out.parts[0]


def test_a_menu_button_for_a_district_goes_on_there_too(talk: Talk) -> None:
    talk.says("孩子出生怎么上户口")
    told = talk.hears(talk.citizen.clicks(f"region:{ZHUXI}"))
    assert told.startswith("好的，往后按云桥市竹溪区给您查。")
    assert "来源：云桥市公安局竹溪分局《出生户口登记》" in told


def test_a_districts_account_speaks_of_its_own_district_only(of_district: Talk) -> None:
    told = of_district.hears(of_district.citizen.sends_place(0.12, 0.11, "云桥市松风区松涛路18号"))
    assert told == say("place_elsewhere", region="云桥市松风区", here="云桥市竹溪区")


def test_a_districts_account_remembers_what_was_said_of_another_district(of_district: Talk) -> None:
    assert "竹溪分局" in of_district.says("孩子出生怎么上户口")
    assert "松风分局" in of_district.says("那松风区呢")
    assert "不收费" in of_district.says("要多少钱")
    of_district.says("约结婚登记，松风区，明天上午十点")
    assert "手机号" in of_district.says("我叫张伟")
