"""What nobody could answer, put together by meaning, until staff have made something of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, and_, or_, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from journal.models import TurnRow
from journal.turns import Outcome, within

MOST = 2000  # distinct texts that are looked at
ROWS = 20_000  # turns that are read for them
LEFT = timedelta(minutes=30)  # without a word after a question back, before the person counts as gone
IGNORED = "ignored"

Vectors = npt.NDArray[np.float32]


class Reason(StrEnum):
    """What tells that a turn did not help."""

    REFUSED = "refused"
    USELESS = "useless"  # the person said so
    REPHRASED = "rephrased"
    LEFT = "left"  # nothing came of the question back


@dataclass(frozen=True, slots=True)
class Question:
    """One turn that did not help, and what tells so."""

    id: int
    at: datetime
    region: str
    asked: str
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The latest questions nobody could answer; `cut` where there are more than are looked at."""

    questions: tuple[Question, ...]
    cut: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that ask the same. `question` is the most typical, `texts` all wordings with how often each was used.

    `ids` names one turn for each wording and region: settling it settles those in the same words there. `reasons` are
    why they are listed, with the number of turns, the most frequent first; a turn may have several.
    """

    question: str
    count: int
    texts: tuple[tuple[str, int], ...]
    ids: tuple[int, ...]
    first: datetime
    latest: datetime
    regions: tuple[str, ...]
    reasons: tuple[tuple[Reason, int], ...]


def unanswered(
    session: Session, *, regions: Sequence[str], since: datetime, now: datetime, most: int = MOST
) -> Unanswered:
    """What people of `regions` typed that did not help and is not settled, the latest first.

    It did not help where it was refused, where it had to be said in other words, where the person said that it did
    not, or where the question back was answered with nothing for half an hour, or led to a refusal.
    """
    outcome, at = _following(TurnRow.outcome), _following(TurnRow.at)
    fits = (TurnRow.at >= since, within(regions), TurnRow.asked != "", TurnRow.chosen.is_(False), TurnRow.settled == "")
    columns = (TurnRow.id, TurnRow.at, TurnRow.region, TurnRow.asked, *_signs(), outcome, at)
    query = select(*columns).where(*fits, _may_fail())
    rows = session.execute(query.order_by(TurnRow.at.desc(), TurnRow.id.desc()).limit(ROWS)).all()
    found: list[Question] = []
    texts: set[str] = set()
    for number, asked_at, region, asked, *signs, asked_back, then, then_at in rows:
        left = asked_back and ((then_at or now) - asked_at > LEFT or then == Outcome.REFUSED.value)
        reasons = tuple(reason for reason, holds in zip(Reason, (*signs, left), strict=True) if holds)
        if not reasons:
            continue
        if asked not in texts and len(texts) == most:
            return Unanswered(tuple(found), True)
        texts.add(asked)
        found.append(Question(number, asked_at, region, asked, reasons))
    return Unanswered(tuple(found), len(rows) == ROWS)


def group(questions: Sequence[Question], texts: Sequence[str], vectors: Vectors, *, alike: float) -> list[Group]:
    """The questions whose wording is among `texts`, by meaning, the most frequent group first.

    `vectors` are of the distinct `texts`, shape (len(texts), dimension). Each text, the most frequent first, joins the
    group whose first text is nearest, if its cosine is at least `alike`.
    """
    counts = Counter(one.asked for one in questions)
    order = sorted(range(len(texts)), key=lambda at: -counts[texts[at]])
    by_text: dict[str, list[Question]] = {text: [] for text in texts}
    for one in questions:
        if one.asked in by_text:
            by_text[one.asked].append(one)
    members = [[order[place] for place in places] for places in by_meaning(vectors[order], alike=alike)]
    groups = [_group([texts[at] for at in places], vectors[places], by_text) for places in members]
    return sorted(groups, key=lambda one: (-one.count, -one.latest.timestamp()))


def by_meaning(vectors: Vectors, *, alike: float) -> list[list[int]]:
    """The rows of `vectors`, unit vectors, in groups: each joins the nearest first of a group, or begins its own."""
    firsts = np.empty_like(vectors)
    groups: list[list[int]] = []
    for row, vector in enumerate(vectors):
        cosines = firsts[: len(groups)] @ vector
        nearest = int(cosines.argmax()) if groups else -1
        if groups and cosines[nearest] >= alike:
            groups[nearest].append(row)
        else:
            firsts[len(groups)] = vector
            groups.append([row])
    return groups


def settle(session: Session, ids: Iterable[int], what: str, *, regions: Sequence[str] | None = None) -> int:
    """Note what staff made of these turns: `what` is "faq:…", "guide:…" or IGNORED. Returns how many turns were settled.

    Turns in the same words and of the same region are settled with them. With `regions`, others are left alone.
    """
    named = select(TurnRow.asked, TurnRow.region).where(TurnRow.id.in_(list(ids)), TurnRow.asked != "")
    if regions is not None:
        named = named.where(within(regions))
    same = [(row.asked, row.region) for row in session.execute(named.distinct())]
    if not same:
        return 0
    open_ones = (tuple_(TurnRow.asked, TurnRow.region).in_(same), TurnRow.settled == "", TurnRow.chosen.is_(False))
    settled = update(TurnRow).where(*open_ones).values(settled=what[:220])
    return session.execute(settled.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]


def _signs() -> tuple[ColumnElement[bool], ...]:
    """Whether a turn itself tells that it did not help, in the order of Reason; of a question back, what followed does."""
    return (
        TurnRow.outcome == Outcome.REFUSED.value,
        TurnRow.useful.is_not_distinct_from(0),
        and_(TurnRow.rephrased.is_(True), TurnRow.outcome != Outcome.REFUSED.value),  # of a refusal that says no more
        TurnRow.outcome == Outcome.CLARIFIED.value,
    )


def _may_fail() -> ColumnElement[bool]:
    return or_(*_signs())


def _following(column: Any) -> Any:
    """A column of the same person's next turn, looked up where there was a question back."""
    after = aliased(TurnRow)
    later = or_(after.at > TurnRow.at, and_(after.at == TurnRow.at, after.id > TurnRow.id))
    asked_back = TurnRow.outcome == Outcome.CLARIFIED.value
    query = select(getattr(after, column.key)).where(asked_back, after.sender == TurnRow.sender, later)
    return query.order_by(after.at, after.id).limit(1).correlate(TurnRow).scalar_subquery()


def _group(texts: Sequence[str], vectors: Vectors, by_text: dict[str, list[Question]]) -> Group:
    counts = np.array([len(by_text[text]) for text in texts], dtype=np.float32)
    typical = texts[int((vectors @ (counts @ vectors)).argmax())]
    every = sorted((one for text in texts for one in by_text[text]), key=lambda one: one.at)
    named = {(one.asked, one.region): one.id for one in every}
    wordings = sorted(((text, len(by_text[text])) for text in texts), key=lambda one: -one[1])
    return Group(
        question=typical,
        count=len(every),
        texts=tuple(wordings),
        ids=tuple(sorted(named.values())),
        first=every[0].at,
        latest=every[-1].at,
        regions=tuple(sorted({one.region for one in every})),
        reasons=tuple(Counter(reason for one in every for reason in one.reasons).most_common()),
    )
