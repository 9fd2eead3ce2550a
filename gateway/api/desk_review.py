"""`/api/desk/v1/review`: supervisors say what hard lines mean; how well the assistant understands over time."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from gateway.api.customers import services_of
from gateway.api.desk_session import Who
from gateway.api.desk_shapes import Language, Name, Text
from gateway.desk import review
from gateway.guard import redact
from gateway.problems import Problem
from gateway.routes import Route

router = APIRouter(route_class=Route)


class Decision(BaseModel):
    """What a line means: a label, `new` or `skip`."""

    label: Name
    note: Text | None = None


@router.get("/review")
async def listed(
    who: Who,
    request: Request,
    state: Literal["open", "done"] = "open",
    reason: Annotated[str | None, Query(max_length=20)] = None,
    language: Language | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> dict[str, Any]:
    """Lists lines to be reviewed, after a look at what was said since the last time."""
    if not who.supervisor:
        raise Problem("forbidden")
    services = services_of(request)
    if cursor is None:
        await services.database.write(review.collect)
    return await services.database.write(
        review.listed, person=who, state=state, reason=reason, language=language, limit=limit, cursor=cursor
    )


@router.get("/review/stats")
async def stats(who: Who, request: Request, days: Annotated[int, Query(ge=1, le=366)] = 30) -> dict[str, Any]:
    """Shows accuracy over time and what is taken for what."""
    if not who.supervisor:
        raise Problem("forbidden")
    services = services_of(request)
    return await services.database.read(review.stats, days=days, zone=services.settings.desk_timezone)


@router.post("/review/{item_id}")
async def decide(item_id: str, body: Decision, who: Who, request: Request) -> dict[str, Any]:
    """Says what a line means."""
    if not who.supervisor:
        raise Problem("forbidden")
    note = " ".join(redact(body.note).split())[:500] if body.note else None
    return await services_of(request).database.write(
        review.decide, person=who, item_id=item_id, label=body.label, note=note
    )
