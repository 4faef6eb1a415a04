"""An appointment in words: as just made, and in the list of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.answers import ref
from bot.choices import offering
from bot.parts import PARTS, Asked
from bot.phrases import sentence
from bot.services import Lines
from bot.times import spoken_day, spoken_time
from bot.wording import say
from core.types import Act, Answer, Choice, Facet, Fact, Link
from desk.appointments import Appointment
from desk.front import FrontDesk, Held
from desk.halls import Window
from desk.people import masked_name
from desk.status import Status

MINE = Choice("book:mine", "我的预约")


def made(desk: FrontDesk, held: Held, lines: Lines, *, moved: bool, reminded: bool) -> Answer:
    """What was booked or moved, with all that is needed on the day. The code is on the slip alone."""
    one, today = held.appointment, desk.today()
    guide = held.offer.published.guide if held.offer else None
    window = held.offer.window(one.window) if held.offer else None
    facts = _facts(held, today)
    part = PARTS[Facet.MATERIALS](guide, Asked((Facet.MATERIALS,))) if guide else None
    blocks = [
        say("book_moved" if moved else "book_made", number=one.number),
        "\n".join(f"{fact.label}：{fact.value}" for fact in facts[1:]),
        bring(held),
        way(held),
        _until(one, window, today),
        _reminded(one) if reminded else "",
    ]
    return Answer(
        Act.BOOK,
        "\n\n".join(block for block in blocks if block),
        facts=(*facts, *(part.facts if part else ())),
        guide=ref(held.offer.published) if held.offer else None,
        choices=(MINE, *choices(one)),
        links=(slip(desk, one, lines, say("book_slip")), *(part.links if part else ())),
    )


def listed(desk: FrontDesk, all_held: Sequence[Held], lines: Lines) -> Answer:
    """One's open appointments, soonest first; of several, each is a choice that shows it alone."""
    if len(all_held) == 1:
        return alone(desk, all_held[0], lines, said=say("book_mine", many="1"))
    offered = [Choice(f"book:one:{held.appointment.id}", line(held, desk.today())) for held in all_held]
    answer = offering(say("book_mine", many=str(len(all_held))), offered, ())
    return Answer(Act.BOOK, answer.text, choices=answer.choices)


def alone(desk: FrontDesk, held: Held, lines: Lines, *, said: str = "") -> Answer:
    """One appointment, its slip, and what can be done with it."""
    one = held.appointment
    text = "\n".join(filter(None, (said, line(held, desk.today()))))
    return Answer(Act.BOOK, text, choices=choices(one), links=(slip(desk, one, lines, f"预约凭证：{one.number}"),))


def none(lines: Lines) -> Answer:
    """There are none here; elsewhere made ones are shown with number and code."""
    return Answer(Act.BOOK, say("book_mine_none"), links=(Link("我的预约", f"{lines.url}/book/mine"),))


def which(all_held: Sequence[Held], act: str, text: str, today: date) -> Answer:
    """Which of one's appointments shall be changed or cancelled?"""
    offered = [Choice(f"book:{act}:{held.appointment.id}", short(held.appointment, today)) for held in all_held]
    answer = offering(text, offered, ())
    return Answer(Act.BOOK, answer.text, choices=answer.choices)


def line(held: Held, today: date) -> str:
    """An appointment in one line."""
    one = held.appointment
    who = f"，办理人 {masked_name(held.details.name)}" if held.details else ""
    state = f"（{one.status.spoken}）" if one.status is Status.DISPLACED else ""
    return f"{one.guide_name}：{when(one, today)}，{one.hall} {one.window_name}{who}，预约号 {one.number}{state}"


def short(one: Appointment, today: date) -> str:
    """What it is for and when."""
    return f"{one.guide_name}，{when(one, today)}"


def when(one: Appointment, today: date) -> str:
    """Day and time in words."""
    return f"{spoken_day(one.day, today=today)}{spoken_time(one.starts.time())}"


def slip(desk: FrontDesk, one: Appointment, lines: Lines, label: str) -> Link:
    """The page with code, QR code and calendar entry: whoever has the link has the appointment."""
    return Link(label, f"{lines.url}/book/slip/{desk.slip(one)}")


def choices(one: Appointment) -> tuple[Choice, ...]:
    """To change it and to cancel it."""
    return (Choice(f"book:change:{one.id}", "改时间"), Choice(f"book:cancel:{one.id}", "取消预约"))


def _facts(held: Held, today: date) -> list[Fact]:
    one = held.appointment
    told = (
        ("预约号", one.number),
        ("事项", one.guide_name),
        ("时间", when(one, today)),
        ("地点", one.hall),
        ("窗口", one.window_name),
        ("办理人", masked_name(held.details.name) if held.details else ""),
    )
    return [Fact(label, value) for label, value in told if value]


def bring(held: Held) -> str:
    """The guide's checklist; empty where it has none."""
    part = PARTS[Facet.MATERIALS](held.offer.published.guide, Asked((Facet.MATERIALS,))) if held.offer else None
    return "\n".join((f"带什么：{part.lead}", *part.details)) if part and not part.missing else ""


def way(held: Held) -> str:
    """How to get to the hall."""
    window = held.offer.window(held.appointment.window) if held.offer else None
    if window is None:
        return ""
    hall = window.hall
    told = [f"怎么去：{sentence(f'{hall.name}在{hall.address}')}", sentence(hall.transport) if hall.transport else ""]
    return "".join(told) + (f"大厅电话 {hall.phone}。" if hall.phone else "")


def _reminded(one: Appointment) -> str:
    """How the reminder comes: the web shows it only while it is open."""
    return say("book_reminded" if one.owner.startswith("web:") else "book_reminded_pushed")


def _until(one: Appointment, window: Window | None, today: date) -> str:
    if window is None:
        return ""
    last = one.starts - timedelta(minutes=window.rules.cancel_until)
    return say("book_until", when=f"{spoken_day(last.date(), today=today)}{spoken_time(last.time())}")
