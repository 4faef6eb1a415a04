"""Texts compared with each other, by meaning or without an encoder by their pairs of characters."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from index.hashing import hashed
from index.ranking import ranking
from index.search import SearchIndex
from index.store import Store
from tests.index.conftest import CharacterEncoder


def test_texts_with_the_same_pairs_of_characters_are_near_and_others_are_not() -> None:
    one, same, near, other, latin = hashed(
        ["无人机在哪考证", "無人機在哪考證", "考无人机证在哪", "食堂几点开门", "hello"]
    )
    assert one @ same > 0.99
    assert one @ near > 0.4 > one @ other
    assert np.isclose(np.linalg.norm(latin), 1)
    assert hashed([]).shape[0] == 0


def test_a_text_is_encoded_once_for_all_processes(tmp_path: Path) -> None:
    first, second = CharacterEncoder(), CharacterEncoder()
    texts = ["身份证丢了", "护照到期", "身份证丢了"]
    made = SearchIndex(Store(tmp_path / "texts.db"), first).vectors_of(texts)
    again = SearchIndex(Store(tmp_path / "texts.db"), second).vectors_of(texts)
    assert made.shape == (3, first.dimension)
    assert np.allclose(made, again)
    assert (first.asked, second.asked) == (["身份证丢了", "护照到期"], [])
    assert SearchIndex(Store(tmp_path / "texts.db"), first).vectors_of([]).shape == (0, first.dimension)


def test_without_an_encoder_words_decide_who_asks_the_same(tmp_path: Path) -> None:
    words = SearchIndex(Store(tmp_path / "words.db"), None)
    meaning = SearchIndex(Store(tmp_path / "meaning.db"), CharacterEncoder())
    assert words.vectors_of(["身份证丢了"]).shape == hashed(["身份证丢了"]).shape
    assert (words.alike, meaning.alike) == (ranking().words.group, ranking().meaning.group)
