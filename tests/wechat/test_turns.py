"""Retries, late replies, quotas, order, several workers, restarts. The platform is played, the engine is as slow as a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import delete

from channels.wechat import rendering, turns
from channels.wechat.allowance import Allowance
from channels.wechat.envelope import Envelope
from channels.wechat.letters import Incoming, Kind, Outgoing
from channels.wechat.models import OwedRow
from channels.wechat.owed import LEASE, Owed
from channels.wechat.platform import Platform
from channels.wechat.turns import Turns
from channels.wechat.wording import say
from core.cache import Cache, MemoryCache, RedisCache
from core.database import engine, sessions
from core.vault import Vault, new_key
from knowledge.migrating import upgrade
from tests.desk.conftest import Watch
from tests.wechat.citizen import ACCOUNT, Citizen, Letter
from tests.wechat.platform_server import PlatformServer

VAULT = Vault([new_key()])
ZHANG = Incoming("", ACCOUNT.appid, "o-zhang", "", Kind.TEXT)
ENVELOPE = Envelope(ACCOUNT, window=10**9, now=Watch())
PATIENCE = 15


@dataclass
class Engine:
    """In the assistant's place: answers `texts`, or 答 and the question, when `gate` is open."""

    texts: tuple[str, ...] = ()
    staff: str = ""
    asked: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def alarm(self, incoming: Incoming) -> Outgoing | None:
        return Outgoing(("请马上拨打 119",)) if "着火" in incoming.text else None

    async def to(self, incoming: Incoming) -> Outgoing:
        self.asked.append(incoming.text)
        await self.gate.wait()
        self.done.append(incoming.text)
        return Outgoing(self.texts or (f"答：{incoming.text}",), self.staff)


@dataclass
class Worker:
    """One process that serves the account."""

    turns: Turns
    engine: Engine
    owed: Owed
    cache: Cache
    watch: Watch

    def tries(self, letter: Letter, gone: asyncio.Event | None = None) -> asyncio.Task[Outgoing]:
        """One try of the platform, which hangs up when `gone` is set."""
        sealed = letter.sealed()
        incoming = ENVELOPE.open(sealed.body, sealed.params)
        assert incoming is not None

        async def hung_up() -> bool:
            return gone is not None and gone.is_set()

        return asyncio.create_task(self.turns.answer(incoming, hung_up))

    async def answers(self, letter: Letter) -> str:
        """The text that comes back with a try; empty where nothing does."""
        outgoing = await self.tries(letter)
        return outgoing.parts[0] if outgoing.parts else ""

    async def dies(self) -> None:
        """Ends without a word, as when it is killed."""
        while tasks := [*self.turns._running.values(), *self.turns._beside]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.1)


Hire = Callable[[], Worker]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of a tenth, so that late is soon."""
    for name, seconds in (("IN_TIME", 0.6), ("HOLDING", 1.0), ("LEASE", 1), ("SIGN", 0.3), ("LATE", 12.0)):
        monkeypatch.setattr(turns, name, seconds)


@pytest.fixture(params=["memory", "redis"])
def caches(request: pytest.FixtureRequest) -> Callable[[], Cache]:
    """The memory that workers share: one object, or one Redis."""
    if request.param == "memory":
        shared = MemoryCache()
        return lambda: shared
    url = request.getfixturevalue("redis_url")
    import redis as client

    client.Redis.from_url(url).flushall()
    return lambda: RedisCache(url)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """SQLite: what is owed is tried on both databases in test_owed.py."""
    made = engine(f"sqlite:///{tmp_path_factory.mktemp('owed') / 'bangban.db'}")
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
async def hire(caches: Callable[[], Cache], database: Database, platform: PlatformServer) -> AsyncIterator[Hire]:
    """Workers on one database and one cache, each with an engine whose gate is open."""
    with sessions(database, writing=True).begin() as session:
        session.execute(delete(OwedRow))
    workers: list[Worker] = []
    watch = Watch()

    def hired() -> Worker:
        cache, assistant = caches(), Engine()
        assistant.gate.set()
        owed = Owed(sessions(database), sessions(database, writing=True), VAULT, now=watch)
        client = Platform(ACCOUNT, cache, VAULT, base=platform.base)
        office = SimpleNamespace(
            owed=owed,
            owing=lambda incoming: tuple(
                part for one in owed.take(incoming.owner, incoming.key).values() for part in one.parts
            ),
            allowance=Allowance(cache),
            replies=assistant,
            by_appid=lambda appid: SimpleNamespace(platform=client),
        )
        worker = Worker(Turns(office, cache, VAULT, kept=600), assistant, owed, cache, watch)  # type: ignore[arg-type]
        workers.append(worker)
        closing.append(client.close)
        return worker

    closing: list[Callable] = []
    yield hired
    for worker in workers:
        worker.engine.gate.set()
        await worker.turns.close()
    for close in closing:
        await close()
    for worker in workers:
        await worker.cache.close()


@pytest.fixture
def worker(hire: Hire) -> Worker:
    return hire()


@pytest.fixture
def zhang(platform: PlatformServer) -> Citizen:
    return platform.citizen("o-zhang")


async def until(true: Callable[[], object]) -> None:
    """Wait for something that comes by itself."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.01)


def slow(worker: Worker) -> asyncio.Event:
    """Have the engine wait until the gate is set."""
    worker.engine.gate.clear()
    return worker.engine.gate


# -- in time --


async def test_a_reply_in_time_goes_back_with_the_callback_and_costs_nothing(
    worker: Worker, zhang: Citizen, platform: PlatformServer
) -> None:
    assert await worker.answers(zhang.says("护照怎么办")) == "答：护照怎么办"
    assert platform.calls() == []


async def test_three_tries_make_one_turn_and_get_the_same_answer(worker: Worker, zhang: Citizen) -> None:
    letter = zhang.says("护照怎么办")
    assert {await worker.answers(letter) for _ in range(3)} == {"答：护照怎么办"}
    assert worker.engine.asked == ["护照怎么办"]


async def test_three_tries_on_two_workers_at_once_make_one_turn(hire: Hire, zhang: Citizen) -> None:
    first, second = hire(), hire()
    letter = zhang.says("护照怎么办")
    tries = [one.tries(letter) for one in (first, second, first)]
    assert {(await one).parts[0] for one in tries} == {"答：护照怎么办"}
    assert first.engine.asked + second.engine.asked == ["护照怎么办"]


async def test_an_event_without_a_number_is_answered_once_too(worker: Worker, zhang: Citizen) -> None:
    letter = zhang.clicks("hello")
    assert await worker.answers(letter) == await worker.answers(letter)
    assert len(worker.engine.asked) == 1


async def test_a_silent_event_is_answered_with_nothing(worker: Worker, zhang: Citizen) -> None:
    assert await worker.answers(zhang.opens("https://a.example")) == ""
    assert worker.engine.asked == []


# -- order --


async def test_messages_of_one_citizen_are_answered_in_the_order_in_which_they_came(hire: Hire, zhang: Citizen) -> None:
    workers = [hire(), hire()]
    gates = [slow(one) for one in workers]
    texts = [f"第{n}句" for n in range(6)]
    tries = []
    for n, text in enumerate(texts):
        tries.append(workers[n % 2].tries(zhang.says(text)))
        await asyncio.sleep(0.03)  # the order in which they are posted
    for gate in gates:
        gate.set()
    for one in tries:
        await one
    everyone = workers[0].engine, workers[1].engine
    await until(lambda: sum(len(one.done) for one in everyone) == 6)
    assert (everyone[0].done, everyone[1].done) == (texts[::2], texts[1::2])


async def test_a_message_does_not_overtake_one_that_takes_longer_to_look_up(worker: Worker, zhang: Citizen) -> None:
    count, held = worker.cache.count, asyncio.Event()

    async def slow_at_first(key: str, ttl: int) -> tuple[int, int]:
        worker.cache.count = count  # type: ignore[method-assign]
        await held.wait()
        return await count(key, ttl)

    worker.cache.count = slow_at_first  # type: ignore[method-assign]
    tries = [worker.tries(zhang.says(text)) for text in ("护照怎么办", "要多少钱")]
    await asyncio.sleep(0.1)
    held.set()
    await asyncio.gather(*tries)
    assert worker.engine.done == ["护照怎么办", "要多少钱"]


async def test_a_reply_that_was_made_in_the_meantime_is_not_made_again(worker: Worker, zhang: Citizen) -> None:
    letter, get = zhang.says("护照怎么办"), worker.cache.get
    await worker.answers(letter)
    await until(lambda: not worker.turns._running)
    hidden = 2  # looks that came a moment too early

    async def late(key: str) -> str | None:
        nonlocal hidden
        if key.startswith("wechat:reply:") and hidden:
            hidden -= 1
            return None
        return await get(key)

    worker.cache.get = late  # type: ignore[method-assign]
    assert await worker.answers(letter) == "答：护照怎么办"
    assert worker.engine.asked == ["护照怎么办"]


async def test_a_message_that_comes_while_another_is_answered_waits_and_is_not_lost(
    worker: Worker, zhang: Citizen
) -> None:
    gate = slow(worker)
    first, second = worker.tries(zhang.says("护照怎么办")), worker.tries(zhang.says("要多少钱"))
    await until(lambda: worker.engine.asked)
    await asyncio.sleep(0.15)
    assert worker.engine.asked == ["护照怎么办"]
    gate.set()
    assert [(await one).parts for one in (first, second)] == [("答：护照怎么办",), ("答：要多少钱",)]


async def test_one_citizen_does_not_wait_for_another(worker: Worker, platform: PlatformServer) -> None:
    gate = slow(worker)
    asked = [worker.tries(platform.citizen(f"o-{n}").says(f"{n}")) for n in range(5)]
    await until(lambda: len(worker.engine.asked) == 5)
    gate.set()
    await asyncio.gather(*asked)


async def test_who_sends_without_end_is_told_to_wait(worker: Worker, zhang: Citizen) -> None:
    slow(worker)
    tries = [worker.tries(zhang.says(str(n))) for n in range(turns.WAITING + 2)]
    done, _ = await asyncio.wait(tries, timeout=PATIENCE)
    assert say("too_many") in [part for one in done for part in one.result().parts]
    assert len(worker.engine.asked) == 1


async def test_who_is_in_danger_does_not_wait_in_line_and_hears_of_nothing_else(worker: Worker, zhang: Citizen) -> None:
    worker.owed.keep(ZHANG.owner, "earlier", Outgoing(("旧答案",)))
    gate, first, alarm = slow(worker), worker.tries(zhang.says("护照怎么办")), zhang.says("家里着火了")
    await until(lambda: worker.engine.asked)
    assert [await worker.answers(alarm) for _ in range(2)] == ["请马上拨打 119"] * 2
    assert worker.engine.done == []
    gate.set()
    await first
    await until(lambda: worker.engine.done == ["护照怎么办", "家里着火了"])  # the conversation hears of it, too


async def test_what_is_owed_waits_for_a_message_that_is_no_alarm(worker: Worker, zhang: Citizen) -> None:
    worker.engine.texts = ("甲" * 500, "乙" * 500)
    await worker.answers(zhang.says("护照怎么办"))
    worker.engine.texts = ()
    worker.owed.keep(ZHANG.owner, "earlier", Outgoing(("旧答案",)))
    assert await worker.answers(zhang.says("家里着火了")) == "请马上拨打 119"
    await until(lambda: worker.engine.done[-1] == "家里着火了" and not worker.turns._running)
    told = await worker.answers(zhang.says("继续"))
    assert told.startswith("旧答案")
    assert told.endswith("乙" * 500)


# -- late --


async def test_a_late_reply_is_acknowledged_shown_as_typing_and_sent_once(
    worker: Worker, zhang: Citizen, platform: PlatformServer
) -> None:
    gate, letter = slow(worker), zhang.says("护照怎么办")
    assert await worker.answers(letter) == ""
    await until(lambda: zhang.typing)
    assert await worker.answers(letter) == ""  # the acknowledgement got lost on its way
    gate.set()
    await until(lambda: zhang.received)
    assert await worker.answers(letter) == ""
    await worker.turns.close()
    assert zhang.received == ["答：护照怎么办"]
    assert worker.engine.asked == ["护照怎么办"]
    assert worker.owed.take(ZHANG.owner, "next") == {}


async def test_tries_on_two_workers_send_a_late_reply_once(hire: Hire, zhang: Citizen) -> None:
    first, second = hire(), hire()
    gates, letter = [slow(first), slow(second)], zhang.says("护照怎么办")
    assert [(await one).parts for one in [first.tries(letter), second.tries(letter)]] == [(), ()]
    for gate in gates:
        gate.set()
    await until(lambda: zhang.received)
    for one in (first, second):
        await one.turns.close()
    assert zhang.received == ["答：护照怎么办"]


async def test_a_long_late_reply_comes_in_three_messages_and_the_rest_on_request(
    worker: Worker, zhang: Citizen
) -> None:
    worker.engine.texts = tuple(f"第{n}部分" + "。" * 500 for n in range(5))
    gate = slow(worker)
    assert await worker.answers(zhang.says("护照怎么办")) == ""
    gate.set()
    await until(lambda: len(zhang.received) == 3)
    await worker.turns.close()
    assert [one[:4] for one in zhang.received] == ["第0部分", "第1部分", "第2部分"]
    assert [one.endswith(rendering.CONTINUE) for one in zhang.received] == [False, False, True]
    more = await worker.answers(zhang.says("继续"))
    assert more.startswith("第3部分")
    assert more.endswith(rendering.CONTINUE)
    last = await worker.answers(zhang.says("继续", tapped=rendering.MORE))
    assert last.startswith("第4部分")
    assert rendering.CONTINUE not in last
    assert worker.engine.asked == ["护照怎么办"]


async def test_a_long_reply_in_time_comes_in_one_message_and_the_rest_on_request(
    worker: Worker, zhang: Citizen, platform: PlatformServer
) -> None:
    worker.engine.texts = ("甲" * 500, "乙" * 500, "丙" * 500)
    letter = zhang.says("护照怎么办")
    assert await worker.answers(letter) == "甲" * 500 + rendering.CONTINUE
    more = zhang.says("继续")
    assert await worker.answers(more) == "乙" * 500 + rendering.CONTINUE
    assert await worker.answers(more) == "乙" * 500 + rendering.CONTINUE  # a retry goes no further
    assert await worker.answers(letter) == "甲" * 500 + rendering.CONTINUE
    assert await worker.answers(zhang.says("继续")) == "丙" * 500
    assert platform.calls() == []


async def test_a_new_question_drops_the_rest_of_the_old_answer(worker: Worker, zhang: Citizen) -> None:
    worker.engine.texts = ("甲" * 500, "乙" * 500)
    await worker.answers(zhang.says("护照怎么办"))
    worker.engine.texts = ("短",)
    await worker.answers(zhang.says("谢谢"))
    assert await worker.answers(zhang.says("继续")) == "短"  # nothing is left, so the assistant is asked
    assert worker.engine.asked[-1] == "继续"


async def test_customer_service_that_is_called_too_late_is_told_of_in_words(worker: Worker, zhang: Citizen) -> None:
    worker.engine.staff, gate = "any", slow(worker)
    assert await worker.answers(zhang.says("转人工")) == ""
    gate.set()
    await until(lambda: zhang.received)
    assert zhang.received == [say("staff_late")]


# -- what cannot be sent --


@pytest.mark.parametrize("code", [45015, 45047, 48001, 43004, 45009])
async def test_what_the_platform_does_not_take_comes_with_the_next_message_exactly_once(
    worker: Worker, zhang: Citizen, platform: PlatformServer, code: int
) -> None:
    platform.fail("message/custom/send", code)
    gate = slow(worker)
    assert await worker.answers(zhang.says("护照怎么办")) == ""
    gate.set()
    await until(lambda: platform.calls("message/custom/send"))
    await worker.turns.close()
    second = zhang.says("要多少钱")
    told = await worker.answers(second)
    assert told.count("答：护照怎么办") == told.count("答：要多少钱") == 1
    assert told.index("护照") < told.index("多少钱")
    assert await worker.answers(second) == told
    assert "护照" not in await worker.answers(zhang.says("在哪办"))
    assert zhang.received == []


async def test_when_sending_breaks_off_the_rest_is_kept(
    worker: Worker, zhang: Citizen, platform: PlatformServer
) -> None:
    worker.engine.texts = ("甲" * 500, "乙" * 500)
    gate = slow(worker)
    await worker.answers(zhang.says("护照怎么办"))
    zhang.windows["message"].left = 1  # of which we know nothing
    gate.set()
    await until(lambda: len(platform.calls("message/custom/send")) == 2)
    await worker.turns.close()
    worker.engine.texts = ("短",)
    assert "乙" * 500 in await worker.answers(zhang.says("在哪办"))


async def test_a_long_answer_that_could_not_be_sent_is_told_part_by_part_and_nothing_twice(
    worker: Worker, zhang: Citizen, platform: PlatformServer
) -> None:
    worker.engine.texts = ("甲" * 500, "乙" * 500, "丙" * 500)
    platform.fail("message/custom/send", 45015)
    gate = slow(worker)
    assert await worker.answers(zhang.says("护照怎么办")) == ""
    gate.set()
    await until(lambda: platform.calls("message/custom/send"))
    await worker.turns.close()
    told = [(await worker.answers(zhang.says("继续"))).removesuffix(rendering.CONTINUE) for _ in range(3)]
    assert told == ["甲" * 500, "乙" * 500, "丙" * 500]
    worker.engine.texts = ("短",)
    assert await worker.answers(zhang.says("继续")) == "短"


async def test_quotas_are_never_exceeded(worker: Worker, zhang: Citizen, platform: PlatformServer) -> None:
    worker.engine.texts = tuple(str(n) * 600 for n in range(3))
    for n in range(4):
        gate = slow(worker)
        assert await worker.answers(zhang.clicks(f"ask:第{n}问")) == ""
        gate.set()
        await until(lambda: not worker.turns._running and not worker.turns._beside)
    assert 3 <= len(zhang.received) <= 12
    codes = platform.calls("message/custom/send")
    assert len(codes) == len(zhang.received)  # none was refused


# -- without permission --


async def forbid(worker: Worker, platform: PlatformServer) -> None:
    """The account turns out to have no permission to send."""
    platform.backend.forbidden.add("message/custom/send")
    await worker.cache.set(f"wechat:forbidden:{ACCOUNT.appid}", "1", 600)


async def test_that_an_account_may_not_send_is_learned(
    worker: Worker, zhang: Citizen, platform: PlatformServer
) -> None:
    platform.backend.forbidden.add("message/custom/send")
    gate = slow(worker)
    await worker.answers(zhang.says("护照怎么办"))
    gate.set()
    await until(lambda: platform.calls("message/custom/send"))
    await worker.turns.close()
    assert await worker.cache.get(f"wechat:forbidden:{ACCOUNT.appid}")


async def test_without_permission_the_platform_is_kept_waiting_and_the_third_try_says_so(
    worker: Worker, zhang: Citizen, platform: PlatformServer
) -> None:
    await forbid(worker, platform)
    gate, letter = slow(worker), zhang.says("护照怎么办")
    for _ in range(2):
        gone = asyncio.Event()
        held = worker.tries(letter, gone)
        await asyncio.sleep(turns.IN_TIME + 0.2)
        assert not held.done()
        gone.set()
        await held
    told = await worker.answers(letter)
    assert say("working") in told
    assert rendering.MORE in told
    gate.set()
    await until(lambda: worker.engine.done)
    await worker.turns.close()
    assert await worker.answers(zhang.says("继续")) == "答：护照怎么办"
    assert worker.engine.asked == ["护照怎么办"]
    assert platform.calls("message/custom/send") == []


async def test_a_reply_that_is_ready_by_the_second_try_goes_back_with_it(
    worker: Worker, zhang: Citizen, platform: PlatformServer
) -> None:
    await forbid(worker, platform)
    gate, letter, gone = slow(worker), zhang.says("护照怎么办"), asyncio.Event()
    first = worker.tries(letter, gone)
    await asyncio.sleep(turns.IN_TIME + 0.1)
    gone.set()
    await first
    gate.set()
    assert await worker.answers(letter) == "答：护照怎么办"
    await worker.turns.close()
    assert worker.owed.take(ZHANG.owner, "next") == {}


async def test_a_message_that_is_never_tried_again_is_answered_with_the_next(
    worker: Worker, zhang: Citizen, platform: PlatformServer
) -> None:
    await forbid(worker, platform)
    gate, gone = slow(worker), asyncio.Event()
    gone.set()
    await worker.tries(zhang.says("护照怎么办"), gone)
    gate.set()
    await until(lambda: worker.engine.done and not worker.turns._beside)
    assert "答：护照怎么办" in await worker.answers(zhang.says("在吗"))


# -- workers that end --


async def test_when_a_worker_dies_in_the_middle_of_a_turn_the_next_try_makes_it(hire: Hire, zhang: Citizen) -> None:
    first, second = hire(), hire()
    slow(first)
    letter = zhang.says("护照怎么办")
    lost = first.tries(letter)
    await until(lambda: first.engine.asked)
    lost.cancel()
    await first.dies()
    await asyncio.sleep(turns.LEASE)  # after which it counts as dead
    assert await second.answers(letter) == "答：护照怎么办"


async def test_a_worker_that_ends_in_the_middle_of_a_turn_leaves_nobody_in_line(worker: Worker, zhang: Citizen) -> None:
    slow(worker)
    lost = worker.tries(zhang.says("护照怎么办"))
    await until(lambda: worker.engine.asked)
    await worker.turns.close()
    assert await worker.cache.first(f"wechat:line:{ZHANG.sender}") is None
    lost.cancel()


async def test_a_message_behind_that_of_a_dead_worker_is_answered(worker: Worker, zhang: Citizen) -> None:
    await worker.cache.join(f"wechat:line:{ZHANG.sender}", "a message whose worker died", 60)
    assert await worker.answers(zhang.says("要多少钱")) == "答：要多少钱"


async def test_a_message_acknowledged_by_a_worker_that_then_died_is_taken_up_by_another(
    hire: Hire, zhang: Citizen, platform: PlatformServer
) -> None:
    first, second = hire(), hire()
    slow(first)
    assert await first.answers(zhang.says("护照怎么办")) == ""
    await first.dies()
    await second.turns.go_on()
    assert second.engine.asked == []  # the dead one may still be alive
    second.watch.pass_(seconds=LEASE.total_seconds())
    await asyncio.sleep(turns.LEASE)
    await second.turns.go_on()
    await until(lambda: zhang.received)
    await second.turns.close()
    assert zhang.received == ["答：护照怎么办"]
    await second.turns.go_on()
    await second.turns.close()
    assert zhang.received == ["答：护照怎么办"]


async def test_a_turn_that_breaks_is_not_the_last_word(worker: Worker, zhang: Citizen) -> None:
    broken = worker.engine.to
    worker.engine.to = None  # type: ignore[assignment,method-assign]
    letter = zhang.says("护照怎么办")
    await worker.answers(letter)
    worker.engine.to = broken  # type: ignore[method-assign]
    await until(lambda: zhang.received)
    assert zhang.received == ["答：护照怎么办"]
