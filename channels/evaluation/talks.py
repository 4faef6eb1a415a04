"""Questions put to the real conversation, and what came back."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.understanding import Understanding, Wish, from_words
from channels.evaluation import verdicts
from channels.evaluation.place import Heard, Lab
from channels.evaluation.sets import Asking, Emergency, Expected, Question, Script, Secret, Unanswerable
from channels.evaluation.verdicts import Complete, Curated, Outcome, Verdict
from core.errors import BangbanError
from core.types import Act, Answer, Facet, Message

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with its answer. `named`: a refusal that names the guide meant among the nearest.

    `complete` is of the answer, at once or `after` one choice; None where neither is right.
    """

    question: Question
    said: Answer
    verdict: Verdict
    named: bool = False
    after: bool = False
    complete: Complete | None = None


@dataclass(frozen=True, slots=True)
class Turned:
    """A turn of a script: what was said back, and what was not as expected."""

    script: str
    number: int
    text: str
    said: Answer
    failings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """Whether personal data stayed out of the reply, and out of all that comes past the guard."""

    reply: bool
    beyond: bool


class Talks:
    """Fresh conversations with one house."""

    def __init__(self, lab: Lab, step: Step = lambda: None) -> None:
        self._lab, self._step = lab, step

    async def say(self, text: str = "", session: str = "", choice: str = "") -> tuple[Answer, ...]:
        """What is said back; a message that is not accepted gives one answer that says so."""
        session = session or self._session()
        self._lab.assistant.heard = None
        try:
            reply = await self._lab.conversation.turn(Message(session, text, choice))
        except BangbanError as error:
            return (Answer(Act.ERROR, str(error)),)
        return reply.messages

    async def answers(self, questions: Iterable[Question], curated: Curated) -> list[Answered]:
        """Each question in a conversation of its own, and one choice taken where the right one is offered."""
        return [await self._answer(one, curated) for one in questions]

    async def _answer(self, question: Question, curated: Curated) -> Answered:
        session = self._session()
        said = (await self.say(question.text, session))[0]
        self._step()
        found = verdicts.verdict(said, question, curated)
        choice = verdicts.fitting(said, question)
        if said.act is Act.CLARIFY and choice:
            then = (await self.say(session=session, choice=choice.id))[0]
            right = verdicts.verdict(then, question, curated) is Verdict.RIGHT
            return Answered(
                question, said, found, after=right, complete=verdicts.complete(then, question) if right else None
            )
        right = found is Verdict.RIGHT
        named = found is Verdict.REFUSED and choice is not None
        told = verdicts.complete(said, question) if right else None
        return Answered(question, said, found, named, right, told)

    async def refusals(self, questions: Iterable[Unanswerable]) -> list[tuple[Unanswerable, Answer, Outcome]]:
        """Each unanswerable question in a conversation of its own."""
        found = []
        for one in questions:
            said = (await self.say(one.text))[0]
            found.append((one, said, verdicts.outcome(said)))
            self._step()
        return found

    async def emergencies(self, messages: Iterable[Emergency]) -> list[tuple[Emergency, Answer, bool]]:
        """Each message alone, and whether the right number was told."""
        found = []
        for one in messages:
            said = (await self.say(one.text))[0]
            found.append((one, said, verdicts.called(said, one)))
            self._step()
        return found

    async def dialogues(self, scripts: Iterable[Script]) -> list[Turned]:
        """Every turn of every script, also after one that went wrong: so would a citizen go on."""
        found: list[Turned] = []
        for script in scripts:
            session = self._session()
            for number, (text, expected) in enumerate(script.turns, 1):
                found.append(await self._turn(script.id, number, text, expected, session))
            self._step()
        return found

    async def _turn(self, script: str, number: int, text: str, expected: Expected, session: str) -> Turned:
        said = await self.say(text, session)
        return Turned(script, number, text, said[0], tuple(verdicts.failings(said, expected)))

    async def facets(self, messages: Iterable[Asking]) -> list[tuple[Asking, bool, bool]]:
        """Whether each facet is understood by words alone, and by the conversation as it runs here."""
        found = []
        for one in messages:
            await self.say(one.text)
            heard = self._lab.assistant.heard
            words = heard is not None and understands(from_words(heard.text), one.facet)
            ours = heard is not None and understands(heard.understood, one.facet)
            found.append((one, words, ours))
            self._step()
        return found

    async def private(self, messages: Iterable[Secret]) -> list[tuple[Secret, Kept]]:
        """Whether each private piece is in no reply and in nothing that Rasa or the memory is given."""
        found = []
        for one in messages:
            session = self._session()
            said = [*await self.say(one.text, session)]
            beyond = [self._lab.assistant.heard]
            said += await self.say("那要带什么", session)  # what is remembered may come back a turn later
            beyond.append(self._lab.assistant.heard)
            found.append((one, Kept(_lacks(map(verdicts.told, said), one), _lacks(map(_all_of, beyond), one))))
            self._step()
        return found

    def _session(self) -> str:
        return f"evaluation-{uuid.uuid4().hex}"  # also not another part's: the house remembers what was said there


def understands(understood: Understanding, facet: str) -> bool:
    """Whether `facet` is among what is understood to be asked. Nothing but a matter asks how; a complaint is a wish."""
    if facet == Facet.COMPLAINT:
        return understood.wish is Wish.COMPLAINT or Facet.COMPLAINT in understood.facets
    if facet == Facet.HOW and not understood.facets:
        return understood.wish is Wish.ASK
    return facet in understood.facets


def through_rasa(taken: Counter[str] | dict[str, int]) -> float:
    """The share of understood messages that Rasa understood; choices and guarded messages need no understanding."""
    by_rasa, directly = taken.get("rasa", 0), taken.get("direct", 0)
    return by_rasa / max(1, by_rasa + directly)


def _lacks(texts: Iterable[str], secret: Secret) -> bool:
    seen = [verdicts.squeezed(text) for text in texts]
    pieces: Sequence[str] = [verdicts.squeezed(piece) for piece in secret.pieces]
    return not any(piece in text for piece in pieces for text in seen)


def _all_of(heard: Heard | None) -> str:
    return heard.text + heard.dialogue.dump() if heard else ""
