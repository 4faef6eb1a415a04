"""A file compared with what stands, kept to be decided: nothing is published yet."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core.database import Json
from core.errors import Invalid
from knowledge.batch import Kind, Stage
from knowledge.comparing import Verdict, compare
from knowledge.documents import document
from knowledge.importing import BATCH, opened, understood
from knowledge.mapping import UNSTORABLE, Rules, load
from knowledge.models import BatchGuide, BatchRow, GuideRow
from knowledge.publishing import Change
from knowledge.reading import MIB, FileUnreadable
from knowledge.regions import shortest
from knowledge.reports import Problem
from knowledge.schema import Guide, Status

ROWS = 50_000
LONGEST = 300  # seconds that reading a file may take
REFUSED = 1000  # problems kept to be shown
WORDS = 300  # characters of one of them
NAME = 120  # characters of a file's name
IN_MEMORY = 8 * MIB  # of what was understood; the rest waits in a temporary file

Key = tuple[str, str]
Allowed = Callable[[str, str], bool]  # whether a region's department may be touched


class TooMuch(Invalid):
    """文件太大了，请拆成几个文件再导入。"""

    code = "import_too_much"


@dataclass(slots=True)
class Found:
    """A file compared with what stands, not yet kept. `same` counts guides without a change, `counts` the others."""

    file: str
    region: str
    entries: IO[str]  # one line of JSON each, in a temporary file
    problems: list[Problem] = field(default_factory=list)
    seen: dict[Key, int] = field(default_factory=dict)  # the line of each guide that was understood
    same: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)

    def add(self, entry: dict[str, Any]) -> None:
        """Put down what is to be decided."""
        self.counts[Kind(entry["change"])] += 1
        # A text within: it need not be read while others wait.
        text = json.dumps(entry["document"], ensure_ascii=False)
        self.entries.write(json.dumps(entry | {"document": text}, ensure_ascii=False) + "\n")


@contextmanager
def compared(
    session: Session, path: Path, mapping: str, region: str, *, file: str, allowed: Allowed
) -> Iterator[Found]:
    """Read a file and compare it with what stands, which takes minutes: `session` reads, and nobody waits for it.

    `file` is what people call it. Guides that are not `allowed`, as they stand or as they would be, are refused like
    bad rows. The database is touched only when the whole file was read. Raises FileUnreadable, WrongHeadings, TooMuch.
    """
    rules, file = load(mapping), file_name(file)
    with _spool() as guides, _spool() as entries:
        found = Found(file, shortest(region), entries)
        try:
            rules = _read(path, rules, guides, found)
        except FileUnreadable as error:
            raise FileUnreadable(str(error).replace(path.name, file)) from None
        except RecursionError:
            raise FileUnreadable(f"文件 {file} 不是办事指南：内容一层套一层，太深了。") from None
        if not found.seen and not found.problems:
            raise FileUnreadable(f"文件 {file} 里没有一条办事指南。")
        guides.seek(0)
        _compare(session, guides, rules, found, allowed)
        yield found


def keep(session: Session, found: Found, *, by: str, at: datetime) -> int:
    """Keep what was found as a batch, whose id is returned. What moved since is noticed when it is applied."""
    row = BatchRow(
        file=found.file, region=found.region, status=Stage.OPEN.value, made_at=at, made_by=by, why="", answer="",
        decided_by="", refused=_told(found.problems), same=found.same,
    )  # fmt: skip
    session.add(row)
    session.flush()
    found.entries.seek(0)
    entries = enumerate(map(json.loads, found.entries), 1)
    while some := list(islice(entries, BATCH)):
        session.execute(insert(BatchGuide), [_row(row.id, place, one) for place, one in some])
    return row.id


def file_name(name: str) -> str:
    """A file's name without folders, of whatever system, and without what cannot be shown."""
    plain = UNSTORABLE.sub("", re.split(r"[/\\]", name)[-1])
    return " ".join(plain.split())[-NAME:] or "没有名称的文件"


def _spool() -> SpooledTemporaryFile[str]:
    return SpooledTemporaryFile(max_size=IN_MEMORY, mode="w+", encoding="utf-8")


def _read(path: Path, rules: Rules, guides: IO[str], found: Found) -> Rules:
    """Write down the guides of a file; the rules as far as it goes."""
    until = time.monotonic() + LONGEST

    def alive() -> None:
        if time.monotonic() > until:
            raise TooMuch("文件读了几分钟还没有读完，请拆成几个文件再导入。")

    def watch(rows: int, _share: float) -> None:
        if rows > ROWS:
            raise TooMuch(f"文件超过 {ROWS} 行，请拆成几个文件再导入。")
        alive()

    rules, rows = opened(path, rules, alive)
    for guide in understood(rows, rules, found.region, found.problems, found.seen, watch):
        guides.write(json.dumps(document(guide), ensure_ascii=False) + "\n")
        if len(found.seen) > ROWS:
            watch(len(found.seen), 1.0)
    return rules


def _compare(session: Session, guides: Iterable[str], rules: Rules, found: Found, allowed: Allowed) -> None:
    for verdicts in _verdicts(session, guides, rules):
        for verdict in verdicts:
            if not _touchable(verdict, found, allowed):
                continue
            if verdict.change is Change.SAME:
                found.same += 1
            else:
                found.add(_entry(verdict))
    for one in _missing(session, {found.region, *(key[0] for key in found.seen)}, found.seen):
        if allowed(one["region"], one["department_name"]):
            found.add(one)


def _verdicts(session: Session, lines: Iterable[str], rules: Rules) -> Iterator[list[Verdict]]:
    guides = (Guide.model_validate_json(line) for line in lines)
    while batch := list(islice(guides, BATCH)):
        yield compare(session, batch, rules)


def _touchable(verdict: Verdict, found: Found, allowed: Allowed) -> bool:
    """Whether both the guide and what stands in its place are within the clerk's reach."""
    guide, before = verdict.guide, verdict.before
    departments = [guide.department.name, *([before["department"]["name"]] if before else [])]
    for name in departments:
        if not allowed(guide.region, name):
            told = f"“{guide.local_code}”属于区划 {guide.region} 的{name}，不在您负责的范围"
            found.problems.append(Problem(found.seen[guide.region, guide.local_code], "", told))
            return False
    return True


def _entry(verdict: Verdict) -> dict[str, Any]:
    guide = verdict.guide
    known = Kind.REVIVED if verdict.revived else Kind.CHANGED
    return {
        "change": (Kind.NEW if verdict.change is Change.NEW else known).value,
        "region": guide.region,
        "local_code": guide.local_code,
        "name": guide.name,
        "department_name": guide.department.name,
        "base": verdict.version,
        "document": document(guide),
        "chosen": not verdict.revived,
    }


def _missing(session: Session, regions: set[str], seen: dict[Key, int]) -> Iterator[dict[str, Any]]:
    query = (
        select(GuideRow.region, GuideRow.local_code, GuideRow.name, GuideRow.department_name, GuideRow.version)
        .where(GuideRow.region.in_(regions), GuideRow.status == Status.PUBLISHED.value)
        .order_by(GuideRow.region, GuideRow.local_code)
    )
    for row in session.execute(query):
        if (row.region, row.local_code) not in seen:
            key = {"region": row.region, "local_code": row.local_code, "name": row.name}
            rest = {"department_name": row.department_name, "base": row.version, "document": {}, "chosen": False}
            yield {"change": Kind.MISSING.value} | key | rest


def _row(batch: int, place: int, entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"batch": batch, "place": place, "outcome": "", "document": Json(entry["document"])}


def _told(problems: list[Problem]) -> list[list[Any]]:
    ordered = sorted(problems, key=lambda one: one.line)
    shown = [[one.line, *(UNSTORABLE.sub("", text)[:WORDS] for text in (one.field, one.reason))] for one in ordered]
    left = len(shown) - REFUSED
    return shown if left <= 0 else [*shown[:REFUSED], [0, "", f"还有 {left} 处问题没有列出"]]
