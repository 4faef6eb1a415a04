"""What a conversation remembers between turns: a small value, kept by the application and mirrored in Rasa's slots."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from bot.draft import WHENEVER, Draft
from bot.times import Wanted
from core.types import Answer, Choice, Facet, Look
from knowledge.schema import Audience

_EARLIER = 4  # guides remembered behind the one at hand
# 2, 我选第三个, 就十二号吧
_NUMBER = re.compile(
    r"^(?:我?(?:就?要|就?选|选择|点|就|就?是|看)?)第?\s*([1-9]\d?|[一二两三四五六七八九]|二?十[一二三四五六七八九]?)"
    r"\s*(?:个|项|条|号|种)?(?:吧|呢|的|就行|[。.!！、])*$"
)
_DIGITS = {name: n for n, name in enumerate("一二三四五六七八九", 1)} | {"两": 2}
# 最后一个, 我要最后面那个
_LAST = re.compile(r"^(?:我?(?:要|选|选择|就|是)?)(?:最后|末尾)(?:面)?的?(?:一个|那个|那一个|一项)?(?:吧|[。.!！])*$")
# 是的, 就是这个
_YES = re.compile(r"^(?:是的?|对的?|嗯+|没错|就是|就是(?:它|这个)|好的?)[呀啊吧，,。.!！]*$")
# 我要办注销的那个 around 注销
_AROUND = re.compile(r"^(?:我|就|要|想|选择?|点|办理?|是|在|的)+|(?:那一?个|这一?个|的|吧|呢|[。.!！])+$")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """`asked` are the words that led to the guide or the choices at hand; all of it is sealed text.

    `earlier` are the guides talked about before, the last first, with the words that led to each. `citizen` owns what is
    booked here; `draft` is a booking in the making, and `booked` the key and the id of the last one made. `given` is the
    locked person of a message that may begin a booking, for its turn alone; so is `reach`, the locked address by which
    the channel reaches the citizen later. `wish` is when an appointment, still to be picked, is to be moved to.
    """

    region: str
    guide: int | None = None
    facets: tuple[Facet, ...] = ()
    audience: Audience | None = None
    choices: tuple[Choice, ...] = ()
    asked: str = ""
    earlier: tuple[tuple[int, str], ...] = ()
    citizen: str = ""
    draft: Draft | None = None
    booked: tuple[str, int] | None = None
    given: str = ""
    reach: str = ""
    wish: Wanted = WHENEVER

    def picked(self, text: str) -> Choice | None:
        """The offered choice that `text` means, by number, by its place, or by its words."""
        if not self.choices:
            return None
        if number := _NUMBER.match(text):
            at = _value(number[1])
            return self.choices[at - 1] if at <= len(self.choices) else None
        guides = [choice for choice in self.choices if choice.id != "human"]
        if _LAST.match(text):
            return (guides or self.choices)[-1]
        if _YES.match(text):
            return guides[0] if len(guides) == 1 else None
        return self._named(text)

    def offers(self, text: str) -> bool:
        """Whether `text` is word for word what a choice is called."""
        return any(text == choice.label for choice in self.choices)

    def counts(self, text: str) -> bool:
        """Whether `text` is a place among the choices, there or not: 第四个 of three."""
        return bool(self.choices and _NUMBER.match(text))

    def _named(self, text: str) -> Choice | None:
        for words in (text, _AROUND.sub("", text)):
            if len(words) < 2:
                continue
            exact = [choice for choice in self.choices if words == choice.label]
            found = exact or [choice for choice in self.choices if words in choice.label]
            if len(found) == 1:
                return found[0]
        return None

    def dump(self) -> str:
        """As JSON, for the cache and for Rasa's metadata."""
        return _JSON.dump_json(self).decode()

    @classmethod
    def load(cls, text: str) -> Dialogue:
        """From JSON made by `dump`. Raises ValueError on anything else."""
        return _JSON.validate_json(text)

    def about(self, guide: int, facets: tuple[Facet, ...], asked: str) -> Dialogue:
        """The same conversation, now about `guide`."""
        return replace(self.leaving(guide), guide=guide, facets=facets, choices=(), asked=asked)

    def leaving(self, guide: int | None = None) -> Dialogue:
        """The same conversation, with the guide at hand among the earlier ones, for another or for none."""
        if self.guide is None or self.guide == guide:
            return self
        told = ((self.guide, self.asked), *(one for one in self.earlier if one[0] not in {self.guide, guide}))
        return replace(self, guide=None, earlier=told[:_EARLIER])

    def offering(self, choices: tuple[Choice, ...], facets: tuple[Facet, ...], asked: str) -> Dialogue:
        """The same conversation, waiting for one of `choices`."""
        return replace(self, choices=choices, facets=facets, asked=asked)


@dataclass(frozen=True, slots=True)
class Turn:
    """What is said, what is remembered, and what was looked at for it."""

    answers: tuple[Answer, ...]
    dialogue: Dialogue
    looks: tuple[Look, ...] = ()


def _value(number: str) -> int:
    if number.isdecimal():
        return int(number)
    tens, ten, ones = number.rpartition("十")
    return (_DIGITS.get(tens, 1) * 10 if ten else 0) + _DIGITS.get(ones, 0)


_JSON = TypeAdapter(Dialogue)
