"""Who calls for the staff: the name beside the token that is shown."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

from channels.house import House
from channels.web import limits
from core.errors import Unauthorized


class BadToken(Unauthorized):
    """口令不对。请在请求头里带上 Authorization: Bearer 口令。"""


async def clerk_of(request: Request) -> str:
    """Who calls: the name beside the token. Raises BadToken, TooManyTries.

    A right token is never refused, whatever others at the same network address try.
    """
    known = [one.partition(":") for one in House.of(request).settings.staff_tokens]
    return await bearer_of(request, {name: token for name, _, token in known})


async def bearer_of(request: Request, tokens: Mapping[str, str]) -> str:
    """Whose token is shown, of `tokens` by name. Raises BadToken, TooManyTries."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = _digest(token if scheme.lower() == "bearer" else "")
    # All are compared, each in the same time, so that the time tells nothing.
    names = [name for name, token in tokens.items() if hmac.compare_digest(given, _digest(token))]
    if not names:
        await limits.wrong_token(House.of(request), request)
        raise BadToken()
    return names[0]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


Clerk = Annotated[str, Depends(clerk_of)]
