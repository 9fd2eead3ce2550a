"""`GET /api/desk/v1/stream`: what changes at the desk, as it changes; resumable by id."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from gateway import metrics
from gateway.api.customers import services_of
from gateway.api.desk_session import COOKIE, Who
from gateway.desk import audit, people, presence
from gateway.desk.board import MOST, OVERLAP, board
from gateway.desk.people import Person
from gateway.routes import Route
from gateway.services import Services

router = APIRouter(route_class=Route)
LONGEST_AWAY = timedelta(minutes=10)
PING_S, CHECK_S = 15.0, 5.0


def _start(given: str) -> datetime | None:
    """Reads an event id (microseconds); None when it is not one, or too long ago."""
    try:
        at = datetime.fromtimestamp(int(given) / 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if datetime.now(UTC) - LONGEST_AWAY < at <= datetime.now(UTC) + OVERLAP else None


def _event(name: str, data: dict[str, Any], at: datetime) -> str:
    number = int(at.timestamp() * 1_000_000)
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


@router.get("/stream", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(
    who: Who,
    request: Request,
    last_event_id: Annotated[str, Header(max_length=40)] = "",
    after: Annotated[str, Query(max_length=40)] = "",
) -> StreamingResponse:
    """Tells what changes: `conversation`, `call`, `typing`, `seen`, `presence`; `resync` when the lists must be read again."""
    services = services_of(request)
    since = _start(last_event_id or after)
    token = request.cookies[COOKIE]
    # It brings the rows of the lists, with the last words of each talk.
    await services.database.write(audit.viewed, agent=who.username, action="list_view", conversation_id=None)
    return StreamingResponse(
        _events(services, who, token, since),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(services: Services, who: Person, token: str, since: datetime | None) -> AsyncIterator[str]:
    metrics.streams.labels("desk").inc()
    desk = board(services)
    try:
        with desk.listen() as page:
            yield "retry: 2000\n\n"
            await _beat(services, who)
            beaten = checked = time.monotonic()
            first, at = await desk.since(since or datetime.now(UTC))
            if since is None or len(first) >= MOST:
                yield _event("resync", {}, at)
            else:
                for event in first:
                    if event.concerns(username=who.username, supervisor=who.supervisor):
                        yield _event(event.name, event.data, event.at)
            while not services.hub.closing:
                try:
                    told = await asyncio.wait_for(page.get(), PING_S)
                except TimeoutError:
                    told = None
                if told is None or told.name == "session" or time.monotonic() - checked > CHECK_S:
                    sandbox, checked = services.settings.sandbox, time.monotonic()
                    if await services.database.read(people.find, token=token, sandbox=sandbox) is None:
                        yield 'event: closed\ndata: {"code": "unauthenticated"}\n\n'
                        return
                if time.monotonic() - beaten > presence.BEAT_S:
                    await _beat(services, who)
                    beaten = time.monotonic()
                if told is None:
                    yield ": ping\n\n"
                elif told.name == "closing":
                    return
                elif told.name != "session" and told.concerns(username=who.username, supervisor=who.supervisor):
                    yield _event(told.name, told.data, told.at)
    finally:
        metrics.streams.labels("desk").dec()
        services.background(services.database.write(presence.leave, agent_id=who.id))


async def _beat(services: Services, who: Person) -> None:
    if await services.database.write(presence.beat, agent_id=who.id):
        await services.hub.nudge("desk", "presence", username=who.username, status="available")
