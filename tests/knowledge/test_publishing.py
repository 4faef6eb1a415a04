from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from core.database import sessions
from knowledge.changes import changed_since, revision
from knowledge.comparing import compare
from knowledge.documents import document
from knowledge.mapping import Rules
from knowledge.models import ItemRow
from knowledge.publishing import (
    Change,
    GuideMissing,
    find,
    history,
    publish,
    publish_all,
    read,
    read_halls,
    read_many,
    read_version,
    save_hall,
    withdraw,
)
from knowledge.revisions import roll
from knowledge.schema import Guide, Hall, Status

Make = Callable[..., Guide]
TODAY = date(2026, 10, 15)


def put(session: Session, guide: Guide, at: datetime, by: str = "clerk") -> int:
    publish(session, guide, by=by, at=at)
    found = find(session, guide.region, guide.local_code)
    assert found is not None
    return found


def test_a_published_guide_is_read_back_as_it_was(session: Session, guide: Make, noon: datetime) -> None:
    wanted = guide(places=[{"address": "松涛路18号", "hours": {"text": "工作日"}}], charged=False, visits=0)
    assert publish(session, wanted, by="clerk", at=noon) is Change.NEW
    published = read(session, find(session, "980102", "t-001") or 0)
    assert published is not None
    assert published.guide == wanted
    assert (published.version, published.status) == (1, Status.PUBLISHED)


def test_publishing_the_same_again_writes_nothing_and_bumps_nothing(
    session: Session, guide: Make, noon: datetime
) -> None:
    put(session, guide(), noon)
    before = revision(session)
    assert publish(session, guide(), by="other", at=noon + timedelta(days=1)) is Change.SAME
    assert revision(session) == before


def test_a_changed_guide_gets_a_version_and_its_past_is_kept(session: Session, guide: Make, noon: datetime) -> None:
    number = put(session, guide(), noon, by="first")
    session.commit()
    assert publish(session, guide(visits=1), by="second", at=noon + timedelta(hours=1)) is Change.CHANGED
    first, second = history(session, number)
    assert (first.version, first.by, first.at, first.guide.visits) == (1, "first", noon, None)
    assert (second.version, second.by, second.guide.visits) == (2, "second", 1)


def test_the_history_says_why(session: Session, guide: Make, noon: datetime) -> None:
    publish(session, guide(), by="first", at=noon, why="新增事项")
    number = find(session, "980102", "t-001") or 0
    publish(session, guide(visits=1), by="second", at=noon, why="改为跑一次")
    withdraw(session, number, by="third", at=noon, why="电话有误")
    assert [(one.by, one.why) for one in history(session, number)] == [
        ("first", "新增事项"),
        ("second", "改为跑一次"),
        ("third", "电话有误"),
    ]


def test_one_version_is_read_by_its_number(session: Session, guide: Make, noon: datetime) -> None:
    number = put(session, guide(), noon)
    put(session, guide(visits=1), noon)
    past, now = (read_version(session, number, version) for version in (1, 2))
    assert (past and past.guide.visits, now and now.guide.visits) == (None, 1)
    assert read_version(session, number, 3) is None
    assert read_version(session, 404, 1) is None


def test_equal_items_of_two_regions_share_a_row(session: Session, guide: Make, noon: datetime) -> None:
    publish_all(session, [guide(), guide(region="980103")], by="clerk", at=noon)
    assert session.execute(select(func.count()).select_from(ItemRow)).scalar() == 1


def test_editing_one_region_never_edits_another(session: Session, guide: Make, noon: datetime) -> None:
    publish_all(session, [guide(), guide(region="980103")], by="clerk", at=noon)
    publish(session, guide(conditions=["只改松风区"]), by="clerk", at=noon)
    untouched = read(session, find(session, "980103", "t-001") or 0)
    assert untouched is not None
    assert untouched.guide.conditions == ["身份证丢失的本地居民"]
    assert untouched.version == 1


def test_an_item_nobody_uses_is_removed(session: Session, guide: Make, noon: datetime) -> None:
    put(session, guide(), noon)
    put(session, guide(conditions=["改过"]), noon)
    assert session.scalars(select(ItemRow.content)).one()["conditions"] == ["改过"]


READING: dict[str, Callable[[Session, int], Any]] = {
    "many": lambda session, number: read_many(session, [number]),
    "history": history,
    "version": lambda session, number: read_version(session, number, 1),
    "changes": lambda session, _: changed_since(session, 0, today=TODAY),
}


@pytest.mark.parametrize("step", READING)
def test_who_reads_while_somebody_publishes_reads_one_or_the_other(
    database: Engine, guide: Make, noon: datetime, step: str
) -> None:
    with sessions(database, writing=True).begin() as session:
        number = put(session, guide(), noon)
    published: list[bool] = []

    def publish_meanwhile(*told: Any) -> None:
        if "FROM guides" in told[2] and not published:
            published.append(True)
            with sessions(database, writing=True).begin() as other:
                put(other, guide(conditions=["改过"]), noon)

    with sessions(database)() as reading:
        event.listen(reading.connection(), "after_cursor_execute", publish_meanwhile)
        READING[step](reading, number)
    assert published
    with sessions(database)() as reading:
        assert changed_since(reading, 1, today=TODAY).guides[0].conditions_text == "改过"


def test_a_batch_with_one_key_twice_keeps_the_later(session: Session, guide: Make, noon: datetime) -> None:
    changes = publish_all(session, [guide(), guide(visits=2)], by="clerk", at=noon)
    assert changes == [Change.NEW, Change.CHANGED]
    published = read(session, find(session, "980102", "t-001") or 0)
    assert published is not None
    assert published.guide.visits == 2


def test_a_thousand_guides_publish_in_order(session: Session, guide: Make, noon: datetime) -> None:
    many = [guide(local_code=f"t-{number:04}") for number in range(1100)]
    assert publish_all(session, many, by="clerk", at=noon) == [Change.NEW] * 1100
    ids = changed_since(session, 0, today=TODAY).guides
    assert [row.local_code for row in ids] == [row.local_code for row in many]
    assert len(read_many(session, [row.id for row in ids])) == 1100


def test_a_withdrawn_guide_stays_on_record_and_can_come_back(session: Session, guide: Make, noon: datetime) -> None:
    number = put(session, guide(), noon)
    withdraw(session, number, by="clerk", at=noon)
    gone = read(session, number)
    assert gone is not None
    assert gone.status is Status.WITHDRAWN
    assert not gone.visible_on(TODAY)
    assert publish(session, guide(), by="clerk", at=noon) is Change.CHANGED
    back = read(session, number)
    assert back is not None
    assert back.status is Status.PUBLISHED
    assert back.version == 3


def test_withdrawing_what_does_not_exist_says_so(session: Session, noon: datetime) -> None:
    with pytest.raises(GuideMissing, match="没有这份办事指南"):
        withdraw(session, 404, by="clerk", at=noon)


def test_reading_the_unknown_gives_nothing(session: Session) -> None:
    assert read(session, 404) is None
    assert read_many(session, []) == {}
    assert history(session, 404) == ()


def test_comparing_tells_what_publishing_would_do_and_writes_nothing(
    session: Session, guide: Make, noon: datetime
) -> None:
    put(session, guide(), noon)
    before = revision(session)
    verdicts = compare(session, [guide(), guide(visits=1), guide(local_code="t-002")])
    assert [verdict.change for verdict in verdicts] == [Change.SAME, Change.CHANGED, Change.NEW]
    assert [verdict.version for verdict in verdicts] == [1, 1, 0]
    assert verdicts[1].before == document(guide())
    assert revision(session) == before


def test_fields_a_source_does_not_know_stay_as_they_stand(session: Session, guide: Make, noon: datetime) -> None:
    put(session, guide(questions=["身份证丢了怎么办"], visits=1), noon)
    known = (Rules("source", dict.fromkeys(Guide.model_fields.keys() - {field})) for field in ("questions", "aliases"))
    kept, lost = (compare(session, [guide(visits=1)], rules)[0] for rules in known)
    assert (kept.change, kept.guide.questions) == (Change.SAME, ["身份证丢了怎么办"])
    assert (lost.change, lost.guide.questions) == (Change.CHANGED, [])


def test_writes_of_one_transaction_share_a_revision_and_the_next_takes_another(
    database: Engine, guide: Make, noon: datetime
) -> None:
    for codes in (("a", "b"), ("c",)):
        with sessions(database, writing=True).begin() as session:
            for code in codes:
                publish(session, guide(local_code=code), by="clerk", at=noon)
    with sessions(database)() as session:
        assert revision(session) == 2
        assert [row.local_code for row in changed_since(session, 1, today=TODAY).guides] == ["c"]


def test_a_rolled_back_savepoint_loses_no_later_write(session: Session, guide: Make, noon: datetime) -> None:
    savepoint = session.begin_nested()
    publish(session, guide(local_code="a"), by="clerk", at=noon)
    savepoint.rollback()
    publish(session, guide(local_code="b"), by="clerk", at=noon)
    session.commit()
    assert [row.local_code for row in changed_since(session, 0, today=TODAY).guides] == ["b"]


def test_a_rolled_back_transaction_publishes_nothing(session: Session, guide: Make, noon: datetime) -> None:
    publish(session, guide(), by="clerk", at=noon)
    session.rollback()
    assert revision(session) == 0
    publish(session, guide(), by="clerk", at=noon)
    session.commit()
    assert revision(session) == 1


def test_halls_are_read_nearest_region_first(session: Session) -> None:
    for region, name in (("980100", "市中心"), ("980102", "区中心")):
        save_hall(session, Hall(name=name, region=region, address="路", hours={"text": "工作日"}))
    assert [hall.name for hall in read_halls(session, ("980102", "980100", "000000"))] == ["区中心", "市中心"]


def test_changes_come_in_pages_that_never_split_a_revision(database: Engine, guide: Make, noon: datetime) -> None:
    for start in (0, 3, 6):
        with sessions(database, writing=True).begin() as session:
            batch = [guide(local_code=f"{number}") for number in range(start, start + 3)]
            publish_all(session, batch, by="clerk", at=noon)
    with sessions(database)() as session:
        first = changed_since(session, 0, today=TODAY, limit=4)
        second = changed_since(session, first.revision, today=TODAY, limit=4)
        last = changed_since(session, second.revision, today=TODAY, limit=4)
    assert [len(page.guides) for page in (first, second, last)] == [6, 3, 0]
    assert last.revision == revision(session) == 3


def test_a_withdrawn_guide_is_gone_for_search(session: Session, guide: Make, noon: datetime) -> None:
    number = put(session, guide(), noon)
    withdraw(session, number, by="clerk", at=noon)
    assert changed_since(session, 0, today=TODAY).gone == (number,)


@pytest.mark.parametrize(
    ("window", "seen"),
    [
        ({"effective_from": "2026-10-15"}, True),
        ({"effective_from": "2026-10-16"}, False),
        ({"effective_to": "2026-10-15"}, True),
        ({"effective_to": "2026-10-14"}, False),
    ],
)
def test_a_guide_is_seen_within_its_effective_dates_only(
    session: Session, guide: Make, noon: datetime, window: dict[str, str], seen: bool
) -> None:
    number = put(session, guide(**window), noon)
    assert bool(changed_since(session, 0, today=TODAY).guides) is seen
    published = read(session, number)
    assert published is not None
    assert published.visible_on(TODAY) is seen


def test_a_window_that_opens_or_closes_reaches_search_when_the_day_turns(
    session: Session, guide: Make, noon: datetime
) -> None:
    opening = put(session, guide(local_code="opens", effective_from="2026-10-16"), noon)
    closing = put(session, guide(local_code="closes", effective_to="2026-10-15"), noon)
    put(session, guide(local_code="always"), noon)
    roll(session, TODAY)
    session.commit()
    seen = revision(session)
    assert roll(session, TODAY + timedelta(days=1)) == 2
    session.commit()
    changes = changed_since(session, seen, today=TODAY + timedelta(days=1))
    assert ([row.id for row in changes.guides], changes.gone) == ([opening], (closing,))
    assert roll(session, TODAY + timedelta(days=1)) == 0


def test_search_gets_the_texts_of_an_item_for_each_of_its_regions(
    session: Session, guide: Make, noon: datetime
) -> None:
    fields = {"aliases": ["补办身份证"], "questions": ["身份证丢了怎么办"], "audience": ["自然人"]}
    publish_all(session, [guide(**fields), guide(region="980103", **fields)], by="clerk", at=noon)
    first, second = changed_since(session, 0, today=TODAY).guides
    assert first.questions is second.questions
    assert first.item == second.item
    assert (first.aliases, first.audience, first.conditions_text) == (
        ("补办身份证",),
        ("自然人",),
        "身份证丢失的本地居民",
    )
