from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from journal import turns
from journal.turns import NoTurn, Outcome
from tests.journal.making import CITY, DISTRICT, ELSEWHERE, after, keep, turn


def asked(page) -> list[str]:  # type: ignore[no-untyped-def]
    return [one.asked for one in page.entries]


def test_a_turn_comes_back_as_it_was_kept(session: Session) -> None:
    kept = turn(useful=True, comment="有用", rephrased=True)
    keep(session, [kept])
    (back,) = turns.entries(session, regions=[CITY]).entries
    assert back.id
    assert turns.read(session, back.id) == back
    for name in ("key", "at", "asked", "looks", "outcome", "useful", "comment", "rephrased", "reply", "ms"):
        assert getattr(back, name) == getattr(kept, name), name


def test_a_turn_that_is_not_kept_is_said_to_be_gone(session: Session) -> None:
    with pytest.raises(NoTurn):
        turns.read(session, 4711)


def test_a_city_sees_its_districts_but_no_other_city(session: Session) -> None:
    keep(session, [turn("市里"), turn("区里", region=DISTRICT), turn("外市", region=ELSEWHERE)])
    assert set(asked(turns.entries(session, regions=[CITY]))) == {"市里", "区里"}
    assert asked(turns.entries(session, regions=[DISTRICT])) == ["区里"]
    assert turns.entries(session, regions=[]).total == 0


def test_turns_are_filtered_and_the_latest_comes_first(session: Session) -> None:
    keep(
        session,
        [
            turn("先问的", at=after(minutes=-5)),
            turn("后问的 100%", Outcome.REFUSED, channel="wechat", useful=False),
            turn("明天问的", at=after(days=1), guide=9),
        ],
    )
    everything: dict[str, Any] = {"regions": [CITY]}
    assert asked(turns.entries(session, **everything)) == ["明天问的", "后问的 100%", "先问的"]
    narrowed: dict[str, dict[str, Any]] = {
        "先问的": {"until": after()},
        "明天问的": {"guide": 9},
        "后问的 100%": {"text": "100%"},
    }
    for wanted, filters in narrowed.items():
        assert asked(turns.entries(session, **everything, **filters)) == [wanted]
    others: tuple[dict[str, Any], ...] = ({"outcome": "refused"}, {"channel": "wechat"}, {"useful": False})
    for filters in others:
        assert asked(turns.entries(session, **everything, **filters)) == ["后问的 100%"]
    second = turns.entries(session, **everything, page=2, size=2)
    assert (asked(second), second.total, second.pages) == (["先问的"], 3, 2)
    assert turns.channels(session, [CITY]) == ("web", "wechat")


def test_a_conversation_ends_where_two_hours_nothing_was_said(session: Session) -> None:
    times = {
        "昨天": after(days=-1),
        "一": after(),
        "二": after(minutes=90),
        "三": after(hours=3),
        "晚上": after(hours=8),
    }
    keep(session, [turn(text, at=at) for text, at in times.items()] + [turn("别人", sender="another")])
    assert [one.asked for one in turns.conversation(session, "somebody", after(minutes=90))] == ["一", "二", "三"]
