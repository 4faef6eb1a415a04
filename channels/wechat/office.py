"""All Official Accounts of an application: made from settings, opened and closed by the house."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from channels.wechat import notices
from channels.wechat.allowance import Allowance
from channels.wechat.envelope import Envelope
from channels.wechat.letters import Incoming
from channels.wechat.owed import Owed
from channels.wechat.platform import Platform
from channels.wechat.replies import Replies
from channels.wechat.targets import path_of
from channels.wechat.turns import Turns
from core import clock
from core.errors import Invalid
from core.settings import WeChatAccount

if TYPE_CHECKING:
    from channels.house import House

KEPT = 900  # seconds a reply is kept for another try, at least
LOOKS = 10.0  # seconds between looks for messages that another process left behind

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Counter:
    """One account: what serves it. `path` is where its callback and its hand-off live."""

    name: str
    account: WeChatAccount
    region: str
    platform: Platform
    envelope: Envelope

    @property
    def path(self) -> str:
        """/wechat, or /wechat/{name}."""
        return path_of(self.name)


class Office:
    """`accounts` are the counters by appid."""

    def __init__(self, house: House) -> None:
        """Raises Invalid where an account's region is unknown, or two are the same account."""
        settings = house.settings
        self.accounts: dict[str, Counter] = {}
        for name, account in settings.wechat.items():
            region = account.region or settings.region
            if region not in house.regions:
                raise Invalid(f"公众号 {name or account.appid} 的区划代码 {region} 不认识，请检查后再启动。")
            platform = Platform(account, house.cache, house.vault, base=settings.wechat_api_base)
            envelope = Envelope(account, window=settings.wechat_window, now=clock.now)
            self.accounts[account.appid] = Counter(
                name, account, house.regions.canonical(region), platform, envelope
            )  # fmt: skip
        self._desk = house.desk
        self.loop = asyncio.get_running_loop()
        self.allowance: Allowance = Allowance(house.cache)
        self.owed = Owed(house.reading, house.writing, house.vault, now=clock.now)
        self.replies = Replies(house, self)
        # A callback may come again as long as its time counts as now.
        self.turns = Turns(self, house.cache, house.vault, kept=max(KEPT, 2 * settings.wechat_window))
        self.deliver = notices.deliverer(house, self)
        self._looking: asyncio.Task[None] | None = None

    def counter(self, name: str) -> Counter | None:
        """The account of that name; the empty name is the one of BANGBAN_WECHAT_APPID."""
        return next((one for one in self.accounts.values() if one.name == name), None)

    def by_appid(self, appid: str) -> Counter | None:
        """The account of that appid."""
        return self.accounts.get(appid)

    def owing(self, incoming: Incoming) -> tuple[str, ...]:
        """What a citizen is still owed, as texts: answers, and notices that are still true."""
        owed = self.owed.take(incoming.owner, incoming.key)
        return tuple(part for key, one in owed.items() if notices.stands(self._desk, key) for part in one.parts)

    def open(self) -> None:
        """Begin to look after what was left behind."""
        self._looking = asyncio.create_task(self._look(), name="wechat-owed")

    async def close(self) -> None:
        """End what is being done."""
        if self._looking:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking
        await self.turns.close()
        for one in self.accounts.values():
            await one.platform.close()

    async def _look(self) -> None:
        while True:
            try:
                await self.turns.go_on()
                await asyncio.to_thread(self.owed.sweep)
            except Exception as error:  # a database away for a while must not end this
                log.warning("wechat.look_failed", reason=type(error).__name__)
            await asyncio.sleep(LOOKS)
