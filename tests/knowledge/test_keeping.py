"""What a file leaves as it stands: columns and sheets it lacks, and what only our own workbook cannot carry."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from knowledge import batches, workbook
from knowledge.batch import Kind
from knowledge.documents import document
from knowledge.export import Form, export
from knowledge.importing import WrongHeadings, import_file, opened, understood
from knowledge.keeping import kept
from knowledge.mapping import load
from knowledge.publishing import find, publish, publish_all, read
from knowledge.reading import FileUnreadable
from knowledge.regions import Regions
from knowledge.schema import Guide
from tests.console.test_guide_form import _records
from tests.knowledge.test_batches import bring

Make = Callable[..., Guide]
HOURS = {
    "text": "工作日上午九点到十二点",
    "rules": [{"days": [1, 2, 3, 4, 5], "opens": "09:00", "closes": "11:30"}],
    "exceptions": [{"day": "2026-10-20", "note": "盘点"}],
}
WHOLE: dict[str, Any] = {
    "joint": ["云桥市公安局"],
    "department": {"name": "松风区公安分局", "code": "11980102MB0000001X"},
    "materials": [{"name": "户口簿", "copies": 2, "note": "验原件"}, {"name": "照片", "basis": "示例文件"}],
    "steps": [{"name": "受理"}],
    "fees": [{"name": "工本费", "standard": "40元/证"}],
    "charged": True,
    "conditions": ["1.身份证遗失", "2.本人申请", "另需提前备案"],
    "places": [{"name": "松风区大厅", "address": "松涛路18号", "phone": "0000-5550200", "hours": HOURS}],
    "promised_time": {"days": 20, "unit": "自然日", "note": "不含制证"},
    "consult": {"phone": "0000-5550123", "address": "松涛路18号"},
}


@pytest.fixture
def whole(session: Session, guide: Make, noon: datetime) -> Guide:
    """A guide that stands, with all its parts."""
    made = guide(**WHOLE)
    publish(session, made, by="seeds", at=noon)
    return made


def table(path: Path, **cells: str) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows([list(cells), list(cells.values())])
    return path


def brought(session: Session, path: Path, noon: datetime) -> Guide:
    """The guide that stands, after the file came in."""
    report = import_file(session, path, "template", "980102", by="clerk", at=noon)
    assert [str(problem) for problem in report.problems] == []
    published = read(session, find(session, "980102", "t-001") or 0)
    assert published is not None
    return published.guide


MAIN = {"本地编码": "t-001", "事项名称": "居民身份证补领", "实施部门": "松风区公安分局"}


def test_a_table_of_a_few_columns_changes_those_alone(
    session: Session, whole: Guide, noon: datetime, tmp_path: Path
) -> None:
    path = table(tmp_path / "表.csv", **MAIN, 咨询方式的电话="0000-5559999", 承诺办结时限的天数="15")
    (entry,) = batches.guides(session, bring(session, path, noon, mapping="template").id, Kind.CHANGED).entries
    changed = {"consult": {"phone": "0000-5559999", "address": "松涛路18号"}}
    changed |= {"promised_time": {"days": 15, "unit": "自然日", "note": "不含制证"}}
    assert entry.document == document(whole) | changed
    assert document(brought(session, path, noon)) == entry.document


def test_an_empty_cell_of_a_column_the_table_has_empties_the_field(
    session: Session, whole: Guide, noon: datetime, tmp_path: Path
) -> None:
    path = table(
        tmp_path / "表.csv", **MAIN, 咨询方式的电话="", 承诺办结时限的天数="", 承诺办结时限的单位="", 受理条件=""
    )
    after = brought(session, path, noon)
    assert (after.consult.phone, after.consult.address) == (None, "松涛路18号")  # type: ignore[union-attr]
    assert (after.promised_time, after.conditions) == (None, [])
    assert after.materials == whole.materials


def test_another_department_has_not_the_code_of_the_one_before(
    session: Session, whole: Guide, noon: datetime, tmp_path: Path
) -> None:
    path = table(tmp_path / "表.csv", **MAIN | {"实施部门": "松风区政务服务局"})
    assert brought(session, path, noon).department.code is None


def exported(path: Path, guides: list[Guide], change: Callable[[Any], None] | None = None) -> Path:
    """A workbook of these guides, and what a clerk then did with it."""
    workbook.write(path, guides)
    if change:
        book = openpyxl.load_workbook(path)
        change(book)
        book.save(path)
    return path


def column(sheet: Any, heading: str) -> int:
    return next(cell.column for cell in sheet[1] if str(cell.value).rstrip("*") == heading)


def test_a_sheet_or_a_column_that_somebody_deleted_empties_nothing(
    session: Session, whole: Guide, noon: datetime, tmp_path: Path
) -> None:
    def change(book: Any) -> None:
        del book["收费项目"]
        for heading in ("复印件份数", "填报须知", "要求依据"):
            book["申请材料"].delete_cols(column(book["申请材料"], heading))
        book["申请材料"].append(["t-001", "", "申请表"])
        book["办理流程"].delete_rows(2)

    sheet = [cell.value for cell in openpyxl.load_workbook(exported(tmp_path / "a.xlsx", [whole]))["申请材料"][1]]
    assert sheet[:3] == ["本地编码*", "区划代码", "材料名称*"]
    after = brought(session, exported(tmp_path / "表.xlsx", [whole], change), noon)
    assert after.fees == whole.fees
    assert after.materials[:2] == whole.materials
    assert [one.name for one in after.materials[2:]] == ["申请表"]
    assert after.steps == [], "a sheet without rows says that there are none"


def test_a_sheet_without_the_codes_is_refused(session: Session, whole: Guide, noon: datetime, tmp_path: Path) -> None:
    path = exported(tmp_path / "表.xlsx", [whole], lambda book: book["申请材料"].delete_cols(1))
    with pytest.raises(FileUnreadable, match="“申请材料”表里没有“本地编码”这一列"):
        bring(session, path, noon, mapping="template")


def test_our_own_csv_is_refused_with_the_file_to_take_instead(
    session: Session, whole: Guide, noon: datetime, tmp_path: Path
) -> None:
    out = io.StringIO()
    export(session, out, Form.CSV, regions=Regions([]), today=date(2026, 10, 15))
    path = tmp_path / "导出.csv"
    path.write_text(out.getvalue(), encoding="utf-8-sig", newline="")
    with pytest.raises(WrongHeadings, match="导出 Excel"):
        bring(session, path, noon, mapping="template")


def test_one_telephone_changed_in_an_exported_workbook_is_the_only_change(
    session: Session, whole: Guide, noon: datetime, tmp_path: Path
) -> None:
    assert brought(session, exported(tmp_path / "表.xlsx", [whole]), noon) == whole

    def change(book: Any) -> None:
        book["办理地点"].cell(2, column(book["办理地点"], "场所电话"), "0000-5559999")

    after = brought(session, exported(tmp_path / "表.xlsx", [whole], change), noon)
    assert after.places[0].phone == "0000-5559999"
    assert after.model_copy(update={"places": whole.places}) == whole
    assert after.places[0].hours == whole.places[0].hours


def test_other_hours_leave_the_single_days_as_they_stand(
    session: Session, whole: Guide, noon: datetime, tmp_path: Path
) -> None:
    def change(book: Any) -> None:
        book["办理地点"].cell(2, column(book["办理地点"], "办公时间"), "每天 9:00-17:00")

    hours = brought(session, exported(tmp_path / "表.xlsx", [whole], change), noon).places[0].hours
    assert hours is not None
    assert (hours.rules[0].closes, len(hours.exceptions)) == ("17:00", 1)


def test_two_regions_guides_of_one_code_keep_their_own_materials(
    session: Session, guide: Make, noon: datetime, tmp_path: Path
) -> None:
    both = [guide(region=code, materials=[{"name": f"{code} 的材料"}]) for code in ("980102", "980103")]
    publish_all(session, both, by="seeds", at=noon)
    batch = bring(session, exported(tmp_path / "表.xlsx", both), noon, mapping="template")
    assert (batch.same, batch.refused, sum(batch.counts.values())) == (2, (), 0)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(_records(Guide), min_size=1, max_size=3))
def test_any_guide_of_an_exported_workbook_comes_back_as_it_was(guides: list[Guide]) -> None:
    guides = [one.model_copy(update={"local_code": f"x-{n}"}) for n, one in enumerate(guides)]
    stand = {one.local_code: one for one in guides}
    problems: list[Any] = []
    with tempfile.TemporaryDirectory() as folder:
        path = exported(Path(folder) / "表.xlsx", guides)
        rules, rows = opened(path, load("template"))
        found = list(understood(rows, rules, "980100", problems, {}))
    for one in found:
        before = document(stand[one.local_code])
        assert document(kept(one, before, rules)) == before
    assert len(found) == len(guides) or problems, "what cannot come back is told"
