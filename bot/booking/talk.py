"""What a citizen says while booking, and which step of the flow it means. Words decide, in any intent."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from bot import private, services
from bot.booking import questions, slips, words
from bot.booking.choosing import PREFIX, Choosing
from bot.booking.flow import Flow
from bot.booking.matters import Matter, Matters
from bot.booking.mine import Mine
from bot.booking.own import Own
from bot.choices import offering
from bot.dialogue import Dialogue, Turn
from bot.draft import WHENEVER, Draft, Step, new
from bot.finding import Finder
from bot.services import Lines
from bot.times import Wanted, wanted
from bot.understanding import Understanding, Wish, from_words
from bot.wording import say
from core.types import Act, Answer, Choice, Facet
from desk.front import FrontDesk
from knowledge.regions import Regions

_TIMED = (Facet.HOURS, Facet.TIME)


class Ordinary(Protocol):
    """Whatever answers what is not about booking."""

    def answer(self, text: str, understood: Understanding, dialogue: Dialogue) -> Turn:
        """The turn for a message."""

    def take(self, choice: str, dialogue: Dialogue) -> Turn:
        """The turn for a choice."""


class Booking:
    """The assistant hands every message here first; None comes back where it is not about booking."""

    def __init__(self, desk: FrontDesk, finder: Finder, regions: Regions, lines: Lines, ordinary: Ordinary) -> None:
        self._desk, self._finder, self._regions, self._lines, self._ordinary = desk, finder, regions, lines, ordinary
        self._matters = Matters(desk, finder, regions)
        self._mine = Mine(desk, lines)
        self._flow = Flow(desk, self._mine, lines)
        self._own = Own(self._flow, self._mine, self._matters, desk.today)
        self._choosing = Choosing(self._flow, self._mine, self._matters)

    def respond(self, text: str, understood: Understanding, dialogue: Dialogue) -> Turn | None:
        """The turn for `text`, which is sealed and normalised."""
        if dialogue.draft is not None:
            return self._going(text, understood, dialogue.draft, dialogue)
        if answered := self._mine.answered(text, dialogue):
            return self.choose(answered, dialogue)
        if dialogue.booked and slips.MINE in dialogue.choices and words.says("once_more", text):
            return self.choose(f"{PREFIX}yes:{dialogue.booked[0]}", dialogue)
        # 我的预约 is no 取消预约, though its words are in it.
        asks = words.says("mine", text) and not dialogue.offers(text)
        if not asks and (picked := dialogue.picked(text)):
            return self.choose(picked.id, dialogue)
        return self._own.respond(text, dialogue) or self._begun(private.apart(text), understood, dialogue)

    def choose(self, choice: str, dialogue: Dialogue) -> Turn | None:
        """The turn for a tapped choice; after one of another matter the open question is asked again."""
        draft = dialogue.draft
        if not choice.startswith(PREFIX):
            return self._aside(self._ordinary.take(choice, replace(dialogue, draft=None)), draft) if draft else None
        if choice == questions.ONLINE.id and draft and draft.guide:
            left = replace(dialogue, draft=None, choices=())
            return self._ordinary.take(f"guide:{draft.guide}:{Facet.ONLINE}", left)
        return self._choosing.choose(choice, dialogue)

    # -- beginning --

    def _begun(self, text: str, understood: Understanding, dialogue: Dialogue) -> Turn | None:
        if Wish.BOOK not in (understood.wish, from_words(text).wish) or understood.wish in (Wish.COMPLAINT, Wish.HUMAN):
            return None
        matter = self._matters.named(text, dialogue)
        if matter.elsewhere:
            return Turn((self._not_covered(matter.elsewhere, dialogue),), replace(dialogue, choices=()))
        if not matter.guide and not matter.choices and (offered := self._matters.still_open(dialogue)):
            matter = replace(matter, choices=offered, asked=dialogue.asked)  # 帮我预约, of the districts just offered
        guide = matter.guide or (None if matter.choices else dialogue.guide)
        if words.says("whether", text) and not matter.choices:
            return self._whether(guide, dialogue)
        draft = replace(new(guide, wanted=self._wanted(text) or WHENEVER), person=dialogue.given)
        return self._with_matter(matter, replace(draft, window=self._matters.hall(text, guide, dialogue)), dialogue)

    def _not_covered(self, elsewhere: str, dialogue: Dialogue) -> Answer:
        names = {"region": self._regions.full_name(elsewhere), "here": self._regions.full_name(dialogue.region)}
        return Answer(Act.REFUSE, say("other_region", **names))

    def _with_matter(self, matter: Matter, draft: Draft, dialogue: Dialogue, said: str = "") -> Turn:
        dialogue = replace(dialogue, region=matter.region or dialogue.region)
        if matter.choices:
            # Which hall is meant is known once the guide is; until then the district is kept.
            kept = replace(draft, window=matter.district, offered=matter.choices)
            return self._flow.go(kept, replace(dialogue, asked=matter.asked), said)
        return self._flow.first(draft, self._matters.about(draft.guide, dialogue), said)

    def _whether(self, guide: int | None, dialogue: Dialogue) -> Turn:
        """How booking goes, before anything is booked."""
        published = self._finder.guide(guide) if guide else None
        told = services.book(published, self._lines)
        offer = self._desk.offer(guide) if guide else None
        if offer and offer.windows:
            now = (Choice(f"book:guide:{guide}", "现在预约"),)
            told = replace(told, text=offering(f"{told.text}{say('book_whether_now')}", now, ()).text, choices=now)
        return Turn((told,), replace(self._matters.about(guide, dialogue), choices=told.choices))

    # -- going on --

    def _going(self, text: str, understood: Understanding, draft: Draft, dialogue: Dialogue) -> Turn:
        if not (text := private.apart(text)):
            return self._flow.go(draft, dialogue)
        wish = self._wanted(text)
        turn = (
            (self._picked(text, dialogue) if wish is None or dialogue.offers(text) else None)
            or self._commanded(text, wish, draft, dialogue)
            or self._other_matter(text, draft, dialogue)
            or (self._timed(text, wish, draft, dialogue) if wish else None)
        )
        if turn is None and not self._asks(text):
            turn = self._hall(text, draft, dialogue) or self._unclear(text, understood, draft, dialogue)
        return turn or self._aside(self._answered(text, understood, dialogue), draft)

    def _picked(self, text: str, dialogue: Dialogue) -> Turn | None:
        """A choice by number or words. Not asked where a day or a time is named, unless by a label: 25号 is none."""
        if picked := dialogue.picked(text):
            return self.choose(picked.id, dialogue)
        if dialogue.counts(text) and dialogue.draft:
            return self._flow.go(dialogue.draft, dialogue)
        return None

    def _commanded(self, text: str, wish: Wanted | None, draft: Draft, dialogue: Dialogue) -> Turn | None:
        if draft.moving and words.says("cancel", text) and (held := self._mine.one(draft.moving, dialogue)):
            return self._mine.sure(held, replace(dialogue, draft=None))
        if words.says("stop", text):
            return self._flow.stop(dialogue)
        if turn := self._own.cancel_named(text, replace(dialogue, draft=None)):
            return turn
        if words.says("change_booked", text) and not draft.starts and self._mine.all(dialogue):
            return self._own.change(text, replace(dialogue, draft=None))
        if words.says("mine", text):
            shown = self._mine.show(replace(dialogue, draft=None))
            return self._aside(replace(shown, dialogue=replace(shown.dialogue, choices=())), draft)
        if words.says("back", text):
            return self._flow.back(draft, dialogue)
        if turn := self._of_step(text, draft, dialogue):
            return turn
        return self._changed(text, draft, dialogue) if wish is None else None

    def _of_step(self, text: str, draft: Draft, dialogue: Dialogue) -> Turn | None:
        """What means something at this step alone, or once somebody was named."""
        for field in ("name", "phone", "identity"):
            if draft.person and words.says(f"wrong_{field}", text):
                return self._flow.without(field, draft, dialogue)
        if words.says("venting", text) and not from_words(text).facets:
            return self._flow.go(draft, dialogue, say("book_sorry"))
        match draft.step:
            case Step.NAME if words.says("same", text):
                return self._flow.use_last(draft, dialogue)
            case Step.NAME | Step.PHONE | Step.IDENTITY if words.says("withhold", text) or words.says(
                "why_detail", text
            ):
                return self._flow.why(draft, dialogue)
            case Step.ONLINE if words.says("in_person", text) or from_words(text).wish is Wish.BOOK:
                return self._flow.go(replace(draft, online=True), dialogue)
            case Step.ONLINE if (wish := self._wanted(text)) and not self._asks(text):  # who names a time means to come
                return self._flow.go(replace(draft.wanting(wish), online=True), dialogue)
            case Step.HALL if (wish := self._wanted(text)) and (wish.any or wish.earliest):
                return self._flow.soonest(draft.wanting(wish), dialogue)
            case Step.CONFIRM if words.says("refuse", text):
                return self._flow.go(draft, dialogue, say("book_what_wrong"))
            case Step.CONFIRM if said := _confirmation(text, draft):
                if draft.doubtful and words.says("agree", text) and not words.says("firmly", text):
                    return self._flow.go(draft, dialogue, say("book_again"))
                return self.choose(f"{PREFIX}{said}:{draft.key}", dialogue)
        return self._flow.go(draft, dialogue) if words.says("agree", text) else None

    def _changed(self, text: str, draft: Draft, dialogue: Dialogue) -> Turn | None:
        """Another hall, day or time, without saying which; or a look at what is free."""
        for kind, act in (("other_hall", "halls"), ("other_day", "days"), ("other_time", "times"), ("change", "times")):
            if words.says(kind, text):
                return self.choose(f"{PREFIX}{act}", dialogue)
        return self._flow.go(draft, dialogue) if words.says("slots", text) else None

    def _timed(self, text: str, wish: Wanted, draft: Draft, dialogue: Dialogue) -> Turn | None:
        """A day or a time that is wished for, not only asked about: 周六上班吗 asks for the hours."""
        asked = [facet for facet in from_words(text).facets if facet not in _TIMED]
        whichever = wish.any or wish.earliest  # 随便哪天都行 asks nothing
        meant = words.says("slots", text) or (words.says("that_day", text) and not asked)
        if not meant and (asked or (words.says("asking", text) and not whichever)):
            return None
        placed = self._placed(text, draft, dialogue) or draft
        return self._flow.go(placed.wanting(wish), self._matters.about(placed.guide, dialogue))

    def _hall(self, text: str, draft: Draft, dialogue: Dialogue) -> Turn | None:
        placed = self._placed(text, draft, dialogue)
        if placed is None:
            return None
        return self._flow.go(replace(placed, starts=None), self._matters.about(placed.guide, dialogue))

    def _placed(self, text: str, draft: Draft, dialogue: Dialogue) -> Draft | None:
        """The draft at the hall or in the district that is named, there with that district's own guide."""
        if window := self._matters.hall(text, draft.guide, dialogue):
            return replace(draft, window=window)
        if draft.moving or draft.guide is None:
            return None
        other = self._matters.sibling(text, draft.guide, dialogue)
        return replace(draft, guide=other, window="") if other else None

    def _other_matter(self, text: str, draft: Draft, dialogue: Dialogue) -> Turn | None:
        """The matter that was asked for, or another that is to be booked in its place."""
        words_say, open_ = from_words(text), draft.step is Step.ITEM
        if not open_ and (words_say.wish is not Wish.BOOK or draft.moving):
            return None
        if words_say.wish not in (Wish.ASK, Wish.BOOK, Wish.OUT_OF_SCOPE) or set(words_say.facets) - {Facet.HOW}:
            return None
        if narrowed := self._matters.narrowed(text, draft, dialogue) if open_ else None:
            wishing = draft.wanting(wish) if (wish := self._wanted(text)) else draft
            return self.choose(f"{PREFIX}guide:{narrowed}", replace(dialogue, draft=wishing))
        if draft.offered and words_say.facets and words_say.wish is not Wish.BOOK:
            return None  # matters are offered, and how another is done is a question
        matter = self._matters.named(text, dialogue)
        if matter.choices or (matter.guide and matter.guide != draft.guide):
            wish = self._wanted(text) or draft.wanted
            begun = replace(new(matter.guide, wanted=wish), person=draft.person)
            begun = replace(begun, window=self._matters.hall(text, matter.guide, dialogue))
            return self._with_matter(matter, begun, dialogue, self._dropped(draft))
        if self._wanted(text) or words.says("whether", text):
            return None
        if open_:
            return self._flow.go(draft, dialogue, say("book_item_unknown"))
        return self._flow.unclear(draft, dialogue) if draft.step is Step.CONFIRM else self._flow.go(draft, dialogue)

    def _dropped(self, draft: Draft) -> str:
        """That what was nearly booked is not, when something else is to be booked in its place."""
        old = self._finder.guide(draft.guide) if draft.guide and draft.starts else None
        return say("book_dropped", name=old.guide.name) if old else ""

    def _asks(self, text: str) -> bool:
        understood = from_words(text)
        return bool(understood.facets) or words.says("asking", text) or understood.wish in (Wish.HUMAN, Wish.COMPLAINT)

    # -- between --

    def _answered(self, text: str, understood: Understanding, dialogue: Dialogue) -> Turn:
        """The answer to something else: our choices are none of its business."""
        return self._ordinary.answer(text, understood, replace(without_ours(dialogue), draft=None))

    def _unclear(self, text: str, understood: Understanding, draft: Draft, dialogue: Dialogue) -> Turn | None:
        """What asks nothing and names nothing new is not worth telling the guide at hand once more."""
        if from_words(text).wish not in (Wish.ASK, Wish.CORRECT) or without_ours(dialogue).choices:
            return None
        turn = self._answered(text, understood, dialogue)
        first = turn.answers[0]
        same = first.guide is not None and first.guide.id == dialogue.guide
        if same or (first.act is Act.CLARIFY and not first.choices):
            return self._flow.unclear(draft, dialogue)
        return self._aside(turn, draft)

    def _aside(self, turn: Turn, draft: Draft | None) -> Turn:
        """What was answered in between, and then the open question once more, unless a question of its own is open."""
        if draft is None or turn.dialogue.draft is not None:
            return turn
        if turn.answers and turn.answers[-1].act is Act.CLARIFY and turn.dialogue.choices:
            return replace(turn, dialogue=replace(turn.dialogue, draft=replace(draft, doubtful=True)))
        again = self._flow.go(draft, turn.dialogue)
        first, *more = again.answers
        first = replace(first, text=say("book_resume", question=first.text))
        after = again.dialogue
        if after.draft and turn.answers[0].act in (Act.CLARIFY, Act.REFUSE):  # 我反悔了 finds no guide
            after = replace(after, draft=replace(after.draft, doubtful=True))
        return Turn((*turn.answers, first, *more), after)

    def _wanted(self, text: str) -> Wanted | None:
        return wanted(text, today=self._desk.today())


def without_ours(dialogue: Dialogue) -> Dialogue:
    """The conversation as whatever is not about booking sees it."""
    return replace(dialogue, choices=tuple(one for one in dialogue.choices if not one.id.startswith(PREFIX)))


def _confirmation(text: str, draft: Draft) -> str:
    """What an answer to the last question means: yes with a reminder, quiet without one, or nothing of both."""
    if words.says("quiet", text):
        return "quiet"
    if words.says("remind", text) and not words.says("asking", text):
        return "yes"
    agreed = words.says("agree", text) or (draft.moving and words.says("agree_move", text))
    return "quiet" if agreed else ""
