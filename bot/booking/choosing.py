"""The choices of a booking, by their ids: anybody can make ids up, so each is checked against what is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from bot.booking import slips
from bot.booking.flow import Flow
from bot.booking.matters import Matters
from bot.booking.mine import Mine, as_now
from bot.dialogue import Dialogue, Turn
from bot.draft import WHENEVER, Draft, Step, new
from bot.times import Wanted
from bot.wording import say
from core.clock import CHINA
from core.types import Act, Answer, Choice

PREFIX = "book:"
_DIGITS = 9  # of ids, which databases keep in 32 bits


class Choosing:
    """What each choice does."""

    def __init__(self, flow: Flow, mine: Mine, matters: Matters) -> None:
        self._flow, self._mine, self._matters = flow, mine, matters

    def choose(self, choice: str, dialogue: Dialogue) -> Turn:
        """Go on with a choice whose id begins with `book:`; unknown ones ask the open question again."""
        act, _, value = choice.removeprefix(PREFIX).partition(":")
        if turn := self._of_mine(act, value, dialogue) or self._confirmed(act, value, dialogue):
            return turn
        if act == "guide" and (guide := _number(value)):
            return self._of_guide(guide, dialogue)
        draft = dialogue.draft
        if draft is None:
            return self._gone(dialogue)
        return self._of_step(act, value, draft, dialogue) or self._flow.go(draft, dialogue)

    def _of_guide(self, guide: int, dialogue: Dialogue) -> Turn:
        """A matter that was tapped: what was said with it counts on."""
        old = dialogue.draft
        draft = new(guide)
        if old and old.step is Step.ITEM:
            window = self._matters.hall_of(old.window, guide)
            draft = replace(draft, wanted=old.wanted, window=window, person=old.person, online=old.online)
        return self._flow.first(draft, self._matters.about(guide, dialogue))

    def _of_step(self, act: str, value: str, draft: Draft, dialogue: Dialogue) -> Turn | None:
        flow = self._flow
        match act:
            case "stop":
                return flow.stop(dialogue)
            case "back":
                return flow.back(draft, dialogue)
            case "still":
                return flow.go(replace(draft, online=True), dialogue)
            case "hall":
                return flow.go(replace(draft, window=value, starts=None), dialogue)
            case "last":
                return flow.use_last(draft, dialogue)
            case "halls" if (
                not draft.moving and draft.guide and (others := self._matters.siblings(draft.guide, dialogue))
            ):
                return flow.go(replace(draft, guide=None, window="", starts=None, offered=others), dialogue)
            case "halls" if only := flow.only_hall(draft):
                return flow.go(draft, dialogue, only)
        changed = _timed(act, value, draft)
        return flow.go(changed, dialogue) if changed else None

    def _confirmed(self, act: str, key: str, dialogue: Dialogue) -> Turn | None:
        """The booking itself. Confirmed once more, it shows what was booked."""
        if act not in ("yes", "quiet"):
            return None
        draft = dialogue.draft
        if draft is not None and draft.key == key:
            return self._flow.submit(draft, dialogue, remind=act == "yes")
        if dialogue.booked and dialogue.booked[0] == key:
            held = self._mine.one(dialogue.booked[1], dialogue)
            return self._flow.result(held, dialogue) if held else self._gone(dialogue)
        return self._flow.go(draft, dialogue) if draft else self._gone(dialogue)

    def _of_mine(self, act: str, value: str, dialogue: Dialogue) -> Turn | None:
        """What is done with an appointment: only its owner does it."""
        if act == "mine":
            return self._mine.show(replace(dialogue, draft=None))
        if act not in ("one", "change", "cancel", "drop", "keep"):
            return None
        number = _number(value.partition(":")[0])
        held = self._mine.one(number, dialogue) if number else None
        if held is None:
            return self._mine.none(dialogue)
        left = replace(dialogue, draft=None, wish=WHENEVER)
        if act == "drop" and value != as_now(held.appointment):
            return self._mine.sure(held, left)
        if act == "change":
            offered = any(one.id == f"{PREFIX}change:{value}" for one in dialogue.choices)
            return self._flow.begin_move(held, dialogue.wish if offered else None, left)
        done = {"one": self._mine.alone, "cancel": self._mine.sure, "drop": self._mine.drop, "keep": self._mine.keep}
        return done[act](held, left)

    def _gone(self, dialogue: Dialogue) -> Turn:
        again = (Choice(f"book:guide:{dialogue.guide}", "重新预约"), slips.MINE) if dialogue.guide else (slips.MINE,)
        return Turn((Answer(Act.BOOK, say("book_gone"), choices=again),), replace(dialogue, choices=again))


def _timed(act: str, value: str, draft: Draft) -> Draft | None:
    """The draft at the day or time chosen, or with one to be asked anew; None for no such choice."""
    match act:
        case "halls":
            return replace(draft, window="", starts=None)
        case "days":
            return replace(draft, wanted=WHENEVER, starts=None)
        case "times":
            return replace(draft, wanted=Wanted(days=(draft.day,) if draft.day else ()), starts=None)
        case "part" if value in ("am", "pm"):
            noon = datetime(2000, 1, 1, 12).time()
            return draft.wanting(Wanted(ends=noon) if value == "am" else Wanted(begins=noon))
        case "day" if day := _day(value):
            return draft.on(day, draft.wanted.at)
        case "time" if starts := _moment(value):
            return replace(draft, wanted=Wanted(days=(starts.date(),), at=starts.time()), starts=None)
    return None


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= _DIGITS else None


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _moment(value: str) -> datetime | None:
    try:
        return datetime.strptime(value, "%Y%m%d%H%M").replace(tzinfo=CHINA)
    except ValueError:
        return None
