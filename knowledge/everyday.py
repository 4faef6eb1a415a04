"""What people say when they need an item, by its official name; written for this project, usable for any city.

Most items are called the same everywhere, so a guide just imported is found by everyday words nobody entered for it.
The same questions teach the encoder (index/training).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.text import normalise

FILE = Path(__file__).parent / "everyday.jsonl"
# Typos, dialect and noise teach the encoder; a question that comes is cleaned of them before it is searched.
_SEARCHED = frozenset({"situation", "plain", "short", "long"})
_MARKS = re.compile(r"[^0-9A-Za-z\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Item:
    """An item: its official name, one sentence on who needs it and when, and questions as (style, text)."""

    name: str
    about: str
    questions: tuple[tuple[str, str], ...]

    @property
    def described(self) -> str:
        """Its name and who needs it."""
        return f"{self.name}。{self.about}"

    @property
    def searched(self) -> tuple[str, ...]:
        """The questions that search looks at."""
        return tuple(text for style, text in self.questions if style in _SEARCHED)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text by which it is known."""
        return (self.name, self.described, *self.searched)


def items(path: Path = FILE) -> list[Item]:
    """The items of a JSONL file: {"item", "about", "questions": [[style, text], ...]} a line."""
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return [Item(row["item"], row["about"], tuple((style, text) for style, text in row["questions"])) for row in rows]


def questions(name: str) -> tuple[str, ...]:
    """The everyday questions that mean the item called `name`, brackets and spaces aside; none for an unknown one."""
    return _by_name().get(_bare(name), ())


@cache
def searched() -> frozenset[str]:
    """Every question that search looks at."""
    return frozenset(text for texts in _by_name().values() for text in texts)


@cache
def _by_name() -> dict[str, tuple[str, ...]]:
    return {_bare(item.name): item.searched for item in items()}


def _bare(name: str) -> str:
    return _MARKS.sub("", normalise(name))
