"""What clients send: bodies of calls, and forms of pages with what is said back about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict

from core.errors import Invalid

FIELDS = 20  # more than any form here has


class Body(BaseModel):
    """A body of a request: nothing unknown in it."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was filled in, and what is wrong with it: a message by the name of the field."""

    values: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    def with_problems(self, problems: Mapping[str, str]) -> Filled:
        """The same values with what is wrong."""
        return Filled(self.values, problems)


async def _read(request: Request) -> Filled:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Invalid()
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError as error:  # not UTF-8, or too many fields
        raise Invalid() from error
    return Filled({name: value.strip() for name, value in pairs})


Form = Annotated[Filled, Depends(_read)]
