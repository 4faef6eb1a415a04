"""Names of people as they are given for a booking: 我爸叫张大江, 办理人是我老公李强, 阿卜杜拉·买买提."""

from __future__ import annotations

import re

from bot.wording import say
from core.errors import Invalid
from core.names import HAN, KIN, LABEL, like_name
from core.privacy import Sort
from desk import people

_BEFORE = re.compile(rf"{LABEL}(?=〔{Sort.NAME}〕)|(?:给|替|帮|为)?(?:我|俺)(?:的)?{KIN}(?=〔{Sort.NAME}〕)")
_OF_KIN = re.compile(rf"^(?:给|替|帮|为|是)?(?:我|俺)(?:家|的)?{KIN}(?:的)?(?:名字)?(?:叫|是)?\s*(?={HAN}{{2,}})")
_SAID_SO = re.compile(r"叫|名字|姓名|^\s*(?:我的?|本人)?就?是|就?写|填")
_DOT = re.compile(rf"(?<={HAN})[.•‧・⋅．](?={HAN})")
_NONE = re.compile(r"[我你您他她它的了吗呢么吧这那哪请想要]|(?:[区县市]|大厅|中心|窗口)$")
_LONGEST_PLAIN = 15  # characters of a name without a dot between its parts


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
    if like_name(name.replace(" ", "")) or "·" in name or name.isascii():
        return people.check_name(name)
    if _NONE.search(name) or len(name) > _LONGEST_PLAIN:
        raise people.BadName()
    checked = people.check_name(name)
    if not said_so:
        raise Invalid(say("book_name_unclear"))
    return checked
