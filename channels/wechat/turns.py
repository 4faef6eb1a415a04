"""One callback after another: each message makes one turn, in order, and each callback is answered in time.

The platform waits 5 s for a reply and asks up to three times. A reply in time goes back with the callback and costs no
quota. A late one is acknowledged and sent as a customer-service message; where the account may not send those, only
silence has the platform ask again, and what is still not ready at the third try comes with the citizen's next message.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import structlog

from channels.wechat import paging
from channels.wechat.late import Late
from channels.wechat.letters import Incoming, Kind, Outgoing
from channels.wechat.paging import Rest
from channels.wechat.wording import say
from core.cache import Cache
from core.vault import Vault

if TYPE_CHECKING:
    from channels.wechat.office import Office

DEADLINE = 4.5  # seconds a callback takes at most; the platform hangs up after 5
IN_TIME = 4.0  # of these it waits for its reply; the rest is for saying that it comes later
HOLDING = 10.0  # seconds of silence, longer than the platform waits
TRIES = 3  # of the platform
LATE = 120.0  # seconds after which a turn is left to whoever looks for abandoned ones
LEASE = 5  # seconds after which a worker that gives no sign is taken for dead
SIGN = 1.5  # seconds between its signs
LOOK = 0.05  # seconds between looks at what another worker does
WAITING = 10  # messages of one citizen that may stand in line
FORGOTTEN = 2 * 3600  # seconds after which nobody stands in a line any more

log = structlog.get_logger()


class Turns:
    """All accounts' callbacks in this process; what several processes must agree on is in the cache."""

    def __init__(self, office: Office, cache: Cache, vault: Vault, *, kept: int) -> None:
        """`kept` is for how many seconds a reply is the same at every try."""
        self._office, self._cache, self._vault, self._kept = office, cache, vault, kept
        self._rest = Rest(cache, vault)
        self._late = Late(office, cache, self._rest, kept=kept)
        self._worker = secrets.token_hex(8)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._beside: set[asyncio.Task[None]] = set()
        self._doors: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def answer(self, incoming: Incoming, hung_up: Callable[[], Awaitable[bool]]) -> Outgoing:
        """What goes back with this try; the same at every try of a message. `hung_up` asks whether anybody listens."""
        if incoming.kind is Kind.SILENT:
            return Outgoing()
        if alarm := self._office.replies.alarm(incoming):
            self._spawn(self._heard(incoming))
            return alarm
        # Where the shared memory itself takes seconds, an apology in time is better than a reply too late.
        async with asyncio.timeout(DEADLINE):
            tried, outgoing = await self._answered(incoming)
        return outgoing or await self._held(incoming, tried, hung_up)

    async def _answered(self, incoming: Incoming) -> tuple[int, Outgoing | None]:
        """Which try it is, and what is said to it now; None where nothing may be said yet."""
        until = _now() + IN_TIME
        # One by one through the door: however long each is looked up, they stand in line as they came.
        async with self._doors.setdefault(incoming.sender, asyncio.Lock()):
            tried, _ = await self._cache.count(f"wechat:tries:{incoming.key}", self._kept)
            if said := await self._late.said(incoming):
                return tried, said
            if await self._known(incoming) is None:
                await self._begun(incoming)
        if reply := await self._reply(incoming, until - _now()):
            return tried, _passive(reply)
        forbidden = await self._late.forbidden(incoming.appid)
        if forbidden and tried < TRIES:
            return tried, None
        await self._promise(incoming, by_itself=not forbidden)
        return tried, await self._late.said(incoming)

    async def _held(self, incoming: Incoming, tried: int, hung_up: Callable[[], Awaitable[bool]]) -> Outgoing:
        """Silence until the platform hangs up, for then it asks again."""
        if reply := await self._reply(incoming, HOLDING, hung_up):
            return _passive(reply)
        self._spawn(self._not_asked_again(incoming, tried))
        return Outgoing()

    async def go_on(self) -> None:
        """Take up messages that a worker left behind when it ended."""
        for incoming in await asyncio.to_thread(self._office.owed.abandoned):
            with structlog.contextvars.bound_contextvars(sender=incoming.sender):
                log.info("wechat.taken_up")
                self._spawn(self._resume(incoming))

    async def close(self) -> None:
        """Let what is running end: its citizens wait for it."""
        open_ = [*self._running.values(), *self._beside]
        if open_:
            _, late = await asyncio.wait(open_, timeout=IN_TIME)
            for task in late:
                task.cancel()
            if late:  # each leaves its line yet
                await asyncio.wait(late, timeout=LOOK * 10)

    async def _heard(self, incoming: Incoming) -> None:
        """The conversation hears of an emergency in its turn; whom to call does not wait for that."""
        await self._reply(incoming, LATE)

    # -- one reply, however often it is asked for --

    async def _reply(
        self, incoming: Incoming, seconds: float, over: Callable[[], Awaitable[bool]] | None = None
    ) -> Outgoing | None:
        """The reply, made here or elsewhere; None where it takes longer than that, or where `over` says so."""
        until = _now() + seconds
        while True:
            if reply := await self._known(incoming):
                return reply
            task = await self._begun(incoming)
            left = until - _now()
            if left <= 0 or (over and await over()):
                return None
            if task:
                await asyncio.wait({task}, timeout=min(left, LOOK * 10) if over else left)
            else:
                await asyncio.sleep(min(left, LOOK))

    async def _known(self, incoming: Incoming) -> Outgoing | None:
        kept = await self._cache.get(f"wechat:reply:{incoming.key}")
        return Outgoing.load(self._vault.unlock(kept)) if kept else None

    async def _begun(self, incoming: Incoming) -> asyncio.Task[None] | None:
        """The turn, where it is made here; from now on it stands in line."""
        task = self._running.get(incoming.key)
        if task is None and await self._cache.add(f"wechat:claim:{incoming.key}", self._worker, LEASE):
            place = await self._cache.join(_line(incoming), incoming.key, FORGOTTEN)
            task = self._running[incoming.key] = asyncio.create_task(self._run(incoming, place), name="wechat-turn")
            task.add_done_callback(lambda _: self._running.pop(incoming.key, None))
        return task

    async def _run(self, incoming: Incoming, place: int) -> None:
        claim = f"wechat:claim:{incoming.key}"
        try:
            async with self._alive(claim), self._in_line(incoming, place):
                reply = await self._known(incoming)  # who was taken for dead may have made it
                if reply is None:
                    reply = await self._made(incoming) if place <= WAITING else Outgoing((say("too_many"),))
                    await self._cache.set(f"wechat:reply:{incoming.key}", self._vault.lock(reply.dump()), self._kept)
                if await self._late.said(incoming):
                    await self._late.deliver(incoming, reply)
            await self._cache.delete(claim)
        except Exception as error:  # the claim stays until its lease is over: then another try begins anew
            log.error("wechat.turn_failed", reason=type(error).__name__)

    async def _made(self, incoming: Incoming) -> Outgoing:
        """The reply after what is owed from before; 继续 wants nothing but that."""
        await self._office.allowance.grant(incoming)
        if self._office.replies.alarm(incoming):  # answered already: what went out with this would reach nobody
            return await self._office.replies.to(incoming)
        if paging.goes_on(incoming) and (left := await self._left(incoming)):
            reply = Outgoing(paging.joined(left))
        else:
            reply = await self._office.replies.to(incoming)
            if reply.parts and (owed := await self._owed(incoming)):
                reply = Outgoing(paging.joined((say("owed"), *owed, *reply.parts)))
        await self._rest.leave(incoming.sender, reply.parts[1:])
        return reply

    async def _owed(self, incoming: Incoming) -> tuple[str, ...]:
        return await asyncio.to_thread(self._office.owing, incoming)

    async def _left(self, incoming: Incoming) -> tuple[str, ...]:
        return (*await self._owed(incoming), *await self._rest.of(incoming.sender))

    # -- late --

    async def _promise(self, incoming: Incoming, *, by_itself: bool) -> None:
        if not await self._late.promise(incoming, by_itself=by_itself):
            return
        if by_itself:
            self._spawn(self._late.typing(incoming))
        self._spawn(self._resume(incoming))

    async def _not_asked_again(self, incoming: Incoming, tried: int) -> None:
        await asyncio.sleep(HOLDING)
        if await self._cache.get(f"wechat:tries:{incoming.key}") == str(tried):
            await self._promise(incoming, by_itself=False)

    async def _resume(self, incoming: Incoming) -> None:
        reply = await self._reply(incoming, LATE)
        if reply:
            await self._late.deliver(incoming, reply)

    # -- workers --

    @asynccontextmanager
    async def _alive(self, claim: str) -> AsyncIterator[None]:
        """Give signs that this worker lives."""

        over = asyncio.Event()

        async def signs() -> None:
            while not over.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), SIGN)
                    return
                with suppress(Exception):  # where the shared memory is away for a moment, the next sign is in time
                    await self._cache.set(claim, self._worker, LEASE)

        giving = asyncio.create_task(signs())
        try:
            yield
        finally:
            over.set()  # and not by cancelling alone, which a client of the cache may swallow
            giving.cancel()

    @asynccontextmanager
    async def _in_line(self, incoming: Incoming, place: int) -> AsyncIterator[None]:
        """Wait until all earlier messages of the citizen are answered, where there are not too many."""
        line = _line(incoming)
        try:
            while place <= WAITING and (first := await self._cache.first(line)) and first != incoming.key:
                if ours := self._running.get(first):
                    await asyncio.wait({ours})
                elif await self._cache.get(f"wechat:claim:{first}") is None:
                    await self._cache.leave(line, first)  # its worker died
                else:
                    await asyncio.sleep(LOOK)
            yield
        finally:
            await self._cache.leave(line, incoming.key)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._logged(work))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _logged(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            log.error("wechat.beside_failed", reason=type(error).__name__)


def _line(incoming: Incoming) -> str:
    return f"wechat:line:{incoming.sender}"


def _passive(reply: Outgoing) -> Outgoing:
    return Outgoing(paging.cut(reply.parts, 1), reply.staff)


def _now() -> float:
    return asyncio.get_running_loop().time()
