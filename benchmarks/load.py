"""Clients that take little of the processor they share with the servers: one kept connection each, no parsing."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

Send = Callable[["Client", str, str], bytes]


class Client:
    """One connection to a server on loopback."""

    def __init__(self, port: int, timeout: float = 30.0) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body. Raises OSError when nobody answers."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        """Status and body of a JSON request. Raises OSError when nobody answers."""
        return self._ask("POST", path, json.dumps(body).encode())

    def post_xml(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of a request with a document. Raises OSError when nobody answers."""
        return self._ask("POST", path, body, "text/xml")

    def _ask(self, method: str, path: str, body: bytes | None, sort: str = "application/json") -> tuple[int, bytes]:
        try:
            self._connection.request(method, path, body, {"Content-Type": sort} if body else {})
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            self._connection.close()
            raise ConnectionError(str(error)) from error
        except OSError:
            self._connection.close()
            raise


@dataclass(slots=True)
class Timed:
    """Seconds each turn took, the seconds all took together, and what went wrong."""

    each: list[float] = field(default_factory=list)
    whole: float = 0.0
    empty: int = 0

    def p(self, percent: float) -> float:
        """A percentile in milliseconds."""
        return float(np.percentile(self.each, percent)) * 1000

    @property
    def per_second(self) -> float:
        """Turns a second."""
        return len(self.each) / self.whole

    def add(self, other: Timed) -> None:
        """Take in another round."""
        self.each += other.each
        self.whole += other.whole
        self.empty += other.empty


def talk(
    port: int, conversations: Sequence[Sequence[str]], send: Send, *, clients: int, turns: int, mark: str
) -> Timed:
    """Hold conversations with `clients` at once until `turns` turns are done in all; sessions are named after `mark`."""
    taken = iter(range(10**9))
    lock = threading.Lock()
    timed = Timed()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with Client(port) as client:
                while (number := next(taken)) * len(conversations[0]) < turns and not failed:
                    for text in conversations[number % len(conversations)]:
                        began = time.perf_counter()
                        body = send(client, f"bench-{mark}-{number}", text)
                        spent = time.perf_counter() - began
                        with lock:
                            timed.each.append(spent)
                            timed.empty += len(body) < 40  # an empty list of messages
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    timed.whole = time.perf_counter() - began
    if failed:
        raise failed[0]
    return timed


def to_application(client: Client, session: str, text: str) -> bytes:
    """One turn with Bangban."""
    status, body = client.post("/api/chat", {"session": session, "text": text})
    if status != 200:
        raise ConnectionError(f"/api/chat gave {status}: {body[:200]!r}")
    return body


def to_rasa(client: Client, session: str, text: str) -> bytes:
    """One turn with Rasa's own REST channel."""
    status, body = client.post("/webhooks/rest/webhook", {"sender": session, "message": text})
    if status != 200:
        raise ConnectionError(f"Rasa's webhook gave {status}: {body[:200]!r}")
    return body
