"""The staff's server: a second listener inside the process, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import structlog
import uvicorn

from binding.settings import settings

log = structlog.get_logger("staff")


class _Quiet(uvicorn.Server):
    """A server that leaves the process's signals to the main one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class StaffServer:
    """The second listener. A taken port keeps the ledger from nothing: another executor on this machine serves the staff."""

    def __init__(self) -> None:
        self._server: _Quiet | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen on BINDING_ADMIN_PORT; 0 means no staff view in this process."""
        port = settings().admin_port
        if port == 0:
            return
        try:
            listener = socket.create_server(("127.0.0.1", port))
        except OSError:
            log.warning("the staff view is not served here: its port is taken", port=port)
            return
        from binding.staff.app import create_app

        config = uvicorn.Config(
            create_app(), log_config=None, access_log=False, lifespan="off", server_header=False,
            timeout_graceful_shutdown=2,
        )  # fmt: skip
        self._server = _Quiet(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        log.info("staff view", port=port)

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
