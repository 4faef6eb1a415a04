"""A published guide and the facets asked of it -> one Answer. Every word of fact comes from the guide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.parts import PARTS, Asked, Part
from bot.phrases import consult_phone, place_lines, ways, web_links
from core.types import Act, Answer, Facet, Fact, GuideRef, Link
from knowledge.publishing import Published
from knowledge.schema import Guide

OVERVIEW = (Facet.WHO, Facet.WHERE, Facet.HOW, Facet.MATERIALS, Facet.TIME)
_HOW = (Facet.TIME, Facet.FEE, Facet.HOURS, Facet.ONLINE)  # who asks how to do it will need these next: facts, no words
_LABELS = {Facet.WHERE: "在哪办", Facet.HOW: "怎么办", Facet.MATERIALS: "带什么"}  # the rest is in the first sentence
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Told:
    """The first paragraph, complete in itself, and the lines that spell it out."""

    first: str
    lines: Sequence[str]


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
    parts = {facet: PARTS[facet](guide, asked) for facet in _told_of(asked.facets)}
    told = _direct(guide, parts, hotline) if asked.facets else _overview(guide, parts, hotline)
    offline = _offline(guide) if Facet.WHERE not in parts else ""
    phone = _number(guide, asked.facets, told)
    ways_on = [Fact(label, said) for label, said in (("线下办理", offline), ("咨询电话", phone)) if said]
    facts = [fact for part in (*parts.values(), *_beside(guide, asked)) for fact in part.facts]
    facts += ways_on
    links = _unique([*(link for part in parts.values() for link in part.links), *_apply_links(guide)])
    blocks = [
        told.first,
        "\n".join(_unique(told.lines)),
        "\n".join(f"{fact.label}：{fact.value}。" for fact in ways_on),
        "\n".join(f"{link.label}：{link.url}" for link in links),
        _source(published, region_name),
    ]
    return Answer(
        act=Act.ANSWER,
        text="\n\n".join(block for block in blocks if block),
        facets=asked.facets,
        facts=tuple(_unique(facts)),
        guide=ref(published),
        links=tuple(links),
    )


def _told_of(asked: tuple[Facet, ...]) -> tuple[Facet, ...]:
    if Facet.WHICH in asked:  # which tells the conditions too
        return tuple(facet for facet in asked if facet is not Facet.CONDITIONS)
    return asked or OVERVIEW


def _beside(guide: Guide, asked: Asked) -> list[Part]:
    """What the guide states besides for somebody who wants to know how it is done."""
    if asked.facets and Facet.HOW not in asked.facets:
        return []
    parts = [PARTS[facet](guide, asked) for facet in _HOW]
    return [part for part in parts if not part.missing]


def _number(guide: Guide, asked: tuple[Facet, ...], told: _Told) -> str:
    """The number to ask at; empty where it is told already or not stated."""
    phone = "" if Facet.PHONE in asked else consult_phone(guide) or ""
    return "" if phone in "".join((told.first, *told.lines)) else phone


def _direct(guide: Guide, parts: Mapping[Facet, Part], hotline: str) -> _Told:
    """What was asked, one sentence a facet."""
    first = f"“{guide.name}”：" + "".join(_unique(part.lead for part in parts.values()))
    if any(part.missing for part in parts.values()):
        first += _ask_department(guide, hotline)
    return _Told(first, [line for part in parts.values() for line in part.details])


def _overview(guide: Guide, parts: Mapping[Facet, Part], hotline: str) -> _Told:
    """Who, which way and how long in a breath, then the rest under its labels."""
    first = f"“{guide.name}”{'，'.join([parts[Facet.WHO].lead.rstrip('。'), *ways(guide)])}。"
    if not parts[Facet.TIME].missing:
        first += parts[Facet.TIME].lead
    if missing := [part.missing for part in parts.values() if part.missing]:
        first += f"指南没有写明{'、'.join(missing)}。" + _ask_department(guide, hotline)
    labelled = [(label, parts[facet]) for facet, label in _LABELS.items() if not parts[facet].missing]
    return _Told(first, [line for label, part in labelled for line in _under(label, part)])


def _under(label: str, part: Part) -> list[str]:
    said = part.lead if part.brief is None else part.brief
    return [f"{label}：{said}", *part.details] if said or part.details else []


def _ask_department(guide: Guide, hotline: str) -> str:
    if guide.consult and guide.consult.phone:
        return f"可以打{guide.department.name}的电话 {guide.consult.phone} 问清楚。"
    hall = next((place for place in guide.places if place.phone), None)
    if hall:
        return f"可以打{hall.name or '办理地点'}的电话 {hall.phone} 问清楚。"
    return f"可以打政务服务热线 {hotline} 问清楚。"


def _offline(guide: Guide) -> str:
    """Where to go in person: nobody is forced online."""
    return next(iter(place_lines(guide)), "")


def _apply_links(guide: Guide) -> tuple[Link, ...]:
    mobile = guide.urls.mobile if guide.urls.mobile != guide.urls.online else None
    return web_links([("网上办理", guide.urls.online), ("手机办理", mobile)])


def _source(published: Published, region_name: str) -> str:
    guide = published.guide
    checked = f"，{guide.verified_at:%Y-%m-%d} 核实" if guide.verified_at else ""
    return f"来源：{region_name}办事指南《{guide.name}》，{guide.department.name}，第 {published.version} 版{checked}"


def _unique(things: Iterable[_T]) -> list[_T]:
    return list(dict.fromkeys(things))
