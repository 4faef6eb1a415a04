"""Questions of citizens that staff made something of: they are listed no more."""

from __future__ import annotations

from sqlalchemy.orm import Session

from channels.console.clerks import Clerk
from channels.house import House
from core import clock
from core.errors import Invalid
from journal import questions
from staff.permissions import Act

MOST = 2000  # turns named at once


def numbers(named: str) -> tuple[int, ...]:
    """The turns that a form names, separated by commas. Raises Invalid."""
    parts = [one for one in named.split(",") if one]
    if len(parts) > MOST or not all(one.isascii() and one.isdecimal() and len(one) < 16 for one in parts):
        raise Invalid()
    return tuple(map(int, parts))


def settle(house: House, session: Session, clerk: Clerk, named: str, what: str) -> int:
    """Settle the turns that a form names, those of the clerk's regions, with the entry in the audit; how many.

    `what` became of them is "faq:…", "guide:…", "draft:…" or journal.questions.IGNORED. Raises Invalid.
    """
    turns, regions = numbers(named), clerk.regions(Act.SETTLE_QUESTIONS)
    many = questions.settle(session, turns, what, regions=regions) if turns and regions else 0
    if many:
        house.audit.record(
            session, who=clerk.name, act="journal.settle", subject=f"journal:{turns[0]}", region=regions[0],
            detail={"what": what, "turns": many}, at=clock.now(),
        )  # fmt: skip
    return many
