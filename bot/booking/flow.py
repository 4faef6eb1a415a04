"""The flow of a booking: what was said settles what it can, and the next open question is asked."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta

from bot import private, services
from bot.booking import openings, questions, slips
from bot.booking.back import reopened
from bot.booking.mine import Mine, refused
from bot.booking.openings import Openings
from bot.booking.questions import Question, ask
from bot.dialogue import Dialogue, Turn
from bot.draft import WHENEVER, Draft, Step, new
from bot.private import Given
from bot.services import Lines
from bot.times import Wanted
from bot.wording import say
from core.clock import CHINA
from core.errors import NotFound
from core.types import Act, Answer
from core.vault import Unreadable
from desk.appointments import Appointment, NotBookable, SlotTaken
from desk.front import FrontDesk, Held, Offer
from desk.halls import Window
from desk.outbox import REMINDED_AT
from desk.people import Person
from desk.rules import Refused
from desk.slots import Slot
from desk.status import Status


class Flow:
    """Each method turns a draft and what is known into a turn. Thread-safe; reads the desk anew."""

    def __init__(self, desk: FrontDesk, mine: Mine, lines: Lines) -> None:
        self._desk, self._mine, self._lines = desk, mine, lines

    # -- going on --

    def go(self, draft: Draft, dialogue: Dialogue, said: str = "") -> Turn:
        """Ask what is open, or for a confirmation where nothing is; `said` comes before the question."""
        if draft.guide is None:
            question = questions.items(draft.offered) if draft.offered else questions.item()
            return ask(question, draft, dialogue, said=said)
        offer = self._desk.offer(draft.guide)
        if offer is None or not offer.windows:
            return self._without(offer, dialogue)
        guide = offer.published.guide
        if not draft.online and not draft.moving and questions.online_first(guide):
            return ask(questions.online(guide), draft, dialogue, said=said, about=offer.published)
        window = offer.window(draft.window) or (offer.windows[0] if len(offer.windows) == 1 else None)
        if window is None:
            return self._hall(offer, draft, dialogue, said)
        return self._when(offer, window, replace(draft, window=window.id), dialogue, said)

    def unclear(self, draft: Draft, dialogue: Dialogue) -> Turn:
        """It was not understood, perhaps a refusal: a bare yes to what follows is asked about once more."""
        turn = self.go(draft, dialogue, say("book_not_understood"))
        after = turn.dialogue.draft
        return replace(turn, dialogue=replace(turn.dialogue, draft=replace(after, doubtful=True))) if after else turn

    def first(self, draft: Draft, dialogue: Dialogue, said: str = "") -> Turn:
        """Begin with what is known: the soonest hall where the sooner is the better, and none was named."""
        if draft.wanted.earliest and not draft.window:
            return self.soonest(draft, dialogue, said)
        return self.go(draft, dialogue, said)

    def soonest(self, draft: Draft, dialogue: Dialogue, said: str = "") -> Turn:
        """Whichever hall has the first free time that fits."""
        offer = self._desk.offer(draft.guide) if draft.guide else None
        firsts = [(first.starts, window.id) for window, first in self._firsts(offer, draft) if first] if offer else []
        return self.go(replace(draft, window=min(firsts)[1]) if firsts else draft, dialogue, said)

    def only_hall(self, draft: Draft) -> str:
        """That there is no other hall to change to; empty where there is."""
        offer = self._desk.offer(draft.guide) if draft.guide else None
        if offer is None or len(offer.windows) != 1:
            return ""
        return say("book_only_hall", name=offer.published.guide.name, hall=offer.windows[0].hall.name)

    def _hall(self, offer: Offer, draft: Draft, dialogue: Dialogue, said: str) -> Turn:
        firsts = self._firsts(offer, draft)
        late = date.max
        ordered = sorted(
            firsts, key=lambda one: (one[0].hall.region != dialogue.region, one[1].starts.date() if one[1] else late)
        )
        question = questions.hall(offer.published.guide, ordered, self._desk.today())
        return ask(question, draft, dialogue, said=said, about=offer.published)

    def _firsts(self, offer: Offer, draft: Draft) -> list[tuple[Window, Slot | None]]:
        """Each window with its first free time that fits, or its first at all."""
        found = []
        read = openings.read_all(self._desk, offer.windows)
        for window in offer.windows:
            free = read[window.id].free(draft.wanted) or read[window.id].free()
            found.append((window, free[0] if free else None))
        return found

    def _when(self, offer: Offer, window: Window, draft: Draft, dialogue: Dialogue, said: str) -> Turn:
        read = openings.read(self._desk, window, draft.wanted.days)
        settled = openings.settle(draft, read, self._desk.today())
        draft, said = settled.draft, "\n".join(filter(None, (said, settled.said)))
        if draft.starts is not None:
            return self._who(offer, window, draft, dialogue, said)
        if settled.instead:
            question = questions.instead(settled.instead, draft.day, self._desk.today())
        else:
            question = self._day_or_time(offer, window, draft, read)
        return ask(question, draft, dialogue, said=said, about=offer.published)

    def _day_or_time(self, offer: Offer, window: Window, draft: Draft, read: Openings) -> Question:
        today = self._desk.today()
        if draft.day and read.free(draft.wanted):
            return questions.time(offer, window, read, draft.wanted, today)
        return questions.day(offer, window, read, draft.wanted, today)

    def _who(self, offer: Offer, window: Window, draft: Draft, dialogue: Dialogue, said: str) -> Turn:
        person = private.unlock(self._desk.vault, draft.person)
        if person.identity and not window.rules.identity:
            person = replace(person, identity="")  # what nobody needs is neither shown nor kept
            draft = self._with(draft, person)
        said = said or draft.trouble
        if not draft.moving and (question := self._open_detail(window, person, dialogue)):
            if _changed(draft, dialogue.draft) or (question.step is Step.NAME and not said):
                when = questions.moment(draft, self._desk.today())
                chosen = say("book_chosen", name=offer.published.guide.name, when=when, hall=window.hall.name)
                said = "\n".join(filter(None, (said, chosen)))
            return ask(question, draft, dialogue, said=said, about=offer.published)
        assert draft.starts is not None
        question = questions.confirm(
            draft, offer.published, window, person, self._desk.today(), remind=self._reminds(draft.starts)
        )
        return ask(question, draft, dialogue, said=said, about=offer.published)

    def _open_detail(self, window: Window, person: Given, dialogue: Dialogue) -> Question | None:
        if not person.name:
            return questions.name(self.last(dialogue))
        if not person.phone:
            return questions.phone()
        return questions.identity() if window.rules.identity and not person.identity else None

    def last(self, dialogue: Dialogue) -> Given | None:
        """Whom the citizen booked for last; nobody where the key of that is gone."""
        with suppress(Unreadable):
            last = self._desk.last_person(dialogue.citizen) if dialogue.citizen else None
            return Given(last.name, last.phone, last.identity) if last else None
        return None

    def _reminds(self, starts: datetime) -> bool:
        """Whether the moment of the reminder is still to come."""
        return datetime.combine(starts.date() - timedelta(days=1), REMINDED_AT, CHINA) > self._desk.now()

    # -- going back, leaving --

    def back(self, draft: Draft, dialogue: Dialogue) -> Turn:
        """Ask the question before once more."""
        person = private.unlock(self._desk.vault, draft.person)
        offer = self._desk.offer(draft.guide) if draft.guide else None
        before = reopened(draft, person, several_halls=bool(offer and len(offer.windows) > 1))
        if before is None:
            return self.go(draft, dialogue, say("book_first_step"))
        draft, known = before
        return self.go(draft if known == person else self._with(draft, known), dialogue)

    def stop(self, dialogue: Dialogue) -> Turn:
        """Leave it; an appointment that was to be moved stays."""
        draft = dialogue.draft
        held = self._mine.one(draft.moving, dialogue) if draft and draft.moving else None
        told = say("book_left")
        if held:
            lost = held.appointment.status is Status.DISPLACED
            told = say(
                f"book_left_{'displaced' if lost else 'change'}", what=slips.short(held.appointment, self._desk.today())
            )
        elif self._mine.all(dialogue):
            told += say("book_left_too")
        return Turn((Answer(Act.BOOK, told),), replace(dialogue, draft=None, choices=()))

    def _without(self, offer: Offer | None, dialogue: Dialogue) -> Turn:
        """The item takes no appointments here: when one can simply come, or whom it is booked with."""
        told = services.book(offer.published, self._lines) if offer else Answer(Act.BOOK, say("withdrawn"))
        return Turn((told,), replace(dialogue, draft=None, choices=()))

    # -- who --

    def use_last(self, draft: Draft, dialogue: Dialogue) -> Turn:
        """Book for whom was booked last."""
        last = self.last(dialogue)
        return (
            self.go(self._with(draft, last), dialogue) if last else self.go(draft, dialogue, say("book_name_unclear"))
        )

    def without(self, field: str, draft: Draft, dialogue: Dialogue) -> Turn:
        """Ask for a detail once more."""
        person = private.unlock(self._desk.vault, draft.person)
        return self.go(self._with(draft, replace(person, **{field: ""})), dialogue)

    def _with(self, draft: Draft, person: Given) -> Draft:
        return replace(draft, person=private.lock(self._desk.vault, person))

    def why(self, draft: Draft, dialogue: Dialogue) -> Turn:
        """What the detail asked is for, the way to do without, and the question once more."""
        offer = self._desk.offer(draft.guide) if draft.guide else None
        window = offer.window(draft.window) if offer else None
        phone = say("book_hall_phone", phone=window.hall.phone) if window and window.hall.phone else ""
        return self.go(draft, dialogue, say(f"book_why_{draft.step}", phone=phone))

    # -- booking --

    def submit(self, draft: Draft, dialogue: Dialogue, *, remind: bool) -> Turn:
        """Book, or move; ask on where something is still open or the time is gone."""
        open_ = self.go(draft, dialogue)
        if open_.dialogue.draft is None or open_.dialogue.draft.step is not Step.CONFIRM:
            return open_
        draft = open_.dialogue.draft
        try:
            made = self._move(draft, dialogue) if draft.moving else self._book(draft, dialogue, remind=remind)
        except SlotTaken as error:
            return self._taken(draft, dialogue, str(error))
        except NotBookable as error:
            return self.go(draft.on(None), dialogue, str(error))
        except NotFound as error:
            return refused(error, dialogue)
        except Refused as error:
            return self._refused(draft, dialogue, str(error))
        after = replace(dialogue, draft=None, booked=(draft.key, made.id))
        return self.result(self._desk.held(made.id), after, moved=bool(draft.moving))

    def result(self, held: Held, dialogue: Dialogue, *, moved: bool = False) -> Turn:
        """What was booked; said again however often it is confirmed."""
        one = held.appointment
        told = slips.made(self._desk, held, self._lines, moved=moved, reminded=one.remind and self._reminds(one.starts))
        return Turn((told,), replace(dialogue, draft=None, choices=told.choices))

    def _book(self, draft: Draft, dialogue: Dialogue, *, remind: bool) -> Appointment:
        person = private.unlock(self._desk.vault, draft.person)
        assert draft.guide is not None
        assert draft.starts is not None
        made = self._desk.book(
            draft.guide, draft.window, draft.starts, Person(person.name, person.phone, person.identity),
            owner=dialogue.citizen, key=draft.key, remind=remind,
            address=self._desk.vault.unlock(dialogue.reach) if dialogue.reach else "",
        )  # fmt: skip
        if (made.window, made.starts) == (draft.window, draft.starts):
            return made
        # This draft was booked before its last change, and the citizen never heard of it.
        return self._desk.change(made.id, draft.window, draft.starts, by=dialogue.citizen)

    def _move(self, draft: Draft, dialogue: Dialogue) -> Appointment:
        assert draft.moving is not None
        assert draft.starts is not None
        if self._mine.one(draft.moving, dialogue) is None:
            raise NotFound()
        return self._desk.change(draft.moving, draft.window, draft.starts, by=dialogue.citizen)

    def _taken(self, draft: Draft, dialogue: Dialogue, why: str) -> Turn:
        """Somebody was faster: the nearest times, with all else kept."""
        offer = self._desk.offer(draft.guide) if draft.guide else None
        window = offer.window(draft.window) if offer else None
        moment = draft.starts
        if window is None or moment is None:
            return self.go(draft.on(None), dialogue, why)
        free = openings.read(self._desk, window).near(moment)
        kept = draft.on(moment.date())
        if not free:
            return self.go(draft.on(None), dialogue, why)
        return ask(questions.instead(free, moment.date(), self._desk.today()), kept, dialogue, said=why)

    def _refused(self, draft: Draft, dialogue: Dialogue, why: str) -> Turn:
        """A rule of the hall: another day may do, and one's own appointments may have to go first."""
        offered = (questions.OTHER_DAY, slips.MINE, questions.STOP)
        question = Question(Step.CONFIRM, why, offered)
        return ask(question, draft, dialogue)

    # -- moving --

    def begin_move(self, held: Held, wanted: Wanted | None, dialogue: Dialogue) -> Turn:
        """Another time for an appointment: on its own day where only a time was named."""
        one = held.appointment
        wanted = wanted or WHENEVER
        if not wanted.days and (wanted.at or wanted.begins or wanted.ends):
            wanted = replace(wanted, days=(one.day,))
        draft = replace(new(one.guide, moving=one.id, wanted=wanted), window=one.window)
        return self.go(draft, dialogue, say("book_moving", what=slips.short(one, self._desk.today())))


def _changed(draft: Draft, before: Draft | None) -> bool:
    """Whether day, time, hall or matter are others than before."""
    if before is None:
        return True
    return (draft.guide, draft.window, draft.starts) != (before.guide, before.window, before.starts)
