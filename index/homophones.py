"""Typing mistakes by sound: 社宝 is 社保, 身份正 is 身份证, where nothing else can be meant."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import islice, product
from pathlib import Path
from typing import Any

import yaml

from index.sounds import readings, sounds
from index.words import cutter, lexicon
from knowledge.regions import read_regions

_FILE = Path(__file__).parent / "homophones.yml"
_CHINESE = re.compile(r"[\u3400-\u9fff]{2,}")
_LONGEST = 10  # characters of a term
_SPELLINGS = 8  # ways one term may sound
# In natural logarithms of word frequency, measured on the training questions.
_DOUBT = 5.2  # against any correction
_WRONG = 2.0  # against each character changed
_BLURRED = 2.5  # against each that only sounds alike
_TERM = 3000  # a term of the field counts as at least so frequent, of 60 million words
_ORDINARY = 20  # a word at least so frequent may be meant as written
_NAME = 2  # characters of a place name


@dataclass(slots=True)
class _Node:
    """A syllable in the tree of terms."""

    following: dict[str, _Node] = field(default_factory=dict)
    terms: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Characters from `start` to `end` read as `word`, and how likely that is."""

    start: int
    end: int
    word: str
    weight: float


@lru_cache(maxsize=8)  # one turn corrects the same words for each look it takes
def corrected(text: str) -> str:
    """`text` with what sounds like a term of the field, but is written as no word, written as that term."""
    return _CHINESE.sub(lambda match: _mended(match[0]) if _never().isdisjoint(match[0]) else match[0], text)


def _mended(run: str) -> str:
    found = list(_heard(run))
    if all(one.word == run[one.start : one.end] for one in found):
        return run
    by_start: dict[int, list[_Reading]] = {}
    for one in found:
        by_start.setdefault(one.start, []).append(one)
    # The likeliest way to read the run from each place on: words as written and repairs side by side.
    best: list[tuple[float, str]] = [(0.0, "")] * (len(run) + 1)
    for start in range(len(run) - 1, -1, -1):
        options = [*_as_written(run, start), *by_start.get(start, ())]
        best[start] = max((one.weight + best[one.end][0], one.word + best[one.end][1]) for one in options)
    return best[0][1]


def _as_written(run: str, start: int) -> Iterator[_Reading]:
    known = cutter().FREQ
    yield _Reading(start, start + 1, run[start], _weight(known.get(run[start]) or 1))
    end = start + 2
    while end <= len(run) and (word := run[start:end]) in known:
        if known[word]:
            yield _Reading(start, end, word, _weight(known[word]))
        end += 1


def _heard(run: str) -> Iterator[_Reading]:
    """The terms written in `run`, and those that may have been meant."""
    places: list[tuple[int, int]] | None = None
    for start in range(len(run) - 1):
        for end, term in _sounding(run, start):
            written, weight = run[start:end], _weight(_frequency(term))
            if written == term:
                yield _Reading(start, end, term, weight)
            elif _doubtful(written, term):
                places = _places(run) if places is None else places
                if not any(a < end and start < b for a, b in places):
                    yield _Reading(start, end, term, weight - _against(written, term))
    for match in _misspelt().finditer(run):
        right = _read()["shapes"][match[0]]
        yield _Reading(match.start(), match.end(), right, _weight(_frequency(right)))


def _sounding(run: str, start: int) -> Iterator[tuple[int, str]]:
    nodes = [_tree()]
    for at in range(start, min(start + _LONGEST, len(run))):
        heard = sounds(run[at])
        nodes = [node.following[sound] for node in nodes for sound in heard if sound in node.following]
        if not nodes:
            return
        for node in nodes:
            for term in node.terms:
                yield at + 1, term


def _against(written: str, term: str) -> float:
    changed = [(a, b) for a, b in zip(written, term, strict=True) if a != b]
    blurred = sum(not set(readings(a)) & set(readings(b)) for a, b in changed)
    return _DOUBT + _WRONG * len(changed) + _BLURRED * blurred


def _doubtful(written: str, term: str) -> bool:
    """Whether `written` may be `term` misspelt: mostly the same characters, and no ordinary words."""
    changed = [(a, b) for a, b in zip(written, term, strict=True) if a != b]
    if 2 * len(changed) > len(term) or (len(term) <= 3 and changed[0][0] in _own()):
        return False
    if all(a + b in _alike() for a, b in changed):
        return False
    return not _ordinary(written)


def _ordinary(written: str) -> bool:
    """Whether `written` is made of ordinary words of two characters and more."""
    if _usual(written):
        return True
    return any(_usual(written[:at]) and _ordinary(written[at:]) for at in range(2, len(written) - 1))


def _usual(word: str) -> bool:
    return cutter().FREQ.get(word, 0) >= _ORDINARY or word in terms()


def _places(run: str) -> list[tuple[int, int]]:
    """Where names of places stand."""
    names = _names()
    return [
        (start, start + length)
        for start in range(len(run) - 1)
        for length in names.get(run[start], ())
        if run[start : start + length] in names[run[start]][length]
    ]


def _weight(frequency: float) -> float:
    return math.log(frequency / cutter().total)


def _frequency(term: str) -> float:
    return float(max(cutter().FREQ.get(term, 0), _TERM))


@cache
def _read() -> dict[str, Any]:
    return dict(yaml.load(_FILE.read_text("utf-8"), yaml.CSafeLoader))


@cache
def _own() -> frozenset[str]:
    return frozenset(_read()["own"])


@cache
def _alike() -> frozenset[str]:
    return frozenset(one for pair in _read()["alike"].split() for one in (pair, pair[::-1]))


@cache
def _never() -> frozenset[str]:
    return frozenset(_read()["never"])


@cache
def _misspelt() -> re.Pattern[str]:
    return re.compile("|".join(sorted(_read()["shapes"], key=len, reverse=True)))


@cache
def terms() -> frozenset[str]:
    """What is written right: the words listed, the lexicon's, and the words these are made of."""
    listed = {word for words in _read()["sounds"].values() for word in words.split()}
    # Short everyday words are listed where they matter; dialect among them makes false homophones.
    everyday = {word for word in lexicon() if len(word) > 2}
    known = {word for word in everyday.union(*lexicon().values()) if _CHINESE.fullmatch(word) and len(word) <= _LONGEST}
    parts = {part for word in known for part in cutter().cut_for_search(word) if len(part) > 1}
    return frozenset(listed | known | parts)


@cache
def _tree() -> _Node:
    root = _Node()
    for term in sorted(terms()):
        for spelling in islice(product(*map(sounds, term)), _SPELLINGS):
            node = root
            for sound in spelling:
                node = node.following.setdefault(sound, _Node())
            node.terms.append(term)
    return root


@cache
def _names() -> dict[str, dict[int, set[str]]]:
    """The names of places by first character and length."""
    found: dict[str, dict[int, set[str]]] = {}
    for region in read_regions():
        for name in (region.name, region.short_name):
            if len(name) >= _NAME:
                found.setdefault(name[0], {}).setdefault(len(name), set()).add(name)
    return found
