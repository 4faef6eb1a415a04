"""The demonstration city's halls take appointments. Read once: what staff change afterwards stands."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import yaml
from sqlalchemy.orm import Session

from desk.halls import open_hall
from desk.rules import Rules
from knowledge.models import SeedDigest

SEEDS = Path(__file__).parent / "demo.yml"
NAME = "desk"


def load_demo(session: Session, *, at: datetime) -> None:
    """Open the halls of `demo.yml`, where that was never done."""
    if session.get(SeedDigest, NAME) is not None:
        return
    for entry in yaml.safe_load(SEEDS.read_text("utf-8")):
        open_hall(session, entry["region"], entry["name"], Rules.model_validate(entry["rules"]))
    session.add(SeedDigest(name=NAME, digest=hashlib.sha256(SEEDS.read_bytes()).hexdigest(), loaded_at=at))
    session.flush()
