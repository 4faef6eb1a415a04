"""Search over the published truth: texts by meaning and by words, then the guides of the citizen's region."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from index.catalogue import Entry, Target, key_of, texts_of
from index.embedder import Encoder, Vectors
from index.hashing import hashed
from index.homophones import corrected
from index.known import KnownItems
from index.lexical import LexicalIndex
from index.ranking import Ranking, Thresholds, ranking
from index.store import Store, digest
from index.suggest import LONGEST, Suggestion, rank
from index.vectors import FaissIndex, VectorIndex
from index.words import official, words
from knowledge import everyday
from knowledge.changes import Changes, IndexedGuide
from knowledge.regions import shortest, significant
from knowledge.schema import Faq

_WAITING = 0.02  # share of texts that may lack their vector while search goes by meaning
_ALIKE = 3  # guides looked at for what an item may be called here
_SAMPLE = 100  # guides beside one that is tried
_STEP = 64  # texts encoded and added at a time, so that searches wait for one step at most


@dataclass(frozen=True, slots=True)
class Hit:
    """A guide or curated question that fits, by its best text.

    `distance` counts levels up from the asked region (0 is the region itself). Where only regions inside
    the asked one have the guide, `inside` names them all and the citizen must be asked which.
    """

    target: Target
    score: float
    text: str
    distance: int = 0
    inside: tuple[IndexedGuide, ...] = ()


class SearchIndex:
    """All texts in memory. `apply` keeps it in step with the truth while `search` answers; both are thread-safe."""

    def __init__(self, store: Store, encoder: Encoder | None, rules: Ranking | None = None) -> None:
        self._store = store
        self._encoder = encoder
        self._rules = rules or ranking()
        self._lexical = LexicalIndex()
        self._vectors: VectorIndex | None = FaissIndex(encoder.dimension) if encoder else None
        self._known = KnownItems(store, encoder) if encoder else None
        # One turn may look several times for the same words.
        self._meaning = lru_cache(maxsize=8)(self._encode_one)
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {}
        self._owners: dict[int, set[str]] = defaultdict(set)
        self._entries: dict[str, Entry] = {}
        self._targets: dict[int | str, Target] = {}
        self._codes: dict[str, set[int]] = defaultdict(set)  # guides by local code, which a region gives but once
        self._regions: Counter[str] = Counter()  # guides by region
        self._fresh: dict[int, str] = {}  # texts not yet found even by words
        self._unencoded: dict[int, str] = {}
        self._seen_from: dict[str, list[int]] = {}  # texts visible from a region, until something changes
        self._next = 0

    @property
    def thresholds(self) -> Thresholds:
        """What scores mean now: by meaning once texts are encoded, by words alone before and without."""
        return self._rules.meaning if self.by_meaning else self._rules.words

    @property
    def rules(self) -> Ranking:
        """The ranking in force."""
        return self._rules

    @property
    def by_meaning(self) -> bool:
        """Whether answers go by meaning now, or by words alone."""
        # A fresh edit waits a moment for its vector; only a first start leaves most texts without.
        return bool(self._vectors) and len(self._unencoded) <= _WAITING * len(self._texts)

    def __len__(self) -> int:
        """How many guides and curated questions can be found."""
        return len(self._targets)

    @property
    def texts(self) -> int:
        """How many distinct texts are held."""
        return len(self._texts)

    def target(self, key: int | str) -> Target | None:
        """A guide by id or a curated question by code."""
        return self._targets.get(key)

    def guides(self) -> list[IndexedGuide]:
        """Every guide held."""
        return [one for one in list(self._targets.values()) if isinstance(one, IndexedGuide)]

    def linked(self, code: str, ancestors: Sequence[str], citizen: Sequence[str]) -> list[IndexedGuide]:
        """The guides that `ancestors[0]` means by a local code: the nearest region's around it, else those inside it,
        as far as a citizen of `citizen[0]`, in or of that region, may see them."""
        with self._lock:
            named = [self._targets[number] for number in sorted(self._codes.get(code, ()))]
        guides = [one for one in named if isinstance(one, IndexedGuide)]
        for region in ancestors:
            if here := [one for one in guides if shortest(one.region) == region]:
                return here
        inside, prefix = significant(ancestors[0]), significant(citizen[0])
        seen = (one for one in guides if shortest(one.region) in citizen or one.region.startswith(prefix))
        return [one for one in seen if one.region.startswith(inside)]

    # -- following the truth --

    def apply(self, changes: Changes) -> None:
        """Take in what was published and drop what is gone. New texts are found by words at once;
        `encode_some` then adds their meaning."""
        with self._lock:
            self._seen_from.clear()
            gone: list[int | str] = [*changes.gone, *changes.faqs_gone]
            come: list[Target] = [*changes.guides, *changes.faqs]
            idle = {number for name in (*gone, *map(_name, come)) for number in self._drop(name)}
            for target in come:
                self._place(target)
            self._forget([number for number in idle if not self._owners[number]])
            fresh = dict(self._fresh)  # with those an earlier call failed to finish
        known = self._words_of(fresh.values())
        vectors = self._store.vectors(digest(text) for text in fresh.values()) if self._vectors is not None else {}
        with self._lock:
            fresh = {number: text for number, text in fresh.items() if self._fresh.pop(number, None) is not None}
            for number, text in fresh.items():
                self._lexical.add(number, known[text])
            self._lexical.commit()
            if self._vectors is not None:
                ready = [number for number, text in fresh.items() if digest(text) in vectors]
                self._add_vectors(ready, [vectors[digest(fresh[number])] for number in ready])
                self._unencoded |= {number: text for number, text in fresh.items() if digest(text) not in vectors}

    def encode_some(self) -> int:
        """Encode one step of the texts that wait for it; how many are left. Call until 0."""
        with self._lock:
            step = dict(list(self._unencoded.items())[-_STEP:])  # the newest first: somebody may be waiting to see it
        if not step or self._encoder is None:
            return 0
        vectors = self._encoder.encode(list(step.values()))
        self._store.put_vectors({digest(text): vector for text, vector in zip(step.values(), vectors, strict=True)})
        with self._lock:
            found = zip(step, vectors, strict=True)
            still = {number: vector for number, vector in found if self._unencoded.pop(number, None) is not None}
            self._add_vectors(list(still), list(still.values()))
            return len(self._unencoded)

    def learn_some(self) -> int:
        """Encode one step of the items known beside the guides; how many texts are left. Call until 0."""
        return self._known.encode_some() if self._known else 0

    # -- answering --

    def search(self, query: str, ancestors: Sequence[str], limit: int = 10) -> list[Hit]:
        """The guides and curated questions that fit `query` best, for a citizen of `ancestors[0]`, best first.

        `ancestors` are the region and those above it. Nothing of other regions is found, except guides
        inside the region where neither it nor those above have one.
        """
        if not ancestors or not query.strip():
            return []
        query = corrected(query)
        vector = self._meaning(query) if self.by_meaning else None
        said, meant = words(query), [part for word in official(query) for part in words(word)]
        with self._lock:
            scores = self._score(vector, said, meant)
            hits = self._resolve(scores, ancestors)
            if len(hits) < limit and len(scores) >= self._rules.candidates:
                # Texts of other regions filled the candidates: look again among those that can be seen from here.
                hits = self._resolve(self._score(vector, said, meant, self._visible(ancestors)), ancestors)
        return hits[:limit]

    def missing(self, query: str, hits: Sequence[Hit]) -> str | None:
        """The name of an item that `query` means more surely than any of `hits`, which no guide here carries out."""
        if self._known is None or not self.by_meaning or (hits and isinstance(hits[0].target, Faq)):
            return None
        nearest = self._known.nearest(self._meaning(corrected(query)))
        least = max(self.thresholds.suggest, hits[0].score + self._rules.known.margin if hits else 0.0)
        if nearest is None or nearest[1] < least:
            return None
        name = nearest[0]
        meant = self._meaning(name)
        return None if any(self._alike(meant, hit) for hit in hits[:_ALIKE]) else name

    def carries_out(self, hit: Hit, name: str) -> bool:
        """Whether the guide found carries out the item `name`, under whatever name of its own."""
        return self.by_meaning and self._alike(self._meaning(name), hit)

    def scores(self, query: str, texts: Iterable[str]) -> dict[str, float]:
        """What each of `texts` scores for `query`, as far as they are held and fit at all."""
        query = corrected(query)
        vector = self._meaning(query) if self.by_meaning else None
        said, meant = words(query), [part for word in official(query) for part in words(word)]
        with self._lock:
            held = {self._numbers[text]: text for text in texts if text in self._numbers}
            found = self._score(vector, said, meant, list(held))
        return {held[number]: score for number, score in found.items() if number in held}

    def beside(self, target: Target) -> SearchIndex:
        """An index of its own for what is not published: `target` among guides of this one, which make words as rare
        there as they are here."""
        made = SearchIndex(self._store, self._encoder if self.by_meaning else None, self._rules)
        others = [one for one in self.guides() if _name(one) != _name(target)]
        sample = others[:: -(-len(others) // _SAMPLE) or 1]
        guides = [one for one in (*sample, target) if isinstance(one, IndexedGuide)]
        made.apply(Changes(0, tuple(guides), (), tuple(one for one in (target,) if isinstance(one, Faq)), ()))
        while made.encode_some():
            pass
        return made

    def vectors_of(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of shape (len(texts), dimension) by which texts are compared: of their meaning, as far as there
        is an encoder, else of their pairs of characters. One that was never seen takes about 10 ms with an encoder."""
        if self._encoder is None:
            return hashed(texts)
        keys = [digest(text) for text in texts]
        known = self._store.vectors(keys)
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if fresh:
            made = dict(zip(fresh, self._encoder.encode(list(fresh.values())), strict=True))
            self._store.put_vectors(made)
            known |= made
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, self._encoder.dimension), np.float32)

    @property
    def alike(self) -> float:
        """The cosine from which two texts of `vectors_of` ask the same."""
        return (self._rules.meaning if self._encoder else self._rules.words).group

    def suggest(self, typed: str, ancestors: Sequence[str], limit: int = 8) -> list[Suggestion]:
        """Texts that hold `typed`, of guides and questions a citizen of `ancestors[0]` may see."""
        if not typed or not ancestors:
            return []
        ours = everyday.searched()  # good to find with; what is offered to citizens is the guides' own
        with self._lock:
            found = [
                Suggestion(text, hit.target)
                for number, text in self._texts.items()
                if len(text) <= LONGEST and typed in text and text not in ours
                for owner in self._owners[number]
                if (hit := placed(self._entries[owner], 0.0, text, ancestors))
            ]
        return rank(typed, found, limit)

    def covers(self, ancestors: Sequence[str]) -> bool:
        """Whether the region itself, one around it below the nation, or one inside it has any guide."""
        with self._lock:
            inside = significant(ancestors[0])
            return any(region in ancestors[:-1] or region.startswith(inside) for region in +self._regions)

    def _alike(self, meant: Vectors, hit: Hit) -> bool:
        """Whether the guide found carries out what is meant under another name."""
        with self._lock:
            number = self._numbers.get(hit.target.name) if isinstance(hit.target, IndexedGuide) else None
            name = self._vectors.vector(number) if self._vectors is not None and number is not None else None
        return name is not None and float(np.dot(meant, name)) >= self._rules.known.alike

    def _encode_one(self, text: str) -> Vectors:
        assert self._encoder is not None
        return self._encoder.encode([text])[0]

    def _score(
        self, vector: Vectors | None, said: list[str], meant: list[str], among: list[int] | None = None
    ) -> dict[int, float]:
        width = self._rules.candidates
        widest = width if among is None or vector is not None else len(self._texts)
        lexical = {n: s / (s + self._rules.lexical.half) for n, s in self._lexical.search(said, meant, widest)}
        if vector is None or self._vectors is None:
            return lexical
        weight = self._rules.lexical.weight
        scores = {n: cosine + weight * lexical.get(n, 0.0) for n, cosine in self._vectors.search(vector, width, among)}
        # A text that still waits for its vector is found by its words.
        return scores | {n: lexical[n] for n in self._unencoded if n in lexical}

    def _visible(self, ancestors: Sequence[str]) -> list[int]:
        """The texts of all that a citizen of `ancestors[0]` may see; remembered until something changes."""
        if ancestors[0] not in self._seen_from:
            seen = (entry for entry in self._entries.values() if entry.seen_from(ancestors))
            self._seen_from[ancestors[0]] = sorted({number for entry in seen for number in entry.texts})
        return self._seen_from[ancestors[0]]

    def _resolve(self, scores: dict[int, float], ancestors: Sequence[str]) -> list[Hit]:
        best: dict[str, tuple[float, int]] = {}
        for number, score in scores.items():
            for owner in self._owners.get(number, ()):
                if owner not in best or score > best[owner][0]:
                    best[owner] = (score, number)
        by_name: dict[str, Hit] = {}
        for owner, (score, number) in sorted(best.items(), key=lambda one: (-one[1][0], one[0])):
            entry = self._entries[owner]
            hit = placed(entry, score, self._texts[number], ancestors)
            if hit:
                name = owner if isinstance(hit.target, Faq) else entry.name
                by_name[name] = nearer(by_name.get(name), hit)
        # Of what fits alike, as the same question curated by a city and by its district, the nearest comes first.
        return sorted(by_name.values(), key=lambda hit: (-hit.score, bool(hit.inside), hit.distance))

    # -- keeping --

    def _place(self, target: Target) -> None:
        key = key_of(target)
        entry = self._entries.get(key)
        if entry is None:
            name = target.question if isinstance(target, Faq) else target.name
            entry = self._entries[key] = Entry(key, name)
            entry.texts = tuple(self._number(text) for text in texts_of(target))
            for number in entry.texts:
                self._owners[number].add(key)
        entry.place(target)
        self._targets[_name(target)] = target
        if isinstance(target, IndexedGuide):
            self._regions[shortest(target.region)] += 1
            self._codes[target.local_code].add(target.id)

    def _number(self, text: str) -> int:
        if text not in self._numbers:
            self._numbers[text] = self._next
            self._texts[self._next] = self._fresh[self._next] = text
            self._next += 1
        return self._numbers[text]

    def _drop(self, name: int | str) -> tuple[int, ...]:
        """Drop a guide or curated question; which texts may have no owner now."""
        target = self._targets.pop(name, None)
        if target is None:
            return ()
        if isinstance(target, IndexedGuide):
            self._regions[shortest(target.region)] -= 1
            self._codes[target.local_code].discard(target.id)
        entry = self._entries[key_of(target)]
        entry.unplace(target)
        if entry.places:
            return ()
        del self._entries[entry.key]
        for number in entry.texts:
            self._owners[number].discard(entry.key)
        return entry.texts

    def _forget(self, numbers: list[int]) -> None:
        for number in numbers:
            del self._owners[number]
            del self._numbers[self._texts.pop(number)]
            self._fresh.pop(number, None)
            self._unencoded.pop(number, None)
        self._lexical.remove(numbers)
        if self._vectors is not None:
            self._vectors.remove(numbers)

    def _add_vectors(self, numbers: list[int], vectors: list[Vectors]) -> None:
        if self._vectors is not None and numbers:
            self._vectors.add(numbers, np.stack(vectors))

    def _words_of(self, texts: Iterable[str]) -> dict[str, str]:
        texts = list(texts)
        known = self._store.words(digest(text) for text in texts)
        fresh = {text: " ".join(words(text)) for text in texts if digest(text) not in known}
        self._store.put_words({digest(text): spaced for text, spaced in fresh.items()})
        return {text: known[digest(text)] for text in texts if text not in fresh} | fresh


def _name(target: Target) -> int | str:
    return target.id if isinstance(target, IndexedGuide) else target.code


def placed(entry: Entry, score: float, text: str, ancestors: Sequence[str]) -> Hit | None:
    """An entry as a citizen of `ancestors[0]` finds it; None where nothing of it is to be seen from there."""
    near = entry.nearest(ancestors)
    if near:
        return Hit(near[1][0], score, text, distance=near[0])
    inside = tuple(one for one in entry.below(ancestors[0]) if isinstance(one, IndexedGuide))
    return Hit(inside[0], score, text, inside=inside) if inside else None


def nearer(known: Hit | None, hit: Hit) -> Hit:
    """Of two hits of one name the better-placed: the region's own or a guide above it before guides inside it."""
    if known is None:
        return hit
    if known.inside and hit.inside:
        return Hit(known.target, known.score, known.text, inside=(*known.inside, *hit.inside))
    if known.inside or hit.inside:
        placed = hit if known.inside else known
        return Hit(placed.target, known.score, placed.text, distance=placed.distance)
    return known if known.distance <= hit.distance else Hit(hit.target, known.score, hit.text, distance=hit.distance)
