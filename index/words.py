"""Chinese text to search words: jieba's search mode plus character bigrams, with the vocabulary of the field."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from core.text import bigrams

LEXICON = Path(__file__).parent.parent / "knowledge" / "lexicon.yml"
VERSION = "3"  # part of the store's fingerprint: raise it when the words of a text change
_WORD = re.compile(r"[0-9A-Za-z\u3400-\u9fff]+")
# Words that carry no topic in this field: every guide has them.
_EMPTY = frozenset(
    "的 了 吗 呢 啊 吧 呀 是 在 我 你 他 她 它 我们 你们 想 要 有 和 与 或 及 就 都 也 还 这 那 个 一个 请 请问 您 您好 你好 怎么 什么 哪 哪里".split()
)


def words(text: str) -> list[str]:
    """The search words of `text`, with repeats, in order: dictionary words, then bigrams not among them."""
    lowered = text.lower()
    cut = [w for w in cutter().cut_for_search(lowered) if _WORD.fullmatch(w) and w not in _EMPTY]
    known = _EMPTY.union(cut)
    return cut + [b for b in bigrams(lowered) if b not in known and not _EMPTY.issuperset(b)]


def official(text: str) -> list[str]:
    """The official words for the everyday words in `text`, longest everyday word first, each once."""
    found: dict[str, None] = {}
    for everyday in _everyday_in(text):
        for word in lexicon()[everyday]:
            if word not in text:
                found[word] = None
    return list(found)


@cache
def lexicon() -> dict[str, list[str]]:
    """Everyday word -> official words, for any city."""
    return {str(k): [str(w) for w in v] for k, v in yaml.load(LEXICON.read_text("utf-8"), yaml.CSafeLoader).items()}


@cache
def cutter() -> Any:
    """jieba with the vocabulary of the field."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    cutter = jieba.Tokenizer()
    cutter.initialize()
    for everyday, officials in lexicon().items():
        for word in (everyday, *officials):
            cutter.add_word(word)
    return cutter


def _everyday_in(text: str) -> Iterable[str]:
    taken = text
    cut = set(cutter().cut(text))
    for everyday in _longest_first():
        # One character is a word only where the cutter says so: 娃 in 我家娃, not in 娃哈哈.
        if everyday in (taken if len(everyday) > 1 else cut):
            taken = taken.replace(everyday, " ")
            yield everyday


@cache
def _longest_first() -> tuple[str, ...]:
    return tuple(sorted(lexicon(), key=len, reverse=True))
