from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from core.database import sessions
from core.errors import BangbanError, Invalid
from knowledge import drafts
from knowledge.changes import changed_since, revision
from knowledge.drafts import Draft
from knowledge.models import DraftRow
from knowledge.publishing import GuideMissing, find, history, publish, read, withdraw
from knowledge.schema import Guide, Status

Make = Callable[..., Guide]
TODAY = date(2026, 10, 15)


@pytest.fixture
def number(session: Session, guide: Make, noon: datetime) -> int:
    publish(session, guide(), by="seed", at=noon)
    return find(session, "980102", "t-001") or 0


@pytest.fixture
def draft(session: Session, number: int, noon: datetime) -> Draft:
    """The guide's draft, in which 王芳 changed how often one has to come; its edition is 2."""
    begun = drafts.begin(session, number, by="王芳", at=noon)
    return change(session, begun, noon, visits=1)


def change(session: Session, draft: Draft, at: datetime, by: str = "王芳", **fields: Any) -> Draft:
    return drafts.save(session, draft.id, draft.document | fields, edition=draft.edition, by=by, at=at)


def submitted(session: Session, draft: Draft, at: datetime) -> Draft:
    return drafts.submit(session, draft.id, edition=draft.edition, why="窗口搬迁", by="王芳", at=at)


def test_a_guide_has_one_draft_whoever_begins_it(session: Session, number: int, noon: datetime) -> None:
    first = drafts.begin(session, number, by="王芳", at=noon)
    assert (first.guide, first.base, first.edition, first.status) == (number, 1, 1, Status.DRAFT)
    assert (first.region, first.department, first.name) == ("980102", "松风区公安分局", "居民身份证补领")
    assert first.editors == ()
    assert drafts.begin(session, number, by="李强", at=noon) == first == drafts.of_guide(session, number)


def test_of_what_does_not_exist_there_is_no_draft(session: Session, noon: datetime) -> None:
    with pytest.raises(GuideMissing):
        drafts.begin(session, 404, by="王芳", at=noon)
    with pytest.raises(drafts.NoDraft, match="没有这份草稿"):
        drafts.read(session, 404)
    assert drafts.of_guide(session, 404) is None


def test_a_draft_reaches_citizens_only_when_it_is_published(
    session: Session, number: int, draft: Draft, noon: datetime
) -> None:
    session.commit()
    before = revision(session)
    waiting = submitted(session, draft, noon)
    assert (waiting.status, waiting.why) == (Status.REVIEW, "窗口搬迁")
    assert revision(session) == before
    later = noon + timedelta(hours=1)
    published = drafts.publish(session, draft.id, edition=2, by="赵敏", at=later, own=False)
    assert (published.id, published.version, published.guide.visits) == (number, 2, 1)
    last = history(session, number)[-1]
    assert (last.by, last.why, last.at) == ("赵敏", "窗口搬迁", later)
    assert drafts.of_guide(session, number) is None
    assert changed_since(session, before, today=TODAY).guides[0].version == 2


def test_saving_what_says_the_same_is_no_edition(session: Session, draft: Draft, noon: datetime) -> None:
    same = drafts.save(session, draft.id, draft.document | {"aliases": []}, edition=1, by="李强", at=noon)
    assert (same.edition, same.editors) == (2, ("王芳",))


def test_the_second_of_two_clerks_gets_the_others_draft_and_nothing_is_lost(
    session: Session, draft: Draft, noon: datetime
) -> None:
    theirs = change(session, draft, noon, by="李强", progress="电话查询")
    with pytest.raises(drafts.Outdated, match="别人改过") as error:
        change(session, draft, noon, progress="网上查询")
    assert error.value.theirs == theirs
    assert drafts.read(session, draft.id).document["progress"] == "电话查询"


@pytest.mark.parametrize("step", ["submit", "discard", "send_back", "take_back", "publish", "catch_up"])
def test_nobody_decides_on_an_edition_they_have_not_seen(
    session: Session, draft: Draft, noon: datetime, step: str
) -> None:
    told: dict[str, Any] = {"submit": {"why": "x"}, "send_back": {"answer": "x"}, "publish": {"own": True}}
    if step in ("send_back", "take_back", "publish"):
        submitted(session, draft, noon)
    with pytest.raises(drafts.Outdated) as error:
        getattr(drafts, step)(session, draft.id, edition=1, by="王芳", at=noon, **told.get(step, {}))
    assert error.value.theirs.edition == 2


def test_an_unfinished_draft_is_kept_and_all_its_gaps_are_told_on_submitting(
    session: Session, draft: Draft, noon: datetime
) -> None:
    materials = [{"name": "照片"}, {"source": "邻居"}]
    unfinished = change(session, draft, noon, name="", materials=materials, visits=-1)
    assert (unfinished.name, unfinished.document["materials"]) == ("", materials)
    with pytest.raises(drafts.Incomplete, match="没填好") as error:
        submitted(session, unfinished, noon)
    assert {(path, heading) for path, heading, _ in error.value.problems} == {
        ("name", "事项名称"),
        ("materials.1.name", "申请材料第 2 项的材料名称"),
        ("materials.1.source", "申请材料第 2 项的来源"),
        ("visits", "到现场次数"),
    }
    assert ("name", "事项名称", "没有填写") in error.value.problems
    assert drafts.read(session, draft.id).status is Status.DRAFT


def test_what_a_database_refuses_is_left_out_of_a_draft(session: Session, draft: Draft, noon: datetime) -> None:
    odd = change(session, draft, noon, name="补领\0\ud800", places=[{"latitude": float("nan")}], x={"\0": 1})
    session.expire_all()
    assert drafts.read(session, odd.id).document | {"name": "补领", "x": {"": 1}} == odd.document
    assert odd.document["places"] == [{"latitude": "nan"}]


def test_a_change_needs_a_reason_and_so_does_sending_it_back(session: Session, draft: Draft, noon: datetime) -> None:
    for why, said in ((" ", "请写明为什么修改"), ("字" * 501, "太长")):
        with pytest.raises(Invalid, match=said):
            drafts.submit(session, draft.id, edition=2, why=why, by="王芳", at=noon)
    submitted(session, draft, noon)
    with pytest.raises(Invalid, match="请写明退回的原因"):
        drafts.send_back(session, draft.id, edition=2, answer="", by="赵敏", at=noon)


def test_what_is_sent_back_says_why_until_it_is_submitted_again(session: Session, draft: Draft, noon: datetime) -> None:
    submitted(session, draft, noon)
    back = drafts.send_back(session, draft.id, edition=2, answer="次数不对", by="赵敏", at=noon)
    assert (back.status, back.returned, back.answer) == (Status.DRAFT, True, "次数不对")
    assert "赵敏" not in back.editors
    mended = change(session, back, noon, visits=2)
    assert mended.returned
    again = submitted(session, mended, noon)
    assert (again.returned, again.answer) == (False, "")


def test_in_review_nothing_is_written_and_outside_nothing_is_decided(
    session: Session, draft: Draft, noon: datetime
) -> None:
    step: dict[str, Any] = {"edition": 2, "by": "王芳", "at": noon}
    for decide in (
        lambda: drafts.publish(session, draft.id, own=True, **step),
        lambda: drafts.send_back(session, draft.id, answer="x", **step),
        lambda: drafts.take_back(session, draft.id, **step),
    ):
        with pytest.raises(drafts.NotInReview):
            decide()
    submitted(session, draft, noon)
    for write in (
        lambda: change(session, draft, noon, visits=3),
        lambda: submitted(session, draft, noon),
        lambda: drafts.discard(session, draft.id, **step),
        lambda: drafts.catch_up(session, draft.id, **step),
    ):
        with pytest.raises(drafts.InReview, match="正在审核"):
            write()


def test_only_who_wrote_in_it_takes_it_back(session: Session, draft: Draft, noon: datetime) -> None:
    submitted(session, draft, noon)
    with pytest.raises(drafts.NotYours):
        drafts.take_back(session, draft.id, edition=2, by="李强", at=noon)
    assert drafts.take_back(session, draft.id, edition=2, by="王芳", at=noon).status is Status.DRAFT


def test_nobody_approves_what_they_wrote_in_unless_it_is_allowed(
    session: Session, draft: Draft, noon: datetime
) -> None:
    both = change(session, draft, noon, by="李强", visits=2)
    assert both.editors == ("王芳", "李强")
    submitted(session, both, noon)
    for by in both.editors:
        with pytest.raises(drafts.OwnChange, match="另一位"):
            drafts.publish(session, draft.id, edition=3, by=by, at=noon, own=False)
    assert drafts.publish(session, draft.id, edition=3, by="李强", at=noon, own=True).version == 2


def test_who_only_submits_somebodys_draft_does_not_approve_it_either(
    session: Session, draft: Draft, noon: datetime
) -> None:
    drafts.submit(session, draft.id, edition=2, why="代为提交", by="李强", at=noon)
    with pytest.raises(drafts.OwnChange):
        drafts.publish(session, draft.id, edition=2, by="李强", at=noon, own=False)


def test_a_new_guide_is_drafted_and_published(session: Session, guide: Make, noon: datetime) -> None:
    draft = drafts.begin_new(session, {"region": "980102", "name": "户口迁移"}, by="王芳", at=noon)
    assert (draft.guide, draft.base, draft.department, draft.editors) == (None, 0, "", ("王芳",))
    full = change(session, draft, noon, local_code="n-1", department={"name": "公安局"})
    assert full.department == "公安局"
    submitted(session, full, noon)
    published = drafts.publish(session, draft.id, edition=2, by="赵敏", at=noon, own=False)
    assert (published.version, published.guide.local_code, published.status) == (1, "n-1", Status.PUBLISHED)


def test_a_new_guide_takes_no_code_that_a_guide_has(session: Session, number: int, guide: Make, noon: datetime) -> None:
    content = guide(local_code="n-1").model_dump(mode="json")
    one, other = (drafts.begin_new(session, content, by="王芳", at=noon) for _ in range(2))
    taken = change(session, one, noon, local_code="t-001")
    with pytest.raises(drafts.KeyTaken, match="同一本地编码"):
        submitted(session, taken, noon)
    one = change(session, taken, noon, local_code="n-1")
    for draft in (one, other):
        submitted(session, draft, noon)
    drafts.publish(session, one.id, edition=one.edition, by="赵敏", at=noon, own=False)
    with pytest.raises(drafts.KeyTaken):
        drafts.publish(session, other.id, edition=other.edition, by="赵敏", at=noon, own=False)


def test_a_draft_never_moves_its_guide(session: Session, draft: Draft, noon: datetime) -> None:
    for fields in ({"region": "980103"}, {"local_code": "t-002"}):
        with pytest.raises(drafts.KeyFixed, match="不能改"):
            change(session, draft, noon, **fields)
    without = {name: value for name, value in draft.document.items() if name not in ("region", "local_code")}
    saved = drafts.save(session, draft.id, without | {"visits": 3}, edition=2, by="王芳", at=noon)
    assert (saved.document["region"], saved.document["local_code"], saved.region) == ("980102", "t-001", "980102")


def test_what_changed_in_the_guide_meanwhile_is_kept(
    session: Session, number: int, draft: Draft, guide: Make, noon: datetime
) -> None:
    publish(session, guide(progress="电话查询"), by="import", at=noon)
    submitted(session, draft, noon)
    published = drafts.publish(session, draft.id, edition=2, by="赵敏", at=noon, own=False)
    assert (published.version, published.guide.visits, published.guide.progress) == (3, 1, "电话查询")


def test_what_both_changed_stops_the_draft_until_somebody_brought_it_together(
    session: Session, number: int, draft: Draft, guide: Make, noon: datetime
) -> None:
    publish(session, guide(visits=3, progress="电话查询"), by="import", at=noon)
    submitted(session, draft, noon)
    with pytest.raises(drafts.Moved, match="“到现场次数”已另有修改") as error:
        drafts.publish(session, draft.id, edition=2, by="赵敏", at=noon, own=False)
    assert (error.value.headings, error.value.current.version) == (("到现场次数",), 2)
    drafts.send_back(session, draft.id, edition=2, answer="请并入变动", by="赵敏", at=noon)
    caught, headings = drafts.catch_up(session, draft.id, edition=2, by="王芳", at=noon)
    assert (headings, caught.base, caught.edition) == (("到现场次数",), 2, 3)
    assert (caught.document["visits"], caught.document["progress"]) == (1, "电话查询")
    assert drafts.catch_up(session, draft.id, edition=3, by="王芳", at=noon) == (caught, ())
    submitted(session, caught, noon)
    assert drafts.publish(session, draft.id, edition=3, by="赵敏", at=noon, own=False).guide.visits == 1


def test_a_draft_from_before_does_not_bring_back_what_was_withdrawn(
    session: Session, number: int, draft: Draft, noon: datetime
) -> None:
    withdraw(session, number, by="赵敏", at=noon, why="电话有误")
    submitted(session, draft, noon)
    with pytest.raises(drafts.Moved, match="状态已经改变"):
        drafts.publish(session, draft.id, edition=2, by="赵敏", at=noon, own=False)
    drafts.take_back(session, draft.id, edition=2, by="王芳", at=noon)
    caught, _ = drafts.catch_up(session, draft.id, edition=2, by="王芳", at=noon)
    submitted(session, caught, noon)
    published = drafts.publish(session, draft.id, edition=3, by="赵敏", at=noon, own=False)
    assert (published.status, published.version) == (Status.PUBLISHED, 3)


def test_a_withdrawn_guide_is_taken_up_again_by_a_draft(session: Session, number: int, noon: datetime) -> None:
    withdraw(session, number, by="赵敏", at=noon)
    draft = drafts.begin(session, number, by="王芳", at=noon)
    submitted(session, draft, noon)
    published = drafts.publish(session, draft.id, edition=1, by="赵敏", at=noon, own=False)
    assert (published.status, published.version) == (Status.PUBLISHED, 3)


def test_an_earlier_version_is_restored_the_normal_way(
    session: Session, number: int, guide: Make, noon: datetime
) -> None:
    publish(session, guide(visits=2), by="import", at=noon)
    draft = drafts.restore(session, number, 1, by="王芳", at=noon)
    assert (draft.base, draft.editors, draft.why) == (2, ("王芳",), "恢复第 1 版")
    with pytest.raises(drafts.DraftOpen) as error:
        drafts.restore(session, number, 1, by="李强", at=noon)
    assert error.value.draft == draft
    submitted(session, draft, noon)
    published = drafts.publish(session, draft.id, edition=1, by="赵敏", at=noon, own=False)
    assert (published.version, published.guide) == (3, guide())
    with pytest.raises(drafts.VersionMissing):
        drafts.restore(session, number, 9, by="王芳", at=noon)


def test_a_discarded_draft_leaves_the_guide_alone(session: Session, number: int, draft: Draft, noon: datetime) -> None:
    drafts.discard(session, draft.id, edition=2, by="王芳", at=noon)
    assert drafts.of_guide(session, number) is None
    assert len(history(session, number)) == 1
    assert drafts.begin(session, number, by="李强", at=noon).document.get("visits") is None


def together(database: Engine, *steps: Callable[[Session], Any]) -> list[Any]:
    """What the steps give, or refuse, when each runs in a transaction of its own at the same moment."""
    ready = threading.Barrier(len(steps))

    def run(step: Callable[[Session], Any]) -> Any:
        ready.wait(10)
        try:
            with sessions(database, writing=True).begin() as session:
                return step(session)
        except BangbanError as error:
            return error

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


def test_of_two_reviewers_who_publish_at_once_one_does_and_the_other_is_told(
    database: Engine, session: Session, number: int, draft: Draft, noon: datetime
) -> None:
    submitted(session, draft, noon)
    session.commit()

    def approve(by: str) -> Callable[[Session], Any]:
        return lambda own: drafts.publish(own, draft.id, edition=2, by=by, at=noon, own=False)

    found = together(database, approve("赵敏"), approve("周洁"))
    refused = [one for one in found if isinstance(one, BangbanError)]
    assert [type(one) for one in refused] == [drafts.NoDraft]
    with sessions(database)() as reading:
        assert [one.version for one in history(reading, number)] == [1, 2]


def test_of_two_clerks_who_save_at_once_one_does_and_the_other_is_told(
    database: Engine, session: Session, draft: Draft, noon: datetime
) -> None:
    session.commit()

    def write(by: str, visits: int) -> Callable[[Session], Any]:
        return lambda own: change(own, draft, noon, by=by, visits=visits)

    found = together(database, write("王芳", 5), write("李强", 6))
    (saved,) = (one for one in found if isinstance(one, Draft))
    (refused,) = (one for one in found if isinstance(one, BangbanError))
    assert isinstance(refused, drafts.Outdated)
    assert refused.theirs == saved


def test_two_clerks_who_begin_at_once_get_one_draft(
    database: Engine, session: Session, number: int, noon: datetime
) -> None:
    session.commit()
    begin = [lambda own, by=by: drafts.begin(own, number, by=by, at=noon) for by in ("王芳", "李强")]
    first, second = together(database, *begin)
    assert first == second
    with sessions(database)() as reading:
        assert reading.execute(select(func.count()).select_from(DraftRow)).scalar() == 1


def test_a_guide_that_moved_while_publishing_waited_is_merged_not_overwritten(
    database: Engine, session: Session, number: int, draft: Draft, guide: Make, noon: datetime
) -> None:
    submitted(session, draft, noon)
    session.commit()
    with sessions(database, writing=True).begin() as own:
        stale = read(own, number) if database.dialect.name == "postgresql" else None
        if stale is not None:  # SQLite lets nobody else write meanwhile
            with sessions(database, writing=True).begin() as other:
                publish(other, guide(progress="电话查询"), by="import", at=noon)
        published = drafts.publish(own, draft.id, edition=2, by="赵敏", at=noon, own=False)
    assert published.guide.visits == 1
    assert published.guide.progress == ("电话查询" if stale else None)
