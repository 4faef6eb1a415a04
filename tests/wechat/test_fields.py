"""What fits into the fields of a template message, whatever it is that is said."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.wechat.fields import NAMES, filled, fitted
from core.settings import Template
from tests.wechat.backend import FIELDS

ANY = st.text(max_size=300)
CUT = ["thing", "character_string", "phrase", "name", "number", "phone_number"]


@pytest.mark.parametrize("kind", CUT)
@given(text=ANY, number=st.integers(1, 99))
def test_anything_is_cut_to_what_the_platform_takes(kind: str, text: str, number: int) -> None:
    told = fitted(f"{kind}{number}", text)
    assert re.fullmatch(FIELDS[kind], told) or told == "-", (kind, told)


@given(field=st.sampled_from(["keyword1", "first", "remark", "thing1", "time2", "date3"]), text=ANY)
def test_no_field_is_empty_or_holds_what_nobody_sees(field: str, text: str) -> None:
    told = fitted(field, text)
    assert told
    assert told.isprintable()
    assert len(told) <= 200


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("thing1", "居民身份证丢失补领", "居民身份证丢失补领"),
        ("thing1", "建设工程消防验收备案抽查不合格项目整改后的复查", "建设工程消防验收备案抽查不合格项目整改…"),
        ("thing12", "云桥市松风区\n政务服务中心", "云桥市松风区 政务服务中心"),
        ("character_string4", "2610150042", "2610150042"),
        ("character_string4", "A" * 40, "A" * 29 + "..."),
        ("character_string4", "松风区 3 号窗口", "3"),
        ("phrase5", "大厅临时有变，请改时间", "大厅临时有"),
        ("number6", "预约号 26 1015", "261015"),
        ("phone_number7", "0000-5550100（总机）", "0000-5550100"),
        ("name8", "居民身份证（第二代）丢失补领登记", "居民身份证第二代丢失"),
        ("time2", "2026年11月23日 09:00", "2026年11月23日 09:00"),
        ("date3", "2026年11月23日 09:00", "2026年11月23日 09:00"),
        ("keyword1", "长" * 300, "长" * 199 + "…"),
        ("thing1", "", "无"),
    ],
)
def test_what_is_told_stays_readable(field: str, text: str, told: str) -> None:
    assert fitted(field, text) == told


def test_a_template_is_filled_field_by_field() -> None:
    template = Template(id="x", fields={"thing1": "item", "character_string2": "item", "thing3": "nonsense"})
    assert "nonsense" not in NAMES
    assert filled(template, {"item": "ETC 办理"}) == {"thing1": "ETC 办理", "character_string2": "ETC", "thing3": "无"}
