"""Runs the measurements: `python -m benchmarks [chat search rates life appointments wechat console] [--quick] [--write]`."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import appointments, chat, console, figures, life, machine, rates, search, wechat
from benchmarks.figures import Figure
from benchmarks.processes import NotMeasured
from bot import supervisor
from core.errors import BangbanError
from core.settings import Settings

Measure = Callable[..., list[Figure]]

ALL: dict[str, Measure] = {
    "chat": chat.measure,
    "search": search.measure,
    "rates": rates.measure,
    "life": life.measure,
    "appointments": appointments.measure,
    "wechat": wechat.measure,
    "console": console.measure,
}
NEEDS_RASA = {"chat", "life", "wechat"}
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"which: {', '.join(ALL)}; all of them by default")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="fewer rounds: to see that it works, not to quote")] = False,
    write: Annotated[bool, typer.Option("--write", help="put the figures into docs/benchmarks.md")] = False,
) -> None:
    """Measure Bangban, each figure beside a baseline of the same run, and keep all of them in BANGBAN_HOME/bench/latest.json."""
    chosen = names or list(ALL)
    if unknown := set(chosen) - set(ALL):
        raise typer.BadParameter(f"no such measurement: {', '.join(sorted(unknown))}")
    if write and (quick or set(chosen) != set(ALL)):
        raise typer.BadParameter("--write wants all measurements at full length")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave through every `finally`: no server stays behind
    screen, notes = Console(width=None if sys.stdout.isatty() else 150), Console(stderr=True)
    shared = Settings().home
    here = machine.machine("python -m benchmarks " + " ".join(sys.argv[1:]))
    found: list[Figure] = []
    missing = False
    for name in chosen:
        try:
            if name in NEEDS_RASA:
                _model(shared, notes)
            found += ALL[name](
                shared, quick=quick, say=lambda told, n=name: notes.print(f"{n}: {told}", style="dim", markup=False)
            )
        except NotMeasured as reason:
            missing = True
            notes.print(f"{name} not measured: {reason}", style="red", markup=False)
    figures.show(found, screen)
    screen.print(f"{here.date}, {here.cores} cores of {here.cpu}, load before the run {here.load}", highlight=False)
    figures.keep(found, here, shared / "bench" / "latest.json")
    if write and not missing:
        figures.publish(found, here, PAGE)
    raise typer.Exit(1 if missing else 0)


def _model(shared: Path, notes: Console) -> None:
    if supervisor.python() is None:
        raise NotMeasured("Rasa's environment is not set up: run `make setup`")
    try:
        asyncio.run(supervisor.train(shared, lambda line: notes.print(line, style="dim", markup=False)))
    except (supervisor.TrainingFailed, BangbanError) as error:
        raise NotMeasured(str(error)) from None


if __name__ == "__main__":
    typer.run(main)
