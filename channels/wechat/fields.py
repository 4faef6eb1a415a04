"""What a notice puts into the fields of a template message, cut to what the platform takes in each kind of field."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from bot import notices
from bot.services import Lines
from channels.wechat.wording import say
from core.settings import Template
from desk.front import FrontDesk, Held
from knowledge.schema import Necessity

# What may stand on the right-hand side of a template's fields.
NAMES = ("item", "when", "hall", "window", "address", "number", "bring", "phone", "state", "note")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of field: the characters it takes, at most how many, what marks a cut, and what stands for nothing."""

    takes: str
    most: int
    cut: str = ""
    empty: str = "-"


# By what a field's name begins with; the platform's "参数值内容限制说明".
_KINDS = {
    "thing": _Kind(r".", 20, "…", "无"),
    "character_string": _Kind(r"[ -~]", 32, "..."),
    "number": _Kind(r"[0-9]", 32, empty="0"),
    "phone_number": _Kind(r"[0-9+-]", 17),
    "name": _Kind(r"[\u4e00-\u9fff]", 10, empty="无"),
    "phrase": _Kind(r"[\u4e00-\u9fff]", 5, empty="无"),
    "time": _Kind(r".", 32),  # 2026年11月23日 09:00 is what `when` gives
    "date": _Kind(r".", 32),
}
_OLD = _Kind(r".", 200, "…", "无")  # keyword1 and the like, of templates older than these limits


def filled(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    """The fields of a template message. A name that is not among `NAMES` is left empty."""
    return {field: fitted(field, values.get(name, "")) for field, name in template.fields.items()}


def fitted(field: str, text: str) -> str:
    """As much of a text as its field takes: never nothing, which the platform refuses."""
    kind = _KINDS.get(field.rstrip("0123456789"), _OLD)
    plain = "".join(" " if char.isspace() else char for char in text if char.isspace() or _is_visible(char))
    taken = " ".join("".join(re.findall(kind.takes, plain)).split())
    if len(taken) > kind.most:
        taken = taken[: kind.most - len(kind.cut)].rstrip() + kind.cut
    return taken or kind.empty


def values(desk: FrontDesk, held: Held, sort: str, lines: Lines) -> dict[str, str]:
    """What a notice of that sort says of an appointment, by name."""
    one = held.appointment
    window = held.offer.window(one.window) if held.offer else None
    return {
        "item": one.guide_name,
        "when": f"{one.day.year}年{one.day.month}月{one.day.day}日 {one.starts:%H:%M}",
        "hall": one.hall,
        "window": one.window_name or say("notice_window"),
        "address": window.hall.address if window else one.hall,
        "number": one.number,
        "bring": _bring(held),
        "phone": (window.hall.phone if window else "") or lines.hotline,
        "state": say(f"notice_{sort}_state"),
        "note": say(f"notice_{sort}_note", why=notices.why(desk, held) if sort == "displaced" else ""),
    }


def _bring(held: Held) -> str:
    """What must be brought in any case."""
    materials = held.offer.published.guide.materials if held.offer else ()
    wanted = [one.name for one in materials if one.necessity is Necessity.REQUIRED and not one.condition]
    return "、".join(wanted) or say("notice_bring")


def _is_visible(char: str) -> bool:
    return not unicodedata.category(char).startswith("C")
