"""The choices offered: what they are called, and the ids by which they come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.types import Act, Answer, Choice, Facet
from index.search import Hit
from knowledge.changes import IndexedGuide
from knowledge.schema import Faq

HUMAN = "human"
_DIGITS = 9  # of a guide's id, which databases keep in 32 bits


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a choice's id says: one of a guide, a curated question and a person, or nothing known."""

    guide: int | None = None
    faq: str | None = None
    human: bool = False
    facets: tuple[Facet, ...] = ()


def read(choice: str) -> Chosen:
    """`guide:12:how+fee`, `faq:parking` or `human`; anything else says nothing, and unknown facets are left out."""
    kind, _, rest = choice.partition(":")
    name, _, asked = rest.partition(":")
    if kind == "guide" and name.isdecimal() and len(name) <= _DIGITS:
        known = [Facet(one) for one in asked.split("+") if one in set(Facet)]
        return Chosen(guide=int(name), facets=tuple(dict.fromkeys(known)))
    if kind == "faq":
        return Chosen(faq=name)
    return Chosen(human=kind == HUMAN)


def of_hit(hit: Hit, wanted: Sequence[Facet]) -> Choice:
    """What was found, as a choice."""
    if isinstance(hit.target, Faq):
        return Choice(f"faq:{hit.target.code}", hit.target.question)
    return of_guide(hit.target, wanted, hit.target.name)


def of_guide(guide: IndexedGuide, wanted: Sequence[Facet], label: str) -> Choice:
    """A guide as a choice; `wanted` is what it will then be asked."""
    return Choice(_id(guide.id, wanted), label, guide.ref)


def asking(choice: Choice, wanted: Sequence[Facet]) -> Choice:
    """The same choice, to be asked `wanted`."""
    return replace(choice, id=_id(choice.guide.id, wanted)) if choice.guide else choice


def offering(text: str, choices: Sequence[Choice], wanted: tuple[Facet, ...]) -> Answer:
    """A question with its choices; the text holds them too, numbered, for channels without buttons."""
    listed = "\n".join(f"{n}. {choice.label}" for n, choice in enumerate(choices, 1))
    return Answer(Act.CLARIFY, f"{text}\n\n{listed}", facets=wanted, choices=tuple(choices))


def _id(guide: int, wanted: Sequence[Facet]) -> str:
    return f"guide:{guide}:{'+'.join(wanted)}"
