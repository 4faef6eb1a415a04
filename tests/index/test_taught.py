from __future__ import annotations

import numpy as np
import pytest

from index import taught
from index.store import Store, digest
from knowledge import everyday


def test_the_shipped_vectors_are_those_the_shipped_encoder_makes(real_encoder, store):
    taught.fill(store, real_encoder)
    texts = [text for item in everyday.items()[::150] for text in item.texts]
    kept = store.vectors(map(digest, texts))
    for text, vector in zip(texts, real_encoder.encode(texts), strict=True):
        assert float(np.dot(kept[digest(text)], vector)) == pytest.approx(1.0, abs=1e-3)


def test_every_everyday_text_has_its_vector(real_encoder, store):
    taught.fill(store, real_encoder)
    texts = {text for item in everyday.items() for text in item.texts}
    assert len(store.vectors(map(digest, texts))) == len(texts)


def test_another_encoder_and_a_store_in_use_get_none(real_encoder, encoder, store, tmp_path):
    taught.fill(store, encoder)
    assert store.empty
    used = Store(tmp_path / "used.db")
    used.put_vectors({b"one": np.ones(4, np.float32)})
    taught.fill(used, real_encoder)
    assert len(used.vectors([digest(everyday.items()[0].name), b"one"])) == 1
    used.close()
