from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from knowledge import standing
from knowledge.models import DraftRow
from knowledge.publishing import find, publish_all, withdraw
from knowledge.schema import Guide, Status

TODAY = date(2026, 10, 15)
WHOLE = (("980100", ""),)
POLICE = "松风区公安分局"


def draft(session: Session, noon: datetime, guide: int | None, status: Status, **fields: Any) -> int:
    document = {"name": "居住证申领", "local_code": "t-900"}
    values: dict[str, Any] = {"region": "980102", "department_name": POLICE, "name": "居住证申领", "base": 0}
    row = DraftRow(
        guide=guide, status=status.value, edition=1, document=document, editors=["clerk"], why="", answer="",
        made_at=noon, made_by="clerk", updated_at=noon + timedelta(hours=1), updated_by="clerk", **values | fields,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def put(session: Session, noon: datetime, *guides: Guide) -> None:
    publish_all(session, guides, by="clerk", at=noon)


def listed(session: Session, scopes: standing.Scopes = WHOLE, **filters: Any) -> list[str]:
    return [one.local_code for one in standing.guides(session, scopes=scopes, today=TODAY, **filters).entries]


@pytest.fixture
def town(session: Session, guide: Callable[..., Guide], noon: datetime) -> Session:
    put(
        session,
        noon,
        guide(local_code="id", verified_at="2026-10-01", effective_to="2026-12-01"),
        guide(local_code="pass", name="护照申领", verified_at="2026-01-01"),
        guide(local_code="shop", name="食品经营许可", region="980101", department={"name": "市场监管局"}),
        guide(local_code="street", region="980102001", verified_at="2026-10-01", effective_to="2026-10-01"),
        guide(local_code="far", region="990100", department={"name": POLICE}),
    )
    return session


def test_a_region_is_listed_with_all_inside_it_and_nothing_beyond(town: Session) -> None:
    assert sorted(listed(town)) == ["id", "pass", "shop", "street"]
    assert sorted(listed(town, (("980102", ""),))) == ["id", "pass", "street"]
    assert listed(town, (("980102001", ""),)) == ["street"]
    assert len(listed(town, (("000000", ""),))) == 5


def test_a_department_sees_its_own_guides_alone(town: Session) -> None:
    assert listed(town, (("980100", "市场监管局"),)) == ["shop"]
    assert sorted(listed(town, (("980101", ""), ("990100", POLICE)))) == ["far", "shop"]


def test_nobody_without_a_scope_sees_anything(town: Session) -> None:
    assert listed(town, ()) == []
    assert standing.due_counts(town, (), TODAY) == dict.fromkeys(standing.DUES, 0)


def test_what_a_clerk_types_is_looked_for_word_by_word_and_never_as_a_pattern(town: Session) -> None:
    assert listed(town, text="食品 许可") == ["shop"]
    assert listed(town, text="STREET") == ["street"]
    assert listed(town, text="%") == []
    assert listed(town, text="_") == []


def test_filters_narrow_and_never_widen(town: Session, noon: datetime) -> None:
    withdraw(town, find(town, "980102", "pass") or 0, by="clerk", at=noon)
    assert listed(town, status="withdrawn") == ["pass"]
    assert listed(town, (("980102", ""),), region="990100") == []
    assert listed(town, department="市场监管局") == ["shop"]


def test_guides_that_end_soon_or_have_ended_are_due(town: Session) -> None:
    assert listed(town, due="expiring", order="ends") == ["street", "id"]


def test_guides_never_verified_or_long_ago_are_due_and_the_oldest_come_last(town: Session) -> None:
    assert listed(town, due="unverified", order="verified") == ["shop", "pass"]


def test_what_is_withdrawn_is_due_no_more(town: Session, noon: datetime) -> None:
    withdraw(town, find(town, "980102", "pass") or 0, by="clerk", at=noon)
    assert listed(town, due="unverified") == ["shop"]


def test_the_open_draft_of_a_guide_stands_beside_it(town: Session, noon: datetime) -> None:
    number = find(town, "980102", "id")
    made = draft(town, noon, number, Status.REVIEW)
    (one,) = standing.guides(town, scopes=WHOLE, today=TODAY, due="review").entries
    assert (one.id, one.draft, one.status) == (number, (made, Status.REVIEW), Status.PUBLISHED)
    assert listed(town)[0] == "id", "what was touched last comes first"


def test_a_guide_that_does_not_exist_yet_is_listed_by_its_draft(town: Session, noon: datetime) -> None:
    made = draft(town, noon, None, Status.DRAFT)
    draft(town, noon, None, Status.DRAFT, region="990100")
    (one,) = standing.guides(town, scopes=WHOLE, today=TODAY, due="draft").entries
    assert (one.id, one.local_code, one.version, one.status) == (None, "t-900", 0, Status.DRAFT)
    assert one.draft == (made, Status.DRAFT)
    assert one.updated_at == noon + timedelta(hours=1)


def test_counts_agree_with_the_lists(town: Session, noon: datetime) -> None:
    draft(town, noon, find(town, "980102", "id"), Status.REVIEW)
    draft(town, noon, None, Status.DRAFT)
    draft(town, noon, find(town, "980102", "pass"), Status.APPROVED)
    counts = standing.due_counts(town, WHOLE, TODAY)
    assert counts == {due: len(listed(town, due=due)) for due in standing.DUES}
    assert counts == {"expiring": 2, "unverified": 2, "draft": 1, "review": 1, "approved": 1}


def test_departments_and_regions_are_those_in_scope(town: Session) -> None:
    assert standing.departments(town, (("980101", ""),)) == ("市场监管局",)
    assert set(standing.departments(town, WHOLE)) == {"市场监管局", POLICE}
    assert standing.regions(town, WHOLE) == ("980101", "980102", "980102001")


def test_however_many_guides_there_are_a_list_takes_three_queries_and_reads_one_page(
    session: Session, guide: Callable[..., Guide], noon: datetime
) -> None:
    base = guide().model_dump()
    put(session, noon, *(Guide.model_validate(base | {"local_code": f"t-{n:05}"}) for n in range(600)))
    asked: list[str] = []

    def listen(*told: Any) -> None:
        asked.append(told[2])

    event.listen(session.connection(), "before_cursor_execute", listen)
    page = standing.guides(session, scopes=WHOLE, today=TODAY, order="name", page=3, size=20)
    assert (page.total, page.pages, len(page.entries)) == (600, 30, 20)
    assert [one.local_code for one in page.entries] == [f"t-{n:05}" for n in range(40, 60)]
    assert len(asked) == 3
    assert all(0 < one.completeness < 1 and one.findings > 0 for one in page.entries)
