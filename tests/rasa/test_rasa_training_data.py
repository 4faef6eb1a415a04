"""The training data as files, without Rasa."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from core.types import Facet

ROOT = Path(__file__).parents[2]
ACTS = {"greet", "thanks", "bye", "choose", "correct", "human", "book", "out_of_scope"}
INTENTS = {facet.value for facet in Facet} | ACTS | {"situation"}
ENTITY = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def examples() -> list[tuple[str, str]]:
    """Pairs of text and intent."""
    found = []
    for file in sorted((ROOT / "bot/data/nlu").glob("*.yml")):
        for entry in yaml.safe_load(file.read_text(encoding="utf-8"))["nlu"]:
            if "intent" in entry:
                lines = entry["examples"].splitlines()
                found += [(ENTITY.sub(r"\1", line.removeprefix("- ").strip()), entry["intent"]) for line in lines]
    return found


def held_out() -> list[tuple[str, str]]:
    lines = (ROOT / "tests/rasa/intents.tsv").read_text(encoding="utf-8").splitlines()
    return [(text, intent) for text, intent in (line.split("\t") for line in lines)]


def test_every_intent_has_forty_examples() -> None:
    counts = Counter(intent for _, intent in examples())
    assert set(counts) == INTENTS
    assert min(counts.values()) >= 40


def test_no_example_stands_twice() -> None:
    counts = Counter(text for text, _ in examples())
    assert [text for text, number in counts.items() if number > 1] == []


def test_held_out_questions_are_not_trained_on() -> None:
    assert len(held_out()) >= 250
    assert {text for text, _ in held_out()} & {text for text, _ in examples()} == set()
    assert {intent for _, intent in held_out()} == INTENTS


def test_every_intent_has_exactly_one_rule_with_one_action() -> None:
    rules = yaml.safe_load((ROOT / "bot/data/rules.yml").read_text(encoding="utf-8"))["rules"]
    domain = yaml.safe_load((ROOT / "bot/domain/domain.yml").read_text(encoding="utf-8"))
    of_intents = [rule["steps"] for rule in rules if "intent" in rule["steps"][0]]
    assert sorted(steps[0]["intent"] for steps in of_intents) == sorted(domain["intents"])
    assert set(domain["intents"]) == INTENTS | {"nlu_fallback"}
    plain = [steps for steps in of_intents if steps[0]["intent"] != "book"]
    for steps in plain:
        assert [list(step) for step in steps] == [["intent"], ["action"]]
    called = {steps[1]["action"] for steps in plain} | {f"validate_{form}" for form in domain["forms"]}
    assert called == set(domain["actions"])


def test_the_form_is_entered_by_its_intent_and_left_by_its_own_word() -> None:
    rules = yaml.safe_load((ROOT / "bot/data/rules.yml").read_text(encoding="utf-8"))["rules"]
    entered, left = (rule["steps"] for rule in rules if {"action": "booking_form"} in rule["steps"])
    assert entered == [{"intent": "book"}, {"action": "booking_form"}, {"active_loop": "booking_form"}]
    assert left[1:3] == [{"active_loop": None}, {"slot_was_set": [{"requested_slot": None}]}]


def test_the_actions_served_are_those_of_the_domain() -> None:
    from bot.actions import NAMES, SLOTS, VALIDATE

    domain = yaml.safe_load((ROOT / "bot/domain/domain.yml").read_text(encoding="utf-8"))
    assert {*NAMES, VALIDATE} == set(domain["actions"])
    assert set(domain["forms"]["booking_form"]["required_slots"]) == set(SLOTS)
    assert set(SLOTS) <= set(domain["slots"])


@pytest.mark.parametrize("name", ["facets", "acts"])
def test_every_word_list_compiles(name: str) -> None:
    entries = yaml.safe_load((ROOT / f"bot/{name}.yml").read_text(encoding="utf-8"))
    for entry in entries.values():
        patterns = entry if isinstance(entry, list) else entry["patterns"] + entry.get("not", [])
        assert patterns
        for pattern in patterns:
            assert re.search(pattern, "") is None, f"{pattern} matches nothing at all"


def test_every_facet_has_words() -> None:
    entries = yaml.safe_load((ROOT / "bot/facets.yml").read_text(encoding="utf-8"))
    assert set(entries) == {facet.value for facet in Facet} | {"filler"}


def words(text: str) -> set[str]:
    """The facets whose words stand in the text."""
    entries = yaml.safe_load((ROOT / "bot/facets.yml").read_text(encoding="utf-8"))
    return {
        facet.value
        for facet in Facet
        if any(re.search(pattern, text) for pattern in entries[facet]["patterns"])
        and not any(re.search(pattern, text) for pattern in entries[facet].get("not", []))
    }


@pytest.mark.parametrize(
    ("text", "facets"),
    [
        ("怎么办理", {"how"}),
        ("丢了怎么办", {"how"}),
        ("身份证丢了咋补", {"how"}),
        ("怎么还没办好", {"progress"}),
        ("带孩子看病", set()),
        ("在哪办，要带什么", {"where", "materials"}),
        ("多少钱，几天能好", {"fee", "time"}),
        ("周六上班吗", {"hours"}),
        ("投诉电话", {"complaint"}),
        ("身份证丢了", set()),
        ("营业执照注销", set()),
    ],
)
def test_words_show_the_facets_asked(text: str, facets: set[str]) -> None:
    assert words(text) == facets
