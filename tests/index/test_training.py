"""What the encoder learns from, and how it is put together. Training itself takes half an hour: `make model`."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from index.training import batches
from knowledge import everyday
from knowledge.everyday import Item

STYLES = {"situation", "plain", "short", "long", "typo", "traditional", "dialect", "noisy"}


def made(many: int) -> list[Item]:
    return [
        Item(f"事项{n}", f"办第{n}件事时", tuple(("plain", f"第{n}件事怎么办，第{m}问") for m in range(1 + n % 3)))
        for n in range(many)
    ]


def nearest(many: int) -> np.ndarray:
    """Each item's neighbours are those that follow it."""
    return np.array([[(n + step) % many for step in range(1, batches.NEAR + 1)] for n in range(many)])


@pytest.fixture(scope="module")
def plan() -> list[list[batches.Pair]]:
    return batches.epoch(made(300), nearest(300), random.Random(1))


def test_an_epoch_asks_every_question_once(plan: list[list[batches.Pair]]) -> None:
    asked = Counter(question for batch in plan for question, _ in batch)
    assert asked == Counter(text for item in made(300) for _, text in item.questions)


def test_no_batch_holds_two_questions_of_one_item(plan: list[list[batches.Pair]]) -> None:
    owner = {text: item.name for item in made(300) for _, text in item.questions}
    for batch in plan:
        owners = [owner[question] for question, _ in batch]
        assert len(owners) == len(set(owners)) <= batches.SIZE


def test_a_question_stands_beside_a_text_of_its_own_item(plan: list[list[batches.Pair]]) -> None:
    texts = {
        text: {item.name, f"{item.name}。{item.about}", *(other for _, other in item.questions if other != text)}
        for item in made(300)
        for _, text in item.questions
    }
    assert all(shown in texts[question] for batch in plan for question, shown in batch)


def test_near_neighbours_stand_in_one_batch(plan: list[list[batches.Pair]]) -> None:
    number = {text: n for n, item in enumerate(made(300)) for _, text in item.questions}
    near, pairs = nearest(300), 0
    for batch in plan:
        present = {number[question] for question, _ in batch}
        pairs += sum(len(present & set(near[n])) for n in present)
    chance = sum(len(batch) for batch in plan) * batches.NEAR * batches.SIZE / 300
    assert pairs > chance


def test_a_batch_shows_one_kind_of_text(plan: list[list[batches.Pair]]) -> None:
    for batch in plan:
        described = ["。" in shown for _, shown in batch]
        assert all(described) or not any(described)


def test_the_same_seed_gives_the_same_plan() -> None:
    twice = [batches.epoch(made(100), nearest(100), random.Random(7)) for _ in range(2)]
    assert twice[0] == twice[1]


def test_the_training_items_are_named_once_and_each_question_means_one_of_them() -> None:
    known = everyday.items()
    assert len(known) >= 1000
    assert len({item.name for item in known}) == len(known)
    assert all(item.about and item.questions for item in known)
    assert {style for item in known for style, _ in item.questions} == STYLES
    within = [Counter(text for _, text in item.questions) for item in known]
    assert all(count == 1 for one in within for count in one.values())
