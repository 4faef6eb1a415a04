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
    """Whether nobody has signed in with it yet by single sign-on."""
    return (account.subject or "").startswith(_WAITING)


def bind(session: Session, audit: Audit, subject: str, name: str, *, now: datetime) -> None:
    """Give the account that waits for `name` to `subject`, if there is one: enabled, and opened by no password.

    Whoever has an account already gets no second one.
    """
    try:
        account = accounts.find(session, accounts.normal(name))
    except BangbanError:  # no name that an account could have, or nobody's
        return
    if not account.enabled or account.has_password or account.subject != waiting(account.name):
        return
    try:
        accounts.link(session, account.id, subject)
    except accounts.SubjectTaken:
        return
    audit.record(
        session, who=account.name, act="account.bind", subject=f"account:{account.name}", region=account.region, at=now
    )
