from __future__ import annotations

import csv
import json
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from knowledge.changes import changed_since, revision
from knowledge.importing import WrongHeadings, import_file
from knowledge.lint import lint
from knowledge.mapping import MappingError, load
from knowledge.publishing import find, read
from knowledge.reading import FileUnreadable
from knowledge.reading import read as read_rows
from knowledge.reports import Report

FCG = Path(__file__).parents[3] / "shared" / "data" / "fcg_guides.jsonl"
TODAY = date(2026, 10, 15)

RULES = """
required: [code, title]
line_keys: [类型, 说明]
fields:
  local_code: {from: code, raw: true}
  name: title
  department.name: {from: [dept.name, dept_name]}
  case_type: {from: kind, labels: {即办: 即办件, 承诺: 承诺件}}
  channels: {from: how, split: ",", labels: {窗口办理: 窗口, 网上办理: 网上}}
  conditions: {from: conditions, paragraphs: true}
  consult.phone: {from: contact, phones: true}
  places:
    each: {address: address, hours: {from: hours, hours: true}}
  materials:
    from: materials
    skip: {name: ^无需材料$}
    require: [name]
    each: {name: name, note: {from: note, line: 说明}}
"""

ROW: dict[str, Any] = {
    "code": "A-1",
    "title": "居民身份证补领",
    "dept": {"name": "松风区公安分局"},
    "kind": "承诺",
    "how": "窗口办理,网上办理",
    "conditions": "符合下列条件：1.本地户籍；2.身份证遗失。",
    "contact": "电话咨询：0000-5550123；地址：松涛路18号",
    "address": "松涛路18号",
    "hours": "工作日：09:00-17:00",
    "materials": [{"name": "户口簿", "note": "类型：原件\n说明：验原件\n收复印件"}, {"name": "无需材料"}],
}


@pytest.fixture
def mapping(tmp_path: Path) -> str:
    path = tmp_path / "rules.yml"
    path.write_text(RULES, encoding="utf-8")
    return str(path)


def dump(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def bring(session: Session, path: Path, mapping: str, at: datetime, **options: Any) -> Report:
    return import_file(session, path, mapping, "980102", by="clerk", at=at, **options)


def test_a_row_becomes_a_guide_as_the_mapping_says(
    session: Session, tmp_path: Path, mapping: str, noon: datetime
) -> None:
    assert bring(session, dump(tmp_path / "a.jsonl", ROW), mapping, noon).new == 1
    published = read(session, find(session, "980102", "A-1") or 0)
    assert published is not None
    guide = published.guide
    assert guide.department.name == "松风区公安分局"
    assert guide.conditions == ["符合下列条件：", "1.本地户籍；", "2.身份证遗失。"]
    assert guide.consult is not None
    assert guide.consult.phone == "0000-5550123"
    assert [(one.name, one.note) for one in guide.materials] == [("户口簿", "验原件\n收复印件")]
    assert guide.places[0].hours is not None
    assert guide.places[0].hours.rules[0].opens == "09:00"
    assert [channel.value for channel in guide.channels] == ["窗口", "网上"]


def test_importing_again_changes_nothing(session: Session, tmp_path: Path, mapping: str, noon: datetime) -> None:
    path = dump(tmp_path / "a.jsonl", ROW, ROW | {"code": "A-2"})
    bring(session, path, mapping, noon)
    before = revision(session)
    report = bring(session, path, mapping, noon)
    assert (report.new, report.changed, report.same) == (0, 0, 2)
    assert revision(session) == before


def test_a_changed_row_updates_one_guide_and_the_difference_is_told(
    session: Session, tmp_path: Path, mapping: str, noon: datetime
) -> None:
    bring(session, dump(tmp_path / "a.jsonl", ROW, ROW | {"code": "A-2"}), mapping, noon)
    report = bring(session, dump(tmp_path / "a.jsonl", ROW, ROW | {"code": "A-2", "kind": "即办"}), mapping, noon)
    assert (report.changed, report.same) == (1, 1)
    assert report.differences[0].local_code == "A-2"
    assert report.differences[0].fields == (("办件类型", "承诺件", "即办件"),)
    assert [row.version for row in changed_since(session, 0, today=TODAY).guides] == [1, 2]


def test_a_dry_run_shows_the_differences_and_writes_nothing(
    session: Session, tmp_path: Path, mapping: str, noon: datetime
) -> None:
    bring(session, dump(tmp_path / "a.jsonl", ROW), mapping, noon)
    before = revision(session)
    path = dump(tmp_path / "a.jsonl", ROW | {"title": "身份证补领"}, ROW | {"code": "A-2"})
    report = bring(session, path, mapping, noon, dry_run=True)
    assert (report.new, report.changed, len(report.differences)) == (1, 1, 1)
    assert revision(session) == before
    assert find(session, "980102", "A-2") is None


def test_a_bad_row_is_told_by_line_field_and_reason_while_the_good_land(
    session: Session, tmp_path: Path, mapping: str, noon: datetime
) -> None:
    rows = [
        ROW | {"code": "A-2", "kind": "2"},
        ROW | {"code": "A-3", "title": ""},
        ROW | {"code": "A-4", "materials": "x"},
    ]
    path = dump(tmp_path / "a.jsonl", ROW, *rows, ROW)
    path.write_text(path.read_text(encoding="utf-8") + "{broken\n", encoding="utf-8")
    report = bring(session, path, mapping, noon)
    assert report.new == 2
    assert not report.ok
    assert [str(problem) for problem in report.problems] == [
        "第 2 行，办件类型：“2”不在对照表中，可用：即办、承诺",
        "第 3 行，事项名称：没有填写",
        "第 5 行，本地编码：“A-1”与第 1 行重复，以先出现的为准",
        "第 6 行：这一行不是有效的 JSON",
    ]


def test_codes_the_file_no_longer_has_are_named_but_kept(
    session: Session, tmp_path: Path, mapping: str, noon: datetime
) -> None:
    bring(session, dump(tmp_path / "a.jsonl", ROW, ROW | {"code": "A-2"}), mapping, noon)
    report = bring(session, dump(tmp_path / "a.jsonl", ROW), mapping, noon)
    assert report.missing == ["A-2"]
    assert find(session, "980102", "A-2") is not None


def test_a_csv_saved_by_an_old_office_program_is_read(
    session: Session, tmp_path: Path, mapping: str, noon: datetime
) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", encoding="gb18030", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["code", "title", "dept_name", "conditions"])
        writer.writerow(["001", "居民身份证补领", "松风区公安分局", "第一行\n第二行"])
    assert bring(session, path, mapping, noon).new == 1
    published = read(session, find(session, "980102", "001") or 0)
    assert published is not None
    assert published.guide.conditions == ["第一行", "第二行"]


@pytest.mark.parametrize("text", ["{rows}", '{{"data": {{"list": {rows}}}}}'])
def test_a_json_list_is_read_alone_or_inside_an_object(
    session: Session, tmp_path: Path, mapping: str, noon: datetime, text: str
) -> None:
    path = tmp_path / "a.json"
    many = [ROW | {"code": f"A-{number}"} for number in range(300)]
    path.write_text(text.format(rows=json.dumps(many, ensure_ascii=False)), encoding="utf-8")
    if "data" in text:
        Path(mapping).write_text(RULES + "\nwithin: data.list\n", encoding="utf-8")
    assert bring(session, path, mapping, noon).new == 300


def test_characters_no_database_takes_do_not_stop_an_import(
    session: Session, tmp_path: Path, mapping: str, noon: datetime
) -> None:
    odd = ROW | {"code": "A\0-2\ud800", "title": "补领\0\ud800", "note": "\0"}
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(odd) + "\n" + json.dumps(ROW), encoding="utf-8")
    report = bring(session, path, mapping, noon)
    assert (report.new, report.problems) == (2, [])
    own = {"local_code": "A-9", "name": "补领\0", "department": {"name": "松风区公安分局"}}
    path.write_text(json.dumps(own), encoding="utf-8")
    assert [str(one) for one in bring(session, path, "guide", noon).problems] == ["第 1 行：含有不可见的控制字符"]


def test_a_torn_json_file_gives_what_it_has_and_says_so(
    session: Session, tmp_path: Path, mapping: str, noon: datetime
) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([ROW, ROW | {"code": "A-2"}], ensure_ascii=False)[:-40], encoding="utf-8")
    report = bring(session, path, mapping, noon)
    assert report.new == 1
    assert "中断" in report.problems[0].reason


def test_progress_reaches_the_end(session: Session, tmp_path: Path, mapping: str, noon: datetime) -> None:
    told: list[tuple[int, float]] = []
    path = dump(tmp_path / "a.jsonl", *(ROW | {"code": f"A-{number}"} for number in range(120)))
    bring(session, path, mapping, noon, progress=lambda rows, share: told.append((rows, share)))
    assert told[-1] == (120, 1.0)
    assert all(0 <= share <= 1 for _, share in told)
    assert len(told) == 3


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)


@pytest.mark.parametrize(
    ("name", "make", "told"),
    [
        ("a.jsonl", lambda path: path.write_bytes(b""), "是空的"),
        ("a.jsonl", lambda path: None, "没有找到文件"),
        ("a.jsonl", lambda path: path.write_bytes(b"\x80\xff\x00\xfe{"), "编码无法识别"),
        (
            "a.csv",
            lambda path: path.write_text("名称,部门\n甲,乙\n", encoding="utf-8"),
            "表头不对：没有找到“code”“title”",
        ),
        ("a.csv", lambda path: path.write_text("code,title\n", encoding="utf-8"), "没有一条办事指南"),
        ("a.xlsx", lambda path: path.write_bytes(b"not a workbook"), "不是有效的 Excel"),
        ("a.xlsx", bomb, "展开后过大"),
        ("a.xls", lambda path: path.write_bytes(b"x"), "另存为 .xlsx"),
        ("a.pdf", lambda path: path.write_bytes(b"x"), "不认识 .pdf"),
        ("a.json", lambda path: path.write_text('{"a": 1', encoding="utf-8"), "不是有效的 JSON"),
        ("a.json", lambda path: path.write_text('{"a": 1}', encoding="utf-8"), "没有找到指南列表"),
    ],
)
def test_a_file_that_cannot_be_read_gets_one_clear_sentence(
    session: Session, tmp_path: Path, mapping: str, noon: datetime, name: str, make: Any, told: str
) -> None:
    make(tmp_path / name)
    with pytest.raises((FileUnreadable, WrongHeadings), match=told) as error:
        bring(session, tmp_path / name, mapping, noon)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith("。")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "不是有效的 YAML"),
        ("a: 1", "缺少 fields"),
        ("fields: {name: {form: title}}", "name 有不认识的写法：form"),
        ("fields: {name: {from: title, extract: '('}}", "name.extract 不是有效的正则表达式"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError, match=told):
        load(str(path))


def test_an_unknown_mapping_names_the_known_ones() -> None:
    with pytest.raises(MappingError, match="可用的有：fcg、guide、template"):
        load("nope")


def test_lines_are_counted_as_the_file_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('code,title\nA-1,"一\n二"\n\nA-2,三\n', encoding="utf-8")
    assert [(row.line, row.values["code"]) for row in read_rows(path)] == [(2, "A-1"), (5, "A-2")]


@pytest.mark.skipif(not FCG.exists(), reason="the Fangchenggang dump is not beside this checkout")
def test_the_fangchenggang_dump_comes_in_whole_and_again_changes_nothing(session: Session, noon: datetime) -> None:
    report = import_file(session, FCG, "fcg", "450600", by="import", at=noon)
    assert ([str(problem) for problem in report.problems], report.new) == ([], 781)
    again = import_file(session, FCG, "fcg", "450600", by="import", at=noon)
    assert (again.new, again.changed, again.same, again.missing) == (0, 0, 781, [])
    published = read(session, find(session, "450600", "f1dc524d-cb22-46d6-83bc-2c39ead30a54") or 0)
    assert published is not None
    guide = published.guide
    assert guide.consult is not None
    assert guide.consult.phone == "0770-2069833"
    assert guide.consult.address == "防城港市港口区北部湾大道200号防城港海事局1楼政务中心"
    assert [channel.value for channel in guide.channels] == ["窗口", "网上", "邮寄"]
    assert guide.promised_time is not None
    assert (guide.promised_time.days, guide.promised_time.unit) == (34, "工作日")
    seen = changed_since(session, 0, today=TODAY).guides
    assert {row.region for row in seen} == {"450600"}
    # Published contradictions stay as published and are found, never silently altered.
    ids = [row.id for row in seen]
    rules = {finding.rule for number in ids[:200] if (one := read(session, number)) for finding in lint(one.guide)}
    assert "immediate-means-zero" in rules
