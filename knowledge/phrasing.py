"""A record's values in the words of clerks: 是 for true, 20 个工作日 for a time limit.

What is told is a tree of strings, lists and dicts of the record's own shape, without what is empty and with what the
schema fills in by itself; two records mean the same exactly where they are told the same. Unfinished records are told
as far as they go.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from knowledge.hours import describe
from knowledge.schema import DayUnit, Duration, Hours, HoursException, WeeklyRule
from knowledge.wording import enumeration, record

Told = Any  # str | list[Told] | dict[str, Told]

NAMES = ("name", "question", "content", "address")  # what an entry is called, the first that it has


def told(value: Any, kind: Any) -> Told:
    """`value` of the type `kind`, a field's annotation or a record, in words; "" for nothing."""
    if isinstance(value, list):
        return [words for one in value if (words := told(one, kind))] or ""
    if isinstance(value, dict):
        return _told_record(value, record(kind)) or ""
    if isinstance(value, bool):
        return "是" if value else "否"
    return "" if value is None else str(value).strip()


def shown(words: Told, kind: Any) -> str:
    """What was told, in one line: 户口簿；来源：自备；必要性：必要."""
    if isinstance(words, list):
        return ("、" if enumeration(kind) and not record(kind) else "；").join(shown(one, kind) for one in words)
    if not isinstance(words, dict):
        return str(words)
    if record(kind) is Hours:
        return "；".join((*filter(None, (words.get("said", ""), _understood(words))), *words.get("exceptions", ())))
    return "；".join(_part(name, value, record(kind), called(words)) for name, value in words.items())


def called(words: Told) -> str:
    """What an entry of a list is called; "" for one without a name."""
    if not isinstance(words, dict):
        return str(words)
    return next((str(words[name]) for name in NAMES if name in words), "")


def _part(name: str, words: Told, kind: type[BaseModel] | None, own_name: str) -> str:
    field = kind.model_fields.get(name) if kind else None
    text = shown(words, field.annotation if field else None)
    return text if words == own_name and name in NAMES else f"{(field and field.title) or name}：{text}"


def _told_record(value: dict[str, Any], kind: type[BaseModel] | None) -> Told:
    if kind is Duration:
        return _duration(value)
    if kind is Hours:
        return _hours(value)
    fields = kind.model_fields if kind else {}
    words = {name: told(value.get(name), field.annotation) for name, field in fields.items()}
    words |= {str(name): told(one, None) for name, one in value.items() if name not in fields}
    if any(words.values()):
        words |= {name: told(field.default, None) for name, field in fields.items() if _filled_in(value, name, field)}
    return {name: one for name, one in words.items() if one}


def _filled_in(value: dict[str, Any], name: str, field: Any) -> bool:
    return value.get(name) in (None, "") and isinstance(field.default, (str, int))


def _duration(value: dict[str, Any]) -> str:
    days, unit, note = (told(value.get(name), None) for name in ("days", "unit", "note"))
    length = f"{days} 个{unit or DayUnit.WORKING}" if days else ""
    return f"{length}（{note}）" if note and length else length or note


def _hours(value: dict[str, Any]) -> Told:
    try:
        hours = Hours.model_validate(value)
    except ValidationError:
        words = {name: told(value.get(name), None) for name in ("text", "rules", "exceptions")}
        words = {
            name: [shown(one, None) for one in part] if isinstance(part, list) else part for name, part in words.items()
        }
        return {name: one for name, one in ({"said": words["text"]} | words).items() if one}
    words = {
        "said": hours.text or describe(hours),  # what citizens read
        "text": hours.text,
        "rules": [_rule(rule) for rule in hours.rules],
        "exceptions": [_exception(one) for one in hours.exceptions],
    }
    return {name: one for name, one in words.items() if one}


def _understood(words: Told) -> str:
    """The rules, where citizens read the published words instead."""
    return f"系统理解为：{shown(words['rules'], None)}" if words.get("text") and words.get("rules") else ""


def _rule(rule: WeeklyRule) -> str:
    return describe(Hours(rules=[rule]))


def _exception(one: HoursException) -> str:
    times = f"{one.opens or '？'}–{one.closes or '？'}" if one.opens or one.closes else "休息"
    return f"{one.day} {times}" + (f"（{one.note}）" if one.note else "")
