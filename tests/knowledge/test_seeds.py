from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from knowledge import seeds
from knowledge.changes import changed_since, revision
from knowledge.publishing import find, publish, read, read_halls
from knowledge.regions import Regions

HALL = """
- {name: 松风区政务服务中心, region: "980102", address: 松涛路18号, phone: 0000-5550200,
   hours: {text: "工作日：09:00-17:00"}}
"""
GUIDES = """
- name: 居民身份证补领
  local_code: yq-hj-001
  region: "980102"
  department: {name: 松风区公安分局}
  places: [{hall: 松风区政务服务中心, window: 2楼}]
  implementations:
    - {}
    - {local_code: yq-hj-002, region: "980103", department: {name: 竹溪区公安分局},
       places: [{address: 溪畔街, hours: "工作日：09:00-12:00"}]}
"""
FAQ = """
- {code: f-1, region: "980100", question: 周六上班吗, answer: 上午办公。, guides: [yq-hj-001]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "guides").mkdir()
    (tmp_path / "halls.yml").write_text(HALL, encoding="utf-8")
    (tmp_path / "guides" / "household.yml").write_text(GUIDES, encoding="utf-8")
    (tmp_path / "faq.yml").write_text(FAQ, encoding="utf-8")
    return tmp_path


def test_a_place_takes_what_its_hall_says(session: Session, folder: Path, noon: datetime) -> None:
    report = seeds.load_demo(session, at=noon, folder=folder)
    assert (report.new, report.ok) == (2, True)
    published = read(session, find(session, "980102", "yq-hj-001") or 0)
    assert published is not None
    place = published.guide.places[0]
    assert (place.address, place.window, place.phone) == ("松涛路18号", "2楼", "0000-5550200")
    assert place.hours is not None
    assert place.hours.rules[0].closes == "17:00"
    assert read_halls(session, ["980102"])[0].hours.rules


def test_each_implementation_is_a_guide_of_its_own(session: Session, folder: Path, noon: datetime) -> None:
    seeds.load_demo(session, at=noon, folder=folder)
    one, other = changed_since(session, 0, today=date(2026, 10, 15)).guides
    assert (one.department, other.department) == ("松风区公安分局", "竹溪区公安分局")
    assert one.item == other.item


def test_loading_unchanged_seeds_reads_no_yaml_and_writes_nothing(
    session: Session, folder: Path, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds.load_demo(session, at=noon, folder=folder)
    session.commit()
    before = revision(session)
    monkeypatch.setattr(seeds, "read", lambda _: pytest.fail("the files were parsed again"))
    assert seeds.load_demo(session, at=noon, folder=folder).total == 0
    assert revision(session) == before


def test_an_edited_seed_file_updates_only_its_guide(session: Session, folder: Path, noon: datetime) -> None:
    seeds.load_demo(session, at=noon, folder=folder)
    text = GUIDES.replace("竹溪区公安分局", "竹溪区公安分局户政大队")
    (folder / "guides" / "household.yml").write_text(text, encoding="utf-8")
    report = seeds.load_demo(session, at=noon, folder=folder)
    assert (report.new, report.changed, report.same) == (0, 1, 1)


def test_a_guide_staff_have_edited_is_left_to_them(session: Session, folder: Path, noon: datetime) -> None:
    seeds.load_demo(session, at=noon, folder=folder)
    number = find(session, "980102", "yq-hj-001") or 0
    published = read(session, number)
    assert published is not None
    publish(session, published.guide.model_copy(update={"visits": 1}), by="clerk", at=noon)
    (folder / "guides" / "household.yml").write_text(GUIDES + "\n", encoding="utf-8")
    seeds.load_demo(session, at=noon, folder=folder)
    kept = read(session, number)
    assert kept is not None
    assert kept.guide.visits == 1


def test_a_guide_dropped_from_the_files_is_withdrawn(session: Session, folder: Path, noon: datetime) -> None:
    seeds.load_demo(session, at=noon, folder=folder)
    text = GUIDES.split("    - {local_code")[0]
    (folder / "guides" / "household.yml").write_text(text, encoding="utf-8")
    assert seeds.load_demo(session, at=noon, folder=folder).missing == ["yq-hj-002"]
    assert len(changed_since(session, 0, today=date(2026, 10, 15)).guides) == 1


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("guides/x.yml", "- {name: 甲, local_code: a, region: '980102'}", ["x.yml 第 1 条（a），实施部门：没有填写"]),
        ("guides/x.yml", "- {nmae: 甲}", ["x.yml 第 1 条（无编码），nmae：没有这个字段"]),
        ("guides/x.yml", "[", ["x.yml：不是有效的 YAML"]),
        ("guides/x.yml", "a: 1", ["x.yml：应当是一个列表"]),
        ("guides/x.yml", GUIDES, ["本地编码 yq-hj-001 出现了多次"]),
        (
            "guides/x.yml",
            "- {local_code: a, places: [{hall: 无此厅}]}",
            ["x.yml 第 1 条（a）：halls.yml 中没有“无此厅”"],
        ),
        ("faq.yml", FAQ.replace("yq-hj-001", "nope"), ["faq.yml f-1：没有本地编码为 nope 的指南"]),
        ("halls.yml", "- {name: 甲}", ["halls.yml 第 1 条，地址：没有填写"]),
    ],
)
def test_an_error_names_file_and_entry(folder: Path, file: str, text: str, told: list[str]) -> None:
    (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(seeds.SeedError) as error:
        seeds.read(folder)
    for words in told:
        assert words in str(error.value)


def test_a_deployment_without_the_demonstration_city_still_knows_the_country(session: Session, noon: datetime) -> None:
    seeds.load_regions(session, at=noon)
    seeds.load_regions(session, at=noon)
    known = Regions.load(session)
    assert known.full_name("450602") == "防城港市港口区"
    assert "980100" not in known


def test_the_shipped_seeds_are_valid() -> None:
    read_seeds = seeds.read()
    assert len(read_seeds.halls) == 4
