"""A published guide and the facets asked of it -> one Answer. Every word of fact comes from the guide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from core.types import Act, Answer, Facet, Fact, GuideRef, Link
from knowledge import hours as opening
from knowledge.publishing import Published
from knowledge.schema import Channel, Duration, Guide, Material, Necessity, Place

OVERVIEW = (Facet.WHO, Facet.WHERE, Facet.HOW, Facet.MATERIALS, Facet.TIME)
_T = TypeVar("_T")
_LONG = 120  # characters; a longer condition or clause is shown as detail, not in the first sentence


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question wants beyond its facets: `weekdays` (1 is Monday) it names, and the day it is asked on."""

    facets: tuple[Facet, ...]
    today: date
    weekdays: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """The answer to one facet: a plain sentence, lines that spell it out, and the facts behind both.

    `stated` is False where the guide is silent; the sentence then says so.
    """

    lead: str
    details: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    links: tuple[Link, ...] = ()
    stated: bool = True


def ref(published: Published) -> GuideRef:
    """The citation of a guide."""
    guide = published.guide
    return GuideRef(
        published.id,
        guide.local_code,
        guide.name,
        guide.department.name,
        guide.region,
        published.version,
        guide.verified_at,
    )


def answer(published: Published, asked: Asked, *, region_name: str, hotline: str) -> Answer:
    """The asked facts first, then how to apply online and offline, then the source. No facet asked: an overview."""
    guide = published.guide
    facets = asked.facets or OVERVIEW
    if Facet.WHICH in facets:  # which tells the conditions too
        facets = tuple(facet for facet in facets if facet is not Facet.CONDITIONS)
    parts = [_PARTS[facet](guide, asked) for facet in facets]
    silent = [facet for facet, part in zip(facets, parts, strict=True) if not part.stated]
    lead = _lead(guide, [part.lead for part in parts], overview=not asked.facets)
    if silent:
        lead += _ask_department(guide, hotline)
    details = _unique(line for part in parts for line in part.details)
    offline = _offline(guide, facets)
    facts = [fact for part in parts for fact in part.facts] + ([Fact("线下办理", offline)] if offline else [])
    links = _unique([*(link for part in parts for link in part.links), *_apply_links(guide)])
    source = _source(published, region_name)
    blocks = [
        lead,
        "\n".join(details),
        f"线下办理：{offline}。" if offline else "",
        "\n".join(f"{link.label}：{link.url}" for link in links),
        source,
    ]
    return Answer(
        act=Act.ANSWER,
        text="\n\n".join(block for block in blocks if block),
        facets=asked.facets,
        facts=tuple(_unique(facts)),
        guide=ref(published),
        links=tuple(links),
    )


def consult_phone(guide: Guide) -> str | None:
    """The number a citizen calls to ask about this guide: the consult line, else the hall's."""
    if guide.consult and guide.consult.phone:
        return guide.consult.phone
    return next((place.phone for place in guide.places if place.phone), None)


def place_line(place: Place) -> str:
    """A place in one line: hall, address, window, without saying anything twice."""
    parts: list[str] = []
    for text in (place.name, place.address, place.window):
        if text and not any(text in known for known in parts):
            parts = [known for known in parts if known not in text] + [text]
    return "，".join(parts)


# -- one function a facet --


def _who(guide: Guide, _: Asked) -> Part:
    with_others = f"，会同{'、'.join(guide.joint)}" if guide.joint else ""
    entrusted = f"（委托{guide.entrusted}办理）" if guide.entrusted else ""
    return Part(
        f"由{guide.department.name}{with_others}办理{entrusted}。",
        facts=(Fact("办理部门", guide.department.name + with_others),),
    )


def _where(guide: Guide, _: Asked) -> Part:
    lines = [line for line in map(place_line, guide.places) if line]
    if not lines:
        if Channel.ONLINE in guide.channels and not {Channel.WINDOW, Channel.KIOSK} & set(guide.channels):
            return Part("不用跑现场，在网上办理。", facts=(Fact("办理地点", "网上办理"),))
        return _silent("办理地点")
    facts = [Fact("办理地点", line) for line in lines]
    facts += [Fact("怎么去", place.transport) for place in guide.places if place.transport]
    return Part(f"办理地点：{'；'.join(lines)}。", facts=tuple(facts))


def _how(guide: Guide, _: Asked) -> Part:
    facts: list[Fact] = []
    if guide.channels:
        facts.append(Fact("办理方式", "、".join(guide.channels)))
    if guide.how_online:
        facts.append(Fact("网上怎么办", guide.how_online))
    if guide.how_offline:
        facts.append(Fact("线下怎么办", guide.how_offline))
    steps = tuple(f"{n}. {step.name}{f'（{step.days}）' if step.days else ''}" for n, step in enumerate(guide.steps, 1))
    if steps:
        facts.append(Fact("办理流程", " → ".join(step.name for step in guide.steps)))
    if not facts:
        return _silent("办理方式和流程")
    ways = _channel_words(guide)
    visits = "" if guide.visits is None else "，不用到现场" if guide.visits == 0 else f"，要到现场 {guide.visits} 次"
    lead = f"可以{ways}{visits}。" if ways else "办理流程如下。"
    if steps:
        lead += f"一共 {len(steps)} 步：" + "、".join(step.name for step in guide.steps) + "。"
    ways_told = (("网上办", guide.how_online), ("线下办", guide.how_offline))
    return Part(lead, tuple(f"{way}：{text}" for way, text in ways_told if text), tuple(facts))


def _materials(guide: Guide, _: Asked) -> Part:
    if not guide.materials:
        return _silent("申请材料")
    exempt = [m for m in guide.materials if m.necessity is Necessity.EXEMPT]
    always = [m for m in guide.materials if m.necessity in (Necessity.REQUIRED, Necessity.DEFERRABLE)]
    bring = [m for m in always if not m.condition]
    optional = [m for m in guide.materials if m not in bring and m not in exempt]
    lead = f"要准备 {len(bring)} 样材料。" if bring else "没有必须带的材料。"
    if exempt:
        lead += f"{'、'.join(m.name for m in exempt)}不用交。"
    lines = [f"{n}. {_material(m)}" for n, m in enumerate(bring, 1)]
    lines += [f"视情况：{_material(m)}" for m in optional]
    facts = [Fact(f"材料 {n}", _material(m)) for n, m in enumerate(bring, 1)]
    facts += [Fact("视情况提供", _material(m)) for m in optional]
    facts += [Fact("不用交", m.name + (f"（{m.replaced_by}可代替）" if m.replaced_by else "")) for m in exempt]
    forms = _links((f"下载空白表格：{m.name}", m.form_url) for m in guide.materials)
    return Part(lead, tuple(lines), tuple(facts), forms)


def _conditions(guide: Guide, _: Asked) -> Part:
    if not guide.conditions:
        return _silent("受理条件")
    facts = tuple(Fact("受理条件", one) for one in guide.conditions)
    if len(guide.conditions) == 1 and len(guide.conditions[0]) <= _LONG:
        return Part(f"受理条件：{sentence(guide.conditions[0])}", facts=facts)
    return Part("受理条件如下。", tuple(f"{n}. {one}" for n, one in enumerate(guide.conditions, 1)), facts)


def _time(guide: Guide, _: Asked) -> Part:
    promised, legal = guide.promised_time, guide.legal_time
    if not promised and not legal:
        return _silent("办理时限")
    facts = [Fact("承诺办结时限", _days(promised))] if promised else []
    facts += [Fact("法定办结时限", _days(legal))] if legal else []
    if promised and promised.days == 0:
        return Part("承诺当场办结。", facts=tuple(facts))
    if promised:
        lead = f"受理后承诺 {_days(promised)}办结"
        return Part(lead + (f"（法定最长 {_days(legal)}）。" if legal else "。"), facts=tuple(facts))
    return Part(f"法定{'最长 ' if legal and legal.days else ''}{_days(legal)}办结。", facts=tuple(facts))


def _fee(guide: Guide, _: Asked) -> Part:
    if guide.fees:
        facts = []
        for fee in guide.fees:
            told = [fee.standard or "标准见收费依据", f"依据：{fee.basis}" if fee.basis else "", fee.reducible or ""]
            facts.append(Fact(fee.name, "；".join(text for text in told if text)))
        words = "；".join(f"{fee.name}{f' {fee.standard}' if fee.standard else ''}" for fee in guide.fees)
        return Part(f"要收费：{sentence(words)}", facts=tuple(facts))
    if guide.charged is False:
        return Part("不收费。", facts=(Fact("收费", "不收费"),))
    if guide.charged:
        return Part("这件事要收费，但指南没有写明标准。", facts=(Fact("收费", "收费，标准未写明"),), stated=False)
    return _silent("收费情况")


def _hours(guide: Guide, asked: Asked) -> Part:
    timed = [place for place in guide.places if place.hours and (place.hours.text or place.hours.rules)]
    if not timed:
        return _silent("办公时间")
    said = list(dict.fromkeys(_hours_text(place) for place in timed))
    if len(said) == 1:
        days = "".join(_on_weekday(timed[0], day) for day in asked.weekdays)
        return Part(f"{days}办公时间：{sentence(said[0])}", facts=(Fact("办公时间", said[0]),))
    # Halls that differ are told apart by name, or nobody knows which one is open.
    named = [(place.name or place_line(place), place) for place in timed]
    days = "".join(
        f"{name}{told}" for day in asked.weekdays for name, place in named if (told := _on_weekday(place, day))
    )
    facts = tuple(Fact(f"办公时间（{name}）", _hours_text(place)) for name, place in named)
    lines = tuple(f"{name}：{_hours_text(place)}" for name, place in named)
    return Part(days or "各处办公时间不同，分别如下。", lines, facts)


def _phone(guide: Guide, _: Asked) -> Part:
    phone = consult_phone(guide)
    if not phone:
        address = guide.consult and (guide.consult.text or guide.consult.address)
        return (
            Part(f"咨询方式：{sentence(address)}", facts=(Fact("咨询方式", address),))
            if address
            else _silent("咨询电话")
        )
    return Part(f"咨询电话：{phone}。", facts=(Fact("咨询电话", phone),))


def _online(guide: Guide, _: Asked) -> Part:
    if guide.urls.online or guide.urls.mobile:
        depth = f"，网上能办到“{guide.online_depth}”这一步" if guide.online_depth else ""
        facts = [Fact("网上办理", guide.how_online or "可以网上办理")]
        facts += [Fact("网办深度", guide.online_depth)] if guide.online_depth else []
        facts += (
            [Fact("手机办理", guide.urls.mobile)] if guide.urls.mobile and not _links([("", guide.urls.mobile)]) else []
        )
        return Part(f"可以网上办理{depth}。", (guide.how_online,) if guide.how_online else (), tuple(facts))
    if guide.not_online_reason:
        return Part(
            f"目前不能网上办理：{sentence(guide.not_online_reason)}",
            facts=(Fact("不能网办的原因", guide.not_online_reason),),
        )
    if guide.channels and Channel.ONLINE not in guide.channels:
        return Part(
            f"目前不能网上办理，可以{_channel_words(guide)}。", facts=(Fact("办理方式", "、".join(guide.channels)),)
        )
    return _silent("网上办理入口")


def _progress(guide: Guide, _: Asked) -> Part:
    links = _links([("查询办理进度", guide.urls.status)])
    phone = consult_phone(guide)
    if not guide.progress and not links:
        return _silent("进度查询方式")
    told = [guide.progress] if guide.progress else []
    facts = [Fact("进度查询方式", guide.progress)] if guide.progress else []
    if phone:
        told.append(f"也可以打 {phone} 问")
        facts.append(Fact("咨询电话", phone))
    return Part(f"查进度：{sentence('；'.join(text.rstrip('。') for text in told))}", facts=tuple(facts), links=links)


def _law(guide: Guide, _: Asked) -> Part:
    if not guide.laws:
        return _silent("办理依据")
    names = [f"《{law.name.strip('《》')}》{law.article or ''}" for law in guide.laws]
    facts = tuple(
        Fact("办理依据", name + (f"（{law.number}）" if law.number else "") + (f"：{law.text}" if law.text else ""))
        for name, law in zip(names, guide.laws, strict=True)
    )
    return Part(f"依据是{'、'.join(names)}。", facts=facts)


def _result(guide: Guide, _: Asked) -> Part:
    if not guide.results:
        return _silent("办理结果")
    names = "、".join(result.name for result in guide.results)
    samples = _links((f"看样本：{result.name}", result.sample_url) for result in guide.results)
    return Part(f"办好后拿到：{names}。", facts=(Fact("办理结果", names),), links=samples)


def _complaint(guide: Guide, _: Asked) -> Part:
    told = guide.complain and (guide.complain.phone or guide.complain.text or guide.complain.url)
    return Part(f"监督投诉：{sentence(told)}", facts=(Fact("监督投诉", told),)) if told else _silent("监督投诉电话")


def _which(guide: Guide, asked: Asked) -> Part:
    who = f"，面向{'、'.join(guide.audience)}" if guide.audience else ""
    facts = [Fact("事项", guide.name)] + ([Fact("服务对象", "、".join(guide.audience))] if guide.audience else [])
    fits = _conditions(guide, asked)
    if not fits.stated:
        return Part(f"您说的这件事对应“{guide.name}”{who}。", facts=tuple(facts))
    return Part(f"您说的这件事对应“{guide.name}”{who}。{fits.lead}", fits.details, (*facts, *fits.facts))


_PARTS: dict[Facet, Callable[[Guide, Asked], Part]] = {
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


# -- words --


def _lead(guide: Guide, leads: list[str], *, overview: bool) -> str:
    opening_words = f"“{guide.name}”：" if not overview else f"“{guide.name}”这样办。"
    return opening_words + "".join(dict.fromkeys(leads))


def _silent(what: str) -> Part:
    return Part(f"指南没有写明{what}。", stated=False)


def _ask_department(guide: Guide, hotline: str) -> str:
    if guide.consult and guide.consult.phone:
        return f"可以打{guide.department.name}的电话 {guide.consult.phone} 问清楚。"
    hall = next((place for place in guide.places if place.phone), None)
    if hall:
        return f"可以打{hall.name or '办理地点'}的电话 {hall.phone} 问清楚。"
    return f"可以打政务服务热线 {hotline} 问清楚。"


def _offline(guide: Guide, facets: Iterable[Facet]) -> str:
    """Where to go in person, unless the place was asked anyway: nobody is forced online."""
    return next((line for line in map(place_line, guide.places) if line), "") if Facet.WHERE not in facets else ""


def _apply_links(guide: Guide) -> tuple[Link, ...]:
    mobile = guide.urls.mobile if guide.urls.mobile != guide.urls.online else None
    return _links([("网上办理", guide.urls.online), ("手机办理", mobile)])


def _links(pairs: Iterable[tuple[str, str | None]]) -> tuple[Link, ...]:
    """Links for what is a web address; a guide may hold words in its place."""
    return tuple(Link(label, url) for label, url in pairs if url and re.match(r"https?://", url))


def _source(published: Published, region_name: str) -> str:
    guide = published.guide
    checked = f"，{guide.verified_at:%Y-%m-%d} 核实" if guide.verified_at else ""
    return f"来源：{region_name}办事指南《{guide.name}》，{guide.department.name}，第 {published.version} 版{checked}"


def _channel_words(guide: Guide) -> str:
    words = {
        Channel.WINDOW: "到窗口办理",
        Channel.ONLINE: "网上办理",
        Channel.POST: "邮寄办理",
        Channel.KIOSK: "在自助机上办理",
    }
    return "、".join(words[channel] for channel in guide.channels)


def _material(material: Material) -> str:
    kind = material.copy_kind
    counts = []
    if material.originals:
        counts.append(f"原件 {material.originals} 份")
    if material.copies:
        counts.append(f"复印件 {material.copies} 份")
    told = ["，".join(counts) or (str(kind) if kind else ""), str(material.medium) if material.medium else ""]
    if material.necessity is Necessity.DEFERRABLE:
        told.append("可容缺后补")
    if material.condition:
        told.append(material.condition)
    inside = "，".join(text for text in told if text)
    return f"{material.name}（{inside}）" if inside else material.name


def _days(duration: Duration | None) -> str:
    if duration is None:
        return ""
    if duration.days == 0:
        return "当场" + (f"（{duration.note}）" if duration.note else "")
    return f"{duration.days} 个{duration.unit}" + (f"（{duration.note}）" if duration.note else "")


def _hours_text(place: Place) -> str:
    assert place.hours is not None
    return place.hours.text or opening.describe(place.hours)


def _on_weekday(place: Place, day: int) -> str:
    """Whether a place is open on a weekday, where its published hours could be understood."""
    assert place.hours is not None
    if not place.hours.rules:
        return ""
    name = "周" + "一二三四五六日"[day - 1]
    times = [f"{rule.opens}—{rule.closes}" for rule in place.hours.rules if day in rule.days]
    return f"{name}上班，{'、'.join(times)}。" if times else f"{name}不上班。"


def sentence(text: str | None) -> str:
    """`text` closed with one full stop."""
    return f"{(text or '').rstrip('。；;，, ')}。"


def _unique(things: Iterable[_T]) -> list[_T]:
    return list(dict.fromkeys(things))
