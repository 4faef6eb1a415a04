import pytest

from index.sounds import folded, readings, sounds


def test_a_character_has_its_usual_reading_without_tone():
    assert readings("证") == ("zheng",)
    assert readings("女") == ("nü",)


def test_only_readings_in_daily_use_count():
    assert readings("行") == ("xing", "hang")
    assert readings("告") == ("gao",)


def test_what_is_not_chinese_has_no_sound():
    assert readings("A") == sounds("，") == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [("ni", "li"), ("zhi", "zi"), ("chu", "cu"), ("shi", "si"), ("zheng", "zhen"), ("xing", "xin"), ("guang", "guan")],
)
def test_what_careless_ears_confuse_sounds_alike(one, other):
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), [("gong", "gon"), ("n", "l"), ("hu", "fu"), ("nü", "nu")])
def test_other_syllables_do_not(one, other):
    assert folded(one) != folded(other)
