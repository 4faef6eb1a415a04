"""The words of words.yml."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

from bot.understanding import Wish, about

_PARTICLES = re.compile(r"[吗么呢?？的了]|什么|怎么|哪|多少|几")


def says(what: str, text: str) -> bool:
    """Whether `text` holds words of that kind. Raises KeyError for a kind there is none of."""
    return bool(_patterns()[what].search(text))


def item(text: str) -> str:
    """What is to be booked: `text` without when, for whom, and that it is a booking."""
    return _patterns()["around"].sub(" ", about(Wish.BOOK, text)).strip(" ，。,")


def like_name(text: str) -> bool:
    """Whether `text` looks like a Chinese name: two to four characters, of which the first, or the first two, are a surname."""
    if not re.fullmatch(r"[\u4e00-\u9fff]{2,4}", text):
        return False
    long_ = len(text) > 2 and text[:2] in str(_read()["long_surnames"]).split("|")
    if not long_ and text[0] not in _read()["surnames"]:
        return False
    return not _PARTICLES.search(text) and not says("no_names", text)


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {kind: re.compile("|".join(all_)) for kind, all_ in _read().items() if isinstance(all_, list)}


@cache
def _read() -> dict[str, list[str] | str]:
    return dict(yaml.safe_load((Path(__file__).parent / "words.yml").read_text("utf-8")))
