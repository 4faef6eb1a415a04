"""Files that come in and go out: read, compared, chosen from, approved by another; and whatever else people send."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import openpyxl
import pytest
from playwright.sync_api import expect

from channels.console import import_pages, imports
from channels.web import security
from core import clock
from core.errors import Conflict
from knowledge import applying, proposing, template
from knowledge.comparing import Verdict, compare
from knowledge.publishing import find, history, read, withdraw
from knowledge.revisions import lock
from knowledge.schema import Status
from tests.chromium import browser
from tests.console.conftest import CITY, DISTRICT, POLICE, Office, Visit, axe

__all__ = ["browser"]  # a fixture

OTHER = "980103"
HEADS = "本地编码,事项名称,实施部门,群众常用问法\n"


@pytest.fixture(autouse=True)
def spare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of temporary files; nothing may be left in it."""
    folder = tmp_path / "spare"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def send(
    office: Office,
    content: bytes | str,
    name: str = "表.csv",
    who: str = "lin",
    mapping: str = "template",
    **fields: str,
) -> httpx.Response:
    client = office.signed(who)
    data = {"csrf": office.csrf(client), "mapping": mapping, "region": CITY} | fields
    given = content.encode() if isinstance(content, str) else content
    return client.post("/console/imports", data=data, files={"file": (name, given)})


def brought(office: Office, content: bytes | str, **options: str) -> str:
    """The path of the import that a file became."""
    answer = send(office, content, **options)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def post(office: Office, who: str, path: str, data: dict[str, Any] | None = None, **fields: str) -> httpx.Response:
    return office.post(office.signed(who), path, data, **fields)


def acts(office: Office, path: str) -> list[str]:
    with office.house.reading() as session:
        found = office.house.audit.entries(session, subject=f"import:{path.rpartition('/')[2]}")
    return [entry.act for entry in found]


def applied(office: Office, path: str) -> list[tuple[str, int, int]]:
    """Who published how many new guides of an import so far, and how many were left; the latest first."""
    with office.house.reading() as session:
        found = office.house.audit.entries(session, subject=f"import:{path.rpartition('/')[2]}")
    return [(one.who, one.detail["new"], one.detail["left"]) for one in found if one.act == "import.apply"]


def exported(office: Office, who: str, **query: str) -> httpx.Response:
    return office.signed(who).get("/console/imports/export", params=query)


def published(office: Office, who: str, **query: str) -> list[dict[str, Any]]:
    answer = exported(office, who, form="jsonl", **query)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_clerk_imports_a_table_and_another_approves_it(office: Office, visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "松风区 11 月.xlsx"
    path.write_bytes(exported(office, "lin", form="xlsx", region=DISTRICT).content)
    book = openpyxl.load_workbook(path)
    sheet = book["办事指南"]
    heads = [str(cell.value).rstrip("*") for cell in sheet[1]]
    sheet.cell(2, heads.index("咨询方式的电话") + 1, "0000-5559999")
    code = sheet.cell(2, heads.index("本地编码") + 1).value
    row = {
        "本地编码": "IMP-1",
        "事项名称": "热气球升空备案",
        "实施部门": "松风区文体局",
        "群众常用问法": "热气球想飞怎么办",
    }
    sheet.append([row.get(head) for head in heads])
    sheet.append([{"本地编码": "IMP-2", "事项名称": "没有部门的"}.get(head) for head in heads])
    book.save(path)

    page = visit("lin", "/console/imports")
    axe(page)
    page.get_by_label("文件（必填）").set_input_files(path)
    page.get_by_label("地区", exact=True).select_option(DISTRICT)
    page.get_by_role("button", name="上传并查看差别").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(path.name)
    expect(page.locator("main")).to_contain_text("新增 1 份，修改 1 份")
    page.get_by_role("link", name="有问题的行 1").click()
    expect(page.locator("main")).to_contain_text("实施部门")
    page.get_by_role("link", name="修改 1").click()
    expect(page.locator("main ins").filter(has_text="5559999")).to_be_visible()
    axe(page)
    page.get_by_label("导入", exact=True).uncheck()
    page.get_by_role("button", name="保存挑选").click()
    expect(page.locator("main")).to_contain_text("已选 1 份：新增 1，修改 0，下架 0")
    page.get_by_role("button", name="全部选上").click()
    page.get_by_label("为什么导入").fill("十一月核对")
    page.get_by_role("button", name="提交审核").click()
    expect(page.get_by_role("status")).to_have_text("已提交审核。")
    path_of = page.url.removeprefix(office.address)

    page = visit("zhou", path_of + "?tab=changed")
    expect(page.locator("main ins").filter(has_text="5559999")).to_be_visible()
    page.get_by_role("button", name="批准并导入").click()
    expect(page.locator("main")).to_contain_text("导入了 2 份，没有导入 0 份")
    axe(page)

    office.house.sync.catch_up()
    assert getattr(office.house.search("热气球想飞怎么办", DISTRICT, 1)[0].target, "name", "") == "热气球升空备案"
    with office.house.reading() as session:
        latest = history(session, find(session, DISTRICT, str(code)) or 0)[-1]
    assert (latest.by, latest.why) == ("zhou", f"导入 {path.name}：十一月核对")
    assert acts(office, path_of) == ["import.apply", "import.submit", "import.propose"]


def test_an_import_is_not_approved_by_whoever_uploaded_it_nor_by_an_editor(office: Office) -> None:
    path = brought(office, HEADS + "OWN-1,独自批准,云桥市公安局,\n", who="zhou")
    assert post(office, "zhou", f"{path}/submit", why="核对").status_code == 303
    assert "要请另一位审核" in office.signed("zhou").get(path).text
    for who in ("zhou", "lin"):
        assert post(office, who, f"{path}/approve").status_code == 403
    assert acts(office, path) == ["import.submit", "import.propose"]
    with office.house.reading() as session:
        assert find(session, CITY, "OWN-1") is None


def test_an_import_is_sent_back_with_a_word_and_can_be_given_up(office: Office) -> None:
    path = brought(office, HEADS + "BACK-1,退回来的,云桥市公安局,\n")
    post(office, "lin", f"{path}/submit", why="核对")
    assert post(office, "lin", f"{path}/return", why="不行").status_code == 403
    assert post(office, "zhou", f"{path}/return").status_code == 422
    assert post(office, "zhou", f"{path}/return", why="部门写错了").status_code == 303
    assert "部门写错了" in office.signed("lin").get(path).text
    assert acts(office, path) == ["import.return", "import.submit", "import.propose"]
    assert post(office, "zhou", f"{path}/discard").status_code == 403
    assert post(office, "lin", f"{path}/discard").status_code == 303
    page = office.signed("lin").get(path).text
    assert "已撤销" in page
    assert "BACK-1" not in page
    assert acts(office, path)[0] == "import.discard"


def test_nobody_who_writes_waits_while_a_file_is_compared(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []

    def meanwhile(*args: Any, **options: Any) -> list[Verdict]:
        with office.house.writing.begin() as session:
            lock(session)
            held.append(True)
        return compare(*args, **options)

    monkeypatch.setattr(proposing, "compare", meanwhile)
    brought(office, HEADS + "WAIT-1,不用等的,云桥市公安局,\n")
    assert held == [True]


def test_an_import_that_was_interrupted_says_so_and_goes_on(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "CHUNK", 1)
    monkeypatch.setattr(import_pages, "PAUSE", 0)
    path = brought(office, HEADS + "HALF-1,第一份,云桥市公安局,\nHALF-2,第二份,云桥市公安局,\n", region=OTHER)
    post(office, "lin", f"{path}/submit", why="核对")
    with monkeypatch.context() as broken:
        broken.setattr(applying, "_applied", Mock(side_effect=Conflict))
        assert post(office, "zhou", f"{path}/approve").status_code == 409
    assert acts(office, path)[0] == "import.submit"
    assert (applied(office, path), "周明" in office.signed("lin").get(path).text) == ([], False)
    with monkeypatch.context() as broken:
        broken.setattr(import_pages.time, "sleep", Mock(side_effect=Conflict))
        assert post(office, "zhou", f"{path}/approve").status_code == 409
    assert applied(office, path) == [("zhou", 1, 1)], "what was done before the interruption is on record"
    page = office.signed("zhou").get(path).text
    assert "还有 1 份没有导入，再点一次继续" in page
    assert "谁批准的" in page
    assert "继续导入" in page
    assert post(office, "zhou", f"{path}/approve").status_code == 303
    with office.house.reading() as session:
        assert find(session, OTHER, "HALF-2") is not None
    assert applied(office, path) == [("zhou", 2, 0), ("zhou", 1, 1)]


def test_uploads_and_exports_are_on_record(office: Office) -> None:
    path = brought(office, HEADS + "REC-1,留记录的,云桥市公安局,\nREC-2,,云桥市公安局,\n")
    exported(office, "lin", form="csv", region=DISTRICT)
    with office.house.reading() as session:
        (upload,) = office.house.audit.entries(session, subject=f"import:{path.rpartition('/')[2]}")
        export = office.house.audit.entries(session, act="guide.export")[0]
    assert (upload.act, upload.who, upload.detail["new"], upload.detail["refused"]) == ("import.propose", "lin", 1, 1)
    assert (export.who, export.region, export.detail["form"]) == ("lin", DISTRICT, "csv")
    page = office.signed("gao").get("/console/audit").text
    assert "导出办事指南" in page
    assert "上传导入文件" in page


def test_a_guide_that_lacks_much_is_marked(office: Office) -> None:
    page = office.signed("lin").get(brought(office, HEADS + "LACK-1,什么都没写,云桥市公安局,\n")).text
    assert "缺 10 个关键要素" in page


def test_what_is_missing_from_the_file_is_withdrawn_only_where_it_was_ticked(office: Office) -> None:
    path = brought(office, HEADS + "LAST-1,留下的,云桥市公安局,\nLAST-2,不再办的,云桥市公安局,\n", region=OTHER)
    post(office, "lin", f"{path}/submit", why="核对")
    assert post(office, "zhou", f"{path}/approve").status_code == 303
    path = brought(office, HEADS + "LAST-1,留下的,云桥市公安局,\n", region=OTHER)
    page = office.signed("lin").get(f"{path}?tab=missing").text
    place = page.partition("LAST-2")[0].rpartition('name="shown" value="')[2].partition('"')[0]
    assert f'name="chosen" value="{place}" checked' not in page
    post(office, "lin", f"{path}/choose", {"shown": [place], "chosen": [place]}, tab="missing", page="1")
    post(office, "lin", f"{path}/submit", why="不再办理")
    post(office, "zhou", f"{path}/approve")
    with office.house.reading() as session:
        gone, left = (read(session, find(session, OTHER, code) or 0) for code in ("LAST-2", "LAST-1"))
    assert gone is not None
    assert left is not None
    assert (gone.status, left.status) == (Status.WITHDRAWN, Status.PUBLISHED)


def test_what_was_taken_down_for_an_error_is_marked_and_left_out_unless_ticked(office: Office) -> None:
    path = brought(office, HEADS + "DOWN-1,写错的,云桥市公安局,\nDOWN-2,没写错的,云桥市公安局,\n", region=OTHER)
    post(office, "lin", f"{path}/submit", why="核对")
    post(office, "zhou", f"{path}/approve")
    with office.house.writing.begin() as session:
        withdraw(session, find(session, OTHER, "DOWN-1") or 0, by="zhou", at=clock.now(), why="收费写错了")
    path = brought(office, HEADS + "DOWN-1,写错的,云桥市公安局,别名\nDOWN-2,没写错的,云桥市公安局,别名\n", region=OTHER)
    page = office.signed("lin").get(f"{path}?tab=revived").text
    assert "已下架（原因：收费写错了），选上会重新公布" in page
    assert " checked" not in page
    assert "全部选上" not in page
    post(office, "lin", f"{path}/choose", tab="changed", page="1", all="yes")
    page = office.signed("lin").get(path).text
    assert "已选 1 份：新增 0，修改 1，重新公布 0，下架 0" in page
    assert "另有 1 份已下架的没有选上" in page


def test_what_changed_during_the_review_is_told_by_name(office: Office) -> None:
    rows = HEADS + "RACE-1,两人同改,云桥市公安局,\n"
    first, second = brought(office, rows), brought(office, rows)
    for path in (first, second):
        post(office, "lin", f"{path}/submit", why="核对")
        post(office, "zhou", f"{path}/approve")
    page = office.signed("zhou").get(second).text
    assert "导入了 0 份，没有导入 1 份" in page
    assert "两人同改（RACE-1）" in page


def test_a_department_imports_its_own_guides_alone_and_sees_no_others_imports(office: Office) -> None:
    others = brought(office, HEADS + "DEP-1,税务的事,云桥市税务局,\n")
    path = brought(office, HEADS + f"DEP-2,税务的事,云桥市税务局,\nDEP-3,公安的事,{POLICE},\n", who="sun")
    page = office.signed("sun").get(f"{path}?tab=refused").text
    assert "新增 1 份" in page
    assert "不在您负责的范围" in page
    assert office.signed("sun").get(others).status_code == 404
    assert post(office, "sun", f"{others}/approve").status_code == 404
    assert send(office, HEADS, who="qian", region=CITY).status_code == 403


def test_an_administrator_exports_and_imports_nothing(office: Office) -> None:
    page = office.signed("gao").get("/console/imports")
    assert page.status_code == 200
    assert "上传并查看差别" not in page.text
    assert send(office, HEADS + "A,b,c,\n", who="gao").status_code == 403
    assert published(office, "gao")


def test_an_export_holds_what_is_in_reach_alone(office: Office) -> None:
    assert {one["region"] for one in published(office, "qian")} == {DISTRICT}
    assert {one["region"] for one in published(office, "qian", region=CITY)} == {DISTRICT}
    assert {one["department"]["name"] for one in published(office, "sun")} == {POLICE}
    assert {one["region"] for one in published(office, "lin", region=DISTRICT)} == {DISTRICT}
    assert exported(office, "lin", form="doc").status_code == 422


def test_an_exported_workbook_comes_back_without_a_difference(office: Office) -> None:
    answer = exported(office, "lin", form="xlsx", region=DISTRICT)
    assert "attachment" in answer.headers["content-disposition"]
    page = office.signed("lin").get(brought(office, answer.content, name="指南.xlsx", region=DISTRICT)).text
    assert "新增 0 份，修改 0 份" in page
    assert "有问题的 0 处" in page


def test_the_blank_template_is_a_workbook_that_imports_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "ROWS", 5)
    answer = office.signed("sun").get("/console/imports/template.xlsx")
    assert "没有一条办事指南" in send(office, answer.content, name="空表.xlsx").text


@pytest.mark.parametrize("form", ["csv", "jsonl", "jsonld"])
def test_other_forms_can_be_downloaded_too(office: Office, form: str) -> None:
    answer = exported(office, "zhou", form=form)
    assert answer.status_code == 200
    assert "居民身份证" in answer.content.decode("utf-8-sig")


def test_formulas_go_out_as_text_and_come_back_as_they_were(office: Office) -> None:
    path = brought(office, HEADS + '=1+1,"=HYPERLINK(""http://x"")的事",云桥市公安局,@问法\n', region=OTHER)
    post(office, "lin", f"{path}/submit", why="核对")
    post(office, "zhou", f"{path}/approve")
    content = exported(office, "lin", form="xlsx", region=OTHER).content
    sheet = openpyxl.load_workbook(io.BytesIO(content))["办事指南"]
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert any(cell.value == "=1+1" and cell.quotePrefix for cell in cells)
    assert "新增 0 份，修改 0 份" in office.signed("lin").get(brought(office, content, name="a.xlsx")).text
    assert "'=1+1" in exported(office, "lin", form="csv").text


def test_markup_in_names_and_files_is_shown_and_never_run(office: Office) -> None:
    row = {
        "local_code": "<script>alert(1)</script>", "name": "<img src=x onerror=alert(1)>", "region": CITY,
        "department": {"name": "<b>局</b>"},
    }  # fmt: skip
    lines = json.dumps(row) + "\n" + json.dumps(row | {"<script>": 1}) + "\n"
    path = brought(office, lines, name='../../<script>alert("1")</script>.jsonl', mapping="guide")
    for query in ("", "?tab=refused"):
        page = office.signed("lin").get(path + query).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "../" not in page.partition("<h1>")[2].partition("</h1>")[0]


def bomb(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", content)
    return made.getvalue()


HOSTILE: dict[str, Callable[[], tuple[str, bytes]]] = {
    "an empty file": lambda: ("空.csv", b""),
    "a bomb": lambda: ("炸.xlsx", bomb(b"0" * 30_000_000)),
    "a program": lambda: ("表.xlsx", b"MZ\x90" + b"\x00" * 999),
    "nested JSON": lambda: ("深.json", b"[" * 200_000),
    "other columns": lambda: ("表.csv", "编号,标题\n1,二\n".encode("gb18030")),
    "no ending": lambda: ("表", b"x"),
    "an ending with a nul": lambda: ("表.c\x00sv", b"x"),
    "folders in its name": lambda: ("../../../etc/passwd", b"x"),
    "bytes": lambda: ("表.csv", bytes(range(256)) * 9),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_whatever_is_sent_is_answered_in_a_sentence(office: Office, what: str) -> None:
    name, content = HOSTILE[what]()
    answer = send(office, content, name=name)
    if answer.status_code == 303:  # read, and every row refused
        answer = office.signed("lin").get(answer.headers["location"] + "?tab=refused")
        assert "新增 0 份" in answer.text
        return
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "bangban-" not in answer.text
    assert "Traceback" not in answer.text


def test_a_table_from_an_older_office_program_is_read(office: Office) -> None:
    path = brought(office, (HEADS + "GB-1,国标编码的表,云桥市公安局,\n").encode("gb18030"))
    assert "国标编码的表" in office.signed("lin").get(path).text


def test_a_file_that_is_too_large_is_told_so_on_a_page(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "UPLOAD_BODY", 3 * 1024 * 1024)
    answer = send(office, b"x" * 12 * 1024 * 1024)
    assert answer.status_code == 413
    assert "文件太大了，最多 3 MB" in answer.text


def test_a_form_from_elsewhere_or_without_a_file_is_refused(office: Office) -> None:
    client = office.signed("lin")
    csrf = office.csrf(client)
    file = {"file": ("表.csv", HEADS.encode())}
    assert client.post("/console/imports", data={"csrf": "x"}, files=file).status_code == 403
    elsewhere = client.post(
        "/console/imports", data={"csrf": csrf}, files=file, headers={"Origin": "https://elsewhere.example"}
    )
    assert elsewhere.status_code == 403
    assert client.post("/console/imports", data={"csrf": csrf}).status_code == 422
    broken = client.post("/console/imports", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert broken.status_code == 422
    many = client.post("/console/imports", data={f"f{n}": "x" for n in range(99)}, files=file)
    assert many.status_code == 422
    assert send(office, HEADS, mapping="../../etc/passwd.yml").status_code == 422
    assert send(office, HEADS, region="999999999999").status_code in (403, 422)
    assert office.client().post("/console/imports", files=file).status_code == 401


def test_few_files_are_read_at_the_same_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        assert imports._reading.acquire(blocking=False)
    try:
        assert send(office, HEADS + "A,b,c,\n").status_code == 409
    finally:
        imports._reading.release(2)
    assert send(office, HEADS + "A,b,c,\n").status_code == 303
