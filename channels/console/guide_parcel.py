"""A document that travels with a form: what a clerk saw when they began to type."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

from channels.console.guide_form import Document
from core.errors import Conflict

LONGEST = 4 << 20  # bytes of a document


def pack(document: Mapping[str, Any]) -> str:
    """A document as text that a form carries along."""
    return base64.b64encode(zlib.compress(json.dumps(document, ensure_ascii=False).encode())).decode()


def unpack(packed: str) -> Document:
    """The document again. Raises Conflict where it is none."""
    try:
        found = json.loads(zlib.decompressobj().decompress(base64.b64decode(packed), LONGEST))
    except (ValueError, zlib.error) as error:
        raise Conflict() from error
    return found if isinstance(found, dict) else {}
