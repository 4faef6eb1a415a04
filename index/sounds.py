"""How Chinese characters sound to those who type by pinyin or speak: toneless, and without the differences they miss."""

from __future__ import annotations

import os
import re
import unicodedata
from functools import cache, lru_cache

# Characters with two readings in daily use. The rare readings of others (告 as jū) make false homophones.
_TWO = frozenset("行会长重还调传参降单曾查车差弹给落率没省宿提系校血藏便乐解都角觉什着卡仔盛乘粘")
_FOLDED = (
    (re.compile("^([zcs])h"), r"\1"),  # 只 and 子
    (re.compile("^n(?=.)"), "l"),  # 你 and 李
    (re.compile("(?<=[aei])ng$"), "n"),  # 证 and 真
)


@lru_cache(maxsize=20_000)
def readings(character: str) -> tuple[str, ...]:
    """The toneless readings of `character` that are in use, the commonest first; none for other than Chinese ones."""
    found = _dictionary().get(ord(character), "")
    return tuple(dict.fromkeys(_toneless(one) for one in found.split(",") if one))[: 2 if character in _TWO else 1]


@lru_cache(maxsize=20_000)
def sounds(character: str) -> tuple[str, ...]:
    """The readings of `character` as a careless ear has them: 证 is zen."""
    return tuple(dict.fromkeys(map(folded, readings(character))))


@cache
def folded(syllable: str) -> str:
    """`syllable` with n/l, zh/z, ch/c, sh/s, ang/an, eng/en and ing/in alike."""
    for pattern, instead in _FOLDED:
        syllable = pattern.sub(instead, syllable)
    return syllable


def _toneless(reading: str) -> str:
    # ü keeps its dots: 女 is not 努.
    bare = "".join(c for c in unicodedata.normalize("NFD", reading) if c == "\u0308" or not unicodedata.combining(c))
    return unicodedata.normalize("NFC", bare)


@cache
def _dictionary() -> dict[int, str]:
    # Readings of phrases take three quarters of the library's loading time and are not needed here.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")
    from pypinyin.constants import PINYIN_DICT

    return PINYIN_DICT
