"""Figures over rankings small enough to count by hand."""

from __future__ import annotations

import pytest

from index.evaluate import WHOLE, Asked, BigramBm25, Scored, at_once, by_style, compare, curve, rank, scores
from index.ranking import ranking

RULES = ranking().meaning.model_copy(update={"tie": 0.03, "exact": 0.95})


def test_a_question_counts_at_the_best_rank_of_any_guide_meant() -> None:
    assert rank(["a", "b", "c"], frozenset({"c", "b"})) == 2
    assert rank(["a", "b"], frozenset({"z"})) is None
    assert rank([str(number) for number in range(20)], frozenset({"10"})) is None


def test_hits_and_reciprocal_ranks_are_shares_of_all_questions() -> None:
    found = scores([1, 2, 4, None])
    assert (found.asked, found.first, found.three, found.ten) == (4, 0.25, 0.5, 0.75)
    assert found.mrr == pytest.approx((1 + 1 / 2 + 1 / 4) / 4)


def test_no_questions_have_no_figures() -> None:
    with pytest.raises(ValueError, match="no question"):
        scores([])


def test_styles_stand_beside_the_whole() -> None:
    asked = [Asked("x", "short", frozenset({"a"})), Asked("y", "long", frozenset({"a"}))]
    ranks = compare({"first": lambda text: ["a"], "second": lambda text: ["b", "a"]}, asked)
    assert ranks == {"first": [1, 1], "second": [2, 2]}
    found = by_style([1, None], asked)
    assert (found[WHOLE].first, found["short"].first, found["long"].first) == (0.5, 1.0, 0.0)


def test_the_baseline_finds_by_pairs_of_characters_and_prefers_rare_ones() -> None:
    search = BigramBm25({"a": "办理身份证", "b": "办理护照", "c": "办理驾驶证"})
    assert search("护照怎么办理")[0] == "b"
    assert search("办理驾驶证")[:1] == ["c"]
    assert search("天气") == []


def test_what_ties_is_not_answered_at_once_unless_exact_or_curated() -> None:
    assert at_once([Scored("a", 0.70), Scored("b", 0.60)], 0.65, RULES) == "a"
    assert at_once([Scored("a", 0.70), Scored("b", 0.68)], 0.65, RULES) is None
    assert at_once([Scored("a", 0.96), Scored("b", 0.95)], 0.65, RULES) == "a"
    assert at_once([Scored("a", 0.70, curated=True), Scored("b", 0.69)], 0.65, RULES) == "a"
    assert at_once([Scored("a", 0.60)], 0.65, RULES) is None
    assert at_once([], 0.0, RULES) is None


def test_a_higher_threshold_answers_less_right_less_wrong_and_is_fooled_less() -> None:
    meant = frozenset({"a"})
    answerable = [([Scored("a", 0.9)], meant), ([Scored("a", 0.6)], meant), ([Scored("b", 0.7)], meant), ([], meant)]
    low, middle, high = curve(answerable, [[Scored("a", 0.5)], [Scored("b", 0.75)]], RULES, (0.4, 0.65, 0.8))
    assert (low.right, low.wrong, low.fooled) == (0.5, 0.25, 1.0)
    assert (middle.right, middle.wrong, middle.fooled) == (0.25, 0.25, 0.5)
    assert (high.right, high.wrong, high.fooled) == (0.25, 0.0, 0.0)
