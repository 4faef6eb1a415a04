"""Accounts for single sign-on alone: an administrator enters the name, and who first signs in by it has the account.

Until then the account's subject says that it waits for that name. A real subject begins with the issuer's address, so
none can pass for a waiting one. Who may have which name is the issuer's word: it must not let people choose theirs.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from core.errors import BangbanError
from staff import accounts
from staff.accounts import Account
from staff.audit import Audit

_WAITING = "invited "


def waiting(name: str) -> str:
    """The subject of an account that waits for whoever the issuer calls `name`. Raises Invalid."""
    return _WAITING + accounts.normal(name)


def waits(account: Account) -> bool:
    """Whether it goes to the first who signs in by single sign-on: nobody has, nor has chosen a password for it."""
    owned = account.has_password and not account.must_change
    return (account.subject or "").startswith(_WAITING) and not owned


def signs_on(account: Account) -> bool:
    """Whether single sign-on opens it, or will."""
    return waits(account) or not (account.subject or _WAITING).startswith(_WAITING)


def bind(session: Session, audit: Audit, subject: str, name: str, *, now: datetime) -> None:
    """Give the account that waits for `name` to `subject`, if there is one: enabled, and nobody's by a password of
    their own. A one-time password that was not used opens nothing afterwards: see `signing.sign_in_by`.

    Whoever has an account already gets no second one.
    """
    try:
        account = accounts.find(session, accounts.normal(name))
    except BangbanError:  # no name that an account could have, or nobody's
        return
    if not (account.enabled and waits(account)):
        return
    try:
        accounts.link(session, account.id, subject)
    except accounts.SubjectTaken:
        return
    audit.record(
        session, who=account.name, act="account.bind", subject=f"account:{account.name}", region=account.region, at=now
    )
