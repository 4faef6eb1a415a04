"""Signing in and out. A browser holds a token; of it the database knows the digest alone."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session, sessionmaker

from core.errors import Unauthorized
from staff import accounts, passwords
from staff.accounts import Account
from staff.audit import Audit
from staff.models import AccountRow, SessionRow

TRIES = 5  # wrong passwords in a row that lock an account
LOCKED = timedelta(minutes=15)
IDLE = timedelta(minutes=60)
SEEN = timedelta(minutes=1)  # how exactly it is written down when a session was used last
NOBODY = "（没有这个账号）"

Writing = sessionmaker[Session]


class WrongSignIn(Unauthorized):
    """登录名或密码不对，请检查后再试。"""

    code = "wrong_sign_in"


class UnknownName(WrongSignIn):
    """登录名或密码不对，请检查后再试。"""  # told in no other words: only the door may know


class PasswordExpired(Unauthorized):
    """这个一次性密码已经过期，请找管理员重置。"""

    code = "password_expired"


class NotInvited(Unauthorized):
    """您的身份已经核实，但还没有开通这里的账号，请联系管理员。"""

    code = "not_invited"


class LockedOut(Unauthorized):
    """密码连续输错，账号暂时锁定。"""

    code = "locked_out"

    def __init__(self, left: timedelta) -> None:
        minutes = max(1, -(-int(left.total_seconds()) // 60))
        super().__init__(f"密码连续输错 {TRIES} 次，账号已锁定。请过 {minutes} 分钟再试，或者请管理员重置密码。")


@dataclass(frozen=True, slots=True)
class Signed:
    """Who holds a token. `csrf` is what their forms must bring back; it is derived from the token and not stored."""

    account: Account
    digest: str
    csrf: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A browser that is signed in."""

    digest: str
    made_at: datetime
    seen_at: datetime
    until: datetime
    address: str
    agent: str


def sign_in(
    writing: Writing,
    audit: Audit,
    name: str,
    password: str,
    *,
    address: str,
    agent: str,
    now: datetime,
    hours: int,
    locked: timedelta | None = None,
    known: bool = False,
) -> tuple[str, Account]:
    """The token for the cookie, good for `hours`, and whose it is. What happened goes on record.

    Makes its own transactions: a wrong password must be counted although this raises, and nobody's writing may wait for
    the tenth of a second that a password takes. Raises WrongSignIn in the same words and time for an unknown name, a
    disabled account and a wrong password; LockedOut after five wrong ones in a row; PasswordExpired. For a name that
    opens nothing it is UnknownName: whoever calls this counts those, and says with `locked` how long such a name is to
    seem locked, so that locking tells nobody which names there are. In a browser that is `known` (see `devices`) whoever
    calls this counts all; the lock that strangers brought about is neither asked for nor touched.
    """
    browser = _Browser(address, agent, now, hours, known)
    with writing.begin() as session:
        row = accounts.named(session, name)
        if row and row.enabled:
            _refuse_locked(row, browser)
        elif locked:
            raise LockedOut(locked)
        kept = row.password if row and row.enabled else None
    opens = passwords.opens(kept, password)
    renewed = passwords.seal(password) if opens and kept and passwords.outdated(kept) else kept
    with writing.begin() as session:
        row = session.get(AccountRow, row.id, with_for_update=True, populate_existing=True) if row else None
        problem = _problem(session, audit, row, kept, opens, browser)
        if row is not None and problem is None:
            row.password = renewed
            return _open(session, audit, row, "password", browser)
    assert problem is not None
    raise problem


def sign_in_by(
    writing: Writing, audit: Audit, subject: str, *, address: str, agent: str, now: datetime, hours: int
) -> tuple[str, Account]:
    """The same for whom single sign-on has proved to be `subject`. A one-time password not used by then is dropped.

    Raises NotInvited where no enabled account is theirs.
    """
    browser = _Browser(address, agent, now, hours)
    with writing.begin() as session:
        query = select(AccountRow).where(AccountRow.subject == subject, AccountRow.enabled)
        row = session.scalar(query.with_for_update()) if subject else None
        if row is not None:
            if row.must_change:
                row.password, row.must_change, row.password_until = None, False, None
            return _open(session, audit, row, "oidc", browser)
        _record(session, audit, None, "sign.failed", browser, by="oidc")
    raise NotInvited()


def who(session: Session, token: str, *, now: datetime) -> Signed | None:
    """Whose token it is; None where it is unknown, was not used for an hour, is past its hours, or the account is disabled.

    Writes down at most once a minute that it was used, so the session must be a writing one; see `recognise`.
    """
    row = _valid(session, token, now)
    if row is None:
        return None
    if now - row.seen_at >= SEEN:
        row.seen_at = now
        session.flush()
    return _signed(session, row, token)


def recognise(reading: Writing, writing: Writing, token: str, *, now: datetime) -> Signed | None:
    """The same without a writing transaction but once a minute: a page that is only read waits for nobody's writing."""
    with reading() as session:
        row = _valid(session, token, now)
        if row is None:
            return None
        if now - row.seen_at < SEEN:
            return _signed(session, row, token)
    with writing.begin() as session:
        return who(session, token, now=now)


def sign_out(session: Session, token: str) -> None:
    """End the session of this token."""
    session.execute(delete(SessionRow).where(SessionRow.digest == digest_of(token)))


def sign_out_everywhere(session: Session, account_id: int) -> None:
    """End all sessions of the account."""
    accounts.end_sessions(session, account_id)


def sessions(session: Session, account_id: int, *, now: datetime) -> tuple[Opened, ...]:
    """Where the account is signed in, the last used first."""
    here = (SessionRow.account == account_id, SessionRow.until > now, SessionRow.seen_at > now - IDLE)
    rows = session.scalars(select(SessionRow).where(*here).order_by(SessionRow.seen_at.desc(), SessionRow.digest))
    return tuple(Opened(one.digest, one.made_at, one.seen_at, one.until, one.address, one.agent) for one in rows)


def digest_of(token: str) -> str:
    """By which the database knows a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


# -- inside --


@dataclass(frozen=True, slots=True)
class _Browser:
    address: str
    agent: str
    now: datetime
    hours: int
    known: bool = False


def _problem(
    session: Session, audit: Audit, row: AccountRow | None, kept: str | None, opens: bool, browser: _Browser
) -> Unauthorized | None:
    """Why the account is not opened, counted and on record. Raises LockedOut where it was locked since we looked."""
    if row is None or not row.enabled or row.password != kept:  # disabled or reset meanwhile
        _record(session, audit, row, "sign.failed", browser)
        return WrongSignIn() if row and row.enabled else UnknownName()
    _refuse_locked(row, browser)
    if not opens:
        return _failed(session, audit, row, browser)
    if row.password_until and row.password_until <= browser.now:
        _record(session, audit, row, "sign.failed", browser, expired=True)
        return PasswordExpired()
    return None


def _refuse_locked(row: AccountRow, browser: _Browser) -> None:
    if row.locked_until and row.locked_until > browser.now and not browser.known:
        raise LockedOut(row.locked_until - browser.now)


def _failed(session: Session, audit: Audit, row: AccountRow, browser: _Browser) -> Unauthorized:
    row.failed += not browser.known
    if browser.known or row.failed < TRIES:
        _record(session, audit, row, "sign.failed", browser)
        return WrongSignIn()
    row.failed, row.locked_until = 0, browser.now + LOCKED
    _record(session, audit, row, "sign.locked", browser)
    return LockedOut(LOCKED)


def _open(session: Session, audit: Audit, row: AccountRow, by: str, browser: _Browser) -> tuple[str, Account]:
    now = browser.now
    row.signed_at = now
    if not browser.known:
        row.failed, row.locked_until = 0, None
    session.execute(delete(SessionRow).where(or_(SessionRow.until <= now, SessionRow.seen_at <= now - IDLE)))
    token = secrets.token_urlsafe(32)
    until, agent = now + timedelta(hours=browser.hours), browser.agent.replace("\x00", "")[:200]
    opened = SessionRow(digest=digest_of(token), account=row.id, made_at=now, seen_at=now, until=until)
    opened.address, opened.agent = browser.address[:45], agent
    session.add(opened)
    session.flush()
    _record(session, audit, row, "sign.in", browser, by=by)
    return token, accounts.read(session, row.id)


def _record(
    session: Session, audit: Audit, row: AccountRow | None, act: str, browser: _Browser, **detail: object
) -> None:
    # A name that nobody has is not written down: it may well be a password in the wrong field.
    account = accounts.read(session, row.id) if row else None
    name, region = (account.name, account.region) if account else ("", "")
    told = {"address": browser.address, **detail}
    audit.record(
        session, who=name or NOBODY, act=act, subject=f"account:{name}", region=region, detail=told, at=browser.now
    )


def _valid(session: Session, token: str, now: datetime) -> SessionRow | None:
    row = session.get(SessionRow, digest_of(token)) if token else None
    return row if row and row.until > now and now - row.seen_at < IDLE else None


def _signed(session: Session, row: SessionRow, token: str) -> Signed | None:
    account = accounts.read(session, row.account)
    csrf = hmac.new(token.encode(), b"bangban csrf", hashlib.sha256).hexdigest()
    return Signed(account, row.digest, csrf) if account.enabled else None
