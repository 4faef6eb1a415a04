"""The schema's fields as a form shows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel

from knowledge import hours
from knowledge.schema import Guide
from knowledge.wording import enumeration

WEEK = tuple((str(day), f"周{hours.DAYS[day - 1]}") for day in hours.EVERY_DAY)
_LONG = frozenset(
    "how_online how_offline visit_reason not_online_reason progress answer standard content liability rule note basis "
    "transport text reducible condition".split()
)


class Sort(StrEnum):
    LINE = "line"
    LONG = "long"
    URL = "url"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes_no"
    CHOICE = "choice"
    TICKS = "ticks"
    LINES = "lines"  # short texts, a line each
    PART = "part"  # one record
    ROWS = "rows"  # records in order


@dataclass(frozen=True, slots=True)
class Shape:
    """A field of the schema as a form shows it. `options` are pairs of value and label; `parts` are a record's fields."""

    key: str
    title: str
    sort: Sort
    must: bool
    default: Any = None
    whole: bool = True  # of a number
    options: tuple[tuple[str, str], ...] = ()
    model: type[BaseModel] | None = None
    parts: tuple[Shape, ...] = ()


@cache
def shapes(model: type[BaseModel] = Guide) -> tuple[Shape, ...]:
    """The fields of a record, in the schema's order."""
    return tuple(_shape(key, info) for key, info in model.model_fields.items())


def _shape(key: str, info: Any) -> Shape:
    inner = [part for part in get_args(info.annotation) if part is not NoneType] or [info.annotation]
    listed = getattr(info.annotation, "__origin__", None) is list
    default = None if info.is_required() or info.default_factory else info.default
    plain = Shape(key, info.title or key, Sort.LINE, info.is_required(), getattr(default, "value", default))
    kind = _kind(inner[0])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _as(plain, Sort.ROWS if listed else Sort.PART, model=kind, parts=shapes(kind))
    if labels := enumeration(kind):
        options = tuple((one.value, one.value) for one in labels)
        return _as(plain, Sort.TICKS if listed else Sort.CHOICE, options=options)
    if listed:
        return _as(plain, Sort.LINES) if kind is str else _as(plain, Sort.TICKS, options=WEEK)
    if kind is bool:
        return _as(plain, Sort.YES_NO, options=(("yes", "是"), ("no", "否")))
    if kind in (int, float):
        return _as(plain, Sort.NUMBER, whole=kind is int)
    if kind is not str:
        return _as(plain, Sort.DATE)
    if key == "url" or key.endswith("_url") or key in ("online", "mobile", "status"):
        return _as(plain, Sort.URL)
    return _as(plain, Sort.LONG if key in _LONG else Sort.LINE)


def _kind(annotation: Any) -> Any:
    """The type below Annotated."""
    return getattr(annotation, "__origin__", annotation) if hasattr(annotation, "__metadata__") else annotation


def _as(shape: Shape, sort: Sort, **more: Any) -> Shape:
    return Shape(shape.key, shape.title, sort, shape.must, shape.default, **more)
