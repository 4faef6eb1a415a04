"""A real Chromium on pages of the stub server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser

from tests.chromium import WATCH
from tests.web.stub import Open, Site, make_app


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    app = make_app()
    with socket.socket() as listening:
        listening.bind(("localhost", 0))
        port = listening.getsockname()[1]
    config = uvicorn.Config(app, host="localhost", port=port, log_level="warning", timeout_graceful_shutdown=1)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not running.started and time.monotonic() < deadline:
        time.sleep(0.02)
    yield Site(f"http://localhost:{port}", app)
    running.should_exit = True
    thread.join(5)


@pytest.fixture
def site(server: Site) -> Site:
    """The server with nothing asked yet."""
    server.asked.clear()
    server.rated.clear()
    return server


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Open]:
    """Open a path in a fresh profile; at the end no policy violation and no script error may have happened."""
    pages = []

    def opened(path: str = "/", width: int = 1280, height: int = 800, **context: Any) -> Any:
        profile = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", reduced_motion="reduce", **context
        )
        profile.add_init_script(WATCH)
        page = profile.new_page()
        page.set_default_timeout(8000)
        page.goto(path if path.startswith("http") else site.url + path)
        pages.append((profile, page))
        return page

    yield opened
    broken = [page.evaluate("window.broken") or [] for _, page in pages]
    for profile, _ in pages:
        profile.close()
    assert not any(broken), broken
