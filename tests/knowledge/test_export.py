from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from knowledge.export import SCHEMA_FILE, Form, export, json_schema
from knowledge.importing import import_file
from knowledge.publishing import find, publish, withdraw
from knowledge.regions import Regions
from knowledge.schema import Guide
from knowledge.seeds import SEEDS

REGIONS = Regions.read(SEEDS / "regions.yml")
TODAY = date(2026, 10, 15)


@pytest.fixture
def stored(session: Session, guide: Callable[..., Guide], noon: datetime) -> Session:
    full = guide(
        kind="行政确认",
        charged=False,
        promised_time={"days": 20, "unit": "自然日"},
        faq=[{"question": "能代办吗", "answer": "不能"}],
        places=[
            {
                "address": "松涛路18号",
                "hours": {"text": "x", "rules": [{"days": [1], "opens": "09:00", "closes": "12:00"}]},
            }
        ],
        urls={"online": "https://yunqiao.example/apply"},
        consult={"phone": "0000-5550123"},
        booking={"offered": True, "url": "https://yunqiao.example/book"},
    )
    for one in (full, guide(local_code="t-002", region="980103", name="=1+1"), guide(local_code="t-003")):
        publish(session, one, by="clerk", at=noon)
    withdraw(session, find(session, "980102", "t-003") or 0, by="clerk", at=noon)
    return session


def text(session: Session, form: Form, codes: tuple[str, ...] = ()) -> str:
    out = io.StringIO()
    export(session, out, form, regions=REGIONS, today=TODAY, codes=codes)
    return out.getvalue()


def test_the_published_schema_is_in_step_with_the_models() -> None:
    shipped = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert shipped == json_schema(), "run: uv run python -c 'from knowledge.export import write_schema; write_schema()'"


def test_a_withdrawn_guide_is_not_exported(stored: Session) -> None:
    assert [row["local_code"] for row in map(json.loads, text(stored, Form.JSONL).splitlines())] == ["t-001", "t-002"]


def test_an_export_can_be_limited_to_a_region(stored: Session) -> None:
    assert [row["local_code"] for row in json.loads(text(stored, Form.JSON, ("980103",)))] == ["t-002"]


def test_an_export_imported_again_changes_nothing(stored: Session, tmp_path: Path, noon: datetime) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text(text(stored, Form.JSONL), encoding="utf-8")
    report = import_file(stored, path, "guide", "980102", by="clerk", at=noon)
    assert (report.same, report.problems) == (2, [])


def test_a_table_has_chinese_headings_and_runs_no_formula(stored: Session) -> None:
    first, second = csv.DictReader(io.StringIO(text(stored, Form.CSV)))
    assert (first["事项名称"], first["承诺办结时限"], first["是否收费"]) == ("居民身份证补领", "20 个自然日", "否")
    assert second["事项名称"] == "'=1+1"


def test_linked_data_describes_a_government_service(stored: Session) -> None:
    graph = json.loads(text(stored, Form.JSONLD))
    service = graph["@graph"][0]
    assert graph["@context"] == "https://schema.org"
    assert (service["@type"], service["name"], service["serviceType"]) == (
        "GovernmentService",
        "居民身份证补领",
        "行政确认",
    )
    assert service["provider"]["name"] == "松风区公安分局"
    assert service["areaServed"]["name"] == "云桥市松风区"
    place = next(one["serviceLocation"] for one in service["availableChannel"] if "serviceLocation" in one)
    assert place["openingHoursSpecification"][0]["dayOfWeek"] == ["Monday"]
    assert service["potentialAction"]["@type"] == "ReserveAction"
    assert service["subjectOf"]["mainEntity"][0]["acceptedAnswer"]["text"] == "不能"


def test_nothing_published_is_an_empty_list(session: Session) -> None:
    assert json.loads(text(session, Form.JSON)) == []
    assert text(session, Form.JSONL) == ""
