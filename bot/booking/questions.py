"""The questions of a booking, each with its choices. Choice ids begin with `book:`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from bot.answers import ref
from bot.booking.openings import Openings, fits
from bot.choices import offering
from bot.dialogue import Dialogue, Turn
from bot.draft import Draft, Step
from bot.phrases import web_links
from bot.private import Given
from bot.times import Wanted, spoken_day, spoken_time
from bot.wording import say
from core.types import Act, Answer, Choice, Link
from desk.front import Offer
from desk.halls import Window
from desk.people import masked_identity, masked_name, masked_phone
from desk.slots import DaySlots, Slot
from knowledge.publishing import Published
from knowledge.schema import Channel, Guide, OnlineDepth

DAYS = 5  # offered at once
MOST_TIMES = 8  # offered at once; of more the half of the day is asked first
_NOON = 12
_DONE_ONLINE = (OnlineDepth.HANDLING, OnlineDepth.RESULT, OnlineDepth.CERTIFICATE)
STOP = Choice("book:stop", "不约了")
BACK = Choice("book:back", "上一步")
OTHER_DAY = Choice("book:days", "换一天")
OTHER_HALL = Choice("book:halls", "换个大厅")
_WAYS_OUT = (STOP, BACK, OTHER_DAY, OTHER_HALL)
ONLINE = Choice("book:online", "在网上办")


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its choices. `kept` are the choices as they are remembered, where what is shown is personal."""

    step: Step
    text: str
    choices: tuple[Choice, ...] = ()
    kept: tuple[Choice, ...] | None = None
    links: tuple[Link, ...] = ()


def ask(
    question: Question, draft: Draft, dialogue: Dialogue, *, said: str = "", about: Published | None = None
) -> Turn:
    """The question, after what was `said` before it."""
    text = f"{said}\n{question.text}" if said else question.text
    # Ways out are tapped or said; a number is for what is offered.
    listed = [one for one in question.choices if one not in _WAYS_OUT]
    text = offering(text, listed, ()).text if listed else text
    cited = ref(about) if about else None
    answer = Answer(Act.BOOK, text, guide=cited, choices=question.choices, links=question.links)
    kept = tuple(listed) if question.kept is None else question.kept
    asked = replace(draft, step=question.step, trouble="", doubtful=False)
    return Turn((answer,), replace(dialogue, draft=asked, choices=kept))


# -- what --


def item() -> Question:
    """Which matter?"""
    return Question(Step.ITEM, say("book_item"), (STOP,))


def items(found: Sequence[Choice]) -> Question:
    """Which of these matters? One name means that only the district is open."""
    names = {one.guide.name for one in found if one.guide}
    text = say("book_which_region", name=names.pop()) if len(names) == 1 and len(found) > 1 else say("book_items")
    return Question(Step.ITEM, text, (*found, STOP))


def online_first(guide: Guide) -> bool:
    """Whether coming is hardly needed: it can be done online, without a visit or to the end."""
    if Channel.ONLINE not in guide.channels or not web_links([("", guide.urls.online)]):
        return False
    return guide.visits == 0 or guide.online_depth in _DONE_ONLINE


def online(guide: Guide) -> Question:
    """Online, or an appointment after all?"""
    offered = (ONLINE, Choice("book:still", "还是要预约"))
    links = web_links([("网上办理", guide.urls.online)])
    return Question(Step.ONLINE, say("book_online", name=guide.name), offered, links=links)


# -- where --


def hall(guide: Guide, windows: Sequence[tuple[Window, Slot | None]], today: date) -> Question:
    """Which hall? Each with its first free time."""
    offered = tuple(Choice(f"book:hall:{window.id}", _hall(window, first, today)) for window, first in windows)
    return Question(Step.HALL, say("book_hall", name=guide.name), (*offered, STOP))


def _hall(window: Window, first: Slot | None, today: date) -> str:
    soonest = f"最早{spoken_day(first.starts.date(), today=today)}" if first else "近期约满了"
    return f"{window.hall.name}（{window.hall.address}），{soonest}"


# -- when --


def day(offer: Offer, window: Window, openings: Openings, wanted: Wanted, today: date) -> Question:
    """Which day? The next with free places."""
    fitting = {slot.starts.date() for slot in openings.free(wanted)} or {slot.starts.date() for slot in openings.free()}
    days = [one for one in openings.days if one.day.day in fitting][:DAYS]
    offered = [
        Choice(f"book:day:{one.day.day:%Y-%m-%d}", f"{spoken_day(one.day.day, today=today)}{_left(one, wanted)}")
        for one in days
    ]
    text = say("book_day" if days else "book_no_day", name=offer.published.guide.name, hall=window.hall.name)
    more = [OTHER_HALL] if len(offer.windows) > 1 else []
    return Question(Step.DAY, text, (*offered, *more, STOP))


def _left(one: DaySlots, wanted: Wanted) -> str:
    """上午余3 下午满; a half of the day that was not asked for, or in which the hall is shut, is left out."""
    halves = {"上午": [], "下午": []}  # type: dict[str, list[Slot]]
    timed = replace(wanted, days=())
    for slot in [slot for slot in one.slots if fits(slot, timed)] or one.slots:
        halves["上午" if slot.starts.hour < _NOON else "下午"].append(slot)
    free = {half: sum(slot.free for slot in slots) for half, slots in halves.items() if slots}
    return " ".join(f"{half}{f'余{many}' if many else '满'}" for half, many in free.items())


def time(offer: Offer, window: Window, openings: Openings, wanted: Wanted, today: date) -> Question:
    """Which time of the day?"""
    free = openings.free(wanted)
    about = {
        "name": offer.published.guide.name,
        "hall": window.hall.name,
        "day": spoken_day(wanted.days[0], today=today),
    }
    other = (OTHER_DAY, STOP)
    morning = [slot for slot in free if slot.starts.hour < _NOON]
    afternoon = [slot for slot in free if slot.starts.hour >= _NOON]
    if len(free) > MOST_TIMES and morning and afternoon:
        halves = (
            Choice("book:part:am", f"上午（{_span(morning)}，余{_places(morning)}）"),
            Choice("book:part:pm", f"下午（{_span(afternoon)}，余{_places(afternoon)}）"),
            _slot(free[0], "最早的："),
        )
        return Question(Step.TIME, say("book_part", **about), (*halves, *other))
    return Question(Step.TIME, say("book_time", **about), (*(_slot(one) for one in free), *other))


def instead(slots: Sequence[Slot], day: date | None, today: date) -> Question:
    """One of these times, of that day or others?"""
    offered = [
        _slot(one, "" if one.starts.date() == day else spoken_day(one.starts.date(), today=today)) for one in slots
    ]
    return Question(Step.TIME, say("book_instead"), (*offered, OTHER_DAY, STOP))


def _slot(slot: Slot, before: str = "") -> Choice:
    return Choice(f"book:time:{slot.starts:%Y%m%d%H%M}", f"{before}{spoken_time(slot.starts.time())}（余{slot.free}）")


def _span(slots: Sequence[Slot]) -> str:
    return f"{slots[0].starts:%-H:%M}起"


def _places(slots: Sequence[Slot]) -> int:
    return sum(slot.free for slot in slots)


# -- who --


def name(last: Given | None) -> Question:
    """For whom? The one booked for last is offered by a masked name, which nobody but the citizen is shown."""
    if last is None:
        return Question(Step.NAME, say("book_name"), (STOP,))
    again = Choice("book:last", f"还用上次的：{masked_name(last.name)}，{masked_phone(last.phone)}")
    return Question(Step.NAME, say("book_name_again"), (again, STOP), (replace(again, label="还用上次的"),))


def phone() -> Question:
    """At which number?"""
    return Question(Step.PHONE, say("book_ask_phone"), (BACK, STOP))


def identity() -> Question:
    """The identity number, where the window needs it."""
    return Question(Step.IDENTITY, say("book_ask_identity"), (BACK, STOP))


# -- all of it --


def confirm(
    draft: Draft, published: Published, window: Window, person: Given, today: date, *, remind: bool
) -> Question:
    """Is all of it right?"""
    assert draft.starts is not None
    when = moment(draft, today)
    lines = [f"事项：{published.guide.name}", f"时间：{when}", f"地点：{window.where}，{window.hall.address}"]
    if draft.moving:
        offered = (
            Choice(f"book:yes:{draft.key}", "确认改到这个时间"),
            Choice("book:times", "换个时间"),
            Choice("book:stop", "不改了"),
        )
        return Question(Step.CONFIRM, "\n".join((say("book_confirm_change"), *lines)), offered)
    lines.append(f"办理人：{masked(person)}")
    quiet = Choice(f"book:quiet:{draft.key}", "确认，不用提醒" if remind else "确认预约")
    first = (Choice(f"book:yes:{draft.key}", "确认，前一天提醒我"), quiet) if remind else (quiet,)
    offered = (*first, Choice("book:times", "改时间"), STOP)
    return Question(Step.CONFIRM, "\n".join((say("book_confirm"), *lines)), offered)


def moment(draft: Draft, today: date) -> str:
    """Day and time in words; empty where they are open."""
    return f"{spoken_day(draft.starts.date(), today=today)}{spoken_time(draft.starts.time())}" if draft.starts else ""


def masked(person: Given) -> str:
    """Name, phone and identity number, each with its middle hidden."""
    shown = (masked_name(person.name) if person.name else "", masked_phone(person.phone) if person.phone else "")
    number = f"身份证 {masked_identity(person.identity)}" if person.identity else ""
    return "，".join(filter(None, (*shown, number)))
