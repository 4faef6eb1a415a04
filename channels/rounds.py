"""What is done without being asked: deliver notices, let appointments lapse, delete what is kept no longer, and errands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy.orm import Session, sessionmaker

from core.clock import CHINA
from desk import outbox, upkeep
from desk.outbox import Deliver
from journal.upkeep import forget

EVERY = 20.0  # seconds between deliveries
HANDS = 8  # notices delivered at once
JOURNAL_DAYS = 180  # that turns are kept

log = structlog.get_logger()


class Rounds:
    """A thread of its own. Several processes may go round at once: each notice is claimed by one of them."""

    def __init__(
        self,
        writing: sessionmaker[Session],
        channels: Mapping[str, Deliver],
        *,
        now: Callable[[], datetime],
        journal_days: int = JOURNAL_DAYS,
        errands: Sequence[Callable[[datetime], None]] = (),
    ) -> None:
        """`channels` deliver by the name that owners begin with; turns are kept for `journal_days`.

        Each of `errands` is run on every round.
        """
        self._writing, self._channels, self._now = writing, channels, now
        self._journal = timedelta(days=journal_days)
        self._errands = errands
        self._tidied: date | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="rounds", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being done."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def pushes(self, owner: str) -> bool:
        """Whether notices reach an owner by themselves; who booked on a page has to come and look."""
        return self._channels.get(owner.partition(":")[0], outbox.leave) is not outbox.leave

    def go(self) -> None:
        """One round. Upkeep once a day."""
        now = self._now()
        with self._writing.begin() as session:
            many = min(HANDS, outbox.due(session, self._channels, now))
        # Each hand claims what it delivers: a channel that waits for somebody else's server holds up but one of them.
        with ThreadPoolExecutor(HANDS, thread_name_prefix="deliver") as pool:
            hands = [pool.submit(outbox.deliver, self._writing, self._channels, now=self._now) for _ in range(many)]
        for hand in hands:
            hand.result()
        today = now.astimezone(CHINA).date()
        if today != self._tidied:
            with self._writing.begin() as session:
                lapsed, erased = upkeep.lapse(session, now=now), upkeep.erase(session, now=now)
            log.info("desk.tidied", lapsed=lapsed, erased=erased)
            log.info("journal.tidied", forgotten=forget(self._writing, before=now - self._journal))
            self._tidied = today
        for errand in self._errands:
            errand(now)

    def _go_on(self) -> None:
        while not self._over.wait(EVERY):
            try:
                self.go()
            except Exception as error:  # a database away for a while must not end the rounds
                log.warning("desk.round_failed", reason=type(error).__name__)
