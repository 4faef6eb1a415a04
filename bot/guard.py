"""What every message passes before anything else sees it: size, control text, personal data, emergencies, wrongdoing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from core.errors import Invalid, TooLarge
from core.privacy import find, seal
from core.text import normalise
from core.types import Act, Answer, Fact, Link

_FILE = Path(__file__).parent / "guard.yml"
# Rasa takes a leading slash for a command, so none ever reaches it.
_COMMAND = re.compile(r"^[\s/\\]+")
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
    text: str
    patterns: re.Pattern[str]
    unless: re.Pattern[str]


def guard(raw: str, *, longest: int) -> Guarded:
    """The message without what must not travel, or the answer that ends the turn.

    Raises TooLarge above `longest` characters and Invalid where nothing readable is left.
    """
    if len(raw) > longest:
        raise TooLarge(f"这段话太长了，请控制在 {longest} 个字以内，先说最要紧的一件事。")
    text = _COMMAND.sub("", normalise(raw))
    if not text or not _SPEECH.search(text):
        raise Invalid("没有看懂您发的内容，请用一句话说说您要办什么事。")
    alarm = next((one for one in _alarms() if one.patterns.search(text) and not one.unless.search(text)), None)
    if alarm:
        call = Link(f"拨打 {alarm.number}", f"tel:{alarm.number}")
        facts = (Fact("紧急电话", alarm.number),)
        return Guarded(seal(text), answer=Answer(Act.EMERGENCY, alarm.text, facts=facts, links=(call,)))
    wrong, unless, refusal = _illegal()
    if wrong.search(text) and not unless.search(text):
        return Guarded(seal(text), answer=Answer(Act.REFUSE, refusal))
    return Guarded(seal(text), sealed=tuple(dict.fromkeys(one.sort.value for one in find(text))))


@cache
def _read() -> dict[str, Any]:
    return dict(yaml.safe_load(_FILE.read_text("utf-8")))


@cache
def _alarms() -> tuple[_Alarm, ...]:
    return tuple(
        _Alarm(one["number"], one["text"], _any(one["patterns"]), _any(one["unless"]))
        for one in _read()["emergencies"].values()
    )


@cache
def _illegal() -> tuple[re.Pattern[str], re.Pattern[str], str]:
    read = _read()["illegal"]
    return _any(read["patterns"]), _any(read["unless"]), read["text"]


def _any(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
