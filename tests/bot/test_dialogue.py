"""A choice is found by number, by place or by its words; a dialogue survives being written down."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue import Dialogue
from core.types import Choice, Facet, GuideRef
from knowledge.schema import Audience


def _ref(number: int, name: str) -> GuideRef:
    return GuideRef(number, f"c-{number}", name, "云桥市公安局", "980100", 1, date(2026, 10, 15))


NAMES = ("护照首次申领", "护照换发补发", "往来港澳通行证再次签注")
GUIDES = tuple(Choice(f"guide:{n}:materials", name, _ref(n, name)) for n, name in enumerate(NAMES, 1))
DISTRICTS = tuple(
    Choice(f"guide:{n}:", name, _ref(n, "低保")) for n, name in enumerate(("松风区", "竹溪区", "梅岭区"), 1)
)
ONE = (GUIDES[0], Choice("human", "不是，转人工"))


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("1", 1), ("2", 2), ("3", 3), ("第一个", 1), ("第二个", 2), ("第三个吧", 3), ("选3", 3), ("我选2", 2), ("2号", 2),
        ("二", 2), ("第 2 个", 2), ("要第二个", 2), ("就第一个", 1), ("1。", 1), ("第2项", 2), ("最后一个", 3), ("最后那个", 3),
        ("选最后一个吧", 3), ("护照首次申领", 1), ("换发补发", 2), ("港澳通行证", 3), ("我要办护照换发补发", 2),
        ("就是首次申领那个", 1), ("再次签注的", 3), ("我选护照换发补发吧", 2),
    ],
)  # fmt: skip
def test_a_choice_is_picked_by_number_by_place_or_by_words(said: str, place: int) -> None:
    assert Dialogue("980100", choices=GUIDES).picked(said) == GUIDES[place - 1]


@pytest.mark.parametrize(
    "said",
    [
        "护照",
        "4",
        "第九个",
        "0",
        "第0个",
        "",
        "的",
        "那个",
        "是的",
        "身份证",
        "2024",
        "1月1号能办吗",
        "二手房",
        "多久能好",
    ],
)
def test_words_that_fit_no_choice_or_several_pick_none(said: str) -> None:
    assert Dialogue("980100", choices=GUIDES).picked(said) is None


@pytest.mark.parametrize("said", ["竹溪区", "竹溪", "我在竹溪区", "竹溪区的", "是竹溪区吧", "2"])
def test_a_district_is_picked_by_its_name(said: str) -> None:
    assert Dialogue("980100", choices=DISTRICTS).picked(said) == DISTRICTS[1]


@pytest.mark.parametrize("said", ["是", "是的", "对", "对的", "嗯", "没错", "就是这个", "1"])
def test_yes_takes_the_only_guide_offered(said: str) -> None:
    assert Dialogue("980100", choices=ONE).picked(said) == ONE[0]


def test_no_hands_over_where_that_was_offered() -> None:
    assert Dialogue("980100", choices=ONE).picked("不是") == ONE[1]
    assert Dialogue("980100", choices=ONE).picked("转人工") == ONE[1]


@pytest.mark.parametrize(("said", "place"), [("10", 10), ("第十个", 10), ("十二", 12), ("第20个", 20), ("二十", 20)])
def test_numbers_above_nine_pick_from_long_lists(said: str, place: int) -> None:
    choices = tuple(Choice(f"guide:{n}:", f"区域{chr(0x4E00 + n)}", None) for n in range(1, 21))
    assert Dialogue("980100", choices=choices).picked(said) == choices[place - 1]


def test_nothing_is_picked_where_nothing_was_offered() -> None:
    assert Dialogue("980100").picked("1") is None
    assert Dialogue("980100").picked("护照") is None


@given(st.text(max_size=30), st.sampled_from([(), GUIDES, DISTRICTS, ONE]))
def test_whatever_is_said_a_pick_is_one_of_the_choices_or_none(said: str, choices: tuple[Choice, ...]) -> None:
    assert Dialogue("980100", choices=choices).picked(said) in (None, *choices)


@given(
    st.builds(
        Dialogue,
        region=st.from_regex(r"\d{6}", fullmatch=True),
        guide=st.none() | st.integers(1, 10**6),
        facets=st.lists(st.sampled_from(Facet), max_size=4).map(tuple),
        audience=st.none() | st.sampled_from(Audience),
        choices=st.sampled_from([(), GUIDES, DISTRICTS, ONE]),
        asked=st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    )
)
def test_a_dialogue_written_down_is_read_back_the_same(dialogue: Dialogue) -> None:
    assert Dialogue.load(dialogue.dump()) == dialogue


@pytest.mark.parametrize("text", ["", "{}", "null", "[]", '{"region": 3}', "nonsense", '{"region": "1", "guide": "x"}'])
def test_anything_else_is_no_dialogue(text: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Dialogue.load(text)


def test_a_settled_guide_ends_the_offer_and_an_offer_keeps_the_guide() -> None:
    begun = Dialogue("980100", audience=Audience.PERSON)
    offered = begun.offering(GUIDES, (Facet.FEE,), "护照多少钱")
    assert (offered.choices, offered.facets, offered.asked) == (GUIDES, (Facet.FEE,), "护照多少钱")
    settled = offered.about(2, (Facet.FEE,), "护照多少钱")
    assert (settled.guide, settled.choices, settled.audience) == (2, (), Audience.PERSON)
    assert settled.offering(GUIDES, (), "别的").guide == 2
