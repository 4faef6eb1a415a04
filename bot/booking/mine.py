"""The appointments a citizen has made in this conversation: shown and cancelled. Nobody else's are touched."""

from __future__ import annotations

from dataclasses import replace

from bot.booking import slips, words
from bot.choices import offering
from bot.dialogue import Dialogue, Turn
from bot.services import Lines
from bot.wording import say
from core.errors import BangbanError, NotFound
from core.types import Act, Answer, Choice
from desk.appointments import Appointment
from desk.front import FrontDesk, Held
from desk.rules import Refused
from desk.status import Status


class Mine:
    """Reads the desk anew at each call."""

    def __init__(self, desk: FrontDesk, lines: Lines) -> None:
        self._desk, self._lines = desk, lines

    def all(self, dialogue: Dialogue) -> tuple[Held, ...]:
        """The citizen's open appointments, soonest first."""
        mine = self._desk.mine(dialogue.citizen) if dialogue.citizen else ()
        return tuple(self._desk.held(one.id) for one in mine)

    def one(self, appointment: int, dialogue: Dialogue) -> Held | None:
        """An appointment, if it is the citizen's: choice ids can be made up."""
        try:
            held = self._desk.held(appointment)
        except NotFound:
            return None
        return held if dialogue.citizen and held.appointment.owner == dialogue.citizen else None

    def show(self, dialogue: Dialogue) -> Turn:
        """All of them, or how to see those made elsewhere."""
        found = self.all(dialogue)
        if not found:
            return self.none(dialogue)
        return self._keep(slips.listed(self._desk, found, self._lines), dialogue)

    def alone(self, held: Held, dialogue: Dialogue) -> Turn:
        """One of several."""
        return self._keep(slips.alone(self._desk, held, self._lines), dialogue)

    def none(self, dialogue: Dialogue) -> Turn:
        """There is none here."""
        return Turn((slips.none(self._lines),), replace(dialogue, choices=()))

    def which(self, found: tuple[Held, ...], act: str, dialogue: Dialogue) -> Turn:
        """Which one is meant, of several; `act` is change or cancel."""
        return self._keep(slips.which(found, act, say(f"book_which_{act}"), self._desk.today()), dialogue)

    def sure(self, held: Held, dialogue: Dialogue) -> Turn:
        """Asks once before it is cancelled."""
        one = held.appointment
        # As it is now: who taps this after it was moved is asked again.
        this = as_now(one)
        offered = (Choice(f"book:drop:{this}", "取消这个预约"), Choice(f"book:keep:{this}", "不取消，留着"))
        answer = offering(say("book_sure", what=slips.short(one, self._desk.today())), offered, ())
        return self._keep(replace(answer, act=Act.BOOK), dialogue)

    def answered(self, text: str, dialogue: Dialogue) -> str | None:
        """The choice that a plain yes or no means, where that was asked last."""
        drop = next((one.id for one in dialogue.choices if one.id.startswith("book:drop:")), None)
        if drop and words.says("refuse", text):
            return drop.replace("drop", "keep")
        agreed = any(words.says(kind, text) for kind in ("agree", "agree_cancel", "cancel"))
        return drop if drop and agreed else None

    def drop(self, held: Held, dialogue: Dialogue) -> Turn:
        """Cancels; a second time says the same."""
        try:
            ended = self._desk.cancel(held.appointment.id, by=dialogue.citizen)
        except (Refused, NotFound) as error:
            return refused(error, dialogue)
        told = say("book_cancelled", what=slips.short(ended, self._desk.today()))
        return Turn((Answer(Act.BOOK, told),), replace(dialogue, choices=()))

    def keep(self, held: Held, dialogue: Dialogue) -> Turn:
        """Not cancelled after all."""
        lost = held.appointment.status is Status.DISPLACED
        told = say(
            "book_kept_displaced" if lost else "book_kept", what=slips.short(held.appointment, self._desk.today())
        )
        return Turn((Answer(Act.BOOK, told),), replace(dialogue, choices=()))

    def _keep(self, answer: Answer, dialogue: Dialogue) -> Turn:
        return Turn((answer,), replace(dialogue, choices=answer.choices))


def as_now(one: Appointment) -> str:
    """An appointment with its time, as a choice names it."""
    return f"{one.id}:{one.starts:%Y%m%d%H%M}"


def refused(error: BangbanError, dialogue: Dialogue) -> Turn:
    """What the desk does not do, in its own words, and one's appointments to look at."""
    answer = Answer(Act.BOOK, str(error), choices=(slips.MINE,))
    return Turn((answer,), replace(dialogue, draft=None, choices=answer.choices))
