"""`bangban evaluate` at the terminal: its options, its progress line, and its short summary."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from channels.evaluation import run
from channels.evaluation.run import DOCS, GUIDES, Findings, Part, Plan
from channels.evaluation.sets import Split
from channels.evaluation.tables import Rows, Table, cell, load
from core import logs
from core.errors import Invalid
from core.settings import Settings
from index.evaluate import WHOLE

_SUMMARY = (  # table, what it is called, columns
    ("retrieval", "搜索", ("hit@1", "hit@3", "hit@10", "MRR@10")),
    ("answers", "问答", ("right", "within one choice", "wrong", "refused", "complete", "done")),
    ("refusals", "答不了的问题", ("answered", "asked", "refused")),
    ("emergencies", "紧急情况", ("right",)),
    ("dialogues", "多轮对话", ("right",)),
    ("facets", "问的是什么", ("words alone", "with Rasa")),
    ("private", "个人信息", ("right",)),
    ("demo", "演示城市", ("right", "within one choice", "wrong", "refused")),
)
_EVERY_ROW = frozenset({"retrieval", "dialogues", "private"})


@dataclass(frozen=True, slots=True)
class Options:
    """What was typed."""

    guides: Path | None = None
    split: str = Split.DEV
    rasa: bool = True
    folder: Path | None = None
    previous: Path | None = None
    only: str = ""
    write: bool = False


def evaluate(settings: Settings, options: Options) -> None:
    """Measure, tell the main figures and write the report. Raises Invalid for wrong options, and NoRasa."""
    out = Console(width=None if sys.stdout.isatty() else 150, highlight=False, soft_wrap=True)
    plan = planned(options)
    before = _before(options.previous, plan.split, out)
    if not plan.guides:
        out.print("没有指南文件，只测演示城市。")
    found = _measured(plan, settings)
    made = run.write(found, before, options.folder or settings.home / "quality")
    _tell(out, found, before)
    out.print(f"报告：{made}", markup=False)
    if options.write:
        run.publish(found, before, "bangban evaluate --split test --write")
        out.print(f"已写进 {DOCS / 'quality.md'}", markup=False)


def planned(options: Options) -> Plan:
    """What the options ask for. Raises Invalid."""
    if options.guides is not None and not options.guides.is_file():
        raise Invalid(f"没有找到指南文件 {options.guides}。")
    parts = [one.strip() for one in options.only.split(",") if one.strip()]
    if unknown := set(parts) - set(Part):
        raise Invalid(f"没有这一项：{'、'.join(sorted(unknown))}。可以选：{'、'.join(Part)}。")
    if options.split not in set(Split):
        raise Invalid(f"--split 只有 {' 和 '.join(Split)}。")
    file = options.guides or (GUIDES if GUIDES.is_file() else None)
    plan = Plan(file, Split(options.split), options.rasa, frozenset(map(Part, parts)) or frozenset(Part))
    if not plan.possible:
        raise Invalid("这几项要有指南文件才能测，请用 --guides 指明。")
    whole = plan.possible == frozenset(Part) and plan.split is Split.TEST and plan.rasa
    if options.write and not whole:
        raise Invalid("写进文档要测全：有指南文件，加 --split test，经 Rasa，不加 --only。")
    return plan


def _before(previous: Path | None, split: Split, out: Console) -> dict[str, Rows]:
    """The figures to compare with: of the run named, else of the documentation where it measured the same half."""
    kept = previous or DOCS / "quality.json"
    if previous is None and not kept.is_file():
        return {}
    about, figures = load(kept)
    if about.get("split") == split:
        return figures
    if previous is None:
        return {}
    out.print(f"注意：{kept} 测的是 {about.get('split')}，这次测的是 {split}，数字不能直接相比。", markup=False)
    return figures


def _measured(plan: Plan, settings: Settings) -> Findings:
    logs.configure("ERROR", pretty=sys.stderr.isatty())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave through every `finally`: nothing stays behind
    err = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("准备", total=None)

        def say(told: str, share: float | None) -> None:
            bar.update(task, description=told, completed=share or 0.0, total=None if share is None else 1.0)

        return asyncio.run(run.measure(plan, settings, say))


def _tell(out: Console, found: Findings, before: dict[str, Rows]) -> None:
    """The main figures, a line each."""
    tables = {table.name: table for table in found.tables}
    for name, title, columns in _SUMMARY:
        if name not in tables:
            continue
        for row in tables[name].rows if name in _EVERY_ROW else [WHOLE]:
            told = _figures(tables[name], row, columns, before.get(name, {}))
            out.print(f"{title}{'' if row == WHOLE else f'（{row}）'}：{told}", markup=False)


def _figures(table: Table, row: str, columns: tuple[str, ...], before: Rows) -> str:
    had, was = table.rows.get(row, {}), before.get(row, {})
    return "  ".join(f"{c} {cell(had[c], was.get(c), counts=False)}" for c in columns if c in had)
