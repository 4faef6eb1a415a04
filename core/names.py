"""Names of people where the writer says that they are names: 我爸叫张大江, 申请人：赵敏, 给我老公李强约护照."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

HAN = r"[\u4e00-\u9fff]"
KIN = (
    r"(?:爸爸?|妈妈?|父亲|母亲|老爸|老妈|老公|老婆|丈夫|妻子|媳妇|爱人|老伴|对象|儿子|女儿|闺女|孩子|小孩|爷爷|奶奶|外公|外婆|姥爷|姥姥|"
    r"岳父|岳母|公公|婆婆|哥哥?|姐姐?|弟弟?|妹妹?|孙子|孙女|叔叔?|阿姨|舅舅?|姑姑?|朋友|同事|邻居)"
)
# 帮我叫辆车 names nobody.
_WHO = rf"(?:(?:给|替|帮|为)?(?:我|俺|咱)?(?:家|的)?{KIN}|本人|(?<![帮给替让请为])[我俺他她])(?:的)?(?:名字)?"
_FOR_WHOM = r"(?:办理|登记|申请|预约|办事)人"
_SAID = rf"(?:{_WHO}(?:是?叫做?|名叫)|(?:名字|姓名)\s*(?:叫|就?是|为)|(?:名字|姓名|{_FOR_WHOM})\s*[:：])\s*"
# 申请人和代办人: these are surnames too.
_FORM = rf"{_FOR_WHOM}\s*(?:(?:叫|就?是|为)\s*(?:我|俺)?(?:的)?{KIN}?(?:叫)?|(?![和向应曾经从时连])(?:我|俺)?(?:的)?{KIN}?(?:叫)?)\s*"
# What announces a name that follows.
LABEL = rf"(?:{_SAID}|{_FORM})"
_ENDS = r"(?=[\s,，。.;；、!！?？()（）]|$|电话|手机|身份证|[来去想要的是住在有]|今年|现年|预?约|办|登记|[0-9０-９+〔])"
_DOTTED = rf"{HAN}+(?:[·•.]{HAN}+)+"
_LATIN = r"[A-Za-z]+(?:[ .'\-]+[A-Za-z]+)+|[A-Z][a-z]+(?![A-Za-z])"
_CALLED = re.compile(rf"{_SAID}(?P<name>{_DOTTED}|{HAN}{{2,4}}?{_ENDS}|{_LATIN})")
_IN_FORM = re.compile(rf"{_FORM}(?P<name>{_DOTTED}|{HAN}{{2,4}}?{_ENDS}|{_LATIN})")
_FOR = re.compile(rf"(?:给|替|帮|为)(?:我|俺)?(?:家|的)?{KIN}(?P<name>(?:(?![证卡金贴户费险号]){HAN}){{2,3}}?){_ENDS}")


def told(text: str) -> list[tuple[int, int]]:
    """Where the names stand that the writer says are names, in order. A surname list alone would find ordinary words.

    Behind 叫 or 姓名 anything counts that is no ordinary word; elsewhere it must look like a name.
    """
    found = [(match, False) for match in _CALLED.finditer(text)]
    found += [(match, True) for kind in (_IN_FORM, _FOR) for match in kind.finditer(text)]
    spans = {match.span("name") for match, must_look in found if _is_name(match["name"], must_look)}
    return sorted(one for one in spans if not any(other[0] < one[1] and one < other for other in spans))


def like_name(text: str) -> bool:
    """Whether `text` looks like a Chinese name: two to four characters, of which the first, or the first two, are a surname."""
    if not re.fullmatch(rf"{HAN}{{2,4}}", text):
        return False
    long_ = len(text) > 2 and text[:2] in str(_read()["long_surnames"]).split("|")
    if not long_ and text[0] not in _read()["surnames"]:
        return False
    return not (_says("particles", text) or _says("ordinary", text))


def _is_name(text: str, must_look: bool) -> bool:
    if _says("never", text):
        return False
    return not must_look or like_name(text) or not re.fullmatch(f"{HAN}+", text)


def _says(what: str, text: str) -> bool:
    return bool(_patterns()[what].search(text))


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {kind: re.compile("|".join(all_)) for kind, all_ in _read().items() if isinstance(all_, list)}


@cache
def _read() -> dict[str, list[str] | str]:
    return dict(yaml.safe_load((Path(__file__).parent / "names.yml").read_text("utf-8")))
