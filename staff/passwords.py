"""Passwords: which ones are taken, how they are kept, and the one-time ones given to begin with.

Kept as Argon2id with the second profile of RFC 9106 (64 MiB, 3 passes, 4 lanes). What is taken follows NIST SP 800-63B:
length counts, what is easily guessed is refused, and no kinds of characters are asked for.
"""

from __future__ import annotations

import secrets
import threading
from functools import cache
from typing import TYPE_CHECKING

from core.errors import Invalid
from core.text import composed

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST = 10  # characters
MOST = 200
_FEW = 3  # characters that are different, at the least
_LETTERS = "abcdefghjkmnpqrstuvwxyz"  # i, l and o look like digits
_GROUPS = 4
_AT_ONCE = threading.BoundedSemaphore(4)  # 64 MiB each: many sign-ins together must not take all memory
_COMMON = frozenset(
    """
    0123456789 01234567890 0987654321 1234567890 12345678910 123456789a 1234567891 1123581321 1314520520 1q2w3e4r5t
    1q2w3e4r5t6y 1qaz2wsx3edc 5201314520 9876543210 a123456789 a1234567890 aa12345678 aa123456789 abc1234567 abc123456789
    abcd123456 abcd1234567 abcd12345678 abcde12345 abcdefghij admin12345 admin123456 admin1234567 administrator
    adminadmin asd123456789 asdf123456 asdfghjkl1 asdfghjkl123 bangban123 bangban1234 bangban123456 changeme123
    iloveyou123 letmein123 li123456789 monkey123456 p@ssw0rd123 p@ssword123 passw0rd123 password01 password12 password123
    password1234 password12345 password123456 q1w2e3r4t5 qaz123456789 qazwsxedc123 qazwsxedcrfv qq123456789 qwe123456789
    qwer123456 qwer12345678 qwert12345 qwerty1234 qwerty12345 qwerty123456 qwertyuiop qwertyuiop123 test123456
    wang123456 wang123456789 welcome123 woaini1314 woaini1314520 woaini520520 woaini521314 xiaoming123 zhang123456
    zhengwu123 zhengwu123456 zxcvbnm123 zxcvbnm12345
    """.split()
)


class WeakPassword(Invalid):
    """这个密码太容易猜到，请换一个。"""

    code = "weak_password"


def check(password: str, name: str) -> None:
    """Whether it may be the password of the account `name`. Raises WeakPassword, which says why not."""
    if not LEAST <= len(password) <= MOST:
        raise WeakPassword(f"密码至少 {LEAST} 个字符，最多 {MOST} 个。可以用几个不相干的词连起来，好记也难猜。")
    folded = _folded(password)
    if len(set(folded)) < _FEW:
        raise WeakPassword("密码不能只是一两个字符反复，请换一个。")
    if name.casefold() in folded:
        raise WeakPassword("密码里不要带登录名，请换一个。")
    if folded in _COMMON:
        raise WeakPassword("这个密码用的人太多，很容易猜到，请换一个。")


def one_time() -> str:
    """A password to begin with, readable aloud: four groups of four letters (72 bits)."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(_GROUPS))


def seal(password: str) -> str:
    """What is kept of a password. Takes a tenth of a second and 64 MiB on purpose."""
    with _AT_ONCE:
        return _hasher().hash(_normal(password))


def opens(kept: str | None, password: str) -> bool:
    """Whether it is the password of which `kept` was kept. Where none is kept, or it is too long for one, it takes as
    long, and is not."""
    from argon2.exceptions import InvalidHashError, VerificationError

    could_be = kept is not None and len(password) <= MOST
    with _AT_ONCE:
        try:
            return _hasher().verify(kept or _nobodys(), _normal(password[:MOST])) and could_be
        except (VerificationError, InvalidHashError):
            return False


def outdated(kept: str) -> bool:
    """Whether it was kept in a way that is no longer ours, so that the next sign-in should keep it anew."""
    return _hasher().check_needs_rehash(kept)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher, profiles

    return PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)


@cache
def _nobodys() -> str:
    """What opens for nobody, kept like the others."""
    return _hasher().hash(secrets.token_urlsafe())


def _normal(password: str) -> str:
    # The same key press gives other code points with another keyboard: full-width digits, composed letters.
    return composed(password, "NFKC").encode("utf-8", "replace").decode()


def _folded(password: str) -> str:
    return _normal(password).casefold()
