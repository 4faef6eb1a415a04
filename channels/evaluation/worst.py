"""The questions that went worst, with what was said: where to look first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from channels.evaluation.sets import Unanswerable
from channels.evaluation.talks import Answered, Turned
from channels.evaluation.verdicts import Outcome, Verdict
from core.types import Act, Answer

MOST = 20
_ORDER = (Verdict.WRONG, Verdict.ASIDE, Verdict.REFUSED, Verdict.MISSED)


@dataclass(frozen=True, slots=True)
class Bad:
    """A question, what was wanted of it, what was said, and why that is bad."""

    text: str
    wanted: str
    said: str
    why: str


def worst(
    found: Sequence[Answered],
    ranks: Sequence[int | None],
    refused: Sequence[tuple[Unanswerable, Answer, Outcome]],
    names: Mapping[str, str],
) -> list[Bad]:
    """Half of them answerable and half not, as far as there are so many: what search did not even find comes first."""
    places = list(ranks) if len(ranks) == len(found) else [None] * len(found)
    bad = [(one, place) for one, place in zip(found, places, strict=True) if one.verdict in _ORDER]
    bad.sort(key=lambda one: (_ORDER.index(one[0].verdict), -(one[1] or 99)))
    fooled = [one for one in refused if one[2] is Outcome.ANSWERED]
    beside = fooled[: max(MOST // 2, MOST - len(bad))]
    return [_answerable(one, place, names) for one, place in bad[: MOST - len(beside)]] + [
        Bad(one.text, f"no guide ({one.kind})", told(said), "answered all the same") for one, said, _ in beside
    ]


def strayed(found: Sequence[Turned]) -> list[Bad]:
    """The first turn of each dialogue that was not as expected."""
    first: dict[str, Turned] = {}
    for one in found:
        if one.failings:
            first.setdefault(one.script, one)
    return [
        Bad(f"{one.script}.{one.number} {one.text}", "", told(one.said), "; ".join(one.failings))
        for one in first.values()
    ]


def told(said: Answer) -> str:
    """A reply in a line."""
    if said.guide:
        return f"{said.act}: {said.guide.name}"
    if said.choices and said.act in {Act.CLARIFY, Act.REFUSE}:
        return f"{said.act}: " + " / ".join(one.label for one in said.choices)
    return f"{said.act}: {said.text[:60]}"


def _answerable(one: Answered, place: int | None, names: Mapping[str, str]) -> Bad:
    wanted = " / ".join(sorted(names.get(code, code) for code in one.question.guides))
    rank = f"rank {place}" if place else "not among ten"
    return Bad(one.question.text, wanted, told(one.said), f"{one.verdict}, {rank} in search")
