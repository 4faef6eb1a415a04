"""A new version that holds from a later day: what stands is answered until then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.database import sessions
from knowledge import drafts, waiting
from knowledge.changes import changed_since
from knowledge.drafts import Draft
from knowledge.publishing import find, history, publish, read, withdraw
from knowledge.schema import Guide, Status

Make = Callable[..., Guide]
TODAY, FROM = date(2026, 10, 15), date(2027, 1, 1)
WEEKS = timedelta(days=90)  # to well after that day


def submitted(session: Session, number: int, at: datetime, **fields: Any) -> Draft:
    begun = drafts.begin(session, number, by="王芳", at=at)
    changed = begun.document | {"effective_from": FROM.isoformat()} | fields
    saved = drafts.save(session, begun.id, changed, edition=begun.edition, by="王芳", at=at)
    return drafts.submit(session, begun.id, edition=saved.edition, why="新规定", by="王芳", at=at)


def approve(session: Session, draft: Draft, at: datetime) -> Any:
    return drafts.approve(session, draft.id, edition=draft.edition, by="赵敏", at=at, own=False)


@pytest.fixture
def number(session: Session, guide: Make, noon: datetime) -> int:
    publish(session, guide(), by="seed", at=noon)
    return find(session, "980102", "t-001") or 0


def test_what_stands_is_answered_until_the_day_before_and_the_new_version_from_its_day(
    session: Session, number: int, noon: datetime
) -> None:
    draft = submitted(session, number, noon, visits=1)
    assert approve(session, draft, noon) is None
    held = drafts.read(session, draft.id)
    assert (held.status, held.updated_by, held.updated_at) == (Status.APPROVED, "赵敏", noon)
    assert [one.version for one in changed_since(session, 0, today=TODAY).guides] == [1]
    # Midnight in China is 16:00 UTC.
    eve = datetime.fromisoformat("2026-12-31T15:59:00+00:00")
    assert waiting.due(session, FROM - timedelta(days=1)) == ()
    assert waiting.release(session, draft.id, at=eve) is None
    assert waiting.due(session, FROM) == (draft.id,)
    done = waiting.release(session, draft.id, at=eve + timedelta(minutes=1))
    assert done
    assert done.published
    assert (done.published.version, done.published.guide.visits) == (2, 1)
    assert done.published.visible_on(FROM)
    last = history(session, number)[-1]
    assert (last.by, last.why) == ("赵敏", "新规定")
    assert waiting.release(session, draft.id, at=noon + WEEKS) is None


@pytest.mark.parametrize("case", ["ended", "withdrawn", "new", "today"])
def test_where_citizens_would_lose_nothing_a_draft_does_not_wait(
    session: Session, number: int, guide: Make, noon: datetime, case: str
) -> None:
    if case == "ended":
        publish(session, guide(effective_to="2026-09-30"), by="seed", at=noon)
    if case == "withdrawn":
        withdraw(session, number, by="赵敏", at=noon)
    draft = submitted(session, number, noon, **({"effective_from": TODAY.isoformat()} if case == "today" else {}))
    if case == "new":
        content = guide(local_code="n-1", effective_from=FROM).model_dump(mode="json")
        made = drafts.begin_new(session, content, by="王芳", at=noon)
        draft = drafts.submit(session, made.id, edition=1, why="新事项", by="王芳", at=noon)
    published = approve(session, draft, noon)
    assert published
    assert published.visible_on(TODAY) is (case == "today")


def test_what_changed_otherwise_meanwhile_is_kept_and_what_clashes_goes_back_to_review(
    session: Session, number: int, guide: Make, noon: datetime
) -> None:
    draft = submitted(session, number, noon, visits=1)
    approve(session, draft, noon)
    publish(session, guide(progress="电话查询"), by="import", at=noon)
    savepoint = session.begin_nested()
    done = waiting.release(session, draft.id, at=noon + WEEKS)
    assert done
    assert done.published
    assert (done.published.guide.visits, done.published.guide.progress) == (1, "电话查询")
    savepoint.rollback()
    publish(session, guide(visits=3), by="import", at=noon)
    done = waiting.release(session, draft.id, at=noon + WEEKS)
    assert done
    assert done.published is None
    assert (done.draft.status, done.draft.returned) == (Status.REVIEW, False)
    assert "到了实施日期没有公布" in done.draft.answer
    assert "“到现场次数”已另有修改" in done.draft.answer
    standing = read(session, number)
    assert standing
    assert standing.guide.visits == 3


def test_what_was_withdrawn_meanwhile_does_not_come_back_by_itself(
    session: Session, number: int, noon: datetime
) -> None:
    draft = submitted(session, number, noon)
    approve(session, draft, noon)
    withdraw(session, number, by="赵敏", at=noon, why="电话有误")
    done = waiting.release(session, draft.id, at=noon + WEEKS)
    assert done
    assert (done.published, done.draft.status) == (None, Status.REVIEW)
    standing = read(session, number)
    assert standing
    assert standing.status is Status.WITHDRAWN


def test_a_draft_that_waits_is_not_written_but_taken_back_or_sent_back(
    session: Session, number: int, noon: datetime
) -> None:
    draft = submitted(session, number, noon)
    step: dict[str, Any] = {"edition": draft.edition, "at": noon}
    approve(session, draft, noon)
    with pytest.raises(drafts.InReview):
        drafts.save(session, draft.id, draft.document | {"visits": 3}, by="王芳", **step)
    with pytest.raises(drafts.NotInReview):
        approve(session, draft, noon)
    with pytest.raises(drafts.NotYours):
        drafts.take_back(session, draft.id, by="李强", **step)
    assert drafts.take_back(session, draft.id, by="王芳", **step).status is Status.DRAFT
    again = drafts.submit(session, draft.id, why="新规定", by="王芳", **step)
    approve(session, again, noon)
    assert drafts.send_back(session, draft.id, answer="日期推迟了", by="赵敏", **step).returned


def test_of_two_processes_one_publishes_what_is_due(
    database: Engine, session: Session, number: int, noon: datetime
) -> None:
    draft = submitted(session, number, noon)
    approve(session, draft, noon)
    session.commit()
    from tests.knowledge.test_drafts import together

    release = [lambda own: waiting.release(own, draft.id, at=noon + WEEKS)] * 2
    found = together(database, *release)
    assert [bool(one and one.published) for one in sorted(found, key=bool)] == [False, True]
    with sessions(database)() as reading:
        assert [one.version for one in history(reading, number)] == [1, 2]
