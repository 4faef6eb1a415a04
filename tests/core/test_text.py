import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import bigrams, composed, normalise

# OpenCC simplifies this one character in two steps.
TWICE = "薴"
ALPHABET = st.one_of(
    st.characters(exclude_characters=TWICE),
    st.sampled_from("推进(（jìn)）ａＺ０１\u3000\u200b\u202e\u0301\r\n\t é身份證補領"),
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("１２３４５　ＡＢｃ", "12345 ABc"),
        ("ａ＠ｂ．ｃｏｍ", "a@b.com"),
        ("５０％／天＋１－２", "50%/天+1-2"),
        ("08∶30", "08：30"),
    ],
)
def test_full_width_letters_digits_and_signs_become_half_width(typed, meant):
    assert normalise(typed) == meant


def test_chinese_punctuation_stays_as_it_is():
    assert normalise("你好，（办证）：要“原件”；行吗？行！") == "你好，（办证）：要“原件”；行吗？行！"


def test_traditional_characters_become_simplified_ones():
    assert normalise("身份證遺失補領，辦理結婚登記") == "身份证遗失补领，办理结婚登记"


@pytest.mark.parametrize(
    "hidden",
    ["\u200b", "\u200d", "\ufeff", "\u2060", "\u00ad", "\u3164", "\uffa0", "\U000e0041", "\U000e0100", "\ufe0f"],
)
def test_what_cannot_be_seen_is_removed(hidden):
    assert normalise(f"身{hidden}份证") == "身份证"


def test_a_mark_that_turns_the_direction_of_writing_is_removed():
    assert normalise("办\u202e证\u202c\u2067明\u2069\u200f") == "办证明"


def test_control_characters_are_removed_and_line_ends_of_all_systems_kept():
    assert normalise("一\x00二\x1b\x7f三") == "一二三"
    assert normalise("一\r\n二\r三\n\n四") == "一\n二\n三\n四"


@pytest.mark.parametrize("typed", ["推進(jìn)", "推进（jìn）", "推进(jìn)(jìn)", "推(tuī)进(jìn)"])
def test_pinyin_injected_behind_a_character_is_removed(typed):
    assert normalise(typed) == "推进"


@pytest.mark.parametrize("typed", ["营业执照(复印件)", "公积金(GJJ)", "第(1)项", "办理(app)"])
def test_other_words_in_brackets_stay(typed):
    assert normalise(typed) == typed


def test_spaces_are_folded_and_outer_ones_dropped():
    assert normalise("  我 \u00a0\t 要\u2003办  证 \n ") == "我 要 办 证"


def test_an_accent_joins_its_letter_even_where_something_unseen_stood_between():
    assert normalise("e\u200b\u0301") == "é"


@given(st.text(ALPHABET, max_size=40))
def test_normalising_again_changes_nothing(text):
    once = normalise(text)
    assert normalise(once) == once


@given(st.text(st.characters(codec=None), max_size=40))
def test_normalising_takes_any_text_and_leaves_nothing_unprintable(text):
    made = normalise(text)
    assert {unicodedata.category(c) for c in made if c != "\n"}.isdisjoint({"Cc", "Cs", "Co", "Cn"})


@pytest.mark.parametrize("marks", ["\u0301\u0327", "\u0308\uff9e", "\U0001e000\U0001e8d0", "\u0301\u0f71"])
def test_marks_piled_on_one_letter_without_end_are_cut_and_hold_nobody_up(marks):
    crowd = "e" + "".join(mark * 200_000 for mark in marks)
    for made in (normalise(crowd), composed(crowd, "NFKC")):
        assert len(made) <= 1 + 2 * 30
        assert composed(f"{crowd}、{crowd}", "NFKC").count("、") == 1


def test_as_many_marks_as_any_language_writes_stay():
    assert composed("ế" * 1000) == "ế" * 1000
    assert len(composed("a" + "\u0316\u0327" * 15)) == 31


def test_bigrams_do_not_reach_across_other_characters():
    assert bigrams("身份证，ABC补领") == ["身份", "份证", "补领"]
    assert bigrams("证") == []
