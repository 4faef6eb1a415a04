"""The words of the desk's notices. A notice may wait for days, so it is held against the appointment as it is now."""

from __future__ import annotations

from datetime import timedelta

from bot.booking import slips
from bot.services import Lines
from bot.wording import say
from core.types import Act, Answer, Choice
from desk.front import FrontDesk, Held
from desk.outbox import Notice
from desk.status import Status

FAR = timedelta(days=7)  # before a day: from there, nobody calls it 明天


def told(desk: FrontDesk, notice: Notice, lines: Lines, *, lasting: bool = False) -> Answer | None:
    """What a citizen is told; None where it is true no more. `lasting` words may be read on another day: they say no
    明天. Raises NoAppointment.
    """
    held = desk.held(notice.appointment)
    one = held.appointment
    when = slips.when(one, one.day - FAR if lasting else desk.today())
    if notice.kind == "remind" and one.status is Status.BOOKED and one.starts > desk.now():
        # Its key names the time that it reminds of: the appointment may have been moved since.
        return _remind(desk, held, when, lines) if f"{one.starts:%Y%m%d%H%M}" in notice.key else None
    if notice.kind == "displaced" and one.status is Status.DISPLACED:
        return _displaced(desk, held, when, lines)
    return None


def _remind(desk: FrontDesk, held: Held, when: str, lines: Lines) -> Answer:
    one = held.appointment
    text = say(
        "notice_remind", when=when, hall=one.hall, item=one.guide_name,
        window=one.window_name or "综合窗口", number=one.number,
    )  # fmt: skip
    blocks = [text, slips.bring(held), slips.way(held)]
    link = slips.slip(desk, one, lines, say("book_slip"))
    return Answer(Act.BOOK, "\n\n".join(filter(None, blocks)), choices=slips.choices(one), links=(link,))


def _displaced(desk: FrontDesk, held: Held, when: str, lines: Lines) -> Answer:
    one = held.appointment
    text = say(
        "notice_displaced", hall=one.hall, why=why(desk, held), when=when,
        item=one.guide_name, number=one.number,
    )  # fmt: skip
    again = (Choice(f"book:change:{one.id}", "另选时间"),) if held.offer and held.offer.windows else ()
    link = slips.slip(desk, one, lines, say("book_slip"))
    return Answer(Act.BOOK, text, choices=(*again, Choice(f"book:cancel:{one.id}", "取消预约")), links=(link,))


def why(desk: FrontDesk, held: Held) -> str:
    """因为设备检修，当天不办公, or that only the hours changed."""
    window = held.offer.window(held.appointment.window) if held.offer else None
    closed = desk.days([window], held.appointment.day, held.appointment.day)[window.id][0].closed if window else ""
    if not closed:
        return say("notice_changed_hours")
    return "临时不办公" if closed.startswith("大厅") else f"因为{closed}，当天不办公"
