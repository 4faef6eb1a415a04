"""One understood message and what was said before -> answers, and what to remember. No Rasa and no web in here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy.orm import Session, sessionmaker

from bot import answers, choices, context, facets, looks, services
from bot.booking.talk import Booking, without_ours
from bot.choices import HUMAN, offering
from bot.dialogue import Dialogue, Turn
from bot.finding import Finder, guide_of, naming
from bot.parts import Asked
from bot.services import Lines
from bot.understanding import Understanding, Wish, about
from bot.wording import say
from core.types import Act, Answer, Choice, Facet
from desk.front import FrontDesk
from index.search import Hit, SearchIndex
from knowledge.changes import IndexedGuide
from knowledge.regions import Regions
from knowledge.schema import Faq

_NOT_THAT = re.compile(
    # 不是卡，是查社保: what is not meant is named first.
    r"^不是(?:[^，,。我]{1,8})[，,]\s*(?:我?(?:说|问|要|想办?)的?)?是?|"
    # 不对，我问的是驾驶证; 你搞错了
    r"^(?:不是|不对|错了|你?(?:搞|弄|说|理解)错了?)[的了吧啊，,。！!\s]*(?:(?:我)?(?:说|问|要|想办)的?(?:是|不是)?)?"
)
_NOT_BUT = re.compile(r"^(?:我?(?:说|问|要)的?)?是([^，。]+)，(?:可|并)?不是[^，。]+$")  # 是公司的，不是个人的
_NOT_SO = re.compile(  # 不是本地人能办吗 corrects nothing
    r"^不是(?![的了吧啊，,。！!\s我说问要那这]|$|[^，,。]{1,8}[，,]\s*(?:我|说|问|要|想|是))"
)
_OF_IT = re.compile(r"[那这](?:个|张|本|种|份)")  # 第一次申请那个证
_TOLD = re.compile(r"知道|告诉|明白|清楚|懂|了[。！!~]*$")  # 谢谢，知道在哪了 asks nothing
_OF_COMPLAINTS = re.compile(r"投诉|举报|调解|复议|申诉|控告|检举|信访")
_SERVICES: dict[Wish, services.Service] = {
    Wish.HUMAN: services.hand_off,
    Wish.COMPLAINT: services.complain,
    Wish.BOOK: services.book,
}
_NEAREST = 3  # named where nothing fits
_REGIONS = 20  # offered where only the region is open
_RELATED = 5  # guides offered with a curated question


class Assistant:
    """Finds the guide that is meant and says what it states. Thread-safe; reads the truth anew each turn."""

    def __init__(
        self,
        index: SearchIndex,
        regions: Regions,
        reading: sessionmaker[Session],
        lines: Lines,
        *,
        today: Callable[[], date],
        desk: FrontDesk | None = None,
        finder: Finder | None = None,
    ) -> None:
        """Without a desk nothing is booked: it is said how booking goes. `finder` may look elsewhere than in `index`."""
        self._finder = finder or Finder(index, regions, reading, today=today)
        self._regions, self._lines = regions, lines
        self._booking = Booking(desk, self._finder, regions, lines, self) if desk else None

    def respond(self, text: str, understood: Understanding, dialogue: Dialogue) -> Turn:
        """Answer `text`, which is sealed and normalised."""
        with looks.gathering() as seen:
            booked = self._booking.respond(text, understood, dialogue) if self._booking else None
            turn = booked or self.answer(text, understood, without_ours(dialogue))
        return replace(turn, looks=seen())

    def choose(self, choice: str, dialogue: Dialogue) -> Turn:
        """Go on with a choice by its id, whether or not it is remembered. Unknown ids are answered with a question."""
        with looks.gathering() as seen:
            booked = self._booking.choose(choice, dialogue) if self._booking else None
            turn = booked or self.take(choice, dialogue)
        return replace(turn, looks=seen())

    def answer(self, text: str, understood: Understanding, dialogue: Dialogue) -> Turn:
        """Answer `text` where it is no step of a booking."""
        if understood.audience:
            dialogue = replace(dialogue, audience=understood.audience)
        if picked := dialogue.picked(text):
            return self.choose(picked.id, dialogue)
        if dialogue.counts(text):
            return self._offer_again((), dialogue)
        if question := self._curated(text, understood.wish, dialogue):
            return self._tell_faq(question, dialogue)
        match understood.wish:
            case Wish.COMPLAINT if self._is_matter(text, dialogue):
                return self._ask(text, understood.facets, dialogue)
            case Wish.HUMAN | Wish.COMPLAINT | Wish.BOOK as wish:
                return self._serve(wish, text, dialogue)
            case Wish.CORRECT:
                return self._correct(text, understood, dialogue)
            case Wish.GREET | Wish.THANKS | Wish.BYE | Wish.OUT_OF_SCOPE as wish:
                return self._small(text, wish, understood, dialogue)
        return self._ask(text, understood.facets, dialogue)

    def take(self, choice: str, dialogue: Dialogue) -> Turn:
        """Go on with a choice that is no step of a booking."""
        chosen = choices.read(choice)
        if chosen.guide is not None:
            # A choice of ours answers what was asked before it, weekday and all.
            ours = any(one.id == choice for one in dialogue.choices)
            return self._tell(
                chosen.guide, chosen.facets, dialogue, dialogue.asked, when=dialogue.asked if ours else ""
            )
        if chosen.faq is not None:
            return self._tell_faq(chosen.faq, dialogue)
        if chosen.human:
            return self._serve(Wish.HUMAN, "", dialogue)
        return _clarify("ask_topic", dialogue)

    # -- asking --

    def _curated(self, text: str, wish: Wish, dialogue: Dialogue) -> str | None:
        """The curated question that `text` surely asks: staff have written what is to be said to it.

        A message without a topic of its own, 那要带什么, is about the guide at hand or what was offered. Only word for
        word does it ask one where another city is named, 北京怎么落户, where nothing is asked, 身份证, and where
        something is to be done: 我要投诉 is more than the question where one complains.
        """
        where = self._finder.where(text, dialogue.region)
        topic = facets.topic(where.text)
        if (dialogue.guide or dialogue.choices) and len(topic) < 2:
            return None
        there = dialogue if where.elsewhere else replace(dialogue, region=where.region)
        bare = len(topic) <= facets.SHORT and not facets.recognise(text)
        verbatim = bare or wish in _SERVICES or where.elsewhere is not None
        return self._finder.question(text, there, verbatim=verbatim)

    def _ask(self, text: str, wanted: tuple[Facet, ...], dialogue: Dialogue) -> Turn:
        where = self._finder.where(text, dialogue.region)
        if where.elsewhere and not self._finder.covers(where.elsewhere):
            return self._not_covered(text, where.elsewhere, wanted, dialogue)
        wanted = wanted or ((Facet.HOURS,) if facets.weekdays(text) else ())  # 下周一能办吗
        topic = facets.topic(where.text)
        if not wanted and len(topic) <= facets.SHORT and (bent := self._bent_to(where.text, topic, dialogue)):
            return self.choose(bent.id, dialogue)
        if turn := self._from_before(where.text, wanted, dialogue, text):
            return turn
        there = replace(dialogue, region=where.region)
        if len(topic) < 2:
            return self._follow_up(where.text, wanted, there, moved=where.region != dialogue.region)
        hits = self._finder.find(where.text, there)
        dialogue = dialogue if where.elsewhere else there
        if dialogue.guide and self._finder.stays(hits, where.text, dialogue):
            # What led to the guide stays remembered: it is what 那竹溪区呢 asks again.
            return self._tell(dialogue.guide, wanted, dialogue, dialogue.asked, when=text)
        if turn := self._with_before(hits, wanted, dialogue, text):
            return turn
        return self._decide(hits, wanted, dialogue, text)

    # -- leaning on what was said before --

    def _from_before(self, bare: str, wanted: tuple[Facet, ...], dialogue: Dialogue, text: str) -> Turn | None:
        """The answer to a message that goes back to an earlier matter, or asks the same of another one."""
        if dialogue.earlier and context.goes_back(bare):
            return self._back(wanted, dialogue, text)
        other = None if wanted else context.instead(bare)
        published = self._finder.guide(dialogue.guide) if other and dialogue.guide else None
        return self._instead(other, published.guide.name, dialogue) if other and published else None

    def _back(self, wanted: tuple[Facet, ...], dialogue: Dialogue, text: str) -> Turn | None:
        """刚才讲的津贴那个: what fits best of all that was talked about."""
        told = dict(dialogue.leaving().earlier)
        known = [self._finder.guide(guide) for guide in told]
        names = [one.guide.name if one else "" for one in known]
        at = context.meant_before(text, [f"{asked}{name}" for asked, name in zip(told.values(), names, strict=True)])
        guide = self._finder.before(context.plain(text), list(told), at, dialogue)
        return self._tell(guide, wanted, dialogue, told[guide], when=text) if guide is not None else None

    def _instead(self, other: str, name: str, dialogue: Dialogue) -> Turn | None:
        """那护照呢: the same is asked of what is named, done in the way of the guide at hand."""
        alone = self._finder.find(other, dialogue) if len(facets.topic(other)) >= 2 else []
        query = f"{other}{name}"
        others = [hit for hit in self._finder.find(query, dialogue) if guide_of(hit) != dialogue.guide]
        fits = [hit for hit in others if context.names(hit.text, other)]
        rules, most = self._finder.thresholds, fits[0].score if fits else 0.0
        if alone and alone[0].score >= max(rules.answer, most):
            same = guide_of(alone[0]) == dialogue.guide
            return None if same else self._decide(alone, dialogue.facets, dialogue, other)
        return self._settle(fits[0], dialogue.facets, dialogue, query) if most >= rules.suggest else None

    def _with_before(
        self, hits: Sequence[Hit], wanted: tuple[Facet, ...], dialogue: Dialogue, text: str
    ) -> Turn | None:
        """What fits nothing by itself may add to what was asked before: 就是普通的有限公司，要带些什么."""
        rules = self._finder.thresholds
        unsure = rules.same if wanted and dialogue.guide else rules.suggest
        if not hits or hits[0].score >= unsure:
            return None
        joined = self._finder.leaning(text, dialogue)
        if not joined or joined[0].score < rules.answer:
            return None
        if wanted and dialogue.guide and self._finder.among_best(joined, dialogue.guide):
            return self._tell(dialogue.guide, wanted, dialogue, dialogue.asked, when=text)
        if hits[0].score >= rules.suggest:
            return None
        return self._decide(joined, wanted or dialogue.facets, dialogue, f"{dialogue.asked}，{text}")

    # -- asking, where only the place or the facet is said --

    def _not_covered(self, text: str, elsewhere: str, wanted: tuple[Facet, ...], dialogue: Dialogue) -> Turn:
        """Another city has no guides here, but somebody may only come from there."""
        if context.instead(text):
            wanted = wanted or dialogue.facets  # 那台湾通行证呢
        if self._finder.passing(text, elsewhere):
            hits = self._finder.find(text, dialogue)
            if hits and hits[0].score >= self._finder.thresholds.answer:
                return self._decide(hits, wanted, dialogue, text)
        names = {"region": self._regions.full_name(elsewhere), "here": self._regions.full_name(dialogue.region)}
        return _turn(Answer(Act.REFUSE, say("other_region", **names)), dialogue)

    def _follow_up(self, text: str, wanted: tuple[Facet, ...], dialogue: Dialogue, *, moved: bool) -> Turn:
        """A message without a topic of its own is about the guide at hand, if there is one."""
        if moved and dialogue.asked:
            # Only the place was named: ask the same again for there.
            hits = self._finder.find(dialogue.asked, dialogue)
            return self._decide(hits, wanted or dialogue.facets, dialogue, dialogue.asked)
        if dialogue.choices and wanted:
            return self._offer_again(wanted, dialogue)
        if dialogue.guide:
            return self._tell(dialogue.guide, wanted or dialogue.facets, dialogue, dialogue.asked, when=text)
        if question := self._finder.question(text, dialogue):
            return self._tell_faq(question, dialogue)
        return _clarify("ask_topic", replace(dialogue, facets=wanted), wanted)

    def _decide(self, hits: Sequence[Hit], wanted: tuple[Facet, ...], dialogue: Dialogue, asked: str) -> Turn:
        """Answer the best, ask between close ones, or say that nothing fits."""
        rules, shown = self._finder.thresholds, hits[: self._finder.most]
        if not dialogue.guide:
            wanted = wanted or dialogue.facets
        missing = self._finder.missing(asked, hits)
        if missing or not hits or hits[0].score < rules.suggest:
            return self._nothing(hits, wanted, dialogue, asked, missing)
        best = hits[0]
        close = [hit for hit in shown if best.score - hit.score < rules.spread and hit.score >= rules.near]
        if len(named := naming(asked, close)) > 1 and not wanted and best.score < rules.exact:
            return self._offer(named, wanted, dialogue, asked)
        alone = len(hits) == 1 or best.score - hits[1].score >= rules.tie or isinstance(best.target, Faq)
        if best.score >= rules.exact or (best.score >= rules.answer and alone):
            return self._settle(best, wanted, dialogue, asked)
        return self._offer(close, wanted, dialogue, asked)

    def _settle(self, hit: Hit, wanted: tuple[Facet, ...], dialogue: Dialogue, asked: str) -> Turn:
        if isinstance(hit.target, Faq):
            return self._tell_faq(hit.target.code, dialogue)
        if len(hit.inside) <= 1:
            return self._tell(hit.target.id, wanted, dialogue, asked, when=asked)
        offered = tuple(
            choices.of_guide(guide, wanted, self._regions.name(guide.region)) for guide in hit.inside[:_REGIONS]
        )
        answer = offering(say("which_region", name=hit.target.name), offered, wanted)
        return _turn(answer, dialogue.offering(offered, wanted, asked))

    # -- offering --

    def _offer(self, hits: Sequence[Hit], wanted: tuple[Facet, ...], dialogue: Dialogue, asked: str) -> Turn:
        offered = tuple(choices.of_hit(hit, wanted) for hit in hits)
        text = say("clarify")
        if len(offered) == 1:
            text = say("clarify_one", name=offered[0].label)
            offered += (Choice(HUMAN, "不是，转人工"),)
        return _turn(offering(text, offered, wanted), dialogue.offering(offered, wanted, asked))

    def _offer_again(self, wanted: tuple[Facet, ...], dialogue: Dialogue) -> Turn:
        """The same choices once more, for what else is asked of them too."""
        wanted = tuple(dict.fromkeys((*dialogue.facets, *wanted)))
        offered = tuple(choices.asking(one, wanted) for one in dialogue.choices)
        names = {one.guide.name for one in offered if one.guide}
        # One name means that only the district is open.
        text = say("which_region", name=names.pop()) if len(names) == 1 and len(offered) > 2 else say("clarify")
        return _turn(offering(text, offered, wanted), dialogue.offering(offered, wanted, dialogue.asked))

    def _bent_to(self, text: str, topic: str, dialogue: Dialogue) -> Choice | None:
        """The one of several matters offered that a short remark, such as 过期的, makes out of what was asked."""
        offered = {one.guide.id: one for one in dialogue.choices if one.guide}
        if len({one.guide.name for one in offered.values() if one.guide}) < max(2, len(offered)):
            return None
        bent = self._finder.bent(text, topic, set(offered), dialogue)
        return offered[bent] if bent else None

    def _nothing(
        self, hits: Sequence[Hit], wanted: tuple[Facet, ...], dialogue: Dialogue, asked: str, missing: str | None
    ) -> Turn:
        """Nothing fits, or what is meant is an item that no guide here carries out: say so, and name the nearest."""
        near = [hit for hit in hits[:_NEAREST] if hit.score >= self._finder.thresholds.near]
        offered = (*(choices.of_hit(hit, wanted) for hit in near), Choice(HUMAN, "转人工"))
        key = f"{'missing' if missing else 'nothing'}{'_near' if near else ''}"
        text = say(key, name=missing or "", hotline=f" {self._lines.hotline} ")
        answer = offering(text, offered, wanted)
        answer = replace(answer, act=Act.REFUSE, links=(services.call(self._lines.hotline),))
        return _turn(answer, replace(dialogue.offering(offered, wanted, asked).leaving(), guide=None))

    # -- correcting --

    def _correct(self, text: str, understood: Understanding, dialogue: Dialogue) -> Turn:
        """The last guide was not the one meant: look again, without it, with what is said now."""
        if _NOT_SO.match(text):
            return self._ask(text, understood.facets, dialogue)
        said = text
        while said != (rest := _NOT_THAT.sub("", said).strip("，,。！! ")):
            said = rest  # 搞错了，不是补，是换
        said = _NOT_BUT.sub(r"\1", said)
        if picked := dialogue.picked(said):
            return self.choose(picked.id, dialogue)
        if not facets.topic(said):
            return _clarify("ask_topic", replace(dialogue, guide=None, choices=()))
        return self._look_again(said, understood, dialogue)

    def _look_again(self, said: str, understood: Understanding, dialogue: Dialogue) -> Turn:
        wanted = understood.facets or dialogue.facets
        fresh = replace(dialogue, guide=None, choices=(), facets=())
        # 公司的, 补办的: a word or two only bend the question asked before.
        bends = len(facets.topic(said)) <= facets.SHORT or bool(_OF_IT.search(said))
        query = f"{said} {dialogue.asked}" if bends and dialogue.asked else said
        hits = self._finder.find(query, fresh)
        if bends and dialogue.guide and self._serves(dialogue.guide, understood, hits):
            # The guide serves companies and persons alike: say so, rather than offer what fits less.
            wanted = tuple(dict.fromkeys((Facet.WHICH, *wanted)))
            return self._tell(dialogue.guide, wanted, dialogue, dialogue.asked)
        said_no = {dialogue.guide, *(choice.guide.id for choice in dialogue.choices if choice.guide)}
        left = [hit for hit in hits if guide_of(hit) not in said_no]
        alone = [hit for hit in self._finder.find(said, fresh) if guide_of(hit) not in said_no]
        agreed = left and alone and guide_of(left[0]) == guide_of(alone[0])
        plain = agreed and alone[0].score >= self._finder.thresholds.answer
        if alone and (not left or plain or alone[0].score >= left[0].score):
            return self._decide(alone, wanted, fresh, said)
        return self._decide(left, wanted, fresh, query)

    def _serves(self, guide: int, understood: Understanding, hits: Sequence[Hit]) -> bool:
        """Whether the guide at hand is for the audience named too, and still what fits best."""
        if not hits or guide_of(hits[0]) != guide:
            return False
        published = self._finder.guide(guide)
        return published is not None and understood.audience in published.guide.audience

    # -- telling --

    def _tell(self, guide: int, wanted: tuple[Facet, ...], dialogue: Dialogue, asked: str, *, when: str = "") -> Turn:
        """What the guide states; `asked` is remembered as what led to it, `when` may name weekdays."""
        published = self._finder.guide(guide)
        if published is None:
            return _clarify("withdrawn", replace(dialogue, guide=None, choices=()))
        here, there = dialogue.region, published.guide.region
        told = answers.answer(
            published,
            Asked(wanted, facets.weekdays(when)),
            region_name=self._regions.full_name(there),
            hotline=self._lines.hotline,
        )
        if self._regions.within(there, here) and there != here:
            dialogue = replace(dialogue, region=there)  # the citizen chose a district: stay there
        return _turn(told, dialogue.about(guide, wanted, asked))

    def _tell_faq(self, code: str, dialogue: Dialogue) -> Turn:
        found = self._finder.faq(code, dialogue.region)
        if found is None:
            return _clarify("withdrawn", replace(dialogue, choices=()))
        faq, guides = found
        related = tuple(choices.of_guide(one, (), self._told_apart(one, guides)) for one in guides[:_RELATED])
        source = f"来源：{self._regions.full_name(faq.region)}常见问题《{faq.question}》"
        answer = Answer(Act.ANSWER, f"{faq.answer}\n\n{source}", choices=related, faq=code)
        return _turn(answer, replace(dialogue, choices=related))

    def _told_apart(self, guide: IndexedGuide, guides: Sequence[IndexedGuide]) -> str:
        """The guide's name, with its region's where several are called the same."""
        same = sum(one.name == guide.name for one in guides) > 1
        return f"{guide.name}（{self._regions.name(guide.region)}）" if same else guide.name

    # -- beside guides --

    def _is_matter(self, text: str, dialogue: Dialogue) -> bool:
        """Whether `text` names a matter that is itself about complaints: 政府采购投诉处理."""
        best = next(iter(self._finder.find(text, dialogue)), None)
        if best is None or isinstance(best.target, Faq) or best.score < self._finder.thresholds.answer:
            return False
        return bool(_OF_COMPLAINTS.search(best.target.name))

    def _serve(self, wish: Wish, text: str, dialogue: Dialogue) -> Turn:
        answer = _SERVICES[wish](self._finder.meant(about(wish, text), dialogue), self._lines)
        guide = answer.guide.id if answer.guide else dialogue.guide
        return _turn(answer, replace(dialogue, guide=guide, choices=()))

    def _small(self, text: str, wish: Wish, understood: Understanding, dialogue: Dialogue) -> Turn:
        """A greeting may carry a question, and what sounds out of scope may still have a guide."""
        if len(facets.topic(text)) >= 2:
            hits = self._finder.find(text, dialogue)
            if hits and hits[0].score >= self._finder.thresholds.answer:
                return self._ask(text, understood.facets, dialogue)
        if understood.facets and dialogue.guide and not _TOLD.search(text):
            return self._ask(text, understood.facets, dialogue)
        if wish is Wish.OUT_OF_SCOPE:
            told = say("out_of_scope", hotline=f" {self._lines.hotline}")
            return _turn(Answer(Act.REFUSE, told), replace(dialogue, choices=()))
        act = Act.GREET if wish is Wish.GREET else Act.SMALLTALK
        return _turn(Answer(act, say(wish.value, title=self._lines.title)), dialogue)


def _turn(answer: Answer, dialogue: Dialogue) -> Turn:
    return Turn((answer,), dialogue)


def _clarify(key: str, dialogue: Dialogue, wanted: tuple[Facet, ...] = ()) -> Turn:
    return _turn(Answer(Act.CLARIFY, say(key), facets=wanted), dialogue)
