"""Groups near-duplicate sentences, so that a held-out fold holds no sentence that is all but in the training part."""

from __future__ import annotations

import re

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
    names: dict[str, int] = {}
    rows = [[names.setdefault(s, len(names)) for s in sorted(_shingles(text))] for text in texts]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    matrix = sparse.csr_matrix((np.ones(starts[-1], np.float32), np.concatenate(rows).astype(np.int64), starts), shape=(len(rows), len(names)))
    sizes = np.asarray(matrix.sum(axis=1)).ravel()
    edges: list[np.ndarray] = []
    for start in range(0, len(rows), 2000):
        block = (matrix[start : start + 2000] @ matrix.T).tocoo()
        left = block.row + start
        union = sizes[left] + sizes[block.col] - block.data
        near = (block.data >= likeness * union) & (left < block.col)
        edges.append(np.stack([left[near], block.col[near]]))
    pairs = np.concatenate(edges, axis=1)
    graph = sparse.coo_matrix((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(len(rows), len(rows)))
    return sparse.csgraph.connected_components(graph, directed=False)[1]


def folds(group: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Return a fold number (0 … count-1) per text of these group numbers; no group is split over folds."""
    order = np.random.RandomState(seed).permutation(group.max() + 1)
    return (order % count)[group]
