"""The internal port: what actions and binding may ask of the gateway."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from gateway import codes, conversations, ids
from gateway.api.customers import bearer_of, services_of
from gateway.desk import call_outcomes
from gateway.desk.place import follow
from gateway.guard.seal import CodeGone
from gateway.log import log
from gateway.models import Conversation, SeenEvent, Turn, now
from gateway.problems import Problem
from gateway.routes import Route, scrub
from gateway.services import Services
from gateway.settings import Settings
from gateway.turns import COME_UP_S

router = APIRouter(prefix="/internal/v1", route_class=Route, tags=["internal"])
# Before a turn begins Rasa may be waited for (after a restart), then it has its time limit; one that still says it runs later was left by a dead process.
WAITED_FOR = timedelta(seconds=COME_UP_S)
Id = Annotated[str, Field(max_length=100)]


class TurnRef(BaseModel):
    """Names the running turn in whose name the caller asks."""

    conversation_id: Id
    turn_id: Id


class OpenCode(TurnRef):
    """A sealed code to open."""

    code_ref: Annotated[str, Field(max_length=2000)]


class HandoffRequest(TurnRef):
    """A wish for a person."""

    reason: Literal["requested", "fraud", "failures", "angry", "manual_review"]
    intent: Annotated[str, Field(max_length=100)] | None = None
    operation_id: Id | None = None
    summary: Annotated[str, Field(max_length=4000)] | None = None
    priority: Literal["normal", "high"] = "normal"


async def service(request: Request) -> str:
    """Returns the name of the calling service; 401 for anybody else."""
    shown = hashlib.sha256(bearer_of(request).encode()).digest()
    names = [
        name
        for name, secret in services_of(request).settings.internal_tokens
        if hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), shown)
    ]
    if not names:
        raise Problem("unauthenticated")
    return names[0]


async def actions_only(name: Annotated[str, Depends(service, scope="function")]) -> None:
    """Lets only actions in: binding delivers events and opens nothing."""
    if name != "actions":
        raise Problem("forbidden")


def running(session: Session, *, conversation_id: str, turn_id: str, turn_timeout: float) -> tuple[Conversation, Turn]:
    """Returns the conversation whose turn is running now, and the turn; raises `not_found`, `no_turn`."""
    conversation = session.get(Conversation, conversation_id) if ids.looks_right(conversation_id, "conv") else None
    if conversation is None:
        raise Problem("not_found")
    turn = session.get(Turn, turn_id) if ids.looks_right(turn_id, "msg") else None
    if (
        turn is None
        or turn.conversation_id != conversation_id
        or turn.status != "running"
        or not turn.started_at
        or now() - turn.started_at > WAITED_FOR + timedelta(seconds=turn_timeout)
    ):
        raise Problem("no_turn", "No turn with that id is running in that conversation.")
    return conversation, turn


async def _running(services: Services, ref: TurnRef) -> tuple[Conversation, Turn]:
    named = {"conversation_id": ref.conversation_id, "turn_id": ref.turn_id}
    return await services.database.read(running, **named, turn_timeout=services.settings.turn_timeout)


@router.post("/token", dependencies=[Depends(actions_only, scope="function")])
async def token(body: TurnRef, request: Request) -> dict[str, Any]:
    """Exchanges a running turn for a customer token of binding's."""
    services = services_of(request)
    conversation, _ = await _running(services, body)
    if (
        conversation.account is None
        or conversation.signed_in_at is None
        or now() - conversation.signed_in_at > timedelta(seconds=services.settings.signed_in_for)
    ):
        raise Problem("not_signed_in", "The customer is anonymous, or signed in too long ago.")
    value, expires_in = services.customer_tokens.issue(account=conversation.account, conversation=conversation.id)
    return {"token": value, "expires_in": expires_in}


@router.post("/codes/open", dependencies=[Depends(actions_only, scope="function")])
async def open_code(body: OpenCode, request: Request) -> dict[str, str]:
    """Opens a sealed code, once, for the turn in which it was typed; a turn that died and is run again may open it again."""
    services = services_of(request)
    _, turn = await _running(services, body)
    try:
        code, jti = services.sealer.unseal(ref=body.code_ref, conversation=body.conversation_id, message=body.turn_id)
    except CodeGone:
        raise Problem("code_gone") from None
    if not await services.database.write(codes.spend, jti=f"{jti}.{turn.attempts}"):
        raise Problem("code_gone")
    return {"code": code}


@router.post("/handoff", dependencies=[Depends(actions_only, scope="function")])
async def handoff(body: HandoffRequest, request: Request) -> dict[str, Any]:
    """Asks for a person to take the talk."""
    services = services_of(request)
    await _running(services, body)
    return await services.handoff.request(
        conversation_id=body.conversation_id,
        reason=body.reason,
        intent=body.intent,
        operation_id=body.operation_id,
        summary=body.summary,
        priority=body.priority,
    )


def verified(settings: Settings, raw: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """Returns the body of a signed delivery; raises `signature_invalid`, `malformed_json`."""
    try:
        body = scrub(Webhook(settings.events_secret).verify(raw, headers))
    except (json.JSONDecodeError, RecursionError):
        raise Problem("malformed_json") from None
    except (WebhookVerificationError, ValueError, OverflowError):
        raise Problem("signature_invalid") from None
    if not isinstance(body, dict):
        raise Problem("invalid_request")
    return body


def shaped(operation: Any) -> bool:
    """Tells whether an event's operation has the shape of docs/interfaces.md, as far as it is looked at here."""
    if not isinstance(operation, dict) or not isinstance(operation.get("target_summary") or {}, dict):
        return False
    return all(isinstance(operation.get(name), str) and operation[name] for name in ("id", "kind", "status"))


@router.post("/events", status_code=204)
async def events(request: Request) -> Response:
    """Takes a signed event of binding's to its conversation or call, once. 503 asks binding to deliver it again."""
    services = services_of(request)
    body = verified(services.settings, await request.body(), dict(request.headers))
    event_id, data = request.headers["webhook-id"][:200], body.get("data")
    if not isinstance(data, dict) or not shaped(data.get("operation")):
        raise Problem("invalid_request")
    if await services.database.read(lambda session: session.get(SeenEvent, event_id)) is not None:
        return Response(status_code=204)
    conversation_id, account = data.get("conversation"), data.get("account")
    conversation = None
    if isinstance(conversation_id, str) and ids.looks_right(conversation_id, "conv"):
        conversation = await services.database.read(conversations.get, conversation_id=conversation_id)
    if conversation is not None and conversation.account == account:
        command = {
            "name": "operation_event",
            "type": str(body.get("type", "operation.updated")),
            "operation": data["operation"],
        }
        key = "e:" + hashlib.sha256(event_id.encode()).hexdigest()
        turn, _ = await services.database.write(
            conversations.accept,
            conversation_id=conversation.id,
            kind="operation_event",
            request={"command": command},
            key=key,
            turn_id=ids.fresh("msg"),
        )
        done = await services.turns.ensure_done(conversation.id, turn.id)
        await services.hub.nudge("desk", "conversation", conversation=conversation.id)
        if done.status != "done":
            raise Problem("assistant_unavailable", headers={"Retry-After": "3"})
        await services.database.write(_mark, event_id=event_id, operation=data["operation"])
    elif await services.database.write(_tell_call, event_id=event_id, body=body):
        await services.hub.nudge("desk", "call", call=conversation_id)
    else:
        log.info("event_without_conversation", event_id=event_id)
    return Response(status_code=204)


def _tell_call(session: Session, *, event_id: str, body: dict[str, Any]) -> bool:
    """Takes an event to the call that its operation was begun in, all at once; tells whether there is one."""
    data = body["data"]
    _mark(session, event_id=event_id, operation=data["operation"])
    kind, place = str(body.get("type", "operation.updated")), str(data.get("conversation"))
    return call_outcomes.tell(
        session, call_id=place, account=data.get("account"), kind=kind, operation=data["operation"]
    )


def _mark(session: Session, *, event_id: str, operation: dict[str, Any]) -> None:
    """Remembers a delivery, and how an operation stands that a person began."""
    follow(session, operation=operation)
    if session.get(SeenEvent, event_id) is None:
        session.merge(SeenEvent(id=event_id))
