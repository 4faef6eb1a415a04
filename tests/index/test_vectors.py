from __future__ import annotations

import numpy as np
import pytest

from index.vectors import FaissIndex, VectorIndex

DIMENSION = 32


def unit(count: int, seed: int = 7) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


class VectorsContract:
    """What every vector index does. A subclass gives the fixture `vectors`, an empty one of 32 dimensions."""

    def test_an_empty_index_finds_nothing(self, vectors: VectorIndex) -> None:
        assert vectors.search(unit(1)[0], 5) == []
        assert len(vectors) == 0

    def test_it_finds_what_comparing_with_every_vector_finds(self, vectors: VectorIndex) -> None:
        kept, asked = unit(2000), unit(20, seed=8)
        numbers = [10 * n + 3 for n in range(2000)]
        vectors.add(numbers, kept)
        for one in asked:
            cosines = kept @ one
            nearest = [numbers[i] for i in np.argsort(-cosines)[:10]]
            found = vectors.search(one, 10)
            assert [number for number, _ in found] == nearest
            assert [score for _, score in found] == pytest.approx(sorted(cosines, reverse=True)[:10], abs=1e-5)

    def test_among_chosen_numbers_it_finds_the_nearest_of_those_alone(self, vectors: VectorIndex) -> None:
        kept, asked = unit(2000), unit(1, seed=9)[0]
        numbers = [10 * n + 3 for n in range(2000)]
        chosen = numbers[::50]
        vectors.add(numbers, kept)
        nearest = [chosen[i] for i in np.argsort(-(kept[::50] @ asked))[:10]]
        assert [number for number, _ in vectors.search(asked, 10, chosen)] == nearest
        assert vectors.search(asked, 10, []) == []

    def test_vectors_come_and_go_one_by_one(self, vectors: VectorIndex) -> None:
        kept = unit(5)
        for number, vector in enumerate(kept):
            vectors.add([number], vector.reshape(1, -1))
        vectors.remove([2])
        assert len(vectors) == 4
        assert 2 not in [number for number, _ in vectors.search(kept[2], 5)]
        vectors.add([9], kept[2:3])
        assert vectors.search(kept[2], 1) == [(9, pytest.approx(1, abs=1e-5))]

    def test_a_vector_is_given_back_by_its_number(self, vectors: VectorIndex) -> None:
        kept = unit(3)
        vectors.add([4, 5, 6], kept)
        assert vectors.vector(5) == pytest.approx(kept[1], abs=1e-6)
        assert vectors.vector(7) is None

    def test_removing_what_is_not_there_is_fine(self, vectors: VectorIndex) -> None:
        vectors.remove([4])
        vectors.add([1], unit(1))
        vectors.remove([4, 5])
        vectors.remove([])
        assert len(vectors) == 1

    def test_removing_all_leaves_an_index_that_goes_on(self, vectors: VectorIndex) -> None:
        vectors.add([1, 2], unit(2))
        vectors.remove(iter([1, 2]))
        assert vectors.search(unit(1)[0], 3) == []
        vectors.add([3], unit(1))
        assert [number for number, _ in vectors.search(unit(1)[0], 3)] == [3]

    def test_asking_for_more_than_there_is_gives_all(self, vectors: VectorIndex) -> None:
        vectors.add([1, 2, 3], unit(3))
        assert sorted(number for number, _ in vectors.search(unit(1)[0], 100)) == [1, 2, 3]

    def test_adding_nothing_is_fine(self, vectors: VectorIndex) -> None:
        vectors.add([], unit(0))
        assert len(vectors) == 0


class TestFaissIndex(VectorsContract):
    @pytest.fixture
    def vectors(self) -> VectorIndex:
        return FaissIndex(DIMENSION)
