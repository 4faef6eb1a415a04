"""Keeps a search index in step with the database: one cheap look at the revision, then only what changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from index.search import SearchIndex
from knowledge import changes, revisions
from knowledge.models import Revision

log = structlog.get_logger()
_PAGE = 5_000  # guides taken in at a time


class Sync:
    """Follows the truth in a thread of its own. Each process runs one; nothing is pushed, so nothing can be missed."""

    def __init__(
        self,
        index: SearchIndex,
        reading: sessionmaker[Session],
        writing: sessionmaker[Session],
        *,
        today: Callable[[], date],
        poll: float,
    ) -> None:
        self._index, self._reading, self._writing = index, reading, writing
        self._today, self._poll = today, poll
        self._seen = 0
        self._rolled: date | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="index-sync", daemon=True)

    @property
    def revision(self) -> int:
        """The newest revision that search answers from."""
        return self._seen

    def catch_up(self) -> None:
        """Take in all that changed; encoding may still be due. Raises what the database raises."""
        if self._rolled != self._today():
            with self._writing.begin() as session:
                revisions.roll(session, self._today())
            self._rolled = self._today()
        with self._reading() as session:
            while changes.revision(session) > self._seen:
                # A process whose clock is ahead may have turned the day, and it is turned only once for all.
                day = max(self._today(), session.scalar(select(Revision.rolled_on)) or date.min)
                found = changes.changed_since(session, self._seen, today=day, limit=_PAGE)
                self._index.apply(found)
                self._seen = found.revision
                session.rollback()  # the next look must see newer commits

    def start(self) -> None:
        """Catch up now, then follow until `stop`."""
        self.catch_up()
        self._thread.start()

    def stop(self) -> None:
        """End following; returns when the thread has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                self.catch_up()
                while (self._index.encode_some() or self._index.learn_some()) and not self._stop.is_set():
                    self.catch_up()
            except Exception:
                log.exception("index.sync_failed")  # the next look tries again; search answers from what it has
            self._stop.wait(self._poll)
