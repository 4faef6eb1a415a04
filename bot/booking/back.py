"""上一步: the answer given last is open again."""

from __future__ import annotations

from dataclasses import replace

from bot.draft import WHENEVER, Draft, Step
from bot.private import Given
from bot.times import Wanted


def reopened(draft: Draft, person: Given, *, several_halls: bool) -> tuple[Draft, Given] | None:
    """The draft and its person without what was answered last; None at the first step."""
    match draft.step:
        case Step.CONFIRM if draft.moving:
            return draft.on(draft.day), person
        case Step.CONFIRM:
            return draft, Given(person.name)
        case Step.IDENTITY:
            return draft, replace(person, phone="")
        case Step.PHONE:
            return draft, Given()
        case Step.NAME:
            return replace(draft, wanted=Wanted(days=(draft.day,) if draft.day else ()), starts=None), person
        case Step.TIME:
            return replace(draft, wanted=WHENEVER, starts=None), person
        case Step.DAY if several_halls:
            return replace(draft, window="", wanted=WHENEVER), person
    return None
