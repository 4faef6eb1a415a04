"""The figures on the first page."""

from __future__ import annotations

import csv
import io
from itertools import pairwise

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete

from channels.console import charts
from core import clock
from journal.models import TurnRow
from journal.turns import Outcome
from knowledge import drafts
from knowledge.publishing import find
from tests.console.conftest import CITY, DISTRICT, Office, Visit, axe
from tests.journal.making import keep, turn


@pytest.fixture(autouse=True)
def asked(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", office.watch)
    assert office.house.journal.flush()
    at = clock.now()
    with office.house.writing.begin() as session:
        session.execute(delete(TurnRow))
        keep(
            session,
            [
                turn(at=at, useful=True, guide=office.house.index.guides()[0].id),
                turn(outcome=Outcome.REFUSED, at=at, region=DISTRICT),
                turn(at=at, channel="=1+1", guide=None, faq="gone"),
            ],
        )


def test_the_first_page_tells_in_figures_charts_and_tables_how_it_went(office: Office, visit: Visit) -> None:
    page = visit("zhou", "/console")
    expect(page.get_by_role("img", name="每天的提问")).to_be_visible()
    expect(page.get_by_role("table", name="每天的提问")).to_be_visible()
    expect(page.get_by_role("img", name="地区")).to_be_visible()
    assert page.locator(".cards .number").all_inner_texts() == ["3", "2", "0", "1", "0", "0", "100%"]
    assert page.evaluate("getComputedStyle(document.querySelector('.line-1')).strokeWidth") == "3px"
    axe(page)
    # Whoever goes through a list by keyboard has not chosen yet.
    page.evaluate(
        """document.querySelector("form[method=get]").addEventListener("submit", (event) => {
            event.preventDefault(); window.sent = true })"""
    )
    page.get_by_label("时间").press("ArrowDown")
    assert page.get_by_label("时间").input_value() == "90"
    assert not page.evaluate("window.sent")
    page.get_by_role("button", name="查看").press("Enter")
    assert page.evaluate("window.sent")


def test_what_waits_leads_to_where_it_is_done(office: Office) -> None:
    with office.house.writing.begin() as session:
        guide = find(session, CITY, "yq-sfz-003")
        assert guide is not None
        drafts.begin(session, guide, by="lin", at=clock.now())
    text = office.signed("lin").get("/console").text
    assert "等着处理的" in text
    assert '/console/guides?due=draft">没写完的草稿</a>：1' in text
    assert "/console/guides?due" not in office.signed("qian").get("/console").text  # not of that district


def test_a_table_comes_as_csv_that_no_spreadsheet_takes_for_a_formula(office: Office) -> None:
    answer = office.signed("zhou").get("/console/overview/channels.csv?days=7")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert rows == [["渠道", "次数"], ["网页", "2"], ["'=1+1", "1"]]
    days = office.signed("zhou").get("/console/overview/days.csv?days=7").text.splitlines()
    assert len(days) == 8
    assert office.signed("zhou").get("/console/overview/nothing.csv").status_code == 404


def test_figures_are_those_of_ones_own_region(office: Office) -> None:
    rows = office.signed("qian").get("/console/overview/regions.csv").text.splitlines()
    assert [row.rpartition(",")[2] for row in rows] == ["次数", "1"]
    assert office.signed("qian").get(f"/console?region={CITY}").status_code == 403


def test_a_chart_of_nothing_and_one_of_much_both_stay_in_their_frame() -> None:
    assert charts.bars([]) == ()
    assert charts.bars([("甲", 0)])[0].width == 0
    assert charts.lines([], []).lines == ()
    drawn = charts.lines([f"{n}日" for n in range(90)], [("提问", [n * 7 for n in range(90)]), ("答上了", [0] * 90)])
    points = [tuple(map(float, one.split(","))) for line in drawn.lines for one in line.points.split()]
    assert all(0 <= x <= charts.WIDE and charts.TOP <= y <= charts.HIGH - charts.BOTTOM for x, y in points)
    assert [words for _, words in drawn.levels] == ["0", "200", "400", "600", "800"]
    assert len(drawn.marks) <= charts.DATES


def test_names_at_the_ends_of_lines_never_lie_on_each_other() -> None:
    drawn = charts.lines(["1", "2"], [("甲", [1, 5]), ("乙", [2, 5]), ("丙", [3, 5])])
    ends = sorted(line.end for line in drawn.lines)
    assert all(later - earlier >= 18 for earlier, later in pairwise(ends))


def test_names_at_the_ends_of_lines_stay_above_the_axis() -> None:
    drawn = charts.lines(["1", "2"], [("甲", [90, 2]), ("乙", [80, 1]), ("丙", [70, 0])])
    ends = [line.end for line in drawn.lines]
    assert ends == sorted(ends), "in the order of their lines"
    assert max(ends) <= charts.HIGH - charts.BOTTOM
    assert all(later - earlier >= 18 for earlier, later in pairwise(ends))
