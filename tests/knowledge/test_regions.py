from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from knowledge.regions import Regions, read_regions, save_regions
from knowledge.seeds import SEEDS

REGIONS = Regions.read(SEEDS / "regions.yml")
FCG = "450600"


def test_every_region_lies_in_one_that_exists() -> None:
    regions = read_regions(SEEDS / "regions.yml")
    codes = {region.code for region in regions}
    assert len(codes) == len(regions) > 3000
    assert [region.code for region in regions if region.parent is not None and region.parent not in codes] == []
    assert [region.code for region in regions if region.parent is None] == ["000000"]


@pytest.mark.parametrize(
    ("code", "chain"),
    [
        ("980102", ("980102", "980100", "980000", "000000")),
        ("000000", ("000000",)),
        ("450602001", ("450602001", "450602", "450600", "450000", "000000")),
        ("450602001002", ("450602001002", "450602001", "450602", "450600", "450000", "000000")),
        ("450602000000", ("450602", "450600", "450000", "000000")),
        ("980199", ("980199", "980100", "980000", "000000")),
        ("779912", ("779912", "770000", "000000")),
        ("110101", ("110101", "110000", "000000")),
    ],
)
def test_ancestors_run_from_the_region_to_the_nation(code: str, chain: tuple[str, ...]) -> None:
    assert REGIONS.ancestors(code) == chain


@given(st.from_regex(r"\d{6}(\d{3}){0,2}", fullmatch=True))
def test_any_code_has_a_way_up_to_the_nation(code: str) -> None:
    chain = REGIONS.ancestors(code)
    assert chain[-1] == "000000"
    assert len(chain) <= 6
    assert REGIONS.name(code)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("450602", "防城港市港口区"),
        ("450600", "防城港市"),
        ("450000", "广西壮族自治区"),
        ("110101", "北京市东城区"),
        ("469007", "海南省东方市"),
        ("000000", "全国"),
        ("450602001", "防城港市港口区"),
    ],
)
def test_a_full_name_is_what_people_write(code: str, name: str) -> None:
    assert REGIONS.full_name(code) == name


def test_children_are_the_districts() -> None:
    assert REGIONS.children("980100") == ("980102", "980103", "980104")
    assert REGIONS.children("980102") == ()


@pytest.mark.parametrize(
    ("text", "near", "codes"),
    [
        ("松风区身份证丢了去哪办", "980100", ["980102"]),
        ("竹溪怎么办准生证", "980102", ["980103"]),
        ("我在竹溪县", "980102", ["420324"]),
        ("防城港市港口区江山大道", FCG, ["450602"]),
        ("港口区哪里办", FCG, ["450602"]),
        ("东兴能办护照吗", FCG, ["450681"]),
        ("东兴能办护照吗", "980100", []),
        ("上思县的大厅几点上班", FCG, ["450621"]),
        ("广西异地就医备案", "980100", ["450000"]),
        ("我是北京户口在云桥市能办吗", "980100", ["980100", "110000"]),
        ("南京鼓楼区", "980100", ["320106"]),
        ("鼓楼区社保", "980100", []),
        ("鼓楼区社保", "350100", ["350102"]),
        ("在河南打工", "980100", ["410000"]),
        ("吉林省吉林市", "980100", ["220200"]),
        ("安徽和县办证", "980100", ["340523"]),
        ("从开封迁户口", "980100", ["410200"]),
    ],
)
def test_named_regions_are_found(text: str, near: str, codes: list[str]) -> None:
    assert REGIONS.find(text, near) == codes


@pytest.mark.parametrize(
    "text",
    [
        "以上为演示数据",
        "港口经营许可证怎么办",
        "港口区域规划",
        "和平年代",
        "朝阳产业补贴",
        "新城建设",
        "东方红拖拉机上牌",
        "市区哪里办",
        "城区居民医保",
        "郊区宅基地",
        "来宾登记",
        "开封档案袋",
        "大理石加工",
        "合作市场登记",
        "公安局电话",
        "市和县里都能办吗",
        "建成县道",
        "阿里云备案",
        "北京路派出所",
        "黄河南路",
        "身份证丢了咋补",
        "安居房申请",
        "通道县级审批",
        "残疾人互助",
        "",
    ],
)
def test_ordinary_words_name_no_region(text: str) -> None:
    assert REGIONS.find(text, FCG) == []


@given(st.text(max_size=80), st.sampled_from(["980100", "000000", FCG, "110000", "999999999"]))
def test_finding_never_fails(text: str, near: str) -> None:
    assert all(code in REGIONS for code in REGIONS.find(text, near))


def test_the_table_survives_the_database(session: Session) -> None:
    save_regions(session, read_regions(SEEDS / "regions.yml"))
    stored = Regions.load(session)
    assert len(stored) == len(REGIONS)
    assert stored.ancestors("980102") == REGIONS.ancestors("980102")
