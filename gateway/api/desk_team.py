"""`/api/desk/v1`: who is at work, and in which languages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from gateway.api.customers import services_of
from gateway.api.desk_session import Who
from gateway.api.desk_shapes import Language
from gateway.desk import presence
from gateway.problems import Problem
from gateway.routes import Route

router = APIRouter(route_class=Route)


class Presence(BaseModel):
    """Whether one takes talks."""

    status: Literal["available", "away"]


class Skills(BaseModel):
    """The languages whose talks somebody takes."""

    languages: Annotated[list[Language], Field(min_length=1, max_length=2)]


@router.put("/presence")
async def set_presence(body: Presence, who: Who, request: Request) -> dict[str, Any]:
    """Says whether one takes talks."""
    services = services_of(request)
    await services.database.write(presence.set_status, person=who, status=body.status)
    await services.hub.nudge("desk", "presence", username=who.username, status=body.status)
    return {"status": body.status}


@router.get("/agents")
async def agents(who: Who, request: Request) -> dict[str, Any]:
    """Lists everybody of the desk."""
    return {"items": await services_of(request).database.read(presence.people)}


@router.put("/agents/{username}")
async def skills(username: str, body: Skills, who: Who, request: Request) -> dict[str, Any]:
    """Sets somebody's languages."""
    if not who.supervisor:
        raise Problem("forbidden")
    return await services_of(request).database.write(
        presence.set_languages, person=who, username=username, languages=body.languages
    )
