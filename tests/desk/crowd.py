"""Many at once: threads let go together, here or, run as a module, in a process of its own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from core.database import engine, sessions
from core.vault import Vault
from desk import outbox
from desk.front import FrontDesk
from desk.outbox import Notice
from desk.people import Person
from tests.desk.conftest import Watch

ROOT = Path(__file__).parent.parent.parent


def rush(work: Callable[[int], object], numbers: Sequence[int]) -> Counter[str]:
    """Does `work` for each number, all let go at the same moment: how often each error came, by its name, or none."""
    together = threading.Barrier(len(numbers))

    def one(number: int) -> str:
        together.wait()
        try:
            work(number)
        except Exception as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(len(numbers)) as pool:
        return Counter(pool.map(one, numbers))


def somebody(number: int) -> Person:
    """A different person for each number below a hundred million."""
    return Person("张伟", f"138{number:08}")


def child(work: str, **given: object) -> subprocess.Popen[str]:
    """A process of its own that does `work` (a function of this module); it prints to its `stdout`."""
    command = [sys.executable, "-m", "tests.desk.crowd", work, json.dumps(given)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def desk_at(url: str, key: str) -> FrontDesk:
    """The desk on a database that is there already, at the time tests begin."""
    made = engine(url)
    return FrontDesk(sessions(made), sessions(made, writing=True), Vault([key]), now=Watch())


def crowd(url: str, key: str, guide: int, window: str, starts: str, first: int, many: int) -> None:
    """`many` persons, from number `first` on, come for one slot when a line is read; prints how they fared, as JSON."""
    desk, moment = desk_at(url, key), datetime.fromisoformat(starts)
    desk.offer(guide)  # connected before the others start
    print("ready", flush=True)
    sys.stdin.readline()

    def book(number: int) -> None:
        desk.book(guide, window, moment, somebody(number), owner=f"web:{number}", key="k")

    print(json.dumps(rush(book, range(first, first + many))), flush=True)


def book_on(url: str, key: str, guide: int, window: str, starts: list[str], first: int) -> None:
    """Books for one person after another, from number `first` on, in four threads; prints each number once it stands."""
    desk, moments = desk_at(url, key), [datetime.fromisoformat(one) for one in starts]

    def go_on(thread: int) -> None:
        for number in itertools.count(first + thread, 4):
            moment = moments[number % len(moments)]
            made = desk.book(guide, window, moment, somebody(number), owner=f"web:{number}", key="k", remind=True)
            os.write(1, f"{made.number}\n".encode())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(go_on, range(4)))


def deliver_and_hang(url: str, now: str) -> None:
    """Delivers, but its channel never comes back; prints the key of what it had sent by then."""

    def channel(notice: Notice) -> None:
        print(notice.key, flush=True)
        sys.stdin.readline()

    writing = sessions(engine(url), writing=True)
    outbox.deliver(writing, {"web": channel}, now=lambda: datetime.fromisoformat(now))


if __name__ == "__main__":
    globals()[sys.argv[1]](**json.loads(sys.argv[2]))
