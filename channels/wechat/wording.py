"""The sentences of wording.yml."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml


def say(key: str, **values: str) -> str:
    """The sentence called `key` with its places filled. Raises KeyError for an unknown key or a missing value."""
    return _sentences()[key].format(**values)


@cache
def _sentences() -> dict[str, str]:
    text = (Path(__file__).parent / "wording.yml").read_text("utf-8")
    return {key: str(sentence).rstrip("\n") for key, sentence in yaml.safe_load(text).items()}
