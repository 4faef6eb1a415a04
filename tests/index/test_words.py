import pytest

from index import words as module
from index.words import lexicon, official, words


@pytest.fixture
def lexicon_of(monkeypatch):
    """Puts another lexicon in force, everyday word -> official words."""

    def put(entries):
        monkeypatch.setattr(module, "lexicon", lambda: entries)
        module._longest_first.cache_clear()

    yield put
    monkeypatch.undo()
    module._longest_first.cache_clear()


def test_long_words_are_found_with_the_words_inside_them():
    assert {"身份", "身份证", "补领"} <= set(words("居民身份证补领"))


def test_bigrams_stand_beside_dictionary_words_but_not_twice():
    found = words("证明办理")
    assert "明办" in found
    assert found.count("证明") == 1


def test_words_every_guide_has_and_signs_are_left_out():
    assert words("请问，我的呢？") == []
    assert "。" not in words("补领。身份证")


def test_letters_and_digits_are_words_in_lower_case():
    assert {"etc", "12345"} <= set(words("办ETC打12345"))


def test_the_vocabulary_of_the_field_is_in_the_dictionary():
    everyday = next(word for word in lexicon() if len(word) == 4)
    assert everyday in words(f"{everyday}")


def test_an_everyday_word_stands_for_official_ones():
    assert official("户口本丢了") == [word for word in lexicon()["户口本"] if word not in "户口本丢了"]


def test_the_longest_everyday_word_wins_and_hides_the_shorter_ones_in_it(lexicon_of):
    lexicon_of({"证": ["证件"], "领证": ["结婚登记"], "领证照": ["营业执照"]})
    assert official("去领证照") == ["营业执照"]
    assert official("去领证") == ["结婚登记"]


def test_longer_everyday_words_come_first_and_no_official_word_twice(lexicon_of):
    lexicon_of({"孩子": ["子女"], "新生孩子": ["新生儿", "子女"]})
    assert official("孩子，我的新生孩子") == ["新生儿", "子女"]


def test_an_official_word_that_was_said_is_not_added():
    assert "居民户口簿" not in official("户口本就是居民户口簿吧")


def test_one_character_is_a_word_only_where_it_stands_alone():
    assert "子女" in official("娃 落户")
    assert official("娃哈哈") == []


def test_ordinary_official_language_needs_no_translation():
    assert official("居民身份证补领") == []


def test_the_lexicon_gives_every_everyday_word_an_official_one():
    assert all(officials and all(officials) for officials in lexicon().values())
    assert all(everyday not in officials for everyday, officials in lexicon().items())
