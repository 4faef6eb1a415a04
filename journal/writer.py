"""Keeps turns without making anybody wait: a queue, and a thread that writes what is in it together."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import exc, insert, select, update
from sqlalchemy.orm import Session, sessionmaker

from core.privacy import seal
from journal.models import TurnRow
from journal.rephrasing import mark
from journal.turns import Entry, row_of

ROOM = 10_000  # turns and ratings that may wait
BATCH = 200  # written in one transaction
PAUSE = 0.5  # seconds that a turn waits for others at most
AWAY = 5.0  # seconds between tries at most while the database is away
PATIENCE = 10.0  # seconds that stopping waits for what is left to be written
WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds until a rating looks again for its turn: another process may still hold it
COMMENT = 500  # characters of a comment that are kept
# Where the database is at fault, not what is written.
UNREACHABLE = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)

log = structlog.get_logger()


@dataclass(slots=True)
class _Rating:
    key: str
    sender: str
    useful: bool
    comment: str
    tries: int = 0
    due: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Mark:
    """Put behind what is to be written before somebody goes on."""

    passed: threading.Event = field(default_factory=threading.Event)


class Writer:
    """Put turns and ratings from any thread; `start` before, `stop` after."""

    def __init__(self, writing: sessionmaker[Session]) -> None:
        self._writing = writing
        self._queue: queue.Queue[Entry | _Rating | _Mark] = queue.Queue(ROOM)
        self._later: list[_Rating] = []
        self._over, self._last = threading.Event(), _Mark()
        self._counting = threading.Lock()
        self._dropped = 0
        self._thread = threading.Thread(target=self._go_on, name="journal", daemon=True)

    @property
    def dropped(self) -> int:
        """Turns and ratings that were lost since the start: the queue was full, or the database refused them."""
        return self._dropped

    @property
    def waiting(self) -> int:
        """Turns and ratings not yet written, about."""
        return self._queue.qsize()

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is waiting is written, or given up where the database is away."""
        self._over.set()
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._queue.put(self._last, timeout=PATIENCE)
            self._thread.join(PATIENCE)

    def put(self, entry: Entry) -> None:
        """Keep a turn, soon."""
        self._put(entry)

    def rate(self, key: str, sender: str, useful: bool, comment: str = "") -> None:
        """Note whether a turn helped its own sender; of a turn that is not theirs nothing is noted. The last one holds."""
        self._put(_Rating(key, sender, useful, seal(comment.strip()[:COMMENT])))

    def flush(self, timeout: float = PATIENCE) -> bool:
        """Wait until all that was put before is written; whether it was within `timeout` seconds."""
        mark = _Mark()
        try:
            self._queue.put(mark, timeout=timeout)
        except queue.Full:
            return False
        return mark.passed.wait(timeout)

    def _put(self, one: Entry | _Rating) -> None:
        try:
            self._queue.put_nowait(one)
        except queue.Full:
            self._lose(1)

    def _lose(self, many: int) -> None:
        with self._counting:
            self._dropped += many

    # -- the thread --

    def _go_on(self) -> None:
        marks: list[_Mark] = []
        while self._last not in marks:
            batch, marks = self._gather()
            if batch and not self._persist(batch):
                self._lose(len(batch))
            for one in marks:
                one.passed.set()

    def _gather(self) -> tuple[list[Entry | _Rating], list[_Mark]]:
        """What came within a pause, and the ratings whose time has come; at once where somebody waits for it."""
        batch: list[Entry | _Rating] = []
        marks: list[_Mark] = []
        until = time.monotonic() + PAUSE
        while len(batch) < BATCH and not marks and (left := until - time.monotonic()) > 0:
            try:
                one = self._queue.get(timeout=left)
            except queue.Empty:
                break
            if isinstance(one, _Mark):
                marks.append(one)
            else:
                batch.append(one)
        now = time.monotonic()
        due = [one for one in self._later if one.due <= now]
        self._later = [one for one in self._later if one.due > now]
        return [*batch, *due], marks

    def _persist(self, batch: Sequence[Entry | _Rating]) -> bool:
        """Write `batch`, waiting for a database that is away; False where it stays away until the end."""
        wait = PAUSE
        while True:
            try:
                self._write(batch)
                return True
            except UNREACHABLE as error:
                log.warning("journal.waits", reason=type(error).__name__, many=len(batch))
                if self._over.is_set():
                    return False
                self._over.wait(wait)
                wait = min(2 * wait, AWAY)
            except Exception as error:  # whatever is wrong with one turn, the thread goes on
                if len(batch) == 1:
                    log.error("journal.refused", reason=type(error).__name__)
                    return False
                # One of them is refused: it must not take the others with it.
                for one in batch:
                    if not self._persist([one]):
                        self._lose(1)
                return True

    def _write(self, batch: Sequence[Entry | _Rating]) -> None:
        turns = sorted((one for one in batch if isinstance(one, Entry)), key=lambda one: one.at)
        missed: list[_Rating] = []
        with self._writing.begin() as session:
            if fresh := _unknown(session, turns):
                session.execute(insert(TurnRow), [row_of(one) for one in fresh])
                mark(session, fresh)
            for rating in (one for one in batch if isinstance(one, _Rating)):
                if not _rate(session, rating):
                    missed.append(rating)
        self._postpone(missed)

    def _postpone(self, ratings: Sequence[_Rating]) -> None:
        for one in ratings:
            if one.tries < len(WAITS):
                one.due = time.monotonic() + WAITS[one.tries]
                one.tries += 1
                self._later.append(one)


def _unknown(session: Session, turns: Sequence[Entry]) -> list[Entry]:
    """Those not kept yet: a connection may break after the transaction and before its answer."""
    known = (
        set(session.scalars(select(TurnRow.key).where(TurnRow.key.in_([one.key for one in turns])))) if turns else ()
    )
    return [one for one in turns if one.key not in known]


def _rate(session: Session, rating: _Rating) -> bool:
    found = update(TurnRow).where(TurnRow.key == rating.key, TurnRow.sender == rating.sender)
    values = {"useful": int(rating.useful)} | ({"comment": rating.comment} if rating.comment else {})
    return session.execute(found.values(**values)).rowcount == 1  # type: ignore[attr-defined]
