"""Accounts of the staff: made, changed, disabled. Nothing is deleted, since the record names them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import eq

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from core.errors import Conflict, Invalid, NotFound
from staff import grants as roles
from staff import passwords
from staff.models import AccountRow, SessionRow
from staff.permissions import Act, Grant, Role, Within, allowed

ONE_TIME = timedelta(days=7)  # after which a one-time password that was not used opens nothing
FIRST = "admin"
LONGEST_CALLED = 60
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,59}")


class NoAccount(NotFound):
    """没有这个账号。"""

    code = "no_account"


class NameTaken(Conflict):
    """这个登录名已经有人用了，请换一个。"""

    code = "name_taken"


class SubjectTaken(Conflict):
    """这个统一身份已经绑定了别的账号。"""

    code = "subject_taken"


class LastAdministrator(Conflict):
    """这样改以后，这里就没有能用的管理员了。请先另设一个管理员，再改这一个。"""

    code = "last_administrator"


class WrongPassword(Invalid):
    """现在的密码不对。"""

    code = "wrong_password"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who signs in. `must_change`: with a one-time password, which opens nothing but the change of it."""

    id: int
    name: str
    called: str
    enabled: bool
    must_change: bool
    has_password: bool
    subject: str | None
    locked_until: datetime | None
    made_at: datetime
    made_by: str
    signed_at: datetime | None
    grants: tuple[Grant, ...]

    @property
    def region(self) -> str:
        """Where the account's entries on record belong: the region of its first role, or none."""
        return self.grants[0].region if self.grants else ""


@dataclass(frozen=True, slots=True)
class OneTime:
    """A one-time password: what its owner is told, and what is kept of it."""

    told: str = field(repr=False)
    kept: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Renewed:
    """A change of password that was proved: what was kept of the old one, and what is to be kept of the new."""

    account: int
    was: str | None = field(repr=False)
    kept: str = field(repr=False)


# -- making --


def one_time() -> OneTime:
    """A fresh one. Takes a tenth of a second on purpose, for which nobody's writing should wait."""
    password = passwords.one_time()
    return OneTime(password, passwords.seal(password))


def make(
    session: Session,
    name: str,
    called: str,
    *,
    grants: Iterable[Grant],
    by: str,
    at: datetime,
    subject: str | None = None,
    once: OneTime | None = None,
) -> tuple[Account, str]:
    """A new account and its one-time password: `once`, or one made while others wait. With a `subject` of single
    sign-on it has none, and "" is returned.

    Raises NameTaken, SubjectTaken, Invalid.
    """
    name, called, grants = normal(name), _called(called), roles.checked(grants)
    given = None if subject else once or one_time()
    alone(session)
    if session.scalar(select(AccountRow.id).where(AccountRow.name == name)):
        raise NameTaken()
    _free(session, subject)
    row = AccountRow(
        name=name, called=called, password=given.kept if given else None, must_change=bool(given),
        password_until=at + ONE_TIME if given else None, subject=subject, enabled=True, failed=0, locked_until=None,
        made_at=at, made_by=by, signed_at=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    roles.write(session, row.id, grants)
    return _account(row, grants), given.told if given else ""


def first(session: Session, *, region: str, at: datetime) -> tuple[str, str] | None:
    """Name and one-time password of the first administrator, made where there is no account at all; else None.

    Of several processes that start at once one makes it.
    """
    if session.scalar(select(AccountRow.id).limit(1)):
        return None
    alone(session)
    if session.scalar(select(AccountRow.id).limit(1)):
        return None
    grants = (Grant(Role.ADMINISTRATOR, region),)
    account, password = make(session, FIRST, "管理员", grants=grants, by="首次启动", at=at)
    return account.name, password


# -- reading --


def read(session: Session, account_id: int) -> Account:
    """One account. Raises NoAccount."""
    row = session.get(AccountRow, account_id)
    if row is None:
        raise NoAccount()
    return _account(row, roles.read(session, [row.id]).get(row.id, ()))


def find(session: Session, name: str) -> Account:
    """The account of that name, however it is typed. Raises NoAccount."""
    row = named(session, name)
    if row is None:
        raise NoAccount()
    return read(session, row.id)


def every(session: Session) -> tuple[Account, ...]:
    """All accounts by name, the disabled ones too."""
    rows = session.scalars(select(AccountRow).order_by(AccountRow.name)).all()
    kept = roles.read(session, [row.id for row in rows])
    return tuple(_account(row, kept.get(row.id, ())) for row in rows)


# -- changing --


def set_grants(session: Session, account_id: int, grants: Iterable[Grant], *, within: Within = eq) -> Account:
    """Its roles in place of those it has. Raises NoAccount, LastAdministrator, Invalid.

    `within` says which region lies in which, so that who manages the whole may take over a part.
    """
    checked = roles.checked(grants)
    alone(session)
    row, before = _row(session, account_id), read(session, account_id)
    _still_managed(session, before, checked, within)
    roles.write(session, row.id, checked)
    return _account(row, checked)


def rename(session: Session, account_id: int, called: str) -> Account:
    """What people call them; the name they sign in with stays. Raises NoAccount, Invalid."""
    _row(session, account_id).called = _called(called)
    session.flush()
    return read(session, account_id)


def link(session: Session, account_id: int, subject: str | None) -> Account:
    """Who it is in single sign-on, or nobody. Raises NoAccount, SubjectTaken."""
    row = _row(session, account_id)
    if subject != row.subject:
        _free(session, subject)
    row.subject = subject or None
    session.flush()
    return read(session, account_id)


def enable(session: Session, account_id: int, enabled: bool, *, within: Within = eq) -> Account:
    """Let it sign in, or no more: that ends all its sessions. `within` as above. Raises NoAccount, LastAdministrator."""
    alone(session)
    row = _row(session, account_id)
    if not enabled:
        _still_managed(session, read(session, account_id), (), within)
        end_sessions(session, row.id)
    row.enabled = enabled
    session.flush()
    return read(session, account_id)


def reset(session: Session, account_id: int, *, at: datetime, once: OneTime | None = None) -> str:
    """A new one-time password, good for seven days: `once`, or one made while others wait. Unlocks the account and ends
    all its sessions. Raises NoAccount.
    """
    once = once or one_time()
    row = _row(session, account_id)
    row.password, row.must_change, row.password_until = once.kept, True, at + ONE_TIME
    row.failed, row.locked_until = 0, None
    session.flush()
    end_sessions(session, row.id)
    return once.told


def unlock(session: Session, account_id: int) -> None:
    """Let somebody try again who mistyped too often. Raises NoAccount."""
    row = _row(session, account_id)
    row.failed, row.locked_until = 0, None
    session.flush()


def change_password(session: Session, account_id: int, old: str, new: str, *, keep: str = "") -> None:
    """A password of their own choice: `renewed` and `renew` at once. Raises WrongPassword, WeakPassword, NoAccount."""
    renew(session, renewed(session, account_id, old, new), keep=keep)


def renewed(session: Session, account_id: int, old: str, new: str) -> Renewed:
    """The change to a password of their own choice, proved by the old one; it is not made yet.

    Takes some tenths of a second on purpose, for which nobody's writing should wait: `session` need not be a writing
    one. Wrong guesses are not counted here: the page limits them. Raises WrongPassword, WeakPassword, NoAccount.
    """
    row = session.get(AccountRow, account_id)
    if row is None:
        raise NoAccount()
    was = row.password
    passwords.check(new, row.name)
    if not passwords.opens(was, old):
        raise WrongPassword()
    if passwords.opens(was, new):
        raise passwords.WeakPassword("新密码和现在的一样，请换一个。")
    return Renewed(account_id, was, passwords.seal(new))


def renew(session: Session, change: Renewed, *, keep: str = "") -> None:
    """Make the change. Ends all sessions but the one whose digest is `keep`.

    Raises NoAccount, and WrongPassword where the old one is no longer the password.
    """
    row = _row(session, change.account)
    if row.password != change.was:
        raise WrongPassword()
    row.password, row.must_change, row.password_until = change.kept, False, None
    session.flush()
    end_sessions(session, row.id, keep=keep)


def end_sessions(session: Session, account_id: int, *, keep: str = "") -> None:
    """Sign it out everywhere, but where the session's digest is `keep`."""
    session.execute(delete(SessionRow).where(SessionRow.account == account_id, SessionRow.digest != keep))


def normal(name: str) -> str:
    """A name to sign in with as it is kept. Raises Invalid.

    Small Latin letters alone, so that no two look the same and none passes for another who is on record.
    """
    folded = name.strip().casefold()
    if not _NAME.fullmatch(folded):
        raise Invalid("登录名用 2 到 60 个小写字母、数字或 . _ @ -，以字母或数字开头，例如 wangfang。")
    return folded


def named(session: Session, name: str) -> AccountRow | None:
    """The row of that name, however it is typed. What can be nobody's name is not looked for. For this package."""
    folded = name.strip().casefold()
    return session.scalar(select(AccountRow).where(AccountRow.name == folded)) if _NAME.fullmatch(folded) else None


def alone(session: Session) -> None:
    """Let nobody else make or change accounts meanwhile. A writing transaction of SQLite is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        # Whoever has locked a row to change it is waited for here, and not when each holds what the other needs.
        session.execute(text("LOCK TABLE staff_accounts IN EXCLUSIVE MODE"))


# -- inside --


def _row(session: Session, account_id: int) -> AccountRow:
    """The row, which nobody else changes until the transaction ends. Raises NoAccount."""
    row = session.get(AccountRow, account_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NoAccount()
    return row


def _free(session: Session, subject: str | None) -> None:
    if subject and session.scalar(select(AccountRow.id).where(AccountRow.subject == subject)):
        raise SubjectTaken()


def _still_managed(session: Session, account: Account, kept: Iterable[Grant], within: Within) -> None:
    """Raises LastAdministrator where the account manages a region, and with the roles `kept` nobody enabled would."""
    places = [one.region for one in account.grants if roles.manages([one])] if account.enabled else []
    if not places:
        return
    others = [grant for one in every(session) if one.enabled and one.id != account.id for grant in one.grants]
    if not all(allowed([*kept, *others], Act.MANAGE_ACCOUNTS, place, None, within) for place in places):
        raise LastAdministrator()


def _called(called: str) -> str:
    called = " ".join(called.split())
    if not called or len(called) > LONGEST_CALLED or not called.isprintable():
        raise Invalid(f"姓名不能空着，最多 {LONGEST_CALLED} 个字。")
    return called


def _account(row: AccountRow, grants: tuple[Grant, ...]) -> Account:
    return Account(
        id=row.id, name=row.name, called=row.called, enabled=row.enabled, must_change=row.must_change,
        has_password=row.password is not None, subject=row.subject, locked_until=row.locked_until, made_at=row.made_at,
        made_by=row.made_by, signed_at=row.signed_at, grants=grants,
    )  # fmt: skip
