"""The demonstration city, loaded and indexed once, and short ways to talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from zlib import crc32

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from bot.assistant import Assistant
from bot.conversation import Conversation, Engine, sender_of
from bot.dialogue import Dialogue, Turn
from bot.guard import guard
from bot.observing import Observed
from bot.services import Lines
from bot.understanding import from_words
from core.cache import MemoryCache
from core.database import engine, sessions
from core.types import Answer, Message
from core.vault import Vault, new_key
from desk.appointments import Appointment
from desk.days import set_hours
from desk.demo import load_demo as load_desk
from desk.front import FrontDesk, Offer
from desk.models import AppointmentEvent, AppointmentRow, ExceptionRow, OutboxRow, SlotRow
from desk.people import Person
from index import embedder, taught, weights
from index.embedder import Encoder
from index.search import SearchIndex
from index.store import Store
from index.sync import Sync
from knowledge.migrating import upgrade
from knowledge.publishing import Published, find, read
from knowledge.regions import Regions
from knowledge.seeds import load_demo
from tests.desk.conftest import THURSDAY, Watch

CITY = "980100"
AT = datetime(2026, 10, 15, 4, 0, tzinfo=UTC)
TODAY = date(2026, 10, 15)
LINES = Lines("云桥帮办", "12345", "0000-5550100", "工作日 9:00-17:00")
HOME = Path(__file__).parents[2] / "var"
IDENTITY = "11010519491231002X"


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
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
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
def city(demo: Database, encoder: Encoder) -> Iterator[City]:
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


def _open(made: Database, store: Store, encoder: Encoder) -> City:
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


# -- booking --


@dataclass
class Halls:
    """The demonstration city with its desk, on a clock that tests set."""

    city: City
    desk: FrontDesk
    vault: Vault
    watch: Watch
    assistant: Assistant

    def book(self, code: str, hall: str, starts: datetime, *, owner: str = "web:others", many: int = 1) -> Appointment:
        """Somebody else's appointments, each for a person of its own."""
        offer = self.offer(code)
        window = next(one for one in offer.windows if one.hall.name.startswith(hall))
        for n in range(many):
            key = f"{owner} {window.id} {starts} {n}"
            person = Person("李娜", f"139{crc32(key.encode()) % 10**8:08}", IDENTITY if window.rules.identity else "")
            made = self.desk.book(offer.published.id, window.id, starts, person, owner=f"{owner}{n}", key=key)
        return made

    def offer(self, code: str) -> Offer:
        offer = self.desk.offer(self.city.guide(code).id)
        assert offer
        return offer

    def close(self, hall: str, day: date, note: str, region: str = "980102") -> None:
        """The hall shuts for a day."""
        with self.city.writing.begin() as session:
            set_hours(session, region, hall, day, (), note=note, by="tests", now=self.watch())


@dataclass
class Chat:
    """One citizen's conversation, as the web has it."""

    halls: Halls
    engine: Engine | None = None
    cache: MemoryCache = field(default_factory=MemoryCache)
    session: str = "session-booking"
    channel: str = "web"
    address: str = ""
    last: tuple[Answer, ...] = ()
    paths: list[str] = field(default_factory=list)

    async def say(self, text: str) -> str:
        """What is said back, all of it."""
        return await self._turn(Message(self.session, text, region=CITY, channel=self.channel, address=self.address))

    async def tap(self, label: str) -> str:
        """The same for the choice whose label holds these words, or by an id."""
        offered = [one for answer in self.last for one in answer.choices]
        choice = next((one.id for one in offered if label in one.label), label)
        assert ":" in choice or choice == "human", (label, [one.label for one in offered])
        message = Message(self.session, choice=choice, region=CITY, channel=self.channel, address=self.address)
        return await self._turn(message)

    async def dialogue(self) -> Dialogue:
        """What is remembered."""
        kept = await self.cache.get(f"dialogue:{sender_of(self.session)}")
        assert kept
        return Dialogue.load(kept)

    @property
    def owner(self) -> str:
        return f"{self.channel}:{sender_of(self.session)}"

    def _observe(self, observed: Observed) -> None:
        self.paths += [observed.path] * len(observed.answers)

    async def _turn(self, message: Message) -> str:
        talk = Conversation(
            self.halls.assistant, self.halls.city.regions, self.cache, self.engine, self.halls.vault,
            region=CITY, longest=500, per_minute=0, observe=self._observe,
        )  # fmt: skip
        self.last = (await talk.turn(message)).messages
        return "\n".join(answer.text for answer in self.last)


@pytest.fixture(scope="session")
def open_halls(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[Halls]:
    """The city with its desk. Tests take `halls`, where nothing is booked yet."""
    made = engine(f"sqlite:///{tmp_path_factory.mktemp('halls') / 'bangban.db'}")
    upgrade(made)
    with sessions(made, writing=True).begin() as session:
        load_demo(session, at=AT)
        load_desk(session, at=AT)
    store = taught.opened(HOME / "index", encoder)
    city, watch, vault = _open(made, store, encoder), Watch(), Vault([new_key()])
    desk = FrontDesk(city.reading, city.writing, vault, now=watch)
    assistant = Assistant(city.index, city.regions, city.reading, LINES, today=desk.today, desk=desk)
    yield Halls(city, desk, vault, watch, assistant)
    store.close()
    made.dispose()


@pytest.fixture
def halls(open_halls: Halls) -> Halls:
    """The city on Thursday, 15 October 2026, half past eight, with nothing booked."""
    open_halls.watch.time = THURSDAY
    with open_halls.city.writing.begin() as session:
        for table in (OutboxRow, AppointmentEvent, AppointmentRow, SlotRow, ExceptionRow):
            session.execute(delete(table))
    return open_halls


@pytest.fixture
def chat(halls: Halls) -> Chat:
    """A fresh conversation with somebody who may book."""
    return Chat(halls)
