"""What differs between two versions of a record, for a person to read; and two people's changes brought together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any, Literal

from pydantic import BaseModel

from knowledge.pairing import pairs
from knowledge.phrasing import Told, called, shown, told
from knowledge.schema import Guide, Hours
from knowledge.wording import enumeration, heading, record

NAMED = 20  # characters of an entry's name where only the order of a list changed
WORDWISE = 2000  # characters up to which two texts are compared word by word, and beyond sentence by sentence
ISLAND = 2  # equal characters between two changes that are too few to be read as kept
# Ways of asking are a collection, not a text: what two people add to it stands side by side.
COLLECTIONS = ("questions", "aliases")

Path = tuple[str | int, ...]
Change = Literal["added", "removed", "changed"]
Mark = Literal["same", "del", "ins"]

_WORD = re.compile(r"[A-Za-z0-9]+|.", re.DOTALL)
_SENTENCE = re.compile(r"[^。；！？\n]*[。；！？\n]|[^。；！？\n]+")


@dataclass(frozen=True, slots=True)
class Difference:
    """`path` leads through the later version ("materials.1.name"), or the earlier one for what was removed."""

    heading: str
    path: str
    before: str
    after: str
    kind: Change


def differences(before: dict[str, Any], after: dict[str, Any], kind: type[BaseModel] = Guide) -> tuple[Difference, ...]:
    """What a reader would call different, in the order of the schema; nothing where the two mean the same.

    Documents may be unfinished or invalid.
    """
    return tuple(_Reader(kind).record((), told(before, kind) or {}, told(after, kind) or {}, kind))


class _Reader:
    """Walks through both documents, as told in words."""

    def __init__(self, kind: type[BaseModel]) -> None:
        self._kind = kind

    def record(self, path: Path, before: Told, after: Told, kind: Any) -> Iterator[Difference]:
        fields = kind.model_fields if kind else {}
        for name in dict.fromkeys((*fields, *before, *after)):
            annotation = fields[name].annotation if name in fields else None
            yield from self._value((*path, name), before.get(name, ""), after.get(name, ""), annotation)

    def _value(self, path: Path, before: Told, after: Told, kind: Any) -> Iterator[Difference]:
        shapes = {type(one) for one in (before, after) if one}
        if before == after:
            return
        if shapes == {dict}:
            step = self._hours if record(kind) is Hours else self.record
            yield from step(path, before or {}, after or {}, record(kind))
        elif shapes == {list} and (record(kind) or not enumeration(kind)):
            yield from self._entries(path, before or [], after or [], kind)
        else:
            yield self._one(path, before, after, kind)

    def _hours(self, path: Path, before: Told, after: Told, _kind: Any) -> Iterator[Difference]:
        said, text, rules = ((before.get(name, ""), after.get(name, "")) for name in ("said", "text", "rules"))
        if told := next((pair for pair in (said, text) if pair[0] != pair[1]), None):
            yield self._one(path, *told, kind=None)
        # Without published words the rules are what citizens read, and were told as that.
        if rules[0] != rules[1] and (any(text) or told is None):
            yield self._one((*path, "rules"), *rules, kind=None)
        yield from self._value((*path, "exceptions"), before.get("exceptions", ""), after.get("exceptions", ""), None)

    def _entries(self, path: Path, before: list[Told], after: list[Told], kind: Any) -> Iterator[Difference]:
        same = pairs(before, after)
        was = {new: old for old, new in same}
        for place in sorted(set(range(len(before))) - set(was.values())):
            yield self._one((*path, place), before[place], "", kind)
        for place, entry in enumerate(after):
            if place in was:
                yield from self._value((*path, place), before[was[place]], entry, kind)
            else:
                yield self._one((*path, place), "", entry, kind)
        order = [old for old, _ in same]
        if order != sorted(order):
            old_order, new_order = _order(before, sorted(order)), _order(before, order)
            yield Difference(heading(path, self._kind) + "的顺序", _dotted(path), old_order, new_order, "changed")

    def _one(self, path: Path, before: Told, after: Told, kind: Any) -> Difference:
        change: Change = "changed" if before and after else "added" if after else "removed"
        return Difference(heading(path, self._kind), _dotted(path), shown(before, kind), shown(after, kind), change)


def _order(entries: list[Told], places: list[int]) -> str:
    return "；".join(f"{place + 1}. {_brief(called(entries[place]))}" for place in places)


def _brief(text: str) -> str:
    return text if len(text) <= NAMED else text[:NAMED] + "…"


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def marked(before: str, after: str) -> tuple[tuple[Mark, str], ...]:
    """Both texts in pieces for reading in line: all but the insertions make `before`, all but the deletions `after`."""
    pattern = _WORD if len(before) + len(after) <= WORDWISE else _SENTENCE
    old, new = pattern.findall(before), pattern.findall(after)
    pieces: list[tuple[Mark, str]] = []
    # The stand-in for frequent words is only for long texts, where it keeps the comparison quick.
    for tag, i, until_i, j, until_j in SequenceMatcher(None, old, new, autojunk=pattern is _SENTENCE).get_opcodes():
        kept, gone, come = "".join(old[i:until_i]), "".join(old[i:until_i]), "".join(new[j:until_j])
        pieces += [("same", kept)] if tag == "equal" else [("del", gone), ("ins", come)]
    return _joined(_without_islands([piece for piece in pieces if piece[1]]))


def _without_islands(pieces: list[tuple[Mark, str]]) -> Iterator[tuple[Mark, str]]:
    last = len(pieces) - 1
    for place, (mark, text) in enumerate(pieces):
        if mark == "same" and 0 < place < last and len(text) < ISLAND:
            yield from (("del", text), ("ins", text))
        else:
            yield mark, text


def _joined(pieces: Iterator[tuple[Mark, str]]) -> tuple[tuple[Mark, str], ...]:
    """One deletion and one insertion between what is the same."""
    joined: list[tuple[Mark, str]] = []
    for same, run in groupby(pieces, key=lambda piece: piece[0] == "same"):
        part = list(run)
        marks: tuple[Mark, ...] = ("same",) if same else ("del", "ins")
        for mark in marks:
            text = "".join(text for one, text in part if one == mark)
            joined += [(mark, text)] if text else []
    return tuple(joined)


def merge(base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Two people's changes to `base`, field by field: what one side changed is taken.

    Gives the document and the headings of the fields that both changed differently, where it holds mine.
    """
    merged: dict[str, Any] = {}
    conflicts = []
    for name in dict.fromkeys((*Guide.model_fields, *base, *mine, *theirs)):
        field = Guide.model_fields.get(name)
        values = [one.get(name) for one in (base, mine, theirs)]
        was, my, their = (told(one, field.annotation if field else None) for one in values)
        chosen = values[2] if my == was else values[1]
        if was != my != their != was:
            if name in COLLECTIONS and all(isinstance(one or [], list) for one in values):
                chosen = _collected(*(one or [] for one in values))
            else:
                conflicts.append(heading((name,), Guide))
        if chosen not in (None, "", [], {}):
            merged[name] = chosen
    return merged, tuple(conflicts)


def _collected(base: list[Any], mine: list[Any], theirs: list[Any]) -> list[Any]:
    kept = [one for one in mine if one in theirs or one not in base]
    return kept + [one for one in theirs if one not in base and one not in kept]
