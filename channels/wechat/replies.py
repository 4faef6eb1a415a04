"""What each kind of callback is answered with. Whatever goes wrong, the citizen reads a kind sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from bot.choices import HUMAN, offering
from bot.guard import guard
from channels.wechat import paging, places, rendering
from channels.wechat.asking import AGAIN, Asking
from channels.wechat.letters import Incoming, Kind, Outgoing
from channels.wechat.platform import PlatformError
from channels.wechat.speech import transcribed
from channels.wechat.staffing import Staffing, at_desk, wants_back
from channels.wechat.wording import say
from core.errors import BangbanError, Invalid
from core.privacy import mask
from core.types import Act, Answer, Choice, Reply

if TYPE_CHECKING:
    from channels.house import House
    from channels.wechat.office import Counter, Office

ASK = "ask:"  # begins a choice's id, a menu's key or a scene by which the question after it is asked
REGION = "region:"
HOT = 5  # everyday questions in a greeting
_OF_BOT = ("guide:", "faq:", "book:")  # the beginnings of its own choices
_SPOKEN = {Kind.TEXT, Kind.VOICE, Kind.LOCATION, Kind.UNREADABLE}
_KEYED = {Kind.JOINED, Kind.SCANNED, Kind.CLICKED}

log = structlog.get_logger()


class Replies:
    """Answers for all accounts. What is remembered of citizens is in the shared memory."""

    def __init__(self, house: House, office: Office) -> None:
        self._house, self._office = house, office
        self._homes = places.Homes(house.cache)
        self._asking = Asking(house, self._homes)
        self._staffing = Staffing(house.cache, office.allowance)

    async def to(self, incoming: Incoming) -> Outgoing:
        """What goes back. Never raises."""
        return await self._safely(incoming, self._to(incoming))

    def alarm(self, incoming: Incoming) -> Outgoing | None:
        """Whom to call, for who is in danger; None for everybody else."""
        alarm = _alarm(incoming.text) if incoming.kind in (Kind.TEXT, Kind.VOICE) else None
        return Outgoing(rendering.render((alarm,), lambda link: None)) if alarm else None

    async def _safely(self, incoming: Incoming, answering: Awaitable[Outgoing]) -> Outgoing:
        try:
            return await answering
        except BangbanError as error:
            told = str(error)
        except Exception as error:
            log.error("wechat.reply_failed", sender=incoming.sender, kind=incoming.kind, reason=type(error).__name__)
            told = str(BangbanError())
        return apology(incoming, told)

    async def _to(self, incoming: Incoming) -> Outgoing:
        counter = self._office.by_appid(incoming.appid)
        if counter is None:
            return Outgoing()
        if incoming.kind in _KEYED:
            return await self._keyed(incoming, counter)
        if incoming.kind in _SPOKEN:
            return await self._with_staff(incoming, counter) or await self._spoken(incoming, counter)
        match incoming.kind:
            case Kind.STAFF_CAME:
                await self._staffing.came(incoming.sender)
            case Kind.STAFF_WENT:
                await self._staffing.back(incoming.sender)
            case Kind.LEFT:
                await self._forget(incoming)
        return Outgoing()

    # -- what was said --

    async def _spoken(self, incoming: Incoming, counter: Counter) -> Outgoing:
        match incoming.kind:
            case Kind.LOCATION:
                return await self._located(incoming, counter)
            case Kind.VOICE:
                return await self._voiced(incoming, counter)
            case Kind.UNREADABLE:
                return _plain("unreadable")
        if paging.goes_on(incoming):
            return await self._again(incoming, counter)
        if rated := await self._asking.ratings.taken(incoming):
            return Outgoing(rendering.plain(rated))
        return await self._chosen(incoming, counter) or await self._turn(incoming, counter, text=incoming.text)

    async def _chosen(self, incoming: Incoming, counter: Counter, first: str = "") -> Outgoing | None:
        """The answer to a choice, a key or a scene; None for one that is not ours."""
        choice = incoming.choice
        if question := choice.removeprefix(ASK) if choice.startswith(ASK) else "":
            return await self._turn(incoming, counter, text=question, first=first)
        if choice == HUMAN or choice.startswith(_OF_BOT):
            return await self._turn(incoming, counter, choice=choice, first=first)
        if choice.startswith(REGION) and (region := self._asking.inside(choice.removeprefix(REGION), counter)):
            place = places.Place(region, hall=places.hall_of(region, await self._halls()))
            return await self._settled(incoming, counter, place, first + say("place_chosen", region=self._name(region)))
        return None

    async def _again(self, incoming: Incoming, counter: Counter) -> Outgoing:
        """继续, where nothing is left of an answer: a booking asks its question again."""
        dialogue = await self._asking.open(incoming)
        if dialogue and dialogue.draft:
            return await self._turn(incoming, counter, choice=AGAIN)
        return _plain("nothing_left")

    async def _voiced(self, incoming: Incoming, counter: Counter) -> Outgoing:
        text = (incoming.text or await self._heard(incoming, counter)).strip().rstrip("。")
        if not text:
            return _plain("unheard")
        said = replace(incoming, text=text)
        if rated := await self._asking.ratings.taken(said):
            return Outgoing(rendering.plain(rated))
        return await self._safely(said, self._turn(said, counter, text=text, first=say("heard", text=mask(text))))

    async def _heard(self, incoming: Incoming, counter: Counter) -> str:
        """What our own recogniser makes of a recording; empty where there is none."""
        if not incoming.media or not self._house.settings.speech_url:
            return ""
        try:
            content, sort = await counter.platform.recording(incoming.media)
        except PlatformError as error:
            log.warning("wechat.no_recording", sender=incoming.sender, code=error.code)
            return ""
        return await transcribed(content, sort, self._house.settings)

    # -- where they are --

    async def _located(self, incoming: Incoming, counter: Counter) -> Outgoing:
        regions = self._house.regions
        place = places.locate(incoming.text, incoming.position, counter.region, regions, await self._halls())
        if place is None:
            return _plain("place_unclear")
        if not place.inside:
            names = {"region": self._name(place.region), "here": self._name(counter.region)}
            return _plain("place_elsewhere" if place.region else "place_far", **names)
        return await self._settled(incoming, counter, place, say("place", region=self._name(place.region)))

    async def _settled(self, incoming: Incoming, counter: Counter, place: places.Place, first: str) -> Outgoing:
        """The citizen is there from now on; what was open goes on there."""
        await self._homes.settle(incoming.sender, place.region)
        told = places.described(place, first)
        reply = await self._gone_on(incoming, counter, place.region)
        await self._house.conversation.move(incoming.session, place.region)
        if reply:
            return self._asking.rendered(counter, reply, told)
        return Outgoing(rendering.plain(f"{told}\n{say('place_ask')}"))

    async def _gone_on(self, incoming: Incoming, counter: Counter, region: str) -> Reply | None:
        """What the conversation says to a district's name, where it waits for one or speaks of a guide of another."""
        dialogue = await self._asking.open(incoming)
        if dialogue is None or region == counter.region:
            return await self._asking.turn(incoming, counter, choice=AGAIN) if dialogue and dialogue.draft else None
        hall = places.hall_of(region, await self._halls())
        names = [self._house.regions.name(region), hall.name if hall else ""]
        meant = next((name for name in names if dialogue.picked(name)), "")
        if dialogue.draft:
            return await self._asking.turn(incoming, counter, text=meant, choice="" if meant else AGAIN)
        offered = any(one.id != HUMAN for one in dialogue.choices)
        if not dialogue.asked or not (offered or (dialogue.guide and dialogue.region != region)):
            return None
        reply = await self._asking.turn(incoming, counter, text=meant or names[0])
        told = {one.guide.id for one in reply.messages if one.guide}
        return None if dialogue.guide in told else reply  # it is the same there

    # -- menus, scenes, and those who are new --

    async def _keyed(self, incoming: Incoming, counter: Counter) -> Outgoing:
        new = incoming.kind is Kind.JOINED
        first = say("welcome", title=self._title(counter)) if new else ""
        return await self._chosen(incoming, counter, first) or await self._greeting(incoming, counter)

    async def _greeting(self, incoming: Incoming, counter: Counter) -> Outgoing:
        hot = await asyncio.to_thread(self._house.hot, await self._asking.region(incoming, counter))
        questions = [question for question, _ in hot[:HOT]]
        text = f"{say('greet', title=self._title(counter))}\n{say('greet_more')}"
        if not questions:
            return Outgoing(rendering.plain(text))
        await self._asking.offer(incoming, questions)
        offered = offering(f"{text}\n\n{say('greet_hot')}", [Choice(f"{ASK}{one}", one) for one in questions], ())
        return self._asking.rendered(counter, Reply(incoming.session, (replace(offered, act=Act.GREET),)))

    async def _forget(self, incoming: Incoming) -> None:
        """The citizen follows no more."""
        await self._asking.forget(incoming)
        await self._homes.forget(incoming.sender)
        await self._staffing.back(incoming.sender)
        await asyncio.to_thread(self._office.owed.forget, incoming.owner)

    # -- a person --

    async def _with_staff(self, incoming: Incoming, counter: Counter) -> Outgoing | None:
        """On to the person who was called, unless the citizen wants the bot back or is in danger."""
        if not counter.account.staff or not await self._staffing.away(incoming.sender) or _alarm(incoming.text):
            return None
        if not wants_back(incoming.text):
            return Outgoing(staff=counter.account.staff)
        await self._staffing.back(incoming.sender)
        return _plain("staff_back")

    async def _handed_over(self, incoming: Incoming, counter: Counter, reply: Reply) -> Outgoing:
        """To a person where one is there, else `reply`: whom to telephone."""
        staff = counter.account.staff
        if not await at_desk(counter.platform, staff):
            return self._asking.rendered(counter, reply, say("staff_nobody"))
        await self._staffing.called(incoming.sender)
        if incoming.kind not in _SPOKEN:  # only a message can be handed over
            return _plain("staff_ready")
        await self._staffing.announce(incoming, counter.platform)
        return Outgoing(staff=staff)

    # -- one turn --

    async def _turn(
        self, incoming: Incoming, counter: Counter, *, text: str = "", choice: str = "", first: str = ""
    ) -> Outgoing:
        reply = await self._asking.turn(incoming, counter, text=text, choice=choice)
        acts = [one.act for one in reply.messages]
        if acts == [Act.GREET]:  # in the account's name, and with something to begin with
            return await self._greeting(incoming, counter)
        if counter.account.staff and Act.HANDOFF in acts:
            return await self._handed_over(incoming, counter, reply)
        return self._asking.rendered(counter, reply, first)

    async def _halls(self) -> Sequence[places.Hall]:
        return await asyncio.to_thread(self._house.halls)

    def _name(self, region: str) -> str:
        return self._house.regions.full_name(region) if region else ""

    def _title(self, counter: Counter) -> str:
        return self._house.settings.title or f"{self._house.regions.name(counter.region)}帮办"


def apology(incoming: Incoming, told: str) -> Outgoing:
    """`told` where no answer could be made; nothing to what nobody waits for."""
    if incoming.kind not in _SPOKEN | _KEYED:
        return Outgoing()
    # Sent too fast, too long, or while something is broken: who is in danger is told whom to call.
    alarm = _alarm(incoming.text)
    return Outgoing(rendering.plain(alarm.text if alarm else told))


def _alarm(text: str) -> Answer | None:
    """What is said to who is in danger; None for everything else."""
    try:
        answer = guard(text, longest=len(text)).answer
    except Invalid:
        return None
    return answer if answer and answer.act is Act.EMERGENCY else None


def _plain(key: str, **values: str) -> Outgoing:
    return Outgoing(rendering.plain(say(key, **values)))
