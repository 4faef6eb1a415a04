"""Which fields of a guide a source speaks of: what it does not know, it does not empty."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from knowledge.mapping import Rules

Heads = Mapping[str, Collection[str]]  # the headings of a table's sheets by name; the main one is ""


def limited(rules: Rules, heads: Heads) -> Rules:
    """The rules as far as a table with these headings goes; of the rest it says nothing."""
    return replace(rules, fields=_present(rules.fields, heads[""], heads))


def told(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that these rules fill, as a tree: {"consult": {"phone": None}, "materials": {"name": None}}."""
    tree: dict[str, Any] = {}
    for target, rule in fields.items():
        *steps, last = target.split(".")
        here = tree
        for step in steps:
            here = here.setdefault(step, {})
        here[last] = told(rule["each"]) if isinstance(rule, dict) and "each" in rule else None
    return tree


def _present(fields: Mapping[str, Any], columns: Collection[str], sheets: Heads) -> dict[str, Any]:
    """The rules of those targets that these columns say anything of."""
    present: dict[str, Any] = {}
    for target, rule in fields.items():
        if isinstance(rule, dict) and "each" in rule:
            if each := _present(rule["each"], _inner(rule, columns, sheets), sheets):
                present[target] = rule | {"each": each}
        elif _spoken(rule, columns):
            present[target] = rule
    return present


def _inner(rule: Mapping[str, Any], columns: Collection[str], sheets: Heads) -> Collection[str]:
    """The columns that the entries of a list have: its sheet's, the row's own, or a cell's whole text."""
    for source in _sources(rule) if "from" in rule else ["."]:
        if source == ".":
            return columns
        if source in sheets:
            return sheets[source]
        if source in columns:
            return (".",)
    return ()


def _spoken(rule: Any, columns: Collection[str]) -> bool:
    if isinstance(rule, dict) and "parts" in rule:
        return any(_spoken(part, columns) for part in rule["parts"])
    known = isinstance(rule, dict) and ("const" in rule or "default" in rule)
    return known or any(source in columns for source in _sources(rule))


def _sources(rule: Any) -> list[Any]:
    source = rule.get("from") if isinstance(rule, dict) else rule
    return source if isinstance(source, list) else [source]
