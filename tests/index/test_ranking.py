import pytest
from pydantic import ValidationError

from index.ranking import Ranking, Thresholds, ranking


def thresholds(**other):
    return Thresholds(**(ranking().meaning.model_dump() | other))


def test_the_shipped_ranking_is_valid_and_read_once():
    assert ranking() is ranking()
    for shipped in (ranking().meaning, ranking().words):
        assert 0 < shipped.tie < shipped.suggest < shipped.answer


def test_a_ranking_that_answers_what_it_would_not_suggest_is_refused():
    with pytest.raises(ValidationError, match="suggest must not be above answer"):
        thresholds(answer=0.56, suggest=0.6, near=0.5, tie=0.03)
    assert thresholds(answer=0.6, suggest=0.6, tie=0).suggest == 0.6


@pytest.mark.parametrize(
    ("surer", "less"), [("exact", "same"), ("same", "answer"), ("answer", "suggest"), ("suggest", "near")]
)
def test_what_takes_more_to_be_sure_of_has_the_higher_threshold(surer, less):
    with pytest.raises(ValidationError, match=f"{less} must not be above {surer}"):
        thresholds(**{less: getattr(ranking().meaning, surer) + 0.01})


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("candidates", 9),
        ("candidates", 1001),
        ("wide", 9),
        ("choices", 1),
        ("choices", 6),
        ("lexical", {"weight": 0.1, "half": 0}),
        ("lexical", {"weight": -0.1, "half": 1}),
        ("meaning", ranking().meaning.model_dump() | {"answer": 3}),
        ("words", {"answer": 1, "suggest": 1}),
        ("typo", 1),
    ],
)
def test_a_wrong_value_is_refused_and_its_field_named(field, bad):
    with pytest.raises(ValidationError) as refused:
        Ranking.model_validate(ranking().model_dump() | {field: bad})
    assert refused.value.errors()[0]["loc"][0] == field
