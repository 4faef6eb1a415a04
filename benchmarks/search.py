"""Search over one city and over the country, against exact brute force over every guide's every text."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml

from benchmarks import encoders, guides, indexes, variants
from benchmarks.brute import BruteForce, recall
from benchmarks.encoders import Remembering
from benchmarks.figures import Figure
from benchmarks.memory import Question
from benchmarks.timing import clocked
from core import clock
from index import taught
from index.embedder import Encoder
from index.homophones import corrected
from index.search import Hit
from knowledge import changes
from knowledge.changes import IndexedGuide
from knowledge.regions import Regions

GROUP = "Search"
BRUTE = "numpy over every guide text"
LIMIT = 10
CROWDED = 60  # questions to the index with most texts
EXACT = 100  # questions that brute force answers too
AIM = 40.0  # milliseconds, p95 with encoding over the country


def measure(shared: Path, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """One city, the country, and the country if no two regions shared a text."""
    encoder = encoders.shipped()
    many, distinct, asked = (20_000, 5_000, 100) if quick else (100_000, 50_000, 400)
    stores = shared / "index"
    with TemporaryDirectory(prefix="bangban-bench-") as folder:
        with guides.database_at(Path(folder)) as writing:
            what, region = guides.load(writing)
            with writing() as session:
                city = list(changes.changed_since(session, 0, today=clock.today()).guides)
            items = guides.demo_items(writing)
        ancestors = guides.country().ancestors(region) if region == guides.DUMP_REGION else (region, "980000", "000000")
        name = f"{len(city):,} {what}"
        say(f"{name}, beside words only and the encoder as it came")
        sides = variants.present(shared, say)
        typed = [(text, ancestors) for text in (*topics(), *mistyped())]
        found = variants.timed(name, city, typed, sides, stores, asked)
        say(f"{name}, beside brute force")
        found += encoding(encoder)
        found += compare(name, city, [(text, ancestors) for text in topics()], encoder, stores, asked)
        say(f"{many:,} guides over the country")
        found += nationwide(items, many, asked, encoder, stores)
        say(f"{distinct:,} guides without a text in common")
        found += own_words(items, distinct, min(asked, CROWDED), encoder, Path(folder))
        say("memory of search alone")
        found += variants.weighed(name, city, typed, sides, stores, 1 if quick else 3)
    return found


def encoding(encoder: Encoder) -> list[Figure]:
    """What a question costs before any search begins."""
    times = [clocked(encoder.encode, [text])[1] for _ in range(3) for text in topics()]
    return [Figure(GROUP, f"encoding a question: p{p}", 1000 * float(np.percentile(times, p)), "ms") for p in (50, 95)]


def nationwide(items: Sequence[IndexedGuide], many: int, asked: int, encoder: Encoder, stores: Path) -> list[Figure]:
    """`many` guides made of `items` in regions drawn evenly, asked from counties."""
    regions = guides.country()
    held, questions = guides.spread(items, regions, many), _asked(regions, asked, "县级")
    return compare(f"{many:,} guides over the country", held, questions, encoder, stores, asked, aim=AIM)


def own_words(items: Sequence[IndexedGuide], many: int, asked: int, encoder: Encoder, stores: Path) -> list[Figure]:
    """The worst case of an index of meanings: as many texts as guides. Vectors are drawn, not encoded."""
    regions = guides.country()
    spread = guides.reworded(guides.spread(items, regions, many), regions)
    drawn = encoders.Crowded(encoder)
    with closing(taught.opened(stores, drawn)) as store:
        index = indexes.filled(spread, drawn, store)
        questions = _asked(regions, asked, "县级")
        ours = [clocked(index.search, text, ancestors, LIMIT)[1] for text, ancestors in questions]
    name = f"{many:,} guides, each with words of its own: pP, encoding left out"
    return _percentiles(name, ours, None, "", None)


def compare(
    name: str,
    held: Sequence[IndexedGuide],
    questions: Sequence[Question],
    encoder: Encoder,
    stores: Path,
    asked: int,
    *,
    aim: float | None = None,
) -> list[Figure]:
    """Ours and brute force on the same questions, question by question in turn; with `aim` also with encoding."""
    with closing(taught.opened(stores, encoder)) as store:
        known = Remembering(encoder, store)
        index = indexes.filled(held, known, store)
        brute = BruteForce(held, known)
        meant = {text: corrected(text) for text, _ in questions}  # as search reads them
        known.encode(list(meant.values()))
        ours_bare: list[float] = []
        ours_whole: list[float] = []
        theirs: list[float] = []
        recalls: list[float] = []
        index.search(*questions[0])
        for number in range(asked):
            text, ancestors = questions[number % len(questions)]
            vector = known.encode([meant[text]])[0]
            hits, spent = clocked(index.search, text, ancestors, LIMIT)
            ours_bare.append(spent)
            if aim:
                ours_whole.append(spent + clocked(encoder.encode, [meant[text]])[1])
            if number < EXACT:
                theirs.append(clocked(brute.nearest, vector, ancestors, LIMIT)[1])
                recalls.append(recall(_places(hits), brute.ranked(meant[text], vector, ancestors), LIMIT))
    right, bound = float(np.mean(recalls)), 0.99 if aim else None
    return [
        *(_percentiles(f"{name}: pP with encoding", ours_whole, None, "", aim) if aim else []),
        *_percentiles(f"{name}: pP, encoding left out", ours_bare, theirs, f"{BRUTE}, {brute.rows:,}", None),
        Figure(GROUP, f"{name}: recall@{LIMIT}", right, "", 1.0, "exact", higher=True, aim=bound),
        Figure(GROUP, f"{name}: distinct texts", index.texts, "texts", brute.rows, "guide texts"),
    ]


def topics() -> tuple[str, ...]:
    """Everyday questions, each a topic."""
    return _questions()["topics"]


def mistyped() -> tuple[str, ...]:
    """Questions with characters that only sound right, so that correction has work to do."""
    return _questions()["mistyped"]


@cache
def _questions() -> dict[str, tuple[str, ...]]:
    text = (Path(__file__).parent / "questions.yml").read_text("utf-8")
    return {name: tuple(one) for name, one in yaml.safe_load(text).items()}


def _asked(regions: Regions, many: int, level: str) -> list[Question]:
    codes = [code for code in guides.codes(regions) if regions.level(code) == level]
    draw = random.Random(11)
    return [(topics()[number % len(topics())], regions.ancestors(draw.choice(codes))) for number in range(many)]


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
