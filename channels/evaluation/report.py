"""The report of a run: a page that needs nothing else, and the part of docs/quality.md that is generated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from channels.evaluation.tables import Rows, Run, Table, cells
from channels.evaluation.worst import Bad
from core.errors import Invalid

BEGIN, END = "<!-- quality: begin -->", "<!-- quality: end -->"
_STYLE = """
body { font: 15px/1.6 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: #24292f; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
th, td { border-bottom: 1px solid #d8dee4; padding: .2rem .7rem; text-align: right; vertical-align: top; }
th:first-child, td:first-child, .told td { text-align: left; }
.wide { overflow-x: auto; } .note { color: #57606a; } svg { max-width: 720px; width: 100%; }
"""


def page(run: Run, previous: Mapping[str, Rows], bad: Mapping[str, Sequence[Bad]], plot: str) -> str:
    """The whole report as HTML."""
    about = "".join(f"<li>{escape(name)}: {escape(_said(value))}</li>" for name, value in run.about.items())
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Answer quality</title>',
        f"<style>{_STYLE}</style></head><body><h1>Answer quality</h1><ul>{about}</ul>",
    ]
    if previous:
        parts.append('<p class="note">In brackets: the run before.</p>')
    for table in run.tables:
        drawn = plot if table.name == "curve" else ""
        parts.append(f'<h2>{escape(table.title)}</h2><p class="note">{escape(table.note)}</p>{drawn}')
        parts.append(_html(["", *table.columns], cells(table, previous)))
    for title, many in bad.items():
        rows = [[one.text, one.wanted, one.said, one.why] for one in many]
        parts.append(f"<h2>{escape(title)}</h2>")
        parts.append(_html(["asked", "meant", "said", "why"], rows, "told"))
    return "\n".join((*parts, "</body></html>")) + "\n"


def markdown(run: Run, previous: Mapping[str, Rows], command: str) -> str:
    """The tables for docs/quality.md, and the command that made them."""
    about = "; ".join(f"{name} {_said(value)}" for name, value in run.about.items() if value not in ({}, "", None))
    lines = [f"Measured by `{command}`: {about}."]
    if previous:
        lines += ["", "In brackets: the run before."]
    for table in run.tables:
        lines += ["", f"### {table.title}", "", table.note, ""]
        lines += ["![What each answer threshold does](quality.svg)", ""] if table.name == "curve" else []
        lines += _rows(table, previous)
    return "\n".join(lines)


def publish(page: Path, generated: str) -> None:
    """Replace what stands between the page's markers. Raises Invalid where it has none."""
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise Invalid(f"{page} 里没有 {BEGIN} 和 {END} 两行。")
    page.write_text(f"{before}{BEGIN}\n\n{generated}\n\n{END}{after}", "utf-8")


def _rows(table: Table, previous: Mapping[str, Rows]) -> list[str]:
    head = ["", *table.columns]
    body = cells(table, previous)
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] + ["--:"] * len(table.columns), *body)]


def _html(head: Sequence[str], body: Sequence[Sequence[str]], kind: str = "") -> str:
    named = "".join(f"<th>{escape(one)}</th>" for one in head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(one)}</td>" for one in row) + "</tr>" for row in body)
    return f'<div class="wide"><table class="{kind}"><tr>{named}</tr>{rows}</table></div>'


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    return f"{value:.3f}" if isinstance(value, float) else str(value)
