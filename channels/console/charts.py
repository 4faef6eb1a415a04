"""Where the lines and bars of a chart go; templates/charts.html draws them, console.css gives them their colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDE, HIGH = 720, 240  # of a chart of lines, in its own units
LEFT, RIGHT, TOP, BOTTOM = 48, 72, 16, 36
ROW, LABEL, BARS = 30, 190, 420  # of a chart of bars: a row, the words before it, the longest bar
WORDS = 12  # characters of a label; the table has it whole
STEPS = (1, 2, 5)
APART = 18  # between the names at the ends of lines
DATES = 7  # at most so many under the axis


@dataclass(frozen=True, slots=True)
class Line:
    """One series: its name, where it ends, and its points as SVG takes them."""

    name: str
    points: str
    end: float
    last: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lines:
    """Several series over the same places. `levels` and `marks` are the axes: position and words."""

    lines: tuple[Line, ...]
    levels: tuple[tuple[float, str], ...]
    marks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    y: int
    width: float
    value: int


def lines(places: Sequence[str], series: Sequence[tuple[str, Sequence[int]]]) -> Lines:
    """The lines of each (name, values); values are counts, one for each place."""
    step = _step(max((max(values, default=0) for _, values in series), default=0))
    most = step * 4

    def x(at: int) -> float:
        return round(LEFT + at * (WIDE - LEFT - RIGHT) / max(1, len(places) - 1), 1)

    def y(value: float) -> float:
        return round(HIGH - BOTTOM - value / most * (HIGH - TOP - BOTTOM), 1)

    every = -(-len(places) // DATES)
    return Lines(
        lines=_apart(
            tuple(_line(name, [(x(at), y(value)) for at, value in enumerate(values)]) for name, values in series)
        ),
        levels=tuple((y(step * n), str(step * n)) for n in range(5)),
        marks=tuple((x(at), places[at]) for at in range(0, len(places), every)) if places else (),
    )


def bars(rows: Sequence[tuple[str, int]]) -> tuple[Bar, ...]:
    """A bar for each (label, count), the longest as wide as there is room."""
    most = max((value for _, value in rows), default=0) or 1
    return tuple(
        Bar(label if len(label) <= WORDS else f"{label[: WORDS - 1]}…", at * ROW, round(value / most * BARS, 1), value)
        for at, (label, value) in enumerate(rows)
    )


def _line(name: str, points: Sequence[tuple[float, float]]) -> Line:
    last = points[-1] if points else (LEFT, HIGH - BOTTOM)
    return Line(name, " ".join(f"{x},{y}" for x, y in points), last[1], last)


def _apart(made: tuple[Line, ...]) -> tuple[Line, ...]:
    """The same, their names so far from each other that each can be read, and none below the axis."""
    placed: dict[str, float] = {}
    order = sorted(made, key=lambda one: one.end)
    above = float("-inf")
    for line in order:
        above = placed[line.name] = max(line.end, above + APART)
    below: float = HIGH - BOTTOM + APART
    for line in reversed(order):
        below = placed[line.name] = min(placed[line.name], below - APART)
    return tuple(Line(one.name, one.points, placed[one.name], one.last) for one in made)


def _step(most: int) -> int:
    """A round number that four of reach `most`."""
    size = 1
    while True:
        for one in STEPS:
            if one * size * 4 >= most:
                return one * size
        size *= 10
