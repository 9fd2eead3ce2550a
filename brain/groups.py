"""Groups near-duplicate sentences, so that a held-out fold holds no sentence that is all but in the training part."""

from __future__ import annotations

import math
import re
from collections import Counter

import numpy as np
import scipy.sparse as sparse

from brain.normaliser import HAN


def _shingles(text: str) -> set[str]:
    text = re.sub(r"\d+", "0", text)
    words = re.findall("[\u3400-\u9fff]|[a-z0-9']+", text)
    if HAN.search(text):
        text = "".join(words)
        return {text[i : i + 2] for i in range(max(1, len(text) - 1))} | set(words)
    return {" ".join(words[i : i + 2]) for i in range(max(1, len(words) - 1))} | set(words)


def groups(texts: list[str], likeness: float = 0.7) -> np.ndarray:
    """Return a group number per normalised text; texts whose shingles overlap by `likeness` (Jaccard) share one."""
    shingles = [_shingles(text) for text in texts]
    seen = Counter(s for row in shingles for s in row)
    names = {s: i for i, s in enumerate(sorted(seen, key=lambda s: (seen[s], s)))}  # rarest first
    rows = [np.array(sorted(names[s] for s in row), np.int64) for row in shingles]
    matrix, sizes = _matrix(rows, len(names)), np.array([len(row) for row in rows])
    # Whoever is so alike shares one of the rarest shingles of each (prefix filtering, Chaudhuri, Ganti and Kaushik 2006): the others need not be compared.
    few = _matrix([row[: len(row) - math.ceil(likeness * len(row)) + 1] for row in rows], len(names))
    edges: list[np.ndarray] = []
    for start in range(0, len(rows), 2000):
        block = (few[start : start + 2000] @ few.T).tocoo()
        left, right = block.row + start, block.col
        left, right = left[left < right], right[left < right]
        shared = np.asarray(matrix[left].multiply(matrix[right]).sum(axis=1)).ravel()
        near = shared >= likeness * (sizes[left] + sizes[right] - shared)
        edges.append(np.stack([left[near], right[near]]))
    pairs = np.concatenate(edges, axis=1)
    graph = sparse.coo_matrix((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(len(rows), len(rows)))
    return sparse.csgraph.connected_components(graph, directed=False)[1]


def _matrix(rows: list[np.ndarray], width: int) -> sparse.csr_matrix:
    """Return ones where a row has a column."""
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    return sparse.csr_matrix((np.ones(starts[-1], np.float32), np.concatenate(rows), starts), shape=(len(rows), width))


def folds(group: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Return a fold number (0 … count-1) per text of these group numbers; no group is split over folds."""
    order = np.random.RandomState(seed).permutation(group.max() + 1)
    return (order % count)[group]
