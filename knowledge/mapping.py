"""The mapping language: how a foreign dump's fields become ours, written in YAML instead of code.

docs/importing.md explains it to those who write mappings; `mappings/*.yml` are examples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from core.errors import Invalid
from knowledge import hours
from knowledge.cleaning import clean
from knowledge.paragraphs import paragraphs
from knowledge.schema import Guide
from knowledge.wording import heading

MAPPINGS = Path(__file__).parent / "mappings"

PHONE = re.compile(
    r"(?<![\d-])(?:\(?0\d{2,3}\)?[-—– ]?(?:\d{7,8}|1\d{4})(?:[-转]\d{1,6})?|400-?\d{3}-?\d{4}|1[3-9]\d{9}"
    r"|(?:12|95|96)\d{3,4}|1[12]\d|[2-8]\d{6,7})(?!\d)"
)
OPTIONS = frozenset(
    ("from", "const", "default", "raw", "labels", "match", "split", "paragraphs", "extract", "otherwise", "all", "replace", "remove",
     "line", "parts", "with", "prefix", "hours", "phones", "each", "require", "skip", "keep", "drop", "max")
)  # fmt: skip
SHOWN = 30  # characters of a value that was not understood
# Neither database takes these in a text.
UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
RECORD = frozenset(("id", "version", "status", "revision"))  # what an export adds to a guide's own fields


class MappingError(Invalid):
    """映射文件写得不对。"""

    code = "mapping_error"


class BadValue(ValueError):
    """One value that cannot be understood; the message says why, in the words of clerks."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A mapping file, checked. `fields` are target paths with their rules; the rest says how to read the file."""

    name: str
    fields: Mapping[str, Any]
    required: tuple[str, ...] = ()
    line_keys: tuple[str, ...] = ()
    sheet: str | None = None
    key: str = ""
    children: Mapping[str, str] = field(default_factory=dict)
    apart: str = ""
    within: str | None = None
    skip: Mapping[str, str] = field(default_factory=dict)
    refuse: Mapping[str, Any] = field(default_factory=dict)
    exported: bool = False
    as_is: bool = False

    def ignores(self, row: Mapping[str, Any]) -> bool:
        """Whether the row is not meant to be imported, like the example in the clerks' template."""
        return not _chosen(row, {"skip": self.skip})

    def apply(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """The row as fields of Guide, and what could not be understood as (heading, reason)."""
        bad: list[tuple[str, str]] = []
        if self.as_is:
            if UNSTORABLE.search(json.dumps(row, ensure_ascii=False).replace("\\u0000", "\0")):
                bad.append(("", "含有不可见的控制字符"))
            return {name: value for name, value in row.items() if name not in RECORD}, bad
        return self._object(self.fields, row, (), bad) or {}, bad

    def _object(
        self, fields: Mapping[str, Any], row: Any, path: tuple[int | str, ...], bad: list[tuple[str, str]]
    ) -> dict[str, Any] | None:
        made: dict[str, Any] = {}
        for target, rule in fields.items():
            steps = tuple(target.split("."))
            try:
                value = self._value(rule, row, (*path, *steps), bad)
            except BadValue as error:
                bad.append((heading((*path, *steps), Guide), str(error)))
                continue
            if value in (None, "", [], {}):
                continue
            here = made
            for step in steps[:-1]:
                here = here.setdefault(step, {})
            here[steps[-1]] = value
        return made or None

    def _value(self, rule: Any, row: Any, path: tuple[int | str, ...], bad: list[tuple[str, str]]) -> Any:
        if not isinstance(rule, dict):
            rule = {"from": rule}
        if "each" in rule:
            return self._each(rule, row, path, bad)
        if "parts" in rule:
            parts = [self._value(part, row, path, bad) for part in rule["parts"]]
            return rule.get("with", "\n").join(str(part) for part in parts if part not in (None, "", []))
        if "const" in rule:
            return rule["const"]
        value = _first(row, rule.get("from"))
        if isinstance(value, (dict, list)) and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
            raise BadValue("这里应当是文字，不是一组内容")
        made = self._convert(value, rule)
        return rule.get("default") if made in (None, "", []) else made

    def _each(self, rule: Mapping[str, Any], row: Any, path: tuple[int | str, ...], bad: list[tuple[str, str]]) -> Any:
        source = _first(row, rule.get("from", "."))
        rows = source if isinstance(source, list) else [source] if source not in (None, "") else []
        made: list[dict[str, Any]] = []
        for one in rows:
            if not _chosen(one, rule):
                continue
            entry = self._object(rule["each"], one, (*path, len(made)), bad)
            if entry and all(name in entry for name in rule.get("require", ())):
                made.append(entry)
        return made

    def _convert(self, value: Any, rule: Mapping[str, Any]) -> Any:
        if value is None or value == "":
            return None
        if "labels" in rule and "split" not in rule:
            return _label(value, rule["labels"])
        if isinstance(value, (bool, int, float)) and not {"extract", "match"} & rule.keys():
            return value
        if isinstance(value, list):
            value = "\n".join(value)
        text = UNSTORABLE.sub("", str(value)).strip() if rule.get("raw") else str(value)
        if "line" in rule:
            text = _line(text, rule["line"], self.line_keys)
        if "split" in rule:  # before cleaning, which turns a comma between words into a Chinese one
            parts = [clean(part) for part in re.split(rule["split"], _edited(text, rule))]
            return [made for part in parts if part and (made := _label(part, rule.get("labels", {"*": part})))]
        text = text if rule.get("raw") else clean(text)
        text = _edited(text, rule)
        if not text:
            return None
        if rule.get("hours"):
            return hours.parse(text).model_dump()
        if rule.get("phones"):
            return phones(text)
        if rule.get("paragraphs"):
            return paragraphs(text)
        return rule.get("prefix", "") + text


def phones(text: str) -> str | None:
    """The telephone numbers in a text, each once, joined by 、; None where there is none."""
    found = [re.sub(r"[—– ]", "-", number[0]) for number in PHONE.finditer(text)]
    return "、".join(dict.fromkeys(found)) or None


def load(name: str) -> Rules:
    """The mapping shipped under this name, or the YAML file at this path. Raises MappingError."""
    path = Path(name) if name.endswith((".yml", ".yaml")) else MAPPINGS / f"{name}.yml"
    if not path.is_file():
        known = "、".join(sorted(one.stem for one in MAPPINGS.glob("*.yml")))
        raise MappingError(f"没有名为“{name}”的映射，可用的有：{known}。")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeError) as error:
        raise MappingError(f"映射文件 {path.name} 不是有效的 YAML：{error}") from None
    if isinstance(content, dict) and content.get("as_is"):
        return Rules(name=path.stem, fields={}, required=tuple(content.get("required", ())), as_is=True)
    if not isinstance(content, dict) or not isinstance(content.get("fields"), dict):
        raise MappingError(f"映射文件 {path.name} 缺少 fields。")
    _check(content["fields"], path.name)
    return Rules(
        name=path.stem,
        fields=content["fields"],
        required=tuple(content.get("required", ())),
        line_keys=tuple(content.get("line_keys", ())),
        sheet=content.get("sheet"),
        key=content.get("key", ""),
        children=content.get("children") or {},
        apart=content.get("apart", ""),
        within=content.get("within"),
        skip=content.get("skip") or {},
        refuse=content.get("refuse") or {},
        exported=content.get("exported", False),
    )


def _check(fields: Mapping[str, Any], name: str) -> None:
    for target, rule in fields.items():
        if not isinstance(rule, dict):
            continue
        unknown = sorted(set(rule) - OPTIONS)
        if unknown:
            raise MappingError(f"映射文件 {name} 的 {target} 有不认识的写法：{'、'.join(map(str, unknown))}")
        for option in ("extract", "remove", "split"):
            try:
                re.compile(str(rule.get(option, "")))
            except re.error as error:
                raise MappingError(f"映射文件 {name} 的 {target}.{option} 不是有效的正则表达式：{error}") from None
        if "each" in rule:
            _check(rule["each"], name)


def _first(row: Any, source: Any) -> Any:
    """The first value of one or several source paths that is not empty."""
    for path in source if isinstance(source, list) else [source]:
        value = row
        for step in str(path).split(".") if path not in (None, ".") else ():
            value = value.get(step) if isinstance(value, dict) else None
        if value not in (None, "", []) and path is not None:
            return value
    return None


def _chosen(row: Any, rule: Mapping[str, Any]) -> bool:
    def matches(tests: Mapping[str, str]) -> bool:
        return any(re.search(pattern, str(_first(row, path) or "")) for path, pattern in tests.items())

    return (not rule.get("keep") or matches(rule["keep"])) and not matches(rule.get("skip") or {})


def _edited(text: str, rule: Mapping[str, Any]) -> str:
    for old, new in (rule.get("replace") or {}).items():
        text = text.replace(old, new)
    if "remove" in rule:
        text = re.sub(rule["remove"], "", text).strip()
    if "match" in rule:
        return next((str(value) for pattern, value in rule["match"].items() if re.search(pattern, text)), "")
    if "extract" in rule:
        found = [match[1] if match.re.groups else match[0] for match in re.finditer(rule["extract"], text)]
        whole, text = text, "、".join(dict.fromkeys(found)) if rule.get("all") else (found[0] if found else "")
        if not found and whole and "otherwise" in rule:
            raise BadValue(f"看不懂“{whole[:SHOWN]}”，{rule['otherwise']}")
        text = text.strip()
    if "drop" in rule and re.search(rule["drop"], text):
        return ""
    return text if len(text) <= rule.get("max", len(text)) else ""


def _label(value: Any, labels: Mapping[Any, Any]) -> Any:
    """Ours for the source's label. An unlisted label is refused: guessing is how numbers came to mean two things."""
    wanted = str(value).strip().lower()
    for label, ours in labels.items():
        if str(label).lower() == wanted:
            return ours
    if "*" in labels:
        return labels["*"]
    raise BadValue(f"“{value}”不在对照表中，可用：{'、'.join(str(label) for label in labels)}")


def _line(text: str, wanted: str, keys: tuple[str, ...]) -> str:
    """What follows `wanted：` in a block of such lines, up to the next known key."""
    found = _line_pattern(wanted, keys).search(text)
    return found[1].strip() if found else ""


@cache
def _line_pattern(wanted: str, keys: tuple[str, ...]) -> re.Pattern[str]:
    stop = "|".join(map(re.escape, keys)) or r"\Z"
    return re.compile(rf"(?:^|\n)\s*{re.escape(wanted)}[：:](.*?)(?=\n\s*(?:{stop})[：:]|\Z)", re.DOTALL)
