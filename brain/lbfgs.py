"""L-BFGS in single precision (Liu and Nocedal 1989) with a weak-Wolfe line search by bisection (Lewis and Overton 2013).

scipy's L-BFGS-B keeps double precision and bounds that nobody set: over the three million weights of a training that was two thirds of its time.
"""

from __future__ import annotations

from typing import Callable

import numpy as np

DECREASE, CURVATURE, TRIES = 1e-3, 0.9, 20


def minimise(loss: Callable[[np.ndarray], tuple[float, np.ndarray]], start: np.ndarray, *, iterations: int, keep: int = 8, tolerance: float = 1e-6) -> np.ndarray:
    """Return the weights [n] (fp32) after so many iterations, or after one that lessened the loss by a share below `tolerance`.

    `loss` takes weights and returns its value and gradient [n] (fp32); `keep` is how many steps the curvature is learnt from.
    """
    x = start.astype(np.float32)
    steps, changes = np.empty((keep, x.size), np.float32), np.empty((keep, x.size), np.float32)
    scale = [0.0] * keep
    order: list[int] = []  # rows of `steps` and `changes`, oldest first
    value, gradient = loss(x)
    for _ in range(iterations):
        direction = -gradient
        shares = []
        for k in reversed(order):
            shares.append(float(steps[k] @ direction) / scale[k])
            direction -= np.float32(shares[-1]) * changes[k]
        if order:
            direction *= np.float32(scale[order[-1]] / float(changes[order[-1]] @ changes[order[-1]]))
        for k, share in zip(order, reversed(shares)):
            direction += np.float32(share - float(changes[k] @ direction) / scale[k]) * steps[k]
        slope = float(gradient @ direction)
        if slope >= 0:
            break
        length = 1.0 if order else min(1.0, 1.0 / float(np.linalg.norm(gradient)))
        least, most = 0.0, np.inf
        for _ in range(TRIES):
            there = x + np.float32(length) * direction
            found, slant = loss(there)
            if found > value + DECREASE * length * slope:
                most = length
            elif float(slant @ direction) < CURVATURE * slope:
                least = length
            else:
                break
            length = (least + most) / 2 if most < np.inf else 4 * length
        else:
            break
        k = order.pop(0) if len(order) == keep else len(order)
        np.subtract(there, x, out=steps[k])
        np.subtract(slant, gradient, out=changes[k])
        scale[k] = float(steps[k] @ changes[k])
        if scale[k] > 0:
            order.append(k)
        lessened = value - found
        x, value, gradient = there, found, slant
        if scale[k] <= 0 or lessened < tolerance * max(abs(value), 1.0):
            break
    return x
