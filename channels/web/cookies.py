"""Cookies that this site alone reads: no script, no other site's form and, over https, no sibling host can set or send one."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from channels.house import House


def read(request: Request, name: str) -> str:
    """What was kept; empty where nothing is."""
    return request.cookies.get(_named(request, name), "")


def keep(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """Have the browser keep `value`. `response` is the one that is sent."""
    secure = _secure(request)
    response.set_cookie(_named(request, name), value, max_age=seconds, secure=secure, httponly=True, samesite="lax")


def drop(request: Request, response: Response, name: str) -> None:
    """Have the browser forget it."""
    response.delete_cookie(_named(request, name), secure=_secure(request), httponly=True, samesite="lax")


def _named(request: Request, name: str) -> str:
    # Browsers take a name of this kind from the host itself alone, not from another host of its domain.
    return f"__Host-{name}" if _secure(request) else name


def _secure(request: Request) -> bool:
    return House.of(request).settings.public_url.startswith("https://")
