"""Curated questions: written, switched on and off, and what they said before. Callers own the transaction."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import CHINA
from core.errors import Conflict, Invalid, NotFound
from core.privacy import sorts
from core.text import normalise
from knowledge.documents import document, storable
from knowledge.models import FaqRow, FaqVersion
from knowledge.publishing import Change
from knowledge.regions import inside
from knowledge.revisions import lock, next_revision
from knowledge.schema import Faq

QUESTION, ANSWER = 200, 2000  # characters at most
VARIANTS = 50


class FaqMissing(NotFound):
    """没有这条常见问题，可能已被删除。"""

    code = "faq_missing"


class Outdated(Conflict):
    """这条常见问题刚刚被别人改过，请对照后再保存。"""

    code = "faq_outdated"

    def __init__(self, theirs: Curated) -> None:
        super().__init__()
        self.theirs = theirs


@dataclass(frozen=True, slots=True)
class Curated:
    """A curated question with its place in the record: by whom it was written, when and why."""

    faq: Faq
    version: int
    at: datetime
    by: str
    why: str


def write(session: Session, faq: Faq, *, by: str, at: datetime, why: str = "", version: int | None = None) -> Change:
    """Write a curated question by its code, live at once; SAME writes nothing.

    `version` is the one its writer has seen, 0 for a new question: raises Outdated where another stands.
    Raises Invalid where it cannot be shown to citizens.
    """
    faq = _checked(faq)
    lock(session)
    row = session.get(FaqRow, faq.code, populate_existing=True)
    content = document(faq)
    if row is not None and row.content == content:
        return Change.SAME
    if row is None and version:
        raise FaqMissing()
    if row is not None and version not in (None, row.version):
        raise Outdated(_now(row))
    # Switching one off must always be possible.
    if faq.enabled or row is None or _asked(faq) != _asked(_now(row).faq):
        _check_nobody_named(faq)
    values = {"region": faq.region, "content": content, "enabled": faq.enabled, "updated_by": by, "why": why}
    values |= {"revision": next_revision(session), "updated_at": at}
    if row is None:
        session.add(FaqRow(code=faq.code, version=1, **values))
    else:
        session.add(_archived(row))
        for name, value in values.items():
            setattr(row, name, value)
        row.version += 1
    session.flush()
    return Change.NEW if row is None else Change.CHANGED


def switch(session: Session, code: str, enabled: bool, *, by: str, at: datetime, why: str = "") -> Change:
    """Show a curated question to citizens, or no longer. Raises FaqMissing."""
    lock(session)
    stored = read(session, code)
    if stored is None:
        raise FaqMissing()
    return write(session, stored.faq.model_copy(update={"enabled": enabled}), by=by, at=at, why=why)


def read(session: Session, code: str) -> Curated | None:
    """A curated question as it stands, disabled ones included."""
    row = session.get(FaqRow, code)
    return _now(row) if row else None


def every(
    session: Session, *, regions: Iterable[str] | None = None, text: str = "", enabled: bool | None = None
) -> tuple[Curated, ...]:
    """Those of the regions given and all inside them, the latest first; of all regions where none are given.

    `text` is looked for in the code, the question, its variants and the answer.
    """
    query = select(FaqRow).order_by(FaqRow.updated_at.desc(), FaqRow.code)
    if regions is not None:
        query = query.where(inside(FaqRow.region, regions))
    if enabled is not None:
        query = query.where(FaqRow.enabled == enabled)
    wanted = _plain(text)
    found = (_now(row) for row in session.scalars(query))
    return tuple(one for one in found if any(wanted in _plain(words) for words in _words(one.faq)))


def history(session: Session, code: str) -> tuple[Curated, ...]:
    """Every version, oldest first, the current one last. Empty where there is no such question."""
    row = session.get(FaqRow, code)
    if row is None:
        return ()
    query = select(FaqVersion).where(FaqVersion.code == code).order_by(FaqVersion.version)
    past = (
        Curated(Faq.model_validate(old.document), old.version, old.at, old.by, old.why)
        for old in session.scalars(query)
    )
    return (*past, _now(row))


def new_code(session: Session, region: str, at: datetime) -> str:
    """A code nobody has yet, such as wd-980100-20261015-1: region, day and number of the day."""
    stem = f"wd-{region}-{at.astimezone(CHINA):%Y%m%d}-"
    taken = session.scalars(select(FaqRow.code).where(FaqRow.code.startswith(stem, autoescape=True)))
    numbers = [int(rest) for code in taken if (rest := code.removeprefix(stem)).isdecimal()]
    return f"{stem}{max(numbers, default=0) + 1}"


def _checked(faq: Faq) -> Faq:
    question, answer = normalise(faq.question), storable(faq.answer).strip()
    if not question or not normalise(answer):
        raise Invalid("问题和回答都要填写。")
    if len(answer) > ANSWER:
        raise Invalid(f"回答太长，最多 {ANSWER} 个字，现有 {len(answer)} 个字。")
    variants = _distinct(faq.variants, question)
    if max(len(one) for one in (question, *variants)) > QUESTION:
        raise Invalid(f"问题和其他问法最多 {QUESTION} 个字。")
    if len(variants) > VARIANTS:
        raise Invalid(f"其他问法太多，最多 {VARIANTS} 条，现有 {len(variants)} 条。")
    return faq.model_copy(update={"question": question, "answer": answer, "variants": variants})


def _check_nobody_named(faq: Faq) -> None:
    if found := sorts(*_asked(faq)):
        raise Invalid(f"问题或者其他问法里有{found}，请去掉群众的个人信息再保存。")


def _distinct(variants: Iterable[str], question: str) -> list[str]:
    """Without those that say the same but for signs and case, which search does not tell apart."""
    kept = {_plain(question): ""}
    for variant in map(normalise, variants):
        if _plain(variant):
            kept.setdefault(_plain(variant), variant)
    return [variant for variant in kept.values() if variant]


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", normalise(text)).casefold()


def _asked(faq: Faq) -> tuple[str, ...]:
    return (faq.question, *faq.variants)


def _words(faq: Faq) -> tuple[str, ...]:
    return (faq.code, *_asked(faq), faq.answer)


def _now(row: FaqRow) -> Curated:
    return Curated(Faq.model_validate(row.content), row.version, row.updated_at, row.updated_by, row.why)


def _archived(row: FaqRow) -> FaqVersion:
    return FaqVersion(
        code=row.code,
        version=row.version,
        document=row.content,
        at=row.updated_at,
        by=row.updated_by,
        why=row.why,
    )
