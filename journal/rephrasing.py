"""Who had to say it in other words: the turn before then did not help, whatever it said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.text import bigrams, normalise
from journal.models import TurnRow
from journal.turns import Entry, Outcome

SOON = timedelta(minutes=3)  # after which a person asks anew
ALIKE = 0.5  # share of character pairs that two wordings of one question have in common
PICK = 5  # characters; fewer pick or bend what was offered: 第二个, 公司的
_ASKING = (Outcome.ANSWERED, Outcome.CLARIFIED, Outcome.REFUSED)


def mark(session: Session, turns: Sequence[Entry]) -> None:
    """Mark what was asked before each of `turns`, which are kept already, where they say it again."""
    asking = [one for one in turns if one.asked and not one.chosen and one.outcome in _ASKING]
    if not asking:
        return
    before = _before(session, asking)
    again = {row.id for one in asking if (row := _previous(before[one.sender], one)) and says_again(row, one)}
    if again:
        session.execute(update(TurnRow).where(TurnRow.id.in_(again)).values(rephrased=True))


def says_again(before: TurnRow, now: Entry) -> bool:
    """Whether `now` says once more what `before`, typed shortly before by the same person, had asked.

    After a refusal any further question counts. After a question back it does too, unless it only takes up what was
    offered: a few characters, or the name of one. After an answer it counts where half of its pairs of neighbouring
    characters are the same and it led elsewhere: the same guide again means that something else of it was asked.
    What comes from another device, by a tap or after more than three minutes is not seen.
    """
    match Outcome(before.outcome):
        case Outcome.REFUSED:
            return True
        case Outcome.CLARIFIED:
            offered = {one["name"] for look in before.looks for one in look["candidates"]}
            return len(normalise(now.asked)) >= PICK and now.asked not in offered
        case Outcome.ANSWERED:
            elsewhere = (before.guide, before.faq) != (now.guide, now.faq)
            return elsewhere and overlap(before.asked, now.asked) >= ALIKE
    return False


def overlap(one: str, other: str) -> float:
    """The share of pairs of neighbouring characters that two texts have in common, from 0 to 1 (Dice)."""
    first, second = Counter(bigrams(normalise(one))), Counter(bigrams(normalise(other)))
    many = first.total() + second.total()
    return 2 * (first & second).total() / many if many else 0.0


def _before(session: Session, turns: Sequence[Entry]) -> dict[str, list[TurnRow]]:
    """What the senders of `turns` typed since shortly before the first of them, the latest first."""
    typed = (TurnRow.chosen.is_(False), TurnRow.asked != "", TurnRow.at >= turns[0].at - SOON)
    query = select(TurnRow).where(TurnRow.sender.in_({one.sender for one in turns}), *typed)
    found: dict[str, list[TurnRow]] = defaultdict(list)
    for row in session.scalars(query.order_by(TurnRow.at.desc(), TurnRow.id.desc())):
        found[row.sender].append(row)
    return found


def _previous(rows: Sequence[TurnRow], turn: Entry) -> TurnRow | None:
    """What stands before `turn` among `rows`, which hold it too, if it was shortly before."""
    at = next(place for place, row in enumerate(rows) if row.key == turn.key)
    before = rows[at + 1] if at + 1 < len(rows) else None
    return before if before and before.at >= turn.at - SOON else None
