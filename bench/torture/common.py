"""What the campaigns share: rows of the report, clusters, patient clients."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from tests.binding.conftest import Cluster, postgres_url, running

SCALE = os.environ.get("SCALE", "short")  # tiny (the tests), short, full
FULL, TINY = SCALE == "full", SCALE == "tiny"
PART = float(os.environ.get("PART", "1"))  # of what SCALE=full does, where a machine has not the hours
ROOT = Path(__file__).parents[2]
Row = dict[str, Any]


def scaled(*, full: int, short: int, tiny: int | None = None) -> int:
    """Choose a number by the scale; `PART` cuts the full one."""
    if FULL:
        return max(short, round(full * PART))
    return tiny if TINY and tiny is not None else short


def row(name: str, database: str, figure: str, target: str, ok: bool) -> Row:
    """Make one line of the report."""
    return {"property": name, "database": database, "figure": figure, "target": target, "ok": ok}


@contextlib.contextmanager
def cluster_on(database: str, **options: Any) -> Iterator[Cluster]:
    """Run a fresh cluster on SQLite or PostgreSQL; the tests' tiny campaigns share one."""
    if TINY and database == "sqlite" and "module" not in options:
        yield _shared()
        return
    with tempfile.TemporaryDirectory(prefix="torture-") as home:
        if database == "sqlite":
            with running(Path(home), None, **options) as cluster:
                yield cluster
        else:
            with contextlib.contextmanager(postgres_url)() as url, running(Path(home), url, **options) as cluster:
                yield cluster


@functools.cache
def _shared() -> Cluster:
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    home = stack.enter_context(tempfile.TemporaryDirectory(prefix="torture-"))
    return stack.enter_context(running(Path(home), None, SANDBOX_SLOW_S="4"))


def patiently(act: Callable[[], requests.Response]) -> requests.Response:
    """Try again with the same key until the service answers, as a client does whose server was killed."""
    while True:
        with contextlib.suppress(requests.RequestException):
            answer = act()
            if answer.status_code < 500 and answer.json().get("code") != "request_in_progress":
                return answer
        time.sleep(0.1)
