"""Finds personal data in what people type, seals it before it travels on, and masks it where it must be shown.

Sealed text holds a word such as 〔身份证号〕 in the place of each number, so that Rasa, logs and analytics
never see it while the sentence keeps its meaning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from core import names


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
    ADDRESS = "住址"


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
# Where somebody lives: a street or village with its house number. Sealed where the writer says that it is a home, or
# where a staircase or a flat of a housing estate is named; an office has a number and a floor too, and is asked about.
# What lies before the street, 竹溪区青石镇, stays: it says whose guides apply.
_HAN = r"[\u4e00-\u9fff]"
_COUNT = r"(?:[0-9]{1,5}|[零〇一二两三四五六七八九十百千]{1,7})(?:[-－—–](?:[0-9]{1,4}))*"
_STREET = (
    rf"(?:(?!在|住|是|到|有){_HAN}){{1,8}}?(?:大道|大街|[路街巷弄村屯组队庄湾寨坊里园苑庭居寓府城]|小区|花园|公馆|家园|宿舍|新村|社区)"
    rf"(?:[0-9一二三四五六七八九十]{{1,3}}(?:[期区组队社巷弄里]))?(?:[东南西北中]段)?"
)
_WITHIN = rf"(?:\s*(?:附|之)?{_COUNT}\s*(?:号楼|号院|号(?![线码])|栋|幢|座|单元|楼(?!盘)|层|室|户(?!口)|房(?![产屋本子])|门(?!口)|弄|支弄|组|#)|\s*[A-Za-z]\s*[座栋幢区])"
# The flat is often the bare number at the end: 3栋501.
_LAST = rf"(?:\s*[-－—]?\s*{_COUNT}(?![年月日天元块个人岁点万次口]))?"
_DISTRICTS = r"(?:[\u4e00-\u9fff]{2,8}?(?:省|自治区|市|区|县|旗|镇|乡|街道))*"
_LIVES = (
    r"(?:(?:家|[我俺他她]|[爸妈爷奶公婆]|孩子|儿子|女儿|老人|老伴|父母|本人|现|居|租|[\u4e00-\u9fff]{2,3}(?=住))(?:现在|一直|就|都|人)?住(?!房|院|宿|建|所|户)(?:在|的是|的地方是|址是?)?"
    r"|(?:^|(?<=[，,。；;\s]))住(?!房|院|宿|建|所|户|满|的|了)(?=[^，。]{2,24}号)|住(?:在|址是?|址为|的地方是)|(?:我|俺|本人|他|她|老)家(?:就|是)?在|(?:我|俺|本人|他|她)家(?:地址)?[是:：]|(?:家庭|户籍|居住|收件|收货|邮寄|身份证)(?:地址|住址|所在地)?[是为在:：]?|户口(?:就)?在|(?:快递|材料|证件?)?寄(?:到|给我)|租(?:住)?(?:在|的是)|房子(?:就)?在)"
    r"[\s，,：:]*"
)
_HOME = re.compile(
    rf"{_LIVES}{_DISTRICTS}(?P<value>{_STREET}{_WITHIN}+(?:{_STREET}{_WITHIN}+)?{_LAST})(?!{_HAN}{{0,4}}(?:政务|办事|服务|便民|登记)(?:中心|大厅|站|窗口))"
)
_FLAT = re.compile(
    rf"{_DISTRICTS}(?P<value>{_STREET}{_WITHIN}*\s*{_COUNT}\s*(?:号楼|号|栋|幢|座|#)?\s*{_COUNT}\s*单元{_WITHIN}*{_LAST})"
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
    (Sort.ADDRESS, _HOME),
    (Sort.ADDRESS, _FLAT),
)

_MARK = re.compile(f"〔(?:{'|'.join(Sort)})〕")
_ANNOUNCED = re.compile(rf"{names.LABEL}〔{Sort.NAME}〕[\s，,。、；;]*")
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
    found += [Finding(Sort.NAME, start, end, text[start:end]) for start, end in names.told(left)]
    return tuple(sorted(found, key=lambda one: one.start))


def seal(text: str) -> str:
    """`text` with every piece of personal data replaced by its kind, e.g. 〔手机号〕."""
    parts, at = [], 0
    for one in find(text):
        parts += [text[at : one.start], f"〔{one.sort}〕"]
        at = one.end
    return "".join(parts) + text[at:]


def sorts(*texts: str) -> str:
    """The kinds of personal data in these, each once, for a sentence; empty where there is none."""
    return "、".join(dict.fromkeys(one.sort.value for text in texts for one in find(text)))


def unmarked(text: str) -> str:
    """Sealed text without the words that stand in the places, and without what announced a name: nothing is asked by
    them. 身份证丢了 is what is left of 我爸叫〔姓名〕，身份证丢了."""
    return _MARK.sub("", _ANNOUNCED.sub("", text))


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
    if one.sort is Sort.ADDRESS:
        return one.value[:2] + "*" * (len(one.value) - 2)
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
