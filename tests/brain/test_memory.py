"""The compiled memory gives the mean cosine to the nearest sentences, as the plain product does."""

from __future__ import annotations

import numpy as np
import pytest

from brain.memory import NEIGHBOURS, Memory, compile_memory


def unit_vectors(count: int, seed: int) -> np.ndarray:
    vectors = np.random.RandomState(seed).randn(count, 384).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_nearness_is_that_of_the_plain_product(seed):
    known = unit_vectors(400, seed)
    memory = Memory(compile_memory(known))
    for vector in (known[3], unit_vectors(1, 90 + seed)[0], -known[7]):
        exact = np.sort(known @ vector)[-NEIGHBOURS:].mean()
        assert memory.nearness(vector) == pytest.approx(float(exact), abs=0.01)


def test_a_memory_smaller_than_its_neighbours_still_answers():
    known = unit_vectors(2, 1)
    assert Memory(compile_memory(known)).nearness(known[0]) == pytest.approx(float((known @ known[0]).mean()), abs=0.01)


def test_a_memory_is_the_same_after_it_was_kept():
    memory = Memory(compile_memory(unit_vectors(50, 2)))
    vector = unit_vectors(1, 3)[0]
    assert Memory(memory.graph).nearness(vector) == memory.nearness(vector)
