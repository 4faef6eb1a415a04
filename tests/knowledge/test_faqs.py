from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from core.errors import Invalid
from knowledge import faqs
from knowledge.changes import changed_since, revision
from knowledge.models import FaqRow
from knowledge.publishing import Change
from knowledge.schema import Faq

TODAY = date(2026, 10, 15)


def faq(**fields: object) -> Faq:
    made = {"code": "f-1", "region": "980100", "question": "周六上班吗", "answer": "周六上午办公。"}
    return Faq.model_validate(made | fields)


def test_a_question_is_written_changed_and_switched_off(session: Session, noon: datetime) -> None:
    assert faqs.write(session, faq(), by="王芳", at=noon) is Change.NEW
    assert faqs.write(session, faq(), by="李强", at=noon) is Change.SAME
    assert changed_since(session, 0, today=TODAY).faqs == (faq(),)
    assert faqs.switch(session, "f-1", False, by="李强", at=noon) is Change.CHANGED
    changes = changed_since(session, 0, today=TODAY)
    assert (changes.faqs, changes.faqs_gone) == ((), ("f-1",))
    stored = faqs.read(session, "f-1")
    assert stored is not None
    assert (stored.faq.enabled, stored.version, stored.by) == (False, 2, "李强")


def test_writing_the_same_again_bumps_nothing(session: Session, noon: datetime) -> None:
    faqs.write(session, faq(), by="王芳", at=noon)
    session.commit()
    before = revision(session)
    faqs.write(session, faq(), by="王芳", at=noon)
    session.commit()
    assert revision(session) == before


def test_who_asked_is_published_in_no_question_and_what_names_somebody_can_be_switched_off(
    session: Session, noon: datetime
) -> None:
    for named in ({"question": "我爸叫张大江，低保怎么办"}, {"variants": ["打13800138000问低保"]}):
        with pytest.raises(Invalid, match=r"(姓名|手机号).*个人信息"):
            faqs.write(session, faq(**named, enabled=False), by="王芳", at=noon)
    faqs.write(session, faq(), by="王芳", at=noon)
    row = session.get_one(FaqRow, "f-1")  # as written before names were known
    row.content = row.content | {"question": "我爸叫张大江，低保怎么办"}
    session.flush()
    assert faqs.switch(session, "f-1", False, by="李强", at=noon) is Change.CHANGED
    with pytest.raises(Invalid):
        faqs.switch(session, "f-1", True, by="李强", at=noon)


def test_the_history_says_who_wrote_what_and_why(session: Session, noon: datetime) -> None:
    later = noon + timedelta(hours=1)
    faqs.write(session, faq(), by="王芳", at=noon, why="市民常问")
    faqs.write(session, faq(answer="周六全天办公。"), by="李强", at=later, why="时间改了")
    assert [(one.version, one.by, one.at, one.why, one.faq.answer) for one in faqs.history(session, "f-1")] == [
        (1, "王芳", noon, "市民常问", "周六上午办公。"),
        (2, "李强", later, "时间改了", "周六全天办公。"),
    ]
    assert faqs.history(session, "nope") == ()


def test_nobody_overwrites_what_they_have_not_seen(session: Session, noon: datetime) -> None:
    faqs.write(session, faq(), by="王芳", at=noon, version=0)
    faqs.write(session, faq(answer="周六全天办公。"), by="李强", at=noon, version=1)
    for version in (0, 1):
        with pytest.raises(faqs.Outdated, match="别人改过") as error:
            faqs.write(session, faq(answer="不办公。"), by="王芳", at=noon, version=version)
        assert (error.value.theirs.by, error.value.theirs.faq.answer) == ("李强", "周六全天办公。")
    assert len(faqs.history(session, "f-1")) == 2


def test_what_does_not_exist_is_neither_changed_nor_switched(session: Session, noon: datetime) -> None:
    with pytest.raises(faqs.FaqMissing, match="没有这条常见问题"):
        faqs.switch(session, "f-1", True, by="王芳", at=noon)
    with pytest.raises(faqs.FaqMissing):
        faqs.write(session, faq(), by="王芳", at=noon, version=3)
    assert faqs.read(session, "f-1") is None


def test_variants_that_say_the_same_are_kept_once(session: Session, noon: datetime) -> None:
    variants = ["周六上班吗？", "星期六開門嗎", "星期六开门吗？", " ", "周六ＡＢ", "周六ab"]
    faqs.write(session, faq(variants=variants), by="王芳", at=noon)
    stored = faqs.read(session, "f-1")
    assert stored is not None
    assert stored.faq.variants == ["星期六开门吗", "周六AB"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"answer": "\0"}, "都要填写"),
        ({"question": "\u200b"}, "都要填写"),
        ({"answer": "字" * 2001}, "回答太长，最多 2000 个字，现有 2001 个字"),
        ({"variants": ["字" * 201]}, "最多 200 个字"),
        ({"variants": [f"第{number}种问法" for number in range(51)]}, "最多 50 条，现有 51 条"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_words(
    session: Session, noon: datetime, fields: dict[str, object], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        faqs.write(session, faq(**fields), by="王芳", at=noon)


def test_an_answer_of_full_length_keeps_its_lines(session: Session, noon: datetime) -> None:
    answer = "一\n\n" + "字" * 1997
    faqs.write(session, faq(answer=answer), by="王芳", at=noon)
    stored = faqs.read(session, "f-1")
    assert stored is not None
    assert stored.faq.answer == answer


def test_the_list_is_of_the_regions_asked_for_and_those_inside(session: Session, noon: datetime) -> None:
    for place, (code, region) in enumerate([("city", "980100"), ("county", "980102"), ("other", "980200")]):
        faqs.write(session, faq(code=code, region=region), by="王芳", at=noon + timedelta(minutes=place))
    found = {
        region: [one.faq.code for one in faqs.every(session, regions=[region])]
        for region in ("000000", "980100", "980102", "980103")
    }
    assert found == {
        "000000": ["other", "county", "city"],
        "980100": ["county", "city"],
        "980102": ["county"],
        "980103": [],
    }
    assert faqs.every(session, regions=[]) == ()
    assert len(faqs.every(session)) == 3


def test_the_list_is_searched_in_question_variants_answer_and_code(session: Session, noon: datetime) -> None:
    faqs.write(session, faq(variants=["礼拜六开门吗"], enabled=False), by="王芳", at=noon)
    faqs.write(session, faq(code="f-2", question="大厅在哪", answer="松涛路18号。"), by="王芳", at=noon)
    found = [
        [one.faq.code for one in faqs.every(session, text=text)]
        for text in ("周六", "禮拜六", "松涛路 18", "F-2", "没有")
    ]
    assert found == [["f-1"], ["f-1"], ["f-2"], ["f-2"], []]
    assert [one.faq.code for one in faqs.every(session, enabled=True)] == ["f-2"]


def test_a_new_code_is_nobodys(session: Session, noon: datetime) -> None:
    first = faqs.new_code(session, "980100", noon)
    assert first == "wd-980100-20261015-1"
    faqs.write(session, faq(code=first), by="王芳", at=noon)
    assert faqs.new_code(session, "980100", noon) == "wd-980100-20261015-2"
    assert faqs.new_code(session, "980102", noon) == "wd-980102-20261015-1"
