"""Start the backend: `python -m binding`."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from binding import durable
from binding.database import NoUsableDatabase, writing
from binding.executors import Slot
from binding.housekeeping import Housekeeper
from binding.logs import configure
from binding.migrate import alone, migrate
from binding.policy import policy
from binding.settings import settings
from binding.staff.server import StaffServer
from telemetry import tracing

log = structlog.get_logger("binding")


class Service:
    """The parts of the running process, started and stopped in order."""

    def __init__(self) -> None:
        self.slot, self.housekeeper = Slot(), Housekeeper()

    def start(self) -> None:
        """Take a slot, migrate, start the durable engine, seed the sandbox."""
        from binding.api.health import Readiness

        started = time.perf_counter()
        executor = self.slot.take()  # first: who may not serve the database does not change it
        with alone():
            migrate()
            refuse_default_staff()
            durable.launch(executor)
            if settings().sandbox:
                seed()
        self.slot.watch()
        self.housekeeper.start()
        Readiness.engine = True
        log.info(
            "ready", executor=self.slot.name, port=settings().port, seconds=round(time.perf_counter() - started, 2)
        )

    def stop(self) -> None:
        """Take no more work, let running steps end, let the slot go."""
        from binding.api.health import Readiness

        Readiness.stopping = True
        self.housekeeper.stop()
        durable.stop()
        self.slot.release()
        tracing.close()


def refuse_default_staff() -> None:
    """Refuse to serve real customers while a member of the staff has the sandbox's password; raises ValueError."""
    if settings().production:
        from binding.staff import people

        left = people.defaults_left()
        if left:
            raise ValueError(
                f"{', '.join(left)} of the staff still has the sandbox's password; "
                "`python -m binding.staff disable NAME` or `password NAME`"
            )


def seed() -> None:
    """Make the demo accounts and the two default members of the staff, once."""
    from binding.service.accounts import seed_demos
    from binding.staff import people

    with writing() as session:
        people.seed(session)
        for account_id in seed_demos(session):
            durable.enqueue(session, "register_at_bank", f"{account_id}:register", account_id)


def build(service: Service) -> FastAPI:
    """Build the application around a service."""
    from binding.api.app import create_app

    app = create_app()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await run_in_threadpool(service.start)
        except (NoUsableDatabase, ValueError) as error:
            sys.stderr.write(f"binding cannot start: {error}\n")
            raise
        staff = StaffServer()
        await staff.start()
        yield
        await staff.stop()
        await run_in_threadpool(service.stop)

    app.router.lifespan_context = lifespan
    return app


def main() -> int:
    """Run until told to stop; says clearly what keeps it from starting."""
    configure("binding")
    found = settings().problems()
    for problem in found:
        sys.stderr.write(f"binding cannot start: {problem}\n")
    if found:
        return 2
    settings().home.mkdir(parents=True, exist_ok=True)
    tracing.set_up("binding")
    try:
        policy()
        server = uvicorn.Server(
            uvicorn.Config(
                build(Service()), host="127.0.0.1", port=settings().port, log_config=None, access_log=False, lifespan="on",
                timeout_graceful_shutdown=6, timeout_keep_alive=75, server_header=False,
            )
        )  # fmt: skip
        server.run()
    except (NoUsableDatabase, ValueError) as error:
        sys.stderr.write(f"binding cannot start: {error}\n")
        return 2
    return 0 if server.started else 1


if __name__ == "__main__":
    raise SystemExit(main())
