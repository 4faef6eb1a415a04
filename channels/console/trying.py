"""Questions tried out by clerks: each costs a search, so nobody tries without end."""

from __future__ import annotations

from fastapi import Depends, Request

from channels.console.clerks import AtWork
from channels.house import House
from channels.web import limits


async def _counted(request: Request, clerk: AtWork) -> None:
    if request.method == "POST" or request.query_params.get("ask"):
        await limits.trial(House.of(request), clerk.name)


TRIED = [Depends(_counted)]  # for a route by which a question is tried out. Raises TooMany
