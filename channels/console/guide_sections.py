"""The parts of a guide in the order clerks think of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from channels.console.guide_form import Field, Problem, walk

# The first word is the section's anchor; what is essential stands open.
_SECTIONS = (
    ("naming", "名称和问法", True, "name aliases questions parent_name kind audience theme bundle"),
    ("needed", "条件和材料", True, "conditions materials promise_handling deferrable"),
    ("where", "地点和办公时间", True, "places"),
    ("contacts", "联系方式", True, "consult complain review lawsuit"),
    ("limits", "办件类型和时限", False, "case_type promised_time legal_time"),
    ("costs", "收费", False, "charged fees"),
    ("how", "怎么办", False,
     "channels visits visit_reason online_depth not_online_reason cross_region how_online how_offline steps results "
     "progress urls booking"),
    ("faqs", "常见问题", False, "faq"),
    ("laws", "办理依据", False, "laws"),
    ("who", "归属和编码", False,
     "region department level entrusted joint local_code basic_code impl_code item_code"),
    ("validity", "有效期和来源", False, "effective_from effective_to verified_at source_url"),
)  # fmt: skip

HINTS = {
    "aliases": "群众平时怎么叫它，一行一个",
    "questions": "群众会怎么问，一行一句；帮办靠这些话找到这份指南",
    "conditions": "一行一条",
    "joint": "一行一个",
    "region": "六位数字",
    "local_code": "当地系统里的编码，没有就自己编一个，如 gs-001；发布以后不能再改",
    "visits": "最多要去几次，不用去填 0",
    "days": "当场办结填 0",
    "phone": "固定电话带区号，几个号码用顿号隔开",
    "window": "几号窗口、几楼",
}

# Seldom filled in: folded away, so that an entry stays short.
SELDOM = {
    "materials": frozenset({"form_url", "sample_url", "basis", "replaced_by", "source", "note"}),
    "places": frozenset({"latitude", "longitude", "transport"}),
}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the form. `open`: whether it stands open."""

    id: str
    title: str
    fields: tuple[Field, ...]
    open: bool

    @property
    def filled(self) -> int:
        """How many of its fields have something in them."""
        return sum(field.filled for field in self.fields)

    @property
    def wrong(self) -> int:
        """How many problems there are in it."""
        return sum(field.wrong for field in self.fields)


def sections(made: Mapping[str, Field], focus: str = "") -> tuple[Section, ...]:
    """All fields in their sections; open stands what is essential, what is wrong, and where one goes on."""
    return tuple(_section(one, made, focus.split(".")[0]) for one in _SECTIONS)


def _section(one: tuple[str, str, bool, str], made: Mapping[str, Field], focus: str) -> Section:
    anchor, title, essential, keys = one
    inside = tuple(made[key] for key in keys.split())
    wrong = any(field.wrong for field in inside)
    return Section(anchor, title, inside, essential or wrong or focus in keys.split())


def hint(field: Field) -> str:
    """What to write in it."""
    return "" if field.name.startswith("steps.") else HINTS.get(field.shape.key, "")


def opening(field: Field) -> str:
    """What becomes of opening hours as they are written: what citizens read, and what was understood."""
    if not field.said:
        return "还没有填写办公时间"
    if field.said == field.understood:
        return f"群众会看到：{field.said}"
    told = f"系统理解为：{field.understood}" if field.understood else "系统没能读懂成每周规则，不影响群众看到原文"
    return f"群众会看到上面的原文。{told}"


def anchors(made: Mapping[str, Field], problems: tuple[Problem, ...]) -> dict[str, str]:
    """Where in the page each problem's field is, by its name."""
    ids = {field.name: field.id for field in walk(made.values())}
    return {problem.name: ids.get(problem.name, "") for problem in problems}
