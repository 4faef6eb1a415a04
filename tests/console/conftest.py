"""The console of the demonstration city: served on localhost, with a staff whose passwords are known."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import uvicorn
from argon2 import PasswordHasher
from axe_playwright_python.base import AXE_SCRIPT
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page

from channels.app import create
from channels.console.clerks import COOKIE
from channels.house import House
from core import clock
from core.settings import Settings
from staff import accounts, passwords
from staff.accounts import Account
from staff.permissions import Grant, Role
from tests.channels.conftest import home
from tests.chromium import WATCH
from tests.desk.conftest import THURSDAY, Watch

CITY, DISTRICT = "980100", "980102"
POLICE = "云桥市公安局"
PASSWORD = "青山绿水-tests-2026"
STAFF = {
    "lin": ("林静", Grant(Role.EDITOR, CITY)),
    "zhou": ("周明", Grant(Role.REVIEWER, CITY)),
    "gao": ("高远", Grant(Role.ADMINISTRATOR, CITY)),
    "sun": ("孙悦", Grant(Role.EDITOR, CITY, POLICE)),
    "qian": ("钱进", Grant(Role.EDITOR, DISTRICT)),
}
Fields = Mapping[str, str | list[str]]
Visit = Callable[..., Page]  # who (empty: nobody), path, browser context options -> Playwright's page


@dataclass
class Office:
    """The application, its inside, its clock, and where it is served."""

    app: FastAPI
    house: House
    watch: Watch
    address: str
    _inside: TestClient
    _clients: dict[str, httpx.Client] = field(default_factory=dict)
    _csrf: dict[str, str] = field(default_factory=dict)

    def client(self) -> httpx.Client:
        """A browser of nobody's; what it asks for is a page, and it follows no redirect."""
        return httpx.Client(base_url=self.address, headers={"Accept": "text/html"}, timeout=10)

    def signed(self, name: str) -> httpx.Client:
        """The browser of somebody of the staff, who signed in when it was first needed."""
        if name not in self._clients:
            self._clients[name] = self.sign_in(name, PASSWORD)
        return self._clients[name]

    def sign_in(self, name: str, password: str) -> httpx.Client:
        """A browser in which somebody signed in just now."""
        client = self.client()
        answer = client.post("/console/sign-in", data={"name": name, "password": password})
        assert answer.status_code == 303, answer.text
        return client

    def post(self, client: httpx.Client, path: str, data: Fields | None = None, **fields: str) -> httpx.Response:
        """Send a form with the token that the browser's pages carry."""
        sent = {"csrf": self.csrf(client), **(data or {}), **fields}
        return client.post(path, data=sent)

    def csrf(self, client: httpx.Client) -> str:
        """The token of this browser's forms."""
        token = client.cookies.get(COOKIE, "")
        if token not in self._csrf:
            found = re.search(r'name="csrf" value="([^"]+)"', client.get("/console/me").text)
            assert found, "nobody is signed in"
            self._csrf[token] = found[1]
        return self._csrf[token]

    def account(self, name: str) -> Account:
        with self.house.reading() as session:
            return accounts.find(session, name)

    def hire(self, name: str, called: str, *grants: Grant) -> Account:
        """Somebody more, with the password that all have."""
        with self.house.writing.begin() as session:
            made, given = accounts.make(session, name, called, grants=grants, by="tests", at=clock.now())
            accounts.change_password(session, made.id, given, PASSWORD)
            return accounts.read(session, made.id)

    def forget(self) -> None:
        """Forget who tried what how often."""
        assert self._inside.portal
        self._inside.portal.call(self.house.cache.close)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """What a module sets otherwise; it overrides this fixture."""
    return {}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]) -> Iterator[Office]:
    """The demonstration city with its staff, on a Thursday morning in October."""
    watch = Watch(THURSDAY)
    usual = {
        "home": home(tmp_path_factory.mktemp("office"), at=THURSDAY), "rasa": False, "encoder": "none", "rate_limit": 0,
        "rate_limit_address": 0, "booking_limit_address": 0, "log_level": "ERROR",
        "staff_tokens": ["王芳:0123456789abcdef-wang", "李娜:fedcba9876543210-li"],
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", watch)
        # What a password costs is tested with the staff; here it would be paid for every sign-in.
        patch.setattr(passwords, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        app = create(Settings(**(usual | settings)))
        with TestClient(app) as inside, Serving(app) as address:
            office = Office(app, app.state.house, watch, address, inside)
            for name, (called, grant) in STAFF.items():
                office.hire(name, called, grant)
            yield office
            office.close()


class Serving:
    """A server in a thread, for as long as it is entered."""

    def __init__(self, app: FastAPI) -> None:
        with socket.socket() as listening:
            listening.bind(("localhost", 0))
            self._port = listening.getsockname()[1]
        # The application is open already.
        config = uvicorn.Config(
            app, host="localhost", port=self._port, log_level="warning", lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        return f"http://localhost:{self._port}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(5)


@pytest.fixture
def visit(browser: Browser, office: Office) -> Iterator[Visit]:
    """Open a path in a fresh profile as somebody; at the end no policy violation or script error may have happened."""
    pages: list[Page] = []
    broken: list[str] = []

    def visited(name: str, path: str, width: int = 1280, height: int = 900, **context: Any) -> Page:
        profile = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", reduced_motion="reduce", **context
        )
        profile.add_init_script(WATCH)
        if name:
            token = office.signed(name).cookies[COOKIE]
            profile.add_cookies([{"name": COOKIE, "value": token, "url": office.address}])
        page = profile.new_page()
        page.set_default_timeout(8000)
        # Also what happened on pages that were left since.
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("console", lambda said: broken.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(office.address + path)
        pages.append(page)
        return page

    yield visited
    for page in pages:
        broken += page.evaluate("window.broken") or []
        page.context.close()
    assert not broken


def axe(page: Page, *, night: bool = True) -> None:
    """Nothing may keep people out, as axe-core sees it, by day and by night."""
    page.evaluate(AXE_SCRIPT)
    _run_axe(page, {})
    if night:
        page.emulate_media(color_scheme="dark")
        _run_axe(page, {"runOnly": ["color-contrast"]})  # nothing else differs
        page.emulate_media(color_scheme="light")


def _run_axe(page: Page, options: dict[str, Any]) -> None:
    # Only what is wrong comes back: what is right as well would be megabytes.
    found = page.evaluate(
        "async (options) => (await axe.run(options)).violations", options | {"resultTypes": ["violations"]}
    )
    serious = [
        f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert not serious, (options, serious)
