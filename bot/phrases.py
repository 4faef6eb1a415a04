"""Single values of a guide in plain words. Shared by whatever speaks of a guide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from core.types import Link
from knowledge import hours as opening
from knowledge.schema import Channel, Duration, Guide, Material, Necessity, Place

_WEB = re.compile(r"https?://")  # https://yunqiao.example/apply, but not 云桥通 App 首页
_CHANNELS = {
    Channel.WINDOW: "到窗口",
    Channel.ONLINE: "在网上",
    Channel.POST: "邮寄",
    Channel.KIOSK: "在自助机上",
}


def sentence(text: str | None) -> str:
    """`text` closed with one full stop."""
    return f"{(text or '').rstrip('。；;，, ')}。"


def consult_phone(guide: Guide) -> str | None:
    """The number a citizen calls to ask about this guide: the consult line, else the hall's."""
    if guide.consult and guide.consult.phone:
        return guide.consult.phone
    return next((place.phone for place in guide.places if place.phone), None)


def complaint_line(guide: Guide) -> str | None:
    """Where complaints about this guide's matter go: a number, or words."""
    told = guide.complain
    return told.phone or told.text or told.url if told else None


def place_line(place: Place) -> str:
    """A place in one line: hall, address, window, without saying anything twice."""
    parts: list[str] = []
    for text in (place.name, place.address, place.window):
        if text and not any(text in known for known in parts):
            parts = [known for known in parts if known not in text] + [text]
    return "，".join(parts)


def place_lines(guide: Guide) -> list[str]:
    """Every place of a guide that says anything."""
    return [line for line in map(place_line, guide.places) if line]


def by_channels(channels: Sequence[Channel]) -> str:
    """到窗口、在网上或邮寄办理; empty without channels."""
    *others, last = [_CHANNELS[channel] for channel in channels] or [""]
    ways = f"{'、'.join(others)}或{last}" if others else last
    return f"{ways}办理" if ways else ""


def ways(guide: Guide) -> list[str]:
    """How one may apply and how often one must come, a clause each."""
    by = by_channels(guide.channels)
    return [clause for clause in (f"可以{by}" if by else "", _visits(guide)) if clause]


def _visits(guide: Guide) -> str:
    if guide.visits is None:
        return ""
    if guide.visits:
        return f"要到现场 {guide.visits} 次"
    return "不到现场也能办" if Channel.WINDOW in guide.channels else "不用到现场"


def material_line(material: Material) -> str:
    """A material with its kind, its number and when it is wanted, in one line."""
    counts = []
    if material.originals:
        counts.append(f"原件 {material.originals} 份")
    if material.copies:
        counts.append(f"复印件 {material.copies} 份")
    told = [
        "，".join(counts) or material.copy_kind,
        material.medium,
        "可容缺后补" if material.necessity is Necessity.DEFERRABLE else None,
        material.condition,
    ]
    inside = "，".join(text for text in told if text)
    return f"{material.name}（{inside}）" if inside else material.name


def duration(limit: Duration) -> str:
    """3 个工作日, or 当场 for none, with the guide's note."""
    note = f"（{limit.note}）" if limit.note else ""
    return (f"{limit.days} 个{limit.unit}" if limit.days else "当场") + note


def hours_line(place: Place) -> str:
    """The opening hours of a place as published; empty where there are none."""
    if not place.hours:
        return ""
    return place.hours.text or opening.describe(place.hours)


def walk_in_hours(guide: Guide) -> str:
    """When one can simply come, hall by hall where they differ; empty where no hours are published."""
    timed = {
        place.name or place_line(place): said.rstrip("。") for place in guide.places if (said := hours_line(place))
    }
    if len(set(timed.values())) == 1:
        return f"办公时间：{sentence(next(iter(timed.values())))}"
    return f"办公时间：{sentence('；'.join(f'{name} {said}' for name, said in timed.items()))}" if timed else ""


def on_weekday(place: Place, day: int) -> str:
    """Whether a place is open on a weekday (1 is Monday), where its published hours could be understood."""
    if not place.hours or not place.hours.rules:
        return ""
    name = "周" + opening.DAYS[day - 1]
    times = [f"{rule.opens}—{rule.closes}" for rule in place.hours.rules if day in rule.days]
    return f"{name}上班，{'、'.join(times)}。" if times else f"{name}不上班。"


def web_links(pairs: Iterable[tuple[str, str | None]]) -> tuple[Link, ...]:
    """Links for what is a web address; a guide may hold words in its place."""
    return tuple(Link(label, url) for label, url in pairs if url and _WEB.match(url))
