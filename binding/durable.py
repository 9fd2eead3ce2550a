"""The durable engine (DBOS) behind one door: start, workflow, enqueue, adopt.

Nothing else imports dbos. Rules kept here: arguments are opaque ids (they are stored in clear), JSON instead of pickle,
a fixed application version, an explicit executor id per process, one engine for the ledger and the engine's own tables,
so that `enqueue` inside a ledger transaction is the outbox.

A workflow here is a short body that may run again from its start: its calls carry the operation's or the message's id,
which the other side does once, and its writes are guarded by the states that they leave. So nothing of it is checkpointed
by the engine, which costs three transactions a step; what the engine gives is that an accepted workflow runs to its end.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import prometheus_client
import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer
from dbos._queue import queue_worker_thread  # the pinned release's; the public way to run a queue can only poll
from sqlalchemy import event
from sqlalchemy.orm import Session

from binding.bell import Bell
from binding.database import engine, normalise_url, writing
from binding.settings import settings
from telemetry import tracing

P = ParamSpec("P")
R = TypeVar("R")

VERSION = "1"  # changed only after a drain; changed steps use DBOS.patch instead
QUEUE = "ledger"
NAME = "jiebang-binding"
POLL_S = 1.0  # how long work waits that another process queued, or whose time has come
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)  # before a body that lost its database starts again; the last one repeats
TRIES = 10  # of such a body, about half a minute: a statement that the database refuses each time looks like one that is away
AGAIN_S = (5, 20, 80, 320, 1280, 3600)  # before work that failed for another reason runs again; the last one repeats
FORGET_AT_ONCE = 500  # finished workflows, in one transaction
log = structlog.get_logger("durable")
FAILED = prometheus_client.Counter("binding_work_failed", "Workflows that failed and run again later", ["name"])


class _Engine:
    """The parts that exist once per process."""

    client: DBOSClient | None = None
    executor: str = ""
    bell = Bell()
    worker: threading.Thread | None = None
    counting, running = threading.Lock(), 0


def workflow(name: str, *, named: bool = True) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare a durable workflow; its name is stored and never changes. It may run again from its start.

    `named`: its first argument is no customer's, so that traces may name it.
    """

    def declare(work: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(work)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with _Engine.counting:
                _Engine.running += 1
            try:
                with tracing.span(f"work {name}", subject=str(args[0]) if named else None):
                    return _to_the_end(lambda: work(*args, **kwargs), tries=TRIES)
            except Exception as error:
                _again_later(name, args, error)
                raise
            finally:
                with _Engine.counting:
                    was_full, _Engine.running = _Engine.running >= settings().workers, _Engine.running - 1
                if was_full:
                    _Engine.bell.ring()  # there is room for another one

        return DBOS.workflow(name=name, max_recovery_attempts=100_000)(run)

    return declare


class Interrupted(BaseException):
    """Leaves a workflow marked as running, for the next start or another executor; the engine records only an `Exception`."""


def _to_the_end(work: Callable[[], R], *, tries: int | None = None) -> R:
    """Run a body, again from its start when the database went away in the middle of it; raises after so many tries, if any."""
    for count in itertools.count(1):
        try:
            return work()
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
            log.warning("the database went away; the work starts again", error=type(error).__name__, tries=count)
            if _Engine.bell.is_set():
                raise Interrupted from error
            if count == tries:
                raise
            time.sleep(PAUSES_S[min(count, len(PAUSES_S)) - 1])
    raise AssertionError


def _again_later(name: str, args: tuple[Any, ...], error: Exception) -> None:
    """Queue the work of a body that failed once more for later, ever later: nothing that was accepted is given up."""
    workflow_id = DBOS.workflow_id or ""
    first, _, count = workflow_id.partition(":again:")
    number = int(count or 0)
    delay = AGAIN_S[min(number, len(AGAIN_S) - 1)]
    log.error("work failed; it runs again later", workflow=workflow_id, in_s=delay, exc_info=error)
    FAILED.labels(name).inc()

    def queue() -> None:
        with writing() as session:
            enqueue(session, name, f"{first}:again:{number + 1}", *args, delay_s=delay)

    _to_the_end(queue)


def enqueue(session: Session, workflow_name: str, workflow_id: str, *args: Any, delay_s: float = 0) -> None:
    """Queue a workflow inside the caller's transaction; the same workflow id a second time is the same workflow."""
    assert _Engine.client is not None
    options: dict[str, Any] = {
        "workflow_name": workflow_name,
        "queue_name": QUEUE,
        "workflow_id": workflow_id,
        "app_version": VERSION,
    }
    if delay_s > 0:
        options["delay_seconds"] = delay_s
    else:
        session.info["ring"] = True
    if (context := tracing.current()) is not None:
        options["otel_context"] = context  # work that waits in the queue goes on in the trace of what asked for it
    _Engine.client.enqueue_in_transaction(session, options, *args)  # type: ignore[arg-type]


@event.listens_for(Session, "after_commit")
def _ring(session: Session) -> None:
    if session.info.pop("ring", False):
        # The engine counts what it has just taken or not quite put away, `running` does not: half full may be full.
        _Engine.bell.ring(crowded=2 * _Engine.running >= settings().workers)


def launch(executor: str) -> None:
    """Start the engine in this process and recover what this executor left behind."""
    url, serializer = normalise_url(settings().database_url), DBOSPortableJSONSerializer()
    config: DBOSConfig = {
        "name": NAME,
        "system_database_url": url,
        "system_database_engine": engine(),
        "executor_id": executor,
        "application_version": VERSION,
        "serializer": serializer,
        "log_level": "ERROR",
        "enable_otlp": tracing.current() is not None,  # keeps the trace through the queue; it exports nothing itself
        "notification_listener_polling_interval_sec": 5.0,  # nothing here listens
        "scheduler_polling_interval_sec": 30.0,  # nothing here is scheduled
    }
    instance = DBOS(config=config)
    DBOS.listen_queues([])  # the ledger's own worker, below, listens with a bell
    instance._registry.get_internal_queue()._polling_interval_sec = 30.0  # for work without a queue, of which there is none
    DBOS.launch()
    queue = DBOS.register_queue(
        QUEUE, polling_interval_sec=POLL_S, worker_concurrency=settings().workers, on_conflict="always_update"
    )
    queue.database_backed_queue = False  # this process's own settings hold: they are not read again before each look
    _Engine.bell = Bell()
    _Engine.worker = threading.Thread(
        target=queue_worker_thread, args=(_Engine.bell, instance, queue), name="queue-worker-ledger", daemon=True
    )
    _Engine.worker.start()
    _Engine.client = DBOSClient(system_database_engine=engine(), serializer=serializer, application_name=NAME)
    _Engine.executor = executor
    stuck = DBOS.list_workflows(
        status=["PENDING", "ENQUEUED", "DELAYED"], load_input=False, load_output=False, limit=10_000
    )
    foreign = [w.workflow_id for w in stuck if w.app_version not in (VERSION, None)]
    if foreign:
        log.error("workflows of another application version are waiting", count=len(foreign), version=VERSION)


def stop(timeout_s: int = 5) -> None:
    """Stop taking work, give running steps a moment, and let go."""
    _Engine.bell.set()
    if _Engine.worker is not None:
        _Engine.worker.join(2)
    DBOS.destroy(workflow_completion_timeout_sec=timeout_s)


def pending_by_executor() -> dict[str, list[str]]:
    """List the workflows that are marked as running, by executor."""
    found: dict[str, list[str]] = {}
    for item in DBOS.list_workflows(status="PENDING", load_input=False, load_output=False, limit=10_000):
        found.setdefault(item.executor_id or "", []).append(item.workflow_id)
    return found


def adopt(workflow_ids: list[str]) -> None:
    """Take over a dead executor's workflows."""
    DBOS.resume_workflows(workflow_ids, queue_name=QUEUE)
    _Engine.bell.ring()


def forget_before(moment: dt.datetime, *, limit: int = FORGET_AT_ONCE) -> int:
    """Delete finished workflows older than `moment`, the oldest first; returns how many, `limit` when there may be more."""
    done = DBOS.list_workflows(
        status=["SUCCESS", "ERROR"],
        completed_before=moment.isoformat(),
        limit=limit,
        load_input=False,
        load_output=False,
    )
    if done:
        DBOS.delete_workflows([w.workflow_id for w in done])
    return len(done)
