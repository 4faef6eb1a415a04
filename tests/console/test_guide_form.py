"""A guide's document in a form and back: every field of the schema, nothing lost and nothing added."""

from __future__ import annotations

import types
from datetime import date
from enum import EnumType
from typing import Any, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from channels.console import guide_form
from channels.console.guide_checks import check
from channels.console.guide_form import Document, fields, rearrange, sent, tidy, typed, walk
from channels.console.guide_sections import opening, sections
from core.errors import Invalid
from knowledge import seeds
from knowledge.documents import document
from knowledge.regions import Regions
from knowledge.schema import Guide, Hours

GUIDE: Document = {
    "name": "补领身份证",
    "region": "980100",
    "local_code": "x-1",
    "department": {"name": "云桥市公安局"},
    "materials": [{"name": "户口簿", "necessity": "必要"}, {"name": "照片", "necessity": "非必要"}],
    "places": [{"name": "大厅", "hours": {"text": "每天 9:00-17:00"}}],
}
# What a browser sends: no control characters, and no lines but by \n.
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12).filter(
    lambda text: text.strip() == text
)
TEXTS = st.one_of(WORDS, st.lists(WORDS, min_size=2, max_size=3).map("\n".join))
TIMES = st.sampled_from(["08:30", "12:00", "17:30"])


def _values(annotation: Any, key: str) -> st.SearchStrategy[Any]:
    """Any value of a field that a guide could have."""
    inner = get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return st.integers(1, 7) if annotation.__origin__ is int else _values(annotation.__origin__, key)
    if get_origin(annotation) in (types.UnionType, Union):
        return st.none() | _values(inner[0], key)
    if get_origin(annotation) is list:
        plain = not (isinstance(inner[0], type) and issubclass(inner[0], BaseModel))
        return st.lists(_values(inner[0], key), max_size=3, unique=plain)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _records(annotation)
    if isinstance(annotation, EnumType):
        return st.sampled_from(list(annotation))
    if key in ("opens", "closes"):
        return TIMES
    kinds: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(), int: st.integers(0, 10**9), float: st.floats(-90, 90), date: st.dates(), str: TEXTS
    }  # fmt: skip
    return kinds[annotation]


def _records(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    made = {}
    for key, info in model.model_fields.items():
        must = info.is_required() or key in ("opens", "closes")
        values = st.just("980100") if key == "region" else _values(info.annotation, key)
        made[key] = values.filter(bool) if must and key in ("days", "name") and model.__name__ != "Duration" else values
    return st.fixed_dictionaries(made).map(model.model_validate)


def through(content: Document) -> Document:
    return tidy(typed(sent(fields(content).values())))


def test_every_field_of_the_schema_is_in_the_form() -> None:
    def named(model: type[BaseModel], path: str = "") -> set[str]:
        found = set()
        for shape in guide_form.shapes(model):
            found.add(path + shape.key)
            if shape.model:
                found |= named(shape.model, f"{path}{shape.key}.")
        return found

    def walked(model: type[BaseModel], path: str = "") -> set[str]:
        found = set()
        for key, info in model.model_fields.items():
            found.add(path + key)
            inner = [info.annotation, *get_args(info.annotation)]
            inside = [one for one in inner if isinstance(one, type) and issubclass(one, BaseModel)]
            for one in inside:
                found |= walked(one, f"{path}{key}.")
        return found

    assert named(Guide) == walked(Guide)
    shown = [field.shape.key for section in sections(fields({})) for field in section.fields]
    assert sorted(shown) == sorted(Guide.model_fields)


def test_all_guides_of_the_demonstration_city_come_back_as_they_were() -> None:
    for guide in seeds.read().guides:
        content = document(guide)
        assert through(content) == content


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(_records(Guide))
def test_any_guide_comes_back_as_it_was(guide: Guide) -> None:
    content = document(guide)
    content["places"] = [place for place in content.get("places", []) if place]  # an empty row is none
    if not content["places"]:
        del content["places"]
    assert through(content) == content
    assert Guide.model_validate(through(content))


def test_what_is_no_number_stays_as_it_was_typed_and_is_told_at_its_field() -> None:
    content = through(GUIDE | {"visits": "两次", "promised_time": {"days": "三", "unit": "工作日"}})
    assert content["visits"] == "两次"
    problems = {one.name: one for one in check(content, Regions([])).problems}
    assert problems["visits"].stops
    assert "整数" in problems["visits"].message
    assert "promised_time.days" in problems
    shown = {one.name: one for one in walk(fields(content, check(content, Regions([])).problems).values())}
    assert shown["visits"].value == "两次"
    assert shown["visits"].problems


def test_lines_of_several_lines_stay_apart() -> None:
    content = GUIDE | {"conditions": ["一、本市户籍\n二、本人到场", "未被限制"]}
    assert through(content) == content


def test_rows_are_added_dropped_and_moved_and_empty_ones_are_not_kept() -> None:
    loose = typed(sent(fields(GUIDE).values()))
    assert rearrange(loose, "add", "materials") == "materials.2"
    assert len(fields(loose)["materials"].rows) == 3
    assert tidy(loose) == GUIDE
    rearrange(loose, "up", "materials.1")
    assert [one["name"] for one in tidy(loose)["materials"]] == ["照片", "户口簿"]
    rearrange(loose, "drop", "materials.0")
    assert [one["name"] for one in tidy(loose)["materials"]] == ["户口簿"]
    rearrange(loose, "add", "places.0.hours.exceptions")
    assert len(loose["places"][0]["hours"]["exceptions"]) == 1


@pytest.mark.parametrize("name", ["name", "materials.9", "nothing", "materials.x", "places.0.nowhere", ""])
def test_rows_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(Invalid):
        rearrange(typed(sent(fields(GUIDE).values())), "drop", name)


def test_opening_hours_are_read_anew_when_their_words_change() -> None:
    changed = [
        (name, "周一至周五 9:00-12:00" if name == "places.0.hours.text" else value)
        for name, value in sent(fields(GUIDE).values())
    ]
    opening = tidy(typed(changed))["places"][0]["hours"]
    assert [(rule["days"], rule["opens"], rule["closes"]) for rule in opening["rules"]] == [
        ([1, 2, 3, 4, 5], "09:00", "12:00")
    ]
    field = next(one for one in walk(fields(tidy(typed(changed))).values()) if one.name == "places.0.hours")
    assert (field.said, field.understood) == ("周一至周五 9:00-12:00", "周一至周五 09:00–12:00（法定节假日除外）")


def test_rules_that_were_set_by_hand_stand_beside_changed_words() -> None:
    pairs = dict(sent(fields(GUIDE).values()))
    pairs |= {"places.0.hours.text": "每天上班", "places.0.hours.rules.0.opens": "10:00"}
    pairs |= {"places.0.hours.rules.0.closes": "11:00", "places.0.hours.rules.0.days": "1"}
    rule = tidy(typed(pairs.items()))["places"][0]["hours"]["rules"][0]
    assert (rule["opens"], rule["closes"]) == ("10:00", "11:00")
    assert Hours.model_validate({"rules": [rule]})
    field = next(one for one in walk(fields(tidy(typed(pairs.items()))).values()) if one.name == "places.0.hours")
    assert opening(field) == "群众会看到上面的原文。系统理解为：周一 10:00–11:00（法定节假日除外）"


def test_a_link_must_be_one_that_may_be_clicked() -> None:
    content = GUIDE | {"urls": {"online": "javascript:alert(1)", "mobile": "https://example.cn/m"}}
    told = [one.name for one in check(content, Regions([])).stops]
    assert "urls.online" in told
    assert "urls.mobile" not in told


def test_an_unfinished_guide_is_checked_as_far_as_it_goes() -> None:
    checked = check({"consult": {"phone": "2234567"}}, Regions([]))
    told = {one.name for one in checked.problems}
    assert {"name", "department.name", "local_code", "region", "consult.phone"} <= told
    assert "实施主体" in checked.missing


def test_every_problem_is_told_at_a_field_that_there_is() -> None:
    content = GUIDE | {"audience": ["谁"], "conditions": [3]}
    names = {one.name for one in walk(fields(content).values())}
    problems = check(content, Regions([])).problems
    assert {"audience", "conditions"} <= {one.name for one in problems} <= names


@pytest.mark.parametrize(
    ("address", "fix"),
    [
        ("www.yunqiao.example/sample", "https://www.yunqiao.example/sample"),
        ("//yunqiao.example/a.pdf", "https://yunqiao.example/a.pdf"),
        ("见附件", "留空"),
        ("javascript:alert(1)", "留空"),
    ],
)
def test_an_address_that_is_no_link_is_told_beside_its_field_with_what_to_write(address: str, fix: str) -> None:
    content = GUIDE | {"materials": [{"name": "户口簿", "form_url": address}]}
    checked = check(content, Regions([]))
    told = next(one for one in checked.stops if one.name == "materials.0.form_url")
    assert fix in told.fix
    assert "javascript" not in told.fix
