"""Every facet on a full guide and on an empty one: what it states is said, what it lacks is named, nothing is invented."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answers import OVERVIEW, answer
from bot.parts import Asked
from bot.phrases import by_channels, consult_phone
from core.types import Act, Answer, Facet
from knowledge import hours
from knowledge.publishing import Published
from knowledge.schema import (
    Audience,
    Booking,
    Channel,
    Contact,
    Department,
    Duration,
    Fee,
    Guide,
    Hours,
    Law,
    Material,
    Necessity,
    OnlineDepth,
    Place,
    Result,
    Status,
    Step,
    Urls,
)

TODAY = date(2026, 10, 15)


def full(**other: Any) -> Guide:
    """A guide with every key field."""
    values: dict[str, Any] = {
        "name": "养犬登记",
        "local_code": "t-001",
        "region": "980100",
        "department": Department(name="云桥市公安局"),
        "joint": ["云桥市农业农村局"],
        "audience": [Audience.PERSON],
        "conditions": ["犬只已经免疫", "有固定住所"],
        "laws": [Law(name="动物防疫法", number="主席令第六十九号", article="第三十条", text="饲养犬只应当免疫。")],
        "legal_time": Duration(days=20),
        "promised_time": Duration(days=3),
        "materials": [
            Material(name="免疫证明", originals=1),
            Material(name="养犬登记表", form_url="https://yunqiao.example/f"),
        ],
        "charged": True,
        "fees": [Fee(name="犬牌工本费", standard="15元/个", basis="云价〔2020〕3号", reducible="导盲犬免收")],
        "steps": [Step(name="申请"), Step(name="核验", days="1个工作日"), Step(name="发牌")],
        "results": [Result(name="养犬登记证", sample_url="https://yunqiao.example/s")],
        "channels": [Channel.WINDOW, Channel.ONLINE],
        "visits": 1,
        "how_online": "在网上填表后带犬核验",
        "how_offline": "带犬到窗口",
        "online_depth": OnlineDepth.ACCEPTANCE,
        "places": [
            Place(
                name="云桥市政务服务中心",
                address="望桥大道100号",
                window="2楼公安窗口",
                transport="乘5路到市民之家站",
                hours=hours.parse("工作日：上午09:00-12:00，下午13:30-17:00"),
                phone="0000-5550100",
            )
        ],
        "urls": Urls(online="https://yunqiao.example/dog", status="https://yunqiao.example/status"),
        "booking": Booking(offered=True),
        "consult": Contact(phone="0000-5550111"),
        "complain": Contact(phone="0000-5550199"),
        "progress": "凭受理编号在网上查询",
        "verified_at": date(2026, 10, 1),
    }
    return Guide(**(values | other))


def empty(**other: Any) -> Guide:
    """A guide that states no more than what the schema demands, and a number to call."""
    values: dict[str, Any] = {
        "name": "养犬登记",
        "local_code": "t-002",
        "region": "980100",
        "department": Department(name="云桥市公安局"),
        "consult": Contact(phone="0000-5550111"),
    }
    return Guide(**(values | other))


def tell(guide: Guide, *facets: Facet, days: tuple[int, ...] = ()) -> Answer:
    published = Published(7, 3, Status.PUBLISHED, 12, guide)
    return answer(published, Asked(facets, days), region_name="云桥市", hotline="12345")


STATED = [
    (Facet.WHO, "由云桥市公安局，会同云桥市农业农村局办理"),
    (Facet.WHERE, "望桥大道100号，2楼公安窗口"),
    (Facet.HOW, "一共 3 步：申请、核验、发牌"),
    (Facet.MATERIALS, "免疫证明（原件 1 份）"),
    (Facet.CONDITIONS, "2. 有固定住所"),
    (Facet.TIME, "受理后承诺 3 个工作日办结（法定最长 20 个工作日）"),
    (Facet.FEE, "要收费：犬牌工本费 15元/个"),
    (Facet.HOURS, "上午09:00-12:00，下午13:30-17:00"),
    (Facet.PHONE, "0000-5550111"),
    (Facet.ONLINE, "可以网上办理，网上能办到“受理”这一步"),
    (Facet.PROGRESS, "凭受理编号在网上查询"),
    (Facet.LAW, "《动物防疫法》第三十条"),
    (Facet.RESULT, "办好后拿到：养犬登记证"),
    (Facet.COMPLAINT, "0000-5550199"),
    (Facet.WHICH, "面向自然人"),
]


def test_every_facet_has_its_sentence() -> None:
    assert {facet for facet, _ in STATED} == set(Facet)


@pytest.mark.parametrize(("facet", "words"), STATED)
def test_a_full_guide_answers_each_facet_in_its_first_words(facet: Facet, words: str) -> None:
    said = tell(full(), facet)
    assert said.act is Act.ANSWER
    assert words in said.text
    assert "没有写明" not in said.text
    assert said.facets == (facet,)
    assert said.facts


@pytest.mark.parametrize("facets", [(), (Facet.HOW,)])
def test_who_asks_how_is_given_the_number_hours_cost_and_time_as_facts(facets: tuple[Facet, ...]) -> None:
    said = tell(full(), *facets)
    facts = {fact.label: fact.value for fact in said.facts}
    assert facts["咨询电话"] == "0000-5550111"
    assert facts["承诺办结时限"] == "3 个工作日"
    assert facts["犬牌工本费"].startswith("15元/个")
    assert "上午09:00-12:00" in facts["办公时间"]
    assert "15元" not in said.text.split("\n\n")[0]


def test_every_answer_ends_with_where_to_go_and_whom_to_call() -> None:
    assert "线下办理：" in (said := tell(full(), Facet.LAW)).text
    assert "咨询电话：0000-5550111。" in said.text


def test_a_number_told_already_is_not_told_twice() -> None:
    assert tell(full(), Facet.PHONE).text.count("0000-5550111") == 1
    assert tell(empty(), Facet.HOW).text.count("0000-5550111") == 1


SILENT = [facet for facet in Facet if facet not in (Facet.WHO, Facet.WHICH, Facet.PHONE)]


@pytest.mark.parametrize("facet", SILENT)
def test_an_empty_guide_says_so_and_names_the_departments_phone(facet: Facet) -> None:
    said = tell(empty(), facet)
    assert "指南没有写明" in said.text
    assert "可以打云桥市公安局的电话 0000-5550111 问清楚" in said.text
    assert said.facts == ()


def test_without_any_phone_the_hotline_is_named() -> None:
    said = tell(empty(consult=None), Facet.FEE, Facet.PHONE)
    assert "可以打政务服务热线 12345 问清楚" in said.text
    assert said.text.count("12345") == 1


def test_a_halls_phone_is_not_called_the_departments() -> None:
    guide = empty(consult=None, places=[Place(name="竹溪区政务服务中心", phone="0000-5550103")])
    assert "可以打竹溪区政务服务中心的电话 0000-5550103 问清楚" in tell(guide, Facet.FEE).text
    assert consult_phone(guide) == "0000-5550103"


def test_without_a_facet_an_overview_tells_who_where_how_what_to_bring_and_how_long() -> None:
    said = tell(full())
    for facet, words in STATED:
        if facet in OVERVIEW:
            assert words in said.text
    assert said.facets == ()


def test_an_overview_begins_short_and_puts_the_rest_under_labels() -> None:
    first, labelled, *_ = tell(full()).text.split("\n\n")
    assert first == (
        "“养犬登记”由云桥市公安局，会同云桥市农业农村局办理，可以到窗口或在网上办理，要到现场 1 次。"
        "受理后承诺 3 个工作日办结（法定最长 20 个工作日）。"
    )
    assert labelled.split("\n") == [
        "在哪办：云桥市政务服务中心，望桥大道100号，2楼公安窗口。",
        "怎么办：一共 3 步：申请、核验、发牌。",
        "网上办：在网上填表后带犬核验",
        "线下办：带犬到窗口",
        "带什么：要准备 2 样材料。",
        "1. 免疫证明（原件 1 份）",
        "2. 养犬登记表",
    ]


def test_an_overview_names_all_that_the_guide_lacks_in_one_sentence() -> None:
    said = tell(empty()).text
    first, source = said.split("\n\n")
    assert first == (
        "“养犬登记”由云桥市公安局办理。指南没有写明办理地点、办理方式和流程、申请材料、办理时限。"
        "可以打云桥市公安局的电话 0000-5550111 问清楚。"
    )
    assert source.startswith("来源：")


def test_an_overview_without_steps_lists_the_ways_under_their_label() -> None:
    labelled = tell(full(steps=[], how_offline=None)).text.split("\n\n")[1].split("\n")
    assert labelled[1:3] == ["怎么办：", "网上办：在网上填表后带犬核验"]
    assert not any(line.startswith("怎么办") for line in tell(empty(channels=[Channel.POST])).text.split("\n"))


def test_what_an_overview_of_a_guide_done_online_says_of_places() -> None:
    said = tell(empty(channels=[Channel.ONLINE], visits=0)).text
    assert said.startswith("“养犬登记”由云桥市公安局办理，可以在网上办理，不用到现场。")
    assert "在哪办：不用跑现场，在网上办理。" in said


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        ([], ""),
        ([Channel.WINDOW], "到窗口办理"),
        ([Channel.KIOSK, Channel.WINDOW], "在自助机上或到窗口办理"),
        ([Channel.WINDOW, Channel.ONLINE, Channel.POST], "到窗口、在网上或邮寄办理"),
    ],
)
def test_several_channels_are_told_in_one_phrase(channels: list[Channel], words: str) -> None:
    assert by_channels(channels) == words


def test_two_facets_are_both_answered_in_their_order() -> None:
    said = tell(full(), Facet.FEE, Facet.TIME)
    assert said.text.index("要收费") < said.text.index("受理后承诺")


def test_the_source_names_guide_department_version_and_day_verified() -> None:
    said = tell(full(), Facet.FEE)
    assert said.text.endswith("来源：云桥市办事指南《养犬登记》，云桥市公安局，第 3 版，2026-10-01 核实")
    assert said.guide
    assert (said.guide.id, said.guide.version, said.guide.verified_at) == (7, 3, date(2026, 10, 1))
    assert tell(empty(), Facet.FEE).text.endswith("第 3 版")


def test_the_way_online_and_the_way_in_person_follow_every_answer() -> None:
    said = tell(full(), Facet.FEE)
    assert "线下办理：云桥市政务服务中心，望桥大道100号，2楼公安窗口。" in said.text
    assert [link.url for link in said.links] == ["https://yunqiao.example/dog"]
    assert "线下办理：" not in tell(full(), Facet.WHERE).text


def test_what_is_exempt_deferrable_or_conditional_is_told_apart() -> None:
    guide = full(
        materials=[
            Material(name="身份证", necessity=Necessity.EXEMPT, replaced_by="电子身份证"),
            Material(name="免疫证明", copies=1, necessity=Necessity.DEFERRABLE),
            Material(name="委托书", condition="委托他人办理时"),
            Material(name="住所照片", necessity=Necessity.OPTIONAL),
        ]
    )
    said = tell(guide, Facet.MATERIALS)
    assert "要准备 1 样材料。身份证不用交。" in said.text
    assert "1. 免疫证明（复印件 1 份，可容缺后补）" in said.text
    assert "视情况：委托书（委托他人办理时）" in said.text
    assert "视情况：住所照片" in said.text
    assert ("不用交", "身份证（电子身份证可代替）") in {(fact.label, fact.value) for fact in said.facts}
    only = tell(full(materials=guide.materials[:1]), Facet.MATERIALS)
    assert "没有必须带的材料。" in only.text


def test_a_fee_is_told_as_charged_free_or_unknown() -> None:
    assert "不收费。" in tell(empty(charged=False), Facet.FEE).text
    unknown = tell(empty(charged=True), Facet.FEE).text
    assert "要收费，但指南没有写明标准" in unknown
    assert "0000-5550111" in unknown
    assert "没有写明收费情况" in tell(empty(), Facet.FEE).text
    facts = tell(full(), Facet.FEE).facts
    assert facts[0].value == "15元/个；依据：云价〔2020〕3号；导盲犬免收"


def test_a_weekday_asked_about_is_answered_first() -> None:
    monday = tell(full(), Facet.HOURS, days=(1,)).text
    assert "：周一上班，09:00—12:00、13:30—17:00。" in monday
    assert "：周六不上班。" in tell(full(), Facet.HOURS, days=(6,)).text
    both = tell(full(), Facet.HOURS, days=(6, 7)).text
    assert "周六不上班。周日不上班。" in both


def test_hours_that_could_not_be_understood_are_quoted_and_claim_nothing_of_a_weekday() -> None:
    guide = full(places=[Place(name="甲厅", hours=Hours(text="以现场公告为准"))])
    said = tell(guide, Facet.HOURS, days=(6,)).text
    assert "以现场公告为准" in said
    assert "周六" not in said


def test_halls_with_different_hours_are_told_apart() -> None:
    guide = full(
        places=[
            Place(name="甲厅", hours=hours.parse("周一至周六：09:00-17:00")),
            Place(name="乙厅", hours=hours.parse("周一至周五：09:00-17:00")),
            Place(name="丙厅", hours=Hours(text="以现场公告为准")),
        ]
    )
    said = tell(guide, Facet.HOURS, days=(6,)).text
    assert "甲厅周六上班" in said
    assert "乙厅周六不上班" in said
    assert "丙厅周六" not in said
    assert "丙厅：以现场公告为准" in said


def test_done_on_the_spot_is_said_in_words() -> None:
    assert "承诺当场办结。" in tell(full(promised_time=Duration(days=0)), Facet.TIME).text
    assert "法定当场办结。" in tell(full(promised_time=None, legal_time=Duration(days=0)), Facet.TIME).text
    assert "法定最长 20 个工作日办结。" in tell(full(promised_time=None), Facet.TIME).text


def test_only_a_guide_that_says_so_needs_no_visit() -> None:
    online = empty(channels=[Channel.ONLINE], urls=Urls(online="https://yunqiao.example/dog"))
    assert "不用跑现场" in tell(online, Facet.WHERE).text
    unstated = empty(urls=Urls(online="https://yunqiao.example/dog"))
    assert "没有写明办理地点" in tell(unstated, Facet.WHERE).text
    kiosk = empty(channels=[Channel.KIOSK, Channel.ONLINE])
    assert "没有写明办理地点" in tell(kiosk, Facet.WHERE).text


def test_a_guide_that_cannot_be_done_online_says_why() -> None:
    assert "目前不能网上办理：要带犬核验。" in tell(empty(not_online_reason="要带犬核验"), Facet.ONLINE).text
    assert "目前不能网上办理，可以到窗口办理。" in tell(empty(channels=[Channel.WINDOW]), Facet.ONLINE).text


def test_nothing_is_said_twice() -> None:
    photo = Material(name="近照", necessity=Necessity.OPTIONAL)
    guide = full(places=full().places * 2, materials=[photo, photo])
    for asked in ((), (Facet.WHICH, Facet.CONDITIONS), (Facet.HOURS, Facet.WHERE), tuple(Facet)):
        said = tell(guide, *asked)
        lines = [line for line in said.text.split("\n") if line]
        assert len(lines) == len(set(lines))
        assert len(said.facts) == len(set(said.facts))
        assert len(said.links) == len(set(said.links))


def test_words_in_the_place_of_a_web_address_make_no_link() -> None:
    guide = full(urls=Urls(online="javascript:alert(1)", mobile="云桥通 App 首页", status="见大厅"))
    said = tell(guide, Facet.ONLINE, Facet.PROGRESS)
    assert said.links == ()
    assert "javascript" not in said.text


# Words of ours around a fact; everything else in it must stand in the guide.
_OURS = re.compile(
    r"原件 | 份|复印件 |可容缺后补|可代替|会同|依据：|不收费|收费，标准未写明|网上办理|可以网上办理|标准见收费依据| 个|当场| → |[《》（），；、。：]"
)


def _invented(said: Answer, guide: Guide) -> list[str]:
    known = json.dumps(guide.model_dump(mode="json"), ensure_ascii=False)
    return [
        piece
        for fact in said.facts
        if fact.value not in known
        for piece in _OURS.split(fact.value)
        if piece and piece not in known
    ]


@pytest.mark.parametrize("facet", [None, *Facet])
def test_every_fact_of_the_full_guide_stands_in_the_guide(facet: Facet | None) -> None:
    guide = full()
    assert _invented(tell(guide, *([facet] if facet else [])), guide) == []


_words = st.text(
    st.characters(categories=["Lo", "Nd"], max_codepoint=0x9FA5, min_codepoint=0x30), min_size=1, max_size=12
)
_may = lambda some: st.none() | some  # noqa: E731
_places = st.builds(
    Place,
    name=_may(_words),
    address=_may(_words),
    window=_may(_words),
    transport=_may(_words),
    phone=_may(st.just("0000-5550103")),
    hours=_may(st.sampled_from(["", "工作日：09:00-17:00", "以公告为准"]).map(hours.parse)),
)
_contacts = st.builds(Contact, phone=_may(_words), url=_may(_words), address=_may(_words), text=_may(_words))
_guides = st.builds(
    Guide,
    name=_words,
    local_code=_words,
    region=st.just("980100"),
    department=st.builds(Department, name=_words, code=st.none()),
    joint=st.lists(_words, max_size=2),
    audience=st.lists(st.sampled_from(Audience), max_size=3, unique=True),
    conditions=st.lists(_words, max_size=3),
    laws=st.lists(
        st.builds(Law, name=_words, number=_may(_words), article=_may(_words), text=_may(_words)), max_size=2
    ),
    legal_time=_may(st.builds(Duration, days=st.integers(0, 90), note=_may(_words))),
    promised_time=_may(st.builds(Duration, days=st.integers(0, 90), note=_may(_words))),
    materials=st.lists(
        st.builds(
            Material,
            name=_words,
            originals=_may(st.integers(0, 3)),
            copies=_may(st.integers(0, 3)),
            necessity=st.sampled_from(Necessity),
            condition=_may(_words),
            form_url=_may(_words),
            replaced_by=_may(_words),
            sample_url=st.none(),
            basis=st.none(),
            note=st.none(),
        ),
        max_size=4,
    ),
    charged=_may(st.booleans()),
    fees=st.lists(
        st.builds(Fee, name=_words, standard=_may(_words), basis=_may(_words), reducible=_may(_words)), max_size=2
    ),
    steps=st.lists(st.builds(Step, name=_words, days=_may(_words)), max_size=3),
    results=st.lists(st.builds(Result, name=_words, sample_url=_may(_words)), max_size=2),
    channels=st.lists(st.sampled_from(Channel), max_size=4, unique=True),
    visits=_may(st.integers(0, 3)),
    places=st.lists(_places, max_size=3),
    urls=st.builds(Urls, online=_may(_words), mobile=_may(_words), status=_may(_words)),
    consult=_may(_contacts),
    complain=_may(_contacts),
    progress=_may(_words),
    how_online=_may(_words),
    how_offline=_may(_words),
    verified_at=_may(st.just(TODAY)),
)


@settings(max_examples=150, deadline=None)
@given(_guides, st.lists(st.sampled_from(Facet), max_size=4, unique=True), st.sampled_from([(), (6,), (1, 7)]))
def test_whatever_a_guide_holds_the_answer_is_whole_and_invents_nothing(
    guide: Guide, facets: list[Facet], days: tuple[int, ...]
) -> None:
    said = tell(guide, *facets, days=days)
    assert guide.name in said.text
    assert "来源：" in said.text
    assert "None" not in said.text
    assert "。。" not in said.text
    assert _invented(said, guide) == []
    assert all(fact.label and fact.value for fact in said.facts)
