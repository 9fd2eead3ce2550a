"""One pooled `requests` session, with time limits and retries only where a retry is safe, off the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from actions.errors import Refused, Unreachable
from actions.settings import settings
from telemetry import tracing

SAFE = frozenset({"GET"})
TRIES = 2
PAUSE_S = 1.0


@lru_cache
def pool() -> ThreadPoolExecutor:
    """Returns the threads that wait for the neighbours; asyncio's own pool is only min(32, cores + 4)."""
    return ThreadPoolExecutor(settings().threads, thread_name_prefix="neighbours")


@lru_cache
def session() -> requests.Session:
    """Returns the pooled session. urllib3 retries reads of GET and refused connections; keyed writes are retried in `call`."""
    made = requests.Session()
    retry = Retry(
        total=2,
        connect=2,
        read=1,
        status=2,
        backoff_factor=0.1,
        status_forcelist=(502, 503, 504),
        allowed_methods=SAFE,
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=settings().threads, max_retries=retry)
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made


def _send(
    method: str, url: str, *, headers: dict[str, str], body: dict[str, Any] | None, params: dict[str, Any] | None
) -> dict[str, Any]:
    limits = (settings().connect_timeout_s, settings().read_timeout_s)
    # A write with an idempotency key may be sent again: the neighbour answers the same and does nothing twice.
    tries = TRIES if "Idempotency-Key" in headers else 1
    write, maybe_done = method not in SAFE, False
    for attempt in range(1, tries + 1):
        try:
            with tracing.span(f"{method} {_door(url)}", kind="client") as current:
                answer = session().request(
                    method, url, headers=headers | tracing.headers(), json=body, params=params, timeout=limits
                )
                tracing.mark(current, status=answer.status_code)
        except requests.RequestException as error:
            # What an earlier try may have done stays done, whatever became of the last one.
            maybe_done = maybe_done or write and not _never_arrived(error)
            if attempt == tries:
                raise Unreachable(what=url, maybe_done=maybe_done) from error
            continue
        if attempt < tries and answer.status_code >= 500:
            maybe_done = write
            continue
        if attempt < tries and answer.status_code == 409 and _code(answer) == "request_in_progress":
            # The first try is still being worked on: its answer is what is wanted.
            maybe_done = write
            time.sleep(PAUSE_S)
            continue
        return _read(answer, url=url, write=write)
    raise AssertionError("unreachable")


def _door(url: str) -> str:
    """Returns the path of an address without ids: `/v1/operations`, `/internal/v1/token`."""
    parts = urlsplit(url).path.split("/")
    return "/".join(parts[: 4 if parts[1:2] == ["internal"] else 3])


def _never_arrived(error: requests.RequestException) -> bool:
    """Tells whether the request surely did not reach the neighbour: then a write surely did not happen."""
    return isinstance(error, requests.ConnectTimeout) or "NewConnectionError" in repr(error)


def _code(answer: requests.Response) -> str | None:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return None


def _read(answer: requests.Response, *, url: str, write: bool) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if answer.ok and isinstance(body, dict):
        return body
    code = _code(answer)
    if code == "request_in_progress" or answer.ok:
        raise Unreachable(what=url, maybe_done=write)
    if code and (answer.status_code < 500 or code == "sms_not_sent"):
        raise Refused(status=answer.status_code, code=str(code), body=body)
    raise Unreachable(what=f"{url}: {answer.status_code}", maybe_done=write and answer.status_code >= 500)


async def call(
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    body: dict[str, Any] | None = None,
    params: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Calls a neighbour in a worker thread and returns its JSON object; raises Refused or Unreachable."""
    loop = asyncio.get_running_loop()
    # A thread of the pool does not know by itself whose trace it works in.
    context = contextvars.copy_context()
    return await loop.run_in_executor(
        pool(), lambda: context.run(_send, method, url, headers=headers, body=body, params=params)
    )
