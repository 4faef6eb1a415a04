"""Finds personal data in what people type, seals it before it travels on, and masks it where it must be shown.

Sealed text holds a word such as 〔身份证号〕 in the place of each number, so that Rasa, logs and analytics
never see it while the sentence keeps its meaning.
"""

from __future__ import annotations

import re
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
_PASSPORT = re.compile(r"(?<![A-Za-z])(?:[EeGgDdSsPp][A-Za-z]?\d{7,8}|[HhMmCc]\d{8,10})(?![0-9])")
_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·\s]?(?=[A-Z]{0,5}\d)"
    r"[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳](?![A-Z0-9])",
    re.IGNORECASE,
)
# Not personal by itself, and two of them must not add up to a bank card: 2014.05.06-2024.05.06.
_DATE = re.compile(r"(?<![0-9])(?:19|20)\d\d([-./])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])(?![0-9])")
_LONG = re.compile(r"(?<![0-9])(?:\d" + _GAP + r"){10,}\d(?![0-9])")
# A name only where the writer says so: a surname list alone would seal ordinary words.
_NAME = re.compile(
    r"(?:我叫|我是叫|本人叫|名字叫|(?:姓名|名字)\s*[是为：:])\s*(?!什么|怎么|啥|谁|空|错)"
    r"(?P<value>(?:(?!叫|姓名|名字)[\u4e00-\u9fff]){2,4}(?:·[\u4e00-\u9fff]{1,6})?)(?![\u4e00-\u9fff·])"
)

# Most certain kinds first: the first to claim a stretch of text keeps it.
_KINDS: tuple[tuple[Sort | None, re.Pattern[str]], ...] = (
    (Sort.EMAIL, _EMAIL),
    (Sort.IDENTITY, _IDENTITY),
    (None, _DATE),
    (Sort.MOBILE, _MOBILE),
    (Sort.IDENTITY, _OLD_IDENTITY),
    (Sort.CARD, _CARD),
    (Sort.LANDLINE, _LANDLINE),
    (Sort.PASSPORT, _PASSPORT),
    (Sort.PLATE, _PLATE),
    (Sort.NUMBER, _LONG),
    (Sort.NAME, _NAME),
)

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_CHINESE = "零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
_CHINESE_DIGITS = str.maketrans(_CHINESE, "001234567891123456789")
_SPELT = re.compile(rf"(?:[{_CHINESE}\d]{_GAP}){{10,}}[{_CHINESE}\d]")
_CHINESE_RUN = re.compile(rf"[{_CHINESE}](?:{_GAP}[{_CHINESE}]){{2,}}")  # three: 李四13800138000 has no digit 四


def find(text: str) -> tuple[Finding, ...]:
    """The personal data in `text`, in order, without overlaps. Digits written as characters count too."""
    left = _plain(text)
    found: list[Finding] = []
    for sort, pattern in _KINDS:
        for match in pattern.finditer(left):
            start, end = match.span("value" if "value" in pattern.groupindex else 0)
            if sort:
                found.append(Finding(sort, start, end, text[start:end]))
            # What is claimed is hidden from the kinds that follow; what stands beside it is not.
            left = f"{left[:start]}{'〔' * (end - start)}{left[end:]}"
    return tuple(sorted(found, key=lambda one: one.start))


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


def _plain(text: str) -> str:
    """`text`, same length, half-width, with Chinese digits as ASCII digits where a long number is spelt."""

    def digits(run: re.Match[str]) -> str:
        return _CHINESE_RUN.sub(lambda part: part[0].translate(_CHINESE_DIGITS), run[0])

    return _SPELT.sub(digits, text.translate(_HALF_WIDTH))
