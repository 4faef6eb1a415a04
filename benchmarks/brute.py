"""The baseline of search: one vector for every text of every guide, all of them compared, nothing left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.catalogue import texts_of
from index.embedder import Encoder, Vectors
from index.lexical import LexicalIndex
from index.ranking import ranking
from index.words import official, words
from knowledge.changes import IndexedGuide

Place = tuple[str, str]  # a guide's name and region: what tells two hits apart


class BruteForce:
    """All guide texts as rows of one matrix, and the same score as ours for each row."""

    def __init__(self, guides: Sequence[IndexedGuide], encoder: Encoder) -> None:
        self._guides = guides
        self._rules = ranking()
        texts = list(dict.fromkeys(text for guide in guides for text in texts_of(guide)))
        self._number = {text: number for number, text in enumerate(texts)}
        vectors = encoder.encode(texts)
        rows = [(owner, self._number[text]) for owner, guide in enumerate(guides) for text in texts_of(guide)]
        self._first = np.searchsorted(np.array([owner for owner, _ in rows]), np.arange(len(guides) + 1))
        self._text = np.array([number for _, number in rows])
        self._matrix: Vectors = vectors[self._text]  # on purpose a row each, also for guides that share a text
        self._region = np.array([guide.region for guide in guides])
        self._lexical = LexicalIndex()
        for text, number in self._number.items():
            self._lexical.add(number, " ".join(words(text)))
        self._lexical.commit()

    @property
    def rows(self) -> int:
        """Guide texts compared for each question."""
        return len(self._text)

    def nearest(self, vector: Vectors, ancestors: Sequence[str], limit: int) -> list[int]:
        """The plain search that is timed: cosines of all rows, guides of the region and above, the best `limit`."""
        scores = self._best(self._matrix @ vector)
        scores[~np.isin(self._region, ancestors)] = -1
        top = np.argpartition(-scores, min(limit, len(scores) - 1))[:limit]
        return [int(one) for one in top[np.argsort(-scores[top])]]

    def ranked(self, query: str, vector: Vectors, ancestors: Sequence[str]) -> dict[Place, float]:
        """Every visible guide with our score, best first: of one name the nearest only."""
        meant = [part for word in official(query) for part in words(word)]
        lexical = np.zeros(len(self._number), dtype=np.float32)
        for number, score in self._lexical.search(words(query), meant, len(self._number)):
            lexical[number] = score / (score + self._rules.lexical.half)
        visible = np.flatnonzero(np.isin(self._region, ancestors))
        levels = {region: distance for distance, region in enumerate(ancestors)}
        by_name: dict[str, tuple[float, int, str]] = {}
        for owner in visible:
            guide, rows = self._guides[int(owner)], slice(self._first[owner], self._first[owner + 1])
            score = float((self._matrix[rows] @ vector + self._rules.lexical.weight * lexical[self._text[rows]]).max())
            known = by_name.get(guide.name)
            nearer = (levels[guide.region], guide.region)
            by_name[guide.name] = (max(score, known[0]), *min(nearer, known[1:])) if known else (score, *nearer)
        best = sorted(by_name.items(), key=lambda one: -one[1][0])
        return {(name, region): score for name, (score, _, region) in best}

    def _best(self, rows: Vectors) -> Vectors:
        return np.asarray(np.maximum.reduceat(rows, self._first[:-1]), dtype=np.float32)


def recall(found: Sequence[Place], exact: dict[Place, float], limit: int) -> float:
    """The share of the exact best `limit` that was found; one that scores the same as the last of them counts too."""
    scores = sorted(exact.values(), reverse=True)[:limit]
    if not scores:
        return 1.0
    right = sum(exact.get(place, -1) >= scores[-1] - 1e-4 for place in found[:limit])
    return right / len(scores)
