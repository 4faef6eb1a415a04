"""Logging that cannot carry what a citizen wrote.

Rasa logs exceptions of actions with their message, and the message of a refused answer holds that answer; structlog
events carry message texts as values. Only event names, levels, exception types and code positions are let through.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from typing import Any

import jieba
import structlog

TOKEN = re.compile(r"(token=)[^&\s'\"]+")
SANIC_LOGGERS = ("sanic.root", "sanic.error", "sanic.access")


class DiscreetFormatter(logging.Formatter):
    """One line a record, then exception types and positions without their messages."""

    def formatException(self, ei: Any) -> str:
        lines = []
        error = ei[1]
        while error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
            lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-6:]]
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n".join(lines)

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None
        return TOKEN.sub(r"\1***", super().format(record))


def only_event(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Drop all values of an event except its name and the exception."""
    return {key: event[key] for key in ("event", "exc_info") if key in event}


def configure(level: int = logging.INFO) -> None:
    """Set up the standard library's and structlog's logging to stdout. Call again after the Sanic app was made."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(DiscreetFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("rasa").setLevel(level)
    logging.getLogger("bangban_rasa").setLevel(level)
    jieba.setLogLevel(logging.WARNING)
    jieba.default_logger.handlers.clear()
    for name in SANIC_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.ERROR)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, only_event, structlog.stdlib.render_to_log_kwargs],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
