"""Calling the application's actions: one kept connection, one kept validator, event classes looked up once."""

from __future__ import annotations

import functools
from typing import Any

import aiohttp
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.events import Event
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

# Less than the 5 s after which uvicorn closes an idle connection, so that none is used while it is being closed.
KEEP_ALIVE = 3.0  # seconds
LONGEST_ACTION = 10.0  # seconds


class ActionEndpoint(EndpointConfig):
    """The action endpoint over one kept session; Rasa's own opens a connection a call.

    The domain is not sent along (selective_domain): our actions read none of it.
    """

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        super().__init__(url, headers=headers, enable_selective_domain=True)
        self._session: aiohttp.ClientSession | None = None

    async def request(self, method: str = "post", subpath: str | None = None, **kwargs: Any) -> Any:
        """The JSON answer of the action. Raises rasa.utils.endpoints.ClientResponseError for status 400 and above."""
        if self._session is None:  # made here because it needs the running loop
            self._session = aiohttp.ClientSession(
                headers=self.headers,
                connector=aiohttp.TCPConnector(keepalive_timeout=KEEP_ALIVE),
                timeout=aiohttp.ClientTimeout(total=LONGEST_ACTION),
            )
        async with self._session.request(method, self.url, json=kwargs.get("json")) as response:
            if response.status >= 400:
                raise ClientResponseError(response.status, response.reason, await response.text())
            return await response.json()

    async def close(self) -> None:
        """Close the kept connection."""
        if self._session is not None:
            await self._session.close()


def keep_one_validator() -> None:
    """Let Rasa check action answers by validators made now; it makes one, and checks the schema itself, every turn.

    Rasa's schema tries each event against every kind of event. The kinds exclude each other by name, so an event is
    checked against its own kind alone; an answer that fails so is checked by the whole schema, whose error is raised:
    jsonschema.ValidationError, as before.
    """
    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    whole = kind(schema)
    event = schema["properties"]["events"]["items"]
    common = {key: value for key, value in event.items() if key != "oneOf"}
    by_name = {one["properties"]["event"]["const"]: kind({"allOf": [common, one]}) for one in event["oneOf"]}
    assert len(by_name) == len(event["oneOf"])  # else one name would stand for two kinds
    responses = kind(schema["properties"]["responses"])

    def plainly_right(result: Any) -> bool:
        if not isinstance(result, dict) or not isinstance(result.get("events", []), list):
            return False
        kinds = [
            (by_name.get(one.get("event")) if isinstance(one, dict) else None, one) for one in result.get("events", [])
        ]
        right = all(own is not None and own.is_valid(one) for own, one in kinds)
        return right and responses.is_valid(result.get("responses", []))

    def validate(action: RemoteAction, result: Any) -> bool:
        error = None if plainly_right(result) else best_match(whole.iter_errors(result))
        if error is not None:
            error.message = f"the answer of action {action.name()} does not fit Rasa's schema"
            raise error
        return True

    RemoteAction._validate_action_result = validate


def remember_event_types() -> None:
    """Look each event's class up once; Rasa walks all subclasses again for every event it reads."""
    Event.resolve_by_type = staticmethod(functools.lru_cache(maxsize=None)(Event.resolve_by_type))
