from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.differences import Difference, differences, marked, merge
from knowledge.documents import document
from knowledge.schema import Faq, Guide

Make = Callable[..., Guide]
HOURS = {"days": [1, 2, 3, 4, 5], "opens": "09:00", "closes": "17:00"}

words = st.text("甲乙丙丁，0a", min_size=1, max_size=6).map(str.strip).filter(bool)
some = st.lists(words, max_size=5)
durations = st.builds(
    lambda days, unit, note: {"days": days, "unit": unit, "note": note},
    st.integers(0, 3),
    st.sampled_from(["工作日", "自然日"]),
    st.none() | words,
)
materials = st.builds(
    lambda name, necessity, copies, note: {"name": name, "necessity": necessity, "copies": copies, "note": note},
    words,
    st.sampled_from(["必要", "非必要"]),
    st.none() | st.integers(0, 2),
    st.none() | words,
)
rules = st.builds(
    lambda days, closes, workdays: {"days": days, "opens": "09:00", "closes": closes, "workdays_only": workdays},
    st.lists(st.integers(1, 7), min_size=1, max_size=3),
    st.sampled_from(["12:00", "17:00"]),
    st.booleans(),
)
exceptions = st.builds(
    lambda day, opens: {"day": f"2026-10-0{day}", "opens": opens}, st.integers(1, 9), st.sampled_from([None, "09:00"])
)
hours = st.builds(
    lambda text, rules, exceptions: {"text": text, "rules": rules, "exceptions": exceptions},
    st.sampled_from(["", "工作日", "工作日9:00-17:00（国税窗口8:00-12:00）"]),
    st.lists(rules, max_size=3),
    st.lists(exceptions, max_size=2),
)
places = st.builds(
    lambda name, address, hours: {"name": name, "address": address, "hours": hours},
    st.none() | words,
    st.none() | words,
    st.none() | hours,
).filter(lambda one: bool(one["name"] or one["address"]))
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": words,
    "conditions": some,
    "questions": some,
    "aliases": some,
    "charged": st.none() | st.booleans(),
    "visits": st.none() | st.integers(0, 3),
    "audience": st.lists(st.sampled_from(["自然人", "法人"]), max_size=2),
    "promised_time": st.none() | durations,
    "materials": st.lists(materials, max_size=4),
    "places": st.lists(places, max_size=3),
    "consult": st.none() | st.fixed_dictionaries({"phone": words}),
    "effective_to": st.none() | st.sampled_from(["2026-12-31", "2027-12-31"]),
}
FIXED = {"local_code": "t-001", "region": "980102", "department": {"name": "松风区公安分局"}}
changes = st.fixed_dictionaries({}, optional=FIELDS)  # type: ignore[arg-type]
documents = st.fixed_dictionaries(FIELDS).map(lambda fields: document(Guide.model_validate(FIXED | fields)))


def told(*found: Difference) -> list[tuple[str, str, str]]:
    return [(one.heading, one.before, one.after) for one in found]


def compared(guide: Make, before: dict[str, Any], after: dict[str, Any]) -> tuple[Difference, ...]:
    return differences(document(guide(**before)), document(guide(**after)))


def test_an_inserted_material_is_one_addition(guide: Make) -> None:
    kept = [{"name": f"{name}证明"} for name in "甲乙丙丁戊己庚辛"]
    (found,) = compared(guide, {"materials": kept}, {"materials": [{"name": "户口簿", "source": "自备"}, *kept]})
    assert found == Difference("申请材料第 1 项", "materials.0", "", "户口簿；来源：自备；必要性：必要", "added")


def test_a_removed_material_is_named_by_the_place_it_had(guide: Make) -> None:
    (found,) = compared(
        guide, {"materials": [{"name": "照片"}, {"name": "户口簿"}]}, {"materials": [{"name": "户口簿"}]}
    )
    assert (found.kind, found.heading, found.before, found.after) == (
        "removed",
        "申请材料第 1 项",
        "照片；必要性：必要",
        "",
    )


def test_an_edited_material_is_told_by_its_field(guide: Make) -> None:
    before = [{"name": "照片"}, {"name": "户口簿", "source": "自备", "copies": 1}]
    after = [{"name": "照片"}, {"name": "户口簿原件", "source": "政府核发", "copies": 1}]
    assert told(*compared(guide, {"materials": before}, {"materials": after})) == [
        ("申请材料第 2 项的材料名称", "户口簿", "户口簿原件"),
        ("申请材料第 2 项的来源", "自备", "政府核发"),
    ]


def test_an_edited_and_an_inserted_condition_are_told_apart(guide: Make) -> None:
    before = ["本市户籍居民", "年满十六周岁"]
    after = ["本市户籍居民", "没有违法记录的人", "年满十八周岁"]
    assert told(*compared(guide, {"conditions": before}, {"conditions": after})) == [
        ("受理条件第 2 项", "", "没有违法记录的人"),
        ("受理条件第 3 项", "年满十六周岁", "年满十八周岁"),
    ]


def test_entries_that_changed_places_are_told_as_an_order(guide: Make) -> None:
    before, after = [{"name": "照片"}, {"name": "户口簿"}], [{"name": "户口簿"}, {"name": "照片"}]
    (found,) = compared(guide, {"materials": before}, {"materials": after})
    assert told(found) == [("申请材料的顺序", "1. 照片；2. 户口簿", "2. 户口簿；1. 照片")]


def test_of_two_windows_in_one_hall_the_removed_one_is_told(guide: Make) -> None:
    first, second = {"name": "政务中心", "window": "1号"}, {"name": "政务中心", "window": "2号"}
    (found,) = compared(guide, {"places": [first, second]}, {"places": [second]})
    assert told(found) == [("办理地点第 1 项", "政务中心；窗口：1号", "")]


@pytest.mark.parametrize(
    ("field", "before", "after", "wanted"),
    [
        ("charged", None, False, ("是否收费", "", "否")),
        ("charged", False, True, ("是否收费", "否", "是")),
        ("case_type", "承诺件", "即办件", ("办件类型", "承诺件", "即办件")),
        ("channels", ["窗口"], ["窗口", "网上"], ("办理形式", "窗口", "窗口、网上")),
        ("promised_time", {"days": 20}, {"days": 7, "unit": "自然日"}, ("承诺办结时限", "20 个工作日", "7 个自然日")),
        ("legal_time", None, {"days": 20, "note": "不含公示"}, ("法定办结时限", "", "20 个工作日（不含公示）")),
        ("department", {"name": "公安局"}, {"name": "民政局"}, ("实施部门", "公安局", "民政局")),
        ("consult", None, {"phone": "0000-1"}, ("咨询方式的电话", "", "0000-1")),
        ("effective_to", None, "2026-12-31", ("失效日期", "", "2026-12-31")),
        ("visits", 0, 1, ("到现场次数", "0", "1")),
    ],
)
def test_values_are_told_as_clerks_write_them(
    guide: Make, field: str, before: Any, after: Any, wanted: tuple[str, str, str]
) -> None:
    assert told(*compared(guide, {field: before}, {field: after})) == [wanted]


WEEK = "周一至周五 09:00–{}（法定节假日除外）"
MORNINGS = "周一至周五 9:00-12:00，下午不办理"


def test_what_citizens_read_of_opening_hours_and_what_was_understood_are_told_apart(guide: Make) -> None:
    before = {"address": "松涛路18号", "hours": {"text": "周一至周五9点到17点", "rules": [HOURS]}}
    after = {"address": "松涛路18号", "hours": {"text": MORNINGS, "rules": [HOURS | {"closes": "17:30"}]}}
    rules = ("办理地点第 1 项的办公时间的每周规则", WEEK.format("17:00"), WEEK.format("17:30"))
    assert told(*compared(guide, {"places": [before]}, {"places": [after]})) == [
        ("办理地点第 1 项的办公时间", "周一至周五9点到17点", MORNINGS),
        rules,
    ]
    kept = after | {"hours": {"text": "周一至周五9点到17点", "rules": [HOURS | {"closes": "17:30"}]}}
    assert told(*compared(guide, {"places": [before]}, {"places": [kept]})) == [rules]


def test_rules_without_published_words_are_told_once_since_citizens_read_them(guide: Make) -> None:
    before, after = ({"name": "中心", "hours": {"rules": [HOURS | {"closes": at}]}} for at in ("17:00", "16:00"))
    assert told(*compared(guide, {"places": [before]}, {"places": [after]})) == [
        ("办理地点第 1 项的办公时间", WEEK.format("17:00"), WEEK.format("16:00"))
    ]


def test_an_added_place_tells_its_opening_hours_as_citizens_read_them(guide: Make) -> None:
    place = {"name": "中心", "hours": {"text": MORNINGS, "rules": [HOURS]}}
    (found,) = compared(guide, {}, {"places": [place]})
    assert found.after == f"中心；办公时间：{MORNINGS}；系统理解为：{WEEK.format('17:00')}"


def test_a_closed_day_is_told_by_itself(guide: Make) -> None:
    before = {"name": "中心", "hours": {"text": "工作日", "rules": [HOURS]}}
    after = {"name": "中心", "hours": before["hours"] | {"exceptions": [{"day": "2026-10-01", "note": "国庆"}]}}  # type: ignore[operator]
    assert told(*compared(guide, {"places": [before]}, {"places": [after]})) == [
        ("办理地点第 1 项的办公时间的例外日期第 1 项", "", "2026-10-01 休息（国庆）")
    ]


def test_what_the_schema_fills_in_and_what_is_empty_is_no_difference() -> None:
    before = FIXED | {"name": "补领", "materials": [{"name": "照片", "necessity": "必要"}], "visits": 1}
    after = FIXED | {"name": " 补领 ", "materials": [{"name": "照片", "note": ""}], "visits": "1", "aliases": []}
    assert differences(before, after) == ()


def test_unfinished_documents_are_compared_as_far_as_they_go() -> None:
    broken = {
        "materials": "照片",
        "places": [{"hours": {"rules": [{"days": "x"}]}}],
        "promised_time": {"unit": "年"},
        "x": 1,
    }
    found = differences({"materials": [{"name": "照片"}]}, broken)
    assert [one.heading for one in found] == ["申请材料", "办理地点第 1 项", "x"]


def test_curated_questions_are_compared_as_well() -> None:
    before, after = {"question": "周六上班吗", "enabled": False}, {"question": "周六上班吗"}
    assert told(*differences(before, after, Faq)) == [("启用", "否", "是")]


@settings(max_examples=60)
@given(documents, documents)
def test_equal_documents_have_no_difference_and_others_have_one(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert differences(before, before) == ()
    assert bool(differences(before, after)) is (before != after)


@settings(max_examples=60)
@given(documents, documents)
def test_every_difference_shows_something_that_differs(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = differences(before, after)
    assert all(one.before != one.after and one.heading for one in found)
    assert len({(one.path, one.kind, one.heading) for one in found}) == len(found)


def test_marks_show_a_changed_number_whole() -> None:
    assert marked("电话 0000-5550123，周一", "电话 0000-5550199，周一") == (
        ("same", "电话 0000-"),
        ("del", "5550123"),
        ("ins", "5550199"),
        ("same", "，周一"),
    )


def test_a_long_text_is_marked_by_sentences() -> None:
    kept = "".join(f"第{number}句话在这里。" for number in range(400))
    assert marked(kept + "旧的。", kept + "新的。") == (("same", kept), ("del", "旧的。"), ("ins", "新的。"))


@given(st.text("甲乙丙。a1 \n", max_size=40), st.text("甲乙丙。a1 \n", max_size=40))
def test_marks_keep_both_texts_whole(before: str, after: str) -> None:
    pieces = marked(before, after)
    assert "".join(text for mark, text in pieces if mark != "ins") == before
    assert "".join(text for mark, text in pieces if mark != "del") == after


def test_what_each_side_changed_alone_is_taken() -> None:
    base = {"name": "补领", "visits": 1, "conditions": ["甲"]}
    mine, theirs = base | {"visits": 0}, {"name": "补领", "visits": 1, "progress": "电话查询"}
    assert merge(base, mine, theirs) == ({"name": "补领", "visits": 0, "progress": "电话查询"}, ())


def test_what_both_changed_differently_is_a_conflict_by_its_heading_and_mine_stands() -> None:
    base = {"name": "补领", "visits": 1}
    assert merge(base, {"name": "补领", "visits": 2}, {"name": "补领", "visits": 3}) == (
        {"name": "补领", "visits": 2},
        ("到现场次数",),
    )


def test_what_both_changed_to_the_same_is_no_conflict() -> None:
    assert merge({"visits": 1}, {"visits": 2}, {"visits": "2"}) == ({"visits": 2}, ())


def test_questions_that_both_added_stand_side_by_side() -> None:
    merged, conflicts = merge(
        {"questions": ["甲", "乙"]}, {"questions": ["甲", "乙", "丙"]}, {"questions": ["甲", "丁"]}
    )
    assert (merged, conflicts) == ({"questions": ["甲", "丙", "丁"]}, ())


@settings(max_examples=60)
@given(documents, changes, changes)
def test_merging_never_loses_a_change_that_only_one_side_made(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    my, their = (document(Guide.model_validate(FIXED | base | one)) for one in (mine, theirs))
    merged, conflicts = merge(base, my, their)
    for name in Guide.model_fields:
        was, one, other = (content.get(name) for content in (base, my, their))
        if one == was:
            assert merged.get(name) == other
        elif other in (was, one):
            assert merged.get(name) == one
        elif name in ("questions", "aliases"):
            added = [text for text in (*(one or []), *(other or [])) if text not in (was or [])]
            assert set(added) <= set(merged[name])
        else:
            assert Guide.model_fields[name].title in conflicts
