"""A line to the platform for checks alone: every answer counts, and errors most of all."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from core.settings import WeChatAccount

TIMEOUT = 10.0  # seconds an answer may take


@dataclass(frozen=True, slots=True)
class Told:
    """What the platform answered. `code` is 0 where all is well, and None where it was not reached or said no JSON."""

    code: int | None
    message: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None  # by its clock


class Probe:
    """Asks with a token of its own, which ends no other: stable_token hands the same one to all."""

    def __init__(self, base: str, account: WeChatAccount) -> None:
        self._account, self._token = account, ""
        self._http = httpx.Client(base_url=base.rstrip("/"), timeout=TIMEOUT)

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def sign_in(self) -> Told:
        """Fetch the token that the other questions need."""
        account = self._account
        told = self._ask(
            "POST",
            "/cgi-bin/stable_token",
            {"grant_type": "client_credential", "appid": account.appid, "secret": account.secret},
        )
        self._token = str(told.data.get("access_token", ""))
        return told if self._token or told.code else Told(None, at=told.at)

    def get(self, path: str) -> Told:
        """Ask for something."""
        return self._ask("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> Told:
        """Ask for something to be done."""
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Told:
        query = {"access_token": self._token} if self._token else {}
        try:
            answer = self._http.request(method, path, params=query, json=body)
            data = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):  # what they say holds the address with its token
            return Told(None)
        if not answer.is_success or not isinstance(data, dict):
            return Told(None)
        return Told(int(data.get("errcode") or 0), str(data.get("errmsg", "")), data, _date(answer))


def _date(answer: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return None
