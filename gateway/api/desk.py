"""`/api/desk/v1`: what the desk's page calls. Session cookie (HttpOnly, SameSite=Strict), an anti-forgery header on every change.

This file has the talks; the other `desk_*` files have the rest and are part of the same router.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, StrictBool
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.api import (
    desk_assist,
    desk_calls,
    desk_canned,
    desk_feed,
    desk_oidc,
    desk_reports,
    desk_review,
    desk_stream,
    desk_team,
)
from gateway.api.customers import services_of
from gateway.api.desk_session import Who
from gateway.api.desk_shapes import ClientId, Close, Language, Name, Note, Ref, Text
from gateway.desk import audit, place, view, work, wrapping
from gateway.desk.acting import Acting
from gateway.desk.customer import customer as customer_of
from gateway.desk.people import called
from gateway.models import AuditLine
from gateway.problems import Problem
from gateway.routes import Route
from gateway.seen import mark
from gateway.services import Services

router = APIRouter(prefix="/api/desk/v1", route_class=Route, tags=["desk"])
for part in (
    desk_stream,
    desk_assist,
    desk_calls,
    desk_feed,
    desk_oidc,
    desk_team,
    desk_canned,
    desk_review,
    desk_reports,
):
    router.include_router(part.router)


class Suggested(BaseModel):
    """The suggestion that an agent's words were made from."""

    message: Ref
    label: Name
    text: Text


class Say(BaseModel):
    """An agent's words. `sure`: they go out although they seem to ask for a secret."""

    text: Text
    client_id: ClientId
    suggestion: Suggested | None = None
    sure: StrictBool = False


class Typing(BaseModel):
    """Whether the agent is typing."""

    typing: StrictBool = True


class Seen(BaseModel):
    """The newest line on the agent's screen."""

    message: Ref


class Transfer(BaseModel):
    """Whom a talk goes to: a colleague's name, or `queue`, there for people of a language."""

    to: Name
    language: Language | None = None
    note: Text | None = None


@router.get("/conversations")
async def listed(
    who: Who,
    request: Request,
    state: Literal["queue", "mine", "all"] = "queue",
    language: Language | None = None,
    reason: Annotated[str | None, Query(max_length=20)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> dict[str, Any]:
    """Lists talks."""
    services = services_of(request)
    await services.database.write(audit.viewed, agent=who.username, action="list_view", conversation_id=None)
    return await services.database.read(
        work.listed, person=who, state=state, limit=limit, language=language, reason=reason, cursor=cursor
    )


@router.post("/queue/next")
async def take_next(who: Who, request: Request) -> dict[str, Any]:
    """Takes the talk that is served next."""
    services = services_of(request)
    found = await services.database.write(work.take_next, person=who)
    await _changed(services, found["id"])
    return found


@router.get("/conversations/{conversation_id}")
async def seen(
    conversation_id: str,
    who: Who,
    request: Request,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[str | None, Query(max_length=100)] = None,
) -> dict[str, Any]:
    """Shows a talk: its newest lines, or those before one."""
    services = services_of(request)
    found = await services.database.write(
        view.seen,
        person=who,
        conversation_id=conversation_id,
        button_key=services.button_key,
        limit=limit,
        before=before,
    )
    return found | {
        "customer_typing": services.hub.customer_types(conversation_id),
        "customer_online": _online(services, conversation_id),
    }


def _online(services: Services, conversation_id: str) -> bool | None:
    """Tells whether a page of the customer listens here; with several gateways it may listen at another."""
    return services.hub.heard(conversation_id) or (None if services.settings.redis_url else False)


async def _changed(services: Services, conversation_id: str) -> None:
    await services.handoff.changed(conversation_id)
    await services.hub.nudge(conversation_id)
    await services.hub.nudge("deliveries")


@router.post("/conversations/{conversation_id}/take")
async def take(conversation_id: str, who: Who, request: Request) -> dict[str, Any]:
    """Takes a talk."""
    services = services_of(request)
    found = await services.database.write(work.take, person=who, conversation_id=conversation_id)
    await _changed(services, conversation_id)
    return found


@router.post("/conversations/{conversation_id}/messages", status_code=201)
async def say(conversation_id: str, body: Say, who: Who, request: Request) -> dict[str, Any]:
    """Says something to the customer."""
    services = services_of(request)
    found = await services.database.write(
        work.say,
        person=who,
        conversation_id=conversation_id,
        text=body.text,
        client_id=body.client_id,
        button_key=services.button_key,
        suggestion=body.suggestion.model_dump() if body.suggestion else None,
        sure=body.sure,
    )
    await _changed(services, conversation_id)
    return found


@router.post("/conversations/{conversation_id}/typing", status_code=204)
async def typing(conversation_id: str, who: Who, request: Request, body: Typing | None = None) -> None:
    """Shows the customer that the agent is typing; only in one's own talk."""
    services = services_of(request)
    row = await services.database.read(view.find, conversation_id)
    if row.owner == "human" and row.owner_agent == who.username:
        told = {"author": "agent", "typing": body.typing if body else True}
        await services.hub.nudge(conversation_id, "typing", agent=called(who, row.language), **told)
        await services.hub.nudge("desk", "typing", conversation=conversation_id, agent=who.name, **told)


@router.post("/conversations/{conversation_id}/seen", status_code=204)
async def seen_by_agent(conversation_id: str, body: Seen, who: Who, request: Request) -> None:
    """Notes that a line was on the agent's screen; the customer is told when the talk is theirs."""
    services = services_of(request)
    where = {"conversation_id": conversation_id, "side": "agent", "message_id": body.message}
    if await services.database.write(mark, agent=who.username, **where):
        await services.hub.nudge(conversation_id, "seen")


@router.post("/conversations/{conversation_id}/notes", status_code=201)
async def note(conversation_id: str, body: Note, who: Who, request: Request) -> dict[str, Any]:
    """Writes a note."""
    services = services_of(request)
    found = await services.database.write(work.note, person=who, conversation_id=conversation_id, text=body.text)
    await services.hub.nudge("desk", "conversation", conversation=conversation_id)
    return found


@router.post("/conversations/{conversation_id}/transfer")
async def transfer(conversation_id: str, body: Transfer, who: Who, request: Request) -> dict[str, Any]:
    """Gives a talk to a colleague or the queue."""
    services = services_of(request)
    found = await services.database.write(
        work.transfer, person=who, conversation_id=conversation_id, to=body.to, language=body.language
    )
    if body.note and body.note.strip():
        await services.database.write(work.note, person=who, conversation_id=conversation_id, text=body.note)
    await _changed(services, conversation_id)
    return found


@router.post("/conversations/{conversation_id}/hand-back")
async def hand_back(conversation_id: str, who: Who, request: Request) -> dict[str, Any]:
    """Gives a talk back to the bot, which takes up its open question."""
    services = services_of(request)
    turn = await services.database.write(
        work.give_back, person=who, conversation_id=conversation_id, outcome="handed_back"
    )
    await _changed(services, conversation_id)
    if turn:
        await services.turns.ensure_done(conversation_id, turn)
    return await services.handoff.state(conversation_id=conversation_id)


@router.post("/conversations/{conversation_id}/close")
async def close(conversation_id: str, body: Close, who: Who, request: Request) -> dict[str, Any]:
    """Ends the person's part of a talk with a wrap-up code and a summary."""
    services = services_of(request)
    await services.database.write(
        work.give_back,
        person=who,
        conversation_id=conversation_id,
        outcome="closed",
        wrap_up=body.wrap_up,
        summary=body.summary,
    )
    await _changed(services, conversation_id)
    services.turns.later(conversation_id)
    return await services.handoff.state(conversation_id=conversation_id)


@router.get("/conversations/{conversation_id}/summary")
async def summary(conversation_id: str, who: Who, request: Request) -> dict[str, Any]:
    """Suggests how a talk could be summed up and wrapped up."""
    services = services_of(request)
    here = await services.database.read(place.talk, person=who, conversation_id=conversation_id, action=None)
    await services.database.write(audit.viewed, agent=who.username, action="view", conversation_id=conversation_id)
    operation = None
    if here.account is not None:
        try:
            operation = await Acting(services).open_one(here)
        except Problem:
            operation = None  # The talk can be wrapped up without binding.
    return await services.database.read(_summed_up, conversation_id=conversation_id, operation=operation)


def _summed_up(session: Session, *, conversation_id: str, operation: dict[str, Any] | None) -> dict[str, Any]:
    return wrapping.of_talk(session, conversation=view.find(session, conversation_id), operation=operation)


@router.get("/conversations/{conversation_id}/customer")
async def customer(conversation_id: str, who: Who, request: Request) -> dict[str, Any]:
    """Shows the customer's cards, wallets, agreements, obligations and operations, by binding, in the agent's own name."""
    services = services_of(request)
    here = await services.database.write(
        place.talk, person=who, conversation_id=conversation_id, action="customer_view"
    )
    return await customer_of(services, place=here)


@router.get("/audit")
async def audit_lines(
    who: Who,
    request: Request,
    conversation_id: Annotated[str | None, Query(max_length=100)] = None,
    agent: Annotated[str | None, Query(max_length=80)] = None,
    action: Annotated[str | None, Query(max_length=40)] = None,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> dict[str, Any]:
    """Shows the newest audit lines to a supervisor, and whether the chain is whole."""
    if not who.supervisor:
        raise Problem("forbidden")
    services = services_of(request)
    return await services.database.read(
        _audit, conversation_id=conversation_id, agent=agent, action=action, before=before
    )


def _audit(
    session: Session, *, conversation_id: str | None, agent: str | None, action: str | None, before: int | None
) -> dict[str, Any]:
    query = select(AuditLine).order_by(AuditLine.number.desc()).limit(200)
    if conversation_id:
        query = query.where(AuditLine.conversation_id == conversation_id)
    if agent:
        query = query.where(AuditLine.agent == agent)
    if action:
        query = query.where(AuditLine.action == action)
    if before:
        query = query.where(AuditLine.number < before)
    items = [
        {
            "number": line.number,
            "at": line.at.isoformat(),
            "agent": line.agent,
            "action": line.action,
            "conversation": line.conversation_id,
            "detail": line.detail,
        }
        for line in session.scalars(query)
    ]
    return {"items": items, "broken_at": audit.broken(session)}
