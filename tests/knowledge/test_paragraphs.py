from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.paragraphs import paragraphs


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1.甲；2.乙；3.丙", ["1.甲；", "2.乙；", "3.丙"]),
        ("1、甲\n2、乙", ["1、甲", "2、乙"]),
        ("应当符合：\n（一）甲；\n（二）乙。", ["应当符合：", "（一）甲；", "（二）乙。"]),
        ("1 甲\n2 乙", ["1 甲", "2 乙"]),
        ("①甲②乙", ["①甲", "②乙"]),
        ("1.按第（一）（二）项；2.另一条", ["1.按第（一）（二）项；", "2.另一条"]),
        ("费用1.5元，面积2.5亩", ["费用1.5元，面积2.5亩"]),
        ("根据第1.项办理", ["根据第1.项办理"]),
        ("第一行\n\n第二行", ["第一行", "第二行"]),
        (
            "（一）甲（二）乙（三）丙（四）丁（五）戊（六）己（七）庚（八）辛（九）壬（十）癸（十一）子",
            [
                "（一）甲",
                "（二）乙",
                "（三）丙",
                "（四）丁",
                "（五）戊",
                "（六）己",
                "（七）庚",
                "（八）辛",
                "（九）壬",
                "（十）癸",
                "（十一）子",
            ],
        ),
        ("", []),
    ],
)
def test_numbered_text_is_split_at_its_numbers(text: str, parts: list[str]) -> None:
    assert paragraphs(text) == parts


@given(st.text(alphabet="（一二三十）1234.、 \n①②甲乙；", max_size=60))
def test_splitting_loses_no_character(text: str) -> None:
    assert "".join("".join(paragraphs(text)).split()) == "".join(text.split())


@given(st.text())
def test_splitting_never_fails(text: str) -> None:
    paragraphs(text)
