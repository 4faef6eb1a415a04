"""Notices of the desk on WeChat: sent once, by the best way there is, and never lost without anybody knowing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest
import structlog
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from bot.services import Lines
from channels.wechat import notices, rendering
from channels.wechat.allowance import Allowance
from channels.wechat.letters import Incoming, Kind
from channels.wechat.owed import Owed
from channels.wechat.platform import Platform
from core.cache import MemoryCache
from core.database import sessions
from core.settings import Template, WeChatAccount
from core.vault import Vault
from desk import days, outbox
from desk.appointments import Appointment
from desk.front import FrontDesk, Offer
from desk.models import OutboxRow
from desk.outbox import LEASE, RETRIES, Notice
from desk.people import Person
from knowledge import publishing
from knowledge.schema import Material
from tests.desk.conftest import (
    EAST,
    REGION,
    THURSDAY,
    ZHANG,
    Watch,
    at,
    desk,
    guide,
    offer,
    reading,
    vault,
    watch,
    writing,
)
from tests.wechat.citizen import Citizen
from tests.wechat.platform_server import PlatformServer

__all__ = ["desk", "offer", "reading", "vault", "watch", "writing"]  # fixtures

OPENID = "o-zhang-of-the-tests"
LINES = Lines("云桥帮办", "12345", "0000-5550100", "工作日 9:00-17:00", "https://yunqiao.example")
FIELDS = {"thing1": "item", "time2": "when", "thing3": "hall", "character_string4": "number", "phrase5": "state", "thing6": "note"}  # fmt: skip
TEMPLATE = "message/template/send"
SUBSCRIBE = "message/subscribe/bizsend"
TEXT = "message/custom/send"
ALL = ("remind", "displaced")


@dataclass(frozen=True)
class Counter:
    account: WeChatAccount
    platform: Platform


@dataclass
class Rooms:
    """As much of the house and its office as notices need: all of it real, and nothing else opened."""

    desk: FrontDesk
    cache: MemoryCache
    loop: asyncio.AbstractEventLoop
    allowance: Allowance
    owed: Owed
    lines: Lines = LINES
    accounts: dict[str, Counter] = field(default_factory=dict)

    def by_appid(self, appid: str) -> Counter | None:
        return self.accounts.get(appid)


@dataclass
class Post:
    """The desk, its outbox and the citizen. `send` delivers what is due."""

    rooms: Rooms
    citizen: Citizen
    incoming: Incoming
    offer: Offer
    writing: sessionmaker[Session]
    watch: Watch
    base: str

    def open(self, *kinds: str, sort: str = "template") -> None:
        """Serve the account, with templates for some kinds of notice."""
        made = {kind: Template.model_validate({"id": f"{kind}-1", "sort": sort, "fields": FIELDS}) for kind in kinds}
        account = self.citizen.account.model_copy(update={"templates": made})
        cache, vault = self.rooms.cache, self.rooms.desk.vault
        self.rooms.accounts[account.appid] = Counter(account, Platform(account, cache, vault, base=self.base))

    @property
    def deliver(self) -> Callable[[Notice], None]:
        """What a process delivers with; asking again is another process."""
        return notices.deliverer(cast(Any, self.rooms), cast(Any, self.rooms))

    def book(self, person: Person = ZHANG, *, hour: int = 9, address: str | None = None) -> Appointment:
        """An appointment tomorrow, with a reminder."""
        reached = self.incoming.address if address is None else address
        window, starts = self.offer.windows[0].id, at(self.watch.tomorrow, hour)
        return self.rooms.desk.book(
            self.offer.published.id, window, starts, person, owner=self.incoming.owner, key=person.phone,
            address=reached, remind=True,
        )  # fmt: skip

    def close(self, made: Appointment) -> None:
        with self.writing.begin() as session:
            days.set_hours(session, REGION, EAST, made.day, [], note="停电检修", by="王芳", now=self.watch())

    def happen(self, kind: str, made: Appointment) -> None:
        """What the notice is about."""
        if kind == "remind":
            self.watch.time = at(made.day, 17) - timedelta(days=1)
        else:
            self.close(made)

    def send(self, deliver: Callable[[Notice], None] | None = None) -> list[str]:
        """One round. Returns the states of all notices that were not taken back."""
        outbox.deliver(self.writing, {"wechat": deliver or self.deliver}, now=self.watch)
        with self.writing() as session:
            states = session.scalars(select(OutboxRow.state).order_by(OutboxRow.key)).all()
        return [state for state in states if state != "dropped"]

    def unreached(self, made: Appointment) -> frozenset[int]:
        """Whom the staff must call."""
        with self.writing() as session:
            return outbox.unreached(session, REGION, EAST, made.day, lambda owner: True, now=self.watch())

    def kept(self) -> tuple[str, ...]:
        """What comes with the citizen's next message."""
        owed = self.rooms.owed.take(self.incoming.owner, "next")
        return tuple(part for key, one in owed.items() if notices.stands(self.rooms.desk, key) for part in one.parts)

    def writes(self) -> None:
        """The citizen writes something, which opens the window for texts."""
        self.citizen.says("你好")
        self.on_loop(self.rooms.allowance.grant(self.incoming))

    def on_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.rooms.loop).result(20)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The application's, in a thread of its own: notices are delivered from another."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever, daemon=True)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join(20)
    made.close()


@pytest.fixture
def post(
    platform: PlatformServer,
    loop: asyncio.AbstractEventLoop,
    database: Engine,
    desk: FrontDesk,
    offer: Offer,
    writing: sessionmaker[Session],
    vault: Vault,
    watch: Watch,
) -> Iterator[Post]:
    """Somebody who follows the account, which has no templates yet and may send no texts yet."""
    cache, citizen = MemoryCache(), platform.citizen(OPENID)
    incoming = Incoming("callback-1", citizen.account.appid, OPENID, "gh_0123456789", Kind.TEXT, text="你好")
    owed = Owed(sessions(database), writing, vault, now=watch)
    made = Post(
        Rooms(desk, cache, loop, Allowance(cache), owed), citizen, incoming, offer, writing, watch, platform.base
    )
    made.open()
    yield made
    for counter in made.rooms.accounts.values():
        made.on_loop(counter.platform.close())


# -- template messages --


def test_a_reminder_is_a_template_message_with_all_that_is_needed(post: Post) -> None:
    post.open("remind")
    made = post.book()
    post.happen("remind", made)
    assert post.send() == ["delivered"]
    (notice,) = post.citizen.notices
    assert notice["template_id"] == "remind-1"
    assert {name: one["value"] for name, one in notice["data"].items()} == {
        "thing1": "户口迁移",
        "time2": "2026年10月16日 09:00",
        "thing3": EAST,
        "character_string4": made.number,
        "phrase5": "记得来办",
        "thing6": "请提前10分钟到，带好材料",
    }
    assert notice["url"].startswith("https://yunqiao.example/book/slip/")
    assert post.rooms.desk.by_slip(notice["url"].rpartition("/")[2]).id == made.id
    assert post.kept() == ()


def test_who_lost_their_time_is_told_why(post: Post) -> None:
    post.open("displaced")
    post.close(post.book())
    assert post.send() == ["delivered"]
    (notice,) = post.citizen.notices
    assert notice["data"]["phrase5"]["value"] == "需要改期"
    assert notice["data"]["thing6"]["value"] == "因为停电检修，当天不办公，请另选时间"


@pytest.mark.parametrize("sort", ["template", "subscribe"])
def test_a_notice_is_sent_once_however_many_rounds_there_are(post: Post, sort: str) -> None:
    post.open("remind", sort=sort)
    post.happen("remind", post.book())
    for _ in range(3):
        post.send()
        post.watch.pass_(minutes=5)
    assert len(post.citizen.notices) == 1


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("way", ["template", "text"])
def test_a_process_that_dies_after_sending_sends_nothing_twice(post: Post, way: str) -> None:
    post.open(*(["remind"] if way == "template" else []))
    post.writes()
    post.happen("remind", post.book())

    def dies(notice: Notice) -> None:
        post.deliver(notice)
        raise Killed

    with pytest.raises(Killed):
        post.send(dies)
    assert post.send() == ["claimed"]
    post.watch.pass_(seconds=LEASE.total_seconds() + 1)
    if way == "template":  # whose key the platform knows, whatever we forget
        post.rooms.cache = MemoryCache()
    assert post.send() == ["delivered"]
    assert (len(post.citizen.notices), len(post.citizen.received)) == ((1, 0) if way == "template" else (0, 1))


def test_an_answer_that_is_lost_after_the_message_arrived_sends_nothing_twice(
    post: Post, platform: PlatformServer
) -> None:
    post.open("remind")
    post.happen("remind", post.book())
    platform.drop(TEMPLATE, after=True)
    assert post.send() == ["waiting"]
    post.watch.pass_(seconds=RETRIES[0])
    assert post.send() == ["delivered"]
    assert len(platform.calls(TEMPLATE)) == 2
    assert len(post.citizen.notices) == 1


# -- the platform away, the quota used up --


@pytest.mark.parametrize("code", [-1, 45009, 40164])
def test_what_another_time_may_mend_is_tried_again(post: Post, platform: PlatformServer, code: int) -> None:
    post.open("remind")
    post.writes()
    post.happen("remind", post.book())
    platform.fail(TEMPLATE, code)
    assert post.send() == ["waiting"]
    assert (post.citizen.notices, post.citizen.received, post.kept()) == ([], [], ())
    post.watch.pass_(seconds=RETRIES[0])
    assert post.send() == ["delivered"]
    assert len(post.citizen.notices) == 1


def test_where_the_platform_stays_away_the_staff_learn_of_it(post: Post, platform: PlatformServer) -> None:
    post.open("displaced")
    made = post.book()
    post.close(made)
    platform.drop(TEMPLATE, times=len(RETRIES) + 1)
    for seconds in (*RETRIES, 0):
        post.send()
        post.watch.pass_(seconds=seconds)
    assert post.send() == ["failed"]
    assert post.unreached(made) == {made.id}


def test_a_loop_that_has_ended_is_another_try(post: Post) -> None:
    post.open("remind")
    post.happen("remind", post.book())
    ended = asyncio.new_event_loop()
    ended.close()
    running, post.rooms.loop = post.rooms.loop, ended
    assert post.send() == ["waiting"]
    post.rooms.loop = running


# -- texts --


def test_without_a_template_it_is_a_text_with_choices_to_tap(post: Post) -> None:
    post.writes()
    made = post.book()
    post.happen("remind", made)
    assert post.send() == ["delivered"]
    (text,) = post.citizen.received
    assert text.startswith(f"提醒您：明天（10月16日，周五）上午9:00去{EAST}办“户口迁移”")
    assert 'href="https://yunqiao.example/book/slip/' in text
    assert f"msgmenuid=book:cancel:{made.id}" in text
    assert ZHANG.name not in text
    assert post.kept() == ()


@pytest.mark.parametrize("trouble", ["unknown template", "no permission", "not subscribed", "a field it does not take"])
def test_where_the_template_cannot_serve_a_text_does(post: Post, platform: PlatformServer, trouble: str) -> None:
    post.open("remind", sort="subscribe" if trouble == "not subscribed" else "template")
    post.writes()
    match trouble:
        case "unknown template":
            platform.backend.templates.add("another-1")
        case "no permission":
            platform.backend.forbidden.add(TEMPLATE)
        case "not subscribed":
            post.citizen.accepts = False
        case _:
            platform.fail(TEMPLATE, 47003)
    post.happen("remind", post.book())
    assert post.send() == ["delivered"]
    assert (len(post.citizen.notices), len(post.citizen.received)) == (0, 1)


def test_a_long_text_says_how_to_go_on_and_the_rest_is_kept(post: Post) -> None:
    many = [Material(name=f"第{n}种证明材料，由户口所在地的派出所盖章，原件和复印件都要") for n in range(60)]
    with post.writing.begin() as session:
        publishing.publish(session, guide(materials=many), by="tests", at=THURSDAY)
    post.writes()
    post.happen("remind", post.book())
    assert post.send() == ["delivered"]
    (text,) = post.citizen.received
    assert text.startswith("提醒您：")
    assert text.endswith(rendering.CONTINUE)
    assert len(text.encode()) <= rendering.LIMIT
    rest = post.kept()
    assert "第59种证明材料" in "".join(rest)
    assert "提醒您：" not in "".join(rest)


# -- nothing can be sent --


def test_where_nothing_may_be_sent_a_reminder_comes_with_the_next_reply(post: Post) -> None:
    post.happen("remind", post.book())
    assert post.send() == ["delivered"]
    assert post.citizen.received == []
    assert "".join(post.kept()).startswith("提醒您：")


def test_used_up_messages_are_not_tried(post: Post, platform: PlatformServer) -> None:
    post.writes()
    for _ in range(5):
        assert post.on_loop(post.rooms.allowance.spend(post.incoming.sender))
    post.happen("remind", post.book())
    assert post.send() == ["delivered"]
    assert platform.calls(TEXT) == []
    assert post.kept()


@pytest.mark.parametrize("code", [45015, 45047])
def test_where_the_platform_counts_otherwise_a_reminder_is_kept(
    post: Post, platform: PlatformServer, code: int
) -> None:
    post.writes()
    platform.fail(TEXT, code)
    post.happen("remind", post.book())
    assert post.send() == ["delivered"]
    assert post.citizen.received == []
    assert post.kept()


def test_a_lost_time_that_waits_for_the_citizen_is_the_staffs_to_tell(post: Post) -> None:
    made = post.book()
    post.close(made)
    assert post.send() == ["failed"]
    assert post.unreached(made) == {made.id}
    assert "".join(post.kept()).startswith("对不起"), "and is said all the same when they write"


@pytest.mark.parametrize("kind", ALL)
def test_who_follows_no_more_is_called_by_the_staff(post: Post, kind: str) -> None:
    post.open(*ALL)
    made = post.book()
    post.writes()
    post.citizen.leaves()
    post.happen(kind, made)
    assert post.send() == ["failed"]
    assert post.unreached(made) == {made.id}


def test_who_has_chosen_another_time_is_called_no_more(post: Post) -> None:
    post.open(*ALL)
    made = post.book()
    post.citizen.leaves()
    post.happen("remind", made)
    assert post.send() == ["failed"]
    post.rooms.desk.change(made.id, made.window, at(made.day, 15), by=post.incoming.owner)
    assert post.unreached(made) == frozenset()


@pytest.mark.parametrize("address", ["", "wx-of-another-account o-zhang", "nonsense"])
def test_without_an_address_nothing_is_sent_and_the_staff_know(post: Post, address: str) -> None:
    made = post.book(address=address)
    post.happen("remind", made)
    assert post.send() == ["failed"]
    assert post.unreached(made) == {made.id}


# -- what is true --


def notice_of(made: Appointment, owner: str) -> Notice:
    return Notice(f"remind:{made.number}:{made.starts:%Y%m%d%H%M}", "remind", owner, made.id, made.starts)


@pytest.mark.parametrize("what", ["cancelled", "moved"])
def test_what_changed_since_it_was_claimed_is_not_told(post: Post, what: str) -> None:
    post.open("remind")
    post.writes()
    made = post.book()
    if what == "cancelled":
        post.rooms.desk.cancel(made.id, by=post.incoming.owner)
    else:
        post.rooms.desk.change(made.id, made.window, at(made.day, 10), by=post.incoming.owner)
    post.deliver(notice_of(made, post.incoming.owner))
    assert (post.citizen.notices, post.citizen.received, post.kept()) == ([], [], ())


def test_what_is_kept_gives_way_to_what_came_after(post: Post) -> None:
    made = post.book()
    post.happen("remind", made)
    post.send()
    post.close(made)
    post.send()
    (kept,) = [post.kept()]
    assert "".join(kept).startswith("对不起")
    assert "提醒您" not in "".join(kept)


@pytest.mark.parametrize("what", ["cancelled", "moved"])
def test_what_is_kept_is_not_told_once_the_citizen_changed_it_elsewhere(post: Post, what: str) -> None:
    made = post.book()
    post.happen("remind", made)
    post.send()
    if what == "cancelled":
        post.rooms.desk.cancel(made.id, by=post.incoming.owner)
    else:
        post.rooms.desk.change(made.id, made.window, at(made.day, 10), by=post.incoming.owner)
    assert post.kept() == ()


def test_what_is_kept_is_gone_once_the_news_was_sent(post: Post) -> None:
    made = post.book()
    post.happen("remind", made)
    post.send()
    post.open("displaced")
    post.close(made)
    assert post.send() == ["delivered", "delivered"]
    assert post.kept() == ()


def test_what_is_kept_is_not_told_after_its_time(post: Post) -> None:
    made = post.book()
    post.happen("remind", made)
    post.send()
    post.watch.time = made.starts
    assert post.kept() == ()


# -- logs --


def test_nothing_personal_is_logged(post: Post, platform: PlatformServer) -> None:
    post.open("remind")
    made = post.book()
    post.writes()
    post.happen("remind", made)
    platform.fail(TEMPLATE, 47003)
    with structlog.testing.capture_logs() as logged:
        post.send()
        post.open("displaced")
        platform.fail(TEMPLATE, 45009)
        post.close(made)
        post.send()
    told = str(logged)
    assert "wechat.noticed" in told
    assert "47003" in told
    assert "outbox.postponed" in told
    for private in (OPENID, ZHANG.name, ZHANG.phone, made.number, EAST, "户口迁移", post.citizen.account.secret):
        assert private not in told
