"""Rasa's HTTP server as Bangban runs it: loopback, token, our channel, bounded memory, discreet logs."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass
from pathlib import Path

from rasa.core.agent import load_agent
from rasa.core.run import close_resources, configure_app
from rasa.core.utils import AvailableEndpoints
from sanic import Sanic

from bangban_rasa import logs
from bangban_rasa.actions import ActionEndpoint, keep_one_validator, remember_event_types
from bangban_rasa.channel import BangbanInput
from bangban_rasa.classifier import stack_features_once
from bangban_rasa.graph import run_in_order
from bangban_rasa.trackers import BoundedTrackerStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """What one run of the server needs. Tokens stay in memory: no credentials or endpoints file is written."""

    model: Path
    actions_url: str
    token: str
    actions_token: str
    sessions: int
    idle_seconds: float

    def __repr__(self) -> str:
        return f"Settings(model={self.model})"


def application(settings: Settings) -> Sanic:
    """The Sanic application. It loads the model when it starts, and raises RuntimeError then if it cannot."""
    logs.configure()
    keep_one_validator()
    remember_event_types()
    stack_features_once()
    run_in_order()
    actions = ActionEndpoint(settings.actions_url, settings.actions_token)
    endpoints = AvailableEndpoints(
        action=actions,
        tracker_store=BoundedTrackerStore(sessions=settings.sessions, idle_seconds=settings.idle_seconds),
    )
    app = configure_app(
        [BangbanInput(settings.token)],
        cors=None,
        auth_token=settings.token,
        enable_api=True,
        endpoints=endpoints,
    )
    logs.configure()  # Sanic has put its own handlers in place

    async def load(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        app.ctx.agent = await load_agent(str(settings.model), endpoints=endpoints, loop=loop)
        if not app.ctx.agent.is_ready():
            raise RuntimeError(f"the model {settings.model} could not be loaded")
        await app.ctx.agent.parse_message("你好")  # jieba reads its dictionary at the first text
        logger.info("ready")

    async def close(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        await actions.close()
        await close_resources(app, loop)

    app.register_listener(load, "before_server_start")
    app.register_listener(close, "after_server_stop")
    return app


def run(settings: Settings, listener: socket.socket) -> None:
    """Serve on `listener` until SIGTERM or SIGINT."""
    application(settings).run(sock=listener, workers=1, access_log=False, debug=False)
