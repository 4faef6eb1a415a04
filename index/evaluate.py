"""How well a search finds what questions mean, and what each answer threshold would make of it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.text import bigrams
from index.catalogue import Target
from index.ranking import Thresholds
from index.search import Hit, SearchIndex
from knowledge.changes import IndexedGuide
from knowledge.schema import Faq

DEPTH = 10  # results looked at
WHOLE = "all"  # the style that stands for every question

Method = Callable[[str], Sequence[str]]  # a question -> the codes found, best first


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, how it is put, and the codes of the guides any of which is meant."""

    text: str
    style: str
    meant: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scores:
    """Shares of `asked` questions whose guide is first, among three and among ten, and the mean of 1/rank."""

    asked: int
    first: float
    three: float
    ten: float
    mrr: float


@dataclass(frozen=True, slots=True)
class Scored:
    """One result. A `curated` one, a question written with its answer, is answered even where others are close."""

    code: str
    score: float
    curated: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """What an answer threshold does: shares of answerable questions answered `right` and `wrong` at once,
    and of unanswerable ones that are answered all the same, `fooled`."""

    threshold: float
    right: float
    wrong: float
    fooled: float


# -- ranks --


def rank(found: Sequence[str], meant: frozenset[str]) -> int | None:
    """The best place, from 1, of any code that is meant; None where none was found."""
    return next((place for place, code in enumerate(found[:DEPTH], 1) if code in meant), None)


def scores(ranks: Sequence[int | None]) -> Scores:
    """The figures of many ranks. Raises ValueError without any."""
    if not ranks:
        raise ValueError("no question was asked")
    many = len(ranks)
    first, three, ten = (sum(place is not None and place <= most for place in ranks) / many for most in (1, 3, DEPTH))
    return Scores(many, first, three, ten, sum(1 / place for place in ranks if place) / many)


def compare(
    methods: Mapping[str, Method], asked: Sequence[Asked], step: Callable[[], None] = lambda: None
) -> dict[str, list[int | None]]:
    """The rank of each question by each method; `step` is called after each question."""
    found: dict[str, list[int | None]] = {name: [] for name in methods}
    for one in asked:
        for name, method in methods.items():
            found[name].append(rank(method(one.text), one.meant))
        step()
    return found


def by_style(ranks: Sequence[int | None], asked: Sequence[Asked]) -> dict[str, Scores]:
    """The figures of all questions, then of each way to put them."""
    groups: dict[str, list[int | None]] = defaultdict(list)
    for place, one in zip(ranks, asked, strict=True):
        groups[WHOLE].append(place)
        groups[one.style].append(place)
    return {style: scores(groups[style]) for style in (WHOLE, *sorted(groups.keys() - {WHOLE})) if groups[style]}


# -- methods --


def code(target: Target) -> str:
    """What a question set calls a guide or a curated question."""
    return target.code if isinstance(target, Faq) else target.local_code


def searching(index: SearchIndex, ancestors: Sequence[str]) -> Method:
    """Our search as a citizen of `ancestors[0]` meets it."""
    return lambda text: [code(hit.target) for hit in index.search(text, ancestors, DEPTH)]


def scored(hits: Iterable[Hit]) -> list[Scored]:
    """Hits as the curve needs them."""
    return [Scored(code(hit.target), hit.score, isinstance(hit.target, Faq)) for hit in hits]


def published(guide: IndexedGuide) -> str:
    """What a department wrote of a guide, without anything added to find it by."""
    return " ".join((guide.name, *guide.aliases, guide.conditions_text))


class BigramBm25:
    """The baseline: BM25 over pairs of neighbouring characters, as anybody would write it in an hour."""

    def __init__(self, documents: Mapping[str, str], *, k1: float = 1.5, b: float = 0.75) -> None:
        self._k1, self._b = k1, b
        counts = {name: Counter(bigrams(text)) for name, text in documents.items()}
        self._length = {name: sum(count.values()) for name, count in counts.items()}
        self._mean = sum(self._length.values()) / max(1, len(counts)) or 1.0
        self._postings: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for name, count in counts.items():
            for pair, times in count.items():
                self._postings[pair].append((name, times))

    def __call__(self, text: str) -> list[str]:
        """The best documents by name, best first."""
        total: dict[str, float] = defaultdict(float)
        for pair in bigrams(text):
            holding = self._postings.get(pair, [])
            rare = math.log(1 + (len(self._length) - len(holding) + 0.5) / (len(holding) + 0.5))
            for name, times in holding:
                long = 1 - self._b + self._b * self._length[name] / self._mean
                total[name] += rare * times * (self._k1 + 1) / (times + self._k1 * long)
        return sorted(total, key=lambda name: (-total[name], name))[:DEPTH]


# -- the curve --


def at_once(found: Sequence[Scored], threshold: float, rules: Thresholds) -> str | None:
    """What is answered without asking back where answers begin at `threshold`: the best, unless others tie with it."""
    if not found or found[0].score < threshold:
        return None
    best = found[0]
    alone = len(found) < 2 or best.score - found[1].score >= rules.tie
    return best.code if alone or best.curated or best.score >= rules.exact else None


def curve(
    answerable: Sequence[tuple[Sequence[Scored], frozenset[str]]],
    unanswerable: Sequence[Sequence[Scored]],
    rules: Thresholds,
    thresholds: Iterable[float],
) -> list[Point]:
    """A point for each threshold, from search alone: no guard, no words that ask, no conversation."""
    points = []
    for threshold in thresholds:
        said = [(at_once(found, threshold, rules), meant) for found, meant in answerable]
        right = sum(one in meant for one, meant in said)
        wrong = sum(one is not None and one not in meant for one, meant in said)
        fooled = sum(at_once(found, threshold, rules) is not None for found in unanswerable)
        many, beside = max(1, len(answerable)), max(1, len(unanswerable))
        points.append(Point(threshold, right / many, wrong / many, fooled / beside))
    return points
