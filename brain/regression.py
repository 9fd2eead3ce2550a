"""Multinomial logistic regression over a dense and a sparse block at once (L-BFGS, float32), deterministic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.optimize import minimize


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
    weights: np.ndarray | None = None,
    iterations: int = 120,
    start: Regression | None = None,
) -> Regression:
    """Fit on labels [n] (class numbers); `strength` is C, the inverse of regularisation, `weights` weigh the samples, `start` is where to go on from."""
    n, d, s = len(labels), dense.shape[1], rows.shape[1]
    target = np.zeros((n, classes), np.float32)
    target[np.arange(n), labels] = 1
    weight = (np.ones(n, np.float32) if weights is None else weights.astype(np.float32))[:, None]
    columns = rows.T.tocsr()
    cut_a, cut_b = d * classes, (d + s) * classes

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.astype(np.float32)
        wd, ws, b = w[:cut_a].reshape(d, classes), w[cut_a:cut_b].reshape(s, classes), w[cut_b:]
        scores = dense @ wd + rows @ ws + b
        scores -= scores.max(axis=1, keepdims=True)
        e = np.exp(scores)
        total = e.sum(axis=1, keepdims=True)
        value = float((weight * (np.log(total) - (scores * target).sum(axis=1, keepdims=True))).sum())
        error = weight * (e / total - target)
        value = value * strength + 0.5 * float(w[:cut_b] @ w[:cut_b])
        gradient = np.concatenate([(dense.T @ error).ravel(), (columns @ error).ravel(), error.sum(axis=0)]) * strength
        gradient[:cut_b] += w[:cut_b]
        return value, gradient.astype(np.float64)

    begin = np.zeros(cut_b + classes) if start is None else np.concatenate([start.dense.ravel(), start.sparse.ravel(), start.bias]).astype(np.float64)
    flat = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": iterations, "maxcor": 8, "ftol": 1e-6, "gtol": 1e-3}).x.astype(np.float32)
    return Regression(flat[:cut_a].reshape(d, classes), flat[cut_a:cut_b].reshape(s, classes), flat[cut_b:])
