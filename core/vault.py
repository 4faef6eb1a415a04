"""Locks personal data before it is written anywhere, with keys that can be changed while the house is open."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from core.errors import BangbanError, Invalid

KEPT = "secret.key"  # the file in `home`
_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")


class Unreadable(BangbanError):
    """这条记录的个人信息打不开，请联系管理员检查密钥设置。"""

    code = "unreadable"


class Vault:
    """Authenticated encryption (Fernet: AES-128-CBC with HMAC-SHA256) under one or several keys.

    The first key locks; all of them unlock. To change keys, put a new one first, run `bangban keys rotate`,
    and then leave the old one out.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys` are Fernet keys: 32 bytes in URL-safe base64. Raises Invalid for none and for malformed ones."""
        # The decoder stops at the padding: of two keys with no comma between, it would take the first in silence.
        if not keys or not all(_KEY.fullmatch(key) for key in keys):
            raise Invalid("BANGBAN_KEYS 不对：每把密钥是 44 个字符，用 bangban keys new 生成，多把用逗号隔开。")
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._keys = [key.encode() for key in keys]
        self._marking = [hashlib.sha256(b"bangban mark " + key.encode()).digest() for key in keys]

    def lock(self, text: str) -> str:
        """`text`, unreadable and unchangeable without a key; URL-safe characters only."""
        return self._fernet.encrypt(text.encode()).decode()

    def unlock(self, locked: str) -> str:
        """What was locked, under any of the keys. Raises Unreadable where it was changed or its key is gone."""
        try:
            return self._fernet.decrypt(locked.encode()).decode()
        except InvalidToken as error:
            raise Unreadable() from error

    def relock(self, locked: str) -> str:
        """The same under the first key. Raises Unreadable."""
        try:
            return self._fernet.rotate(locked.encode()).decode()
        except InvalidToken as error:
            raise Unreadable() from error

    def marks(self, text: str) -> tuple[str, ...]:
        """Names for `text` by which equal values are found again without being readable: one a key, the newest first."""
        return tuple(hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for key in self._marking)

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """Keys of 32 bytes for another `purpose`: one a key, the newest first. They tell nothing of ours."""
        return tuple(hmac.new(key, f"bangban {purpose}".encode(), hashlib.sha256).digest() for key in self._keys)


def new_key() -> str:
    """A fresh random key."""
    return Fernet.generate_key().decode()


def open_vault(keys: Sequence[str], home: Path) -> Vault:
    """The vault of the keys that are set; else of the key kept in `home`, which is made at the first start.

    Raises Invalid.
    """
    if not keys:
        _make(home / KEPT)
    found = find_vault(keys, home)
    assert found is not None
    return found


def find_vault(keys: Sequence[str], home: Path) -> Vault | None:
    """The same, but None where there is no key yet: nothing is made. Raises Invalid."""
    if keys:
        return Vault(keys)
    path = home / KEPT
    if not path.exists():
        return None
    try:
        return Vault([path.read_text().strip()])
    except (Invalid, UnicodeDecodeError) as error:
        raise Invalid(f"{path} 里的密钥不完整。请从备份恢复这个文件；没有它，已存的个人信息打不开。") from error


def _make(path: Path) -> None:
    """Keep a fresh key in `path`, readable by its owner only. Of several that start together one makes it."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: processes in two containers may well have the same id.
    handle, made = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(new_key())
        file.flush()
        os.fsync(handle)
    try:
        os.link(made, path)  # fails where another process was first, and then its key counts
    except FileExistsError:
        pass
    finally:
        os.unlink(made)
