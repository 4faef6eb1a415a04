"""The part of the measurements that needs no server and no weights, so that it cannot rot unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import figures, guides, search
from benchmarks.brute import recall
from benchmarks.encoders import Bigrams
from benchmarks.figures import Figure
from benchmarks.machine import machine
from knowledge.changes import IndexedGuide


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[IndexedGuide]:
    with guides.database_at(tmp_path_factory.mktemp("demo")) as writing:
        return guides.demo_items(writing)


def test_search_over_the_country_is_measured_beside_brute_force(items: list[IndexedGuide], tmp_path: Path) -> None:
    found = search.nationwide(items, 2_000, 20, Bigrams(), tmp_path)
    by_name = {figure.name.partition(": ")[2]: figure for figure in found}
    assert 0 < by_name["recall@10"].ours <= 1
    assert by_name["p50, encoding left out"].baseline
    assert by_name["distinct texts"].ours < (by_name["distinct texts"].baseline or 0)


def test_spread_guides_are_each_a_pair_of_item_and_region(items: list[IndexedGuide]) -> None:
    spread = guides.spread(items, guides.country(), 3_000)
    assert len({(guide.item, guide.region) for guide in spread}) == 3_000


def test_recall_counts_a_hit_that_scores_like_the_last() -> None:
    exact = {("a", "1"): 0.9, ("b", "1"): 0.8, ("c", "1"): 0.8, ("d", "1"): 0.1}
    assert recall([("a", "1"), ("c", "1")], exact, 2) == 1
    assert recall([("a", "1"), ("d", "1")], exact, 2) == 0.5


def test_an_aim_is_met_by_the_figure_or_by_its_ratio() -> None:
    assert Figure("g", "p50", 14, "ms", 30, "stock", aim=15).met
    assert not Figure("g", "rate", 30, "turns/s", 10, "stock", higher=True, aim=4, aim_is_ratio=True).met
    assert Figure("g", "p50", 14, "ms").met is None


def test_figures_replace_those_between_the_page_s_markers(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"before\n{figures.BEGIN}\nold\n{figures.END}\nafter\n", "utf-8")
    figures.publish([Figure("Search", "p50", 2, "ms", 8, "numpy")], machine("make bench"), page)
    text = page.read_text("utf-8")
    assert "| p50 | 2 ms | 8 ms (numpy) | 4× |" in text
    assert "old" not in text
    assert text.startswith("before")
    assert text.endswith("after\n")
