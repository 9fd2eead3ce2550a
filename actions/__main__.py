"""Starts the action server: loopback only, an answer to an error carries nothing of the conversation."""

from __future__ import annotations

import json
import logging
import os
import sys

from rasa_sdk import endpoint
from rasa_sdk.executor import ActionExecutor
from sanic import HTTPResponse, Request, Sanic

from actions.settings import settings
from telemetry import tracing

logger = logging.getLogger("actions")


async def _forget_request(request: Request, response: HTTPResponse) -> HTTPResponse | None:
    """Replaces the body of an error: rasa-sdk's own repeats the whole tracker."""
    if response.status >= 500:
        return HTTPResponse(
            json.dumps({"error": "the action failed", "action_name": None}),
            status=response.status,
            content_type="application/json",
        )
    return None


async def _open_span(request: Request) -> None:
    """Opens the span of one action: in Rasa's trace when it sends one, else in a new one."""
    if request.path == "/webhook" and tracing.on():
        parent = [(name.encode(), value.encode("latin-1", "replace")) for name, value in request.headers.items()]
        action = (request.json or {}).get("next_action")
        request.ctx.span = tracing.span(f"action {action}", kind="server", parent=parent)
        request.ctx.opened = request.ctx.span.__enter__()


async def _close_span(request: Request, response: HTTPResponse) -> None:
    """Closes it with the status of the answer."""
    if getattr(request.ctx, "span", None) is not None:
        tracing.mark(request.ctx.opened, status=response.status)
        request.ctx.span.__exit__(None, None, None)
        request.ctx.span = None


def create() -> Sanic:
    """Returns the action server's application with every action of this package."""
    executor = ActionExecutor()
    executor.register_package("actions")
    app = endpoint.create_app(executor, cors_origins=None)
    app.config.KEEP_ALIVE_TIMEOUT = 75
    app.register_middleware(_open_span, "request")
    app.register_middleware(_close_span, "response")
    app.register_middleware(_forget_request, "response")
    return app


def main() -> None:
    """Serves on 127.0.0.1:ACTIONS_PORT until told to stop."""
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "WARNING"),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    tracing.set_up("actions")
    app = create()
    app.run(host="127.0.0.1", port=settings().actions_port, single_process=True, access_log=False, motd=False)
    tracing.close()


if __name__ == "__main__":
    main()
