"""Names of people in what is said: 我爸叫张大江, 办理人是我老公李强, 阿卜杜拉·买买提."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.booking import words
from bot.wording import say
from core.errors import Invalid
from core.privacy import Finding, Sort
from desk import people

_HAN = r"[\u4e00-\u9fff]"
_KIN = (
    r"(?:爸爸?|妈妈?|父亲|母亲|老爸|老妈|老公|老婆|丈夫|妻子|媳妇|爱人|老伴|对象|儿子|女儿|闺女|孩子|小孩|爷爷|奶奶|外公|外婆|姥爷|姥姥|"
    r"岳父|岳母|公公|婆婆|哥哥?|姐姐?|弟弟?|妹妹?|孙子|孙女|叔叔?|阿姨|舅舅?|姑姑?|朋友|同事|邻居)"
)
_WHO = rf"(?:(?:给|替|帮|为)?(?:我|俺|咱)?(?:家|的)?{_KIN}|[我他她])(?:的)?(?:名字)?"
_LABEL = (
    rf"(?:{_WHO}(?:叫做?|名叫)|(?:名字|姓名)\s*(?:叫|就?是|为|:|：)|"
    rf"(?:办理|登记|申请|预约|办事)人\s*(?:叫|就?是|为|:|：)?\s*(?:我|俺)?(?:的)?{_KIN}?(?:叫)?)\s*"
)
_ENDS = r"(?=[\s,，。.;；、!！]|$|电话|手机|身份证|[来去想要的]|预?约|办|登记|[0-9０-９+〔])"
_TOLD = re.compile(rf"{_LABEL}(?P<name>{_HAN}+(?:[·•.]{_HAN}+)+|{_HAN}{{2,4}}?{_ENDS}|[A-Za-z][A-Za-z .'\-]+[A-Za-z])")
# 给我老公李强约护照: whoever is named so must look like a name.
_FOR = re.compile(
    rf"(?:给|替|帮|为)(?:我|俺)?(?:家|的)?{_KIN}(?P<name>(?:(?![证卡金贴户费险号]){_HAN}){{2,3}}?){_ENDS}"
)
_BEFORE = re.compile(rf"{_LABEL}(?=〔{Sort.NAME}〕)|(?:给|替|帮|为)?(?:我|俺)(?:的)?{_KIN}(?=〔{Sort.NAME}〕)")
_OF_KIN = re.compile(rf"^(?:给|替|帮|为|是)?(?:我|俺)(?:家|的)?{_KIN}(?:的)?(?:名字)?(?:叫|是)?\s*(?={_HAN}{{2,}})")
_SAID_SO = re.compile(r"叫|名字|姓名|^\s*(?:我的?|本人)?就?是|就?写|填")
_DOT = re.compile(rf"(?<={_HAN})[.•‧・⋅．](?={_HAN})")
_NONE = re.compile(r"[我你您他她它的了吗呢么吧这那哪请想要]|(?:[区县市]|大厅|中心|窗口)$")
_LONGEST_PLAIN = 15  # characters of a name without a dot between its parts


def told(text: str) -> Iterator[Finding]:
    """The names that the writer says are names. A surname list alone would find ordinary words."""
    for match in _TOLD.finditer(text):
        if not (_NONE.search(match["name"]) or words.says("asking", match["name"])):
            yield Finding(Sort.NAME, *match.span("name"), match["name"])
    for match in _FOR.finditer(text):
        if words.like_name(match["name"]):
            yield Finding(Sort.NAME, *match.span("name"), match["name"])


def dotted(text: str) -> str:
    """`text` with the dot that names have, whatever the keyboard gave."""
    return _DOT.sub("·", text)


def bare(text: str) -> str:
    """A name without whose it is: 李强 of 我老公李强."""
    return _OF_KIN.sub("", text)


def unlabelled(text: str) -> str:
    """Sealed `text` without the words that announce a name."""
    return _BEFORE.sub("", text)


def said_so(text: str) -> bool:
    """Whether the writer says that it is a name: 我叫…, 姓名：…."""
    return bool(_SAID_SO.search(text))


def check(name: str, *, said_so: bool) -> str:
    """A name as on an identity document. Raises Invalid for what does not look like one, unless the writer says it is."""
    if words.like_name(name.replace(" ", "")) or "·" in name or name.isascii():
        return people.check_name(name)
    if _NONE.search(name) or len(name) > _LONGEST_PLAIN:
        raise people.BadName()
    checked = people.check_name(name)
    if not said_so:
        raise Invalid(say("book_name_unclear"))
    return checked
