"""The town with an Official Account, and citizens who follow its links in WeChat's browser."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi.testclient import TestClient

from channels.app import create
from core import clock
from core.settings import Settings
from tests.channels.conftest import home
from tests.channels.town import TOKEN, Town
from tests.desk.conftest import THURSDAY, Watch
from tests.wechat.citizen import ACCOUNT
from tests.wechat.platform_server import PlatformServer

OURS = "https://bangban.example"
WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/116.0 Mobile MicroMessenger/8.0.50"
SHARED = "0123456789abcdef-apply"
APPLICATION = "https://apply.example"
OTHER = ACCOUNT.model_copy(update={"appid": "wxfedcba9876543210"})  # a second account, of the same citizens


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, running_platform: PlatformServer) -> Iterator[Town]:
    """For the fixture `town`: addresses are https, and the platform is `platform`."""
    watch = Watch()
    settings = Settings(
        home=home(tmp_path_factory.mktemp("town"), at=THURSDAY), rasa=False, encoder="none", rate_limit=0, rate_limit_address=0,
        booking_limit_address=0, staff_tokens=[f"王芳:{TOKEN}"], log_level="INFO", public_url=OURS,
        wechat_token=ACCOUNT.token, wechat_aes_key=ACCOUNT.aes_key, wechat_appid=ACCOUNT.appid,
        wechat_secret=ACCOUNT.secret, wechat_accounts={"other": OTHER}, wechat_api_base=running_platform.base,
        wechat_open_base=running_platform.base, wechat_handoff={"apply.example": SHARED, "other.example": f"{SHARED}-of-another"},
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", watch)
        client = TestClient(create(settings), base_url=OURS, headers=browser(), raise_server_exceptions=False)
        client.__enter__()
    yield Town(client, client.app.state.house, watch)  # type: ignore[attr-defined]
    client.__exit__()


def browser(agent: str = WECHAT) -> dict[str, str]:
    return {"User-Agent": agent, "Accept": "text/html"}


def go(town: Town, to: str, *, path: str = "/wechat", **headers: str) -> httpx.Response:
    """Tap a link."""
    return town.client.get(f"{path}/go?{urlencode({'to': to})}", headers=headers, follow_redirects=False)


def back(went: httpx.Response) -> str:
    """Where the platform sends the browser: the path and query of `arrive`, with code and state."""
    assert went.status_code == 303, went.text
    address: str = httpx.get(went.headers["location"]).headers["location"]
    assert address.startswith(OURS)
    return address.removeprefix(OURS)


def arrive(town: Town, address: str) -> httpx.Response:
    return town.client.get(address, follow_redirects=False)


def come(town: Town, to: str, *, path: str = "/wechat") -> httpx.Response:
    """The whole way; what `arrive` answers."""
    return arrive(town, back(go(town, to, path=path)))


def shown(answer: httpx.Response) -> str:
    """A page's text."""
    return html.unescape(re.sub(r"<[^>]+>", "", answer.text.partition("<main")[2]))


def cookies(answer: httpx.Response) -> dict[str, str]:
    """What a browser was told to keep, by name."""
    told: list[str] = answer.headers.get_list("set-cookie")
    return {one.partition("=")[0]: one for one in told}


def elsewhere(town: Town) -> Any:
    """Another browser."""
    client = TestClient(town.client.app, base_url=OURS, headers=browser(), raise_server_exceptions=False)
    return client
