"""What clerks send: forms that prove they come from a page of ours, and files."""

from __future__ import annotations

import hmac
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from channels.console.clerks import AtWork, Clerk, SignedIn
from core.errors import Forbidden, Invalid

FIELDS = 5000  # more than the longest guide has
CHUNK = 1 << 20
KEEPING = "csrf"  # the field of the token
ENDING = re.compile(r"\.[a-z0-9]{1,8}")


class NotOurs(Forbidden):
    """这个页面打开太久或者来路不明，请返回刷新后再提交。"""

    code = "not_ours"


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it was sent: names may repeat, and the order stands."""

    pairs: tuple[tuple[str, str], ...]

    def get(self, name: str, otherwise: str = "") -> str:
        """The last value of that name."""
        return next((value for key, value in reversed(self.pairs) if key == name), otherwise)

    def all(self, name: str) -> list[str]:
        """All values of that name, in order."""
        return [value for key, value in self.pairs if key == name]

    def number(self, name: str) -> int:
        """A whole number. Raises Invalid."""
        value = self.get(name)
        if not (value.isascii() and value.isdecimal() and len(value) < 10):
            raise Invalid()
        return int(value)


@dataclass(frozen=True, slots=True)
class Upload:
    """A form with one file."""

    sent: Sent
    name: str
    path: Path


async def plain(request: Request) -> Sent:
    """A form without a check of who sent it, as at the sign-in; another site's is refused. Raises NotOurs, Invalid."""
    _same_site(request)
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Invalid()
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError as error:  # not UTF-8, or too many fields
        raise Invalid() from error
    return Sent(tuple((name, _clean(value)) for name, value in pairs))


async def _checked(sent: Annotated[Sent, Depends(plain)], clerk: SignedIn) -> Sent:
    return check(sent, clerk)


def check(sent: Sent, clerk: Clerk) -> Sent:
    """The same form, if its token is the clerk's own. Raises NotOurs."""
    if not hmac.compare_digest(sent.get(KEEPING).encode(), clerk.csrf.encode()):
        raise NotOurs()
    return sent


Posted = Annotated[Sent, Depends(_checked)]
Unchecked = Annotated[Sent, Depends(plain)]


async def _upload(request: Request, clerk: AtWork) -> Upload:
    """A form with a file, kept in a temporary folder until the answer is sent. Raises NotOurs, Invalid, TooLarge."""
    _same_site(request)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Invalid()
    try:
        # The shield counts what arrives; what is in memory is one part of it at a time.
        form = await request.form(max_files=1, max_fields=20)
    except (MultiPartException, HTTPException) as error:  # the latter where it is known which application asks
        raise Invalid("没有收到文件，请重新选择文件后再试。") from error
    pairs = tuple((name, _clean(value)) for name, value in form.multi_items() if isinstance(value, str))
    sent = check(Sent(pairs), clerk)
    file = next((value for value in form.values() if isinstance(value, UploadFile)), None)
    if file is None or not file.filename:
        raise Invalid("请先选择要上传的文件。")
    return Upload(sent, Path(_clean(file.filename)).name[:200], await _spooled(file))


async def _spooled(file: UploadFile) -> Path:
    ending = Path(file.filename or "").suffix.lower()
    ending = ending if ENDING.fullmatch(ending) else ""
    with tempfile.NamedTemporaryFile(prefix="bangban-", suffix=ending, delete=False) as kept:
        while part := await file.read(CHUNK):
            kept.write(part)
    return Path(kept.name)


Uploaded = Annotated[Upload, Depends(_upload)]


@contextmanager
def unlinked(upload: Upload) -> Iterator[Path]:
    """The file, gone afterwards."""
    try:
        yield upload.path
    finally:
        upload.path.unlink(missing_ok=True)


async def readable(request: Request) -> None:
    """Refuse an address with a character that no text has, and PostgreSQL does not take. Raises Invalid."""
    asked = (part for pair in request.query_params.multi_items() for part in pair)
    if any("\x00" in part for part in (request.scope["path"], *asked)):
        raise Invalid()


def _clean(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\x00", "").strip()


def _same_site(request: Request) -> None:
    """Refuse what another site has this browser send. Raises NotOurs."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise NotOurs()
    origin = request.headers.get("origin", "")
    if origin and origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
        raise NotOurs()
