"""Pins numeric libraries to one thread: a short sentence gains nothing from a second, and spinning barriers cost the process its tail latency."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Iterable, TypeVar

Item, Result = TypeVar("Item"), TypeVar("Result")
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def pin() -> None:
    """Pin BLAS and OpenMP to one thread, also where numpy was loaded before this package (Rasa imports it first)."""
    for name in VARIABLES:
        os.environ.setdefault(name, "1")
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=int(os.environ["OMP_NUM_THREADS"]))


def cores() -> int:
    """Return how many cores this process may use (for training work that is split by sentence)."""
    return len(os.sched_getaffinity(0))


def each(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return what `work` makes of each item, in their order, on all cores; worth it where `work` lets go of the interpreter's lock, as an ONNX run does."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(work, items))
