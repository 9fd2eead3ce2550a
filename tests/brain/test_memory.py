"""The compiled memory gives the mean cosine to the nearest sentences, as the plain product does."""

from __future__ import annotations

import numpy as np
import pytest

from brain.memory import NEIGHBOURS, WIDTHS, Memory, compile_memory, nearness


def unit_vectors(count: int, seed: int, widths: int = 384) -> np.ndarray:
    """Unit vectors that differ along so many directions, which are the same for every seed."""
    turn = np.random.RandomState(1).randn(widths, 384)
    vectors = (np.random.RandomState(seed).randn(count, widths) @ turn).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_nearness_is_that_of_the_plain_product(seed):
    known = unit_vectors(400, seed, WIDTHS)
    memory = Memory(compile_memory(known))
    for vector in (known[3], unit_vectors(1, 90 + seed, WIDTHS)[0], -known[7]):
        exact = np.sort(known @ vector)[-NEIGHBOURS:].mean()
        assert memory.nearness(vector) == pytest.approx(float(exact), abs=0.01)
        assert nearness(vector[None], known)[0] == pytest.approx(float(exact), abs=1e-4)


def test_of_more_directions_the_most_telling_are_kept():
    known, others = unit_vectors(3000, 1), unit_vectors(200, 2)
    memory = Memory(compile_memory(known))
    seen = nearness(others, known)
    assert [memory.nearness(vector) for vector in others] == pytest.approx(seen.tolist(), abs=0.02)
    assert memory.nearness(known[0]) > seen.max()


def test_a_memory_smaller_than_its_neighbours_still_answers():
    known = unit_vectors(2, 1)
    assert Memory(compile_memory(known)).nearness(known[0]) == pytest.approx(float((known @ known[0]).mean()), abs=0.01)


def test_a_memory_is_the_same_after_it_was_kept():
    memory = Memory(compile_memory(unit_vectors(50, 2)))
    vector = unit_vectors(1, 3)[0]
    assert Memory(memory.graph).nearness(vector) == memory.nearness(vector)
