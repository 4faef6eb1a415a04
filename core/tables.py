"""Tables as CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

MARK = "\ufeff"  # by which spreadsheets know UTF-8
# A cell that begins so would be run as a formula when the table is opened.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: str) -> str:
    """A text that no spreadsheet runs."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def row(cells: Iterable[str | int]) -> str:
    """A line with its end; no text in it is run."""
    written = io.StringIO()
    csv.writer(written).writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return written.getvalue()


def table(heads: Iterable[str], rows: Iterable[Iterable[str | int]]) -> str:
    """All of a table, with the mark before it."""
    return MARK + "".join(map(row, (heads, *rows)))
