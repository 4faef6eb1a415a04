"""A whole application on a database of its own that is thrown away, with what was costly to make borrowed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn

from bot.assistant import Assistant
from bot.dialogue import Dialogue, Turn
from bot.supervisor import free_port
from bot.understanding import Understanding
from channels.app import create
from channels.house import House
from channels.web.metrics import Metrics
from core import clock
from core.errors import BangbanError
from core.settings import DEMO_REGION, Settings
from index.embedder import Encoder
from knowledge.changes import changed_since
from knowledge.importing import import_file
from knowledge.schema import Faq

BORROWED = ("models", "index", "rasa")  # of the home: encoders, vectors and words, Rasa's models
LOADING = 900  # seconds Rasa may take to be trained and loaded
LOOK = 0.5
DEADLINE = 30.0  # seconds for a turn: what is measured is the answer, not how busy the machine is


class NoRasa(BangbanError):
    """Rasa 没有起来，先运行 make setup，或者加 --no-rasa 不经 Rasa 评测。"""

    code = "no_rasa"


@dataclass(frozen=True, slots=True)
class Place:
    """A city and where its guides come from; without a file, the demonstration city."""

    region: str = DEMO_REGION
    guides: Path | None = None
    mapping: str = "fcg"


@dataclass(frozen=True, slots=True)
class Heard:
    """What came past the guard, and what it was understood to be."""

    text: str
    understood: Understanding
    dialogue: Dialogue


class Listening(Assistant):
    """The assistant, keeping what it was last told."""

    heard: Heard | None = None

    def respond(self, text: str, understood: Understanding, dialogue: Dialogue) -> Turn:
        """Answer as always."""
        self.heard = Heard(text, understood, dialogue)
        return super().respond(text, understood, dialogue)


class Paths(Metrics):
    """The metrics, with the ways answers took in plain numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: dict[str, int] = {}

    def answered(self, act: str, path: str) -> None:
        """Count one message."""
        super().answered(act, path)
        self.taken[path] = self.taken.get(path, 0) + 1


class Lab(House):
    """A house whose assistant can be listened to."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.metrics: Paths = Paths()
        self.encoder: Encoder | None = None

    def _encoder(self) -> Encoder | None:
        self.encoder = super()._encoder()
        return self.encoder

    def curated(self) -> Sequence[Faq]:
        """The curated questions that are switched on."""
        with self.reading() as session:
            return changed_since(session, 0, today=self.today()).faqs

    def prepare(self) -> None:
        """Bring database and index up, every text encoded."""
        super().prepare()
        while self.index.encode_some() or self.index.learn_some():
            pass
        self.assistant: Listening = Listening(self.index, self.regions, self.reading, self.lines, today=clock.today)


@contextmanager
def borrowed(home: Path) -> Iterator[Path]:
    """A folder to be used as home: an own database, the caches of `home`."""
    with TemporaryDirectory(prefix="bangban-evaluate-", ignore_cleanup_errors=True) as folder:
        for name in BORROWED:
            (home / name).mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).symlink_to((home / name).absolute())
        yield Path(folder)


@asynccontextmanager
async def opened(place: Place, settings: Settings, *, rasa: bool, say: Callable[[str], None]) -> AsyncIterator[Lab]:
    """The application serving `place`, answering through Rasa where asked. Raises NoRasa."""
    with borrowed(settings.home) as home:
        own = _own(settings, home, place, rasa=rasa)
        say("导入办事指南" if place.guides else "载入演示城市")
        await asyncio.to_thread(_fill, place, own)
        lab = Lab(own)
        say("建索引（第一次要给每段文字编码）")
        await lab.open()
        try:
            if rasa:
                async with _serving(lab):
                    await _through_rasa(lab, say)
                    yield lab
            else:
                yield lab
        finally:
            await lab.close()


def _own(settings: Settings, home: Path, place: Place, *, rasa: bool) -> Settings:
    """The user's settings as far as they decide what is answered, and nothing of the user's data."""
    return Settings(
        home=home,
        region=place.region,
        encoder=settings.encoder,
        message_limit=settings.message_limit,
        database_url="",
        redis_url="",
        demo=None,
        rasa=rasa,
        rasa_url="",
        rasa_port=0,
        rasa_deadline=DEADLINE,
        host="127.0.0.1",
        port=free_port(),
        rate_limit=0,
        rate_limit_address=0,
    )


def _fill(place: Place, settings: Settings) -> None:
    house = House(settings)
    house.open_database()
    try:
        if place.guides:
            with house.writing() as session:
                import_file(session, place.guides, place.mapping, place.region, by="评测", at=clock.now())
    finally:
        house.engine.dispose()


class _Quiet(uvicorn.Server):
    """A server that leaves Ctrl-C to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def _serving(lab: Lab) -> AsyncIterator[None]:
    """The web application around an open house: Rasa runs its actions there."""
    app = create(lab.settings)
    app.state.house = lab
    server = _Quiet(
        uvicorn.Config(
            app, host=lab.settings.host, port=lab.settings.port, lifespan="off", log_level="error", access_log=False
        )
    )
    task = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def _through_rasa(lab: Lab, say: Callable[[str], None]) -> None:
    until = time.monotonic() + LOADING
    told = {"training": "训练 Rasa", "loading": "等 Rasa 装载", "waiting": "等 Rasa 装载"}
    while (state := lab.state()["rasa"]) != "ready":
        if state == "missing" or time.monotonic() > until:
            raise NoRasa
        say(told.get(state, state))
        await asyncio.sleep(LOOK)
