"""What is said of one's own appointments: show them, cancel one, move one. Words decide."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from bot.booking import words
from bot.booking.flow import Flow
from bot.booking.matters import Matters
from bot.booking.mine import Mine
from bot.dialogue import Dialogue, Turn
from bot.draft import WHENEVER
from bot.times import wanted
from desk.front import Held

_PLACE = re.compile(r"第([1-9一二两三四五六七八九])个|(?:取消|退掉?|改)([1-9])(?:号|个)?$|(最后)(?:一|那)个")
_DIGITS = "一二三四五六七八九"
_AROUND = re.compile(
    r"取消|撤销|退[掉了]?|不[去要约办][了]?|改(?:到|成|期|时间|约)?.*$|把|帮我|给我|掉|那个|的|了|吧|约"
)


class Own:
    """Each method returns None where the message is not about one's appointments."""

    def __init__(self, flow: Flow, mine: Mine, matters: Matters, today: Callable[[], date]) -> None:
        self._flow, self._mine, self._matters, self._today = flow, mine, matters, today

    def respond(self, text: str, dialogue: Dialogue) -> Turn | None:
        """Show, cancel or change, said without a choice."""
        if turn := self._cancel(text, dialogue):
            return turn
        if words.says("change", text) and (turn := self.change(text, dialogue)):
            return turn
        if words.says("mine", text):
            return self._mine.show(dialogue)
        # 那给我取消吧, after a notice: the conversation does not know of it.
        found = self._mine.all(dialogue) if words.says("agree_cancel", text) else ()
        return self._sure(found, dialogue) if found else None

    def change(self, text: str, dialogue: Dialogue) -> Turn | None:
        """Move the one that is meant; of several it is asked which, and when is remembered."""
        wish, found = wanted(text, today=self._today()), self._mine.all(dialogue)
        # 名字改成两个字的要什么材料 is no talk of appointments.
        if not (words.says("appointment", text) or (found and (wish or "时间" in text or "期" in text))):
            return None
        if not found:
            return self._mine.none(dialogue)
        found = self._meant(text, found, dialogue) or found
        if len(found) > 1:
            return self._mine.which(found, "change", replace(dialogue, wish=wish or WHENEVER))
        return self._flow.begin_move(found[0], wish, dialogue)

    def cancel_named(self, text: str, dialogue: Dialogue) -> Turn | None:
        """Cancel the one that is named: 取消第二个, 护照不去了."""
        if not words.says("cancel_one", text):
            return None
        meant = self._meant(text, self._mine.all(dialogue), dialogue)
        return self._sure(meant, dialogue) if meant else None

    def _cancel(self, text: str, dialogue: Dialogue) -> Turn | None:
        if turn := self.cancel_named(text, dialogue):
            return turn
        return self._sure(self._mine.all(dialogue), dialogue) if words.says("cancel", text) else None

    def _sure(self, found: tuple[Held, ...], dialogue: Dialogue) -> Turn:
        """The only one is asked about; of several, which."""
        if len(found) == 1:
            return self._mine.sure(found[0], dialogue)
        return self._mine.which(found, "cancel", dialogue) if found else self._mine.none(dialogue)

    def _meant(self, text: str, found: tuple[Held, ...], dialogue: Dialogue) -> tuple[Held, ...]:
        """Those of one's appointments that are named, by their place in the list or by what they are for."""
        if place := _PLACE.search(text):
            at = _at(place, len(found))
            return found[at : at + 1] if at is not None else ()
        guides = {held.appointment.guide for held in found}
        guide = self._matters.one_of(_AROUND.sub(" ", text).strip(), guides, dialogue) if found else None
        return tuple(held for held in found if held.appointment.guide == guide)


def _at(place: re.Match[str], many: int) -> int | None:
    if place[3]:
        return many - 1
    said = (place[1] or place[2]).replace("两", "二")
    at = int(said) - 1 if said.isdecimal() else _DIGITS.index(said)
    return at if at < many else None
