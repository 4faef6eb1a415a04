"""A real Chromium for tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
QUIET += ["--disable-dev-shm-usage", "--no-first-run", "--disable-sync", "--metrics-recording-only"]
# Listens before any page script, in every frame: a violation anywhere fails the test.
WATCH = """
window.broken = [];
addEventListener("securitypolicyviolation", (event) => broken.push(event.violatedDirective + " " + event.blockedURI));
addEventListener("error", (event) => broken.push(event.message));
addEventListener("unhandledrejection", (event) => broken.push(String(event.reason)));
window.print = () => { window.printed = true; };
"""


# Per module, not per session: Playwright's loop would otherwise be the running one for later asyncio tests.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip(f"no Chromium at {CHROMIUM}; install it or name it in CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()
