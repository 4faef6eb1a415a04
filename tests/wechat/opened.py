"""The whole application over HTTP in a thread of this process, and how the platform delivers to it.

with Opened(settings) as opened:
    opened.post(zhang.says("护照怎么办"))     # one try: the response as it is
    opened.tells(zhang, zhang.says("…"))      # the text that comes back; empty where nothing is said
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, Self

import httpx
import uvicorn

from channels.app import create
from channels.house import House
from channels.wechat.office import Office
from core.settings import Settings, WeChatAccount
from core.types import Message, Reply
from tests.wechat.citizen import Citizen, Letter

PATIENCE = 30  # seconds for what must happen
DISTRICT = WeChatAccount(
    token="districtTests",
    aes_key="GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcba",
    appid="wxfedcba9876543210",
    secret="fedcba9876543210fedcba9876543210",
    region="980103",
)
NAME = "district"  # by which it is called


def post(client: httpx.Client, letter: Letter, name: str = "", **changes: str) -> httpx.Response:
    """One try of the platform; `changes` are of its query."""
    sealed = letter.sealed()
    path = f"/wechat/{name}/callback" if name else "/wechat/callback"
    headers = {"Content-Type": "text/xml"}
    return client.post(path, params=sealed.params | changes, content=sealed.body, headers=headers)


def told(citizen: Citizen, response: httpx.Response) -> str:
    """What the citizen reads in a reply; empty for none."""
    assert response.status_code == 200, response.text
    reply = citizen.reads(response.text)
    return reply["Content"] if reply else ""


def until(true: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Wait for something that comes by itself and tells nobody."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


class Gate:
    """In the place of a conversation's turn: it waits until the gate opens. `asked` is what came to it."""

    def __init__(self, office: Office, turn: Callable[[Message], Any]) -> None:
        self.asked: list[str] = []
        self._turn, self._loop, self._open = turn, office.loop, asyncio.Event()

    async def __call__(self, message: Message) -> Reply:
        self.asked.append(message.text)
        await self._open.wait()
        reply: Reply = await self._turn(message)
        return reply

    def open(self) -> None:
        self._loop.call_soon_threadsafe(self._open.set)


class _Server(uvicorn.Server):
    """Says when it has started, or failed to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.settled.set()


class Opened:
    """The application, served as `bangban serve` does."""

    def __init__(self, settings: Settings) -> None:
        self.app = create(settings)
        config = uvicorn.Config(self.app, port=0, log_config=None, access_log=False, server_header=False)
        self._server = _Server(config)
        self._thread = Thread(target=self._server.run, name="opened", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._server.settled.wait(180), "the application did not start"
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join(PATIENCE)

    @property
    def house(self) -> House:
        house: House = self.app.state.house
        return house

    @property
    def office(self) -> Office:
        assert self.house.office
        return self.house.office

    def post(self, letter: Letter, name: str = "", **changes: str) -> httpx.Response:
        return post(self.client, letter, name, **changes)

    def tells(self, citizen: Citizen, letter: Letter | str, name: str = "") -> str:
        """The text in the reply to a letter, or to words."""
        return told(citizen, self.post(citizen.says(letter) if isinstance(letter, str) else letter, name))

    def do(self, work: Any) -> Any:
        """Run a coroutine in the application's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.office.loop).result(PATIENCE)

    def quiet(self) -> None:
        """Wait until nothing is worked on any more."""
        turns = self.office.turns
        until(lambda: not turns._running and not turns._beside)

    @contextmanager
    def slow(self) -> Iterator[Gate]:
        """Have the engine wait until the gate is opened, or the block ends."""
        conversation = self.house.conversation
        gate = Gate(self.office, conversation.turn)
        conversation.turn = gate  # type: ignore[method-assign,assignment]
        try:
            yield gate
        finally:
            gate.open()
            del conversation.turn
            self.quiet()
