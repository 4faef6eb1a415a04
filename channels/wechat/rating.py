"""Whether an answer helped: two words under it to tap, or to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from channels.wechat.letters import Incoming, Kind
from channels.wechat.rendering import ROOM, tap
from channels.wechat.wording import say
from core.types import Act, Reply

if TYPE_CHECKING:
    from channels.house import House

WAITS = 2 * 3600  # seconds in which the words alone rate the latest answer
_USEFUL = {"有用": True, "没用": False}
_CHOICES = {"useful": True, "useless": False}  # begin a choice's id, before the key of the turn


class Ratings:
    """Ratings by citizens of all accounts. The latest answer of each is in the shared memory."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def expect(self, incoming: Incoming, reply: Reply) -> None:
        """From now on the words alone rate this reply, or nothing where there is nothing to rate."""
        if rateable(reply):
            await self._house.cache.set(_latest(incoming), reply.turn, WAITS)
        else:
            await self.forget(incoming)

    async def forget(self, incoming: Incoming) -> None:
        """The words alone rate nothing."""
        await self._house.cache.delete(_latest(incoming))

    async def taken(self, incoming: Incoming) -> str | None:
        """What is said to a rating; None for everything else."""
        kind, _, turn = incoming.choice.partition(":")
        useful = _CHOICES.get(kind)
        if useful is None and incoming.kind in (Kind.TEXT, Kind.VOICE) and not incoming.choice:
            useful = _USEFUL.get(incoming.text.rstrip("。"))
            turn = await self._house.cache.get(_latest(incoming)) or "" if useful is not None else ""
        if useful is None or not turn:
            return None
        self._house.journal.rate(turn, incoming.sender, useful)
        return say("rated_useful" if useful else "rated_useless")


def under(parts: tuple[str, ...], reply: Reply) -> tuple[str, ...]:
    """`parts` with the two words to tap under the last, where there is something to rate and room for it."""
    if not parts or not rateable(reply):
        return parts
    words = [tap(word, f"{choice}:{reply.turn}", word) for choice, word in zip(_CHOICES, _USEFUL, strict=True)]
    last = f"{parts[-1]}\n\n{say('rate', words='　'.join(words))}"
    return (*parts[:-1], last) if len(last.encode()) <= ROOM else parts


def rateable(reply: Reply) -> bool:
    """Whether something in it is told from a guide or a curated question."""
    return bool(reply.turn) and any(one.act is Act.ANSWER and (one.guide or one.faq) for one in reply.messages)


def _latest(incoming: Incoming) -> str:
    return f"wechat:rate:{incoming.sender}"
