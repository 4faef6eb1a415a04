"""From single verdicts to tables of shares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from channels.evaluation.sets import Asking, Emergency, Secret, Unanswerable
from channels.evaluation.tables import Number, Rows, Table
from channels.evaluation.talks import Answered, Kept, Turned
from channels.evaluation.verdicts import Outcome, Verdict
from core.types import Answer
from index.evaluate import WHOLE, Asked, Point, Scores, by_style

_T = TypeVar("_T")


def retrieval(ranks: Mapping[str, Sequence[int | None]], asked: Sequence[Asked]) -> tuple[Table, Table]:
    """The ways to search side by side: over all questions, and by how they are put."""
    found = {method: by_style(places, asked) for method, places in ranks.items()}
    whole = {method: _scores(styles[WHOLE]) for method, styles in found.items()}
    parts = {
        f"{style}: {method}": _scores(styles[style])
        for style in sorted({one.style for one in asked})
        for method, styles in found.items()
    }
    note = "Share of questions with a guide that is meant first, among three, among ten; mean of 1/rank."
    return Table("retrieval", "Search", note, whole), Table("retrieval_styles", "Search by style", note, parts)


def answers(found: Sequence[Answered], name: str = "answers", title: str = "Answers, end to end") -> Table:
    """What became of the questions; `facet`, `facts` and `complete` are shares of those right at once."""
    note = (
        "Shares of questions: answered right at once, asked back with or without the guide meant, answered wrong, "
        "refused, or sent elsewhere. `within one choice`: right at once or after taking the choice. `named`: refused, "
        "but the guide meant is named as near. `facet`, `facts`, `complete`: of those right at once, share that tells "
        "the facet asked, every fact wanted, both. `done`: right and complete within one choice."
    )
    return Table(name, title, note, _grouped(found, lambda one: one.question.style, _answered))


def refusals(found: Sequence[tuple[Unanswerable, Answer, Outcome]]) -> Table:
    """What became of the unanswerable questions, by why they are."""

    def row(many: Sequence[tuple[Unanswerable, Answer, Outcome]]) -> dict[str, Number]:
        return {"asked": len(many), **_kinds([one[2] for one in many], Outcome)}

    note = (
        "Shares of questions without an answer: answered with a guide all the same, asked back with guides to choose "
        "from, or refused (said to be out of reach, passed on to a person, talked about otherwise)."
    )
    return Table("refusals", "Questions without an answer", note, _grouped(found, lambda one: one[0].kind, row))


def both_ways(found: Sequence[Answered], refused: Sequence[tuple[Unanswerable, Answer, Outcome]]) -> Table:
    """Refusing rightly, seen from both sides."""
    note = "Refusing everything, or nothing, would make one of the two perfect."
    rows: Rows = {
        "unanswerable: not answered with a guide": {
            "asked": len(refused),
            "share": _share(refused, lambda one: one[2] is not Outcome.ANSWERED),
        },
        "unanswerable: nor asked back": {
            "asked": len(refused),
            "share": _share(refused, lambda one: one[2] is Outcome.REFUSED),
        },
        "answerable: not refused": {
            "asked": len(found),
            "share": _share(found, lambda one: one.verdict is not Verdict.REFUSED),
        },
    }
    return Table("both_ways", "Right refusal, both ways", note, rows)


def emergencies(found: Sequence[tuple[Emergency, Answer, bool]]) -> Table:
    """Emergencies by the number to call, and look-alikes."""
    note = "Share with the right number told at once; look-alikes: share not taken for an emergency."
    rows = _grouped(found, lambda one: one[0].call or "look-alike", lambda many: _right(many, lambda one: one[2]))
    return Table("emergencies", "Emergencies", note, rows)


def dialogues(found: Sequence[Turned]) -> Table:
    """Turns and whole conversations that went as expected."""
    scripts: dict[str, list[Turned]] = defaultdict(list)
    for one in found:
        scripts[one.script].append(one)
    later = [one for one in found if one.number > 1]
    rows = {
        "turns": _right(found, lambda one: not one.failings),
        "turns after the first": _right(later, lambda one: not one.failings),
        "whole dialogues": _right(list(scripts.values()), lambda turns: not any(one.failings for one in turns)),
    }
    return Table("dialogues", "Dialogues", "Share as expected: act, guide, facet, words held and not held.", rows)


def facets(found: Sequence[tuple[Asking, bool, bool]], *, rasa: bool) -> Table:
    """Facets understood, by facet."""

    def row(many: Sequence[tuple[Asking, bool, bool]]) -> dict[str, Number]:
        words: dict[str, Number] = {"asked": len(many), "words alone": _share(many, lambda one: one[1])}
        return words | ({"with Rasa": _share(many, lambda one: one[2])} if rasa else {})

    note = "Share of messages whose facet is among those understood to be asked."
    return Table("facets", "What is asked", note, _grouped(found, lambda one: one[0].facet, row))


def private(found: Sequence[tuple[Secret, Kept]]) -> Table:
    """Personal data kept to its owner."""
    rows = {
        "not in a reply": _right(found, lambda one: one[1].reply),
        "not given to Rasa or the memory": _right(found, lambda one: one[1].beyond),
    }
    return Table("private", "Personal data", "Share of messages none of whose private pieces came through.", rows)


def curve(points: Sequence[Point]) -> Table:
    """What each answer threshold would do."""
    note = (
        "From search alone, with the tie rule of index/ranking.yml: share of answerable questions answered right and "
        "wrong at once, and of unanswerable ones answered all the same, were answers given from this score on."
    )
    rows: Rows = {f"{p.threshold:.2f}": {"right": p.right, "wrong": p.wrong, "fooled": p.fooled} for p in points}
    return Table("curve", "Answer threshold", note, rows, nth=5)


def _answered(many: Sequence[Answered]) -> dict[str, Number]:
    kinds = _kinds([one.verdict for one in many], Verdict)
    row: dict[str, Number] = {"asked": len(many), "right": kinds.pop(Verdict.RIGHT)}
    row |= {"within one choice": _share(many, lambda one: one.after)} | kinds
    row["named"] = _share(many, lambda one: one.named)
    told = [one.complete for one in many if one.verdict is Verdict.RIGHT and one.complete]
    if told and any(one.question.facet for one in many):
        row["facet"] = _share(told, lambda one: one.facet)
        row["facts"] = _share(told, lambda one: one.facts)
        row["complete"] = _share(told, lambda one: one.facet and one.facts)
        row["done"] = _share(many, lambda one: bool(one.complete and one.complete.facet and one.complete.facts))
    return row


def _kinds(found: Sequence[StrEnum], kinds: type[StrEnum]) -> dict[str, Number]:
    """The share of each kind."""
    return {kind.value: _share(found, kind.__eq__) for kind in kinds}


def _grouped(found: Sequence[_T], group: Callable[[_T], str], row: Callable[[Sequence[_T]], dict[str, Number]]) -> Rows:
    groups: dict[str, list[_T]] = defaultdict(list)
    for one in found:
        groups[group(one)].append(one)
    rows = {WHOLE: row(found)} if found else {}
    return rows | ({name: row(groups[name]) for name in sorted(groups)} if len(groups) > 1 else {})


def _right(many: Sequence[_T], right: Callable[[_T], bool]) -> dict[str, Number]:
    return {"asked": len(many), "right": _share(many, right)}


def _share(many: Sequence[_T], holds: Callable[[_T], bool]) -> float:
    return sum(map(holds, many)) / len(many) if many else 0.0


def _scores(one: Scores) -> dict[str, Number]:
    return {"asked": one.asked, "hit@1": one.first, "hit@3": one.three, "hit@10": one.ten, "MRR@10": one.mrr}
