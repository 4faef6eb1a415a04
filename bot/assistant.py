"""One understood message and what was said before -> answers, and what to remember. No Rasa and no web in here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.orm import Session, sessionmaker

from bot import answers, facets
from bot.dialogue import Dialogue
from bot.understanding import Understanding, Wish
from bot.wording import say
from core.types import Act, Answer, Choice, Facet, GuideRef, Link
from index.search import Hit, SearchIndex
from knowledge.changes import IndexedGuide
from knowledge.publishing import Published, read, read_faq
from knowledge.regions import Regions
from knowledge.schema import Faq

WIDE = 30  # hits compared where two searches are taken together
MISMATCH = 0.05  # a guide for companies scores this much less for a person who said so, and the reverse
SAME = 0.79  # from this score on a curated question is surely the one asked
EXACT = 0.95  # from this score on the words are the guide's own: no tie can be closer
_NOT_THAT = re.compile(
    r"^不是(?:[^，,。我]{1,8})[，,]\s*(?:我?(?:说|问|要|想办?)的?)?是?|"  # 不是卡，是查社保
    r"^(?:不是|不对|错了|你?(?:搞|弄|说|理解)错了?)[的了吧啊，,。！!\s]*(?:(?:我)?(?:说|问|要|想办)的?(?:是|不是)?)?"
)
_NOT_SO = re.compile(
    r"^不是(?![的了吧啊，,。！!\s我说问要那这]|$|[^，,。]{1,8}[，,]\s*(?:我|说|问|要|想|是))"
)  # 不是本地人能办吗 corrects nothing
_TOLD = re.compile(r"知道|告诉|明白|清楚|懂|了[。！!~]*$")  # 谢谢，知道在哪了 asks nothing
_DIGITS = 9  # of a guide's id, which databases keep in 32 bits
# 从北京转过来, 上海户口, 去香港: the place is where somebody comes from or goes to, not where it is done.
_BETWEEN = (
    r"(?:从|由|自|往|转到?|迁到?|搬到?|嫁到?|原籍|老家在?){0}|{0}(?:的|市|省)?(?:户口|户籍|人|籍|转|迁|回来|过来)"
)
_ABROAD = ("71", "81", "82")  # 台湾, 香港, 澳门: what is asked of them is how to go there
_SHORT = 4  # characters; so short a remark rarely names a new topic


@dataclass(frozen=True, slots=True)
class Lines:
    """The deployment's own telephone lines and name."""

    title: str
    hotline: str
    staff_phone: str
    staff_hours: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What is said, and what is remembered."""

    answers: tuple[Answer, ...]
    dialogue: Dialogue


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
    ) -> None:
        self._index, self._regions, self._reading = index, regions, reading
        self._lines, self._today = lines, today

    def respond(self, text: str, understood: Understanding, dialogue: Dialogue) -> Turn:
        """Answer `text`, which is sealed and normalised."""
        if understood.audience:
            dialogue = replace(dialogue, audience=understood.audience)
        picked = dialogue.picked(text)
        if picked:
            return self.choose(picked.id, dialogue)
        if dialogue.counts(text):
            return self._offer_again((), dialogue)
        match understood.wish:
            case Wish.HUMAN:
                return self._hand_off(text, dialogue)
            case Wish.COMPLAINT:
                return self._complain(text, dialogue)
            case Wish.BOOK:
                return self._book(text, dialogue)
            case Wish.CORRECT:
                return self._correct(text, understood, dialogue)
            case Wish.GREET | Wish.THANKS | Wish.BYE | Wish.OUT_OF_SCOPE as wish:
                return self._small(text, wish, understood, dialogue)
        return self._ask(text, understood.facets, dialogue)

    def choose(self, choice: str, dialogue: Dialogue) -> Turn:
        """Go on with a choice by its id, whether or not it is remembered. Unknown ids are answered with a question."""
        kind, _, rest = choice.partition(":")
        name, _, asked = rest.partition(":")
        wanted = tuple(Facet(one) for one in asked.split("+") if one in set(Facet))
        if kind == "guide" and name.isdecimal() and len(name) <= _DIGITS:
            # A choice of ours answers what was asked before it, weekday and all.
            ours = any(one.id == choice for one in dialogue.choices)
            days = facets.weekdays(dialogue.asked) if ours else ()
            return self._tell(int(name), tuple(dict.fromkeys(wanted)), dialogue, dialogue.asked, weekdays=days)
        if kind == "faq":
            return self._tell_faq(name, dialogue)
        if kind == "human":
            return self._hand_off("", dialogue)
        return Turn((Answer(Act.CLARIFY, say("ask_topic")),), dialogue)

    # -- asking --

    def _ask(self, text: str, wanted: tuple[Facet, ...], dialogue: Dialogue) -> Turn:
        region, text_here, elsewhere = self._region(text, dialogue)
        if elsewhere and not self._index.covers(self._regions.ancestors(elsewhere)):
            hits = self._find(text, dialogue.region, dialogue)
            if self._between(text, elsewhere) and hits and hits[0].score >= self._index.thresholds.answer:
                return self._decide(hits, wanted, dialogue, text)
            names = {"region": self._regions.full_name(elsewhere), "here": self._regions.full_name(dialogue.region)}
            return Turn((Answer(Act.REFUSE, say("other_region", **names)),), dialogue)
        wanted = wanted or ((Facet.HOURS,) if facets.weekdays(text) else ())  # 下周一能办吗
        topic = facets.topic(text_here)
        if not wanted and len(topic) <= _SHORT and (bent := self._bent_to(text_here, topic, dialogue)):
            return self.choose(bent.id, dialogue)
        if len(topic) < 2:
            return self._follow_up(text_here, wanted, replace(dialogue, region=region), moved=region != dialogue.region)
        dialogue = dialogue if elsewhere else replace(dialogue, region=region)
        hits = self._find(text_here, region, dialogue)
        if dialogue.guide and self._stays(hits, topic, dialogue.guide):
            # What led to the guide stays remembered: it is what 那竹溪区呢 asks again.
            return self._tell(dialogue.guide, wanted, dialogue, dialogue.asked, weekdays=facets.weekdays(text))
        return self._decide(hits, wanted, dialogue, text)

    def _follow_up(self, text: str, wanted: tuple[Facet, ...], dialogue: Dialogue, *, moved: bool) -> Turn:
        """A message without a topic of its own is about the guide at hand, if there is one."""
        if moved and dialogue.asked:
            # Only the place was named: ask the same again for there.
            hits = self._find(dialogue.asked, dialogue.region, dialogue)
            return self._decide(hits, wanted or dialogue.facets, dialogue, dialogue.asked)
        if dialogue.choices and wanted:
            return self._offer_again(wanted, dialogue)
        if dialogue.guide:
            return self._tell(
                dialogue.guide, wanted or dialogue.facets, dialogue, dialogue.asked, weekdays=facets.weekdays(text)
            )
        hits = [hit for hit in self._find(text, dialogue.region, dialogue) if isinstance(hit.target, Faq)]
        if hits and hits[0].score >= SAME:
            return self._tell_faq(hits[0].target.code, dialogue)  # type: ignore[union-attr]
        return Turn((Answer(Act.CLARIFY, say("ask_topic"), facets=wanted),), replace(dialogue, facets=wanted))

    def _decide(self, hits: Sequence[Hit], wanted: tuple[Facet, ...], dialogue: Dialogue, asked: str) -> Turn:
        """Answer the best, ask between close ones, or say that nothing fits."""
        rules, most = self._index.thresholds, self._index.rules.choices
        wanted = wanted or dialogue.facets if not dialogue.guide else wanted
        if not hits or hits[0].score < rules.suggest:
            return self._nothing(hits, wanted, dialogue, asked)
        best = hits[0]
        close = [hit for hit in hits[:most] if best.score - hit.score < rules.tie]
        if best.score >= rules.answer and (len(close) == 1 or best.score >= EXACT or isinstance(best.target, Faq)):
            return self._settle(best, wanted, dialogue, asked)
        offered = close if best.score >= rules.answer else [hit for hit in hits[:most] if hit.score >= rules.suggest]
        return self._offer(say("clarify"), offered, wanted, dialogue, asked)

    def _settle(self, hit: Hit, wanted: tuple[Facet, ...], dialogue: Dialogue, asked: str) -> Turn:
        if isinstance(hit.target, Faq):
            return self._tell_faq(hit.target.code, dialogue)
        if len(hit.inside) > 1:
            choices = tuple(
                Choice(_guide_choice(guide, wanted), self._regions.name(guide.region), _cite(guide))
                for guide in hit.inside[:20]
            )
            text = say("which_region", name=hit.target.name)
            return Turn((_offering(text, choices, wanted),), dialogue.offering(choices, wanted, asked))
        return self._tell(hit.target.id, wanted, dialogue, asked, weekdays=facets.weekdays(asked))

    def _offer(self, text: str, hits: Sequence[Hit], wanted: tuple[Facet, ...], dialogue: Dialogue, asked: str) -> Turn:
        choices = tuple(self._choice(hit, wanted) for hit in hits)
        if len(choices) == 1:
            text = say("clarify_one", name=choices[0].label)
            choices += (Choice("human", "不是，转人工"),)
        return Turn((_offering(text, choices, wanted),), dialogue.offering(choices, wanted, asked))

    def _bent_to(self, text: str, topic: str, dialogue: Dialogue) -> Choice | None:
        """The one of several matters offered that a short remark, such as 过期的, makes out of what was asked."""
        offered = {one.guide.id: one for one in dialogue.choices if one.guide}
        if len({one.guide.name for one in offered.values() if one.guide}) < max(2, len(offered)):
            return None
        fits = [hit for hit in self._find(f"{dialogue.asked} {text}", dialogue.region, dialogue) if _id(hit) in offered]
        alone = self._find(text, dialogue.region, dialogue) if len(topic) >= 2 else []
        rules = self._index.thresholds
        if not fits or fits[0].score < rules.answer or (alone and alone[0].score >= fits[0].score):
            return None
        near = len(fits) > 1 and fits[0].score - fits[1].score < rules.tie
        return None if near else offered[_id(fits[0]) or 0]

    def _offer_again(self, wanted: tuple[Facet, ...], dialogue: Dialogue) -> Turn:
        """The same choices once more, for what else is asked of them too."""
        facets_now = tuple(dict.fromkeys((*dialogue.facets, *wanted)))
        choices = tuple(
            replace(one, id=_choice_id(one.guide.id, facets_now)) if one.guide else one for one in dialogue.choices
        )
        offered = dialogue.offering(choices, facets_now, dialogue.asked)
        names = {one.guide.name for one in choices if one.guide}
        # One name means that only the district is open.
        text = say("which_region", name=names.pop()) if len(names) == 1 and len(choices) > 2 else say("clarify")
        return Turn((_offering(text, choices, facets_now),), offered)

    def _nothing(self, hits: Sequence[Hit], wanted: tuple[Facet, ...], dialogue: Dialogue, asked: str) -> Turn:
        hotline = f" {self._lines.hotline} "
        near = [hit for hit in hits[:3] if hit.score >= self._index.thresholds.suggest * 0.8]
        choices = (*(self._choice(hit, wanted) for hit in near), Choice("human", "转人工"))
        text = say("nothing_near" if near else "nothing", hotline=hotline)
        links = (Link(f"拨打 {self._lines.hotline}", f"tel:{self._lines.hotline}"),)
        answer = replace(_offering(text, choices, wanted), act=Act.REFUSE, links=links)
        return Turn((answer,), replace(dialogue.offering(choices, wanted, asked), guide=None))

    def _correct(self, text: str, understood: Understanding, dialogue: Dialogue) -> Turn:
        """The last guide was not the one meant: look again, without it, with what is said now."""
        if _NOT_SO.match(text):
            return self._ask(text, understood.facets, dialogue)
        said = _NOT_THAT.sub("", text).strip("，,。！! ")
        wanted = understood.facets or dialogue.facets
        if picked := dialogue.picked(said):
            return self.choose(picked.id, dialogue)
        if not facets.topic(said):
            return Turn((Answer(Act.CLARIFY, say("ask_topic")),), replace(dialogue, guide=None, choices=()))
        # 公司的, 补办的: a word or two only bend the question asked before.
        short = len(facets.topic(said)) <= _SHORT
        query = f"{said} {dialogue.asked}" if short and dialogue.asked else said
        fresh = replace(dialogue, guide=None, choices=(), facets=())
        hits = self._find(query, dialogue.region, fresh)
        at_hand = self._read(dialogue.guide) if dialogue.guide else None
        if short and at_hand and understood.audience in at_hand.guide.audience and hits and _id(hits[0]) == at_hand.id:
            # The guide serves companies and persons alike: say so, rather than offer what fits less.
            return self._tell(at_hand.id, tuple(dict.fromkeys((Facet.WHICH, *wanted))), dialogue, dialogue.asked)
        said_no = {dialogue.guide, *(choice.guide.id for choice in dialogue.choices if choice.guide)}
        left = [hit for hit in hits if _id(hit) not in said_no]
        alone = [hit for hit in self._find(said, dialogue.region, fresh) if _id(hit) not in said_no]
        if alone and (not left or alone[0].score >= left[0].score):
            left, query = alone, said
        return self._decide(left, wanted, fresh, query)

    # -- telling --

    def _tell(
        self, guide: int, wanted: tuple[Facet, ...], dialogue: Dialogue, asked: str, *, weekdays: tuple[int, ...] = ()
    ) -> Turn:
        published = self._read(guide)
        if published is None:
            return Turn((Answer(Act.CLARIFY, say("withdrawn")),), replace(dialogue, guide=None, choices=()))
        told = answers.answer(
            published,
            answers.Asked(wanted, self._today(), weekdays),
            region_name=self._regions.full_name(published.guide.region),
            hotline=self._lines.hotline,
        )
        here, there = dialogue.region, published.guide.region
        if self._regions.within(there, here) and there != here:
            dialogue = replace(dialogue, region=there)  # the citizen chose a district: stay there
        return Turn((told,), dialogue.about(guide, wanted, asked))

    def _tell_faq(self, code: str, dialogue: Dialogue) -> Turn:
        with self._reading() as session:
            faq = read_faq(session, code)
        if faq is None or not faq.enabled:
            return Turn((Answer(Act.CLARIFY, say("withdrawn")),), replace(dialogue, choices=()))
        related = [one for one in self._index.guides() if one.local_code in faq.guides] if faq.guides else []
        choices = tuple(Choice(_guide_choice(one, ()), one.name, _cite(one)) for one in related[:5])
        source = f"来源：{self._regions.full_name(faq.region)}常见问题《{faq.question}》"
        answer = Answer(Act.ANSWER, f"{faq.answer}\n\n{source}", choices=choices)
        return Turn((answer,), replace(dialogue, choices=choices))

    # -- acts --

    def _hand_off(self, text: str, dialogue: Dialogue) -> Turn:
        lines = self._lines
        published = self._at_hand(text, dialogue)
        consult = answers.consult_phone(published.guide) if published else None
        links = [Link(f"拨打 {lines.staff_phone}", f"tel:{lines.staff_phone}")]
        if published is None or consult is None:
            told = say("handoff", phone=f" {lines.staff_phone} ", hours=lines.staff_hours)
            return Turn((Answer(Act.HANDOFF, told, links=tuple(links)),), replace(dialogue, choices=()))
        guide = published.guide
        told = say(
            "handoff_guide",
            name=guide.name,
            department=guide.department.name,
            consult=consult,
            phone=f" {lines.staff_phone} ",
            hours=lines.staff_hours,
        )
        answer = Answer(Act.HANDOFF, told, guide=answers.ref(published), links=tuple(links))
        return Turn((answer,), replace(dialogue, guide=published.id, choices=()))

    def _complain(self, text: str, dialogue: Dialogue) -> Turn:
        published = self._at_hand(text, dialogue)
        complain = published.guide.complain if published else None
        told = complain and (complain.phone or complain.text or complain.url)
        links = (Link(f"拨打 {self._lines.hotline}", f"tel:{self._lines.hotline}"),)
        if published is None or not told:
            answer = Answer(Act.TICKET, say("ticket", hotline=self._lines.hotline), (Facet.COMPLAINT,), links=links)
            return Turn((answer,), replace(dialogue, choices=()))
        words = say("ticket_guide", name=published.guide.name, complain=told, hotline=self._lines.hotline)
        answer = Answer(Act.TICKET, words, (Facet.COMPLAINT,), guide=answers.ref(published), links=links)
        return Turn((answer,), replace(dialogue, guide=published.id, choices=()))

    def _book(self, text: str, dialogue: Dialogue) -> Turn:
        published = self._at_hand(text, dialogue)
        if published is None:
            told = say("book", hotline=f" {self._lines.hotline} ")
            return Turn((Answer(Act.BOOK, told),), replace(dialogue, choices=()))
        guide, booking = published.guide, published.guide.booking
        where = next((f"地点：{line}。" for line in map(answers.place_line, guide.places) if line), "")
        links: tuple[Link, ...] = ()
        if booking and booking.offered:
            told = say("book_guide", name=guide.name, rule=answers.sentence(booking.rule) if booking.rule else "")
            told += say("book_phone", phone=booking.phone) if booking.phone else ""
            links = (Link("打开预约页面", booking.url),) if booking.url else ()
        elif booking:
            told = say("book_walk_in", name=guide.name, where=where)
        else:
            phone = answers.consult_phone(guide) or self._lines.hotline
            told = say("book_none", name=guide.name, where=where, phone=phone)
        answer = Answer(Act.BOOK, told, guide=answers.ref(published), links=links)
        return Turn((answer,), replace(dialogue, guide=published.id, choices=()))

    def _small(self, text: str, wish: Wish, understood: Understanding, dialogue: Dialogue) -> Turn:
        """A greeting may carry a question, and what sounds out of scope may still have a guide."""
        if len(facets.topic(text)) >= 2:
            hits = self._find(text, dialogue.region, dialogue)
            if hits and hits[0].score >= self._index.thresholds.answer:
                return self._ask(text, understood.facets, dialogue)
        if understood.facets and dialogue.guide and not _TOLD.search(text):
            return self._ask(text, understood.facets, dialogue)
        if wish is Wish.OUT_OF_SCOPE:
            return Turn(
                (Answer(Act.REFUSE, say("out_of_scope", hotline=f" {self._lines.hotline}")),),
                replace(dialogue, choices=()),
            )
        act = Act.GREET if wish is Wish.GREET else Act.SMALLTALK
        return Turn((Answer(act, say(wish.value, title=self._lines.title)),), dialogue)

    # -- finding --

    def _find(self, text: str, region: str, dialogue: Dialogue) -> list[Hit]:
        ancestors = self._regions.ancestors(region)
        hits = self._index.search(text, ancestors, limit=10)
        bare = facets.topic(text)
        if 2 <= len(bare) <= _SHORT and facets.recognise(text):
            # 社保要带什么材料: mostly asking words, which alone would decide what is near.
            hits = _between_both(
                self._index.search(text, ancestors, limit=WIDE), self._index.search(bare, ancestors, limit=WIDE)
            )
        if dialogue.audience is None:
            return hits
        scored = [replace(hit, score=hit.score - (0 if self._suits(hit, dialogue) else MISMATCH)) for hit in hits]
        return sorted(scored, key=lambda hit: -hit.score)

    def _suits(self, hit: Hit, dialogue: Dialogue) -> bool:
        return isinstance(hit.target, Faq) or not hit.target.audience or dialogue.audience in hit.target.audience

    def _stays(self, hits: Sequence[Hit], topic: str, guide: int) -> bool:
        """Whether a message with words of its own is still about the guide at hand."""
        rules = self._index.thresholds
        if not hits:
            return len(topic) <= _SHORT
        current = next((hit for hit in hits if _id(hit) == guide), None)
        if current and hits[0].score - current.score < rules.tie:
            return True
        # Beside a guide, a curated question must be meant word for word.
        needed = SAME if isinstance(hits[0].target, Faq) else rules.answer
        return len(topic) <= _SHORT and hits[0].score < needed

    def _at_hand(self, text: str, dialogue: Dialogue) -> Published | None:
        """The guide a wish is about: the one named with it, else the one talked about, else the only one offered."""
        if len(facets.topic(text)) >= 2:
            hits = self._find(text, dialogue.region, dialogue)
            best = hits[0] if hits else None
            if best and best.score >= self._index.thresholds.answer and isinstance(best.target, IndexedGuide):
                return self._read(best.target.id)
        offered = [choice.guide.id for choice in dialogue.choices if choice.guide]
        return self._read(dialogue.guide or (offered[0] if len(offered) == 1 else 0))

    def _region(self, text: str, dialogue: Dialogue) -> tuple[str, str, str | None]:
        """The region meant, the text without its name, and the region again where it is another city's."""
        named = self._regions.find(text, dialogue.region)
        if not named:
            return dialogue.region, text, None
        region = named[0]
        for name in sorted(
            {self._regions.full_name(region), self._regions.name(region), self._regions.short_name(region)},
            key=len,
            reverse=True,
        ):
            text = text.replace(name, "", 1)
        related = self._regions.within(region, dialogue.region) or self._regions.within(dialogue.region, region)
        if self._regions.within(dialogue.region, region):
            region = dialogue.region  # the city or province around: nothing narrower was said
        return region, text, None if related else region

    def _between(self, text: str, region: str) -> bool:
        """Whether `text` names the region only as where somebody comes from or goes to."""
        names = {self._regions.full_name(region), self._regions.name(region), self._regions.short_name(region)}
        word = f"(?:{'|'.join(re.escape(name) for name in sorted(names, key=len, reverse=True) if name)})"
        return region.startswith(_ABROAD) or bool(re.search(_BETWEEN.format(word), text))

    def _read(self, guide: int) -> Published | None:
        with self._reading() as session:
            published = read(session, guide)
        return published if published and published.visible_on(self._today()) else None

    def _choice(self, hit: Hit, wanted: tuple[Facet, ...]) -> Choice:
        if isinstance(hit.target, Faq):
            return Choice(f"faq:{hit.target.code}", hit.target.question)
        return Choice(_guide_choice(hit.target, wanted), hit.target.name, _cite(hit.target))


def _offering(text: str, choices: tuple[Choice, ...], wanted: tuple[Facet, ...]) -> Answer:
    """A question with its choices; the text holds them too, numbered, for channels without buttons."""
    listed = "\n".join(f"{n}. {choice.label}" for n, choice in enumerate(choices, 1))
    return Answer(Act.CLARIFY, f"{text}\n\n{listed}", facets=wanted, choices=choices)


def _guide_choice(guide: IndexedGuide, wanted: tuple[Facet, ...]) -> str:
    return _choice_id(guide.id, wanted)


def _choice_id(guide: int, wanted: tuple[Facet, ...]) -> str:
    return f"guide:{guide}:{'+'.join(wanted)}"


def _cite(guide: IndexedGuide) -> GuideRef:
    return GuideRef(
        guide.id, guide.local_code, guide.name, guide.department, guide.region, guide.version, guide.verified_at
    )


def _between_both(first: Sequence[Hit], second: Sequence[Hit]) -> list[Hit]:
    """The hits of either search by the mean of their scores, best first; one missed counts as the other's last."""
    if not first or not second:
        return list(first or second)
    scores = [{_key(hit): hit.score for hit in hits} for hits in (first, second)]
    least = [hits[-1].score for hits in (first, second)]
    found = {_key(hit): hit for hit in (*second, *first)}
    mean = {key: sum(s.get(key, low) for s, low in zip(scores, least, strict=True)) / 2 for key in found}
    return sorted((replace(hit, score=mean[key]) for key, hit in found.items()), key=lambda hit: -hit.score)


def _key(hit: Hit) -> int | str:
    return hit.target.id if isinstance(hit.target, IndexedGuide) else hit.target.code


def _id(hit: Hit) -> int | None:
    return hit.target.id if isinstance(hit.target, IndexedGuide) else None
