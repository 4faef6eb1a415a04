"""The application on the demonstration city: in process without Rasa, and as its own process with it."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from bot.supervisor import free_port, python
from channels.app import create
from channels.house import House
from core import clock
from core.settings import Settings

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "var"  # models and vectors made once serve every run
DATABASE = "bangban.db"
LOADING = 420  # seconds for training and loading Rasa on a slow machine


def home(folder: Path, *, city: bool = True, at: datetime | None = None) -> Path:
    """A home of its own that borrows what is costly to make.

    With `city` it begins with a copy of the demonstration city's database, as it was when it was first started `at`
    that moment; without it, and with a database elsewhere, its first start is the first.
    """
    for name in ("index", "rasa"):
        (KEPT / name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(KEPT / name)
    if city:
        (folder / DATABASE).write_bytes(_city(at))
    return folder


@functools.cache
def _city(at: datetime | None) -> bytes:
    """The database after a first start, without a key and without accounts."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        if at:
            patch.setattr(clock, "now", lambda: at)
        house = House(Settings(home=Path(folder), rasa=False, encoder="none"))
        house.open_database()
        house.engine.dispose()  # the last connection writes all that waits beside the file into it
        kept = Path(folder) / DATABASE
        assert not kept.with_name(f"{DATABASE}-wal").exists()
        return kept.read_bytes()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        home=home(tmp_path_factory.mktemp("home")),
        rasa=False,
        rate_limit=0,
        rate_limit_address=0,
        cors_origins=["https://portal.example"],
        log_level="ERROR",
    )


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[TestClient]:
    """The application without Rasa; `client.app.state.house` is its inside."""
    with TestClient(create(settings), raise_server_exceptions=False) as opened:
        house: House = opened.app.state.house  # type: ignore[attr-defined]
        while house.index.encode_some() or house.index.learn_some():
            pass
        yield opened


@pytest.fixture
def house(client: TestClient) -> House:
    inside: House = client.app.state.house  # type: ignore[attr-defined]
    return inside


class Served:
    """A `bangban serve` process and a client of it."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder, self.port = folder, free_port()
        self.log = folder / "serve.log"
        own = {"BANGBAN_HOME": str(folder), "BANGBAN_PORT": str(self.port), "BANGBAN_RATE_LIMIT": "0"}
        self.environment = {**os.environ, **own, **variables}
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "channels", "serve"]
        with self.log.open("ab") as written:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=written, stderr=subprocess.STDOUT
            )

    def state(self) -> dict[str, object]:
        try:
            answer: dict[str, object] = self.client.get("/readyz").json()
        except httpx.TransportError:
            return {}
        return answer

    def wait(self, name: str, wanted: object, seconds: float) -> None:
        """Until a part of /readyz is as wanted."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text("utf-8")
            if self.state().get(name) == wanted:
                return
            time.sleep(0.2)
        raise AssertionError(f"{name} is not {wanted} after {seconds} s: {self.state()}\n{self.log.read_text('utf-8')}")

    def ask(self, text: str, session: str = "tests-session") -> dict[str, object]:
        answer = self.client.post("/api/chat", json={"session": session, "text": text})
        assert answer.status_code == 200, answer.text
        first: dict[str, object] = answer.json()["messages"][0]
        return first

    def counted(self, path: str) -> float:
        """Messages made by `path`, from the metrics."""
        lines = self.client.get("/metrics").text.splitlines()
        return sum(
            float(line.split()[-1]) for line in lines if "bangban_answers_total" in line and f'path="{path}"' in line
        )

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The application as people run it, with its Rasa loaded."""
    if python() is None:
        pytest.skip("bot/runtime has no environment; `make setup` makes it")
    folder = home(tmp_path_factory.mktemp("served"))
    running = Served(folder)
    try:
        running.wait("rasa", "ready", LOADING)
        running.wait("search", "meaning", LOADING)
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)
