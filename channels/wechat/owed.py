"""Answers owed: kept in the database, so that neither a restart nor a spent quota loses one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from channels.wechat.letters import Incoming, Outgoing
from channels.wechat.models import OwedRow
from core.vault import Unreadable, Vault

LEASE = timedelta(seconds=60)  # a late turn takes less; after it another process goes on with the message
KEPT = timedelta(days=7)  # an answer older than this helps nobody
RECENT = timedelta(minutes=15)  # a question older than this was asked again, or given up
MOST = 100  # messages taken up at once: after a long outage they would keep everybody else waiting


class Owed:
    """Each method is one transaction. Whatever of a citizen's is written here is locked."""

    def __init__(
        self,
        reading: sessionmaker[Session],
        writing: sessionmaker[Session],
        vault: Vault,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._reading, self._writing, self._vault, self._now = reading, writing, vault, now

    def begin(self, incoming: Incoming) -> None:
        """A message has been acknowledged before it is answered."""
        with self._writing.begin() as session:
            if session.get(OwedRow, incoming.key) is None:
                session.add(self._row(incoming.key, incoming.owner, incoming=self._vault.lock(incoming.dump())))

    def keep(self, owner: str, key: str, outgoing: Outgoing, *, until: datetime | None = None) -> None:
        """An answer could not be delivered: it goes out with the citizen's next message. The same key twice is one."""
        with self._writing.begin() as session:
            row = session.get(OwedRow, key)
            if row is None:
                row = self._row(key, owner)
                session.add(row)
            row.incoming, row.reply, row.given = None, self._vault.lock(outgoing.dump()), None
            row.until = until or self._now() + KEPT

    def settle(self, key: str) -> None:
        """It has been delivered."""
        with self._writing.begin() as session:
            session.execute(delete(OwedRow).where(OwedRow.key == key))

    def take(self, owner: str, by: str) -> dict[str, Outgoing]:
        """The answers kept for a citizen by their keys, the oldest first, to go out with the reply to the callback `by`.

        The same callback gets them again, however often it is tried; every other one gets what came since.
        """
        theirs = (OwedRow.owner == owner, OwedRow.reply.is_not(None))
        with self._reading() as session:  # nearly always there is nothing
            if session.scalars(select(OwedRow.key).where(*theirs).limit(1)).first() is None:
                return {}
        with self._writing.begin() as session:
            session.execute(delete(OwedRow).where(*theirs, OwedRow.given.is_not(None), OwedRow.given != by))
            waiting = (*theirs, OwedRow.until > self._now(), or_(OwedRow.given.is_(None), OwedRow.given == by))
            session.execute(update(OwedRow).where(*waiting).values(given=by))
            kept = session.scalars(select(OwedRow).where(*waiting).order_by(OwedRow.made_at, OwedRow.key)).all()
        return {row.key: Outgoing.load(reply) for row in kept if (reply := self._unlocked(row.reply))}

    def abandoned(self) -> tuple[Incoming, ...]:
        """Messages whose worker ended before it answered, the oldest first, at most MOST.

        They are the caller's until the lease is over again.
        """
        now = self._now()
        over = (OwedRow.reply.is_(None), OwedRow.lease_at <= now)
        with self._reading() as session:
            oldest = select(OwedRow.key).where(*over).order_by(OwedRow.made_at, OwedRow.key).limit(MOST)
            keys = session.scalars(oldest).all()
        return tuple(incoming for key in keys if (incoming := self._claimed(key, *over)))

    def forget(self, owner: str) -> None:
        """The citizen has left."""
        with self._writing.begin() as session:
            session.execute(delete(OwedRow).where(OwedRow.owner == owner))

    def sweep(self) -> None:
        """Delete what is too old to help anybody."""
        with self._reading() as session:
            old = OwedRow.until <= self._now()
            if session.scalars(select(OwedRow.key).where(old).limit(1)).first() is None:
                return
        with self._writing.begin() as session:
            session.execute(delete(OwedRow).where(old))

    def _claimed(self, key: str, *over: ColumnElement[bool]) -> Incoming | None:
        now = self._now()
        with self._writing.begin() as session:
            row = session.scalars(select(OwedRow).where(OwedRow.key == key, *over).with_for_update()).first()
            if row is None or row.incoming is None:
                return None
            incoming = self._read(row.incoming)
            if incoming is None or row.made_at + RECENT <= now:
                session.delete(row)
                return None
            row.lease_at = now + LEASE
        return incoming

    def _read(self, locked: str) -> Incoming | None:
        dumped = self._unlocked(locked)
        try:
            return Incoming.load(dumped) if dumped else None
        except ValidationError:  # written by another version
            return None

    def _row(self, key: str, owner: str, *, incoming: str | None = None) -> OwedRow:
        now = self._now()
        return OwedRow(key=key, owner=owner, incoming=incoming, made_at=now, lease_at=now + LEASE, until=now + KEPT)

    def _unlocked(self, locked: str | None) -> str | None:
        try:
            return self._vault.unlock(locked or "")
        except Unreadable:  # its key was left out: nobody can tell any more what it was
            return None
