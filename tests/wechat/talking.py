"""Citizens who write to the demonstration city's account; what they say passes the real envelope, and the real replies."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from channels.app import create
from channels.house import House
from channels.wechat.letters import Incoming, Outgoing
from channels.wechat.office import Counter, Office
from core import clock
from core.settings import Settings
from tests.channels.conftest import home
from tests.desk.conftest import THURSDAY, Watch
from tests.wechat.citizen import ACCOUNT, Citizen, Letter
from tests.wechat.platform_server import PlatformServer

OURS = "https://bangban.example"
_TAP = re.compile(r'<a href="(weixin://[^"]*)">([^<]*)</a>')
_names = itertools.count()


@dataclass
class Talk:
    """One citizen and the account. `out` is what was said last."""

    client: TestClient
    platform: PlatformServer
    watch: Watch
    citizen: Citizen
    out: Outgoing = field(default_factory=Outgoing)

    @property
    def house(self) -> House:
        house: House = self.client.app.state.house  # type: ignore[attr-defined]
        return house

    @property
    def office(self) -> Office:
        assert self.house.office
        return self.house.office

    @property
    def counter(self) -> Counter:
        return self.office.accounts[ACCOUNT.appid]

    def hears(self, letter: Letter) -> str:
        """What the account says to that, all parts in one."""
        sealed = letter.sealed()
        incoming = self.counter.envelope.open(sealed.body, sealed.params)
        assert incoming
        return self.gets(incoming)

    def gets(self, incoming: Incoming) -> str:
        async def answered() -> Outgoing:
            await self.office.allowance.grant(incoming)
            return await self.office.replies.to(incoming)

        assert self.client.portal
        self.out = self.client.portal.call(answered)
        return "\n\n".join(self.out.parts)

    def says(self, text: str) -> str:
        return self.hears(self.citizen.says(text))

    def taps(self, label: str) -> str:
        """Tap the first of the choices said last that begins so."""
        address = next(tap for tap, shown in _TAP.findall("".join(self.out.parts)) if shown.startswith(label))
        query = parse_qs(urlsplit(address).query)
        return self.hears(self.citizen.says(query["msgmenucontent"][0], tapped=query["msgmenuid"][0]))

    def somebody_else(self) -> Talk:
        return replace(self, citizen=self.platform.citizen(f"o-else-{next(_names)}"), out=Outgoing())


def labels(out: Outgoing) -> list[str]:
    """What can be tapped."""
    return [shown for _, shown in _TAP.findall("".join(out.parts))]


@pytest.fixture(scope="module")
def opened_account(
    tmp_path_factory: pytest.TempPathFactory, running_platform: PlatformServer
) -> Iterator[tuple[TestClient, Watch]]:
    watch = Watch()
    settings = Settings(
        home=home(tmp_path_factory.mktemp("account")), rasa=False, rate_limit=0, log_level="INFO",
        wechat_token=ACCOUNT.token, wechat_aes_key=ACCOUNT.aes_key, wechat_appid=ACCOUNT.appid,
        wechat_secret=ACCOUNT.secret, wechat_api_base=running_platform.base, wechat_open_base=running_platform.base,
        wechat_handoff={"apply.example": "0123456789abcdef"}, public_url=OURS,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", watch)
        client = TestClient(create(settings), raise_server_exceptions=False)
        client.__enter__()
    house: House = client.app.state.house  # type: ignore[attr-defined]
    while house.index.encode_some() or house.index.learn_some():
        pass
    yield client, watch
    client.__exit__()


@pytest.fixture
def talk(
    opened_account: tuple[TestClient, Watch], platform: PlatformServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Talk]:
    """A citizen of the city on a Thursday morning in October, to whom nothing was said yet."""
    client, watch = opened_account
    watch.time = THURSDAY
    monkeypatch.setattr(clock, "now", watch)
    made = Talk(client, platform, watch, platform.citizen(f"o-{next(_names)}"))
    assert client.portal
    client.portal.call(made.house.cache.close)  # the memory of this process forgets
    before = dict(made.office.accounts)
    yield made
    made.office.accounts.update(before)


@pytest.fixture
def staffed(talk: Talk) -> Talk:
    """The same where customer service is switched on; who is online says `platform.backend.staff`."""
    account = ACCOUNT.model_copy(update={"staff": "any"})
    talk.office.accounts[ACCOUNT.appid] = replace(talk.counter, account=account)
    return talk


@pytest.fixture
def of_district(talk: Talk) -> Talk:
    """The same where the account is a district's."""
    talk.office.accounts[ACCOUNT.appid] = replace(talk.counter, region="980103")
    return talk
