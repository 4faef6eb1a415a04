"""Server processes for one measurement: started together, always ended, also when it fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from benchmarks.load import Client
from benchmarks.machine import children
from bot import supervisor

ROOT = Path(__file__).parent.parent
STOCK = Path(__file__).parent / "stock"
WAIT = 180.0  # seconds a server may take until it answers


class NotMeasured(Exception):
    """Something this measurement needs is missing; the message says what."""


@contextmanager
def home(shared: Path, *, warm: bool = True) -> Iterator[Path]:
    """A folder for BANGBAN_HOME with an own database, and the vectors and Rasa model of `shared`.

    Without `warm` no vectors are taken over.
    """
    with TemporaryDirectory(prefix="bangban-bench-", ignore_cleanup_errors=True) as folder:
        made = Path(folder)
        model = supervisor.model_file(shared)
        if model.exists():
            (made / "rasa").mkdir()
            (made / "rasa" / model.name).symlink_to(model.absolute())
        if warm:  # the store is made to be shared by several processes
            (shared / "index").mkdir(parents=True, exist_ok=True)
            (made / "index").symlink_to((shared / "index").absolute())
        yield made


class Process:
    """A running server, its address and its log."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, port: int
    ) -> None:
        self.name, self.port, self.log = name, port, folder / f"{name}.log"
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("BANGBAN_", "PYTHON", "VIRTUAL_ENV"))}
        with self.log.open("ab") as written:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=plain | dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the process itself, not of what it started."""
        return self._process.pid

    def wait(self, path: str, *, accepts: str = "", every: float = 0.25) -> None:
        """Return once GET `path` gives 200 with `accepts` in the body. Raises NotMeasured with the end of the log."""
        until = time.monotonic() + WAIT
        with Client(self.port) as client:
            while time.monotonic() < until and self._process.poll() is None:
                with suppress(OSError):
                    status, body = client.get(path)
                    if status == 200 and accepts in body.decode():
                        return
                time.sleep(every)
        raise NotMeasured(
            f"{self.name} did not come up; its log ends: …{self.log.read_text('utf-8', 'replace')[-600:]}"
        )

    def stop(self) -> None:
        """End it and what it started."""
        below = children(self.pid)
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in below:  # what an orderly end has already taken along is no longer there
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def application(
    folder: Path, *, rasa: bool, ready: bool = True, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Process]:
    """`bangban serve` with BANGBAN_HOME=`folder` and further `settings`.

    With `ready`, once it answers (through Rasa, if `rasa`).
    """
    port = supervisor.free_port()
    environment = {
        "BANGBAN_HOME": str(folder),
        "BANGBAN_PORT": str(port),
        "BANGBAN_RASA": "1" if rasa else "0",
        "BANGBAN_RATE_LIMIT": "0",
        "BANGBAN_RATE_LIMIT_ADDRESS": "0",
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    command = [sys.executable, "-c", "from channels.cli import main; main()", "serve"]
    process = Process("application" if rasa else "direct", command, environment, folder, port)
    try:
        if ready:
            process.wait("/readyz", accepts='"rasa":"ready"' if rasa else '"status":"ready"')
            process.wait("/readyz", accepts='"search":"meaning"')
        yield process
    finally:
        process.stop()


@contextmanager
def stock_actions(folder: Path, search_port: int) -> Iterator[Process]:
    """The stock action server, as `python -m rasa_sdk` runs it, with the actions in benchmarks/stock."""
    port = supervisor.free_port()
    command = [_runtime("python"), "-m", "rasa_sdk", "--actions", "actions", "--port", str(port)]
    environment = {"PYTHONPATH": str(STOCK), "BENCH_SEARCH": f"http://127.0.0.1:{search_port}/api/search"}
    process = Process("stock-actions", command, environment, folder, port)
    try:
        process.wait("/health")
        yield process
    finally:
        process.stop()


@contextmanager
def stock_rasa(folder: Path, model: Path, actions_port: int, *, ready: bool = True) -> Iterator[Process]:
    """`rasa run` unmodified, on the same model: REST channel, tracker in memory, nothing of ours loaded."""
    port = supervisor.free_port()
    (folder / "endpoints.yml").write_text(
        f"action_endpoint:\n  url: http://127.0.0.1:{actions_port}/webhook\n", "utf-8"
    )
    (folder / "credentials.yml").write_text("rest:\n", "utf-8")
    command = [
        _runtime("rasa"),
        "run",
        "--enable-api",
        "--interface",
        "127.0.0.1",
        "--port",
        str(port),
        "--model",
        str(model.absolute()),
        "--endpoints",
        "endpoints.yml",
        "--credentials",
        "credentials.yml",
    ]
    process = Process("stock-rasa", command, {"RASA_TELEMETRY_ENABLED": "false"}, folder, port)
    try:
        if ready:
            process.wait("/status")
        yield process
    finally:
        process.stop()


def _runtime(name: str) -> str:
    found = supervisor.RUNTIME / ".venv" / "bin" / name
    if not found.exists():
        raise NotMeasured("Rasa's environment is not set up: run `make setup`")
    return str(found)
