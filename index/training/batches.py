"""Which question is shown beside which text of its item, and which items stand together.

Every other text of a batch is a wrong answer to a question of it, so a batch is made of groups of near neighbours:
变更, 注销 and 补领 of one thing stand side by side and must be told apart. A batch holds questions of one length and
one kind of text, so that little of it is padding.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from knowledge.everyday import Item

SIZE = 64  # pairs of a batch
GROUP = 4  # near neighbours side by side
NEAR = 12  # neighbours a group is drawn from
LENGTHS = (12, 40)  # characters; questions between two of these share batches
# How often a question is shown its item's name, the name with its description, and another question of it.
VIEWS = {"name": 0.45, "described": 0.30, "question": 0.25}

Pair = tuple[str, str]  # a question, and a text of the item it means


def epoch(items: Sequence[Item], near: npt.NDArray[np.int64], dice: random.Random) -> list[list[Pair]]:
    """Every question once, in batches of at most SIZE.

    `near` has the nearest items of each item, nearest first, of shape (items, at least NEAR).
    """
    rounds = _rounds(items, dice)
    batches = [batch for asked in rounds for batch in _batches(items, asked, near, dice)]
    dice.shuffle(batches)
    return batches


def _rounds(items: Sequence[Item], dice: random.Random) -> list[dict[int, str]]:
    """Questions of like length by the number of their item, one an item in each round."""
    rounds: dict[tuple[int, int], dict[int, str]] = defaultdict(dict)
    for number, item in enumerate(items):
        had: Counter[int] = Counter()
        for _, text in dice.sample(item.questions, len(item.questions)):
            length = bisect(LENGTHS, len(text))
            rounds[length, had[length]][number] = text
            had[length] += 1
    return [rounds[key] for key in sorted(rounds)]


def _batches(
    items: Sequence[Item], asked: Mapping[int, str], near: npt.NDArray[np.int64], dice: random.Random
) -> Iterator[list[Pair]]:
    groups = list(_groups(asked, near, dice))
    dice.shuffle(groups)
    order = [number for group in groups for number in group]
    for start in range(0, len(order), SIZE):
        (view,) = dice.choices(list(VIEWS), list(VIEWS.values()))
        numbers = order[start : start + SIZE]
        yield [(asked[number], _text(items[number], asked[number], view, dice)) for number in numbers]


def _groups(asked: Mapping[int, str], near: npt.NDArray[np.int64], dice: random.Random) -> Iterator[list[int]]:
    left = set(asked)
    for number in dice.sample(sorted(asked), len(asked)):
        if number in left:
            left.discard(number)
            around = [int(one) for one in near[number, :NEAR] if int(one) in left]
            group = [number, *dice.sample(around, min(GROUP - 1, len(around)))]
            left.difference_update(group)
            yield group


def _text(item: Item, question: str, view: str, dice: random.Random) -> str:
    others = [text for _, text in item.questions if text != question]
    if view == "question" and others:
        return dice.choice(others)
    return item.described if view == "described" else item.name
