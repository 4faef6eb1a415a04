from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from core.database import sessions
from knowledge import applying, batches, proposing, reading, waiting
from knowledge.applying import Applied, OutOfReach, apply
from knowledge.batch import Batch, Kind, Outcome, Stage
from knowledge.batches import NoBatch, NothingChosen, NotInReview, NotOpen, NotYours
from knowledge.documents import document
from knowledge.drafting import KeyTaken, OwnChange
from knowledge.drafts import begin, begin_new, of_guide, submit
from knowledge.importing import WrongHeadings
from knowledge.models import BatchGuide, BatchRow
from knowledge.proposing import TooMuch, compared, file_name, keep
from knowledge.publishing import find, history, publish, publish_all, read, withdraw
from knowledge.reading import MIB, FileUnreadable
from knowledge.schema import Guide, Status

REGION = "980102"
CITY = (("980100", ""),)
Make = Callable[..., Guide]


def anywhere(_region: str, _department: str) -> bool:
    return True


def dump(folder: Path, *rows: Guide | dict[str, Any], name: str = "指南.jsonl") -> Path:
    contents = [document(row) if isinstance(row, Guide) else row for row in rows]
    path = folder / name
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in contents), encoding="utf-8")
    return path


def bring(session: Session, path: Path, noon: datetime, mapping: str = "guide", **options: Any) -> Batch:
    given: dict[str, Any] = {"file": path.name, "by": "lin", "at": noon, "allowed": anywhere} | options
    by, at, region = given.pop("by"), given.pop("at"), given.pop("region", REGION)
    with compared(session, path, mapping, region, **given) as found:
        return batches.read(session, keep(session, found, by=by, at=at), scopes=CITY, by="lin")


def names(session: Session, batch: Batch, kind: Kind) -> list[str]:
    return [one.local_code for one in batches.guides(session, batch.id, kind).entries]


def counts(*numbers: int) -> dict[Kind, int]:
    return dict(zip(Kind, numbers, strict=True))


def decide(session: Session, batch: Batch, noon: datetime, **options: Any) -> Applied:
    given: dict[str, Any] = {"by": "zhou", "at": noon, "own": False, "allowed": anywhere} | options
    while (applied := apply(session, batch.id, **given)).left:
        session.commit()
    return applied


def code(session: Session, local_code: str) -> int:
    found = find(session, REGION, local_code)
    assert found is not None
    return found


@pytest.fixture
def town(session: Session, guide: Make, noon: datetime) -> Session:
    publish_all(session, [guide(local_code=name) for name in ("same", "old", "gone")], by="seeds", at=noon)
    return session


@pytest.fixture
def batch(town: Session, guide: Make, noon: datetime, tmp_path: Path) -> Batch:
    """One guide the same, one changed, one new, one missing, and a row that is no guide."""
    rows = (guide(local_code="same"), guide(local_code="old", visits=1), guide(local_code="new"), {"name": "半份"})
    return bring(town, dump(tmp_path, *rows), noon)


def test_a_file_is_compared_with_what_stands_and_nothing_is_published(town: Session, batch: Batch) -> None:
    assert (batch.counts, batch.same) == (counts(1, 1, 0, 1), 1)
    assert [names(town, batch, kind) for kind in Kind] == [["new"], ["old"], [], ["gone"]]
    assert batch.chosen == counts(1, 1, 0, 0), "nothing is withdrawn unasked"
    assert any(problem.line == 4 and problem.field == "本地编码" for problem in batch.refused)
    assert find(town, REGION, "new") is None
    assert len(history(town, code(town, "old"))) == 1


def test_what_would_change_is_told_from_the_version_the_file_was_compared_with(
    town: Session, batch: Batch, guide: Make, noon: datetime
) -> None:
    publish(town, guide(local_code="old", visits=3), by="somebody", at=noon)
    (entry,) = batches.guides(town, batch.id, Kind.CHANGED).entries
    assert batches.before(town, [entry]) == {entry.place: document(guide(local_code="old"))}


def test_an_approved_import_is_published_with_who_approved_it_and_why(
    town: Session, batch: Batch, noon: datetime
) -> None:
    gone = batches.guides(town, batch.id, Kind.MISSING).entries[0].place
    batches.choose(town, batch.id, shown=[gone], chosen=[gone], by="lin")
    batches.submit(town, batch.id, why="季度核对", by="lin")
    applied = decide(town, batch, noon)
    assert applied == Applied(new=1, changed=1, withdrawn=1)
    assert read(town, code(town, "gone")).status is Status.WITHDRAWN  # type: ignore[union-attr]
    latest = history(town, code(town, "old"))[-1]
    assert (latest.guide.visits, latest.by, latest.why) == (1, "zhou", "导入 指南.jsonl：季度核对")
    done = batches.read(town, batch.id, scopes=CITY, by="zhou")
    assert (done.stage, done.decided_by, done.outcomes[Outcome.APPLIED]) == (Stage.APPLIED, "zhou", 3)
    with pytest.raises(NotInReview):
        decide(town, batch, noon)


def test_what_was_not_chosen_is_left_alone(town: Session, batch: Batch, noon: datetime) -> None:
    batches.choose_all(town, batch.id, Kind.NEW, False, by="lin")
    batches.submit(town, batch.id, why="核对", by="lin")
    assert decide(town, batch, noon) == Applied(changed=1)
    assert find(town, REGION, "new") is None


def test_choosing_on_one_page_leaves_the_other_pages_as_they_were(
    session: Session, guide: Make, noon: datetime, tmp_path: Path
) -> None:
    batch = bring(session, dump(tmp_path, *(guide(local_code=f"n{n}") for n in range(4))), noon)
    batches.choose(session, batch.id, shown=[1, 2], chosen=[2, 4], by="lin")
    chosen = [one.chosen for one in batches.guides(session, batch.id, Kind.NEW).entries]
    assert chosen == [False, True, True, True]


def test_nobody_approves_a_file_of_their_own_unless_the_office_allows_it(
    town: Session, batch: Batch, noon: datetime
) -> None:
    batches.submit(town, batch.id, why="核对", by="lin")
    with pytest.raises(OwnChange):
        decide(town, batch, noon, by="lin")
    assert decide(town, batch, noon, by="lin", own=True).new == 1


def test_nothing_is_applied_before_it_was_submitted_or_after_it_was_sent_back(
    town: Session, batch: Batch, noon: datetime
) -> None:
    with pytest.raises(NotInReview):
        decide(town, batch, noon)
    batches.submit(town, batch.id, why="核对", by="lin")
    batches.send_back(town, batch.id, answer="到现场次数不对", by="zhou", at=noon)
    with pytest.raises(NotInReview):
        decide(town, batch, noon)
    back = batches.read(town, batch.id, scopes=CITY, by="lin")
    assert (back.returned, back.answer) == (True, "到现场次数不对")
    batches.submit(town, batch.id, why="已改", by="lin")
    assert not batches.read(town, batch.id, scopes=CITY, by="lin").returned


def test_only_whoever_uploaded_it_chooses_submits_and_gives_up(town: Session, batch: Batch) -> None:
    for act in (
        lambda: batches.choose_all(town, batch.id, Kind.MISSING, True, by="zhou"),
        lambda: batches.choose(town, batch.id, shown=[1], chosen=[], by="zhou"),
        lambda: batches.submit(town, batch.id, why="核对", by="zhou"),
        lambda: batches.discard(town, batch.id, by="zhou"),
    ):
        with pytest.raises(NotYours):
            act()


def test_what_waits_for_review_stays_as_it_was_submitted(town: Session, batch: Batch) -> None:
    batches.submit(town, batch.id, why="核对", by="lin")
    with pytest.raises(NotOpen):
        batches.choose_all(town, batch.id, Kind.MISSING, True, by="lin")


def test_an_import_given_up_keeps_no_guides(town: Session, batch: Batch) -> None:
    batches.discard(town, batch.id, by="lin")
    assert town.execute(select(func.count()).select_from(BatchGuide)).scalar() == 0
    with pytest.raises(NotOpen):
        batches.submit(town, batch.id, why="核对", by="lin")


def test_an_empty_choice_or_reason_is_not_submitted(town: Session, batch: Batch) -> None:
    with pytest.raises(batches.Invalid, match="请写明为什么导入"):
        batches.submit(town, batch.id, why=" ", by="lin")
    for kind in Kind:
        batches.choose_all(town, batch.id, kind, False, by="lin")
    with pytest.raises(NothingChosen):
        batches.submit(town, batch.id, why="核对", by="lin")


def test_whoever_writes_does_not_wait_while_a_file_is_compared(
    database: Engine, guide: Make, noon: datetime, tmp_path: Path
) -> None:
    writing = sessions(database, writing=True)

    def meanwhile(_region: str, _department: str) -> bool:
        with writing.begin() as other:
            publish(other, guide(local_code="new", visits=9), by="somebody", at=noon)
        return True

    path = dump(tmp_path, guide(local_code="new"))
    with (
        sessions(database)() as reading,
        compared(reading, path, "guide", REGION, file=path.name, allowed=meanwhile) as found,
        writing.begin() as session,
    ):
        number = keep(session, found, by="lin", at=noon)
    with writing.begin() as session:
        batches.submit(session, number, why="核对", by="lin")
        batch = batches.read(session, number, scopes=CITY, by="lin")
        assert decide(session, batch, noon) == Applied(moved=["居民身份证补领"]), "what moved meanwhile stays as it is"


@pytest.fixture
def interrupted(
    database: Engine, guide: Make, noon: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Batch:
    """Five new guides, of which two were applied before something went wrong."""
    monkeypatch.setattr(applying, "CHUNK", 2)
    with sessions(database, writing=True).begin() as session:
        batch = bring(session, dump(tmp_path, *(guide(local_code=f"n{n}") for n in range(5))), noon)
        batches.submit(session, batch.id, why="核对", by="lin")
    with sessions(database, writing=True).begin() as session:
        assert apply(session, batch.id, by="zhou", at=noon, own=False, allowed=anywhere) == Applied(new=2, left=3)
    with monkeypatch.context() as broken, sessions(database, writing=True)() as session:
        broken.setattr(applying, "_note", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            apply(session, batch.id, by="zhou", at=noon, own=False, allowed=anywhere)
    return batch


def test_an_import_that_was_interrupted_is_finished_by_approving_it_again(
    session: Session, interrupted: Batch, noon: datetime
) -> None:
    left = batches.read(session, interrupted.id, scopes=CITY, by="zhou")
    assert (left.stage, left.begun, left.left, left.decided_by) == (Stage.REVIEW, True, 3, "zhou")
    assert [find(session, REGION, f"n{n}") is not None for n in range(5)] == [True, True, False, False, False]
    assert decide(session, interrupted, noon, by="wu") == Applied(new=5), "the counts are of all"
    latest = [history(session, code(session, f"n{n}"))[-1] for n in range(5)]
    assert [(one.version, one.by) for one in latest] == [(1, "zhou")] * 2 + [(1, "wu")] * 3
    assert batches.read(session, interrupted.id, scopes=CITY, by="zhou").left == 0


def test_each_part_of_an_import_is_checked_anew(
    session: Session, interrupted: Batch, guide: Make, noon: datetime
) -> None:
    for wrong, options in ((OwnChange, {"by": "lin"}), (OutOfReach, {"allowed": lambda *_: False})):
        with pytest.raises(wrong):
            decide(session, interrupted, noon, **options)
    publish(session, guide(local_code="n3", visits=9), by="somebody", at=noon)
    assert decide(session, interrupted, noon) == Applied(new=4, moved=["居民身份证补领"])


def test_the_rest_of_an_interrupted_import_can_be_sent_back_and_given_up(
    session: Session, interrupted: Batch, noon: datetime
) -> None:
    batches.send_back(session, interrupted.id, answer="先停一停", by="zhou", at=noon)
    batches.choose_all(session, interrupted.id, Kind.NEW, False, by="lin")
    with pytest.raises(NothingChosen):
        batches.submit(session, interrupted.id, why="核对", by="lin")
    batches.discard(session, interrupted.id, by="lin")
    assert [one.local_code for one in batches.guides(session, interrupted.id).entries] == ["n0", "n1"]
    assert find(session, REGION, "n1") is not None


def test_a_guide_that_changed_meanwhile_is_left_out_and_told(
    town: Session, batch: Batch, guide: Make, noon: datetime
) -> None:
    batches.choose_all(town, batch.id, Kind.MISSING, True, by="lin")
    batches.submit(town, batch.id, why="核对", by="lin")
    publish(town, guide(local_code="old", visits=9), by="somebody", at=noon)
    publish(town, guide(local_code="new", name="抢先发布", visits=9), by="somebody", at=noon)
    withdraw(town, code(town, "gone"), by="somebody", at=noon)
    applied = decide(town, batch, noon)
    assert applied == Applied(moved=["居民身份证补领"] * 3)
    assert read(town, code(town, "old")).guide.visits == 9  # type: ignore[union-attr]
    assert batches.read(town, batch.id, scopes=CITY, by="lin").outcomes[Outcome.MOVED] == 3


@pytest.mark.parametrize("drafted", [False, True])
def test_a_guide_that_holds_from_a_later_day_waits_for_it_and_what_stands_stays(
    town: Session, guide: Make, tmp_path: Path, noon: datetime, drafted: bool
) -> None:
    first = noon.date() + timedelta(days=30)
    batch = bring(town, dump(tmp_path, guide(local_code="old", visits=1, effective_from=first)), noon)
    if drafted:
        begin(town, code(town, "old"), by="sun", at=noon)
    batches.submit(town, batch.id, why="明年的规定", by="lin")
    left_out = {"moved": ["居民身份证补领"]} if drafted else {"waiting": ["居民身份证补领"]}
    assert decide(town, batch, noon) == Applied(**left_out)  # type: ignore[arg-type]
    assert len(history(town, code(town, "old"))) == 1
    assert waiting.due(town, first) == (() if drafted else (of_guide(town, code(town, "old")).id,))  # type: ignore[union-attr]
    for number in waiting.due(town, first):
        assert waiting.release(town, number, at=noon) is None, "not before its day"
        waiting.release(town, number, at=noon + timedelta(days=30))
        latest = history(town, code(town, "old"))[-1]
        assert (latest.guide.visits, latest.by, latest.why) == (1, "zhou", "导入 指南.jsonl：明年的规定")


def test_a_guide_somebody_is_writing_is_applied_and_told(town: Session, batch: Batch, noon: datetime) -> None:
    begin(town, code(town, "old"), by="sun", at=noon)
    batches.submit(town, batch.id, why="核对", by="lin")
    assert decide(town, batch, noon) == Applied(new=1, changed=1, drafted=["居民身份证补领"])
    assert len(history(town, code(town, "old"))) == 2


def test_a_region_written_in_twelve_digits_is_the_region_it_is(
    town: Session, guide: Make, noon: datetime, tmp_path: Path
) -> None:
    long = f"{REGION}000000"
    rows = [guide(local_code=name, region=long) for name in ("same", "old", "gone")]
    assert {row.region for row in rows} == {REGION}
    batch = bring(town, dump(tmp_path, *(document(row) | {"region": long} for row in rows)), noon, region=long)
    assert (batch.region, batch.same, sum(batch.counts.values())) == (REGION, 3, 0)
    draft = begin_new(town, document(rows[0]) | {"region": long}, by="lin", at=noon)
    with pytest.raises(KeyTaken):
        submit(town, draft.id, edition=draft.edition, why="新设", by="lin", at=noon)
    assert guide(region="980102001000").region == "980102001", "a township stays one"


def test_a_withdrawn_guide_in_the_file_comes_back_only_where_somebody_asked_for_it(
    town: Session, guide: Make, noon: datetime, tmp_path: Path
) -> None:
    withdraw(town, code(town, "gone"), by="somebody", at=noon, why="收费写错了")
    batch = bring(town, dump(tmp_path, guide(local_code="gone", visits=1), guide(local_code="old", visits=1)), noon)
    assert (batch.counts[Kind.REVIVED], batch.chosen[Kind.REVIVED]) == (1, 0)
    batches.choose_all(town, batch.id, Kind.CHANGED, True, by="lin")
    (entry,) = batches.guides(town, batch.id, Kind.REVIVED).entries
    assert not entry.chosen
    assert batches.reasons(town, [entry]) == {entry.place: "收费写错了"}
    batches.choose(town, batch.id, shown=[entry.place], chosen=[entry.place], by="lin")
    batches.submit(town, batch.id, why="恢复", by="lin")
    assert decide(town, batch, noon) == Applied(changed=1, revived=1)
    assert read(town, code(town, "gone")).status is Status.PUBLISHED  # type: ignore[union-attr]


def test_what_lies_outside_of_the_clerks_reach_is_refused_as_it_stands_and_as_it_would_be(
    town: Session, guide: Make, noon: datetime, tmp_path: Path
) -> None:
    other = {"name": "松风区税务局"}
    publish(town, guide(local_code="tax", department=other), by="seeds", at=noon)
    rows = (
        guide(local_code="old", department=other),  # given away
        guide(local_code="tax"),  # taken over
        guide(local_code="far", region="980101"),
        guide(local_code="fine"),
    )
    batch = bring(
        town, dump(tmp_path, *rows), noon, allowed=lambda region, name: (region, name) == (REGION, "松风区公安分局")
    )
    assert [names(town, batch, kind) for kind in Kind] == [["fine"], [], [], ["gone", "same"]]
    assert [problem.line for problem in batch.refused] == [1, 2, 3]
    assert all("不在您负责的范围" in problem.reason for problem in batch.refused)


def test_a_reviewer_approves_nothing_outside_of_their_own_reach(
    database: Engine, guide: Make, noon: datetime, tmp_path: Path
) -> None:
    with sessions(database, writing=True).begin() as session:
        rows = (guide(local_code="a"), guide(local_code="b", department={"name": "松风区税务局"}))
        batch = bring(session, dump(tmp_path, *rows), noon)
        batches.submit(session, batch.id, why="核对", by="lin")
    with pytest.raises(OutOfReach), sessions(database, writing=True).begin() as session:
        decide(session, batch, noon, allowed=lambda _region, name: name == "松风区公安分局")
    with sessions(database)() as session:
        assert find(session, REGION, "a") is None, "all or nothing"


def test_an_import_is_seen_by_those_who_may_see_all_of_it(
    session: Session, guide: Make, noon: datetime, tmp_path: Path
) -> None:
    police, tax = {"name": "松风区公安分局"}, {"name": "松风区税务局"}
    mixed = bring(session, dump(tmp_path, guide(department=police), guide(local_code="2", department=tax)), noon)
    plain = bring(session, dump(tmp_path, guide(department=police)), noon)

    def seen(*scopes: tuple[str, str], by: str = "qian") -> list[int]:
        return [one.id for one in batches.every(session, scopes=scopes, by=by).entries]

    assert seen(("980100", "")) == [plain.id, mixed.id]
    assert seen((REGION, police["name"])) == [plain.id]
    assert seen(("980101", "")) == seen(("980100", "云桥市公安局")) == seen() == []
    assert seen(by="lin") == [plain.id, mixed.id]
    with pytest.raises(NoBatch):
        batches.read(session, mixed.id, scopes=((REGION, police["name"]),), by="qian")


def test_a_file_name_is_shown_without_folders_and_without_tricks() -> None:
    assert file_name("../../etc/passwd") == "passwd"
    assert file_name("C:\\表格\\指南 2026.xlsx") == "指南 2026.xlsx"
    assert file_name("a\x00b\r\n\ud800.csv") == "ab .csv"
    assert file_name("/") == "没有名称的文件"
    assert len(file_name("长" * 500 + ".csv")) == proposing.NAME


def zipped(path: Path, **parts: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name.replace("__", "/"), content)


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12)
)


def workbook(path: Path, sheet: bytes) -> None:
    """A real workbook whose one sheet is replaced."""
    made = io.BytesIO()
    openpyxl.Workbook().save(made)
    with zipfile.ZipFile(made) as plain, zipfile.ZipFile(path, "w") as packed:
        for name in plain.namelist():
            packed.writestr(name, sheet if "worksheets/" in name else plain.read(name))


def bad_files() -> dict[str, Callable[[Path], object]]:
    return {
        "empty.xlsx": lambda path: path.write_bytes(b""),
        "program.xlsx": lambda path: path.write_bytes(b"MZ\x90\x00" + bytes(range(256)) * 40),
        "bomb.xlsx": lambda path: zipped(path, xl__worksheets__sheet1=b"0" * 50 * MIB),
        "zip.xlsx": lambda path: zipped(path, hello=b"hello"),
        "laughs.xlsx": lambda path: workbook(path, f"{LAUGHS}]><worksheet>&m;</worksheet>".encode()),
        "broken.xlsx": lambda path: workbook(path, b"<worksheet><sheetData><row><c t="),
        "headings.csv": lambda path: path.write_text("编号,标题\n1,二\n", encoding="utf-8"),
        "utf16.csv": lambda path: path.write_bytes(b"\xff\xfe" + b"\x00\xd8" * 9),
        "quote.csv": lambda path: path.write_text('本地编码,"事项名称\n' + "x" * 4 * MIB + ",二\n", encoding="utf-8"),
        "open.csv": lambda path: path.write_text('本地编码,事项名称,"实施部门\n1,二,三\n', encoding="utf-8"),
        "bytes.csv": lambda path: path.write_bytes(b"\xff" * 100),
        "program.exe": lambda path: path.write_bytes(b"MZ"),
        "nothing.json": lambda path: path.write_text("[]", encoding="utf-8"),
        "object.json": lambda path: path.write_text('{"a": 1}', encoding="utf-8"),
    }


@pytest.mark.parametrize("name", bad_files())
def test_a_file_that_is_none_is_refused_in_a_sentence_that_names_it_as_people_do(
    session: Session, noon: datetime, tmp_path: Path, name: str
) -> None:
    path = tmp_path / f"bangban-x1{Path(name).suffix}"
    bad_files()[name](path)
    with pytest.raises((FileUnreadable, WrongHeadings)) as caught:
        bring(session, path, noon, mapping="template", file=name)
    assert "bangban-x1" not in str(caught.value)
    assert str(caught.value).endswith(("。", "）")), caught.value
    assert session.execute(select(func.count()).select_from(BatchRow)).scalar() == 0


@pytest.mark.parametrize("depth", [50, 900, 20_000, 300_000])
@pytest.mark.parametrize("shape", ["[%s", '[{"name": %s'])
@pytest.mark.parametrize("ending", [".json", ".jsonl"])
def test_deeply_nested_json_is_refused(
    session: Session, noon: datetime, tmp_path: Path, depth: int, shape: str, ending: str
) -> None:
    path = tmp_path / f"deep{ending}"
    deep = shape % ("[" * depth + "]" * depth)
    path.write_text(deep + ("}]" if "{" in shape else "]"), encoding="utf-8")
    try:
        batch = bring(session, path, noon)
    except (FileUnreadable, WrongHeadings):
        return
    assert batch.refused
    assert not sum(batch.counts.values())


def test_formulas_and_markup_in_a_table_are_kept_as_the_text_they_are(
    session: Session, noon: datetime, tmp_path: Path
) -> None:
    path = tmp_path / "表.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = [["本地编码", "事项名称", "实施部门", "来源网址"], ["=1+1", "<b>x</b>补领", "公安局", "javascript:x"]]
        csv.writer(out).writerows(rows)
    (entry,) = batches.guides(session, bring(session, path, noon, mapping="template").id, Kind.NEW).entries
    assert (entry.local_code, entry.name) == ("=1+1", "x补领")


def test_a_number_that_was_not_understood_is_told(session: Session, noon: datetime, tmp_path: Path) -> None:
    path = tmp_path / "表.csv"
    heads = "本地编码,事项名称,实施部门,到现场次数\n"
    path.write_text(heads + "a,补领,公安局,三次\nb,补领,公安局,1 次\nc,补领,公安局,\n", encoding="utf-8")
    batch = bring(session, path, noon, mapping="template")
    (problem,) = batch.refused
    assert (problem.line, problem.field, problem.reason) == (2, "到现场次数", "看不懂“三次”，请写数字")
    found = batches.guides(session, batch.id, Kind.NEW).entries
    assert [one.document.get("visits") for one in found] == [1, None]


def test_too_many_rows_are_refused_before_anything_is_kept(
    session: Session, guide: Make, noon: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposing, "ROWS", 60)
    path = dump(tmp_path, *(guide(local_code=f"n{n}") for n in range(61)))
    with pytest.raises(TooMuch, match="超过 60 行"):
        bring(session, path, noon)
    path = dump(tmp_path, *({"name": "没有编码", "n": n} for n in range(120)))
    with pytest.raises((TooMuch, WrongHeadings)):
        bring(session, path, noon)


def test_the_further_sheets_of_a_workbook_are_counted_and_timed_like_the_first(
    session: Session, noon: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = openpyxl.Workbook()
    book.active.title = "办事指南"
    book.active.append(["本地编码", "事项名称", "实施部门"])
    book.active.append(["a", "补领", "公安局"])
    further = book.create_sheet("申请材料")
    for row in [["本地编码", "材料名称"], *([["a", "户口簿"]] * 30)]:
        further.append(row)
    book.save(path := tmp_path / "表.xlsx")
    with monkeypatch.context() as slow:
        slow.setattr(reading, "OFTEN", 10)
        slow.setattr(proposing, "LONGEST", -1)
        with pytest.raises(TooMuch, match="几分钟"):
            bring(session, path, noon, mapping="template")
    monkeypatch.setattr(reading, "BESIDE", 29)
    with pytest.raises(FileUnreadable, match="附表一共超过 29 行"):
        bring(session, path, noon, mapping="template")


def test_of_very_many_problems_the_first_are_shown_and_the_rest_counted(
    session: Session, noon: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposing, "REFUSED", 3)
    good = {"local_code": "", "name": "x" * 400, "department": {"name": "\u0001"}}
    batch = bring(session, dump(tmp_path, *[good] * 9), noon)
    assert len(batch.refused) == 4
    assert "没有列出" in batch.refused[-1].reason
    assert all(len(problem.reason) <= proposing.WORDS for problem in batch.refused)


def test_reading_leaves_no_files_behind(
    town: Session, guide: Make, noon: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    monkeypatch.setattr(proposing, "IN_MEMORY", 1)
    batch = bring(town, dump(tmp_path, guide(local_code="old", visits=1)), noon)
    assert batch.counts[Kind.CHANGED] == 1
    assert list(spare.iterdir()) == []
