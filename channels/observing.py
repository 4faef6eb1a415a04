"""What is made of each turn: counted for operators, and put into the journal for those who keep the knowledge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from bot.observing import Observed
from core.privacy import mask
from core.types import Act, Answer
from journal.turns import Entry, Outcome

LONGEST = 2000  # characters of a reply that are kept
# Whoever has the address of a slip has the appointment.
_SLIP = re.compile(r"\S*/book/slip/\S*")
_OUTCOMES: Mapping[Act, Outcome] = {
    Act.CLARIFY: Outcome.CLARIFIED,
    Act.REFUSE: Outcome.REFUSED,
    Act.HANDOFF: Outcome.HANDED,
    Act.TICKET: Outcome.HANDED,
    Act.BOOK: Outcome.BOOKED,
}


def entry(observed: Observed, at: datetime) -> Entry:
    """A turn as the journal keeps it: what was said back is masked and cut."""
    answers = observed.answers
    return Entry(
        key=observed.key,
        at=at,
        sender=observed.sender,
        channel=observed.channel,
        region=observed.region,
        asked=observed.asked,
        chosen=bool(observed.choice),
        path=observed.path,
        # What the guard ends is told a number, or refused on purpose: neither lacks an answer.
        outcome=Outcome.OTHER if observed.path == "guard" else _outcome(answers),
        guide=next((answer.guide.id for answer in answers if answer.guide), None),
        faq=next((answer.faq for answer in answers if answer.faq), None),
        reply=_said(answers),
        looks=observed.looks,
        ms=round(observed.seconds * 1000),
    )


def _outcome(answers: tuple[Answer, ...]) -> Outcome:
    """What came of a turn: by the first answer that decides it, a note beside it does not."""
    return next((found for answer in answers if (found := _outcome_of(answer)) is not Outcome.OTHER), Outcome.OTHER)


def _outcome_of(answer: Answer) -> Outcome:
    if answer.act is Act.ANSWER:
        return Outcome.ANSWERED if answer.guide or answer.faq else Outcome.OTHER
    return _OUTCOMES.get(answer.act, Outcome.OTHER)


def _said(answers: tuple[Answer, ...]) -> str:
    text = "\n\n".join(answer.text for answer in answers)
    return mask(_SLIP.sub("〔预约单〕", text))[:LONGEST]
