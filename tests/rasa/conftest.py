"""A trained model and a running server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import supervisor

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "bot/runtime/.venv/bin/python"
TOKEN = "token-of-the-tests"
ACTIONS_TOKEN = "actions-token-of-the-tests"


def launch(*arguments: str) -> subprocess.Popen[str]:
    """Start the launcher in Rasa's environment."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "bot/runtime"),
        "BANGBAN_RASA_TOKEN": TOKEN,
        "BANGBAN_ACTIONS_TOKEN": ACTIONS_TOKEN,
    }
    command = [str(PYTHON), "-m", "bangban_rasa.launcher", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture(scope="session")
def model() -> Path:
    """The model of the working tree, the one `make serve` uses; trained when there is none yet (about a minute)."""
    if not PYTHON.exists():
        pytest.skip("bot/runtime has no environment; `make setup` makes it")
    return asyncio.run(supervisor.train(ROOT / "var", print))


class Actions(ThreadingHTTPServer):
    """Stands for the application's action endpoint: answers with `answer`, or what it makes of the request; keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answer: Any = {"events": [], "responses": []}
        self.asked: list[tuple[dict[str, str], dict[str, object]]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/actions"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Actions

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((dict(self.headers), body))
        made = self.server.answer
        answer = json.dumps(made(body) if callable(made) else made).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *values: object) -> None:
        pass


@pytest.fixture(scope="session")
def actions() -> Iterator[Actions]:
    server = Actions()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


class Rasa:
    """A running server: `say` has one turn, `log` is all it has printed."""

    def __init__(self, port: int, process: subprocess.Popen[str]) -> None:
        self.port, self.process, self.lines = port, process, list[str]()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def wait_for_log(self, words: str, seconds: float = 10) -> None:
        """Until the log holds `words`: it is read by a thread, a moment behind."""
        deadline = time.monotonic() + seconds
        while words not in self.log:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def wait(self, seconds: float) -> None:
        """Until the model is loaded."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            try:
                if self.client.get("/status", params={"token": TOKEN}).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.3)
        raise AssertionError(f"not ready in {seconds} s: {self.log}")

    def say(self, text: str, sender: str = "tester", token: str = TOKEN) -> httpx.Response:
        body = {"sender": sender, "message": text}
        return self.client.post("/webhooks/bangban/webhook", json=body, headers={"Authorization": f"Bearer {token}"})

    def intent(self, text: str) -> str:
        parsed = self.client.post("/model/parse", params={"token": TOKEN}, json={"text": text}).json()
        return str(parsed["intent"]["name"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def rasa(model: Path, actions: Actions) -> Iterator[Rasa]:
    port = free_port()
    process = launch("run", "--model", str(model), "--port", str(port), "--actions-url", actions.url)
    server = Rasa(port, process)
    try:
        server.wait(180)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
