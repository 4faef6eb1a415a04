"""One turn as it is kept, and reading turns back. All text in here was sealed before it came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.paging import Page
from core.types import Candidate, Look
from journal.models import TurnRow
from knowledge.regions import inside

SIZE = 50
APART = timedelta(hours=2)  # without a word, after which a conversation is another: it is remembered no longer
LONGEST = 200  # turns of a conversation that are shown


class NoTurn(NotFound):
    """没有这条对话记录，可能已经过了保存期限。"""

    code = "no_turn"


class Outcome(StrEnum):
    """What became of a turn."""

    ANSWERED = "answered"
    CLARIFIED = "clarified"
    REFUSED = "refused"
    HANDED = "handed"
    BOOKED = "booked"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """One turn. `asked` is sealed text, empty where a choice was tapped (`chosen`); `reply` is what was said, masked.

    `guide` and `faq` are what it was answered from; `ms` is how long it took. What follows `ms` comes later: whether
    the same person then had to say it in other words, whether it helped (None: nobody said), and what staff made of it.
    """

    key: str
    at: datetime
    sender: str
    channel: str
    region: str
    asked: str
    chosen: bool
    path: str
    outcome: Outcome
    guide: int | None
    faq: str | None
    reply: str
    looks: tuple[Look, ...]
    ms: int
    id: int = 0
    rephrased: bool = False
    useful: bool | None = None
    comment: str = ""
    settled: str = ""


def entries(
    session: Session,
    *,
    regions: Sequence[str],
    since: datetime | None = None,
    until: datetime | None = None,
    outcome: str = "",
    channel: str = "",
    useful: bool | None = None,
    guide: int | None = None,
    text: str = "",
    page: int = 1,
    size: int = SIZE,
) -> Page[Entry]:
    """Turns of `regions` and those inside them, the latest first; `until` is not included."""
    tests = [within(regions), *period(since, until)]
    tests += [column == value for column, value in ((TurnRow.outcome, outcome), (TurnRow.channel, channel)) if value]
    if useful is not None:
        tests.append(TurnRow.useful == int(useful))
    if guide is not None:
        tests.append(TurnRow.guide == guide)
    if text:
        tests.append(TurnRow.asked.contains(text, autoescape=True) | TurnRow.reply.contains(text, autoescape=True))
    total = session.execute(select(func.count()).select_from(TurnRow).where(*tests)).scalar_one()
    query = select(TurnRow).where(*tests).order_by(TurnRow.at.desc(), TurnRow.id.desc())
    rows = session.scalars(query.limit(size).offset((max(page, 1) - 1) * size))
    return Page(tuple(map(_entry, rows)), max(page, 1), size, total)


def conversation(session: Session, sender: str, around: datetime) -> tuple[Entry, ...]:
    """The turns of one person that belong together with the one at `around`, the first of them first."""
    before = _run(session, sender, TurnRow.at < around, TurnRow.at.desc(), around)
    after = _run(session, sender, TurnRow.at >= around, TurnRow.at.asc(), around)
    return (*reversed(before), *after)


def read(session: Session, entry_id: int) -> Entry:
    """One turn. Raises NoTurn."""
    row = session.get(TurnRow, entry_id)
    if row is None:
        raise NoTurn()
    return _entry(row)


def channels(session: Session, regions: Sequence[str]) -> tuple[str, ...]:
    """The channels by which turns came, sorted."""
    return tuple(session.scalars(select(TurnRow.channel).where(within(regions)).distinct().order_by(TurnRow.channel)))


def within(regions: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a turn is of one of `regions`, or of one inside it."""
    return inside(TurnRow.region, regions)


def period(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """The conditions that a turn is not before `since`, and before `until`."""
    begun = [TurnRow.at >= since] if since else []
    return [*begun, *([TurnRow.at < until] if until else [])]


def row_of(entry: Entry) -> dict[str, Any]:
    """The columns of a turn that is not kept yet."""
    plain = {name: getattr(entry, name) for name in _COLUMNS}
    looks = [asdict(look) for look in entry.looks]
    return plain | {"outcome": entry.outcome.value, "looks": looks, "useful": None}


_COLUMNS = (
    "key at sender channel region asked chosen path guide faq reply ms rephrased comment settled"
).split()  # fmt: skip


def _run(session: Session, sender: str, side: ColumnElement[bool], order: Any, around: datetime) -> list[Entry]:
    """Turns to one side of `around`, until nothing was said for a while."""
    rows = session.scalars(select(TurnRow).where(TurnRow.sender == sender, side).order_by(order).limit(LONGEST // 2))
    found: list[Entry] = []
    for row in rows:
        if abs(row.at - (found[-1].at if found else around)) > APART:
            break
        found.append(_entry(row))
    return found


def _entry(row: TurnRow) -> Entry:
    return Entry(
        **{name: getattr(row, name) for name in _COLUMNS},
        id=row.id,
        outcome=Outcome(row.outcome),
        looks=tuple(Look(look["query"], tuple(Candidate(**one) for one in look["candidates"])) for look in row.looks),
        useful=None if row.useful is None else bool(row.useful),
    )
