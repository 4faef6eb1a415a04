"""The journal in figures: how much was asked, what became of it, where and about what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from core.clock import CHINA
from journal.models import TurnRow
from journal.turns import Outcome, period, within

HOT = 10


@dataclass(frozen=True, slots=True)
class Day:
    """The turns of one day in China."""

    day: date
    turns: int
    answered: int
    refused: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts of a period. `outcomes` has every outcome; what is counted by a name comes most frequent first."""

    turns: int
    people: int
    outcomes: dict[Outcome, int]
    days: tuple[Day, ...]
    channels: tuple[tuple[str, int], ...]
    regions: tuple[tuple[str, int], ...]
    guides: tuple[tuple[int, int], ...]
    faqs: tuple[tuple[str, int], ...]
    useful: int
    useless: int

    @property
    def useful_share(self) -> float | None:
        """Of those who said whether it helped, how many said that it did; None where nobody said."""
        said = self.useful + self.useless
        return self.useful / said if said else None


def overview(session: Session, *, regions: Sequence[str], since: datetime, until: datetime) -> Overview:
    """The figures of `regions`, and of those inside them, from `since` to before `until`."""
    fits = [within(regions), *period(since, until)]
    outcomes, channels, regions_asked = _together(session, fits)
    people, useful, useless = session.execute(
        select(
            func.count(TurnRow.sender.distinct()),
            func.count(case((TurnRow.useful == 1, 1))),
            func.count(case((TurnRow.useful == 0, 1))),
        ).where(*fits)
    ).one()
    return Overview(
        turns=sum(outcomes.values()),
        people=people,
        outcomes={one: outcomes[one.value] for one in Outcome},
        days=_days(session, fits, since, until),
        channels=_ranked(channels),
        regions=_ranked(regions_asked),
        guides=_counted(session, TurnRow.guide, [*fits, TurnRow.guide.is_not(None)], HOT),
        faqs=_counted(session, TurnRow.faq, [*fits, TurnRow.faq.is_not(None)], HOT),
        useful=useful,
        useless=useless,
    )


def answered(session: Session, codes: Sequence[str], *, since: datetime) -> dict[str, int]:
    """How often each of these curated questions was the answer since then; those that never were are left out."""
    query = select(TurnRow.faq, func.count()).where(TurnRow.faq.in_(codes), TurnRow.at >= since)
    return {code: many for code, many in session.execute(query.group_by(TurnRow.faq)) if code}


def _together(session: Session, fits: list[ColumnElement[bool]]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Turns by outcome, by channel and by region: one pass over them, not three."""
    columns = (TurnRow.outcome, TurnRow.channel, TurnRow.region)
    counts: tuple[Counter[str], Counter[str], Counter[str]] = (Counter(), Counter(), Counter())
    for *values, many in session.execute(select(*columns, func.count()).where(*fits).group_by(*columns)):
        for count, value in zip(counts, values, strict=True):
            count[value] += many
    return counts


def _ranked(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _counted(session: Session, column, fits, most: int):  # type: ignore[no-untyped-def]
    many = func.count()
    rows = session.execute(select(column, many).where(*fits).group_by(column).order_by(many.desc(), column).limit(most))
    return tuple((value, count) for value, count in rows)


def _days(session: Session, fits: list[ColumnElement[bool]], since: datetime, until: datetime) -> tuple[Day, ...]:
    """Every day of the period, those without a turn too."""
    hour = _hour(session)
    rows = session.execute(select(hour, TurnRow.outcome, func.count()).where(*fits).group_by(hour, TurnRow.outcome))
    counts: Counter[tuple[date, str]] = Counter()
    for began, outcome, many in rows:
        counts[datetime.fromisoformat(f"{began}:00+00:00").astimezone(CHINA).date(), outcome] += many
    first, last = since.astimezone(CHINA).date(), (until - timedelta(microseconds=1)).astimezone(CHINA).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return tuple(
        Day(
            day,
            sum(counts[day, one.value] for one in Outcome),
            counts[day, Outcome.ANSWERED.value],
            counts[day, Outcome.REFUSED.value],
        )
        for day in days
    )


def _hour(session: Session) -> ColumnElement[str]:
    """The hour of a turn in UTC, as 2026-10-15 04: the two databases agree on no function for a day in China."""
    if session.get_bind().dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", TurnRow.at), "YYYY-MM-DD HH24")
    return func.strftime("%Y-%m-%d %H", TurnRow.at)
