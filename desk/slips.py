"""What a citizen takes along: the code that staff scan, and the entry for their calendar."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

from core.errors import Invalid
from core.text import composed
from desk.appointments import Appointment
from desk.numbers import plain_number
from desk.status import Status

_SCAN = re.compile(r"BANGBAN:(\d{10}):(\d{6})", re.IGNORECASE)
_DAY_BEFORE = timedelta(days=-1)
_MINUTE = 60


class Unscannable(Invalid):
    """扫到的不是预约二维码。请对准预约单上的二维码再扫一次，或者输入预约号。"""

    code = "unscannable"


def scan_text(appointment: Appointment, code: str) -> str:
    """What the QR code says."""
    return f"BANGBAN:{appointment.number}:{code}"


def qr_svg(appointment: Appointment, code: str) -> bytes:
    """The code that staff scan, as an SVG image: black on white with its quiet zone, for light and dark pages alike."""
    import segno

    drawn = io.BytesIO()
    made = segno.make_qr(scan_text(appointment, code), error="m")
    made.save(drawn, kind="svg", scale=8, border=4, dark="#000", light="#fff", svgclass=None, lineclass=None)
    return drawn.getvalue()


def read_scan(text: str) -> tuple[str, str]:
    """Number and code of what a scanner typed. Raises Unscannable, or Invalid for a number with a wrong digit."""
    found = _SCAN.fullmatch(re.sub(r"\s", "", composed(text, "NFKC")))
    if found is None:
        raise Unscannable()
    return plain_number(found[1]), found[2]


def calendar_file(appointment: Appointment, *, address: str, url: str, remind: bool, now: datetime) -> bytes:
    """An iCalendar file (RFC 5545) with the appointment; a cancelled one takes itself out of the calendar again.

    Calendars are shared, so nothing personal is in it and nothing that opens the appointment. `now` numbers the
    revisions: of two files for one appointment the later stands.
    """
    from icalendar import Calendar, Event

    off = appointment.status in (Status.CANCELLED, Status.DISPLACED, Status.GIVEN_UP)
    event = Event()
    event.add("uid", f"{appointment.number}@bangban")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("sequence", int(now.timestamp()) // _MINUTE)
    event.add("dtstart", appointment.starts.astimezone(UTC))
    event.add("dtend", appointment.ends.astimezone(UTC))
    event.add("summary", f"{'已取消：' if off else ''}{appointment.guide_name}（窗口预约）")
    event.add("location", "，".join(filter(None, (appointment.hall, address, appointment.window_name))))
    event.add("description", f"预约号 {appointment.number}。请带好材料，提前 10 分钟到。")
    event.add("status", "CANCELLED" if off else "CONFIRMED")
    if url:
        event.add("url", url)
    if remind and not off:
        event.add_component(_alarm(appointment))
    calendar = Calendar()
    calendar.add("prodid", "-//bangban//appointments//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if off else "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _alarm(appointment: Appointment):  # type: ignore[no-untyped-def]
    from icalendar import Alarm

    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", f"明天去{appointment.hall}办{appointment.guide_name}")
    alarm.add("trigger", _DAY_BEFORE)
    return alarm
