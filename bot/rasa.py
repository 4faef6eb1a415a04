"""Rasa over HTTP: one question, one deadline, and a pause after failures so that nobody waits for a dead server."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import aiohttp
import structlog
from pydantic import ValidationError

from bot.conversation import TURN
from bot.dialogue import Dialogue, Turn
from core.vault import Unreadable, Vault

FAILURES = 3  # in a row, before Rasa is left alone for a while
PAUSE = 5.0  # seconds
WARM_UP = 30.0  # seconds
MOST = 8  # turns at once, which keep one process busy; where more come, waiting for Rasa would make all of them late
KEEP_ALIVE = 3.0  # seconds; less than the 5 s after which Rasa closes an idle connection

log = structlog.get_logger()


class Rasa:
    """A client of the channel in bot/runtime. `ready` is set by whoever knows; until then nothing is sent."""

    def __init__(self, url: str, token: str, vault: Vault, *, deadline: float) -> None:
        """`vault` unlocks the turns, which Rasa cannot read; `deadline` in seconds bounds one, connecting included."""
        self._vault = vault
        self.ready = False
        self._url, self._token, self._deadline = url.rstrip("/"), token, deadline
        self._failures = self._busy = 0
        self._resume = 0.0
        self._session: aiohttp.ClientSession | None = None

    async def turn(self, sender: str, text: str, dialogue: Dialogue) -> Turn | None:
        """The turn as the action made it, or None: not ready, busy, too late, crashed, or an empty list."""
        if not self.ready or self._busy >= MOST or time.monotonic() < self._resume:
            return None
        body = {"sender": sender, "message": text, "metadata": {"dialogue": dialogue.dump()}}
        self._busy += 1
        try:
            turn = self._read(await self._post(body, self._deadline))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            log.warning("rasa.turn_failed", reason=type(error).__name__)
            turn = None
        finally:
            self._busy -= 1
        self._count(failed=turn is None)
        return turn

    async def loaded(self) -> bool:
        """Whether a model is loaded and answering."""
        limit = aiohttp.ClientTimeout(total=self._deadline)
        try:
            async with self._open().get(f"{self._url}/status", params={"token": self._token}, timeout=limit) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def warm_up(self) -> None:
        """Have one turn made that nobody waits for: the first is slow, and no citizen should meet it."""
        with suppress(aiohttp.ClientError, TimeoutError, ValueError):
            await self._post({"sender": "warm-up", "message": "身份证怎么办"}, WARM_UP)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, body: dict[str, Any], seconds: float) -> Any:
        limit = aiohttp.ClientTimeout(total=seconds)
        url = f"{self._url}/webhooks/bangban/webhook"
        async with self._open().post(url, json=body, timeout=limit, raise_for_status=True) as answer:
            return await answer.json(content_type=None)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:  # made here because it needs the running loop
            connections = aiohttp.TCPConnector(limit=2 * MOST, keepalive_timeout=KEEP_ALIVE)
            headers = {"Authorization": f"Bearer {self._token}"}
            self._session = aiohttp.ClientSession(connector=connections, headers=headers)
        return self._session

    def _count(self, *, failed: bool) -> None:
        self._failures = self._failures + 1 if failed else 0
        if self._failures >= FAILURES:
            self._resume = time.monotonic() + PAUSE
            self._failures = 0

    def _read(self, messages: Any) -> Turn | None:
        # Rasa answers an empty list when an action crashed: that is never an answer.
        for message in messages if isinstance(messages, list) else []:
            custom = message.get("custom") if isinstance(message, dict) else None
            if isinstance(custom, dict) and "turn" in custom:
                try:
                    return TURN.validate_json(self._vault.unlock(str(custom["turn"])))
                except (ValidationError, Unreadable, UnicodeEncodeError):
                    log.warning("rasa.turn_unreadable")
        return None
