"""The two applications: the public port for customers and agents, the internal port for our own services."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import problems
from gateway.api import customers, health, internal, pages, passthrough
from gateway.lean import structlog
from gateway.log import log
from gateway.services import Services

# What follows these is a ticket, which opens a door.
SECRET_PATHS = ("/secure/", "/channels/link/")
REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class Envelope:
    """Gives every request an id, a log line without its query, and safe headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
        request_id = given if REQUEST_ID.fullmatch(given) else "req_" + secrets.token_hex(8)
        scope["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def reply(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                names = {name.lower() for name, _ in message["headers"]}
                added = [
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"cache-control", b"no-store"),
                ]
                message["headers"] = [*message["headers"], *(pair for pair in added if pair[0] not in names)]
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                await self.app(scope, receive, reply)
            finally:
                path = scope["path"]
                shown = next((f"{front}…" for front in SECRET_PATHS if path.startswith(front)), path[:120])
                log.debug(
                    "request",
                    method=scope["method"],
                    path=shown,
                    status=status,
                    ms=round((time.perf_counter() - began) * 1000, 1),
                )


def _application(services: Services, *, internal_port: bool, title: str) -> FastAPI:
    app = FastAPI(title=title, version="1", docs_url=None, redoc_url=None)
    app.state.services, app.state.internal = services, internal_port
    problems.install(app)
    app.include_router(health.router)
    return app


def public(services: Services) -> Any:
    """Returns the ASGI application of the public port."""
    from gateway import sockets

    app = _application(services, internal_port=False, title="Jiebang gateway")
    app.include_router(customers.router)
    app.include_router(passthrough.secure)
    app.include_router(passthrough.bank)
    app.include_router(passthrough.sandbox)
    for router in _more():
        app.include_router(router)
    app.include_router(pages.router)
    if services.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(services.settings.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID", "X-Request-Id"],
            max_age=600,
        )
    return sockets.mount(services, Envelope(app))


def _more() -> list[Any]:
    """Returns the routers of the messaging apps and the desk."""
    from gateway.api import desk, desk_session
    from gateway.channels import linking, telegram, webhook, wechat

    return [telegram.router, wechat.router, webhook.router, linking.router, desk_session.router, desk.router]


def private(services: Services) -> Any:
    """Returns the ASGI application of the internal port."""
    app = _application(services, internal_port=True, title="Jiebang gateway, internal")
    app.include_router(internal.router)
    return Envelope(app)
