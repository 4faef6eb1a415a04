"""The sentences of a wording.yml, read when the first is said."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import yaml


class Wording:
    """The sentences of one file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def say(self, key: str, **values: str) -> str:
        """The sentence called `key` with its places filled. Raises KeyError for an unknown key or a missing value."""
        return self._sentences[key].format(**values)

    @cached_property
    def _sentences(self) -> dict[str, str]:
        return {key: str(text) for key, text in yaml.safe_load(self._file.read_text("utf-8")).items()}


say = Wording(Path(__file__).parent / "wording.yml").say
