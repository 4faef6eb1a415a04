"""The desk's notices on WeChat: as a template message, else as a text while one may be sent, else with the next reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from bot import notices
from channels.wechat import fields, rendering
from channels.wechat.letters import Outgoing
from channels.wechat.platform import PlatformError
from core.settings import Template
from core.types import Answer, Link
from desk.appointments import Appointment, NoAppointment
from desk.front import FrontDesk, Held
from desk.outbox import Notice, Undeliverable

if TYPE_CHECKING:
    from channels.house import House
    from channels.wechat.office import Counter, Office

TOGETHER = 60.0  # seconds all calls for one notice may take; less than desk.outbox.LEASE
REMEMBERED = 6 * 3600  # seconds it is known that a notice was sent; longer than desk.outbox tries
# The citizen's window is over, their messages are used up; the template or its fields are wrong. Trying again changes nothing.
LASTING = (45015, 45047, 40037, 47003)

log = structlog.get_logger()


def deliverer(house: House, office: Office) -> Callable[[Notice], None]:
    """What delivers notices of owners `wechat:…`, for channels.rounds.

    It waits for the application's event loop and must not run on it. Raises Undeliverable, PlatformError where another
    time may do, and TimeoutError.
    """
    return _Post(house, office).deliver


@dataclass(frozen=True, slots=True)
class _Letter:
    """A notice in words, and where it goes. `parts` are messages of which each has room for what says how to go on."""

    notice: Notice
    held: Held
    counter: Counter
    openid: str
    parts: tuple[str, ...]
    url: str

    @property
    def sender(self) -> str:
        """The citizen as the allowance knows them."""
        return self.notice.owner.partition(":")[2]

    @property
    def template(self) -> Template | None:
        """The account's own for this kind of notice."""
        return self.counter.account.template(self.notice.kind)

    @property
    def owed(self) -> str:
        """Its name among what is owed."""
        return _name(self.held.appointment)


class _Post:
    def __init__(self, house: House, office: Office) -> None:
        self._house, self._office = house, office

    def deliver(self, notice: Notice) -> None:
        """Send, or keep. What is no longer true is neither."""
        held = self._house.desk.held(notice.appointment)
        answer = notices.told(self._house.desk, notice, self._house.lines)
        if answer is None:
            return
        letter = self._letter(notice, held, answer)
        way, refused = self._on_loop(letter)
        if left := self._left(letter, way):
            self._office.owed.keep(notice.owner, letter.owed, Outgoing(left), until=held.appointment.starts)
        else:
            self._office.owed.settle(letter.owed)
        # A reminder may come late; that there is no need to come must be told in time, and staff can call.
        if not way and (refused or notice.kind == "displaced"):
            raise Undeliverable()

    def _letter(self, notice: Notice, held: Held, answer: Answer) -> _Letter:
        appid, _, openid = (held.details.address if held.details else "").partition(" ")
        counter = self._office.by_appid(appid)
        if counter is None:
            raise Undeliverable()
        url = next((one.url for one in answer.links if _linked(one)), "")
        return _Letter(notice, held, counter, openid, rendering.render((answer,), _linked), url)

    def _left(self, letter: _Letter, way: str) -> tuple[str, ...]:
        """What is still to be said: a template message says all, a text its first part."""
        if way:
            return letter.parts[1:] if way == "text" else ()
        # Whoever writes tomorrow must not read 明天.
        answer = notices.told(self._house.desk, letter.notice, self._house.lines, lasting=True)
        return rendering.render((answer,), _linked) if answer else ()

    # -- on the event loop --

    def _on_loop(self, letter: _Letter) -> tuple[str, bool]:
        sending = self._push(letter)
        try:
            sent = asyncio.run_coroutine_threadsafe(sending, self._office.loop)
        except RuntimeError:  # the application is about to end
            sending.close()
            raise
        # It is not cancelled where it takes longer: what it sends yet, it remembers for the next try.
        return sent.result(TOGETHER)

    async def _push(self, letter: _Letter) -> tuple[str, bool]:
        """The way it went, empty where there was none; and whether the citizen cannot, or will not, be reached."""
        mark, cache = f"wechat:noticed:{letter.notice.key}", self._house.cache
        if before := await cache.get(mark):
            return before, False
        refused = False
        for way, send in (("template", self._by_template), ("text", self._by_text)):
            try:
                sent = await send(letter)
            except PlatformError as error:
                log.warning("wechat.notice_not_sent", kind=letter.notice.kind, way=way, code=error.code)
                if not (error.refused or error.forbidden or error.code in LASTING):
                    raise
                refused = refused or error.refused
            else:
                if sent:
                    await cache.set(mark, way, REMEMBERED)
                    log.info("wechat.noticed", kind=letter.notice.kind, way=way, sender=letter.sender)
                    return way, False
        return "", refused

    async def _by_template(self, letter: _Letter) -> bool:
        template = letter.template
        if template is None:
            return False
        desk, lines = self._house.desk, self._house.lines
        values = await asyncio.to_thread(fields.values, desk, letter.held, letter.notice.kind, lines)
        await letter.counter.platform.send_notice(
            letter.openid, template, fields.filled(template, values), url=letter.url, key=letter.notice.key
        )
        return True

    async def _by_text(self, letter: _Letter) -> bool:
        if not await self._office.allowance.spend(letter.sender):
            return False
        text = letter.parts[0] + (rendering.CONTINUE if len(letter.parts) > 1 else "")
        await letter.counter.platform.send_text(letter.openid, text)
        return True


def stands(desk: FrontDesk, key: str) -> bool:
    """Whether what is owed under a key is still so: an appointment may have been moved or cancelled since."""
    kind, _, rest = key.partition(":")
    if kind != "notice":
        return True
    try:
        return _name(desk.held(int(rest.partition(":")[0])).appointment) == key
    except NoAppointment:
        return False


def _name(one: Appointment) -> str:
    return f"notice:{one.id}:{one.status}:{one.starts:%Y%m%d%H%M}"


def _linked(link: Link) -> str | None:
    """The slip, whose link opens it for whoever has it; without a public address there is none."""
    return link.url if link.url.startswith(("https://", "http://")) else None
