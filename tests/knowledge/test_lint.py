from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from knowledge import seeds
from knowledge.lint import completeness, lint, missing_elements
from knowledge.schema import Guide

COMPLETE: dict[str, Any] = {
    "name": "居民身份证补领",
    "local_code": "t-1",
    "region": "980102",
    "department": {"name": "松风区公安分局"},
    "laws": [{"name": "居民身份证法"}],
    "conditions": ["遗失"],
    "materials": [{"name": "户口簿"}],
    "steps": [{"name": "受理"}],
    "case_type": "承诺件",
    "legal_time": {"days": 60},
    "promised_time": {"days": 20},
    "charged": False,
    "results": [{"name": "身份证", "sample_url": "https://yunqiao.example/s"}],
    "places": [{"address": "松涛路18号", "hours": {"text": "工作日"}}],
    "channels": ["窗口", "网上"],
    "visits": 0,
    "consult": {"phone": "0000-5550123"},
    "complain": {"phone": "12345"},
}


def rules(**fields: Any) -> list[str]:
    return [finding.rule for finding in lint(Guide.model_validate(COMPLETE | fields))]


def test_a_complete_guide_has_no_findings() -> None:
    assert rules() == []
    assert completeness(Guide.model_validate(COMPLETE)) == 1


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"case_type": "即办件", "promised_time": {"days": 1}}, "immediate-means-zero"),
        ({"promised_time": {"days": 0}}, "zero-means-immediate"),
        ({"promised_time": {"days": 61}}, "promise-within-law"),
        ({"promised_time": {"days": 61}, "legal_time": {"days": 60, "unit": "自然日"}}, "promise-within-law"),
        ({"online_depth": "结果反馈", "visits": 1, "visit_reason": "拍照"}, "full-online-no-visit"),
        ({"visits": 1}, "visit-needs-reason"),
        ({"channels": ["窗口"], "not_online_reason": "要拍照"}, "no-visit-by-post"),
        ({"channels": ["窗口", "邮寄"]}, "offline-needs-reason"),
        ({"charged": True}, "fee-stated"),
        ({"charged": True, "fees": [{"name": "工本费", "basis": "文"}]}, "fee-has-standard"),
        ({"charged": True, "fees": [{"name": "工本费", "standard": "40元"}]}, "fee-has-basis"),
        ({"fees": [{"name": "工本费", "standard": "40元", "basis": "文"}]}, "fee-contradiction"),
        ({"fees": [{"name": "工本费", "standard": "免费", "online_payment": True}]}, "no-fee-no-payment"),
        ({"complain": {"phone": "0000-5550123"}}, "phones-differ"),
        ({"consult": {"phone": "5550123"}}, "phone-has-area-code"),
        ({"kind": "行政许可"}, "permit-has-steps"),
        ({"kind": "行政许可"}, "permit-has-faq"),
        ({"results": [{"name": "身份证"}]}, "result-has-sample"),
        ({"theme": "生育收养", "audience": ["法人"]}, "audience-fits-theme"),
        ({"theme": "年检年审", "audience": ["自然人"]}, "audience-fits-theme"),
        ({"laws": [], "conditions": [], "materials": [], "steps": []}, "key-elements"),
        ({"effective_from": "2027-01-01", "effective_to": "2026-12-31"}, "dates-in-order"),
    ],
)
def test_a_broken_rule_is_found(fields: dict[str, Any], rule: str) -> None:
    assert rule in rules(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"case_type": "即办件", "promised_time": {"days": 0}},
        {"promised_time": {"days": 25, "unit": "自然日"}, "legal_time": {"days": 20}},
        {"fees": [{"name": "工本费", "standard": "免费"}]},
        {"theme": "设立变更", "audience": ["自然人"]},
    ],
)
def test_what_is_allowed_is_not_complained_about(fields: dict[str, Any]) -> None:
    assert rules(**fields) == []


CONTRADICTIONS: list[dict[str, Any]] = [
    {"promised_time": {"days": 61}},
    {"fees": [{"name": "工本费", "standard": "40元", "basis": "文"}]},
    {"effective_from": "2027-01-01", "effective_to": "2026-12-31"},
]


@pytest.mark.parametrize("fields", CONTRADICTIONS)
def test_what_contradicts_itself_stops_a_guide(fields: dict[str, Any]) -> None:
    assert [finding.stops for finding in lint(Guide.model_validate(COMPLETE | fields))] == [True]


def test_what_could_be_better_stops_nothing() -> None:
    weak = {"complain": {"phone": "5550123"}, "results": [{"name": "身份证"}], "visits": 1, "charged": True}
    found = lint(Guide.model_validate(COMPLETE | weak))
    assert len(found) > 3
    assert not any(finding.stops for finding in found)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"effective_from": "2026-10-15", "effective_to": "2026-10-15"}, []),
        ({"effective_from": "2026-10-16"}, [("not-yet-in-force", "未生效：2026-10-16 起群众才看得到")]),
        ({"effective_to": "2026-10-14"}, [("no-longer-in-force", "已过期：2026-10-14 以后群众看不到")]),
    ],
)
def test_a_guide_that_citizens_do_not_see_today_is_told(fields: dict[str, Any], told: list[tuple[str, str]]) -> None:
    found = lint(Guide.model_validate(COMPLETE | fields), today=date(2026, 10, 15))
    assert [(one.rule, one.message) for one in found] == told
    assert not any(one.stops for one in found)


def test_a_finding_names_field_rule_and_fix() -> None:
    finding = lint(Guide.model_validate(COMPLETE | {"results": [{"name": "身份证"}]}))[0]
    assert (finding.field, finding.title) == ("results.0.sample_url", "办理结果第 1 项的结果样本")
    assert finding.message
    assert finding.fix


def test_completeness_counts_the_eleven_elements(guide: Callable[..., Guide]) -> None:
    assert missing_elements(guide()) == [
        "办理依据",
        "办理流程",
        "办理时限",
        "收费",
        "办理结果",
        "办理地点",
        "办理时间",
        "咨询电话",
    ]
    assert completeness(guide()) == pytest.approx(3 / 11)


def test_the_demonstration_city_is_without_fault() -> None:
    found = [f"{guide.local_code} {one.field} {one.message}" for guide in seeds.read().guides for one in lint(guide)]
    assert found == []
