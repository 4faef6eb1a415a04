"""A chat turn over HTTP: the whole application against the same model behind an unmodified Rasa."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from benchmarks import processes
from benchmarks.figures import Figure
from benchmarks.load import Client, Send, Timed, talk, to_application, to_rasa
from benchmarks.machine import children, processor_seconds, resident
from benchmarks.processes import Process
from bot import supervisor

GROUP = "Chat turn over HTTP"
MEMORY = "Memory"
STOCK = "stock Rasa"
CROWD = 8  # clients at once
_BY_RASA = re.compile(r'bangban_answers_total\{act="\w+",path="(\w+)"\} ([\d.]+)')


@dataclass(slots=True)
class Side:
    """One of the servers compared, and its times."""

    process: Process
    send: Send
    helpers: tuple[Process, ...] = ()
    alone: Timed = field(default_factory=Timed)
    crowd: Timed = field(default_factory=Timed)
    spent: float = 0.0  # seconds of processor, of all processes that take part

    def round(self, alone: int, crowd: int, mark: str) -> None:
        """So many turns by one client, then so many by the crowd."""
        before = self._processor()
        port = self.process.port
        self.alone.add(talk(port, conversations(), self.send, clients=1, turns=alone, mark=f"{mark}-one"))
        self.crowd.add(talk(port, conversations(), self.send, clients=CROWD, turns=crowd, mark=f"{mark}-all"))
        self.spent += self._processor() - before

    @property
    def work(self) -> float:
        """Milliseconds of processor a turn takes: the figure that other work on the machine disturbs least."""
        return 1000 * self.spent / (len(self.alone.each) + len(self.crowd.each))

    def _processor(self) -> float:
        pids = [below for one in (self.process, *self.helpers) for below in (one.pid, *children(one.pid))]
        return sum(processor_seconds(pid) for pid in pids)


def measure(shared: Path, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Rounds of the same conversations, the servers in turn, so that noise hits all. Raises NotMeasured."""
    rounds, alone, crowd = (2, 24, 48) if quick else (6, 96, 240)
    model = supervisor.model_file(shared)
    with ExitStack() as opened:
        folder = opened.enter_context(processes.home(shared))
        bare = opened.enter_context(processes.home(shared))
        say("starting the application with its Rasa, the application without, and the stock servers")
        ours = Side(opened.enter_context(processes.application(folder, rasa=True)), to_application)
        direct = Side(opened.enter_context(processes.application(bare, rasa=False)), to_application)
        actions = opened.enter_context(processes.stock_actions(folder, ours.process.port))
        stock = Side(
            opened.enter_context(processes.stock_rasa(folder, model, actions.port)), to_rasa, (actions, ours.process)
        )
        sides = [ours, stock, direct]
        for side in sides:  # the first turns of a process load what later ones share
            talk(side.process.port, conversations(), side.send, clients=2, turns=16, mark="warm")
        counted = _by_path(ours.process)
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            for side in sides if number % 2 == 0 else reversed(sides):
                side.round(alone, crowd, f"r{number:03d}")
        after = _by_path(ours.process)
        return _figures(ours, stock, direct, _share(counted, after)) + _memory(ours, stock, actions, direct)


@cache
def conversations() -> tuple[tuple[str, ...], ...]:
    """The conversations held."""
    text = (Path(__file__).parent / "questions.yml").read_text("utf-8")
    return tuple(tuple(one) for one in yaml.safe_load(text)["conversations"])


def _figures(ours: Side, stock: Side, direct: Side, by_rasa: float) -> list[Figure]:
    found = []
    for side, name in ((ours, "through Rasa"), (direct, "directly, Rasa off")):
        main = side is ours
        found += [
            Figure(
                GROUP,
                f"{name}: p50, 1 client",
                side.alone.p(50),
                "ms",
                stock.alone.p(50),
                STOCK,
                aim=15 if main else None,
            ),
            Figure(GROUP, f"{name}: p95, 1 client", side.alone.p(95), "ms", stock.alone.p(95), STOCK),
            Figure(
                GROUP,
                f"{name}: {CROWD} clients",
                side.crowd.per_second,
                "turns/s",
                stock.crowd.per_second,
                STOCK,
                higher=True,
                aim=4 if main else None,
                aim_is_ratio=True,
            ),
            Figure(GROUP, f"{name}: p95, {CROWD} clients", side.crowd.p(95), "ms", stock.crowd.p(95), STOCK),
            Figure(GROUP, f"{name}: processor time a turn", side.work, "ms", stock.work, STOCK),
        ]
    empty = 100 * (stock.alone.empty + stock.crowd.empty) / (len(stock.alone.each) + len(stock.crowd.each))
    found.append(
        Figure(
            GROUP, "messages that went through Rasa", by_rasa * 100, "%", 100 - empty, f"{STOCK}, answered", higher=True
        )
    )
    return found


def _memory(ours: Side, stock: Side, actions: Process, direct: Side) -> list[Figure]:
    rasa = sum(filter(None, (resident(pid) for pid in children(ours.process.pid))))
    application = resident(ours.process.pid)
    stock_rasa = sum(filter(None, (resident(pid) for pid in (stock.process.pid, *children(stock.process.pid)))))
    stock_actions = sum(filter(None, (resident(pid) for pid in (actions.pid, *children(actions.pid)))))
    if application is None:
        return []
    return [
        Figure(
            MEMORY,
            "application, demonstration city",
            application,
            "MB",
            stock_actions,
            "stock action server, which holds no index",
        ),
        Figure(MEMORY, "its Rasa", rasa, "MB", stock_rasa, STOCK),
        Figure(MEMORY, "application alone, Rasa off", resident(direct.process.pid) or 0.0, "MB"),
    ]


def _by_path(process: Process) -> dict[str, float]:
    with Client(process.port) as client:
        counted: dict[str, float] = {}
        for path, many in _BY_RASA.findall(client.get("/metrics")[1].decode()):
            counted[path] = counted.get(path, 0.0) + float(many)
        return counted


def _share(before: dict[str, float], after: dict[str, float]) -> float:
    grown = {path: many - before.get(path, 0.0) for path, many in after.items()}
    return grown.get("rasa", 0.0) / max(1.0, sum(grown.values()))
