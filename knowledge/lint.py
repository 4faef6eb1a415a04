"""What is wrong with a guide before it is published: each finding names the field, the rule and the fix."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from knowledge.schema import Audience, CaseType, Channel, DayUnit, Guide, Kind
from knowledge.wording import heading

RULES = Path(__file__).parent / "lint.yml"


@dataclass(frozen=True, slots=True)
class Finding:
    """`field` is a path in the schema, `title` its heading; `rule` is a stable name to filter and count by.

    `stops`: the guide contradicts itself, and one of its two statements would mislead citizens.
    """

    field: str
    rule: str
    message: str
    fix: str
    stops: bool = False

    @property
    def title(self) -> str:
        return heading(tuple(int(step) if step.isdigit() else step for step in self.field.split(".")), Guide)


Check = Callable[[Guide], Iterator[Finding]]


def lint(guide: Guide, *, today: date | None = None) -> list[Finding]:
    """All findings, in the order of the rules; empty for a guide without fault.

    With `today`, also whether citizens see it on that day by its effective dates.
    """
    found = [finding for check in _CHECKS for finding in check(guide)]
    return [*found, *_window(guide, today)] if today else found


def completeness(guide: Guide) -> float:
    """The share of the eleven key elements that the guide states, 0 to 1."""
    return 1 - len(missing_elements(guide)) / len(_ELEMENTS)


def missing_elements(guide: Guide) -> list[str]:
    """The names of the key elements the guide does not state."""
    return [name for name, stated in _ELEMENTS.items() if not stated(guide)]


_ELEMENTS: dict[str, Callable[[Guide], bool]] = {
    "办理依据": lambda guide: bool(guide.laws),
    "实施主体": lambda guide: bool(guide.department.name),
    "受理条件": lambda guide: bool(guide.conditions),
    "申请材料": lambda guide: bool(guide.materials),
    "办理流程": lambda guide: bool(guide.steps or guide.how_online or guide.how_offline),
    "办理时限": lambda guide: bool(guide.promised_time or guide.legal_time or guide.case_type is CaseType.IMMEDIATE),
    "收费": lambda guide: guide.charged is not None or bool(guide.fees),
    "办理结果": lambda guide: bool(guide.results),
    "办理地点": lambda guide: any(place.address for place in guide.places) or _online_only(guide),
    "办理时间": lambda guide: any(place.hours and place.hours.text for place in guide.places) or _online_only(guide),
    "咨询电话": lambda guide: bool(guide.consult and guide.consult.phone) or any(place.phone for place in guide.places),
}


def _online_only(guide: Guide) -> bool:
    return guide.channels == [Channel.ONLINE] and bool(guide.urls.online or guide.urls.mobile)


@cache
def _limits() -> dict[str, Any]:
    limits: dict[str, Any] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return limits


def _times(guide: Guide) -> Iterator[Finding]:
    promised, legal = guide.promised_time, guide.legal_time
    if guide.case_type is CaseType.IMMEDIATE and promised is not None and promised.days != 0:
        yield Finding(
            "promised_time",
            "immediate-means-zero",
            f"即办件的承诺时限应为 0，现为 {promised.days} 个{promised.unit}",
            "当场办结的把承诺时限改为 0；不能当场办结的把办件类型改为承诺件",
        )
    if guide.case_type is CaseType.PROMISED and promised is not None and promised.days == 0:
        yield Finding(
            "case_type",
            "zero-means-immediate",
            "承诺时限为 0，办件类型却是承诺件",
            "把办件类型改为即办件，或填写实际承诺天数",
        )
    comparable = promised and legal and not (promised.unit is DayUnit.CALENDAR and legal.unit is DayUnit.WORKING)
    if promised and legal and comparable and promised.days > legal.days:
        yield Finding(
            "promised_time",
            "promise-within-law",
            f"承诺时限 {promised.days} 个{promised.unit}长于法定时限 {legal.days} 个{legal.unit}",
            "核对两个时限，承诺时限不能超过法定时限",
            stops=True,
        )


def _visits(guide: Guide) -> Iterator[Finding]:
    visits, channels = guide.visits, guide.channels
    if guide.online_depth and guide.online_depth.value in _limits()["full_online"] and visits:
        yield Finding(
            "visits",
            "full-online-no-visit",
            f"网办深度为“{guide.online_depth}”，却要到现场 {visits} 次",
            "到现场次数改为 0，或降低网办深度",
        )
    if visits and not guide.visit_reason:
        yield Finding(
            "visit_reason", "visit-needs-reason", f"要到现场 {visits} 次，没有说明原因", "写明必须到现场的原因"
        )
    if visits == 0 and channels and Channel.ONLINE not in channels and Channel.POST not in channels:
        yield Finding(
            "channels", "no-visit-by-post", "不能网上办又不用到现场，却没有邮寄方式", "增加邮寄办理，或更正到现场次数"
        )
    if channels and Channel.ONLINE not in channels and not guide.not_online_reason:
        yield Finding(
            "not_online_reason", "offline-needs-reason", "只能线下办理，没有说明原因", "写明不能网上办理的原因"
        )


def _fees(guide: Guide) -> Iterator[Finding]:
    if guide.charged and not guide.fees:
        yield Finding("fees", "fee-stated", "注明收费，却没有列出收费项目", "补充收费项目、标准和依据")
    if guide.charged is False and any(not _free(fee.standard) for fee in guide.fees):
        yield Finding("charged", "fee-contradiction", "注明不收费，却列出了收费项目", "核对是否收费", stops=True)
    for place, fee in enumerate(guide.fees):
        if not fee.standard:
            yield Finding(
                f"fees.{place}.standard", "fee-has-standard", f"“{fee.name}”没有收费标准", "写明收多少、怎么算"
            )
        if not fee.basis and not _free(fee.standard):
            yield Finding(f"fees.{place}.basis", "fee-has-basis", f"“{fee.name}”没有收费依据", "写明收费的文件依据")
        if guide.charged is False and fee.online_payment:
            yield Finding(
                f"fees.{place}.online_payment", "no-fee-no-payment", "不收费的事项不应有网上缴费", "取消网上缴费"
            )


def _free(standard: str | None) -> bool:
    return bool(standard and re.match(r"免费|不收费|0\s*元", standard))


def _phones(guide: Guide) -> Iterator[Finding]:
    consult = _numbers(guide.consult.phone if guide.consult else None)
    complain = _numbers(guide.complain.phone if guide.complain else None)
    if consult and complain and set(consult) & set(complain):
        yield Finding("complain.phone", "phones-differ", "投诉电话与咨询电话相同", "换成另一条监督投诉电话")
    for name, title, numbers in (("consult", "咨询", consult), ("complain", "投诉", complain)):
        if bare := [number for number in numbers if re.fullmatch(r"[2-8]\d{6,7}", number)]:
            yield Finding(
                f"{name}.phone", "phone-has-area-code", f"{title}电话 {'、'.join(bare)} 没有区号", "在号码前加上区号"
            )


def _numbers(phone: str | None) -> list[str]:
    return [part.strip() for part in re.split(r"[、，,;；/\s]+", phone or "") if part.strip()]


def _permit(guide: Guide) -> Iterator[Finding]:
    if guide.kind is not Kind.PERMIT:
        return
    steps, faq = _limits()["permit_steps"], _limits()["permit_faq"]
    if len(guide.steps) < steps:
        yield Finding(
            "steps", "permit-has-steps", f"行政许可至少要有 {steps} 个环节，现有 {len(guide.steps)} 个", "补全办理流程"
        )
    if len(guide.faq) < faq:
        yield Finding("faq", "permit-has-faq", f"行政许可至少要有 {faq} 个常见问题", "补充常见问题和回答")


def _results(guide: Guide) -> Iterator[Finding]:
    for place, result in enumerate(guide.results):
        if not result.sample_url:
            yield Finding(
                f"results.{place}.sample_url",
                "result-has-sample",
                f"“{result.name}”没有结果样本",
                "上传结果样本并填写地址",
            )


def _theme(guide: Guide) -> Iterator[Finding]:
    if not guide.theme or not guide.audience:
        return
    wrong = None
    if guide.theme in _limits()["person_themes"] and Audience.PERSON not in guide.audience:
        wrong = "自然人"
    if guide.theme in _limits()["company_themes"] and set(guide.audience) == {Audience.PERSON}:
        wrong = "法人或其他组织"
    if wrong:
        yield Finding(
            "audience", "audience-fits-theme", f"主题“{guide.theme}”面向{wrong}，服务对象里没有", "核对服务对象和主题"
        )


def _elements(guide: Guide) -> Iterator[Finding]:
    missing = missing_elements(guide)
    if len(missing) >= _limits()["missing_elements"]:
        yield Finding("name", "key-elements", f"缺少 {len(missing)} 个关键要素：{'、'.join(missing)}", "补全后再发布")


def _dates(guide: Guide) -> Iterator[Finding]:
    begins, ends = guide.effective_from, guide.effective_to
    if begins and ends and begins > ends:
        told = f"失效日期 {ends} 早于实施日期 {begins}，群众哪一天都看不到"
        yield Finding("effective_to", "dates-in-order", told, "核对两个日期", stops=True)


def _window(guide: Guide, today: date) -> Iterator[Finding]:
    begins, ends = guide.effective_from, guide.effective_to
    if begins and ends and begins > ends:
        return
    if begins and begins > today:
        told = f"未生效：{begins} 起群众才看得到"
        yield Finding("effective_from", "not-yet-in-force", told, "已经在实施的，改成实际的日期或者留空")
    if ends and ends < today:
        told = f"已过期：{ends} 以后群众看不到"
        yield Finding(
            "effective_to", "no-longer-in-force", told, "还有效的，改成新的失效日期或者留空；不再办理的请下架"
        )


_CHECKS: tuple[Check, ...] = (_times, _visits, _fees, _phones, _permit, _results, _theme, _elements, _dates)
