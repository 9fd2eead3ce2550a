"""Multinomial logistic regression over a dense and a sparse block at once (L-BFGS, float32), deterministic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse

from brain.lbfgs import minimise


def softmax(scores: np.ndarray) -> np.ndarray:
    """Return row-wise probabilities."""
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@dataclass
class Regression:
    """Weights [features, classes] of both blocks and the bias [classes]."""

    dense: np.ndarray
    sparse: np.ndarray
    bias: np.ndarray

    def scores(self, dense: np.ndarray, rows: sparse.csr_matrix) -> np.ndarray:
        """Return the class scores [n, classes]."""
        return dense @ self.dense + rows @ self.sparse + self.bias

    def score(self, dense: np.ndarray, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the class scores [classes] of one message: dense vector and the sparse row's columns and values."""
        return dense @ self.dense + values @ self.sparse[columns] + self.bias


def fit(
    dense: np.ndarray,
    rows: sparse.csr_matrix,
    labels: np.ndarray,
    classes: int,
    *,
    strength: float,
    iterations: int = 120,
    start: Regression | None = None,
) -> Regression:
    """Fit on labels [n] (class numbers); `strength` is C, the inverse of regularisation, `start` is where to go on from."""
    n, d, s = len(labels), dense.shape[1], rows.shape[1]
    turned, columns, each = np.ascontiguousarray(dense.T), rows.T.tocsr(), np.arange(n)
    cut_a, cut_b = d * classes, (d + s) * classes

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        both = w[:cut_b].reshape(d + s, classes)
        scores = rows @ both[d:]
        scores += dense @ both[:d]
        scores += w[cut_b:]
        scores -= scores.max(axis=1, keepdims=True)
        right = scores[each, labels]
        error = np.exp(scores, out=scores)
        total = error.sum(axis=1, keepdims=True)
        losses = np.log(total[:, 0]) - right
        error /= total
        error[each, labels] -= 1
        gradient = np.empty(cut_b + classes, np.float32)
        parts = gradient[:cut_b].reshape(d + s, classes)
        parts[:d] = turned @ error
        parts[d:] = columns @ error
        gradient[cut_b:] = error.sum(axis=0)
        gradient *= np.float32(strength)
        gradient[:cut_b] += w[:cut_b]
        return strength * float(losses.sum(dtype=np.float64)) + 0.5 * float(w[:cut_b] @ w[:cut_b]), gradient

    begin = np.zeros(cut_b + classes, np.float32) if start is None else np.concatenate([start.dense.ravel(), start.sparse.ravel(), start.bias])
    flat = minimise(loss, begin, iterations=iterations)
    return Regression(flat[:cut_a].reshape(d, classes), flat[cut_a:cut_b].reshape(s, classes), flat[cut_b:])
