"""One turn: guard -> details locked -> spelling -> Rasa -> reply, with a direct answer wherever Rasa cannot give one in time."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from bot import private
from bot.assistant import Assistant
from bot.dialogue import Dialogue, Turn
from bot.draft import Step
from bot.guard import guard
from bot.observing import Observed, new_key
from bot.understanding import from_words
from bot.wording import say
from core.cache import Cache
from core.errors import Invalid, TooMany
from core.privacy import Sort
from core.types import Act, Answer, Message, Reply
from core.vault import Vault
from index.homophones import corrected
from knowledge.regions import Regions

REMEMBERED = 2 * 3600  # seconds a conversation is remembered after its last turn
MINUTE = 60

TURN = TypeAdapter(Turn)


class Engine(Protocol):
    """What understands a sentence: Rasa behind HTTP, in production and in tests."""

    async def turn(self, sender: str, text: str, dialogue: Dialogue) -> Turn | None:
        """The turn, or None where it could not be had in time. Never raises."""


class Conversation:
    """All conversations of a deployment. Nothing of a message is kept but its sealed words."""

    def __init__(
        self,
        assistant: Assistant,
        regions: Regions,
        cache: Cache,
        engine: Engine | None,
        vault: Vault,
        *,
        region: str,
        longest: int,
        per_minute: int,
        observe: Callable[[Observed], None] = lambda observed: None,
    ) -> None:
        """`vault` locks what is personal; `per_minute` messages a session may send, 0 for any; `observe` is told of each turn."""
        self._assistant, self._regions, self._cache, self._engine = assistant, regions, cache, engine
        self._vault = vault
        self._region, self._longest, self._per_minute, self._observe = region, longest, per_minute, observe

    async def turn(self, message: Message) -> Reply:
        """Answer one message. Raises Invalid, TooLarge or TooMany, in the citizen's words."""
        began, sender = time.perf_counter(), sender_of(message.session)
        await self._limit(sender)
        if bool(message.text.strip()) == bool(message.choice):
            raise Invalid("请发一句话，或者点一个选项。")
        remembered = self._from(message, sender, await self._recall(message.session, message.region))
        if message.choice:
            turn = await asyncio.to_thread(self._assistant.choose, message.choice, remembered)
            return await self._finish(message, turn, "choice", began)
        guarded = guard(message.text, longest=self._longest)
        if guarded.answer:
            return await self._finish(
                message, Turn((guarded.answer,), _doubted(remembered)), "guard", began, guarded.text
            )
        taken = private.take(message.text, remembered, self._vault)
        if taken:
            guarded, remembered = replace(guarded, text=taken.text), taken.dialogue
        turn, path = await self._understand(sender, corrected(guarded.text), remembered)
        kept = taken is not None and bool(remembered.draft or turn.dialogue.draft)
        turn = _noted(turn, taken.noted) if taken and kept else _unkept(turn, guarded.sealed)
        return await self._finish(message, turn, path, began, guarded.text)

    async def remembered(self, session: str) -> Dialogue | None:
        """What is remembered of a conversation; None where it has not begun, or is forgotten."""
        kept = await self._cache.get(f"dialogue:{sender_of(session)}")
        try:
            return Dialogue.load(kept) if kept else None
        except ValidationError:  # written by another version
            return None

    async def move(self, session: str, region: str) -> None:
        """A conversation that has begun goes on in `region`, with all that was said. Raises Invalid."""
        if dialogue := await self.remembered(session):
            moved = replace(dialogue, region=self._known(region))
            await self._cache.set(f"dialogue:{sender_of(session)}", moved.dump(), REMEMBERED)

    async def forget(self, session: str) -> None:
        """Nothing of a conversation is remembered any more."""
        await self._cache.delete(f"dialogue:{sender_of(session)}")

    async def _understand(self, sender: str, text: str, dialogue: Dialogue) -> tuple[Turn, str]:
        if self._engine is not None:
            turn = await self._engine.turn(sender, text, dialogue)
            if turn is not None and turn.answers:
                return turn, "rasa"
        return await asyncio.to_thread(self._assistant.respond, text, from_words(text), dialogue), "direct"

    async def _finish(self, message: Message, turn: Turn, path: str, began: float, asked: str = "") -> Reply:
        sender, key = sender_of(message.session), new_key()
        await self._cache.set(f"dialogue:{sender}", replace(turn.dialogue, given="", reach="").dump(), REMEMBERED)
        self._observe(
            Observed(
                key,
                sender,
                message.channel,
                turn.dialogue.region,
                asked,
                message.choice,
                path,
                turn.answers,
                turn.looks,
                time.perf_counter() - began,
            )
        )
        return Reply(message.session, turn.answers, key)

    async def _limit(self, sender: str) -> None:
        if not self._per_minute:
            return
        sent, left = await self._cache.count(f"rate:{sender}", MINUTE)
        if sent > self._per_minute:
            raise TooMany(left)

    def _from(self, message: Message, sender: str, dialogue: Dialogue) -> Dialogue:
        """The dialogue with whose it is, and where they are reached."""
        reach = self._vault.lock(message.address) if message.address else ""
        return replace(dialogue, citizen=f"{message.channel}:{sender}", reach=reach)

    async def _recall(self, session: str, asked: str | None) -> Dialogue:
        region = self._known(asked)
        dialogue = await self.remembered(session) or Dialogue(region)
        # A portal of another region was opened: what was said before is about elsewhere.
        return dialogue if self._regions.within(dialogue.region, region) else Dialogue(region)

    def _known(self, asked: str | None) -> str:
        if not asked:
            return self._region
        if asked not in self._regions:
            raise Invalid("没有这个区划代码，请检查后再试。")
        return self._regions.canonical(asked)


def _noted(turn: Turn, sorts: tuple[Sort, ...]) -> Turn:
    """The turn, saying first which details were kept of those given unasked; a confirmation shows them anyway."""
    if not sorts or not turn.answers or (turn.dialogue.draft and turn.dialogue.draft.step is Step.CONFIRM):
        return turn
    first, *others = turn.answers
    text = f"{say('book_noted', what='和'.join(sorts))}\n{first.text}"
    return replace(turn, answers=(replace(first, text=text), *others))


def _unkept(turn: Turn, sorts: tuple[str, ...]) -> Turn:
    """The turn, saying last which details were hidden."""
    told = Answer(Act.SMALLTALK, say("sealed", sorts="、".join(sorts)))
    return replace(turn, answers=(*turn.answers, told)) if sorts else turn


def _doubted(dialogue: Dialogue) -> Dialogue:
    """The conversation after something else was talked of: a bare yes no longer books, nor cancels."""
    if dialogue.draft:
        return replace(dialogue, draft=replace(dialogue.draft, doubtful=True))
    return replace(dialogue, choices=tuple(one for one in dialogue.choices if not one.id.startswith("book:drop:")))


def sender_of(session: str) -> str:
    """The name a session has outside the browser: nobody can speak for it by knowing this."""
    return hashlib.sha256(f"bangban:{session}".encode()).hexdigest()[:24]
