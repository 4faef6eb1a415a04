"""The part of the measurements that needs no server and nothing fetched, so that it cannot rot unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import encoders, figures, guides, search, variants
from benchmarks.brute import recall
from benchmarks.encoders import Bigrams
from benchmarks.figures import Figure
from benchmarks.machine import machine
from benchmarks.processes import NotMeasured
from benchmarks.variants import WORDS, Variant
from index import weights
from index.homophones import corrected
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


def test_whole_searches_are_measured_beside_words_only(items: list[IndexedGuide], tmp_path: Path) -> None:
    sides = [Variant("serving", weights.SHIPPED), WORDS]
    questions = [(text, (items[0].region, "980000", "000000")) for text in search.mistyped()]
    found = variants.timed("some guides", items[:4], questions, sides, tmp_path, 20)
    assert [figure.name for figure in found] == ["some guides: p50, everything on", "some guides: p95, everything on"]
    assert all(figure.beside == WORDS.name and 0 < (figure.ratio or 0) < 1 for figure in found)
    assert found[1].aim == variants.AIM


def test_memory_is_that_of_a_process_that_only_searches(items: list[IndexedGuide], tmp_path: Path) -> None:
    sides = [Variant("serving", weights.SHIPPED), WORDS]
    questions = [(search.topics()[0], (items[0].region, "980000", "000000"))]
    found = {
        figure.name: figure for figure in variants.weighed("some guides", items[:4], questions, sides, tmp_path, 1)
    }
    whole, before = found["search alone, some guides"], found["search alone, some guides: before there is an index"]
    assert whole.ours > (whole.baseline or 0) > before.ours > 0
    assert "loading the encoder" not in found  # words only have none to compare with


def test_the_encoder_as_it_came_is_left_out_where_it_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(shared: Path) -> Path:
        raise NotMeasured("no source answers")

    monkeypatch.setattr(encoders, "zero_shot", none)
    told: list[str] = []
    assert [variant.model for variant in variants.present(tmp_path, told.append)] == [weights.SHIPPED, None]
    assert told == ["left out: no source answers"]


def test_mistyped_questions_are_such_as_search_corrects() -> None:
    assert all(corrected(text) != text for text in search.mistyped())


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
