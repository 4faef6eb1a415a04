"""Every part of a running application, made from settings, opened and closed in order."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
import yaml
from fastapi import Request

import bot
from bot import trial
from bot.assistant import Assistant
from bot.conversation import Conversation
from bot.observing import Observed
from bot.rasa import Rasa
from bot.services import Lines
from bot.supervisor import Address, Supervisor, free_port, fresh_token
from bot.trial import Trial, Tried
from channels import observing
from channels.releasing import release_due
from channels.rounds import Rounds
from channels.web.metrics import Metrics
from core import clock, database
from core.cache import cache
from core.errors import Invalid, NotFound, Unavailable
from core.settings import Settings
from core.vault import open_vault
from desk import demo
from desk.front import FrontDesk, Offer
from desk.outbox import Deliver, Notice, leave
from index import embedder, taught, weights
from index.embedder import Encoder
from index.search import Hit, SearchIndex
from index.store import Store
from index.suggest import Suggestion
from index.sync import Sync
from journal.writer import Writer
from knowledge import migrating, seeds
from knowledge.changes import IndexedGuide
from knowledge.publishing import read, read_halls
from knowledge.regions import Regions
from knowledge.schema import Hall
from staff import accounts
from staff.audit import Audit

if TYPE_CHECKING:
    from rasa_sdk.executor import ActionExecutor

    from channels.console.issuer import Issuer
    from channels.wechat.office import Office

HOT_AGE = 600  # seconds the hot questions are kept
PROVING = 4  # 64 MiB and a tenth of a second each
HEAD_START = 2.0  # seconds the application serves before Rasa is started

log = structlog.get_logger()


class House:
    """One application: `open` before the first request, `close` after the last."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.cache = cache(settings.redis_url)
        self.proving = asyncio.Semaphore(PROVING)  # passwords at once; who waits takes no thread from citizens
        self.actions: ActionExecutor | None = None
        self.office: Office | None = None
        self.issuer: Issuer | None = None  # of single sign-on
        self.actions_token = settings.actions_token or fresh_token()
        self._supervisor: Supervisor | None = None
        self._rasa: Rasa | None = None
        self._bringing: asyncio.Task[None] | None = None
        self._hot: dict[str, tuple[float, list[tuple[str, IndexedGuide]]]] = {}

    @staticmethod
    def of(request: Request) -> House:
        """The house a request came to."""
        house: House = request.app.state.house
        return house

    # -- opening and closing --

    def prepare(self) -> None:
        """Bring database and index up. Raises what makes serving impossible."""
        settings = self.settings
        self.open_database()
        with self.reading() as session:
            self.regions = Regions.load(session)
        if settings.region not in self.regions:
            raise Invalid(f"BANGBAN_REGION={settings.region} 不是已知的区划代码。")
        self.index = SearchIndex(self._store(encoder := self._encoder()), encoder)
        self.sync = Sync(self.index, self.reading, self.writing, today=clock.today, poll=settings.index_poll)
        self.sync.start()
        self.rounds.start()
        self.journal.start()
        self.index.search(
            "办事", self.regions.ancestors(settings.region), 1
        )  # loads dictionary and model before a citizen waits
        name = settings.title or f"{self.regions.name(settings.region)}帮办"
        url = settings.public_url.rstrip("/")
        self.lines = Lines(name, settings.hotline, settings.staff_phone, settings.staff_hours, url)
        self.assistant = Assistant(
            self.index, self.regions, self.reading, self.lines, today=clock.today, desk=self.desk
        )
        self._watch()

    def open_database(self) -> None:
        """Connect, migrate, and load the demonstration city where it is served; else the regions alone."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        self.engine = database.engine(self.settings.database)
        self.reading = database.sessions(self.engine)
        self.writing = database.sessions(self.engine, writing=True)
        migrating.upgrade(self.engine)
        self.vault = open_vault(self.settings.keys, self.settings.home)
        self.audit = Audit(self.vault)
        self.desk = FrontDesk(self.reading, self.writing, self.vault, now=clock.now)
        self.rounds = Rounds(
            self.writing,
            self._deliverers(),
            now=clock.now,
            journal_days=self.settings.journal_days,
            errands=[lambda now: release_due(self.reading, self.writing, self.audit, now=now)],
        )
        self.journal = Writer(self.writing)
        with self.writing.begin() as session:
            if self.settings.loads_demo:
                seeds.load_demo(session, at=clock.now())
                demo.load_demo(session, at=clock.now())
            else:
                seeds.load_regions(session, at=clock.now())

    def first_administrator(self) -> tuple[str, str] | None:
        """Name and one-time password of an administrator, made where nobody has an account yet; else None.

        Only for whoever can tell them to a person: they are kept nowhere.
        """
        region, now = self.settings.region, clock.now()
        with self.writing.begin() as session:
            made = accounts.first(session, region=region, at=now)
            if made:
                subject = f"account:{made[0]}"
                self.audit.record(session, who="首次启动", act="account.make", subject=subject, region=region, at=now)
        return made

    async def open(self) -> None:
        """Prepare, then begin to bring Rasa up in the background."""
        await asyncio.to_thread(self.prepare)
        settings = self.settings
        self._rasa = self._rasa_client() if settings.rasa else None
        self.conversation = Conversation(
            self.assistant,
            self.regions,
            self.cache,
            self._rasa,
            self.vault,
            region=settings.region,
            longest=settings.message_limit,
            per_minute=settings.rate_limit,
            observe=self._observe,
        )
        if settings.oidc_issuer:
            from channels.console.issuer import Issuer

            self.issuer = await asyncio.to_thread(Issuer, settings)
        if settings.wechat:
            from channels.wechat.office import Office  # wechatpy, which other deployments need not load

            self.office = Office(self)
            self.office.open()

    async def close(self) -> None:
        """Stop everything that runs."""
        if self.office:
            await self.office.close()
        if self.issuer:
            await self.issuer.close()
        if self._bringing:
            self._bringing.cancel()
        if self._supervisor:
            await self._supervisor.stop()
        if self._rasa:
            await self._rasa.close()
        await self.cache.close()
        await asyncio.to_thread(self.shut)

    def shut(self) -> None:
        """Close what `prepare` opened."""
        self.rounds.stop()
        self.sync.stop()
        self.journal.stop()
        self._store_file.close()
        self.engine.dispose()

    def _deliverers(self) -> dict[str, Deliver]:
        deliverers: dict[str, Deliver] = {"web": leave}
        if self.settings.wechat:
            deliverers["wechat"] = self._deliver_by_wechat
        return deliverers

    def _deliver_by_wechat(self, notice: Notice) -> None:
        if self.office is None:
            raise Unavailable()
        self.office.deliver(notice)

    def _encoder(self) -> Encoder | None:
        name = self.settings.encoder
        if name == "none":
            return None
        return embedder.load(name or str(weights.SHIPPED))

    def _store(self, encoder: Encoder | None) -> Store:
        self._store_file = taught.opened(self.settings.home / "index", encoder)
        return self._store_file

    def _rasa_client(self) -> Rasa:
        """A client of the Rasa run elsewhere, or of the own one that is brought up in the background."""
        settings = self.settings
        if settings.rasa_url:
            rasa = Rasa(settings.rasa_url, settings.rasa_token, self.vault, deadline=settings.rasa_deadline)
            self._bringing = asyncio.create_task(self._follow(rasa), name="rasa-follow")
            return rasa
        address = Address(
            port=settings.rasa_port or free_port(),
            token=settings.rasa_token or fresh_token(),
            actions_url=f"http://127.0.0.1:{settings.port}/internal/actions",
            actions_token=self.actions_token,
        )
        rasa = Rasa(address.url, address.token, self.vault, deadline=settings.rasa_deadline)
        self._supervisor = Supervisor(settings.home, rasa, address)
        self._bringing = asyncio.create_task(self._supervise(self._supervisor), name="rasa-start")
        return rasa

    async def _follow(self, rasa: Rasa) -> None:
        """Keep an eye on a Rasa that somebody else runs."""
        await self._open_actions()
        while True:
            rasa.ready = await rasa.loaded()
            await asyncio.sleep(2)

    async def _supervise(self, supervisor: Supervisor) -> None:
        # Rasa takes half a minute to load and both cores: the first citizens are served first.
        await asyncio.sleep(HEAD_START)
        await self._open_actions()
        supervisor.start()

    async def _open_actions(self) -> None:
        def made() -> ActionExecutor:
            from bot.actions import executor  # rasa-sdk takes a second to import, which direct answers need not pay

            return executor(self.assistant, self.settings.region, self.vault)

        self.actions = await asyncio.to_thread(made)

    def _observe(self, observed: Observed) -> None:
        for answer in observed.answers:
            self.metrics.answered(answer.act, observed.path)
        self.journal.put(observing.entry(observed, clock.now()))

    def _watch(self) -> None:
        watch = self.metrics.watch
        watch("index_texts", "Distinct texts in the search index", lambda: self.index.texts)
        watch("index_targets", "Guides and curated questions that can be found", lambda: len(self.index))
        watch("index_revision", "Newest published revision that search answers from", lambda: self.sync.revision)
        watch("rasa_ready", "Whether Rasa answers", lambda: float(self._rasa is not None and self._rasa.ready))
        watch("journal_dropped", "Turns and ratings that could not be kept", lambda: self.journal.dropped)
        watch("journal_waiting", "Turns and ratings not yet written", lambda: self.journal.waiting)
        watch(
            "rasa_restarts", "Times Rasa was started anew", lambda: self._supervisor.restarts if self._supervisor else 0
        )

    # -- asking --

    def today(self) -> date:
        """The current day in China."""
        return clock.today()

    def ancestors(self, region: str | None) -> tuple[str, ...]:
        """The region asked about, or the deployment's, and those above. Raises Invalid for an unknown code."""
        if region is not None and region not in self.regions:
            raise Invalid("没有这个区划代码，请检查后再试。")
        return self.regions.ancestors(region or self.settings.region)

    def search(self, text: str, region: str | None, limit: int) -> list[Hit]:
        """Guides and curated questions that fit `text`."""
        return self.index.search(text, self.ancestors(region), limit)

    def try_out(self, document: Mapping[str, Any], question: str, region: str, *, guide: int | None = None) -> Tried:
        """What a citizen of `region` would be told if `document`, a draft, stood published; nothing is kept.

        `guide` is the id of the guide it is a draft of, None for a new one. Raises Invalid and TooLarge.
        """
        self.ancestors(region)
        with self.reading() as session:
            drafted = trial.drafted(document, read(session, guide) if guide else None)
        tried = Trial(self.index, self.regions, self.reading, self.lines, drafted, today=clock.today)
        return tried.ask(question, self.regions.canonical(region), longest=self.settings.message_limit)

    def offer(self, guide_id: int) -> Offer:
        """A guide citizens may see today, and where it can be booked. Raises NotFound."""
        offer = self.desk.offer(guide_id)
        if offer is None:
            raise NotFound("没有这份办事指南，可能已经更新或者下架。")
        return offer

    def suggest(self, typed: str, region: str | None) -> list[Suggestion]:
        """Type-ahead for what was typed."""
        return self.index.suggest(typed, self.ancestors(region))

    def hot(self, region: str | None) -> list[tuple[str, IndexedGuide]]:
        """Everyday questions with the guide that surely answers each, kept for a while."""
        ancestors = self.ancestors(region)
        made, kept = self._hot.get(ancestors[0], (0.0, []))
        if time.monotonic() - made > HOT_AGE or not kept:
            kept = [(question, guide) for question in _hot_questions() if (guide := self._sure(question, ancestors))]
            self._hot[ancestors[0]] = (time.monotonic(), kept)
        return kept

    def halls(self) -> list[Hall]:
        """The halls of the deployment's region and of the regions directly inside it."""
        region = self.settings.region
        with self.reading() as session:
            return list(read_halls(session, [region, *self.regions.children(region)]))

    def state(self) -> dict[str, Any]:
        """What is up: `ready` when citizens get answers."""
        try:
            with self.reading() as session:
                session.connection()
            stored = "ok"
        except Exception as error:  # whatever the driver raises means: not reachable
            log.error("database.unreachable", reason=type(error).__name__)
            stored = "unreachable"
        answers = stored == "ok" and len(self.index) > 0
        rasa = (
            "off"
            if self._rasa is None
            else "ready"
            if self._rasa.ready
            else self._supervisor.state
            if self._supervisor
            else "away"
        )
        return {
            "status": "ready" if answers else "starting",
            "database": stored,
            "guides": len(self.index),
            "search": "meaning" if self.index.by_meaning else "words",
            "rasa": rasa,
        }

    def _sure(self, question: str, ancestors: tuple[str, ...]) -> IndexedGuide | None:
        hits = self.index.search(question, ancestors, 1)
        sure = hits and hits[0].score >= self.index.thresholds.answer and isinstance(hits[0].target, IndexedGuide)
        return hits[0].target if sure else None  # type: ignore[return-value]


@functools.cache
def _hot_questions() -> tuple[str, ...]:
    return tuple(yaml.safe_load((Path(bot.__file__).parent / "hot.yml").read_text("utf-8")))
