"""Which facets a sentence asks for, by its words: used beside Rasa's intent, and alone when Rasa is away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from core.types import Facet

LONG = 26  # characters; so long a message tells a story before it asks
SHORT = 4  # characters of topic; so short a remark rarely names a new matter
_FILE = Path(__file__).parent / "facets.yml"
_GLUE = Path(__file__).parent / "glue.yml"
_WEEKDAY = re.compile(r"(?:周|星期|礼拜)([一二三四五六日天1-7])")  # 周六, 礼拜天
_WEEKEND = re.compile(r"周末|双休日?|休息日")  # both days of it
_CLAUSES = re.compile(r"[，,。！!？?；;…\n]+")
_ASKS_HOW = re.compile(r"怎么|怎样|咋|如何|点样|点搞|啷个")
_ASKS = re.compile(
    r"什么|[啥咩咋怎哪谁几吗么]|如何|多少|多久|好久|点样|啷个|边度|不$|能不能|可不可以|要不要|是不是|有没有|请问"
)
_DAYS = {name: n for n, names in enumerate(("一1", "二2", "三3", "四4", "五5", "六6", "日天7"), 1) for name in names}


@dataclass(frozen=True, slots=True)
class _Rules:
    facets: dict[Facet, tuple[re.Pattern[str], re.Pattern[str] | None]]
    empty: re.Pattern[str]


def recognise(text: str) -> tuple[Facet, ...]:
    """The facets asked for in `text`, in the order they are asked. After a long story its last words ask."""
    if len(text) < LONG:
        return _recognised(text)
    last = _last_words(text)
    asked = tuple(dict.fromkeys(facet for clause in last for facet in _recognised(clause)))
    return asked or ((Facet.HOW,) if any(map(_ASKS_HOW.search, last)) else _recognised(text))


def _last_words(text: str) -> list[str]:
    """The last clause of `text`, and of the two before it those that ask: the rest is told."""
    clauses = [clause for clause in _CLAUSES.split(text) if topic(clause) or _recognised(clause)]
    return [*filter(_ASKS.search, clauses[-3:-1]), *clauses[-1:]]


def _recognised(text: str) -> tuple[Facet, ...]:
    found: list[tuple[int, Facet]] = []
    for facet, (pattern, unless) in _rules().facets.items():
        match = pattern.search(text)
        if match and not (unless and unless.search(text)):
            found.append((match.start(), facet))
    return tuple(facet for _, facet in sorted(found, key=lambda one: one[0]))


def without(facet: Facet, text: str) -> str:
    """`text` without the words that ask for `facet`."""
    return _rules().facets[facet][0].sub(" ", text)


def topic(text: str) -> str:
    """What a message is about, without asking words, courtesy and glue: empty for "那要带什么"."""
    rest = _rules().empty.sub(" ", _WEEKEND.sub(" ", _WEEKDAY.sub(" ", text)))
    return re.sub(r"[^0-9A-Za-z\u3400-\u9fff]+", "", rest)


def weekdays(text: str) -> tuple[int, ...]:
    """The weekdays named in `text`, 1 is Monday; 周末 is both days of the weekend."""
    days = [_DAYS[match[1]] for match in _WEEKDAY.finditer(text)]
    return tuple(sorted({*days, *((6, 7) if _WEEKEND.search(text) else ())}))


@cache
def _rules() -> _Rules:
    read = yaml.safe_load(_FILE.read_text("utf-8"))
    filler = read.pop("filler")
    return _Rules(
        {
            Facet(name): (_any(rule["patterns"]), _any(rule["not"]) if rule.get("not") else None)
            for name, rule in read.items()
        },
        # In one pass, or the 么 of filler would tear the 什么 of glue apart.
        _any([*filler, *yaml.safe_load(_GLUE.read_text("utf-8"))]),
    )


def _any(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
