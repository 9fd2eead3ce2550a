"""The application: routes, problems, request ids, figures."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

import prometheus_client
import sqlalchemy as sa
import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from binding.api import acting, callbacks, calls, health, reading, sandbox, schemas, secure
from binding.api.dependencies import sane_path
from binding.errors import Problem
from binding.settings import settings
from telemetry import tracing

log = structlog.get_logger("http")
REQUESTS = prometheus_client.Counter("binding_requests", "Requests answered", ["route", "method", "status"])
SECONDS = prometheus_client.Histogram("binding_request_seconds", "Time to answer", ["route"])
REQUEST_ID = re.compile(r"^[\x21-\x7e]{1,128}$")


def create_app() -> FastAPI:
    """Build the application."""
    everywhere = [Depends(sane_path)]
    app = FastAPI(title="Jiebang binding", version="1.0.0", docs_url=None, redoc_url=None, dependencies=everywhere)
    app.include_router(health.router)
    app.include_router(reading.router)
    app.include_router(acting.router)
    app.include_router(calls.router)
    app.include_router(secure.router)
    app.include_router(callbacks.router)
    if settings().sandbox:
        app.include_router(sandbox.router)
    app.add_exception_handler(Problem, _problem)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    for fault in (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError):
        app.add_exception_handler(fault, _no_database)
    app.add_exception_handler(Exception, _crash)
    app.add_middleware(_Observe)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def problem_response(problem: Problem) -> JSONResponse:
    """Turn a problem into HTTP."""
    headers = {"Retry-After": str(problem.extra["retry_after"])} if "retry_after" in problem.extra else {}
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(problem.body(), problem.status, headers=headers, media_type="application/problem+json")


async def _problem(_: Request, problem: Problem) -> JSONResponse:
    return problem_response(problem)


async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    # Pydantic's messages repeat the input; only where and what are passed on.
    faults = [{"at": "/".join(str(p) for p in e["loc"]), "what": _what(e)} for e in error.errors()[:20]]
    if any(e["type"] == "json_invalid" for e in error.errors()):
        return problem_response(Problem(400, "invalid_request", "the body is not JSON"))
    detail = "; ".join(f"{f['at']}: {f['what']}" for f in faults)
    return problem_response(Problem(422, "invalid_request", detail, errors=faults))


def _what(error: Any) -> str:
    return str(error["msg"]) if error["type"] != "value_error" else str(error["ctx"]["error"])


async def _http(_: Request, error: HTTPException) -> JSONResponse:
    codes = {404: "not_found", 405: "method_not_allowed_here", 400: "invalid_request"}
    answer = problem_response(
        Problem(error.status_code, codes.get(error.status_code, "invalid_request"), str(error.detail))
    )
    answer.headers.update(error.headers or {})
    return answer


async def _no_database(_: Request, error: Exception) -> JSONResponse:
    log.error("the database went away", error=type(error).__name__, exc_info=error)
    detail = "the database did not answer; what was asked is done or not done at all: ask again with the same key"
    return problem_response(Problem(503, "service_unavailable", detail, retry_after=1))


async def _crash(_: Request, error: Exception) -> JSONResponse:
    log.error("a request crashed", error=type(error).__name__, exc_info=error)
    return problem_response(
        Problem(500, "internal_error", "something went wrong on our side; nothing is known to be done")
    )


class _Observe:
    """Gives every request an id, counts it and writes one log line; plain ASGI, as it runs for every request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"x-request-id"), "")
        request_id = given if REQUEST_ID.match(given) else f"req_{secrets.token_hex(8)}"
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started, status = time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        # Our own services may continue a trace; a bank, which calls from outside, may not.
        parent = None if scope["path"].startswith("/bank/") else scope["headers"]
        try:
            with tracing.span(scope["method"], kind="server", parent=parent) as current:
                await self.app(scope, receive, answer)
                tracing.mark(current, name=f"{scope['method']} {_route(scope)}", status=status, request_id=request_id)
        finally:
            route = _route(scope)
            taken = time.perf_counter() - started
            REQUESTS.labels(route, scope["method"], status).inc()
            SECONDS.labels(route).observe(taken)
            if route not in ("/healthz", "/readyz", "/metrics"):
                log.info("request", route=route, method=scope["method"], status=status, ms=round(taken * 1000, 1))


def _route(scope: Scope) -> str:
    # The route's pattern, never the path: a secure page's ticket stands in the path.
    return getattr(scope.get("route"), "path", "none")


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        document["components"]["schemas"]["Problem"] = schemas.Problem.model_json_schema()
        app.openapi_schema = document
    return app.openapi_schema
