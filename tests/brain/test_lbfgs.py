"""The minimiser finds minima, never climbs, and says the same each time."""

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from brain.lbfgs import minimise


def rosenbrock(x):
    return float(rosen(x.astype(np.float64))), rosen_der(x.astype(np.float64)).astype(np.float32)


def test_a_curved_valley():
    found = minimise(rosenbrock, np.full(8, -1.2, np.float32), iterations=400, tolerance=0)
    assert np.allclose(found, 1, atol=1e-2)


@pytest.mark.parametrize("seed", range(5))
def test_an_ill_conditioned_bowl_is_as_deep_as_scipy_finds_it(seed):
    dice = np.random.RandomState(seed)
    turn = np.linalg.qr(dice.randn(30, 30))[0]
    bowl, centre = turn @ np.diag(np.logspace(0, 3, 30)) @ turn.T, dice.randn(30)

    def loss(x):
        away = x - centre
        return 0.5 * float(away @ bowl @ away), (bowl @ away).astype(np.float32)

    ours = loss(minimise(loss, np.zeros(30, np.float32), iterations=100))[0]
    theirs = minimize(lambda x: (loss(x)[0], (bowl @ (x - centre))), np.zeros(30), jac=True, method="L-BFGS-B", options={"maxiter": 100}).fun
    assert ours < theirs + 1e-2


def test_it_never_climbs_and_repeats_itself():
    values = []

    def loss(x):
        value, gradient = rosenbrock(x)
        return value, gradient

    start = np.linspace(-2, 2, 10, dtype=np.float32)
    for iterations in range(0, 40, 5):
        values.append(loss(minimise(loss, start, iterations=iterations))[0])
    assert values == sorted(values, reverse=True)
    assert np.array_equal(minimise(loss, start, iterations=20), minimise(loss, start, iterations=20))


def test_at_the_minimum_it_stays():
    assert np.array_equal(minimise(rosenbrock, np.ones(4, np.float32), iterations=10), np.ones(4, np.float32))
