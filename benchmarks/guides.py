"""Guides for measuring: the real dump or the demonstration city, and the latter spread over the whole country."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from core import clock, database
from knowledge import changes, migrating, seeds
from knowledge.changes import Changes, IndexedGuide
from knowledge.importing import import_file
from knowledge.regions import Regions, read_regions

DUMP = Path(__file__).parent.parent.parent / "shared" / "data" / "fcg_guides.jsonl"
DUMP_REGION = "450600"
DEMO_REGION = "980100"
Writing = sessionmaker[Session]
PAGE = 5_000  # guides handed to the index at a time, as index.sync does


@contextmanager
def database_at(folder: Path) -> Iterator[Writing]:
    """An empty migrated SQLite database in `folder`, as a maker of writing sessions."""
    engine = database.engine(f"sqlite:///{folder / 'bench.db'}")
    try:
        migrating.upgrade(engine)
        yield database.sessions(engine, writing=True)
    finally:
        engine.dispose()


def load(writing: Writing) -> tuple[str, str]:
    """Fill the database with the real dump if it is there, else the demonstration city: what it is, and its region."""
    with writing() as session:
        seeds.load_regions(session, at=clock.now())
        session.commit()
        if DUMP.exists():
            import_file(session, DUMP, "fcg", DUMP_REGION, by="benchmarks", at=clock.now())
            return "real guides of one city", DUMP_REGION
        seeds.load_demo(session, at=clock.now())
        session.commit()
        return "demonstration city", DEMO_REGION


def demo_items(writing: Writing) -> list[IndexedGuide]:
    """The demonstration city's guides as search sees them, one for each item."""
    with writing() as session:
        seeds.load_demo(session, at=clock.now())
        session.commit()
        found = changes.changed_since(session, 0, today=clock.today()).guides
    return list({guide.item: guide for guide in found if guide.region.startswith(DEMO_REGION[:2])}.values())


def country() -> Regions:
    """The real regions, without the demonstration city."""
    return Regions(read_regions())


def codes(regions: Regions) -> list[str]:
    """The codes of all regions, in order."""
    return sorted(region.code for region in read_regions() if region.code in regions)


def spread(items: Sequence[IndexedGuide], regions: Regions, many: int, seed: int = 7) -> list[IndexedGuide]:
    """`many` guides: each item in regions of all levels drawn evenly, no pair twice. Raises ValueError if there are not so many pairs."""
    places = codes(regions)
    pairs = random.Random(seed).sample(range(len(items) * len(places)), many)
    return [
        replace(items[pair // len(places)], id=number, region=places[pair % len(places)], local_code=f"b-{number:06d}")
        for number, pair in enumerate(pairs, 1)
    ]


def reworded(guides: Sequence[IndexedGuide], regions: Regions) -> list[IndexedGuide]:
    """The same guides with texts of their own: each name carries its region, so no two regions share a meaning."""
    return [
        replace(
            guide,
            item=f"{guide.item}-{guide.region}",
            name=f"{regions.name(guide.region)}{guide.name}",
            aliases=(),
            questions=(),
            faq=(),
            bundle=None,
            conditions_text="",
        )
        for guide in guides
    ]


def pages(guides: Sequence[IndexedGuide]) -> Iterator[Changes]:
    """The guides as the index takes them in."""
    for start in range(0, len(guides), PAGE):
        yield Changes(start // PAGE + 1, tuple(guides[start : start + PAGE]), (), (), ())
