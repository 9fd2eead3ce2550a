"""`python -m gateway`: starts the two ports of the gateway; configuration from the environment."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Iterator
from typing import Any

import uvicorn

from gateway import app, settings
from gateway.log import log, set_up
from gateway.services import Services
from telemetry import tracing


class Server(uvicorn.Server):
    """A server that leaves the signals to us, since there are two."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures nothing."""
        yield


def _server(application: Any, *, host: str, port: int, proxies: str, patience: int) -> Server:
    return Server(
        uvicorn.Config(
            application,
            host=host,
            port=port,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies or None,
            timeout_graceful_shutdown=patience,
            # Longer than a proxy keeps an idle line (nginx: 60 s): else it sends a message into one that is just being closed.
            timeout_keep_alive=75,
            ws_max_size=64 * 1024,
            backlog=4096,
        )
    )


async def serve(found: settings.Settings) -> None:
    """Serves until SIGTERM or SIGINT: then no new requests, running turns end, everything is let go."""
    services = Services(found)
    await services.start()
    patience = int(found.turn_timeout) + 3
    public = _server(
        app.public(services), host=found.host, port=found.port, proxies=found.trusted_proxies, patience=patience
    )
    private = _server(app.private(services), host=found.internal_host, port=found.internal_port, proxies="", patience=3)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gc.freeze()
    tasks = [asyncio.create_task(server.serve()) for server in (public, private)]
    log.info("gateway_started", port=found.port, internal_port=found.internal_port, sandbox=found.sandbox)
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    # The internal port stays open until the last turn is over: its actions still ask for tokens.
    public.should_exit = True
    await services.drain()
    await asyncio.wait([tasks[0]])
    private.should_exit = True
    await asyncio.wait([tasks[1]])
    waiting.cancel()
    await services.close()
    await asyncio.to_thread(tracing.close)
    log.info("gateway_stopped")
    for task in tasks:
        task.result()


def main() -> None:
    """Reads the settings and serves."""
    found = settings.load()
    set_up(found.log_level)
    tracing.set_up("gateway")
    import uvloop

    uvloop.run(serve(found))


if __name__ == "__main__":
    main()
