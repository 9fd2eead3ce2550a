"""Health: is the process up, can it do its job, and what are its figures."""

from __future__ import annotations

import prometheus_client
import sqlalchemy as sa
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from binding.database import reading
from binding.models import Notice, Operation, OutboxEvent
from binding.models.operation import OPEN

router = APIRouter(tags=["health"])
OPEN_OPERATIONS = prometheus_client.Gauge("binding_open_operations", "Operations that have not ended", ["status"])
OUTBOX = prometheus_client.Gauge("binding_outbox", "Messages that are still to be sent", ["what"])


class Readiness:
    """What the process has been able to start."""

    engine = False
    stopping = False


@router.get("/healthz")
def healthz() -> dict[str, bool]:
    """Tell that the process is up."""
    return {"ok": True}


@router.get("/readyz", responses={503: {"description": "not ready"}})
def readyz() -> Response:
    """Tell whether requests can be served."""
    checks = {"durable_engine": Readiness.engine, "not_stopping": not Readiness.stopping, "database": _database()}
    ready = all(checks.values())
    return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503)


@router.get("/metrics", response_class=Response)
def metrics() -> Response:
    """Give the figures in Prometheus' format."""
    with reading() as session:
        rows = session.execute(
            sa.select(Operation.status, sa.func.count()).where(Operation.status.in_(OPEN)).group_by(Operation.status)
        )
        counts = {status: count for status, count in rows}
        for status in OPEN:
            OPEN_OPERATIONS.labels(status).set(counts.get(status, 0))
        for what, table in (("notices", Notice), ("events", OutboxEvent)):
            queued = session.scalar(sa.select(sa.func.count()).select_from(table).where(table.state == "queued"))
            OUTBOX.labels(what).set(queued or 0)
    return Response(prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST)


def _database() -> bool:
    try:
        with reading() as session:
            return session.scalar(sa.text("SELECT 1")) == 1
    except sa.exc.SQLAlchemyError:
        return False
