"""Figures in tables, kept as JSON, each shown with its value of the run before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import Invalid

Number = float | int
Rows = dict[str, dict[str, Number]]
COUNTS = frozenset({"asked", "turns"})  # columns that count and are not compared


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of figures by column; `note` says how to read them. All are kept, every `nth` is shown."""

    name: str
    title: str
    note: str
    rows: Rows
    nth: int = 1

    @property
    def columns(self) -> list[str]:
        """The columns in the order in which rows first have them."""
        return list(dict.fromkeys(column for row in self.rows.values() for column in row))


@dataclass(frozen=True, slots=True)
class Run:
    """All tables of one run and what it was made with."""

    about: Mapping[str, Any]
    tables: Sequence[Table] = field(default=())

    def figures(self) -> dict[str, Rows]:
        """Rounded, by table, row and column."""
        return {
            table.name: {row: {c: round(v, 3) for c, v in cells.items()} for row, cells in table.rows.items()}
            for table in self.tables
        }


def save(run: Run, file: Path) -> None:
    """Write figures only, in an order that does not change, so that two runs can be compared line by line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = {"about": dict(run.about), "figures": run.figures()}
    file.write_text(json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")


def load(file: Path) -> tuple[dict[str, Any], dict[str, Rows]]:
    """What an earlier run was made with, and its figures. Raises Invalid."""
    try:
        read = json.loads(file.read_text("utf-8"))
        about, figures = dict(read["about"]), dict(read["figures"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Invalid(f"{file} 不是评测结果 quality.json。") from None
    return about, figures


def cell(value: Number | None, before: Number | None, *, counts: bool) -> str:
    """A figure as people read it, its previous value in brackets where that is known."""
    if value is None:
        return ""
    if counts:
        return f"{value:,}"
    return f"{value:.3f}" if before is None else f"{value:.3f} ({before:.3f})"


def cells(table: Table, previous: Mapping[str, Rows]) -> list[list[str]]:
    """The table's body, the row's name first."""
    before = previous.get(table.name, {})
    return [
        [row, *(cell(had.get(c), before.get(row, {}).get(c), counts=c in COUNTS) for c in table.columns)]
        for row, had in list(table.rows.items())[:: table.nth]
    ]
