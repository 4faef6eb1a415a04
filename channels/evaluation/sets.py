"""The question sets: what is asked, and what a right answer would be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from core.errors import Invalid

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "quality"
EVERYDAY = ROOT / "tests" / "bot" / "everyday.tsv"


class Split(StrEnum):
    """The half that may be looked at, and the half that only counts."""

    DEV = "dev"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Question:
    """An answerable question. Any of `guides`, by local code, is right; `facts` must then be said."""

    text: str
    style: str
    guides: frozenset[str]
    facet: str = ""
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """A question that no guide of the place answers, and why not."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Emergency:
    """A message with the number to call; several joined by / are all right. None: it only sounds like one."""

    text: str
    call: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What a turn must do; what is empty is free."""

    acts: tuple[str, ...]
    guides: frozenset[str] = frozenset()
    facet: str = ""
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """A conversation: what is said, and what is expected of each turn."""

    id: str
    turns: tuple[tuple[str, Expected], ...]


@dataclass(frozen=True, slots=True)
class Asking:
    """A message and the facet it asks for."""

    text: str
    facet: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A message that holds personal data, and the pieces that nobody may see again."""

    text: str
    pieces: tuple[str, ...]


def questions(split: Split, folder: Path = FOLDER) -> list[Question]:
    """Answerable questions. Like all readers here it raises Invalid, naming file and line."""
    return [
        Question(one["question"], one["style"], frozenset(one["guides"]), one["facet"], tuple(one["facts"]))
        for one in _lines(folder / "questions.jsonl", split)
    ]


def unanswerable(split: Split, folder: Path = FOLDER) -> list[Unanswerable]:
    """Questions without an answer here."""
    return [Unanswerable(one["question"], one["kind"]) for one in _lines(folder / "unanswerable.jsonl", split)]


def emergencies(folder: Path = FOLDER) -> list[Emergency]:
    """Messages in need of help at once, and their look-alikes; too few to be split."""
    return [Emergency(one["question"], one["call"]) for one in _lines(folder / "emergencies.jsonl")]


def dialogues(split: Split, folder: Path = FOLDER) -> list[Script]:
    """Conversations of several turns."""
    return [
        Script(one["id"], tuple((turn["say"], _expected(turn["expect"])) for turn in one["turns"]))
        for one in _lines(folder / "dialogues.jsonl", split)
    ]


def facets(split: Split, folder: Path = FOLDER) -> list[Asking]:
    """Messages and what they ask for."""
    return [Asking(one["question"], one["facet"]) for one in _lines(folder / "facets.jsonl", split)]


def private(folder: Path = FOLDER) -> list[Secret]:
    """Messages with personal data, all of it made up; too few to be split."""
    return [Secret(one["question"], tuple(one["private"])) for one in _lines(folder / "private.jsonl")]


def everyday(file: Path = EVERYDAY) -> list[Question]:
    """Everyday questions to the demonstration city: words, then a local code or several, with tabs between."""
    lines = [line.split("\t") for line in _text(file).splitlines() if line and not line.startswith("#")]
    return [Question(words, "everyday", frozenset(codes)) for words, *codes in lines]


def _expected(told: dict[str, Any]) -> Expected:
    acts = told["act"]
    return Expected(
        acts=(acts,) if isinstance(acts, str) else tuple(acts),
        guides=frozenset(told.get("guides", ())),
        facet=told.get("facet", ""),
        contains=tuple(told.get("contains", ())),
        lacks=tuple(told.get("not_contains", ())),
    )


def _lines(file: Path, split: Split | None = None) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_text(file).splitlines(), 1):
        try:
            one = json.loads(line)
            wanted = split is None or Split(one["split"]) is split
        except (ValueError, KeyError):
            raise Invalid(f"{file.name} 第 {number} 行读不懂。") from None
        if wanted:
            yield one


def _text(file: Path) -> str:
    if not file.is_file():
        raise Invalid(f"没有找到题目 {file}：请在源码目录里运行。")
    return file.read_text("utf-8")
