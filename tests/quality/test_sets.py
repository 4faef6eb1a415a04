"""The question sets keep what docs/quality.md promises of them."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest
from stdnum import luhn
from stdnum.cn import ric

from channels.evaluation import sets
from channels.evaluation.sets import FOLDER, ROOT, Split
from channels.evaluation.verdicts import squeezed
from core.text import bigrams, normalise
from core.types import Act, Facet

DUMP = ROOT.parent / "shared" / "data" / "fcg_guides.jsonl"
TRAINING = ROOT / "knowledge" / "everyday.jsonl"
SPLIT = ("questions", "unanswerable", "dialogues", "facets")
SPELT = str.maketrans("零一二三四五六七八九", "0123456789")
LIKE = 0.8  # of the pairs of characters: a question so much like another is the same
LEAST = {"questions": 300, "unanswerable": 150, "dialogues": 40, "facets": 400, "emergencies": 40, "private": 20}


def lines(name: str) -> list[dict]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]


def asked(name: str) -> list[str]:
    if name == "dialogues":
        return [turn["say"] for one in lines(name) for turn in one["turns"]]
    return [one["question"] for one in lines(name)]


@pytest.mark.parametrize("name", LEAST)
def test_there_are_enough_and_none_twice(name: str) -> None:
    assert len(lines(name)) >= LEAST[name]
    if name == "dialogues":
        assert len({one["id"] for one in lines(name)}) == len(lines(name))
    else:
        repeated = [text for text, many in Counter(asked(name)).items() if many > 1]
        assert not repeated


@pytest.mark.parametrize("name", SPLIT)
def test_the_halves_are_halves(name: str) -> None:
    halves = Counter(one["split"] for one in lines(name))
    assert set(halves) == set(Split)
    assert abs(halves["dev"] - halves["test"]) <= 0.1 * len(lines(name))


@pytest.mark.parametrize("split", Split)
def test_the_readers_read_every_line(split: Split) -> None:
    readers = (sets.questions, sets.unanswerable, sets.dialogues, sets.facets)
    for name, read in zip(SPLIT, readers, strict=True):
        assert len(read(split)) == sum(one["split"] == split for one in lines(name))
    assert len(sets.emergencies()) == len(lines("emergencies"))
    assert len(sets.private()) == len(lines("private"))
    assert len(sets.everyday()) >= 60


def test_facets_and_acts_are_ours() -> None:
    expected = [turn["expect"] for one in lines("dialogues") for turn in one["turns"]]
    named = {one["facet"] for name in ("questions", "facets") for one in lines(name)}
    assert named | {one["facet"] for one in expected if "facet" in one} <= set(Facet)
    acts = {act for one in expected for act in ([one["act"]] if isinstance(one["act"], str) else one["act"])}
    assert acts <= set(Act)
    assert {key for one in expected for key in one} <= {"act", "guides", "facet", "contains", "not_contains"}


def test_every_guide_meant_is_in_the_dump() -> None:
    if not DUMP.is_file():
        pytest.skip(f"no {DUMP}")
    known = {json.loads(line)["id"] for line in DUMP.read_text("utf-8").splitlines()}
    meant = {guide for one in lines("questions") for guide in one["guides"]}
    meant |= {
        guide for one in lines("dialogues") for turn in one["turns"] for guide in turn["expect"].get("guides", ())
    }
    assert meant <= known
    assert all(one["guides"] for one in lines("questions"))


def test_personal_data_is_in_its_message_and_made_up() -> None:
    for secret in sets.private():
        text = squeezed(secret.text)
        for piece in map(squeezed, secret.pieces):
            assert piece in text or piece in text.translate(SPELT), secret
            if len(piece) == 18 and piece[:-1].isdecimal():
                assert piece[:2] == "98"  # no such province: nobody has this number
                assert piece[-1] == ric.calc_check_digit(piece)
            if piece.startswith("62"):
                assert luhn.is_valid(piece)


def test_no_question_is_one_the_encoder_was_trained_with() -> None:
    if not TRAINING.is_file():
        pytest.skip(f"no {TRAINING.relative_to(ROOT)}")
    trained = [text for line in TRAINING.read_text("utf-8").splitlines() for _, text in json.loads(line)["questions"]]
    ours = [text for name in ("questions", "unanswerable", "facets", "dialogues") for text in asked(name)]
    assert not alike(ours, trained)


def test_nearly_equal_questions_are_noticed() -> None:
    assert alike(["身份证丢了怎么补办啊"], ["身份证丢了怎么补办", "护照"]) == [
        ("身份证丢了怎么补办啊", "身份证丢了怎么补办")
    ]
    assert not alike(["身份证丢了怎么补办"], ["驾驶证丢了怎么补办"])


def alike(ours: Iterable[str], trained: Iterable[str]) -> list[tuple[str, str]]:
    """Questions whose sets of character pairs are alike by Jaccard."""
    texts = list(dict.fromkeys(trained))
    pairs = [frozenset(bigrams(normalise(text))) for text in texts]
    holding = defaultdict[str, list[int]](list)
    for number, own in enumerate(pairs):
        for pair in own:
            holding[pair].append(number)
    found = []
    for text in ours:
        own = frozenset(bigrams(normalise(text)))
        # Who is alike shares one at least of so many pairs, whichever they are: the rarest are looked at.
        rarest = sorted(own, key=lambda pair: len(holding[pair]))[: len(own) - math.ceil(LIKE * len(own)) + 1]
        long = range(math.ceil(LIKE * len(own)), int(len(own) / LIKE) + 1)
        near = {number for pair in rarest for number in holding[pair] if len(pairs[number]) in long}
        found += [(text, texts[n]) for n in sorted(near) if len(own & pairs[n]) / len(own | pairs[n]) >= LIKE]
    return found
