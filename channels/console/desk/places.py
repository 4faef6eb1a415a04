"""Which hall and which day a page of the desk is about, and what the clerk may do there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query, Request

from channels.console.clerks import AtWork, Clerk
from channels.console.reach import read_day
from channels.house import House
from desk.halls import NoHall, published_hall
from knowledge.schema import Hall
from staff.permissions import Act


@dataclass(frozen=True, slots=True)
class Here:
    """A hall with who looks at it."""

    hall: Hall
    clerk: Clerk

    @property
    def key(self) -> str:
        """Region and name: how an address names it."""
        return f"{self.hall.region} {self.hall.name}"

    @property
    def manages(self) -> bool:
        """Whether the clerk may change its rules and hours."""
        return self.clerk.may(Act.MANAGE_DESK, self.hall.region)

    @property
    def serves(self) -> bool:
        """Whether the clerk may register who came."""
        return self.clerk.may(Act.SERVE_DESK, self.hall.region)

    def to(self, page: str, **query: object) -> str:
        """The address of one of its pages, such as day or rules, under /console."""
        named = {"hall": self.key} | {name: str(value) for name, value in query.items() if value}
        return f"/console/desk/{page}?{urlencode(named)}"

    def require(self, act: Act) -> None:
        """Raises Forbidden where the clerk may not do this at this hall."""
        self.clerk.require(act, self.hall.region)


def _here(request: Request, clerk: AtWork, hall: Annotated[str, Query(max_length=220)] = "") -> Here:
    """Raises NoHall, Forbidden."""
    region, _, name = hall.partition(" ")
    if not name:
        raise NoHall("没有这个大厅，请从大厅列表里选。")
    clerk.require(Act.READ_DESK, region)
    with House.of(request).reading() as session:
        return Here(published_hall(session, region, name), clerk)


def _day(request: Request, day: Annotated[str, Query(max_length=20)] = "") -> date:
    """The day named, or today. Raises Invalid."""
    return read_day(day.strip()) if day else House.of(request).today()


At = Annotated[Here, Depends(_here)]
OnDay = Annotated[date, Depends(_day)]
