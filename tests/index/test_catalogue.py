import pytest

from index.catalogue import Entry, key_of, texts_of
from knowledge.regions import shortest, significant


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("000000", ""),
        ("330000", "33"),
        ("330600", "3306"),
        ("330602", "330602"),
        ("469000", "4690"),
        ("330602100", "330602100"),
        ("330602100003", "330602100003"),
        ("330602100000", "330602100"),
        ("330602000000", "330602"),
        ("330602000", "330602"),
        ("330600000000", "3306"),
    ],
)
def test_a_region_shares_its_significant_digits_with_all_inside_it(code, digits):
    assert significant(code) == digits


@pytest.mark.parametrize(
    ("code", "short"),
    [("330602", "330602"), ("330602000000", "330602"), ("330602100000", "330602100"), ("330000", "330000")],
)
def test_a_region_written_long_is_the_same_region(code, short):
    assert shortest(code) == short


@pytest.fixture
def entry(guide):
    made = Entry("item", "户口迁移")
    codes = ["330602", "330600", "330603", "330602100", "330602100003", "3306020", "330700", "440106"]
    for number, code in enumerate(code for code in codes if len(code) in (6, 9, 12)):
        made.place(guide(number, "户口迁移", code))
    return made


def inside(entry, region):
    return [one.region for one in entry.below(region)]


def test_below_a_region_lie_its_counties_towns_and_villages(entry):
    assert inside(entry, "330600") == ["330602", "330602100", "330602100003", "330603"]
    assert inside(entry, "330602") == ["330602100", "330602100003"]
    assert inside(entry, "330602100") == ["330602100003"]
    assert inside(entry, "330602000000") == ["330602100", "330602100003"]
    assert inside(entry, "330602100003") == []
    assert inside(entry, "120000") == []


def test_the_nation_holds_all(entry):
    assert len(inside(entry, "000000")) == 7


def test_the_nearest_region_above_is_found_with_its_distance(entry):
    distance, (found,) = entry.nearest(("330604", "330600", "330000", "000000"))
    assert (distance, found.region) == (1, "330600")
    assert entry.nearest(("120101", "120000", "000000")) is None


def test_a_guide_is_taken_away_alone_and_its_region_with_the_last(guide):
    entry = Entry("item", "户口迁移")
    first, second = guide(1, "户口迁移"), guide(2, "户口迁移")
    entry.place(first)
    entry.place(second)
    entry.unplace(first)
    assert entry.places == {"330602": [second]}
    entry.unplace(second)
    assert (entry.places, entry.regions) == ({}, [])


def test_a_guide_is_found_by_its_name_aliases_questions_conditions_and_bundle_each_once(guide):
    one = guide(
        1,
        "结婚登记",
        aliases=("领结婚证", "结婚登记"),
        questions=("怎么领证",),
        faq=("要预约吗",),
        conditions_text="双方自愿",
        bundle="公民婚育",
    )
    assert texts_of(one) == (
        "结婚登记",
        "领结婚证",
        "怎么领证",
        "要预约吗",
        "结婚登记。双方自愿",
        "公民婚育：结婚登记",
    )
    assert texts_of(guide(2, "新居乔迁一件事", bundle="新居乔迁")) == ("新居乔迁一件事",)


def test_a_curated_question_is_found_by_itself_and_its_variants_but_not_by_its_answer(faq):
    assert texts_of(faq("f", "周末开门吗", variants=["周六上班吗", "周末开门吗"])) == ("周末开门吗", "周六上班吗")


def test_guides_of_one_item_share_an_entry_and_a_curated_question_has_its_own(guide, faq):
    assert key_of(guide(1, "户口迁移", "330602")) == key_of(guide(2, "户口迁移", "330603"))
    assert key_of(faq("a", "户口迁移")) != key_of(faq("b", "户口迁移"))
