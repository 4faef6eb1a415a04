from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy.orm import Session

from knowledge import template
from knowledge.importing import import_file
from knowledge.mapping import load
from knowledge.publishing import find, read
from knowledge.reading import FileUnreadable
from knowledge.schema import Guide
from knowledge.wording import heading


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "template.xlsx"
    template.write(path)
    return path


def fill(path: Path, rows: dict[str, list[dict[str, Any]]]) -> None:
    book = openpyxl.load_workbook(path)
    for name, entries in rows.items():
        sheet = book[name]
        heads = [str(cell.value).rstrip("*") for cell in sheet[1]]
        for number, entry in enumerate(entries, 3):
            for head, value in entry.items():
                sheet.cell(number, heads.index(head) + 1, value)
    book.save(path)


MAIN: dict[str, Any] = {"本地编码": "A-1", "事项名称": "居民身份证补领", "实施部门": "松风区公安分局"}


def test_headings_are_the_schemas_titles() -> None:
    for target, rule in load("template").fields.items():
        if isinstance(rule, dict) and "each" in rule:
            for name, one in rule["each"].items():
                shown = one["from"] if isinstance(one, dict) else one
                assert heading((target, 0, name), Guide).endswith(f"的{shown}")
        else:
            assert (rule["from"] if isinstance(rule, dict) else rule) == heading(tuple(target.split(".")), Guide)


def test_every_part_of_a_guide_has_its_place_in_the_template() -> None:
    covered = {target.split(".")[0] for target in load("template").fields}
    left = set(Guide.model_fields) - covered
    # Rare legal constructions are edited in the console.
    assert left == {"entrusted", "joint", "promise_handling", "deferrable"}


def test_the_example_is_never_imported(session: Session, workbook: Path, noon: datetime) -> None:
    with pytest.raises(FileUnreadable, match="没有一条办事指南"):
        import_file(session, workbook, "template", "980102", by="clerk", at=noon)


def test_a_filled_row_with_its_materials_becomes_a_guide(session: Session, workbook: Path, noon: datetime) -> None:
    main = MAIN | {
        "是否收费": "否",
        "办理形式": "窗口、网上",
        "承诺办结时限的天数": 20,
        "承诺办结时限的单位": "自然日",
        "核实日期": "2026-10-15",
    }
    fill(
        workbook,
        {
            "办事指南": [main],
            "申请材料": [
                {"本地编码": "A-1", "材料名称": "户口簿"},
                {"本地编码": "A-1", "材料名称": "照片", "必要性": "非必要"},
            ],
            "办理地点": [{"本地编码": "A-1", "地址": "松涛路18号", "办公时间": "工作日：09:00-17:00"}],
        },
    )
    report = import_file(session, workbook, "template", "980102", by="clerk", at=noon)
    assert ([str(problem) for problem in report.problems], report.new) == ([], 1)
    published = read(session, find(session, "980102", "A-1") or 0)
    assert published is not None
    guide = published.guide
    assert [material.name for material in guide.materials] == ["户口簿", "照片"]
    assert guide.charged is False
    assert len(guide.channels) == 2
    assert guide.promised_time is not None
    assert guide.promised_time.unit == "自然日"
    assert guide.places[0].hours is not None
    assert guide.places[0].hours.rules


def test_a_wrong_cell_is_told_by_line_column_and_reason(session: Session, workbook: Path, noon: datetime) -> None:
    fill(
        workbook,
        {
            "办事指南": [
                MAIN | {"办件类型": "即时件"},
                MAIN | {"本地编码": "A-2", "事项名称": ""},
                MAIN | {"本地编码": "A-3"},
            ],
            "申请材料": [{"本地编码": "A-9", "材料名称": "户口簿"}],
        },
    )
    report = import_file(session, workbook, "template", "980102", by="clerk", at=noon)
    assert report.new == 1
    assert [str(problem) for problem in report.problems] == [
        "第 3 行，办件类型：“即时件”不在可选内容之中，可选：即办件、承诺件",
        "第 4 行，事项名称：没有填写",
        "第 3 行：“申请材料”表第 3 行的编码“A-9”在“办事指南”表中没有",
    ]


def test_enumerations_are_offered_as_lists(workbook: Path) -> None:
    sheet = openpyxl.load_workbook(workbook)["办事指南"]
    offered = {rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert '"即办件,承诺件"' in offered
    assert all(len(formula) <= 255 for formula in offered)
