"""Turns as tests need them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from core.types import Candidate, Look
from journal.models import TurnRow
from journal.turns import Entry, Outcome, row_of
from tests.conftest import NOON

CITY, DISTRICT, ELSEWHERE = "980100", "980102", "970100"
_numbers = itertools.count(1)


def turn(asked: str = "身份证丢了怎么办", outcome: Outcome = Outcome.ANSWERED, **others: Any) -> Entry:
    """A turn of somebody at noon, answered from guide 7 if it was answered."""
    made: dict[str, Any] = {
        "key": f"turn-{next(_numbers)}", "at": NOON, "sender": "somebody", "channel": "web", "region": CITY,
        "asked": asked, "chosen": False, "path": "direct", "outcome": outcome,
        "guide": 7 if outcome is Outcome.ANSWERED else None, "faq": None, "reply": "请带户口簿去派出所。",
        "looks": (Look(asked, (Candidate(7, None, "居民身份证补领", CITY, "身份证丢了", 0.71),)),), "ms": 12,
    }  # fmt: skip
    return Entry(**(made | others))


def keep(session: Session, entries: Iterable[Entry]) -> None:
    """Keep turns without a writer, so that nothing is read into them."""
    session.execute(
        insert(TurnRow), [row_of(one) | {"useful": None if one.useful is None else int(one.useful)} for one in entries]
    )


def after(**span: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(**span)
