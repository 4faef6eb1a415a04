"""Records as stored documents, and the digest by which equal ones are known."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from knowledge.schema import ITEM_FIELDS, Guide

_REFUSED = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Parts:
    """A guide as it is stored: the item's fields apart from the region's own, each known by a digest."""

    item: dict[str, Any]
    own: dict[str, Any]
    item_digest: str
    digest: str


def parts(guide: Guide) -> Parts:
    """Take a guide apart. Two guides are equal exactly where the digests are."""
    content = document(guide)
    item = {key: value for key, value in content.items() if key in ITEM_FIELDS}
    own = {key: value for key, value in content.items() if key not in ITEM_FIELDS}
    item_digest = digest(item)
    return Parts(item, own, item_digest, digest(own | {"item": item_digest}))


def document(record: BaseModel) -> dict[str, Any]:
    """The record as JSON values, without what is empty: a field added to the schema later leaves digests alone."""
    lean: dict[str, Any] = _lean(record.model_dump(mode="json", exclude_none=True))
    return lean


def digest(content: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def storable(value: Any) -> Any:
    """A JSON value without what databases refuse: NUL characters, halves of characters, and numbers that are none."""
    if isinstance(value, str):
        return _REFUSED.sub("", value)
    if isinstance(value, list):
        return [storable(part) for part in value]
    if isinstance(value, dict):
        return {storable(str(key)): storable(part) for key, part in value.items()}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _lean(value: Any) -> Any:
    if isinstance(value, list):
        return [_lean(part) if isinstance(part, (dict, list)) else part for part in value]
    leaned = {}
    for key, part in value.items():
        kept = _lean(part) if isinstance(part, (dict, list)) else part
        if kept or kept is False or isinstance(kept, (int, float)):
            leaned[key] = kept
    return leaned
