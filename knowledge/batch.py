"""What an import is: its stages, and its guides by kind and outcome. `batches` reads and decides on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from knowledge.reports import Problem


class Kind(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    REVIVED = "revived"  # in the file, though it was withdrawn: applied, it is published again
    MISSING = "missing"  # published, and not in the file: applied, it is withdrawn


class Stage(StrEnum):
    OPEN = "open"
    REVIEW = "review"
    APPLIED = "applied"
    DISCARDED = "discarded"


class Outcome(StrEnum):
    NONE = ""  # not applied yet, or not chosen
    APPLIED = "applied"
    DRAFTED = "drafted"  # applied, while somebody's draft of it is open
    WAITS = "waits"  # approved: a draft that is published on the day from which it holds
    MOVED = "moved"  # left out: it changed since the file was compared, or should wait while a draft of it is open


@dataclass(frozen=True, slots=True)
class Batch:
    """One import. `counts` and `chosen` are of its guides by kind, `outcomes` of those applied or left out.

    `left` counts those chosen that have no outcome yet.
    """

    id: int
    file: str
    region: str
    stage: Stage
    made_at: datetime
    made_by: str
    why: str
    answer: str
    decided_at: datetime | None
    decided_by: str
    refused: tuple[Problem, ...]
    same: int
    counts: Mapping[Kind, int]
    chosen: Mapping[Kind, int]
    outcomes: Mapping[Outcome, int]
    left: int

    @property
    def returned(self) -> bool:
        """Whether a reviewer sent it back and it was not submitted again."""
        return self.stage is Stage.OPEN and bool(self.answer)

    @property
    def begun(self) -> bool:
        """Whether some of it was applied, or left out of that: all of it, or it was interrupted."""
        return any(count for outcome, count in self.outcomes.items() if outcome is not Outcome.NONE)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A guide of a batch. `document` is what it would say, empty where it would be withdrawn."""

    place: int
    kind: Kind
    region: str
    local_code: str
    name: str
    department: str
    base: int
    document: dict[str, Any]
    chosen: bool
    outcome: Outcome
