"""Prototypes of the labels: a label that is said in many unlike ways (out_of_scope above all) has several, and is as near as the nearest of them."""

from __future__ import annotations

import numpy as np

SHARE, MOST = 400, 12  # sentences per prototype, and the most that a label may have


def begin(vectors: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cluster the unit vectors [n, 384] of each label; returns the centres [prototypes, 384] and the label of each."""
    from scipy.cluster.vq import kmeans2

    centres, owners = [], []
    for label in range(classes):
        mine = vectors[labels == label]
        count = int(np.clip(len(mine) // SHARE, 1, MOST))
        if count > 1:
            found = kmeans2(mine, count, minit="++", seed=seed)[0]
        else:
            found = (mine if len(mine) else vectors).mean(axis=0, keepdims=True)
        centres.append(found)
        owners += [label] * len(found)
    return np.concatenate(centres).astype(np.float32), np.array(owners, np.int64)


def merge(scores: np.ndarray, owners: np.ndarray, classes: int) -> np.ndarray:
    """Join the scores of prototypes [..., prototypes] to scores of labels [..., classes]: the logarithm of their summed exponentials."""
    if len(owners) == classes:
        return scores
    joined = np.full((*scores.shape[:-1], classes), -np.inf, np.float32)
    for place, owner in enumerate(owners):
        joined[..., owner] = np.logaddexp(joined[..., owner], scores[..., place])
    return joined
