"""One pool of connections per process for calls to peers; no redirects, no hidden retries, no proxy of the environment."""

from __future__ import annotations

import functools
from typing import Any

import certifi
import urllib3

from telemetry import tracing

# No answer, or none that could be read: nobody there, too late, cut off, not HTTP.
NoAnswer = urllib3.exceptions.HTTPError


@functools.cache
def _pool() -> urllib3.PoolManager:
    """Make the pool."""
    return urllib3.PoolManager(num_pools=8, maxsize=64, retries=False, ca_certs=certifi.where())


def call(
    method: str,
    url: str,
    *,
    peer: str,
    timeout: tuple[float, float],
    headers: dict[str, str] | None = None,
    **options: Any,
) -> urllib3.BaseHTTPResponse:
    """Call a peer (`bank`, `phone`, `gateway`) and return its answer, whatever its status; raises `NoAnswer`.

    `timeout`: seconds to connect, and to wait for each piece of the answer. `options`: `json`, `body` or `fields` (a query).
    """
    with tracing.span(f"{peer} {method}", kind="client", peer=peer) as current:
        trace = tracing.headers() if peer == "gateway" else {}  # the others are other houses
        answer = _pool().request(
            method, url, timeout=urllib3.Timeout(*timeout), headers=(headers or {}) | trace, redirect=False, **options
        )
        tracing.mark(current, status=answer.status)
        return answer


def never_arrived(error: urllib3.exceptions.HTTPError) -> bool:
    """Tell whether a request that got no answer surely reached nobody: no connection was made."""
    return isinstance(error, (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NewConnectionError))
