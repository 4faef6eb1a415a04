"""Runs Rasa beside the application: trains when its inputs changed, starts it, watches it, starts it again."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import structlog

from bot.rasa import Rasa

ROOT = Path(__file__).parent.parent
RUNTIME = ROOT / "bot" / "runtime"
INPUTS = (
    "config.yml",
    "bot/domain",
    "bot/data",
    "bot/facets.yml",
    "bot/acts.yml",
    "bot/runtime/uv.lock",
    "bot/runtime/bangban_rasa",
)
_CHUNK = 4096  # bytes
LOOK = 0.5  # seconds between looks while Rasa loads
BEAT = 5.0  # seconds between looks afterwards
LOADING = 300  # seconds a load may take
PATIENCE = (1, 2, 4, 8, 15, 30, 60)  # seconds before the next start, by failures in a row
MISSED = 3  # unanswered looks in a row before Rasa is started anew

log = structlog.get_logger()


class TrainingFailed(Exception):
    """Rasa 模型没有训练成功。"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where Rasa listens and how both sides know each other."""

    port: int
    token: str
    actions_url: str
    actions_token: str

    @property
    def url(self) -> str:
        """Rasa's own address: loopback, never another."""
        return f"http://127.0.0.1:{self.port}"


def python() -> Path | None:
    """The interpreter of Rasa's environment, None where it was not set up."""
    found = RUNTIME / ".venv" / "bin" / "python"
    return found if found.exists() else None


def fingerprint() -> str:
    """A digest of all that a model is made from."""
    made = hashlib.sha256()
    for name in INPUTS:
        path = ROOT / name
        files = sorted(p for p in path.rglob("*") if p.suffix in {".yml", ".py", ".txt"}) if path.is_dir() else [path]
        for file in files:
            made.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return made.hexdigest()[:16]


def model_file(home: Path) -> Path:
    """Where the model made from the present inputs lies, or will lie."""
    return home / "rasa" / f"{fingerprint()}.tar.gz"


async def train(home: Path, progress: Callable[[str], None]) -> Path:
    """The model for the present inputs, trained if there is none; `progress` gets a line now and then.

    Raises TrainingFailed, naming the log file.
    """
    model = model_file(home)
    if model.exists():
        return model
    model.parent.mkdir(parents=True, exist_ok=True)
    aside = model.with_name(f"training-{os.getpid()}")
    arguments = ["train", "--out", str(aside.absolute()), "--name", model.name.removesuffix(".tar.gz")]
    transcript = home / "rasa" / "training.log"
    try:
        with transcript.open("wb") as written:
            code = await _transcribe(arguments, written, progress)
        made = next(aside.glob("*.tar.gz"), None)
        if code or made is None:
            raise TrainingFailed(f"Rasa 模型没有训练成功，详情见 {transcript}")
        made.replace(model)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    for old in model.parent.glob("*.tar.gz"):
        if old != model:
            old.unlink()
    return model


async def _transcribe(arguments: list[str], written: BinaryIO, progress: Callable[[str], None]) -> int:
    process = await _spawn(arguments, {}, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        # Not line by line: a progress bar may go on for longer than any line may be.
        while chunk := await process.stdout.read(_CHUNK):
            written.write(chunk)
            for told in filter(None, map(str.strip, re.split(r"[\r\n]", chunk.decode("utf-8", "replace")))):
                progress(told)
        return await process.wait()
    finally:
        await _end(process)


class Supervisor:
    """Keeps one Rasa running for as long as the application does."""

    def __init__(self, home: Path, client: Rasa, address: Address) -> None:
        self._home, self._client, self._address = home, client, address
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self.state = "waiting"
        self.restarts = 0

    def start(self) -> None:
        """Begin in the background; citizens get direct answers until Rasa has loaded."""
        self._task = asyncio.create_task(self._keep(), name="rasa-supervisor")

    async def stop(self) -> None:
        """End Rasa and the watching."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._process:
            await _end(self._process)

    async def _keep(self) -> None:
        failures = 0
        while python() is None:
            if self.state != "missing":
                log.error("rasa.missing", effect="direct answers only", remedy="make setup")
            self.state = "missing"
            await asyncio.sleep(BEAT)
        while True:
            try:
                self.state = "training" if not model_file(self._home).exists() else "loading"
                model = await train(self._home, lambda line: log.info("rasa.training", progress=line))
                self.state = "loading"
                await self._run(model)
                failures = 0 if self.state == "ready" else failures + 1
            except TrainingFailed as error:
                log.error("rasa.training_failed", message=str(error))
                failures += 1
            except Exception as error:  # whatever it was, citizens get direct answers and Rasa gets another start
                log.error("rasa.start_failed", reason=type(error).__name__)
                failures += 1
            finally:
                self._client.ready = False
            self.state = "waiting"
            self.restarts += 1
            pause = PATIENCE[min(failures, len(PATIENCE) - 1)]
            log.warning("rasa.restarting", seconds=pause)
            await asyncio.sleep(pause)

    async def _run(self, model: Path) -> None:
        """Start Rasa and return when it has ended or stopped answering."""
        address = self._address
        secret = {"BANGBAN_RASA_TOKEN": address.token, "BANGBAN_ACTIONS_TOKEN": address.actions_token}
        arguments = [
            "run",
            "--model",
            str(model.absolute()),
            "--port",
            str(address.port),
            "--actions-url",
            address.actions_url,
        ]
        with (self._home / "rasa" / "rasa.log").open("ab") as written:
            self._process = process = await _spawn(arguments, secret, stdout=written)
        try:
            if not await self._loaded(process):
                return
            await self._client.warm_up()
            self._client.ready = True
            self.state = "ready"
            log.info("rasa.ready")
            await self._watch(process)
        finally:
            self._client.ready = False
            await _end(process)
            self._process = None

    async def _loaded(self, process: asyncio.subprocess.Process) -> bool:
        for _ in range(int(LOADING / LOOK)):
            if process.returncode is not None:
                log.error("rasa.ended", code=process.returncode)
                return False
            if await self._client.loaded():
                return True
            await asyncio.sleep(LOOK)
        log.error("rasa.never_loaded", seconds=LOADING)
        return False

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        missed = 0
        while missed < MISSED:
            with suppress(TimeoutError):
                log.error("rasa.ended", code=await asyncio.wait_for(process.wait(), BEAT))
                return
            missed = 0 if await self._client.loaded() else missed + 1
        log.error("rasa.unresponsive")


def free_port() -> int:
    """A loopback port that nobody listens on at present."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fresh_token() -> str:
    """A secret for one run."""
    return secrets.token_urlsafe(32)


async def _spawn(
    arguments: list[str], secret: dict[str, str], *, stdout: int | IO[bytes]
) -> asyncio.subprocess.Process:
    interpreter = python()
    if interpreter is None:
        raise FileNotFoundError("bot/runtime/.venv")
    plain = {
        key: value for key, value in os.environ.items() if not key.startswith(("BANGBAN_", "VIRTUAL_ENV", "PYTHON"))
    }
    environment = plain | secret | {"PYTHONPATH": str(RUNTIME), "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}
    return await asyncio.create_subprocess_exec(
        str(interpreter),
        "-m",
        "bangban_rasa.launcher",
        "--leash",  # it ends when the pipe to us closes, so that none is left behind by an application that was killed
        *arguments,
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=stdout,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # a Ctrl-C in the terminal is for the application, which then ends Rasa
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    for sent, patience in ((signal.SIGTERM, 8), (signal.SIGKILL, 5)):
        with suppress(ProcessLookupError):
            process.send_signal(sent)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)
            return
