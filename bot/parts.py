"""What a guide states about one facet: one function a facet. Every word of fact comes from the guide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.phrases import (
    by_channels,
    complaint_line,
    consult_phone,
    duration,
    hours_line,
    material_line,
    on_weekday,
    place_line,
    place_lines,
    sentence,
    ways,
    web_links,
)
from core.types import Facet, Fact, Link
from knowledge.schema import Channel, Fee, Guide, Law, Necessity, Place

_LONG = 120  # characters; a longer condition is shown as detail, not in the first sentence


@dataclass(frozen=True, slots=True)
class Asked:
    """The facets a question wants, and the weekdays (1 is Monday) it names."""

    facets: tuple[Facet, ...]
    weekdays: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """The answer to one facet: a plain sentence, lines that spell it out, and the facts behind both.

    `brief` is the sentence where a label before it already says what it is about, if that shortens it.
    `missing` names what the guide does not state; the sentence then says so.
    """

    lead: str
    details: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    links: tuple[Link, ...] = ()
    brief: str | None = None
    missing: str | None = None


def _who(guide: Guide, _: Asked) -> Part:
    department = guide.department.name + (f"，会同{'、'.join(guide.joint)}" if guide.joint else "")
    entrusted = f"（委托{guide.entrusted}办理）" if guide.entrusted else ""
    return Part(f"由{department}办理{entrusted}。", facts=(Fact("办理部门", department),))


def _where(guide: Guide, _: Asked) -> Part:
    lines = place_lines(guide)
    if lines:
        told = "；".join(lines) + "。"
        facts = [Fact("办理地点", line) for line in lines]
        facts += [Fact("怎么去", place.transport) for place in guide.places if place.transport]
        return Part(f"办理地点：{told}", facts=tuple(facts), brief=told)
    if Channel.ONLINE in guide.channels and not {Channel.WINDOW, Channel.KIOSK} & set(guide.channels):
        return Part("不用跑现场，在网上办理。", facts=(Fact("办理地点", "网上办理"),))
    return _silent("办理地点")


def _how(guide: Guide, _: Asked) -> Part:
    steps = [step.name for step in guide.steps]
    facts = _facts(
        ("办理方式", "、".join(guide.channels)),
        ("网上怎么办", guide.how_online),
        ("线下怎么办", guide.how_offline),
        ("办理流程", " → ".join(steps)),
    )
    if not facts:
        return _silent("办理方式和流程")
    lead = sentence("，".join(ways(guide)) or "办理流程如下")
    in_steps = f"一共 {len(steps)} 步：{'、'.join(steps)}。" if steps else ""
    told = (("网上办", guide.how_online), ("线下办", guide.how_offline))
    return Part(lead + in_steps, tuple(f"{way}：{text}" for way, text in told if text), facts, brief=in_steps)


def _materials(guide: Guide, _: Asked) -> Part:
    if not guide.materials:
        return _silent("申请材料")
    exempt = [m for m in guide.materials if m.necessity is Necessity.EXEMPT]
    always = (Necessity.REQUIRED, Necessity.DEFERRABLE)
    bring = [material_line(m) for m in guide.materials if m.necessity in always and not m.condition]
    others = [m for m in guide.materials if m.necessity not in always or m.condition]
    optional = [material_line(m) for m in others if m not in exempt]
    lead = f"要准备 {len(bring)} 样材料。" if bring else "没有必须带的材料。"
    if exempt:
        lead += f"{'、'.join(m.name for m in exempt)}不用交。"
    lines = [f"{n}. {line}" for n, line in enumerate(bring, 1)] + [f"视情况：{line}" for line in optional]
    facts = [Fact(f"材料 {n}", line) for n, line in enumerate(bring, 1)]
    facts += [Fact("视情况提供", line) for line in optional]
    facts += [Fact("不用交", m.name + (f"（{m.replaced_by}可代替）" if m.replaced_by else "")) for m in exempt]
    forms = web_links((f"下载空白表格：{m.name}", m.form_url) for m in guide.materials)
    return Part(lead, tuple(lines), tuple(facts), forms)


def _conditions(guide: Guide, _: Asked) -> Part:
    if not guide.conditions:
        return _silent("受理条件")
    facts = tuple(Fact("受理条件", one) for one in guide.conditions)
    if len(guide.conditions) == 1 and len(guide.conditions[0]) <= _LONG:
        return Part(f"受理条件：{sentence(guide.conditions[0])}", facts=facts)
    return Part("受理条件如下。", tuple(f"{n}. {one}" for n, one in enumerate(guide.conditions, 1)), facts)


def _time(guide: Guide, _: Asked) -> Part:
    promised = duration(guide.promised_time) if guide.promised_time else ""
    legal = duration(guide.legal_time) if guide.legal_time else ""
    if not promised and not legal:
        return _silent("办理时限")
    facts = _facts(("承诺办结时限", promised), ("法定办结时限", legal))
    if guide.promised_time and guide.promised_time.days == 0:
        return Part("承诺当场办结。", facts=facts)
    if promised:
        return Part(f"受理后承诺 {promised}办结{f'（法定最长 {legal}）' if legal else ''}。", facts=facts)
    longest = "最长 " if guide.legal_time and guide.legal_time.days else ""
    return Part(f"法定{longest}{legal}办结。", facts=facts)


def _fee(guide: Guide, _: Asked) -> Part:
    if guide.fees:
        words = "；".join(f"{fee.name}{f' {fee.standard}' if fee.standard else ''}" for fee in guide.fees)
        return Part(f"要收费：{sentence(words)}", facts=tuple(Fact(fee.name, _fee_line(fee)) for fee in guide.fees))
    if guide.charged is False:
        return Part("不收费。", facts=(Fact("收费", "不收费"),))
    if guide.charged:
        facts = (Fact("收费", "收费，标准未写明"),)
        return Part("这件事要收费，但指南没有写明标准。", facts=facts, missing="收费标准")
    return _silent("收费情况")


def _fee_line(fee: Fee) -> str:
    told = (fee.standard or "标准见收费依据", f"依据：{fee.basis}" if fee.basis else "", fee.reducible)
    return "；".join(text for text in told if text)


def _hours(guide: Guide, asked: Asked) -> Part:
    timed = [(place, said) for place in guide.places if (said := hours_line(place))]
    if not timed:
        return _silent("办公时间")
    if len({said for _, said in timed}) == 1:
        place, said = timed[0]
        days = "".join(on_weekday(place, day) for day in asked.weekdays)
        return Part(f"{days}办公时间：{sentence(said)}", facts=(Fact("办公时间", said),))
    return _hours_apart([(place.name or place_line(place), place, said) for place, said in timed], asked.weekdays)


def _hours_apart(named: list[tuple[str, Place, str]], weekdays: tuple[int, ...]) -> Part:
    """Halls that differ are told apart by name, or nobody knows which one is open."""
    days = "".join(f"{name}{told}" for day in weekdays for name, place, _ in named if (told := on_weekday(place, day)))
    lines = tuple(f"{name}：{said}" for name, _, said in named)
    facts = tuple(Fact(f"办公时间（{name}）", said) for name, _, said in named)
    return Part(days or "各处办公时间不同，分别如下。", lines, facts)


def _phone(guide: Guide, _: Asked) -> Part:
    if phone := consult_phone(guide):
        return Part(f"咨询电话：{phone}。", facts=(Fact("咨询电话", phone),))
    if way := guide.consult and (guide.consult.text or guide.consult.address):
        return Part(f"咨询方式：{sentence(way)}", facts=(Fact("咨询方式", way),))
    return _silent("咨询电话")


def _online(guide: Guide, _: Asked) -> Part:
    urls, how = guide.urls, guide.how_online
    if urls.online or urls.mobile:
        depth = f"，网上能办到“{guide.online_depth}”这一步" if guide.online_depth else ""
        by_phone = None if web_links([("", urls.mobile)]) else urls.mobile
        facts = _facts(("网上办理", how or "可以网上办理"), ("网办深度", guide.online_depth), ("手机办理", by_phone))
        return Part(f"可以网上办理{depth}。", (how,) if how else (), facts)
    if reason := guide.not_online_reason:
        return Part(f"目前不能网上办理：{sentence(reason)}", facts=(Fact("不能网办的原因", reason),))
    if guide.channels and Channel.ONLINE not in guide.channels:
        lead = f"目前不能网上办理，可以{by_channels(guide.channels)}。"
        return Part(lead, facts=_facts(("办理方式", "、".join(guide.channels))))
    return _silent("网上办理入口")


def _progress(guide: Guide, _: Asked) -> Part:
    links = web_links([("查询办理进度", guide.urls.status)])
    if not guide.progress and not links:
        return _silent("进度查询方式")
    phone = consult_phone(guide)
    told = [(guide.progress or "").rstrip("。"), f"也可以打 {phone} 问" if phone else ""]
    facts = _facts(("进度查询方式", guide.progress), ("咨询电话", phone))
    return Part(f"查进度：{sentence('；'.join(text for text in told if text))}", facts=facts, links=links)


def _law(guide: Guide, _: Asked) -> Part:
    if not guide.laws:
        return _silent("办理依据")
    names = "、".join(map(_law_name, guide.laws))
    return Part(f"依据是{names}。", facts=tuple(Fact("办理依据", _law_line(law)) for law in guide.laws))


def _law_name(law: Law) -> str:
    return f"《{law.name.strip('《》')}》{law.article or ''}"


def _law_line(law: Law) -> str:
    return _law_name(law) + (f"（{law.number}）" if law.number else "") + (f"：{law.text}" if law.text else "")


def _result(guide: Guide, _: Asked) -> Part:
    if not guide.results:
        return _silent("办理结果")
    names = "、".join(result.name for result in guide.results)
    samples = web_links((f"看样本：{result.name}", result.sample_url) for result in guide.results)
    return Part(f"办好后拿到：{names}。", facts=(Fact("办理结果", names),), links=samples)


def _complaint(guide: Guide, _: Asked) -> Part:
    told = complaint_line(guide)
    return Part(f"监督投诉：{sentence(told)}", facts=(Fact("监督投诉", told),)) if told else _silent("监督投诉电话")


def _which(guide: Guide, asked: Asked) -> Part:
    audience = "、".join(guide.audience)
    lead = f"您说的这件事对应“{guide.name}”{f'，面向{audience}' if audience else ''}。"
    facts = _facts(("事项", guide.name), ("服务对象", audience))
    fits = _conditions(guide, asked)
    return Part(lead, facts=facts) if fits.missing else Part(lead + fits.lead, fits.details, facts + fits.facts)


def _silent(what: str) -> Part:
    return Part(f"指南没有写明{what}。", missing=what)


def _facts(*pairs: tuple[str, str | None]) -> tuple[Fact, ...]:
    """The facts that the guide states."""
    return tuple(Fact(label, value) for label, value in pairs if value)


PARTS: dict[Facet, Callable[[Guide, Asked], Part]] = {
    Facet.WHO: _who,
    Facet.WHERE: _where,
    Facet.HOW: _how,
    Facet.MATERIALS: _materials,
    Facet.CONDITIONS: _conditions,
    Facet.TIME: _time,
    Facet.FEE: _fee,
    Facet.HOURS: _hours,
    Facet.PHONE: _phone,
    Facet.ONLINE: _online,
    Facet.PROGRESS: _progress,
    Facet.LAW: _law,
    Facet.RESULT: _result,
    Facet.COMPLAINT: _complaint,
    Facet.WHICH: _which,
}
