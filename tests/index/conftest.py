from __future__ import annotations

import itertools
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.embedder import Encoder, Vectors, load
from index.search import Hit, SearchIndex
from index.store import Store
from index.weights import SHIPPED
from knowledge.changes import Changes, IndexedGuide
from knowledge.regions import Regions
from knowledge.schema import Faq

ROOT = Path(__file__).parent.parent.parent


class CharacterEncoder:
    """A small real encoder: texts that share characters are near. Counts what it is asked."""

    name = "characters"
    dimension = 256
    fingerprint = "characters-256"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            self.asked += texts
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for part in (*text, *(text[i : i + 2] for i in range(len(text) - 1))):
                vectors[row, zlib.crc32(part.encode()) % self.dimension] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class House:
    """A search index with short words for what tests do to it."""

    def __init__(self, index: SearchIndex, regions: Regions) -> None:
        self.index = index
        self._regions = regions
        self._revision = itertools.count(1)

    def take(self, *targets: IndexedGuide | Faq, gone: Sequence[int | str] = ()) -> None:
        """Take in guides and questions, drop those gone, and encode all that waits."""
        self.index.apply(
            Changes(
                revision=next(self._revision),
                guides=tuple(one for one in targets if isinstance(one, IndexedGuide)),
                gone=tuple(one for one in gone if isinstance(one, int)),
                faqs=tuple(one for one in targets if isinstance(one, Faq)),
                faqs_gone=tuple(one for one in gone if isinstance(one, str)),
            )
        )
        while self.index.encode_some():
            pass

    def hits(self, query: str, region: str, limit: int = 10) -> list[Hit]:
        return self.index.search(query, self._regions.ancestors(region), limit)

    def found(self, query: str, region: str, limit: int = 10) -> list[Any]:
        """Guide ids and question codes found, best first."""
        return [getattr(h.target, "id", None) or h.target.code for h in self.hits(query, region, limit)]

    def suggested(self, typed: str, region: str, limit: int = 8) -> list[str]:
        return [one.text for one in self.index.suggest(typed, self._regions.ancestors(region), limit)]

    def linked(self, code: str, region: str, citizen: str) -> list[int]:
        guides = self.index.linked(code, self._regions.ancestors(region), self._regions.ancestors(citizen))
        return [one.id for one in guides]

    def covers(self, region: str) -> bool:
        return self.index.covers(self._regions.ancestors(region))


@pytest.fixture(scope="session")
def regions() -> Regions:
    return Regions.read(ROOT / "knowledge" / "seeds" / "regions.yml")


@pytest.fixture
def encoder() -> CharacterEncoder:
    return CharacterEncoder()


@pytest.fixture(scope="session")
def real_encoder() -> Encoder:
    """The shipped encoder."""
    return load(str(SHIPPED))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "index" / "texts.db")
    yield made
    made.close()


@pytest.fixture
def house(store: Store, encoder: CharacterEncoder, regions: Regions) -> House:
    return House(SearchIndex(store, encoder), regions)


@pytest.fixture
def words_only(store: Store, regions: Regions) -> House:
    return House(SearchIndex(store, None), regions)


@pytest.fixture
def house_of(store: Store, regions: Regions) -> Callable[[Encoder | None], House]:
    return lambda encoder: House(SearchIndex(store, encoder), regions)


def guide(id: int, name: str, region: str = "330602", **fields: Any) -> IndexedGuide:
    """A guide as search sees it. Guides of equal texts share an item, as in the database."""
    texts: dict[str, Any] = {
        "parent_name": None,
        "bundle": None,
        "audience": (),
        "aliases": (),
        "questions": (),
        "conditions_text": "",
        "faq": (),
    }
    own: dict[str, Any] = {
        "local_code": f"t-{id}",
        "department": "测试部门",
        "version": 1,
        "verified_at": None,
    }
    texts |= {key: value for key, value in fields.items() if key in texts}
    own |= {key: value for key, value in fields.items() if key in own}
    item = fields.get("item") or f"{name}{sorted(texts.items(), key=str)}"
    return IndexedGuide(id=id, region=region, name=name, item=item, **texts, **own)


def faq(code: str, question: str, region: str = "330600", **fields: Any) -> Faq:
    return Faq(code=code, region=region, question=question, answer="测试回答。", **fields)


@pytest.fixture(name="guide")
def _guide() -> Callable[..., IndexedGuide]:
    return guide


@pytest.fixture(name="faq")
def _faq() -> Callable[..., Faq]:
    return faq
