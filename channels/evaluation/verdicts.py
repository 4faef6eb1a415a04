"""What a reply is worth, held against what was expected of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from channels.evaluation.sets import Emergency, Expected, Question
from core.text import normalise
from core.types import Act, Answer, Choice, Facet

_CURATED = re.compile(r"常见问题《(.+)》$")
_DISTRICT = re.compile(r"(yq-.+)-(?:sf|zx|ml)")  # the demonstration city: one matter, three districts

Curated = Mapping[str, str]  # a curated question -> its code


class Verdict(StrEnum):
    """What became of an answerable question."""

    RIGHT = "right"  # answered with a guide that is meant
    CHOICE = "choice"  # asked back, and the guide meant can be chosen
    MISSED = "missed"  # asked back without it
    WRONG = "wrong"  # answered with something else
    REFUSED = "refused"  # said that nothing fits
    ASIDE = "aside"  # no guide and no refusal: a telephone line, a greeting


class Outcome(StrEnum):
    """What became of an unanswerable question."""

    ANSWERED = "answered"  # with a guide or a curated question, which is wrong
    ASKED = "asked"  # guides were offered to choose from
    REFUSED = "refused"  # anything that claims no guide


@dataclass(frozen=True, slots=True)
class Complete:
    """Whether a right answer tells what was asked, and every fact it should."""

    facet: bool
    facts: bool


def verdict(said: Answer, question: Question, curated: Curated) -> Verdict:
    """What `said` is worth as the answer to `question`."""
    meant = {matter(code) for code in question.guides}
    if said.act is Act.REFUSE:
        return Verdict.REFUSED
    if said.act is Act.CLARIFY:
        if not fitting(said, question):
            return Verdict.MISSED
        # Only the district is open: what is meant was understood.
        named = {one.guide.name for one in said.choices if one.guide}
        same = all(matter(_code(one)) in meant for one in said.choices)
        return Verdict.RIGHT if same and len(named) == 1 and len(said.choices) > 1 else Verdict.CHOICE
    told = answered(said, curated)
    if told is None:
        return Verdict.WRONG if said.act is Act.ANSWER else Verdict.ASIDE
    return Verdict.RIGHT if matter(told) in meant else Verdict.WRONG


def answered(said: Answer, curated: Curated) -> str | None:
    """The code of the guide or curated question that `said` tells."""
    if said.guide:
        return said.guide.local_code
    found = _CURATED.search(said.text) if said.act is Act.ANSWER else None
    return curated.get(found[1]) if found else None


def fitting(said: Answer, question: Question) -> Choice | None:
    """The first choice offered that is meant."""
    meant = {matter(code) for code in question.guides}
    return next((one for one in said.choices if matter(_code(one)) in meant), None)


def complete(said: Answer, question: Question) -> Complete:
    """Whether `said` tells the facet and the facts asked for. An overview tells how."""
    text = told(said)
    return Complete(tells(said, question.facet), all(squeezed(fact) in text for fact in question.facts))


def tells(said: Answer, facet: str) -> bool:
    """Whether `said` answers for `facet`."""
    return not facet or facet in said.facets or (facet == Facet.HOW and not said.facets)


def outcome(said: Answer) -> Outcome:
    """What became of an unanswerable question."""
    if said.act is Act.ANSWER or (said.act is Act.BOOK and said.guide):
        return Outcome.ANSWERED
    offered = any(_code(one) for one in said.choices)
    return Outcome.ASKED if said.act is Act.CLARIFY and offered else Outcome.REFUSED


def called(said: Answer, emergency: Emergency) -> bool:
    """Whether the right number is told, or none where none is needed."""
    if not emergency.call:
        return said.act is not Act.EMERGENCY
    return said.act is Act.EMERGENCY and any(number in told(said) for number in emergency.call.split("/"))


def failings(said: Sequence[Answer], expected: Expected) -> list[str]:
    """What is not as expected of a turn, in words; empty when all is."""
    first, text = said[0], "".join(map(told, said))
    found = [f"act {first.act}"] if first.act not in expected.acts else []
    if expected.guides and not expected.guides & _named(first):
        found.append(f"guide {first.guide.name if first.guide else 'none'}")
    if expected.facet and not tells(first, expected.facet):
        found.append(f"facets {'+'.join(first.facets) or 'none'}")
    found += [f"lacks {one}" for one in expected.contains if squeezed(one) not in text]
    return found + [f"holds {one}" for one in expected.lacks if squeezed(one) in text]


def told(said: Answer) -> str:
    """All that is said, normalised and without spaces."""
    return squeezed("\n".join((said.text, *(f"{fact.label}：{fact.value}" for fact in said.facts))))


def squeezed(text: str) -> str:
    """`text` normalised and without spaces, so that layout decides nothing."""
    return re.sub(r"\s", "", normalise(text))


def matter(code: str) -> str:
    """A local code without the district of the demonstration city."""
    district = _DISTRICT.fullmatch(code)
    return district[1] if district else code


def _named(said: Answer) -> set[str]:
    if said.act is Act.CLARIFY:
        return {_code(one) for one in said.choices}
    return {said.guide.local_code} if said.guide else set()


def _code(choice: Choice) -> str:
    """The code a choice stands for; empty for a person to speak to."""
    if choice.guide:
        return choice.guide.local_code
    kind, _, code = choice.id.partition(":")
    return code if kind == "faq" else ""
