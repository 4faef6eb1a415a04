"""What is told of a turn to whoever counts and keeps them: nothing in it says who asked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from core.types import Answer, Look

_KEY = 16  # random bytes: nobody rates a turn of others by guessing


@dataclass(frozen=True, slots=True)
class Observed:
    """One turn. `asked` is sealed text, empty where a choice was tapped; `key` is what the client rates it by."""

    key: str
    sender: str
    channel: str
    region: str
    asked: str
    choice: str
    path: str
    answers: tuple[Answer, ...]
    looks: tuple[Look, ...]
    seconds: float


def new_key() -> str:
    """An unguessable key of a turn: 22 of A-Za-z0-9_-."""
    return secrets.token_urlsafe(_KEY)
