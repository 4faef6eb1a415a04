"""Guides from a file into the record: good rows land, bad ones are reported, the unchanged are left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import Invalid
from knowledge import reading
from knowledge.comparing import Verdict, compare
from knowledge.coverage import limited
from knowledge.differences import differences
from knowledge.documents import document
from knowledge.mapping import Rules, load
from knowledge.models import GuideRow
from knowledge.publishing import Change, publish_all
from knowledge.regions import shortest
from knowledge.reports import Difference, Problem, Report
from knowledge.schema import Guide, Status
from knowledge.wording import explain, heading

BATCH = 500  # rows a transaction holds, and one revision covers
SHOWN = 60  # characters of a value in a difference
DIFFERENCES = 1000  # changed guides listed one by one

Progress = Callable[[int, float], None]


class WrongHeadings(Invalid):
    """表头不对，请对照映射或模板检查。"""

    code = "wrong_headings"


def import_file(
    session: Session,
    path: Path,
    mapping: str | Rules,
    region: str,
    *,
    by: str,
    at: datetime,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Import a file's guides for `region`, committing every 500 rows; a dry run writes nothing.

    `mapping` is a shipped name, the path of a YAML file, or rules already loaded. `progress` is told the rows read
    and the share of the file behind them, 0 to 1. Raises FileUnreadable, WrongHeadings or MappingError when nothing
    can be read at all; a bad row is a Problem in the report instead.
    """
    report, region = Report(), shortest(region)
    seen: dict[tuple[str, str], int] = {}
    rules, rows = opened(path, mapping if isinstance(mapping, Rules) else load(mapping))
    guides = understood(rows, rules, region, report.problems, seen, progress)
    while batch := list(islice(guides, BATCH)):
        _land(session, compare(session, batch, rules), report, by, at, dry_run)
    if not seen and not report.problems:
        raise reading.FileUnreadable(f"文件 {path.name} 里没有一条办事指南。")
    report.missing = _missing(session, {region, *(key[0] for key in seen)}, seen)
    if progress:
        progress(report.total + len(report.problems), 1.0)
    return report


def opened(path: Path, rules: Rules, alive: Callable[[], None] | None = None) -> tuple[Rules, Iterator[reading.Row]]:
    """The rows of a file, and the rules as far as its headings go.

    `alive` is called now and then, and raises what is to end the reading. Raises WrongHeadings where the columns are
    missing that the mapping cannot do without, and FileUnreadable, also while the rows are read.
    """
    rows = reading.read(
        path, sheet=rules.sheet, children=rules.children, within=rules.within, key=rules.key, apart=rules.apart,
        alive=alive,
    )  # fmt: skip
    first = next(rows, None)
    if first is None:
        return rules, rows
    heads = first.heads
    if rules.refuse and heads and heads[""].issuperset(rules.refuse["columns"]):
        raise WrongHeadings(rules.refuse["why"])
    known = heads[""] if heads else first.values
    lost = [name for name in rules.required if not first.broken and name not in known]
    if lost:
        raise WrongHeadings(f"表头不对：没有找到“{'”“'.join(lost)}”这几列，请用“{rules.name}”对应的格式。")
    return limited(rules, heads) if heads else rules, chain([first], rows)


def understood(
    rows: Iterator[reading.Row],
    rules: Rules,
    region: str,
    problems: list[Problem],
    seen: dict[tuple[str, str], int],
    progress: Progress | None = None,
) -> Iterator[Guide]:
    """The guides of a file, one at a time; bad rows go to `problems`, and `seen` gets the line of each guide's key."""
    return _guides(_counted(rows, progress), rules, region, problems, seen)


def _counted(rows: Iterator[reading.Row], progress: Progress | None) -> Iterator[reading.Row]:
    for number, row in enumerate(rows, 1):
        if progress and number % 50 == 0:
            progress(number, row.share)
        yield row


def _guides(
    rows: Iterator[reading.Row],
    rules: Rules,
    region: str,
    problems: list[Problem],
    seen: dict[tuple[str, str], int],
) -> Iterator[Guide]:
    for row in rows:
        if row.broken:
            problems.append(Problem(row.line, "", row.broken))
            continue
        if rules.ignores(row.values):
            continue
        guide = _guide(row, rules, region, problems)
        if guide is None:
            continue
        key = (guide.region, guide.local_code)
        if key in seen:
            reason = f"“{guide.local_code}”与第 {seen[key]} 行重复，以先出现的为准"
            problems.append(Problem(row.line, heading(("local_code",), Guide), reason))
            continue
        seen[key] = row.line
        yield guide


def _guide(row: reading.Row, rules: Rules, region: str, problems: list[Problem]) -> Guide | None:
    fields, bad = rules.apply(row.values)
    try:
        guide = Guide.model_validate({"region": region} | fields)
    except ValidationError as error:
        told = {name for name, _ in bad}
        bad += [(name, reason) for name, reason in explain(error, Guide) if name not in told]
        guide = None
    problems += [Problem(row.line, name, reason) for name, reason in bad]
    return None if bad else guide


def _land(session: Session, verdicts: Sequence[Verdict], report: Report, by: str, at: datetime, dry_run: bool) -> None:
    for verdict in verdicts:
        if verdict.change is Change.NEW:
            report.new += 1
        elif verdict.change is Change.SAME:
            report.same += 1
        else:
            report.changed += 1
            if verdict.before is not None and len(report.differences) < DIFFERENCES:
                report.differences.append(_difference(verdict.before, verdict.guide))
    if dry_run:
        session.rollback()
        return
    fresh = [verdict.guide for verdict in verdicts if verdict.change is not Change.SAME]
    if fresh:
        publish_all(session, fresh, by=by, at=at)
    session.commit()


def _difference(before: dict[str, Any], after: Guide) -> Difference:
    found = differences(before, document(after))
    fields = tuple((one.heading, _brief(one.before), _brief(one.after)) for one in found)
    return Difference(after.local_code, after.name, fields)


def _brief(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _missing(session: Session, regions: set[str], seen: dict[tuple[str, str], int]) -> list[str]:
    query = select(GuideRow.region, GuideRow.local_code).where(
        GuideRow.region.in_(regions), GuideRow.status == Status.PUBLISHED.value
    )
    return sorted(row.local_code for row in session.execute(query) if (row.region, row.local_code) not in seen)
