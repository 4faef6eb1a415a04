"""Browsers in which somebody signed in before: a name that strangers keep locked stays open there."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from sqlalchemy.orm import Session

from staff import accounts
from staff.models import AccountRow


def token(session: Session, key: bytes, account_id: int) -> str:
    """What a browser keeps that has just signed in. It is good until the password changes. Raises NoAccount."""
    row = session.get(AccountRow, account_id)
    if row is None:
        raise accounts.NoAccount()
    nonce = secrets.token_urlsafe(16)
    return f"{nonce}.{_seal(key, nonce, row)}"


def knows(session: Session, keys: Sequence[bytes], shown: str, name: str) -> bool:
    """Whether what a browser shows is of the account of that name, with the password that it has."""
    row = accounts.named(session, name)
    nonce, _, seal = shown.partition(".")
    if row is None or row.password is None:
        return False
    return any(hmac.compare_digest(seal.encode(), _seal(key, nonce, row).encode()) for key in keys)


def _seal(key: bytes, nonce: str, row: AccountRow) -> str:
    return hmac.new(key, f"{nonce} {row.id} {row.password}".encode(), hashlib.sha256).hexdigest()
