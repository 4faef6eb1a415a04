from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session

from core.errors import Invalid
from knowledge import drafts
from knowledge.changes import changed_since
from knowledge.publishing import GuideMissing, find, history, publish, read, withdraw
from knowledge.schema import Guide
from knowledge.teaching import Withdrawn, teach

Make = Callable[..., Guide]
TODAY = date(2026, 10, 15)


@pytest.fixture
def number(session: Session, guide: Make, noon: datetime) -> int:
    publish(session, guide(questions=["身份证丢了怎么办"]), by="王芳", at=noon)
    return find(session, "980102", "t-001") or 0


def questions(session: Session, number: int) -> list[str]:
    published = read(session, number)
    assert published is not None
    return published.guide.questions


def test_a_taught_question_is_published_at_once_and_reaches_search(
    session: Session, number: int, noon: datetime
) -> None:
    published = teach(session, number, " 身份證 不見了\n咋办 ", by="李强", at=noon, why="市民这样问")
    assert published.version == 2
    assert questions(session, number) == ["身份证丢了怎么办", "身份证 不见了 咋办"]
    assert changed_since(session, 0, today=TODAY).guides[0].questions[-1] == "身份证 不见了 咋办"
    last = history(session, number)[-1]
    assert (last.by, last.why) == ("李强", "市民这样问")


def test_without_a_reason_the_history_names_the_question(session: Session, number: int, noon: datetime) -> None:
    teach(session, number, "身份证没了", by="李强", at=noon)
    assert history(session, number)[-1].why == "添加群众常用问法：身份证没了"


def test_nothing_is_taught_twice(session: Session, number: int, noon: datetime) -> None:
    assert teach(session, number, "身份證丟了怎麼辦", by="李强", at=noon).version == 1
    assert len(history(session, number)) == 1


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (" \u200b", "请填写"),
        ("字" * 101, "最多 100 个字"),
        ("我的号码13800138000能办吗", "问法里有手机号"),
        ("我爸叫张大江，低保怎么办", "问法里有姓名"),
    ],
)
def test_what_cannot_be_a_question_is_refused(
    session: Session, number: int, noon: datetime, question: str, said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        teach(session, number, question, by="李强", at=noon)
    assert len(history(session, number)) == 1


def test_neither_a_withdrawn_guide_nor_an_unknown_one_can_be_taught(
    session: Session, number: int, noon: datetime
) -> None:
    withdraw(session, number, by="王芳", at=noon)
    with pytest.raises(Withdrawn, match="已经停用"):
        teach(session, number, "身份证没了", by="李强", at=noon)
    with pytest.raises(GuideMissing):
        teach(session, 404, "身份证没了", by="李强", at=noon)


def test_an_open_draft_gets_the_question_and_is_published_with_it(
    session: Session, number: int, noon: datetime
) -> None:
    draft = drafts.begin(session, number, by="王芳", at=noon)
    asked = ["身份证丢了怎么办", "补证要多久"]
    draft = drafts.save(session, draft.id, draft.document | {"questions": asked}, edition=1, by="王芳", at=noon)
    teach(session, number, "身份证没了", by="李强", at=noon)
    with pytest.raises(drafts.Outdated) as error:
        drafts.save(session, draft.id, draft.document | {"visits": 1}, edition=draft.edition, by="王芳", at=noon)
    theirs = error.value.theirs
    assert theirs.document["questions"] == [*asked, "身份证没了"]
    assert theirs.editors == ("王芳",)
    drafts.submit(session, draft.id, edition=theirs.edition, why="补问法", by="王芳", at=noon)
    drafts.publish(session, draft.id, edition=theirs.edition, by="赵敏", at=noon, own=False)
    assert questions(session, number) == [*asked, "身份证没了"]


def test_a_taught_question_that_a_draft_takes_out_again_is_gone_when_it_is_published(
    session: Session, number: int, noon: datetime
) -> None:
    draft = drafts.begin(session, number, by="王芳", at=noon)
    teach(session, number, "身份证没了", by="李强", at=noon)
    draft = drafts.read(session, draft.id)
    without = draft.document | {"questions": ["身份证丢了怎么办"]}
    draft = drafts.save(session, draft.id, without, edition=draft.edition, by="王芳", at=noon)
    drafts.submit(session, draft.id, edition=draft.edition, why="问法不当", by="王芳", at=noon)
    drafts.publish(session, draft.id, edition=draft.edition, by="赵敏", at=noon, own=False)
    assert questions(session, number) == ["身份证丢了怎么办"]


def test_a_draft_begun_before_an_import_gets_the_question_too(
    session: Session, number: int, guide: Make, noon: datetime
) -> None:
    draft = drafts.begin(session, number, by="王芳", at=noon)
    publish(session, guide(questions=["身份证丢了怎么办"], visits=1), by="import", at=noon)
    teach(session, number, "身份证没了", by="李强", at=noon)
    after = drafts.read(session, draft.id)
    assert (after.base, after.document["questions"][-1]) == (1, "身份证没了")
    drafts.submit(session, draft.id, edition=after.edition, why="无改动", by="王芳", at=noon)
    published = drafts.publish(session, draft.id, edition=after.edition, by="赵敏", at=noon, own=False)
    assert (published.guide.visits, published.guide.questions[-1]) == (1, "身份证没了")
