from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.database import sessions
from journal import turns
from journal.overview import overview
from journal.turns import Outcome
from journal.upkeep import forget
from tests.journal.making import CITY, DISTRICT, ELSEWHERE, after, keep, turn


def test_the_figures_count_what_happened(session: Session) -> None:
    late = datetime(2026, 10, 14, 16, 30, tzinfo=UTC)  # half past midnight of the 15th in China
    keep(
        session,
        [
            turn(useful=True),
            turn(useful=True, at=late, channel="wechat"),
            turn(useful=False, guide=None, faq="cx-1", sender="another"),
            turn(outcome=Outcome.REFUSED, at=after(days=-1), region=DISTRICT),
            turn(region=ELSEWHERE),
            turn(at=after(days=1)),
        ],
    )
    since, until = datetime(2026, 10, 12, 16, tzinfo=UTC), datetime(2026, 10, 15, 16, tzinfo=UTC)
    seen = overview(session, regions=[CITY], since=since, until=until)
    assert (seen.turns, seen.people, seen.useful, seen.useless) == (4, 2, 2, 1)
    assert seen.outcomes[Outcome.ANSWERED] == 3
    assert seen.outcomes[Outcome.REFUSED] == 1
    assert seen.outcomes[Outcome.BOOKED] == 0
    assert [(one.day, one.turns, one.answered, one.refused) for one in seen.days] == [
        (date(2026, 10, 13), 0, 0, 0),
        (date(2026, 10, 14), 1, 0, 1),
        (date(2026, 10, 15), 3, 3, 0),
    ]
    assert seen.channels == (("web", 3), ("wechat", 1))
    assert seen.regions == ((CITY, 3), (DISTRICT, 1))
    assert (seen.guides, seen.faqs) == (((7, 2),), (("cx-1", 1),))
    assert seen.useful_share == 2 / 3


def test_where_nobody_asked_all_figures_are_nought(session: Session) -> None:
    seen = overview(session, regions=[CITY], since=after(days=-1), until=after())
    assert (seen.turns, seen.useful_share, len(seen.days)) == (0, None, 2)


def test_turns_are_forgotten_when_they_are_old(database: Engine) -> None:
    writing = sessions(database, writing=True)
    with writing.begin() as session:
        keep(session, [turn("旧的", at=after(days=-2)), turn("新的")])
    assert forget(writing, before=after(days=-1)) == 1
    with writing() as session:
        assert [one.asked for one in turns.entries(session, regions=[CITY]).entries] == ["新的"]
