"""The words of words.yml."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

from bot.understanding import Wish, about


def says(what: str, text: str) -> bool:
    """Whether `text` holds words of that kind. Raises KeyError for a kind there is none of."""
    return bool(_patterns()[what].search(text))


def item(text: str) -> str:
    """What is to be booked: `text` without when, for whom, and that it is a booking."""
    return _patterns()["around"].sub(" ", about(Wish.BOOK, text)).strip(" ，。,")


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {kind: re.compile("|".join(all_)) for kind, all_ in _read().items()}


@cache
def _read() -> dict[str, list[str]]:
    return dict(yaml.safe_load((Path(__file__).parent / "words.yml").read_text("utf-8")))
