from __future__ import annotations

import numpy as np
from sqlalchemy.orm import Session

from index.hashing import hashed
from journal import questions
from journal.questions import Question, Reason
from journal.turns import Entry, Outcome
from tests.journal.making import CITY, DISTRICT, ELSEWHERE, after, keep, turn

R, C, A = Outcome.REFUSED, Outcome.CLARIFIED, Outcome.ANSWERED


def open_ones(session: Session, *entries: Entry, most: int = 2000) -> list[str]:
    keep(session, entries)
    found = questions.unanswered(session, regions=[CITY], since=after(days=-7), now=after(hours=1), most=most)
    return [one.asked for one in found.questions]


def test_what_did_not_help_is_found_and_nothing_else(session: Session) -> None:
    found = open_ones(
        session,
        turn("被拒绝的", R),
        turn("换了说法的", rephrased=True),
        turn("点了没用的", useful=False),
        turn("点了有用的", useful=True),
        turn("答上来的"),
        turn("", R, chosen=True),
        turn("处理过的", R, settled="ignored"),
        turn("太久的", R, at=after(days=-8)),
        turn("外市的", R, region=ELSEWHERE),
    )
    assert set(found) == {"被拒绝的", "换了说法的", "点了没用的"}


def test_a_question_back_counts_only_where_nothing_came_of_it(session: Session) -> None:
    found = open_ones(
        session,
        turn("走了", C, sender="a"),
        turn("选了", C, sender="b"), turn("", A, chosen=True, sender="b", at=after(minutes=1)),
        turn("还是不行", C, sender="c"), turn("就是那个", R, sender="c", at=after(minutes=1)),
        turn("刚问的", C, sender="d", at=after(minutes=50)),
        turn("晚上才回来", C, sender="e", at=after(hours=-9)), turn("别的事", A, sender="e"),
    )  # fmt: skip
    assert set(found) == {"走了", "还是不行", "就是那个", "晚上才回来"}


def test_of_too_many_the_latest_are_taken_and_it_is_said(session: Session) -> None:
    entries = [turn(f"第{n}问", R, at=after(minutes=n)) for n in range(5)]
    assert open_ones(session, *entries, turn("第4问", R, at=after(minutes=3.5)), most=2) == ["第4问", "第4问", "第3问"]
    cut = questions.unanswered(session, regions=[CITY], since=after(days=-7), now=after(hours=1), most=2)
    whole = questions.unanswered(session, regions=[CITY], since=after(days=-7), now=after(hours=1), most=5)
    assert (cut.cut, whole.cut) == (True, False)


def test_it_is_told_why_each_is_listed(session: Session) -> None:
    keep(
        session,
        [
            turn("被拒绝的", R, rephrased=True),
            turn("又拒绝的", R, useful=False),
            turn("点了没用的", useful=False),
            turn("走了", C, sender="a"),
            turn("不归反问", rephrased=True, at=after(hours=-5)),
        ],
    )
    found = questions.unanswered(session, regions=[CITY], since=after(days=-7), now=after(hours=1))
    assert {one.asked: one.reasons for one in found.questions} == {
        "被拒绝的": (Reason.REFUSED,),
        "又拒绝的": (Reason.REFUSED, Reason.USELESS),
        "点了没用的": (Reason.USELESS,),
        "走了": (Reason.LEFT,),
        "不归反问": (Reason.REPHRASED,),
    }
    texts = ["又拒绝的", "被拒绝的"]
    (group,) = questions.group(found.questions, texts, hashed(texts), alike=0)
    assert group.reasons == ((Reason.REFUSED, 2), (Reason.USELESS, 1))


def asked(text: str, number: int, region: str = CITY) -> Question:
    return Question(number, after(minutes=number), region, text)


def test_questions_that_ask_the_same_are_one_group_with_its_most_typical_wording() -> None:
    texts = ["无人机驾驶证怎么考", "怎么考无人机驾驶证", "无人机驾驶证在哪考", "食堂几点开门"]
    every = [asked(text, at) for at, text in enumerate(texts)]
    every += [asked(texts[0], 7), asked(texts[0], 8, DISTRICT)]
    drones, canteen = questions.group(every, texts, hashed(texts), alike=0.5)
    assert (drones.question, drones.count, len(drones.texts)) == (texts[0], 5, 3)
    assert drones.texts[0] == (texts[0], 3)
    assert (drones.first, drones.latest, drones.regions) == (after(), after(minutes=8), (CITY, DISTRICT))
    assert drones.ids == (1, 2, 7, 8)  # one for each wording and region
    assert (canteen.question, canteen.count) == ("食堂几点开门", 1)


def test_questions_without_a_vector_yet_are_left_out() -> None:
    texts = ["无人机驾驶证怎么考"]
    (only,) = questions.group([asked(texts[0], 1), asked("还没算", 2)], texts, hashed(texts), alike=0.5)
    assert only.count == 1
    assert questions.group([], [], hashed([]), alike=0.5) == []


def test_each_joins_the_nearest_group() -> None:
    angles = np.radians([0, 40, 22])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert questions.by_meaning(vectors, alike=0.9) == [[0], [1, 2]]


def test_what_is_settled_settles_the_same_words_of_the_same_region(session: Session) -> None:
    keep(session, [turn("甲", R), turn("甲", R), turn("甲", R, region=DISTRICT), turn("乙", R)])
    every = questions.unanswered(session, regions=[CITY], since=after(days=-1), now=after()).questions
    named = next(one.id for one in every if one.asked == "甲" and one.region == CITY)
    assert questions.settle(session, [named], "faq:cx-1") == 2
    left = questions.unanswered(session, regions=[CITY], since=after(days=-1), now=after()).questions
    assert sorted((one.asked, one.region) for one in left) == [("乙", CITY), ("甲", DISTRICT)]


def test_nobody_settles_what_is_not_of_their_region(session: Session) -> None:
    keep(session, [turn("甲", R, region=ELSEWHERE)])
    (one,) = questions.unanswered(session, regions=[ELSEWHERE], since=after(days=-1), now=after()).questions
    assert questions.settle(session, [one.id], "ignored", regions=[CITY]) == 0
    assert questions.settle(session, [], "ignored") == 0
