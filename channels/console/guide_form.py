"""A guide's document as a form's fields and back, by the schema alone: a field added there is in the form at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

from channels.console.guide_shapes import WEEK, Shape, Sort, shapes
from core.errors import Invalid
from knowledge import hours
from knowledge.schema import Hours

DEEPEST = 8  # steps of a name: places.0.hours.rules.0.days has six
_YES = {"yes": True, "no": False}

Document = dict[str, Any]


# -- a form into a document --


@dataclass(slots=True)
class _Node:
    values: list[str] = field(default_factory=list)
    under: dict[str, _Node] = field(default_factory=dict)

    def at(self, step: str) -> _Node:
        return self.under.get(step) or _Node()

    @property
    def last(self) -> str:
        return self.values[-1] if self.values else ""

    @property
    def rows(self) -> list[_Node]:
        numbered = [step for step in self.under if step.isascii() and step.isdecimal() and len(step) < 6]
        return [self.under[step] for step in sorted(numbered, key=int)]


def typed(pairs: Iterable[tuple[str, str]]) -> Document:
    """What was typed, with rows that are empty yet; what is no number or date stays as it was typed."""
    root = _Node()
    for name, value in pairs:
        here = root
        for step in name.split(".")[:DEEPEST]:
            here = here.under.setdefault(step, _Node())
        here.values.append(value)
    return _record(shapes(), root)


def _record(fields: Sequence[Shape], node: _Node) -> Document:
    return {shape.key: _value(shape, node.at(shape.key)) for shape in fields}


def _value(shape: Shape, node: _Node) -> Any:
    match shape.sort:
        case Sort.ROWS:
            return [_record(shape.parts, row) for row in node.rows]
        case Sort.PART:
            made = _record(shape.parts, node)
            return _reread(made, node.at("read").last) if shape.model is Hours else made
        case Sort.LINES:
            lines = [row.last for row in node.rows] if node.under else node.last.split("\n")
            return [line.strip() for line in lines if line.strip()]
        case Sort.TICKS:
            ticked = [value for value in node.values if value]
            return [_number(value, whole=True) for value in ticked] if shape.options is WEEK else ticked
        case Sort.NUMBER:
            return _number(node.last, whole=shape.whole)
        case Sort.YES_NO:
            return _YES.get(node.last, node.last)
    return node.last


def _number(value: str, *, whole: bool) -> Any:
    try:
        number = int(value) if whole else float(value)
    except ValueError:  # told beside the field
        return value
    return number if isfinite(number) and "_" not in value else value


def seen(opening: Mapping[str, Any]) -> str:
    """Which words and rules of opening hours a form was made from."""
    return f"{_brief(opening.get('text') or '')}-{_brief(opening.get('rules') or [])}"


def _brief(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:16]


def _reread(opening: Document, made_from: str) -> Document:
    """Opening hours whose words were changed and whose rules were not are read anew."""
    rules = tidy(opening, shapes(Hours)).get("rules", [])
    words, _, kept = made_from.partition("-")
    if words == _brief(opening["text"]) or kept != _brief(rules):
        return opening
    return opening | {"rules": [rule.model_dump(mode="json") for rule in hours.parse(opening["text"]).rules]}


def tidy(loose: Mapping[str, Any], fields: Sequence[Shape] | None = None) -> Document:
    """The document without what is empty: rows, parts and fields in which nothing was typed."""
    kept = {}
    for shape in fields or shapes():
        value = _tidied(shape, loose.get(shape.key))
        if value is not None and value not in ("", [], {}):
            kept[shape.key] = value
    return kept


def _tidied(shape: Shape, value: Any) -> Any:
    if shape.sort is Sort.PART and isinstance(value, Mapping):
        return _unless_blank(shape, value)
    if shape.sort is Sort.ROWS and isinstance(value, list):
        return [row for one in value if isinstance(one, Mapping) and (row := _unless_blank(shape, one))]
    return value


def _unless_blank(shape: Shape, loose: Mapping[str, Any]) -> Document:
    kept = tidy(loose, shape.parts)
    defaults = {part.key: part.default for part in shape.parts}
    return kept if any(value != defaults[key] for key, value in kept.items()) else {}


# -- rows --


def rearrange(loose: Document, act: str, name: str) -> str:
    """Add a row to the list `name`, drop the row `name` or move it up. Returns where to go on. Raises Invalid."""
    path = name.split(".")
    if act == "add":
        rows = _rows(loose, path)
        rows.append({})
        return f"{name}.{len(rows) - 1}"
    rows, at = _rows(loose, path[:-1]), int(path[-1]) if path[-1].isdecimal() and len(path[-1]) < 6 else -1
    if not 0 <= at < len(rows):
        raise Invalid()
    if act == "drop":
        del rows[at]
        return ".".join(path[:-1])
    if act == "up" and at:
        rows[at - 1 : at + 1] = rows[at], rows[at - 1]
        at -= 1
    return ".".join([*path[:-1], str(at)])


def _rows(loose: Document, path: Sequence[str]) -> list[Any]:
    here: Any = loose
    try:
        for step in path:
            here = here[int(step)] if isinstance(here, list) else here[step]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise Invalid() from error
    if not isinstance(here, list):
        raise Invalid()
    return here


# -- a document into fields --


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the field `name` (materials.0.name), or what would make it better."""

    name: str
    heading: str
    message: str
    fix: str = ""
    stops: bool = False  # whether it keeps the guide from being submitted


@dataclass(frozen=True, slots=True)
class Field:
    """A field with what is in it. `value` is text, or a tuple of texts; `parts` are a record's fields, `rows` a list's."""

    shape: Shape
    name: str
    value: Any = ""
    options: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    parts: tuple[Field, ...] = ()
    rows: tuple[Field, ...] = ()
    read: str = ""  # which opening hours it was made from
    said: str = ""  # what citizens are told of them: the words, or without any the rules
    understood: str = ""  # the rules in words

    @property
    def id(self) -> str:
        """Its element's id."""
        return "f-" + self.name.replace(".", "-")

    @property
    def filled(self) -> bool:
        """Whether anything is in it that is not so anyhow."""
        if self.parts or self.rows:
            return any(one.filled for one in (*self.parts, *self.rows))
        return bool(self.value) and self.value != _text(self.shape.default)

    @property
    def wrong(self) -> int:
        """How many problems it and what is in it have."""
        return len(self.problems) + sum(one.wrong for one in (*self.parts, *self.rows))


def fields(loose: Mapping[str, Any], problems: Iterable[Problem] = ()) -> dict[str, Field]:
    """The form's fields by their keys, filled from a document or from what was typed."""
    told: dict[str, list[Problem]] = {}
    for problem in problems:
        told.setdefault(problem.name, []).append(problem)
    return {shape.key: _field(shape, shape.key, loose.get(shape.key), told) for shape in shapes()}


def blank(shape: Shape, name: str) -> Field:
    """An empty row of the list `shape`, called `name`."""
    return _row(shape, name, {}, {})


def _field(shape: Shape, name: str, value: Any, told: Mapping[str, list[Problem]]) -> Field:
    problems = tuple(told.get(name, ()))
    if shape.sort is Sort.ROWS:
        rows = value if isinstance(value, list) else []
        made = tuple(_row(shape, f"{name}.{at}", one, told) for at, one in enumerate(rows))
        return Field(shape, name, problems=problems, rows=made)
    if shape.sort is Sort.PART:
        return _row(shape, name, value, told)
    if shape.sort is Sort.TICKS:
        ticked = tuple(_text(one) for one in value) if isinstance(value, list) else ()
        return Field(shape, name, ticked, _ticks(shape, ticked), problems)
    if shape.sort is Sort.LINES:
        return _lines(shape, name, value, problems)
    text = _text(value if value not in (None, "") else shape.default)
    return Field(shape, name, text, _choices(shape, text), problems)


def _row(shape: Shape, name: str, value: Any, told: Mapping[str, list[Problem]]) -> Field:
    record = value if isinstance(value, Mapping) else {}
    parts = tuple(_field(part, f"{name}.{part.key}", record.get(part.key), told) for part in shape.parts)
    made = Field(shape, name, problems=tuple(told.get(name, ())), parts=parts)
    if shape.model is not Hours:
        return made
    tidied = tidy(record, shape.parts)
    understood = _spoken({"rules": tidied.get("rules", [])})
    said = str(tidied.get("text") or understood)
    return replace(made, read=seen(tidied), said=said, understood=understood)


def _lines(shape: Shape, name: str, value: Any, problems: tuple[Problem, ...]) -> Field:
    lines = [_text(one) for one in value] if isinstance(value, list) else []
    if not any("\n" in line for line in lines):
        return Field(shape, name, "\n".join(lines), problems=problems)
    # A text of several lines cannot be one line among others.
    long = Shape(shape.key, shape.title, Sort.LONG, False)
    rows = tuple(Field(long, f"{name}.{at}", line) for at, line in enumerate([*lines, ""]))
    return Field(shape, name, problems=problems, rows=rows)


def _ticks(shape: Shape, ticked: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The options, those in force in the order they are in where that is their own."""
    order = [value for value, _ in shape.options]
    labels = dict(shape.options)
    if [value for value in order if value in ticked] == list(ticked):
        return shape.options
    return (*((one, labels.get(one, one)) for one in ticked), *((o, labels[o]) for o in order if o not in ticked))


def _choices(shape: Shape, text: str) -> tuple[tuple[str, str], ...]:
    """The options, with whatever else was written before."""
    if shape.sort not in (Sort.CHOICE, Sort.YES_NO):
        return ()
    known = any(value == text for value, _ in shape.options)
    empty = (("", "未填写"),) if shape.default is None else ()
    return (*empty, *shape.options, *(() if known or not text else ((text, text),)))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _spoken(opening: Document) -> str:
    try:
        return hours.describe(Hours.model_validate(opening))
    except ValueError:  # rules that are not complete yet
        return ""


def walk(made: Iterable[Field]) -> Iterator[Field]:
    """All fields, those within others too."""
    for one in made:
        yield one
        yield from walk((*one.parts, *one.rows))


def sent(made: Iterable[Field]) -> Iterator[tuple[str, str]]:
    """What a browser sends of these fields when nothing is changed."""
    for one in walk(made):
        if one.read:
            yield f"{one.name}.read", one.read
        if one.shape.sort is Sort.TICKS:
            yield from ((one.name, value) for value, _ in one.options if value in one.value)
        elif not one.parts and not one.rows and one.shape.sort is not Sort.ROWS:
            yield one.name, one.value
