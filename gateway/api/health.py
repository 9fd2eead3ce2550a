"""`/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import text

from gateway import metrics
from gateway.api.customers import services_of
from gateway.problems import Problem
from gateway.routes import Route
from gateway.services import Services

router = APIRouter(route_class=Route, tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, bool]:
    """Says that the process is up."""
    return {"ok": True}


async def _database(services: Services) -> dict[str, Any]:
    try:
        await asyncio.wait_for(services.database.read(lambda session: session.execute(text("SELECT 1")).scalar()), 3)
        return {"ok": True}
    except Exception as error:  # noqa: BLE001
        return {"ok": False, "error": type(error).__name__}


async def _redis(services: Services) -> dict[str, Any]:
    try:
        await asyncio.wait_for(services.redis.ping(), 3)
        return {"ok": True}
    except Exception as error:  # noqa: BLE001
        return {"ok": False, "error": type(error).__name__}


async def _binding(services: Services) -> dict[str, Any]:
    try:
        async with services.session.get(
            services.settings.binding_url + "/readyz", timeout=aiohttp.ClientTimeout(total=3)
        ) as answer:
            return {"ok": answer.status == 200}
    except (aiohttp.ClientError, TimeoutError) as error:
        return {"ok": False, "error": type(error).__name__}


async def _checked(services: Services) -> dict[str, dict[str, Any]]:
    asked = {"database": _database(services), "rasa": services.brain.ready(), "binding": _binding(services)}
    if services.redis is not None:
        asked["redis"] = _redis(services)
    return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Says whether customers can be served: database, Redis (where there is one), a Rasa with a model, and binding answer."""
    services = services_of(request)
    # Anybody may ask, and each check is four questions to others: who asks at the same time shares the answer.
    if services.checking is None or services.checking.done():
        services.checking = asyncio.create_task(_checked(services))
    checks = {name: dict(check) for name, check in (await asyncio.shield(services.checking)).items()}
    ready = all(check["ok"] for check in checks.values()) and not services.hub.closing
    body: dict[str, Any] = {"ready": ready, "checks": checks}
    if degraded := checks["rasa"].pop("degraded", None):
        body["degraded"] = degraded
    return JSONResponse(body, 200 if ready else 503)


@router.get("/metrics", response_class=Response)
async def prometheus(request: Request) -> Response:
    """Returns the counters; on the public port only in the sandbox."""
    if not request.app.state.internal and not services_of(request).settings.sandbox:
        raise Problem("not_found")
    page, kind = metrics.page()
    return Response(page, media_type=kind)
