"""How requests are read: bodies of bounded size, JSON without lone surrogates, and one metric per route."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from gateway import metrics
from gateway.problems import UNAVAILABLE, Problem
from telemetry import tracing

LARGEST_BODY = 64 * 1024


async def bounded_body(request: Request, *, most: int) -> bytes:
    """Reads a body of at most `most` bytes; raises `body_too_large` as soon as it is larger, and keeps no more of it."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            # Nobody reads the rest, so the line is closed.
            raise Problem("body_too_large", f"At most {most} bytes.", headers={"Connection": "close"})
        parts.append(part)
    return b"".join(parts)


def scrub(value: Any) -> Any:
    """Returns JSON data with every lone surrogate replaced by U+FFFD, so that it can be stored and sent on."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [scrub(one) for one in value]
    if isinstance(value, dict):
        return {scrub(key): scrub(one) for key, one in value.items()}
    return value


class BoundedRequest(Request):
    """A request whose body is small and whose JSON is clean."""

    async def body(self) -> bytes:
        """Reads the body; raises `body_too_large` as soon as it is."""
        if not hasattr(self, "_body"):
            self._body = await bounded_body(self, most=LARGEST_BODY)
        return self._body

    async def json(self) -> Any:
        """Reads the JSON body; raises `malformed_json`."""
        if not hasattr(self, "_clean"):
            try:
                self._clean = scrub(json.loads(await self.body()))
            except (ValueError, RecursionError):
                raise Problem("malformed_json", "The body is not valid JSON.") from None
        return self._clean


def status_of(error: Exception) -> int:
    """Returns the HTTP status that an exception of a route becomes."""
    if isinstance(error, Problem):
        return error.status
    if isinstance(error, HTTPException):
        return error.__cause__.status if isinstance(error.__cause__, Problem) else error.status_code
    if isinstance(error, RequestValidationError):
        return 422
    return 503 if isinstance(error, UNAVAILABLE) else 500


class Route(APIRoute):
    """A route that reads its request as above and counts itself."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wraps FastAPI's handler."""
        inner = super().get_route_handler()
        name = self.path_format

        async def handler(request: Request) -> Response:
            began = time.perf_counter()
            status = 500
            try:
                # A trace begins at our door: only our own services may continue one of theirs.
                parent = request.scope["headers"] if request.app.state.internal else None
                with tracing.span(f"{request.method} {name}", kind="server", parent=parent) as current:
                    try:
                        response = await inner(BoundedRequest(request.scope, request.receive))
                        status = response.status_code
                        return response
                    except Exception as error:
                        status = status_of(error)
                        raise
                    finally:
                        # Of a refusal or a fault too: those are the traces that somebody looks for.
                        tracing.mark(current, status=status)
            finally:
                metrics.requests.labels(name, request.method, str(status)).inc()
                metrics.request_seconds.labels(name).observe(time.perf_counter() - began)

        return handler
