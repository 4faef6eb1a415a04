"""How fast guides come in: from a file into the database, one way and another, and from texts into the index."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import encoders, guides
from benchmarks.figures import Figure
from benchmarks.timing import clocked
from core import clock
from index.catalogue import texts_of
from index.embedder import Encoder
from index.search import SearchIndex
from index.store import Store
from knowledge import changes, export, reading, seeds
from knowledge.changes import IndexedGuide
from knowledge.importing import import_file
from knowledge.publishing import publish_all
from knowledge.regions import Regions
from knowledge.schema import Guide

IMPORT = "Import"
INDEX = "Index"
BY = "benchmarks"


def measure(shared: Path, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Importing a file, publishing guides, filling the index."""
    sample, texts = (400, 64) if quick else (3_000, 384)
    encoder = encoders.shipped()
    with TemporaryDirectory(prefix="bangban-bench-") as made:
        folder = Path(made)
        say("importing")
        found = importing(folder)
        say("publishing")
        found += publishing(folder, sample)
        say("indexing")
        with _database(folder, "index") as writing, writing() as session:
            guides.load(writing)
            held = list(changes.changed_since(session, 0, today=clock.today()).guides)
        found += indexing(held, encoder, folder, texts)
    return found


def importing(folder: Path) -> list[Figure]:
    """A file of guides, checked, cleaned and published, against storing its documents unread."""
    file, mapping, region, what = _file(folder)
    with _database(folder, "import") as writing, writing() as session:
        report, spent = clocked(import_file, session, file, mapping, region, by=BY, at=clock.now())
        again, twice = clocked(import_file, session, file, mapping, region, by=BY, at=clock.now())
    rows, raw = clocked(_store_unread, file, folder / "raw.db")
    name = f"{report.new} {what}"
    return [
        Figure(
            IMPORT,
            f"{name}, new",
            report.new / spent,
            "guides/s",
            rows / raw,
            "JSON into one SQLite column, unchecked",
            higher=True,
        ),
        Figure(
            IMPORT,
            f"{name}, nothing changed",
            again.same / twice,
            "guides/s",
            report.new / spent,
            "the first import",
            higher=True,
        ),
    ]


def publishing(folder: Path, many: int) -> list[Figure]:
    """A sample of the country's guides published together, against one transaction each."""
    items = seeds.read().guides
    regions = guides.country()
    codes = guides.codes(regions)
    sample = [_moved(items[number % len(items)], codes[number % len(codes)], number) for number in range(many)]
    single = sample[: max(50, many // 10)]
    with _database(folder, "together") as writing:
        _, together = clocked(_publish, writing, [sample])
    with _database(folder, "single") as writing:
        _, alone = clocked(_publish, writing, [[guide] for guide in single])
    name = f"{many:,} demonstration guides over the country, published together"
    return [Figure(IMPORT, name, many / together, "guides/s", len(single) / alone, "a transaction each", higher=True)]


def indexing(held: Sequence[IndexedGuide], encoder: Encoder, folder: Path, many: int) -> list[Figure]:
    """Texts encoded in batches against one by one, and an index from kept vectors against encoding all."""
    texts = list(dict.fromkeys(text for guide in held for text in texts_of(guide)))[:: max(1, len(held) // many)][:many]
    one_by_one = sum(clocked(encoder.encode, [text])[1] for text in texts)
    batched = clocked(encoder.encode, texts)[1]
    part = held[:many]
    cold = _filled(part, encoder, folder / "rates.db")
    warm = _filled(part, encoder, folder / "rates.db")
    return [
        Figure(
            INDEX, "texts encoded", len(texts) / batched, "texts/s", len(texts) / one_by_one, "one by one", higher=True
        ),
        Figure(
            INDEX,
            "texts with kept vectors, into the index",
            warm[0] / warm[1],
            "texts/s",
            cold[0] / cold[1],
            "first time: words cut, vectors encoded",
            higher=True,
        ),
    ]


def _filled(held: Sequence[IndexedGuide], encoder: Encoder, path: Path) -> tuple[int, float]:
    """Distinct texts, and seconds to fill an index with them."""
    with closing(Store(path)) as store:
        index = SearchIndex(store, encoder)
        began = time.perf_counter()
        for page in guides.pages(held):
            index.apply(page)
        while index.encode_some():
            pass
        return index.texts, time.perf_counter() - began


def _file(folder: Path) -> tuple[Path, str, str, str]:
    if guides.DUMP.exists():
        return guides.DUMP, "fcg", guides.DUMP_REGION, "real guides from JSONL"
    path = folder / "demo.jsonl"
    with _database(folder, "demo") as writing, writing() as session, path.open("w", encoding="utf-8") as text:
        seeds.load_demo(session, at=clock.now())
        export.export(session, text, export.Form.JSONL, regions=Regions.load(session), today=clock.today())
    return path, "guide", guides.DEMO_REGION, "demonstration guides from JSONL"


def _store_unread(file: Path, database: Path) -> int:
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("CREATE TABLE raw (line INTEGER PRIMARY KEY, document TEXT)")
        rows = [(row.line, json.dumps(row.values, ensure_ascii=False)) for row in reading.read(file)]
        db.executemany("INSERT INTO raw VALUES (?, ?)", rows)
    return len(rows)


def _moved(guide: Guide, region: str, number: int) -> Guide:
    return guide.model_copy(update={"region": region, "local_code": f"b-{number:06d}"})


def _publish(writing: guides.Writing, transactions: Sequence[Sequence[Guide]]) -> int:
    for part in transactions:
        with writing.begin() as session:
            publish_all(session, part, by=BY, at=clock.now())
    return len(transactions)


@contextmanager
def _database(folder: Path, name: str) -> Iterator[guides.Writing]:
    (folder / name).mkdir()
    with guides.database_at(folder / name) as writing:
        yield writing
