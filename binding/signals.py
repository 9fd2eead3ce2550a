"""Signals inside the process: a request that waits for an operation hears at once when a workflow here moved it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

_waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}


@contextlib.contextmanager
def listening(operation_id: str) -> Iterator[asyncio.Event]:
    """Listen for one operation during a block; used on the event loop."""
    entry = (asyncio.get_running_loop(), asyncio.Event())
    _waiting.setdefault(operation_id, []).append(entry)
    try:
        yield entry[1]
    finally:
        _waiting[operation_id].remove(entry)
        if not _waiting[operation_id]:
            del _waiting[operation_id]


def tell(operation_id: str) -> None:
    """Wake those who wait; from any thread, after the commit."""
    for loop, heard in list(_waiting.get(operation_id, ())):
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(heard.set)
