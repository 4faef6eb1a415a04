"""What operators watch, in Prometheus form. Counts and times only: no text, no session."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

TIMES = (0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)  # seconds


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers = Counter(
            "bangban_answers",
            "Messages to citizens by act and by who made them",
            ["act", "path"],
            registry=self.registry,
        )
        self._callbacks = Counter(
            "bangban_wechat_callbacks",
            "WeChat callbacks by what became of them",
            ["outcome"],
            registry=self.registry,
        )
        self._turns = Histogram(
            "bangban_turn_seconds", "Seconds a chat turn took", buckets=TIMES, registry=self.registry
        )

    def answered(self, act: str, path: str) -> None:
        """Count one message: `path` is rasa, direct, choice or guard."""
        self._answers.labels(str(act), path).inc()

    def called(self, outcome: str) -> None:
        """Count one WeChat callback: answered, silent (nothing is said now), refused or failed."""
        self._callbacks.labels(outcome).inc()

    def turn(self) -> AbstractContextManager[object]:
        """Times the turn inside it."""
        return self._turns.time()

    def watch(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """Export `bangban_<name>`, read at each scrape."""
        Gauge(f"bangban_{name}", help_text, registry=self.registry).set_function(value)

    def page(self) -> bytes:
        """The exposition in Prometheus' text format."""
        return generate_latest(self.registry)
