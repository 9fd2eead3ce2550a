"""One pooled session per process for calls to peers; no redirects, no hidden retries."""

from __future__ import annotations

import functools
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from telemetry import tracing


@functools.cache
def _pooled() -> requests.Session:
    """Make the session."""
    made = requests.Session()
    made.trust_env = False
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(pool_connections=8, pool_maxsize=64, max_retries=0))
    return made


def call(
    method: str,
    url: str,
    *,
    peer: str,
    timeout: tuple[float, float],
    headers: dict[str, str] | None = None,
    **options: Any,
) -> requests.Response:
    """Call a peer (`bank`, `phone`, `gateway`) and return its answer, whatever its status; raises requests.RequestException."""
    with tracing.span(f"{peer} {method}", kind="client", peer=peer) as current:
        trace = tracing.headers() if peer == "gateway" else {}  # the others are other houses
        answer = _pooled().request(
            method, url, timeout=timeout, headers=(headers or {}) | trace, allow_redirects=False, **options
        )
        tracing.mark(current, status=answer.status_code)
        return answer
