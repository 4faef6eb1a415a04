"""What was done, by whom and why: entries that nobody changes unnoticed.

Each entry is sealed (HMAC-SHA256) over its content, the digest of the entry before, and the head as it stood: the head
is one row with the last number and a seal of its own. The seals need a key that is not in the database, and the head's
seal is overwritten by the next, so whoever has the database alone can neither change, remove, reorder or add entries
nor cut off the last ones. Whoever also kept an old copy of the head can cut back to it: against that, number and digest
of each entry are logged, and `verify` takes one of those lines.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack

import structlog
from sqlalchemy import ColumnElement, Select, event, func, or_, select
from sqlalchemy.orm import Session

from core.vault import Unreadable, Vault
from knowledge.regions import inside
from staff.models import AuditHead, AuditRow

GENESIS = "0" * 64
KEYS = "keys.rotate"  # the entry that carries the keys of older entries, locked
_BATCH = 500
_PENDING = "audit pending"  # in a session: what is logged once it is committed

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Entry:
    """One act on record."""

    number: int
    at: datetime
    who: str
    act: str
    subject: str
    region: str
    why: str
    detail: dict[str, Any]
    previous: str
    digest: str


class Which(TypedDict, total=False):
    """Which entries are meant; all where nothing is given.

    `act` may be the beginning of one: "guide.", and so may `subject` by whole words: "guide:" finds every guide,
    "guide:1" that one, "hall:980100" every hall there. `since` counts, `until` does not. `regions`: those of these
    regions and inside them, and of none.
    """

    who: str
    act: str
    subject: str
    regions: Sequence[str]
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the record holds. `broken` is the number of the first entry that does not, and `told` says how."""

    count: int
    broken: int | None = None
    told: str = ""

    @property
    def ok(self) -> bool:
        return self.broken is None


class Audit:
    """The record, sealed with keys that come from the vault's."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._keys = vault.derive("audit")

    def record(
        self,
        session: Session,
        *,
        who: str,
        act: str,
        subject: str,
        region: str = "",
        why: str = "",
        detail: Mapping[str, Any] | None = None,
        at: datetime,
    ) -> None:
        """Write down an act in the caller's transaction, which others wait for from here on: record last.

        `act` is a dotted word, `subject` what it was done to, such as guide:12. `detail` is JSON; other values become
        text. No personal data belongs in it.
        """
        head = session.get(AuditHead, 1, with_for_update=True, populate_existing=True)
        assert head is not None, "migration 0004 makes it"
        content = {
            "number": head.number + 1, "at": at.astimezone(UTC), "who": _clean(who)[:100], "act": act[:40],
            "subject": _clean(subject)[:300], "region": region, "why": _clean(why), "detail": _plain(detail or {}),
            "previous": self._last(session, head.number),
        }  # fmt: skip
        digest = _digest(self._keys[0], content, head.digest)
        session.add(AuditRow(**content, digest=digest))
        head.number, head.digest = head.number + 1, _seal(self._keys[0], digest)
        session.flush()
        _log_committed(session, {"number": head.number, "act": act, "digest": digest})

    def rotated(self, session: Session, *, who: str, at: datetime) -> None:
        """Put the keys of all entries so far on record, locked with the newest: the older ones may then be left out."""
        keys = [base64.b64encode(key).decode() for key in self._every_key(session)]
        locked = [self._vault.lock(key) for key in keys]
        self.record(session, who=who, act=KEYS, subject="keys", detail={"keys": locked}, at=at)

    def verify(self, session: Session, *, known: tuple[int, str] | None = None) -> Verdict:
        """Whether every entry is there as it was written. `known` is the number and digest of a logged line."""
        # The newest before the head: what is written meanwhile then makes the head the higher one, never the lower.
        newest = session.scalar(select(func.max(AuditRow.number))) or 0
        head = session.get(AuditHead, 1, populate_existing=True)
        end = head.number if head else 0
        keys = self._every_key(session)
        last, seal, number = GENESIS, GENESIS, 0
        for entry in _stream(session, select(AuditRow).where(AuditRow.number <= end)):
            if entry.number != number + 1:
                return Verdict(number, number + 1, "这一条不见了")
            key = next((key for key in keys if hmac.compare_digest(_sealed(key, entry, seal), entry.digest)), None)
            if key is None or entry.previous != last:
                return Verdict(number, entry.number, "这一条或它前一条被改动过，或者缺少当时的密钥")
            if known and known[0] == entry.number and known[1] != entry.digest:
                return Verdict(number, entry.number, "这一条和日志里记下的不一样，记录被重新做过")
            last, seal, number = entry.digest, _seal(key, entry.digest), entry.number
        whole = head is not None and (head.number, head.digest) == (number, seal) and newest <= number
        if not whole or (known and known[0] > number):
            return Verdict(number, number + 1, "末尾的记录被删掉了，或者末尾的标记被改动过")
        return Verdict(number)

    def _last(self, session: Session, number: int) -> str:
        return session.scalar(select(AuditRow.digest).where(AuditRow.number == number)) or GENESIS

    def _every_key(self, session: Session) -> tuple[bytes, ...]:
        """Ours, the newest first, and those that were put on record when the vault's keys were changed."""
        found = dict.fromkeys(self._keys)
        for detail in session.scalars(select(AuditRow.detail).where(AuditRow.act == KEYS).order_by(AuditRow.number)):
            for locked in detail.get("keys", []):
                try:
                    found[base64.b64decode(self._vault.unlock(locked))] = None
                except Unreadable:  # under a key that is gone; a later change has put it under a newer one
                    continue
        return tuple(found)

    def entries(
        self,
        session: Session,
        *,
        before: int | None = None,
        limit: int = 50,
        **which: Unpack[Which],
    ) -> tuple[Entry, ...]:
        """The newest first, those numbered below `before`."""
        query = _chosen(**which)
        if before is not None:
            query = query.where(AuditRow.number < before)
        return tuple(_entry(row) for row in session.scalars(query.order_by(AuditRow.number.desc()).limit(limit)))

    def every(self, session: Session, **which: Unpack[Which]) -> Iterator[Entry]:
        """All of these, the oldest first, without holding them all: for `staff.exporting`."""
        return _stream(session, _chosen(**which))


def _chosen(
    *,
    who: str = "",
    act: str = "",
    subject: str = "",
    regions: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Select[Any]:
    query = select(AuditRow)
    if who:
        query = query.where(AuditRow.who == who)
    if act:
        query = query.where(AuditRow.act.startswith(act, autoescape=True))
    if subject:
        query = query.where(_about(subject))
    if since:
        query = query.where(AuditRow.at >= since)
    if until:
        query = query.where(AuditRow.at < until)
    if regions:
        query = query.where(or_(AuditRow.region == "", inside(AuditRow.region, regions)))
    return query


def _about(subject: str) -> ColumnElement[bool]:
    _, _, which = subject.partition(":")
    if not which:
        return AuditRow.subject.startswith(subject, autoescape=True)
    return or_(AuditRow.subject == subject, AuditRow.subject.startswith(f"{subject} ", autoescape=True))


def _stream(session: Session, query: Select[Any]) -> Iterator[Entry]:
    last = 0
    while True:
        here = query.where(AuditRow.number > last).order_by(AuditRow.number).limit(_BATCH)
        rows = session.scalars(here.execution_options(populate_existing=True)).all()
        if not rows:
            return
        last = rows[-1].number
        for row in rows:
            yield _entry(row)
            session.expunge(row)


def _entry(row: AuditRow) -> Entry:
    return Entry(
        row.number, row.at, row.who, row.act, row.subject, row.region, row.why, row.detail, row.previous, row.digest
    )


def _sealed(key: bytes, entry: Entry, head: str) -> str:
    content = {name: getattr(entry, name) for name in Entry.__slots__ if name != "digest"}
    return _digest(key, content, head)


def _digest(key: bytes, content: Mapping[str, Any], head: str) -> str:
    told = {**content, "at": content["at"].isoformat(), "head": head}
    canonical = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, canonical.encode(), hashlib.sha256).hexdigest()


def _seal(key: bytes, digest: str) -> str:
    """What the head shows after the entry of that digest."""
    return hmac.new(key, f"head {digest}".encode(), hashlib.sha256).hexdigest()


def _plain(value: Any) -> Any:
    """`value` as it comes back from either database; what JSON does not know, and decimals, as text."""
    if isinstance(value, Mapping):
        return {_clean(str(name)): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int) else _clean(str(value))


def _clean(text: str) -> str:
    # PostgreSQL takes neither.
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _log_committed(session: Session, line: dict[str, Any]) -> None:
    """Log the entry when it is committed, so that there is a trace of it outside of the database."""
    if _PENDING not in session.info:
        session.info[_PENDING] = []
        event.listen(session, "after_commit", _tell)
        event.listen(session, "after_rollback", _forget)
    session.info[_PENDING].append(line)


def _tell(session: Session) -> None:
    for line in session.info[_PENDING]:
        log.info("audit", **line)
    session.info[_PENDING].clear()


def _forget(session: Session) -> None:
    session.info[_PENDING].clear()
