from __future__ import annotations

import pytest

from index.known import KnownItems
from knowledge import everyday
from knowledge.everyday import Item

CAT, BOAT = "养猫登记", "渔船检验"


@pytest.fixture
def few(monkeypatch):
    items = [
        Item(CAT, "家里养了猫的人", (("plain", "养了只猫要登记吗"), ("typo", "养毛要等记马"))),
        Item(BOAT, "有渔船的人", (("short", "渔船年检"),)),
    ]
    monkeypatch.setattr(everyday, "items", lambda: items)


@pytest.fixture
def known(few, store, encoder):
    made = KnownItems(store, encoder)
    while made.encode_some():
        pass
    return made


def test_the_item_meant_is_known_by_its_name_and_by_what_people_say(known, encoder):
    for said, name in ((CAT, CAT), ("养了只猫要登记吗", CAT), ("渔船年检", BOAT)):
        found, cosine = known.nearest(encoder.encode([said])[0])
        assert (found, cosine) == (name, pytest.approx(1.0, abs=1e-5))


def test_nothing_is_known_before_all_is_encoded(few, store, encoder):
    assert KnownItems(store, encoder).nearest(encoder.encode([CAT])[0]) is None


def test_texts_are_encoded_once_for_all_who_share_a_store(known, few, store, encoder, monkeypatch):
    again = KnownItems(store, encoder)
    query = encoder.encode([BOAT])[0]
    monkeypatch.setattr(encoder, "encode", lambda texts: pytest.fail("encoded anew"))
    assert again.encode_some() == 0
    assert again.nearest(query)[0] == BOAT
