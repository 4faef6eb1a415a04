"""What every message passes before anything else sees it: size, control text, personal data, emergencies, wrongdoing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bot.wording import say
from core.errors import Invalid, TooLarge
from core.privacy import find, seal
from core.text import normalise
from core.types import Act, Answer, Fact, Link

_FILE = Path(__file__).parent / "guard.yml"
# Rasa takes a leading slash for a command, so none ever reaches it.
_COMMAND = re.compile(r"^[\s/\\]+")
# Between the words of who is out of breath.
_HESITATION = re.compile(r"[\s~～…、.·\-—_*]+")
_WORD = re.compile(r"<([a-z]+)>")
_SPEECH = re.compile(r"[0-9A-Za-z\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Guarded:
    """A message fit to travel on. `sealed` names the kinds of data hidden; `answer` is set where the turn ends here."""

    text: str
    sealed: tuple[str, ...] = ()
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class _Alarm:
    number: str
    also: tuple[str, ...]
    text: str
    patterns: re.Pattern[str]
    unless: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Wrong:
    say: str
    patterns: re.Pattern[str]
    unless: re.Pattern[str]


def guard(raw: str, *, longest: int) -> Guarded:
    """The message without what must not travel, or the answer that ends the turn.

    Raises TooLarge above `longest` characters and Invalid where nothing readable is left.
    """
    if len(raw) > longest:
        raise TooLarge(f"这段话太长了，请控制在 {longest} 个字以内，先说最要紧的一件事。")
    text = plain(raw)
    if not text or not _SPEECH.search(text):
        raise Invalid("没有看懂您发的内容，请用一句话说说您要办什么事。")
    heard = _heard(text)
    if alarms := _alarms_of(heard):
        return Guarded(seal(text), answer=_called(alarms))
    if wrong := next((one for one in _wrongs() if one.patterns.search(text) and not one.unless.search(text)), None):
        return Guarded(seal(text), answer=Answer(Act.REFUSE, say(wrong.say)))
    return Guarded(seal(text), sealed=tuple(dict.fromkeys(one.sort.value for one in find(text))))


def plain(raw: str) -> str:
    """The message in the characters that are searched for, without what would make it a command."""
    return _COMMAND.sub("", normalise(raw))


def _heard(text: str) -> str:
    """What an ear makes of `text`: run together, mistyped words of danger mended, harmless turns of speech blanked."""
    mistyped, meant = _mistyped()
    heard = mistyped.sub(lambda typed: meant[typed[0]], _HESITATION.sub("", text))
    return _pattern("blank").sub("·", heard)


def _alarms_of(heard: str) -> list[_Alarm]:
    """The emergencies in `heard`, none where all that is said is that one is over, or asks for a paper."""
    found = [one for one in _alarms() if one.patterns.search(heard) and not one.unless.search(heard)]
    if not found or _pattern("cry").search(heard):
        return found
    if _pattern("over").search(heard) or (_pattern("paper").search(heard) and not _pattern("now").search(heard)):
        return []
    return found


def _called(alarms: list[_Alarm]) -> Answer:
    """The first alarm in full, and the numbers of the others."""
    first, *others = alarms
    further = [one for one in dict.fromkeys(one.number for one in others) if one not in first.text]
    text = first.text + (f"同时拨打 {'、'.join(further)}。" if further else "")
    numbers = dict.fromkeys((first.number, *(one.number for one in others), *first.also))
    return Answer(
        Act.EMERGENCY,
        text,
        facts=(Fact("紧急电话", "、".join(numbers)),),
        links=tuple(Link(f"拨打 {number}", f"tel:{number}") for number in numbers),
    )


@cache
def _read() -> dict[str, Any]:
    return dict(yaml.safe_load(_FILE.read_text("utf-8")))


@cache
def _alarms() -> tuple[_Alarm, ...]:
    return tuple(
        _Alarm(one["number"], tuple(one["also"]), one["text"], _any(one["patterns"]), _any(one.get("unless")))
        for one in _read()["emergencies"].values()
    )


@cache
def _wrongs() -> tuple[_Wrong, ...]:
    return tuple(
        _Wrong(one["say"], _any(one["patterns"]), _any(one.get("unless"))) for one in _read()["wrongs"].values()
    )


@cache
def _mistyped() -> tuple[re.Pattern[str], dict[str, str]]:
    meant = {typed: word for word, all_typed in _read()["mistyped"].items() for typed in all_typed.split()}
    return re.compile("|".join(map(re.escape, sorted(meant, key=len, reverse=True)))), meant


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return _any(_read()[name])


def _any(patterns: list[str] | None) -> re.Pattern[str]:
    # Joined without groups: the engine then skips an alternative by its first character.
    words = _read()["words"]
    return re.compile("|".join(_WORD.sub(lambda name: words[name[1]], pattern) for pattern in patterns or ["(?!)"]))
