"""What a message leaves to what was said before: 刚才那个, 那护照呢."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot import facets

_BACK = re.compile(  # 刚才讲的津贴那个, 最开始问的电表, 算了还是讲离职那个; not 之前结过婚
    r"(?:刚才|刚刚|之前|先前|前面|头先)(?:[我咱你]们?)?(?:[问说讲聊提]的?|的?那(?=[个件张本份些]))|刚才的|"
    r"(?:最开始|一开始|开头|最初|起初)(?:[我咱你]们?)?(?:[问说讲聊提]的?|的?那(?=[个件张本份些]))|"
    r"第一个问题|上一个问题|回到(?:刚才|之前|前面)?的?|(?:^|[，。]|算了|那)还是(?:讲|说|问)|[说问]回"
)
_FIRST = re.compile(r"开头|最开始|最初|一开始|起初|第一个问题")
_INSTEAD = re.compile(  # 那护照呢, 煤气那个呢, 要是结婚证呢
    r"^(?:[哦嗯好那]|那么|那个|要是|如果|换成|换|是|，)*(?P<what>[^，。？！]{1,10}?)(?:那个|那边|的话|的)?呢[？?。！!啊]*$"
)


def goes_back(text: str) -> bool:
    """Whether `text` says that it is about something talked of before."""
    return bool(_BACK.search(text))


def plain(text: str) -> str:
    """`text` without the words that go back."""
    return _BACK.sub("", text)


def meant_before(text: str, told: Sequence[str]) -> int | None:
    """Which of `told`, what was talked about from the last to the first, `text` goes back to."""
    topic = facets.topic(_BACK.sub(" ", text))
    if len(topic) < 2:
        return (len(told) - 1 if _FIRST.search(text) else None) if told else None
    shared = [sum(pair in one for pair in _pairs(topic)) for one in told]
    most = max(shared, default=0)
    return shared.index(most) if most else None


def instead(text: str) -> str | None:
    """The other thing that `text` asks the same of: 护照 of 那护照呢."""
    found = _INSTEAD.match(text)
    return found["what"] if found and facets.topic(found["what"]) else None


def names(text: str, what: str) -> bool:
    """Whether `text` may be about `what`: it shares a character of its topic."""
    return any(character in text for character in facets.topic(what))


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}
