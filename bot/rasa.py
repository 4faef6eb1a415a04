"""Rasa over HTTP: one question, one deadline, and a pause after failures so that nobody waits for a dead server."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import httpx
import structlog
from pydantic import ValidationError

from bot.assistant import Turn
from bot.conversation import TURN
from bot.dialogue import Dialogue

FAILURES = 3  # in a row, before Rasa is left alone for a while
PAUSE = 5.0  # seconds
WARM_UP = 30.0  # seconds

log = structlog.get_logger()


class Rasa:
    """A client of the channel in bot/runtime. `ready` is set by whoever knows; until then nothing is sent."""

    def __init__(self, url: str, token: str, *, deadline: float) -> None:
        """`deadline` in seconds bounds a turn, connecting included."""
        self.ready = False
        self._deadline = deadline
        self._failures = 0
        self._resume = 0.0
        self._token = token
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=deadline,
            headers={"Authorization": f"Bearer {token}"},
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=64),
            trust_env=False,
        )

    async def turn(self, sender: str, text: str, dialogue: Dialogue) -> Turn | None:
        """The turn as the action made it, or None: not ready, too late, crashed, or an empty list."""
        if not self.ready or time.monotonic() < self._resume:
            return None
        body = {"sender": sender, "message": text, "metadata": {"dialogue": dialogue.dump()}}
        try:
            # The client's own limits hold for each step; a server that answers drop by drop meets this one.
            async with asyncio.timeout(self._deadline):
                answer = await self._client.post("/webhooks/bangban/webhook", json=body)
            answer.raise_for_status()
            turn = _read(answer.json())
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            log.warning("rasa.turn_failed", reason=type(error).__name__)
            turn = None
        self._count(failed=turn is None)
        return turn

    async def loaded(self) -> bool:
        """Whether a model is loaded and answering."""
        try:
            answer = await self._client.get("/status", params={"token": self._token})
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    async def warm_up(self) -> None:
        """Have one turn made that nobody waits for: the first is slow, and no citizen should meet it."""
        body = {"sender": "warm-up", "message": "身份证怎么办"}
        with suppress(httpx.HTTPError):
            await self._client.post("/webhooks/bangban/webhook", json=body, timeout=WARM_UP)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _count(self, *, failed: bool) -> None:
        self._failures = self._failures + 1 if failed else 0
        if self._failures >= FAILURES:
            self._resume = time.monotonic() + PAUSE
            self._failures = 0


def _read(messages: Any) -> Turn | None:
    # Rasa answers an empty list when an action crashed: that is never an answer.
    for message in messages if isinstance(messages, list) else []:
        custom = message.get("custom") if isinstance(message, dict) else None
        if isinstance(custom, dict) and "turn" in custom:
            try:
                return TURN.validate_python(custom["turn"])
            except ValidationError:
                log.warning("rasa.turn_unreadable")
    return None
