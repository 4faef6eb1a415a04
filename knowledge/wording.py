"""Headings and reasons in the words of clerks, taken from the schema's titles."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

_REASONS = {
    "missing": "没有填写",
    "string_too_short": "没有填写",
    "too_short": "没有填写",
    "extra_forbidden": "没有这个字段，请检查拼写",
    "string_type": "应当是文字",
    "int_type": "应当是整数",
    "int_parsing": "应当是整数",
    "int_from_float": "应当是整数",
    "float_parsing": "应当是数字",
    "float_type": "应当是数字",
    "bool_parsing": "应当是“是”或“否”",
    "bool_type": "应当是“是”或“否”",
    "list_type": "应当是列表",
    "model_type": "应当是一组字段",
    "date_from_datetime_parsing": "应当是日期，如 2026-10-15",
    "date_parsing": "应当是日期，如 2026-10-15",
    "date_type": "应当是日期，如 2026-10-15",
    "string_pattern_mismatch": "格式不对",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
    "string_too_long": "太长，最多 {max_length} 个字",
}


def explain(error: ValidationError, kind: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Each error as (heading, reason): ("申请材料第 2 项的材料名称", "没有填写")."""
    for one in error.errors(include_url=False):
        yield heading(one["loc"], kind), _reason(one["type"], one.get("ctx") or {}, one.get("input"))


def heading(path: tuple[int | str, ...], kind: type[BaseModel]) -> str:
    """The titles along a path through the schema: ("materials", 1, "name") is 申请材料第 2 项的材料名称.

    The name of a part that stands alone is called as the part: ("department", "name") is 实施部门.
    """
    words: list[str] = []
    here: type[BaseModel] | None = kind
    for place, step in enumerate(path):
        if step == "name" and place and isinstance(path[place - 1], str):
            continue
        if isinstance(step, int):
            words.append(f"第 {step + 1} 项")
            continue
        known = here.model_fields.get(step) if here else None
        title = known.title if known and known.title else step
        words.append(("的" if words else "") + title)
        here = record(known.annotation) if known else None
    return "".join(words)


def record(annotation: Any) -> type[BaseModel] | None:
    """The record a field holds, alone or in a list, where it holds any."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := record(part))), None)


def enumeration(annotation: Any) -> type[StrEnum] | None:
    """The enumeration a field takes its labels from, where it takes any."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return annotation
    if get_origin(annotation) in (Union, UnionType, list) or get_args(annotation):
        return next((found for part in get_args(annotation) if (found := enumeration(part))), None)
    return None


def _reason(kind: str, context: dict[str, Any], given: Any) -> str:
    shown = str(given)[:40] if isinstance(given, (str, int, float)) and not isinstance(given, bool) else ""
    if kind == "enum":
        allowed = str(context.get("expected", "")).replace("'", "").replace(", ", "、").replace(" or ", "、")
        return f"“{shown}”不在可选内容之中，可选：{allowed}"
    reason = _REASONS.get(kind, "内容不符合要求").format(**context)
    return f"“{shown}”{reason}" if shown and reason.startswith(("应当", "格式", "不能")) else reason
