"""The demonstration city, loaded and indexed once, and short ways to talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from bot.assistant import Assistant
from bot.dialogue import Dialogue, Turn
from bot.guard import guard
from bot.services import Lines
from bot.understanding import from_words
from core.database import engine, sessions
from core.types import Answer
from index import embedder, taught, weights
from index.embedder import Encoder
from index.search import SearchIndex
from index.store import Store
from index.sync import Sync
from knowledge.migrating import upgrade
from knowledge.publishing import Published, find, read
from knowledge.regions import Regions
from knowledge.seeds import load_demo

CITY = "980100"
AT = datetime(2026, 10, 15, 4, 0, tzinfo=UTC)
TODAY = date(2026, 10, 15)
LINES = Lines("云桥帮办", "12345", "0000-5550100", "工作日 9:00-17:00")
HOME = Path(__file__).parents[2] / "var"


@dataclass(frozen=True)
class City:
    """The demonstration city as it serves. `sync` must be told to catch up after a change."""

    reading: sessionmaker[Session]
    writing: sessionmaker[Session]
    regions: Regions
    index: SearchIndex
    sync: Sync
    assistant: Assistant

    def guide(self, local_code: str, region: str = CITY) -> Published:
        with self.reading() as session:
            number = find(session, region, local_code)
            found = read(session, number) if number else None
        assert found, local_code
        return found


@dataclass
class Talk:
    """One conversation with the assistant, understood by words alone."""

    assistant: Assistant
    dialogue: Dialogue
    said: list[Turn] = field(default_factory=list)

    def say(self, text: str) -> Answer:
        guarded = guard(text, longest=500)
        assert guarded.answer is None, guarded.answer
        return self._keep(self.assistant.respond(guarded.text, from_words(guarded.text), self.dialogue))

    def tap(self, choice: str) -> Answer:
        return self._keep(self.assistant.choose(choice, self.dialogue))

    def _keep(self, turn: Turn) -> Answer:
        self.said.append(turn)
        self.dialogue = turn.dialogue
        assert len(turn.answers) == 1
        return turn.answers[0]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with the demonstration city."""
    made = engine(f"sqlite:///{tmp_path_factory.mktemp('city') / 'bangban.db'}")
    upgrade(made)
    with sessions(made, writing=True).begin() as session:
        load_demo(session, at=AT)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The shipped default encoder."""
    return embedder.load(str(weights.SHIPPED))


@pytest.fixture(scope="session")
def city(demo: Engine, encoder: Encoder) -> Iterator[City]:
    """The city, indexed by meaning. Tests that change it take `own_city`."""
    # Texts are encoded once per machine, so that a second run starts at once.
    store = taught.opened(HOME / "index", encoder)
    yield _open(demo, store, encoder)
    store.close()


@pytest.fixture
def own_city(tmp_path: Path, encoder: Encoder) -> Iterator[City]:
    """A city of the test's own, to change as it likes."""
    made = engine(f"sqlite:///{tmp_path / 'bangban.db'}")
    upgrade(made)
    with sessions(made, writing=True).begin() as session:
        load_demo(session, at=AT)
    store = taught.opened(HOME / "index", encoder)
    yield _open(made, store, encoder)
    store.close()
    made.dispose()


@pytest.fixture
def talk(city: City) -> Talk:
    """A fresh conversation in the city."""
    return Talk(city.assistant, Dialogue(CITY))


@pytest.fixture
def talks(city: City) -> Callable[[], Talk]:
    """Makes fresh conversations."""
    return lambda: Talk(city.assistant, Dialogue(CITY))


def _open(made: Engine, store: Store, encoder: Encoder) -> City:
    reading, writing = sessions(made), sessions(made, writing=True)
    with reading() as session:
        regions = Regions.load(session)
    index = SearchIndex(store, encoder)
    sync = Sync(index, reading, writing, today=lambda: TODAY, poll=1.0)
    sync.catch_up()
    while index.encode_some() or index.learn_some():
        pass
    assistant = Assistant(index, regions, reading, LINES, today=lambda: TODAY)
    return City(reading, writing, regions, index, sync, assistant)
