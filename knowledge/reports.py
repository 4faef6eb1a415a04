"""What an import did, for the person who started it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one row. `line` counts from 1 as the file's own rows do; 0 is the file as a whole."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        place = f"第 {self.line} 行" if self.line else "文件"
        return f"{place}，{self.field}：{self.reason}" if self.field else f"{place}：{self.reason}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One guide that would change (or changed), with the headings of its differing fields."""

    local_code: str
    name: str
    fields: tuple[tuple[str, str, str], ...]  # heading, before, after


@dataclass(slots=True)
class Report:
    """Counts of guides, and what went wrong. `missing` are codes stored for the region that the file no longer has."""

    new: int = 0
    changed: int = 0
    same: int = 0
    missing: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Guides that were understood."""
        return self.new + self.changed + self.same

    @property
    def ok(self) -> bool:
        """Whether every row was understood; the exit status of `bangban import`."""
        return not self.problems
