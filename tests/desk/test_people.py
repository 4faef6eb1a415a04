"""Names, phones and identity numbers as people write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from stdnum.cn import ric

from core.errors import Invalid
from desk.numbers import plain_number
from desk.people import (
    BadIdentity,
    BadName,
    BadPhone,
    Person,
    check,
    check_identity,
    check_name,
    check_phone,
    masked_identity,
    masked_name,
    masked_phone,
)
from desk.rules import plain_window
from desk.slips import read_scan

TODAY = date(2026, 10, 15)


def identity(body: str) -> str:
    """Seventeen digits with the digit that checks them."""
    return body + str(ric.calc_check_digit(body + "0"))


ZHANGS = identity("11010519491231002")

# -- names --


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("张伟", "张伟"),
        (" 张 伟 ", "张伟"),
        ("张　伟", "张伟"),
        ("欧阳娜娜", "欧阳娜娜"),
        ("張偉", "張偉"),  # a document's signs are not simplified
        ("𠮷野", "𠮷野"),  # beyond the first plane
        ("买买提·阿不都热合曼", "买买提·阿不都热合曼"),
        ("买买提•阿不都", "买买提·阿不都"),
        ("买买提．阿不都", "买买提·阿不都"),
        ("买买提.阿不都", "买买提·阿不都"),
        ("买买提・阿不都", "买买提·阿不都"),
        ("尼·索朗", "尼·索朗"),
        ("古丽·阿·买买提", "古丽·阿·买买提"),
        ("阿" * 20, "阿" * 20),
        ("Anne-Marie O'Neill", "Anne-Marie O'Neill"),
        ("ＺＨＡＮＧ　ＷＥＩ", "ZHANG WEI"),
        ("José  Núñez Jr.", "José Núñez Jr."),
        ("Nguyễn Văn A", "Nguyễn Văn A"),
    ],
)
def test_a_name_is_taken_as_on_the_document(written: str, name: str) -> None:
    assert check_name(written) == name


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "   ",
        "张",
        "·",
        "张伟·",
        "·张伟",
        "张··伟",
        "张伟1",
        "13800138000",
        "<script>alert(1)</script>",
        "张伟<b>",
        "张伟\x00",
        "张伟 Wei",
        "张伟，李娜",
        "阿" * 21,
        "阿·" * 40 + "阿",
        "X" * 61,
        "X",
        "A1",
        "× ÷ ×",
        "😀😀",
    ],
)
def test_what_cannot_be_a_name_is_refused_in_words_that_help(wrong: str) -> None:
    with pytest.raises(BadName, match="证件上的全名"):
        check_name(wrong)


# -- phones --


@pytest.mark.parametrize(
    "written",
    [
        "13800138000",
        " 138 0013 8000 ",
        "138-0013-8000",
        "138–0013–8000",
        "１３８００１３８０００",
        "+8613800138000",
        "+86 138 0013 8000",
        "(+86) 138-0013-8000",
        "（＋８６）13800138000",
        "0086 13800138000",
        "8613800138000",
    ],
)
def test_a_mobile_number_is_understood_however_it_is_written(written: str) -> None:
    assert check_phone(written) == "13800138000"


@pytest.mark.parametrize("new", ["16600001234", "19200001234", "19912345678"])
def test_a_number_of_a_new_range_books_too(new: str) -> None:
    assert check_phone(new) == new


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "1380013800",
        "138001380000",
        "12800138000",
        "11111111111",
        "00000000000",
        "01012345678",
        "010-12345678",
        "0770-2822345",
        "12345",
        "+852 9123 4567",
        "+1 415 555 0132",
        "13800138ABC",  # letters are no digits, though a telephone's keys carry them
        "手机13800138000",
        "13800138000转8",
        "13800138000/13900139000",
        "13800138000;ext=5",
        "١٣٨٠٠١٣٨٠٠٠",
        "9" * 400,
    ],
)
def test_what_is_no_mobile_number_of_the_mainland_is_refused(wrong: str) -> None:
    with pytest.raises(BadPhone, match="11 位数字"):
        check_phone(wrong)


# -- identity numbers --


@pytest.mark.parametrize(
    "written", ["11010519491231002X", "11010519491231002x", "１１０１０５19491231002Ｘ", "110105 1949 1231 002X"]
)
def test_an_identity_number_is_understood_however_it_is_written(written: str) -> None:
    assert check_identity(written, today=TODAY) == ZHANGS == "11010519491231002X"


@pytest.mark.parametrize(
    "body",
    [
        "11999919900101001",  # a county that no table knows yet
        "81000019900101001",  # the residence permit of Hong Kong's, Macao's and Taiwan's people
        "83000019900101001",
        "91110119900101001",  # a foreigner's permanent residence
    ],
)
def test_whoever_holds_a_valid_document_may_book(body: str) -> None:
    assert check_identity(identity(body), today=TODAY) == identity(body)


def test_who_was_born_today_may_book_and_who_is_born_tomorrow_may_not() -> None:
    assert check_identity(identity("33060220261015001"), today=TODAY)
    with pytest.raises(BadIdentity):
        check_identity(identity("33060220261016001"), today=TODAY)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "110105194912310021",  # its last digit does not check the others
        "110105491231002",  # fifteen digits, as until 1999
        "11010519491231002",
        "11010519491231002X1",
        "1101051949123100XX",
        "١١٠١٠٥19491231002X",
        "张伟",
        identity("99010519900101001"),  # no such province
        identity("00010519900101001"),
        identity("98010219900101001"),
        identity("11010519901301001"),  # month 13
        identity("11010519900230001"),  # 30 February
        identity("11010518991231001"),
        identity("11010520991231001"),
    ],
)
def test_a_wrong_identity_number_is_refused(wrong: str) -> None:
    with pytest.raises(BadIdentity, match="18 位"):
        check_identity(wrong, today=TODAY)


# -- a person, and what is shown of them --


def test_an_identity_number_nobody_asked_for_is_not_kept() -> None:
    assert check("张 伟", "138 0013 8000", ZHANGS, needs_identity=False) == Person("张伟", "13800138000")
    assert check("张伟", "13800138000", ZHANGS.lower(), needs_identity=True) == Person("张伟", "13800138000", ZHANGS)


def test_an_identity_number_that_is_asked_for_must_be_given() -> None:
    with pytest.raises(BadIdentity):
        check("张伟", "13800138000", "", needs_identity=True)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("张伟", "张*"),
        ("欧阳娜娜", "欧***"),
        ("买买提·阿不都热合曼", "买*****"),
        ("José Núñez", "J*****"),
    ],
)
def test_of_a_name_the_first_sign_is_shown_and_no_more(name: str, shown: str) -> None:
    assert masked_name(name) == shown


def test_of_phone_and_identity_number_only_the_ends_are_shown() -> None:
    assert masked_phone("13800138000") == "138****8000"
    assert masked_identity(ZHANGS) == "1****************X"
    assert masked_identity("") == ""


# -- all that is typed --


@pytest.mark.parametrize("read", [check_name, check_phone, check_identity, plain_number, read_scan])
def test_half_a_million_marks_are_refused_and_hold_nobody_up(read: Callable[[str], object]) -> None:
    with pytest.raises(Invalid):
        read("a" + "\u0301" * 250_000 + "\u0327" * 250_000)


def test_half_a_million_marks_in_the_name_of_a_window_hold_nobody_up() -> None:
    assert len(plain_window("窗" + "\u0301" * 250_000 + "\u0327" * 250_000)) < 100
