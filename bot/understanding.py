"""What a message wants, from Rasa's intent or, when Rasa is away, from its words alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bot import facets
from core.types import Facet
from knowledge.schema import Audience

SURE = 0.45  # confidence from which Rasa's facet is believed beside the words


class Wish(StrEnum):
    """What a citizen does; the names are Rasa's intents."""

    ASK = "ask"
    GREET = "greet"
    THANKS = "thanks"
    BYE = "bye"
    CORRECT = "correct"
    HUMAN = "human"
    BOOK = "book"
    COMPLAINT = "complaint"
    OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True, slots=True)
class Understanding:
    """A wish, the facets asked of a guide, and for whom where it was said."""

    wish: Wish
    facets: tuple[Facet, ...] = ()
    audience: Audience | None = None


# Surest first.
_BY_WORDS = (Wish.HUMAN, Wish.BOOK, Wish.CORRECT, Wish.GREET, Wish.BYE, Wish.THANKS, Wish.OUT_OF_SCOPE)
_INTENTS = frozenset((*Facet, *Wish, "situation", "choose"))
_COMPANY = re.compile(r"公司|企业|单位|法人|对公|工厂|厂里|店里")
_PERSON = re.compile(r"个人|自己|本人|我家|俺家|私人")
_NOT_FOR = re.compile(r"不是[^，。]{0,8}")  # 是公司的，不是个人的
_AUDIENCES = {"企业": Audience.COMPANY, "公司": Audience.COMPANY, "个人": Audience.PERSON}


def from_words(text: str) -> Understanding:
    """Understand `text` by its words alone."""
    asked = facets.recognise(text)
    if Facet.COMPLAINT in asked:
        return Understanding(Wish.COMPLAINT, _other(asked), audience(text))
    wish = next((wish for wish, shown, unless in _acts() if shown.search(text) and not unless.search(text)), Wish.ASK)
    return Understanding(wish, asked, audience(text))


def from_rasa(text: str, intent: str, confidence: float, entities: Sequence[Mapping[str, Any]]) -> Understanding:
    """Understand `text` by Rasa's intent; its words add further facets, and serve alone where Rasa is unsure."""
    if confidence < SURE or intent not in _INTENTS:
        return from_words(text)
    said = next((_AUDIENCES.get(str(one.get("value"))) for one in entities if one.get("entity") == "audience"), None)
    asked = _other(facets.recognise(text))
    if intent in set(Facet) and Facet(intent) is not Facet.COMPLAINT and Facet(intent) not in asked:
        asked = (Facet(intent), *asked)
    return Understanding(Wish(intent) if intent in set(Wish) else Wish.ASK, asked, said or audience(text))


def about(wish: Wish, text: str) -> str:
    """`text` without the words of the wish itself: 结婚登记 of 预约结婚登记, nothing of 转人工."""
    if wish is Wish.COMPLAINT:
        return facets.without(Facet.COMPLAINT, text)
    shown = next((shown for one, shown, _ in _acts() if one is wish), None)
    return shown.sub(" ", text) if shown else text


def _other(asked: tuple[Facet, ...]) -> tuple[Facet, ...]:
    return tuple(facet for facet in asked if facet is not Facet.COMPLAINT)


@cache
def _acts() -> tuple[tuple[Wish, re.Pattern[str], re.Pattern[str]], ...]:
    read = yaml.safe_load((Path(__file__).parent / "acts.yml").read_text("utf-8"))
    return tuple(
        (wish, re.compile("|".join(read[wish]["patterns"])), re.compile("|".join(read[wish].get("not") or ["(?!)"])))
        for wish in _BY_WORDS
    )


def audience(text: str) -> Audience | None:
    """For whom, where exactly one of company and person is named."""
    meant = _NOT_FOR.sub("", text)
    text = meant if meant.strip("，。 ") else text
    company, person = bool(_COMPANY.search(text)), bool(_PERSON.search(text))
    if company == person:
        return None
    return Audience.COMPANY if company else Audience.PERSON
