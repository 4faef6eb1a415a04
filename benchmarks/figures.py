"""A measured number beside its baseline, and how the lot is shown and kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


@dataclass(frozen=True, slots=True)
class Figure:
    """`ours` and `baseline` share `unit`. `aim` bounds `ours`, or with `aim_is_ratio` the ratio to the baseline.

    `higher` says that more is better.
    """

    group: str
    name: str
    ours: float
    unit: str
    baseline: float | None = None
    beside: str = ""
    higher: bool = False
    aim: float | None = None
    aim_is_ratio: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times better ours is than the baseline; below 1 it is worse. None without a baseline."""
        if not self.baseline or not self.ours:
            return None
        return self.ours / self.baseline if self.higher else self.baseline / self.ours

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached; None where none is set."""
        if self.aim is None:
            return None
        value = self.ratio if self.aim_is_ratio else self.ours
        if value is None:
            return False
        return value >= self.aim if self.higher or self.aim_is_ratio else value <= self.aim

    def cells(self) -> tuple[str, str, str, str, str]:
        """What a table shows: name, ours, baseline, ratio, aim."""
        beside = f"{_number(self.baseline)} {self.unit} ({self.beside})" if self.baseline is not None else ""
        return self.name, f"{_number(self.ours)} {self.unit}", beside, _ratio(self.ratio), self._aim()

    def _aim(self) -> str:
        if self.aim is None:
            return ""
        sign = "≥" if self.higher or self.aim_is_ratio else "≤"
        bound = f"{_number(self.aim)}×" if self.aim_is_ratio else f"{_number(self.aim)} {self.unit}"
        return f"{sign} {bound} {'met' if self.met else 'MISSED'}"


def show(figures: Sequence[Figure], console: Console) -> None:
    """Print a table a group."""
    for group in _groups(figures):
        table = Table(title=group, title_justify="left", show_edge=False, pad_edge=False)
        for heading in ("", "ours", "baseline", "times better", "aim"):
            table.add_column(heading, overflow="fold")
        for figure in figures:
            if figure.group == group:
                table.add_row(*figure.cells(), style="red" if figure.met is False else None)
        console.print(table, highlight=False, markup=False)
        console.print()


def keep(figures: Sequence[Figure], machine: Machine, path: Path) -> None:
    """Write everything as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(figure) | {"ratio": figure.ratio, "met": figure.met} for figure in figures]
    path.write_text(
        json.dumps({"machine": asdict(machine), "figures": rows}, ensure_ascii=False, indent=1) + "\n", "utf-8"
    )


def publish(figures: Sequence[Figure], machine: Machine, page: Path) -> None:
    """Replace what stands between the page's markers. Raises ValueError where it has none."""
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page.name} has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{_markdown(figures, machine)}\n\n{END}{after}", "utf-8")


def _markdown(figures: Sequence[Figure], machine: Machine) -> str:
    lines = [f"Measured {machine.date} on {machine.cores} cores of {machine.cpu} by `{machine.command}`."]
    for group in _groups(figures):
        lines += ["", f"### {group}", "", "| | ours | baseline | times better | aim |", "|---|---|---|---|---|"]
        lines += [f"| {' | '.join(figure.cells())} |" for figure in figures if figure.group == group]
    return "\n".join(lines)


def _groups(figures: Iterable[Figure]) -> list[str]:
    return list(dict.fromkeys(figure.group for figure in figures))


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value == int(value) and value < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def _ratio(value: float | None) -> str:
    return (
        ""
        if value is None
        else f"{value:,.0f}×"
        if value >= 100
        else f"{value:.2g}×"
        if value < 10
        else f"{value:.0f}×"
    )
