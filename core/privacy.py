"""Finds personal data in what people type, seals it before it travels on, and masks it where it must be shown.

Sealed text holds a word such as 〔身份证号〕 in the place of each number, so that Rasa, logs and analytics
never see it while the sentence keeps its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Sort(StrEnum):
    """What kind of personal data was found; the value is the word people read."""

    IDENTITY = "身份证号"
    PASSPORT = "证件号"
    CARD = "银行卡号"
    MOBILE = "手机号"
    LANDLINE = "电话号码"
    EMAIL = "邮箱"
    PLATE = "车牌号"
    NUMBER = "号码"
    NAME = "姓名"


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data at text[start:end]."""

    sort: Sort
    start: int
    end: int
    value: str


# Digits may be spaced or dashed, as people type them to read them over.
_GAP = r"[\s\-—_.·,，]{0,2}"
_IDENTITY = re.compile(r"(?<![0-9])" + _GAP.join([r"[1-9]"] + [r"\d"] * 16 + [r"[\dXx]"]) + r"(?![0-9])")
_OLD_IDENTITY = re.compile(r"(?<![0-9])[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?![0-9])")
_CARD = re.compile(r"(?<![0-9])(?:\d" + _GAP + r"){15,18}\d(?![0-9])")
_MOBILE = re.compile(r"(?<![0-9])(?:\+?86" + _GAP + r")?" + _GAP.join([r"1", r"[3-9]"] + [r"\d"] * 9) + r"(?![0-9])")
_LANDLINE = re.compile(r"(?<![0-9])0\d{2,3}[\s\-—]?[2-9]\d{6,7}(?![0-9])")
_PASSPORT = re.compile(r"(?<![A-Za-z0-9])(?:[EeGgDdSsPp][A-Za-z]?\d{7,8}|[HhMmCc]\d{8,10})(?![A-Za-z0-9])")
_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·\s]?[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳](?![A-Za-z0-9])"
)
_LONG = re.compile(r"(?<![0-9])(?:\d" + _GAP + r"){10,}\d(?![0-9])")
# A name only where the writer says so: a surname list alone would seal ordinary words.
_NAME = re.compile(
    r"(?:我叫|我是叫|姓名[是为：:]?|名字[叫是：:]|本人叫)\s*([\u4e00-\u9fff]{2,4}?(?:·[\u4e00-\u9fff]{1,6})?)(?=[，,。.；;！!\s]|$)"
)

_CHINESE_DIGITS = str.maketrans("零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "00123456789" + "1123456789")


def find(text: str) -> tuple[Finding, ...]:
    """The personal data in `text`, in order, without overlaps. Digits written as characters count too."""
    plain = _digits(text)
    taken: list[Finding] = []
    for sort, start, end in _candidates(plain):
        if all(end <= one.start or start >= one.end for one in taken):
            taken.append(Finding(sort, start, end, text[start:end]))
    return tuple(sorted(taken, key=lambda one: one.start))


def seal(text: str) -> str:
    """`text` with every piece of personal data replaced by its kind, e.g. 〔手机号〕."""
    parts, at = [], 0
    for one in find(text):
        parts += [text[at : one.start], f"〔{one.sort}〕"]
        at = one.end
    return "".join(parts) + text[at:]


def mask(text: str) -> str:
    """`text` with the middle of each piece hidden: enough for its owner to know it, too little for others."""
    parts, at = [], 0
    for one in find(text):
        parts += [text[at : one.start], _masked(one)]
        at = one.end
    return "".join(parts) + text[at:]


def _masked(one: Finding) -> str:
    if one.sort is Sort.NAME:
        return one.value[0] + "*" * (len(one.value) - 1)
    if one.sort is Sort.EMAIL:
        name, _, domain = one.value.partition("@")
        return f"{name[0]}***@{domain}"
    bare = re.sub(r"[\s\-—_.·,，]", "", one.value)
    keep = 3 if len(bare) >= 10 else 1
    return bare[:keep] + "*" * (len(bare) - keep - 2) + bare[-2:]


def _digits(text: str) -> str:
    """`text`, same length, with full-width and Chinese digits as ASCII digits where a long number is spelt."""
    wide = text.translate({0xFF10 + n: str(n) for n in range(10)})
    return re.sub(
        r"[零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖\d]{11,}", lambda m: m[0].translate(_CHINESE_DIGITS), wide
    )


def _candidates(text: str) -> Iterator[tuple[Sort, int, int]]:
    """Most certain kinds first: the first to claim a stretch of text keeps it."""
    for sort, pattern in (
        (Sort.EMAIL, _EMAIL),
        (Sort.IDENTITY, _IDENTITY),
        (Sort.MOBILE, _MOBILE),
        (Sort.IDENTITY, _OLD_IDENTITY),
        (Sort.CARD, _CARD),
        (Sort.LANDLINE, _LANDLINE),
        (Sort.PASSPORT, _PASSPORT),
        (Sort.PLATE, _PLATE),
        (Sort.NUMBER, _LONG),
    ):
        yield from ((sort, match.start(), match.end()) for match in pattern.finditer(text))
    yield from ((Sort.NAME, match.start(1), match.end(1)) for match in _NAME.finditer(text))
