"""What is offered beside answers: a person to speak to, a place for complaints, an appointment.

Each is a function of the guide it is about, if there is one, and of the deployment's own lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.answers import ref
from bot.phrases import complaint_line, consult_phone, place_lines, sentence, walk_in_hours
from bot.wording import say
from core.types import Act, Answer, Facet, Link
from knowledge.publishing import Published


@dataclass(frozen=True, slots=True)
class Lines:
    """The deployment's own telephone lines and name. `url` is where citizens reach it; empty makes links relative."""

    title: str
    hotline: str
    staff_phone: str
    staff_hours: str
    url: str = ""


Service = Callable[[Published | None, Lines], Answer]


def hand_off(published: Published | None, lines: Lines) -> Answer:
    """The staffed line, and the department's own where the guide names it."""
    staff = {"phone": f" {lines.staff_phone} ", "hours": lines.staff_hours}
    links = (call(lines.staff_phone),)
    consult = consult_phone(published.guide) if published else None
    if published is None or consult is None:
        return Answer(Act.HANDOFF, say("handoff", **staff), links=links)
    guide = published.guide
    told = say("handoff_guide", name=guide.name, department=guide.department.name, consult=consult, **staff)
    return Answer(Act.HANDOFF, told, guide=ref(published), links=links)


def complain(published: Published | None, lines: Lines) -> Answer:
    """The hotline, and the line for complaints that the guide names."""
    links = (call(lines.hotline),)
    told = complaint_line(published.guide) if published else None
    if published is None or not told:
        return Answer(Act.TICKET, say("ticket", hotline=lines.hotline), (Facet.COMPLAINT,), links=links)
    words = say("ticket_guide", name=published.guide.name, complain=told, hotline=lines.hotline)
    return Answer(Act.TICKET, words, (Facet.COMPLAINT,), guide=ref(published), links=links)


def book(published: Published | None, lines: Lines) -> Answer:
    """How to book what the guide is about, or that it needs no booking."""
    if published is None:
        return Answer(Act.BOOK, say("book", hotline=f" {lines.hotline} "))
    guide, booking = published.guide, published.guide.booking
    where = next((f"地点：{line}。" for line in place_lines(guide)), "")
    links: tuple[Link, ...] = ()
    if booking and booking.offered:
        told = say("book_guide", name=guide.name, rule=sentence(booking.rule) if booking.rule else "")
        told += say("book_phone", phone=booking.phone) if booking.phone else ""
        links = (Link("打开预约页面", booking.url),) if booking.url else ()
    elif booking:
        told = say("book_walk_in", name=guide.name, where=where) + walk_in_hours(guide)
    else:
        told = say(
            "book_none",
            name=guide.name,
            where=where + walk_in_hours(guide),
            phone=consult_phone(guide) or lines.hotline,
        )
    return Answer(Act.BOOK, told, guide=ref(published), links=links)


def call(phone: str) -> Link:
    """A number to tap."""
    return Link(f"拨打 {phone}", f"tel:{phone}")
