"""The conversation as WeChat leads it: where it begins, one turn of it, and the texts that its answers make."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.dialogue import Dialogue
from channels.wechat import rendering, targets
from channels.wechat.letters import Incoming, Outgoing
from channels.wechat.places import Homes
from channels.wechat.rating import Ratings, under
from core.types import Act, Answer, Choice, Link, Message, Reply

if TYPE_CHECKING:
    from channels.house import House
    from channels.wechat.office import Counter

AGAIN = "book:again"  # none of a booking's choices: it asks its open question once more
OFFERED = 2 * 3600  # seconds in which a question is asked by its number


class Asking:
    """Conversations of all accounts. `homes` knows the citizens' districts."""

    def __init__(self, house: House, homes: Homes) -> None:
        self._house, self._homes = house, homes
        self.ratings = Ratings(house)

    async def open(self, incoming: Incoming) -> Dialogue | None:
        """What is remembered of the conversation."""
        return await self._house.conversation.remembered(incoming.session)

    async def turn(self, incoming: Incoming, counter: Counter, *, text: str = "", choice: str = "") -> Reply:
        """One turn. Raises Invalid, TooLarge or TooMany, in the citizen's words."""
        text = await self._numbered(incoming, text)
        # One that has begun stays where it went, even outside the account's own region: another would end it.
        begun = await self.open(incoming)
        region = begun.region if begun else await self.region(incoming, counter)
        message = Message(incoming.session, text, choice, region, "wechat", incoming.address)
        reply = await self._house.conversation.turn(message)
        await self.ratings.expect(incoming, reply)
        return reply

    async def offer(self, incoming: Incoming, questions: Sequence[str]) -> None:
        """Let the next message ask one of `questions` by its number."""
        await self._house.cache.set(_hot(incoming), json.dumps(questions), OFFERED)

    async def forget(self, incoming: Incoming) -> None:
        """Nothing that was said is remembered any more."""
        await self._house.conversation.forget(incoming.session)
        await self.ratings.forget(incoming)
        await self._house.cache.delete(_hot(incoming))

    async def region(self, incoming: Incoming, counter: Counter) -> str:
        """The citizen's district, else the account's region."""
        return self.inside(await self._homes.get(incoming.sender), counter) or counter.region

    def inside(self, region: str, counter: Counter) -> str:
        """`region` as the table has it, where it is known and the account serves it; else nothing."""
        regions = self._house.regions
        known = region.isdecimal() and region in regions and regions.within(region, counter.region)
        return regions.canonical(region) if known else ""

    def rendered(self, counter: Counter, reply: Reply, first: str = "") -> Outgoing:
        """`reply` as texts; `first` is said before them, though not before whom to call in danger."""
        answers: Sequence[Answer] = reply.messages
        if first and answers and answers[0].act is not Act.EMERGENCY:
            answers = [replace(answers[0], text=f"{first}\n\n{answers[0].text}"), *answers[1:]]
        parts = rendering.render(answers, lambda link: self._address(counter, link))
        return Outgoing(under(parts, reply))

    async def _numbered(self, incoming: Incoming, text: str) -> str:
        """`text`, or the question whose number it is. Whatever is said or tapped, the numbers count no longer."""
        kept = await self._house.cache.take(_hot(incoming))
        if not kept:
            return text
        offered = Dialogue("", choices=tuple(Choice(one, one) for one in json.loads(kept)))
        picked = offered.picked(text) if offered.counts(text) else None
        return picked.label if picked else text

    def _address(self, counter: Counter, link: Link) -> str | None:
        """The address of a link in a message; None where nothing can be opened there."""
        settings = self._house.settings
        public = settings.public_url.rstrip("/")
        own = link.url.removeprefix(public) if public and link.url.startswith(f"{public}/") else link.url
        if own.startswith("/") and not own.startswith(("/book", "//")):
            return f"{public}{own}" if public else None
        known = targets.link(counter.path, public, own, hosts=settings.wechat_handoff)
        if known or own.startswith("/"):
            return known
        return own if own.startswith(("https://", "http://")) else None


def _hot(incoming: Incoming) -> str:
    return f"wechat:hot:{incoming.sender}"
