import pytest

from index.lexical import LexicalIndex


@pytest.fixture
def index():
    made = LexicalIndex()
    made.add(1, "居民 身份证 补领")
    made.add(2, "结婚 登记")
    made.add(3, "居民 户口 登记 登记")
    made.commit()
    return made


def numbers(found):
    return [number for number, _ in found]


def test_texts_that_hold_a_word_are_found_rarer_words_first(index):
    assert numbers(index.search(["身份证"], [], 10)) == [1]
    assert numbers(index.search(["居民", "身份证"], [], 10)) == [1, 3]
    assert index.search(["护照"], [], 10) == []


def test_changes_show_when_they_are_committed(index):
    index.add(4, "护照 签发")
    index.remove([2])
    assert numbers(index.search(["护照"], [], 10)) == []
    assert numbers(index.search(["结婚"], [], 10)) == [2]
    index.commit()
    assert numbers(index.search(["护照"], [], 10)) == [4]
    assert numbers(index.search(["结婚"], [], 10)) == []


def test_removing_what_is_not_there_is_fine(index):
    index.remove([77])
    index.remove([])
    index.commit()
    assert numbers(index.search(["结婚"], [], 10)) == [2]


def test_an_official_word_counts_less_than_the_same_word_said(index):
    ((_, said),) = index.search(["结婚"], [], 10)
    ((_, meant),) = index.search([], ["结婚"], 10)
    assert 0 < meant < said


def test_official_words_add_to_what_was_said(index):
    assert numbers(index.search(["补领"], ["结婚"], 10)) == [1, 2]


def test_a_word_said_twice_counts_once(index):
    assert index.search(["结婚", "结婚"], [], 10) == index.search(["结婚"], [], 10)


def test_no_more_are_given_than_asked_for(index):
    assert len(index.search(["居民", "登记"], [], 2)) == 2


def test_without_words_nothing_is_found(index):
    assert index.search([], [], 10) == []
    assert LexicalIndex().search(["身份证"], [], 10) == []


@pytest.mark.parametrize("word", ["+", "a:b", '"', "(", "AND", "*", "\\"])
def test_signs_of_a_query_language_are_plain_words(index, word):
    assert index.search([word], [word], 10) == []
