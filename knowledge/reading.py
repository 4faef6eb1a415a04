"""Rows out of files: JSON, JSONL, CSV and XLSX, one at a time, with their line numbers."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import Invalid

MIB = 1024 * 1024
XLSX_UNPACKED = 400 * MIB  # a clerk's table of 50,000 guides unpacks to about 100 MiB
XLSX_RATIO = 200  # spreadsheets pack to a tenth or so; a bomb to a thousandth
XLSX_COLUMNS = 300
WHOLE_JSON = 200 * MIB  # only JSON with the rows inside an object is read whole
CHUNK = 1 << 16
ELEMENT = 4 * MIB  # characters of one guide in JSON
BESIDE = 400_000  # rows of the further sheets together, which are held until the main ones come
QUOTES = "表头的引号不完整，请检查文件的第一行。"
OFTEN = 1000  # rows of a sheet between two looks whether to go on


class FileUnreadable(Invalid):
    """文件读不出来，请检查后再试。"""

    code = "file_unreadable"


class NotASpreadsheet(FileUnreadable):
    """文件不是有效的 Excel 表格，可能已损坏。"""

    def __init__(self, path: Path) -> None:
        super().__init__(f"文件 {path.name} 不是有效的 Excel 表格，可能已损坏。")


Heads = dict[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands, its values, how much of the file is behind it (0 to 1), and why it is unreadable.

    `heads` are the headings of a table, by sheet, "" for the main one; None where each row names its own fields.
    """

    line: int
    values: dict[str, Any]
    share: float = 0.0
    broken: str = ""
    heads: Heads | None = None


def read(
    path: Path,
    *,
    sheet: str | None = None,
    children: Mapping[str, str] | None = None,
    within: str | None = None,
    key: str = "",
    apart: str = "",
    alive: Callable[[], None] | None = None,
) -> Iterator[Row]:
    """The rows of a file, by its ending. Raises FileUnreadable with one sentence for people.

    `sheet` is the main sheet of a workbook; `children` are further sheets whose rows join the main row as a list
    under the sheet's name: by the column named there, equal to the main row's column `key`, and by the column `apart`
    where such a row fills it. `within` is where the list lies in a JSON object. `alive` is called now and then while
    sheets are read, and raises what is to end that.
    """
    if not path.is_file():
        raise FileUnreadable(f"没有找到文件 {path.name}。")
    if path.stat().st_size == 0:
        raise FileUnreadable(f"文件 {path.name} 是空的。")
    ending = path.suffix.lower()
    if ending in (".jsonl", ".ndjson"):
        return _jsonl(path)
    if ending == ".json":
        return _json(path, within)
    if ending in (".csv", ".tsv"):
        return _csv(path, "\t" if ending == ".tsv" else None)
    if ending in (".xlsx", ".xlsm"):
        return _xlsx(path, sheet, children or {}, (key, apart), alive)
    if ending == ".xls":
        raise FileUnreadable("这是旧版 Excel（.xls）文件，请另存为 .xlsx 后再导入。")
    raise FileUnreadable(f"不认识 {ending or '没有后缀'} 文件，请用 .xlsx、.csv、.json 或 .jsonl。")


def encoding(path: Path) -> str:
    """UTF-8 where the whole file is, else GB18030, in which older office programs save. Raises FileUnreadable."""
    with path.open("rb") as raw:
        start = raw.read(4)
    marked = start[:2] in (b"\xff\xfe", b"\xfe\xff")
    for name in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            with path.open(encoding=name) as lines:
                while lines.read(MIB):
                    pass
            return name
        except UnicodeError:
            continue
    raise FileUnreadable(f"文件 {path.name} 的文字编码无法识别，请另存为 UTF-8 编码。")


def _jsonl(path: Path) -> Iterator[Row]:
    size, done = path.stat().st_size, 0
    with path.open(encoding=encoding(path)) as lines:
        for number, line in enumerate(lines, 1):
            done += len(line.encode())
            if not line.strip():
                continue
            try:
                values = json.loads(line)
            except (ValueError, RecursionError):
                yield Row(number, {}, done / size, "这一行不是有效的 JSON")
                continue
            yield _row(number, values, done / size)


def _row(number: int, values: Any, share: float) -> Row:
    if isinstance(values, dict):
        return Row(number, values, min(share, 1.0))
    return Row(number, {}, min(share, 1.0), "这一条不是“字段: 内容”的形式")


def _json(path: Path, within: str | None) -> Iterator[Row]:
    with path.open(encoding=encoding(path)) as text:
        start = text.read(CHUNK).lstrip()
        if start.startswith("[") and not within:
            text.seek(0)
            yield from _array(text, path.stat().st_size)
            return
    if path.stat().st_size > WHOLE_JSON:
        raise FileUnreadable("文件太大，请改成每行一条的 .jsonl 再导入。")
    try:
        content = json.loads(path.read_text(encoding=encoding(path)))
    except (ValueError, RecursionError):
        raise FileUnreadable(f"文件 {path.name} 不是有效的 JSON。") from None
    for step in (within or "").split("."):
        content = content.get(step) if step and isinstance(content, dict) else content
    if not isinstance(content, list):
        raise FileUnreadable(f"文件 {path.name} 里没有找到指南列表。")
    for number, values in enumerate(content, 1):
        yield _row(number, values, number / len(content))


def _array(text: io.TextIOBase, size: int) -> Iterator[Row]:
    """The elements of a JSON array, without holding it whole."""
    decoder, buffer, number, done = json.JSONDecoder(), "", 0, 0
    opened = False
    while True:
        chunk = text.read(CHUNK)
        done += len(chunk.encode())
        buffer += chunk
        while True:
            buffer = buffer.lstrip(" \t\r\n,\ufeff" + ("" if opened else "["))
            opened = opened or bool(buffer)
            if buffer.startswith("]"):
                return
            try:
                values, end = decoder.raw_decode(buffer)
            except (ValueError, RecursionError):
                break
            if end == len(buffer) and chunk:
                break  # a number may go on in the next chunk
            number += 1
            buffer = buffer[end:]
            yield _row(number, values, done / size)
        if len(buffer) > ELEMENT:  # what does not end is begun anew with each chunk
            yield Row(number + 1, {}, 1.0, "这一条太长或者不是有效的 JSON，后面的内容没有导入")
            return
        if not chunk:
            yield Row(number + 1, {}, 1.0, "JSON 在这里中断，后面的内容没有导入")
            return


def _csv(path: Path, delimiter: str | None) -> Iterator[Row]:
    size = path.stat().st_size
    csv.field_size_limit(4 * MIB)
    name = encoding(path)
    with path.open(encoding=name, newline="") as lines:
        head = lines.readline()
        lines.seek(0)
        reader = csv.reader(lines, delimiter=delimiter or max(",;\t", key=head.count))
        try:
            heads = _heads(next(reader, []))
        except csv.Error:
            raise FileUnreadable(QUOTES) from None
        columns = {"": frozenset(heads)}
        done = 0
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error:
                yield Row(line, {}, done / size, "这一行的引号或分隔符不完整", columns)
                continue
            if cells is None:
                if not done and any("\n" in head for head in heads):  # the heading went on to the end
                    raise FileUnreadable(QUOTES)
                return
            done += sum(map(len, cells)) * 2
            if any(cell.strip() for cell in cells):
                yield Row(line, dict(zip(heads, cells, strict=False)), min(done / size, 1.0), heads=columns)


def _heads(cells: list[Any]) -> list[str]:
    return [str(cell).strip().rstrip("*＊").strip() if cell is not None else "" for cell in cells]


def _xlsx(
    path: Path, sheet: str | None, children: Mapping[str, str], key: tuple[str, str], alive: Callable[[], None] | None
) -> Iterator[Row]:
    _check_workbook(path)
    import openpyxl  # half a second, and only spreadsheets need it

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception:
        raise NotASpreadsheet(path) from None
    try:
        sheets = {one.title: one for one in book.worksheets}
        if not sheets:
            raise NotASpreadsheet(path)
        main = sheet if sheet in sheets else next(iter(sheets))
        further = {name: sheets[name] for name in children if name in sheets and name != main}
        tables = {name: _table(one, path, alive) for name, one in further.items()}
        joined = _joined({name: table for name, table in tables.items() if table.heads}, children, key[1])
        total = max(sheets[main].max_row or 1, 1)
        table = _table(sheets[main], path, alive)
        heads = {"": frozenset(table.heads)} | {name: frozenset(tables[name].heads) for name in joined}
        for row in table.rows:
            code, place = (row.values.get(column, "") for column in key)
            parts = {
                name: groups.pop((code, place), []) + groups.pop((code, ""), []) for name, groups in joined.items()
            }
            yield Row(row.line, row.values | parts, min(row.line / total, 1.0), heads=heads)
        for name, groups in joined.items():
            for (code, _), rows in groups.items():
                line = rows[0]["#line"]
                yield Row(line, {}, 1.0, f"“{name}”表第 {line} 行的编码“{code}”在“{main}”表中没有", heads)
    finally:
        book.close()


def _check_workbook(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as packed:
            sizes = [(entry.file_size, entry.compress_size) for entry in packed.infolist()]
    except Exception:  # a damaged archive fails in many ways
        raise NotASpreadsheet(path) from None
    unpacked = sum(size for size, _ in sizes)
    bomb = any(size > MIB and size > XLSX_RATIO * max(squeezed, 1) for size, squeezed in sizes)
    if unpacked > XLSX_UNPACKED or bomb or len(sizes) > 2000:
        raise FileUnreadable("表格展开后过大，请拆成几个文件，或改用 .csv、.jsonl。")


@dataclass(frozen=True, slots=True)
class _Table:
    heads: list[str]
    rows: Iterator[Row]


Groups = dict[tuple[Any, Any], list[dict[str, Any]]]


def _table(sheet: Any, path: Path, alive: Callable[[], None] | None) -> _Table:
    """A sheet's headings, none where it is empty, and its rows."""
    sheet.reset_dimensions()
    lines = _lines(sheet, path, alive)
    heads = _heads(next(lines, (0, []))[1])
    rows = (
        Row(number, {head: _cell(cell) for head, cell in zip(heads, cells, strict=False) if head} | {"#line": number})
        for number, cells in lines
    )
    return _Table(heads, rows)


def _lines(sheet: Any, path: Path, alive: Callable[[], None] | None) -> Iterator[tuple[int, list[Any]]]:
    """The rows in which anything is written, with their numbers."""
    for number, cells in enumerate(_cells(sheet, path), 1):
        if alive and number % OFTEN == 0:
            alive()
        if any(cell is not None and str(cell).strip() for cell in cells):
            yield number, list(cells)


def _cells(sheet: Any, path: Path) -> Iterator[tuple[Any, ...]]:
    try:
        yield from sheet.iter_rows(values_only=True, max_col=XLSX_COLUMNS)
    except Exception:  # what is inside is read as it is asked for, and damaged XML fails in many ways
        raise NotASpreadsheet(path) from None


def _joined(tables: Mapping[str, _Table], columns: Mapping[str, str], apart: str) -> dict[str, Groups]:
    """The rows of further sheets, by what joins them to a main row."""
    joined: dict[str, Groups] = {}
    count = 0
    for name, table in tables.items():
        if columns[name] not in table.heads:
            raise FileUnreadable(f"“{name}”表里没有“{columns[name]}”这一列，不知道各行属于哪份指南。")
        groups = joined.setdefault(name, {})
        for row in table.rows:
            count += 1
            if count > BESIDE:
                raise FileUnreadable(f"附表一共超过 {BESIDE} 行，请拆成几个文件再导入。")
            code, place = row.values.get(columns[name], ""), row.values.get(apart, "")
            filled = {head: value for head, value in row.values.items() if value != ""}  # most cells are empty
            groups.setdefault((code, place), []).append(filled)
    return joined


def _cell(value: Any) -> Any:
    """A cell as people see it: 3.0 is 3, a date is 2026-10-15, a code typed as a number is text."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if hasattr(value, "isoformat"):
        return value.isoformat()[:10]
    return value if isinstance(value, bool) else str(value).strip()
