"""The supervisor with a launcher that crashes, hangs, starts slowly and trains badly."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bot import supervisor
from bot.rasa import Rasa
from bot.supervisor import Address, Supervisor, TrainingFailed, fingerprint, free_port, fresh_token, model_file, train
from core.vault import Vault, new_key

LAUNCHER = """
import os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

arguments = [one for one in sys.argv[1:] if one != "--leash"]
mode = Path("mode").read_text()
value = dict(zip(arguments[1::2], arguments[2::2]))
with open("starts", "a") as starts:
    starts.write(f"{arguments[0]} {os.getpid()} {time.monotonic()}\\n")

if arguments[0] == "train":
    print("Epochs:   0%", flush=True)
    sys.stdout.write("\\r" + "#" * 100_000)
    print("trained", flush=True)
    out = Path(value["--out"])
    out.mkdir(parents=True)
    if mode == "train-nothing":
        sys.exit(0)
    (out / (value["--name"] + ".tar.gz")).write_text("model")
    (out / "rest").write_text("left over")
    sys.exit(1 if mode == "train-fails" else 0)

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if mode == "deaf" and time.monotonic() > begun + 0.5:
            time.sleep(30)
        known = self.path == "/status?token=" + os.environ["BANGBAN_RASA_TOKEN"]
        self.send_response(200 if known else 401)
        self.end_headers()
    def do_POST(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")
    def log_message(self, *_):
        pass

if mode == "crashes":
    sys.exit(3)
if mode == "slow":
    time.sleep(1)
begun = time.monotonic()
server = HTTPServer(("127.0.0.1", int(value["--port"])), Handler)
if mode == "crashes later":
    server.timeout = 0.1
    while time.monotonic() < begun + 1:
        server.handle_request()
    sys.exit(4)
server.serve_forever()
"""


class House:
    """A project of its own, with a launcher that does what `mode` says."""

    def __init__(self, root: Path) -> None:
        self.root, self.home = root, root / "home"
        for name in supervisor.INPUTS:
            path = root / name
            if path.suffix in {".yml", ".lock"}:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"# {name}\n")
            else:
                path.mkdir(parents=True)
                (path / "one.yml").write_text(f"# {name}\n")
        (root / "bot/runtime/bangban_rasa/__init__.py").write_text("")
        (root / "bot/runtime/bangban_rasa/launcher.py").write_text(LAUNCHER)
        self.be("serves")

    def be(self, mode: str) -> None:
        (self.root / "mode").write_text(mode)

    def starts(self, command: str = "run") -> list[tuple[int, float]]:
        """Process and time of each start."""
        file = self.root / "starts"
        lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        return [(int(pid), float(at)) for what, pid, at in lines if what == command]

    def trained(self) -> Path:
        model = model_file(self.home)
        model.parent.mkdir(parents=True, exist_ok=True)
        model.write_text("model")
        return model


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(supervisor, "ROOT", tmp_path)
    monkeypatch.setattr(supervisor, "RUNTIME", tmp_path / "bot" / "runtime")
    monkeypatch.setattr(supervisor, "python", lambda: Path(sys.executable))
    for name, value in {"LOOK": 0.05, "BEAT": 0.1, "MISSED": 2, "PATIENCE": (0.05, 0.3, 0.6)}.items():
        monkeypatch.setattr(supervisor, name, value)
    return House(tmp_path)


@pytest.fixture
async def keeper(house: House) -> AsyncIterator[tuple[Supervisor, Rasa]]:
    address = Address(free_port(), fresh_token(), "http://127.0.0.1:9/actions", fresh_token())
    client = Rasa(address.url, address.token, Vault([new_key()]), deadline=0.5)
    made = Supervisor(house.home, client, address)
    yield made, client
    await made.stop()
    await client.close()
    assert not [pid for pid, _ in house.starts() if _lives(pid)]


async def until(true: Callable[[], bool], patience: float = 15) -> None:
    ends = time.monotonic() + patience
    while not true():
        assert time.monotonic() < ends, "waited in vain"
        await asyncio.sleep(0.02)


def _lives(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def test_rasa_is_started_and_ready_and_ended_with_the_application(
    house: House, keeper: tuple[Supervisor, Rasa]
) -> None:
    house.trained()
    made, client = keeper
    made.start()
    await until(lambda: client.ready)
    assert made.state == "ready"
    [(pid, _)] = house.starts()
    assert _lives(pid)
    await made.stop()
    assert not _lives(pid)
    assert not client.ready


async def test_a_model_is_trained_first_where_there_is_none(house: House, keeper: tuple[Supervisor, Rasa]) -> None:
    made, client = keeper
    made.start()
    await until(lambda: client.ready)
    assert len(house.starts("train")) == 1
    assert model_file(house.home).exists()


async def test_a_crash_is_followed_by_ever_later_starts(house: House, keeper: tuple[Supervisor, Rasa]) -> None:
    house.trained()
    house.be("crashes")
    made, client = keeper
    made.start()
    await until(lambda: len(house.starts()) >= 4)
    at = [begun for _, begun in house.starts()]
    assert at[1] - at[0] >= 0.3
    assert at[2] - at[1] >= 0.6
    assert not client.ready
    assert made.restarts >= 3
    house.be("serves")
    await until(lambda: client.ready)


async def test_rasa_that_ends_after_it_was_ready_is_started_anew(house: House, keeper: tuple[Supervisor, Rasa]) -> None:
    house.trained()
    house.be("crashes later")
    made, client = keeper
    made.start()
    await until(lambda: client.ready)
    await until(lambda: not client.ready)
    house.be("serves")
    await until(lambda: client.ready)
    assert made.restarts >= 1


async def test_rasa_that_no_longer_answers_is_ended_and_started_anew(
    house: House, keeper: tuple[Supervisor, Rasa]
) -> None:
    house.trained()
    house.be("deaf")
    made, client = keeper
    made.start()
    await until(lambda: client.ready)
    house.be("serves")
    await until(lambda: len(house.starts()) == 2 and client.ready)
    assert not _lives(house.starts()[0][0])


async def test_a_slow_start_is_waited_for(house: House, keeper: tuple[Supervisor, Rasa]) -> None:
    house.trained()
    house.be("slow")
    made, client = keeper
    made.start()
    await until(lambda: len(house.starts()) == 1)
    assert not client.ready
    assert made.state == "loading"
    await until(lambda: client.ready)
    assert len(house.starts()) == 1


async def test_rasa_that_never_loads_is_given_up_and_started_anew(
    house: House, keeper: tuple[Supervisor, Rasa], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOADING", 0.2)
    house.trained()
    house.be("slow")
    made, _ = keeper
    made.start()
    await until(lambda: len(house.starts()) >= 2)
    assert made.restarts >= 1


async def test_stopping_ends_training_too(house: House, keeper: tuple[Supervisor, Rasa]) -> None:
    launcher = house.root / "bot/runtime/bangban_rasa/launcher.py"
    launcher.write_text(LAUNCHER.replace('print("trained", flush=True)', "time.sleep(60)"))
    made, _ = keeper
    made.start()
    await until(lambda: len(house.starts("train")) == 1)
    [(pid, _)] = house.starts("train")
    await made.stop()
    assert not _lives(pid)
    assert list((house.home / "rasa").glob("training-*")) == []


async def test_without_rasas_environment_it_says_so_and_starts_once_it_is_there(
    house: House, keeper: tuple[Supervisor, Rasa], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.trained()
    there = supervisor.python
    monkeypatch.setattr(supervisor, "python", lambda: None)
    made, client = keeper
    made.start()
    await until(lambda: made.state == "missing")
    assert not client.ready
    monkeypatch.setattr(supervisor, "python", there)
    await until(lambda: client.ready)


def test_the_fingerprint_changes_with_each_input_and_with_nothing_else(house: House) -> None:
    before = fingerprint()
    assert fingerprint() == before
    (house.root / "README.md").write_text("other")
    (house.root / "bot/data/notes.md").write_text("other")
    assert fingerprint() == before
    seen = {before}
    for name in supervisor.INPUTS:
        path = house.root / name
        changed = path if path.is_file() else path / "one.yml"
        changed.write_text(changed.read_text() + "changed")
        assert fingerprint() not in seen, name
        seen.add(fingerprint())
    (house.root / "bot/data/nlu").mkdir()
    (house.root / "bot/data/nlu/more.yml").write_text("")
    assert fingerprint() not in seen


async def test_training_is_told_of_and_clears_up_after_itself(house: House) -> None:
    old = house.trained()
    (house.root / "config.yml").write_text("changed")
    told: list[str] = []
    model = await train(house.home, told.append)
    assert model == model_file(house.home)
    assert model.read_text() == "model"
    assert not old.exists()
    assert told[0].startswith("Epochs")
    assert told[-1].endswith("trained")
    assert "Epochs" in (house.home / "rasa" / "training.log").read_text()
    assert {path.name for path in model.parent.iterdir()} == {model.name, "training.log"}
    await train(house.home, told.append)
    assert len(house.starts("train")) == 1


@pytest.mark.parametrize("mode", ["train-fails", "train-nothing"])
async def test_a_failed_training_keeps_the_old_model_and_names_its_log(house: House, mode: str) -> None:
    old = house.trained()
    (house.root / "config.yml").write_text("changed")
    house.be(mode)
    with pytest.raises(TrainingFailed, match=r"training\.log"):
        await train(house.home, lambda _: None)
    assert old.exists()
    assert not model_file(house.home).exists()
    assert list(old.parent.glob("training-*")) == []


def test_rasa_is_reached_on_loopback_only() -> None:
    assert Address(5005, "a", "b", "c").url == "http://127.0.0.1:5005"
    assert fresh_token() != fresh_token()
    assert len(fresh_token()) >= 32
