"""The only place that asks what time it is. Rules take time as an argument."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The current moment, timezone-aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The current day in China, where opening hours and effective dates are meant."""
    return now().astimezone(CHINA).date()
