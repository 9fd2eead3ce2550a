"""What the campaigns share: their shape, rows of the report, clusters, patient clients."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests

from tests.binding.conftest import PG_ADMIN, Cluster, postgres_url, running

SCALE = os.environ.get("SCALE", "short")  # tiny (the tests), short, full
FULL, TINY = SCALE == "full", SCALE == "tiny"
PART = float(os.environ.get("PART", "1"))  # of what SCALE=full does, where a machine has not the hours
ROOT = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")  # noqa: S108 - where there is one
Row = dict[str, Any]
Found = dict[str, Any]  # what one piece of a campaign counted: numbers and lists, as JSON


@dataclass(frozen=True)
class Campaign:
    """One property on one database, proved in pieces that are worth keeping one by one.

    `run` takes a piece's number, from 0, and returns what it counted; `conclude` makes the report's line of any number of
    pieces, `ok` when nothing in them broke the property. `files` are what its result depends on besides the product.
    """

    name: str
    pieces: int
    run: Callable[[int], Found]
    conclude: Callable[[list[Found]], Row]
    files: tuple[str, ...]


def scaled(*, full: int, short: int, tiny: int | None = None) -> int:
    """Choose a number by the scale; `PART` cuts the full one."""
    if FULL:
        return max(1, round(full * PART))
    return tiny if TINY and tiny is not None else short


def row(name: str, database: str, figure: str, target: str, ok: bool) -> Row:
    """Make one line of the report."""
    return {"property": name, "database": database, "figure": figure, "target": target, "ok": ok}


def total(found: list[Found], name: str) -> int:
    """Add up a number over the pieces."""
    return sum(piece[name] for piece in found)


def told(violations: list[str]) -> str:
    """Name the first violations, for the end of a figure."""
    return ": " + "; ".join(violations[:5]) if violations else ""


def folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for a ledger: in memory where that is possible, since a process that is killed loses nothing in it."""
    return tempfile.TemporaryDirectory(prefix="torture-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None)


@contextlib.contextmanager
def cluster_on(database: str, **options: Any) -> Iterator[Cluster]:
    """Run a fresh cluster on SQLite or PostgreSQL; the tests' tiny campaigns share one."""
    if TINY and database == "sqlite" and options.get("module") != "bench.torture.doomed":
        yield _shared()
        return
    with folder() as home:
        if database == "sqlite":
            with running(Path(home), None, **options) as cluster:
                yield cluster
        else:
            with contextlib.contextmanager(postgres_url)() as url:
                _server_outlives_clients(url)
                with running(Path(home), url, **options) as cluster:
                    yield cluster


def _server_outlives_clients(url: str) -> None:
    """Let commits not wait for the disk: what is killed is the server's clients, and they find what it told them to be done."""
    name = url.rsplit("/", 1)[1]
    with psycopg.connect(PG_ADMIN, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")  # type: ignore[arg-type]


@functools.cache
def _shared() -> Cluster:
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(running(Path(stack.enter_context(folder())), None, SANDBOX_SLOW_S="4"))


def patiently(act: Callable[[], requests.Response]) -> requests.Response:
    """Try again with the same key until the service answers, as a client does whose server was killed."""
    while True:
        with contextlib.suppress(requests.RequestException):
            answer = act()
            if answer.status_code < 500 and answer.json().get("code") != "request_in_progress":
                return answer
        time.sleep(0.1)
