"""Search over one city and over the country, against exact brute force over every guide's every text."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml

from benchmarks import encoders, guides
from benchmarks.brute import BruteForce, recall
from benchmarks.encoders import Remembering
from benchmarks.figures import Figure
from benchmarks.timing import clocked
from core import clock
from index.embedder import Encoder
from index.search import Hit, SearchIndex
from index.store import Store
from knowledge import changes
from knowledge.changes import IndexedGuide
from knowledge.regions import Regions

GROUP = "Search"
BRUTE = "numpy over every guide text"
LIMIT = 10
CROWDED = 60  # questions to the index with most texts
EXACT = 100  # questions that brute force answers too
Question = tuple[str, tuple[str, ...]]  # a text and the asker's region with those above it


def measure(shared: Path, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """One city, the country, and the country if no two regions shared a text. Raises NotMeasured."""
    encoder = encoders.shipped(shared)
    many, distinct, asked = (20_000, 5_000, 100) if quick else (100_000, 50_000, 400)
    with TemporaryDirectory(prefix="bangban-bench-") as folder:
        say("one city")
        with guides.database_at(Path(folder)) as writing:
            what, region = guides.load(writing)
            with writing() as session:
                city = list(changes.changed_since(session, 0, today=clock.today()).guides)
            items = guides.demo_items(writing)
        ancestors = guides.country().ancestors(region) if region == guides.DUMP_REGION else (region, "980000", "000000")
        found = encoding(encoder)
        found += compare(
            f"{len(city):,} {what}", city, [(text, ancestors) for text in topics()], encoder, Path(folder), asked
        )
        say(f"{many:,} guides over the country")
        found += nationwide(items, many, asked, encoder, Path(folder), aim=10)
        say(f"{distinct:,} guides without a text in common")
        found += own_words(items, distinct, min(asked, CROWDED), encoder, Path(folder))
    return found


def encoding(encoder: Encoder) -> list[Figure]:
    """What a question costs before any search begins."""
    times = [clocked(encoder.encode, [text])[1] for _ in range(3) for text in topics()]
    return [Figure(GROUP, f"encoding a question: p{p}", 1000 * float(np.percentile(times, p)), "ms") for p in (50, 95)]


def nationwide(
    items: Sequence[IndexedGuide], many: int, asked: int, encoder: Encoder, folder: Path, *, aim: float | None = None
) -> list[Figure]:
    """`many` guides made of `items` in regions drawn evenly, asked from counties."""
    regions = guides.country()
    return compare(
        f"{many:,} guides over the country",
        guides.spread(items, regions, many),
        _asked(regions, asked, "县级"),
        encoder,
        folder,
        asked,
        aim=aim,
    )


def own_words(items: Sequence[IndexedGuide], many: int, asked: int, encoder: Encoder, folder: Path) -> list[Figure]:
    """The worst case of an index of meanings: as many texts as guides. Vectors are drawn, not encoded."""
    regions = guides.country()
    spread = guides.reworded(guides.spread(items, regions, many), regions)
    with _index(spread, encoders.Crowded(encoder), folder / "crowded.db") as index:
        questions = _asked(regions, asked, "县级")
        ours = [clocked(index.search, text, ancestors, LIMIT)[1] for text, ancestors in questions]
        name = f"{many:,} guides, each with words of its own"
        return [
            Figure(GROUP, f"{name}: p{p}, encoding left out", 1000 * float(np.percentile(ours, p)), "ms")
            for p in (50, 95)
        ]


def compare(
    name: str,
    held: Sequence[IndexedGuide],
    questions: Sequence[Question],
    encoder: Encoder,
    folder: Path,
    asked: int,
    *,
    aim: float | None = None,
) -> list[Figure]:
    """Ours and brute force on the same questions, question by question in turn."""
    known = Remembering(encoder)
    known.encode([text for text, _ in questions])
    brute = BruteForce(held, known)
    with _index(held, known, folder / f"{len(held)}.db") as index:
        ours_bare: list[float] = []
        ours_whole: list[float] = []
        theirs: list[float] = []
        recalls: list[float] = []
        index.search(*questions[0])
        for number in range(asked):
            text, ancestors = questions[number % len(questions)]
            vector = known.encode([text])[0]
            hits, spent = clocked(index.search, text, ancestors, LIMIT)
            _, extra = clocked(encoder.encode, [text])
            ours_bare.append(spent)
            ours_whole.append(spent + extra)
            if number < EXACT:
                theirs.append(clocked(brute.nearest, vector, ancestors, LIMIT)[1])
                recalls.append(recall(_places(hits), brute.ranked(text, vector, ancestors), LIMIT))
        beside = f"{BRUTE}, {brute.rows:,}"
        return [
            *_percentiles(f"{name}: pP with encoding", ours_whole, None, "", aim),
            *_percentiles(f"{name}: pP, encoding left out", ours_bare, theirs, beside, None),
            Figure(
                GROUP,
                f"{name}: recall@{LIMIT}",
                float(np.mean(recalls)),
                "",
                1.0,
                "exact",
                higher=True,
                aim=0.99 if aim else None,
            ),
            Figure(GROUP, f"{name}: distinct texts", index.texts, "texts", brute.rows, "guide texts"),
        ]


@cache
def topics() -> tuple[str, ...]:
    """Everyday questions, each a topic."""
    text = (Path(__file__).parent / "questions.yml").read_text("utf-8")
    return tuple(yaml.safe_load(text)["topics"])


def _asked(regions: Regions, many: int, level: str) -> list[Question]:
    codes = [code for code in guides.codes(regions) if regions.level(code) == level]
    draw = random.Random(11)
    return [(topics()[number % len(topics())], regions.ancestors(draw.choice(codes))) for number in range(many)]


@contextmanager
def _index(held: Sequence[IndexedGuide], encoder: Encoder, path: Path) -> Iterator[SearchIndex]:
    store = Store(path)
    try:
        index = SearchIndex(store, encoder)
        for page in guides.pages(held):
            index.apply(page)
        while index.encode_some():
            pass
        yield index
    finally:
        store.close()


def _places(hits: Sequence[Hit]) -> list[tuple[str, str]]:
    return [(hit.target.name, hit.target.region) for hit in hits if isinstance(hit.target, IndexedGuide)]


def _percentiles(
    name: str, ours: list[float], theirs: list[float] | None, beside: str, aim: float | None
) -> list[Figure]:
    return [
        Figure(
            GROUP,
            name.replace("pP", f"p{p}"),
            1000 * float(np.percentile(ours, p)),
            "ms",
            1000 * float(np.percentile(theirs, p)) if theirs else None,
            beside,
            aim=aim if p == 95 else None,
        )
        for p in (50, 95)
    ]
