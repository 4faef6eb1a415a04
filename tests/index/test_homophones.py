import time

import pytest

from index.homophones import corrected, terms
from knowledge.regions import read_regions


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("社宝怎么交", "社保怎么交"),
        ("要带什么才料", "要带什么材料"),
        ("身份正丢了", "身份证丢了"),
        ("工伤人定找谁", "工伤认定找谁"),
        ("公记金提取", "公积金提取"),
        ("营业直照", "营业执照"),
        ("网上怎么办里", "网上怎么办理"),
        ("房子过护", "房子过户"),
        ("失叶金", "失业金"),
        ("户口薄和结昏证", "户口簿和结婚证"),
    ],
)
def test_what_sounds_like_a_term_but_is_no_word_becomes_the_term(typed, meant):
    assert corrected(typed) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("农名工", "农民工"), ("申情登记", "申请登记"), ("公急金提取", "公积金提取"), ("医疗保显", "医疗保险")],
)
def test_sounds_that_many_do_not_tell_apart_count_as_alike(typed, meant):
    assert corrected(typed) == meant


@pytest.mark.parametrize(
    "written",
    [
        "身份正在核对",  # 正在 is a word here
        "我是工商局的",  # not 工伤
        "厂里不给工资",
        "公平公正公开",
        "缴医保",  # as right as 交医保
        "这家店不做的期间",
        "我叫李正明",
        "我哋间庙",
        "咋整",
        "市工信局",
        "几个人一起合股",
    ],
)
def test_words_that_may_be_meant_as_written_stay(written):
    assert corrected(written) == written


def test_names_of_places_stay():
    names = {name for region in read_regions() for name in (region.name, region.short_name)}
    assert [name for name in sorted(names) if corrected(f"我在{name}住") != f"我在{name}住"] == []


def test_terms_themselves_stay():
    assert [term for term in sorted(terms()) if corrected(term) != term] == []


@pytest.mark.parametrize("text", ["", "a", "12345", "证", "，。！", "OK办ETC", "😀社保😀"])
def test_what_is_no_chinese_run_stays(text):
    assert corrected(text) == text


def test_signs_and_other_letters_stay_around_a_repair():
    assert corrected("急！！社宝卡（ABC）丢了😭，才料呢") == "急！！社保卡（ABC）丢了😭，材料呢"


def test_a_correction_is_quick():
    text = "请问工伤人定要带什么才料，网上能不能办里，几天能办好"
    corrected(text)
    began = time.process_time()
    for _ in range(100):
        corrected(text)
    assert (time.process_time() - began) / 100 < 0.003, "milliseconds would be felt; a fraction of one is usual"
