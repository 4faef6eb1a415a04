"""The questions put to search alone: the baseline, words, the encoder as it came, and what is served."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from channels.evaluation.place import Lab
from channels.evaluation.sets import Question, Unanswerable
from core.text import normalise
from index import embedder, taught, weights
from index.embedder import Encoder
from index.evaluate import DEPTH, Asked, BigramBm25, Method, Point, Scored, compare, curve, published, scored, searching
from index.search import SearchIndex
from knowledge.changes import changed_since

BASELINE, WORDS, ZERO_SHOT, SERVING = "character-pair BM25", "words only", "zero-shot encoder", "as served"
THRESHOLDS = tuple(round(0.40 + 0.01 * step, 2) for step in range(56))  # 0.40 to 0.95


@dataclass(frozen=True, slots=True)
class Searched:
    """The ranks of all questions by each method, and the curve of the search that is served."""

    asked: Sequence[Asked]
    ranks: dict[str, list[int | None]]
    points: Sequence[Point]

    @property
    def serving(self) -> list[int | None]:
        """The ranks of the search that is served."""
        return self.ranks[SERVING]


def searched(
    lab: Lab, questions: Sequence[Question], beside: Sequence[Unanswerable], step: Callable[[], None]
) -> Searched:
    """Each question to each method, as the guard would pass it on: normalised."""
    asked = [Asked(normalise(one.text), one.style, one.guides) for one in questions]
    ancestors = lab.regions.ancestors(lab.settings.region)
    with ExitStack() as kept:
        ranks = compare(_methods(lab, ancestors, kept), asked, step)

    def found(text: str) -> list[Scored]:
        return scored(lab.index.search(text, ancestors, DEPTH))

    points = curve(
        [(found(one.text), one.meant) for one in asked],
        [found(normalise(one.text)) for one in beside],
        lab.index.thresholds,
        THRESHOLDS,
    )
    return Searched(asked, ranks, points)


def _methods(lab: Lab, ancestors: Sequence[str], kept: ExitStack) -> dict[str, Method]:
    """The methods side by side. What is served may be one of the others."""
    methods: dict[str, Method] = {
        BASELINE: BigramBm25({guide.local_code: published(guide) for guide in lab.index.guides()})
    }
    served = searching(lab.index, ancestors)
    methods[WORDS] = searching(kept.enter_context(_index(lab, None)), ancestors) if lab.encoder else served
    folder = weights.obtain(lab.settings.home)
    if folder is not None:
        encoder = embedder.load(str(folder))
        same = lab.encoder is not None and encoder.fingerprint == lab.encoder.fingerprint
        methods[ZERO_SHOT] = served if same else searching(kept.enter_context(_index(lab, encoder)), ancestors)
    return methods | {SERVING: served}


@contextmanager
def _index(lab: Lab, encoder: Encoder | None) -> Iterator[SearchIndex]:
    """The lab's guides in an index of another encoder."""
    with closing(taught.opened(lab.settings.home / "index", encoder)) as store:
        index = SearchIndex(store, encoder)
        with lab.reading() as session:
            index.apply(changed_since(session, 0, today=lab.today()))
        while index.encode_some():
            pass
        yield index
