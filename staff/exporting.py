"""The record as a table for spreadsheets (CSV), or whole for machines (JSONL)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from enum import StrEnum

from core.clock import CHINA
from core.tables import MARK, row
from staff.audit import Entry

COLUMNS = ("编号", "时间", "经办人", "操作", "对象", "地区", "理由", "详情", "前一条校验值", "校验值")


class Form(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


def lines(entries: Iterable[Entry], form: Form) -> Iterator[str]:
    """Line by line, each with its end. CSV begins with the mark by which spreadsheets know UTF-8; times are China's there."""
    if form is Form.JSONL:
        for one in entries:
            yield json.dumps({**asdict(one), "at": one.at.isoformat()}, ensure_ascii=False) + "\n"
        return
    yield MARK + row(COLUMNS)
    for one in entries:
        yield row(_cells(one))


def _cells(one: Entry) -> tuple[str, ...]:
    at = f"{one.at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
    detail = json.dumps(one.detail, ensure_ascii=False) if one.detail else ""
    return (str(one.number), at, one.who, one.act, one.subject, one.region, one.why, detail, one.previous, one.digest)
