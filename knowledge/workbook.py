"""Guides in the sheets of the clerks' template: filled in, to be changed there and imported again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.tables import FORMULA
from knowledge.documents import document
from knowledge.hours import describe
from knowledge.mapping import Rules, load
from knowledge.schema import Guide, Hours
from knowledge.template import columns

TAKEN = (*FORMULA, "#")  # how a text begins that would be taken for a formula or an error
LONGEST = 32_767  # characters a cell holds


def write(path: Path, guides: Iterable[Guide]) -> int:
    """Write a workbook (.xlsx) of these guides and return how many. Raises OSError where it cannot be written.

    Everything is text: nothing is run as a formula, and codes keep their noughts.
    """
    from openpyxl import Workbook  # half a second to import, and only spreadsheets need it
    from openpyxl.utils import get_column_letter

    rules = load("template")
    book = Workbook(write_only=True)
    sheets: dict[str, list[str]] = {}
    starred: dict[str, list[str]] = {}
    for column in columns(rules):
        sheets.setdefault(column.sheet, []).append(column.heading)
        starred.setdefault(column.sheet, []).append(column.heading + ("*" if column.required else ""))
    for heads in (*sheets.values(), *starred.values()):
        if rules.apart not in heads:  # several regions may have given the same code
            heads.insert(1, rules.apart)
    made = {name: book.create_sheet(name) for name in sheets}
    for name, heads in starred.items():
        made[name].freeze_panes = "C2"
        for place in range(1, len(heads) + 1):
            made[name].column_dimensions[get_column_letter(place)].number_format = "@"  # codes keep their noughts
        made[name].append(heads)
    count = 0
    for guide in guides:
        count += 1
        for name, row in _rows(guide, rules):
            made[name].append([_text(made[name], row.get(heading, "")) for heading in sheets[name]])
    book.save(path)
    return count


def echo(guide: Guide, rules: Rules) -> dict[str, Any] | None:
    """The document that this guide's rows make when they are read again; None where they make none.

    `rules` are the template's, as far as the file goes that was read.
    """
    made: dict[str, Any] = {}
    for sheet, row in _rows(guide, rules):
        cells = {heading: value[:LONGEST].strip() for heading, value in row.items()}
        if sheet == rules.sheet:
            made |= cells
        else:
            made.setdefault(sheet, []).append(cells)
    fields, _ = rules.apply(made)
    try:
        return document(Guide.model_validate({"region": guide.region} | fields))
    except ValidationError:
        return None


def _rows(guide: Guide, rules: Rules) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of one guide, each with its sheet."""
    parts = {target: rule for target, rule in rules.fields.items() if isinstance(rule, dict) and "each" in rule}
    plain = {target: rule for target, rule in rules.fields.items() if target not in parts}
    yield rules.sheet or "", _row(guide, plain)
    for target, rule in parts.items():
        for entry in getattr(guide, target):
            yield rule["from"], {rules.key: guide.local_code, rules.apart: guide.region} | _row(entry, rule["each"])


def _row(record: Any, fields: dict[str, Any]) -> dict[str, str]:
    return {rule["from"] if isinstance(rule, dict) else rule: _value(record, path) for path, rule in fields.items()}


def _value(record: Any, path: str) -> str:
    value = record
    for step in path.split("."):
        value = getattr(value, step) if value is not None else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        # Conditions are paragraphs, and everything else that is a list is words.
        return ("\n" if path == "conditions" else "；").join(str(one) for one in value)
    if isinstance(value, Hours):
        return value.text or describe(value)
    return str(value)


def _text(sheet: Any, value: str) -> Any:
    if not value.startswith(TAKEN):
        return value[:LONGEST] or None
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value[:LONGEST])
    cell.data_type = "s"
    cell.quotePrefix = True  # stays text where somebody goes on typing in it
    return cell
