"""The one way in: POST /webhooks/bangban/webhook {"sender", "message", "metadata"?} -> the messages, as a JSON list."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, json

logger = logging.getLogger(__name__)

LONGEST_SENDER = 128
LONGEST_MESSAGE = 4_000  # characters; the application's own cap is lower


class BangbanInput(InputChannel):
    """Answers callers who hold the token. Texts are never logged."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    @classmethod
    def name(cls) -> str:
        return "bangban"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The channel's routes. 401 without the token, 400 for a malformed body, 500 when the turn failed."""
        routes = Blueprint("bangban_channel")

        @routes.post("/webhook")
        async def receive(request: Request) -> HTTPResponse:
            if not self._allowed(request):
                return json({"error": "unauthorized"}, status=401)
            message = self._message(request)
            if message is None:
                return json({"error": "malformed"}, status=400)
            try:
                await on_new_message(message)
            except Exception:
                logger.exception("turn failed")
                return json({"error": "turn failed"}, status=500)
            return json(message.output_channel.messages)

        return routes

    def _allowed(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), self._expected)

    def _message(self, request: Request) -> UserMessage | None:
        try:
            body = request.json
        except Exception:  # Sanic's own error for a body that is no JSON would quote it
            return None
        if not isinstance(body, dict):
            return None
        sender, text, metadata = body.get("sender"), body.get("message"), body.get("metadata")
        if not (isinstance(sender, str) and 0 < len(sender) <= LONGEST_SENDER):
            return None
        if not (isinstance(text, str) and len(text) <= LONGEST_MESSAGE):
            return None
        if not (metadata is None or isinstance(metadata, dict)):
            return None
        # Rasa takes a leading slash as a command that names an intent.
        text = text.lstrip("/ \t\r\n\u3000")
        if not text:
            return None
        return UserMessage(text, CollectingOutputChannel(), sender, input_channel=self.name(), metadata=metadata)
