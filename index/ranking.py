"""The weights and thresholds of ranking.yml, checked once when read."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

Score = Annotated[float, Field(ge=0, le=2)]


class Thresholds(BaseModel):
    """What a score means: how surely a text is meant, and how much a distance between two scores is worth."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exact: Score
    same: Score
    answer: Score
    suggest: Score
    near: Score
    tie: Score
    spread: Score
    mismatch: Score
    lean: Score
    group: Score

    @model_validator(mode="after")
    def _ordered(self) -> Thresholds:
        surest_first = ("exact", "same", "answer", "suggest", "near")
        for surer, less in pairwise(surest_first):
            if getattr(self, less) > getattr(self, surer):
                raise ValueError(f"{less} must not be above {surer}")
        return self


class Lexical(BaseModel):
    """The share of word matches in a score; `half` is the BM25 score that gives half of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: Score
    half: Annotated[float, Field(gt=0)]


class Known(BaseModel):
    """When an item without a guide is what was meant: so much nearer than the best guide, none of which is so alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    margin: Score
    alike: Score


class Ranking(BaseModel):
    """The whole of ranking.yml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidates: Annotated[int, Field(ge=10, le=1000)]
    wide: Annotated[int, Field(ge=10, le=100)]
    lexical: Lexical
    known: Known
    meaning: Thresholds
    words: Thresholds
    choices: Annotated[int, Field(ge=2, le=5)]


@cache
def ranking() -> Ranking:
    """The shipped ranking. Raises pydantic.ValidationError when the file is wrong."""
    text = (Path(__file__).parent / "ranking.yml").read_text("utf-8")
    return Ranking.model_validate(yaml.safe_load(text))
