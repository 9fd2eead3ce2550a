"""`/api/v1`: what customers' clients call."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from gateway import ids
from gateway.api.stream import event_stream
from gateway.identity.bearers import Caller
from gateway.identity.customer_jwt import TokenInvalid
from gateway.log import log
from gateway.problems import Problem
from gateway.routes import Route
from gateway.services import Services

router = APIRouter(prefix="/api/v1", route_class=Route, tags=["customers"])


class Model(BaseModel):
    """A request body; members that are not known are ignored."""

    model_config = ConfigDict(extra="ignore")


class NewConversation(Model):
    """The body of `POST /conversations`."""

    language: Literal["zh", "en"] | None = None


class NewMessage(Model):
    """A customer's text. `client_id` makes a repeated delivery harmless."""

    text: StrictStr
    client_id: Annotated[StrictStr, Field(min_length=1, max_length=128)] | None = None


class Press(Model):
    """A button that was pressed."""

    token: Annotated[StrictStr, Field(max_length=200)]
    client_id: Annotated[StrictStr, Field(min_length=1, max_length=128)] | None = None


class CustomerToken(Model):
    """The host site's customer JWT."""

    customer_token: Annotated[StrictStr, Field(max_length=8192)]


class Typing(Model):
    """Whether the customer is typing."""

    typing: StrictBool = True


class Seen(Model):
    """The newest message on the customer's screen."""

    message: Annotated[StrictStr, Field(max_length=100)]


class Score(Model):
    """A customer's opinion of the talk."""

    score: Annotated[StrictInt, Field(ge=1, le=5)]
    comment: Annotated[StrictStr, Field(max_length=2000)] | None = None


def services_of(request: Request) -> Services:
    """Returns the process's services."""
    return request.app.state.services


def address_of(request: Request) -> str | None:
    """Returns the address of the client, as far as it can be trusted."""
    return request.client.host if request.client else None


def bearer_of(request: Request) -> str:
    """Returns the bearer token of the request, empty when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


# A dependency's parameters are the client's to set: whether the sign-in may have run out is a function of its own.
async def known(conversation_id: str, request: Request) -> Caller:
    """Returns the caller when the conversation is theirs: 401 for no or a dead bearer, 404 for any other conversation."""
    # Whatever bearer is shown: each costs a question to the database.
    await services_of(request).limits.take("look", address_of(request))
    caller = await services_of(request).talk.caller(bearer_of(request))
    if caller.conversation_id != conversation_id:
        raise Problem("not_found")
    return caller


async def owner(conversation_id: str, request: Request) -> Caller:
    """As `known`, and the sign-in must not have run out."""
    caller = await known(conversation_id, request)
    if not caller.fresh:
        raise Problem("sign_in_again")
    return caller


async def _account(request: Request, token: str) -> str:
    services = services_of(request)
    await services.limits.take("sign_in", address_of(request) if not services.settings.sandbox else None)
    try:
        return await services.host_tokens.account(token)
    except TokenInvalid as error:
        log.info("customer_token_refused", reason=str(error))
        raise Problem("customer_token_invalid") from None


Owner = Annotated[Caller, Depends(owner, scope="function")]
Known = Annotated[Caller, Depends(known, scope="function")]


@router.post("/conversations", status_code=201)
async def begin(request: Request, body: NewConversation | None = None) -> dict[str, Any]:
    """Begins a conversation; with the host site's customer JWT as bearer it is a signed-in one."""
    account = None
    if "authorization" in request.headers:
        account = await _account(request, bearer_of(request))
    language = (body.language if body else None) or _preferred(request.headers.get("accept-language", ""))
    return await services_of(request).talk.begin(language=language, account=account, address=address_of(request))


def _preferred(accepted: str) -> str:
    first = accepted.split(",")[0].strip().lower()
    return "en" if first.startswith("en") else "zh"


@router.post("/conversations/{conversation_id}/messages")
async def say(caller: Owner, body: NewMessage, request: Request) -> dict[str, Any]:
    """Says something; answers when the turn is over."""
    return await services_of(request).talk.say(
        caller=caller, text=body.text, client_id=body.client_id, address=address_of(request)
    )


@router.post("/conversations/{conversation_id}/press")
async def press(caller: Owner, body: Press, request: Request) -> dict[str, Any]:
    """Presses a button."""
    return await services_of(request).talk.press(
        caller=caller, token=body.token, client_id=body.client_id, address=address_of(request)
    )


@router.post("/conversations/{conversation_id}/sign-in")
async def sign_in(caller: Known, body: CustomerToken, request: Request) -> dict[str, Any]:
    """Turns the conversation into the account's; returns the bearer that replaces the old one."""
    return await services_of(request).talk.sign_in(caller=caller, account=await _account(request, body.customer_token))


@router.post("/conversations/{conversation_id}/refresh")
async def refresh(caller: Known, body: CustomerToken, request: Request) -> dict[str, Any]:
    """Renews the sign-in for another 30 minutes; the bearer stays the same."""
    services = services_of(request)
    await services.talk.refresh(caller=caller, account=await _account(request, body.customer_token))
    return {"id": caller.conversation_id, "token": bearer_of(request), "expires_in": services.settings.signed_in_for}


@router.get("/conversations/{conversation_id}")
async def look(caller: Owner, request: Request) -> dict[str, Any]:
    """Says who owns the talk now, and its language."""
    return await services_of(request).handoff.state(conversation_id=caller.conversation_id)


@router.get("/conversations/{conversation_id}/messages")
async def history(
    caller: Owner, request: Request, after: Annotated[str | None, Query(max_length=100)] = None
) -> dict[str, Any]:
    """Returns the messages after `after`, in order."""
    return {"messages": await services_of(request).talk.history(conversation_id=caller.conversation_id, after=after)}


@router.get(
    "/conversations/{conversation_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def events(
    caller: Owner, request: Request, after: Annotated[str | None, Query(max_length=100)] = None
) -> StreamingResponse:
    """Streams messages as they come (SSE); resumes after `Last-Event-ID` or `after`."""
    services = services_of(request)
    if services.hub.full(caller.conversation_id):
        raise Problem("too_many_requests", headers={"Retry-After": "10"}, retry_after=10)
    last = request.headers.get("last-event-id") or after
    if last and not ids.looks_right(last, "msg"):
        last = None
    seq = await services.talk.seq(conversation_id=caller.conversation_id, after=last)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        event_stream(services, caller=caller, seq=seq), media_type="text/event-stream", headers=headers
    )


@router.post("/conversations/{conversation_id}/typing", status_code=204)
async def typing(caller: Owner, request: Request, body: Typing | None = None) -> None:
    """Tells the person who owns the talk that the customer is typing; to be told again every few seconds."""
    await services_of(request).talk.typing(caller=caller, typing=body.typing if body else True)


@router.post("/conversations/{conversation_id}/seen", status_code=204)
async def seen(caller: Owner, body: Seen, request: Request) -> None:
    """Notes what was on the customer's screen."""
    await services_of(request).talk.seen(caller=caller, message=body.message)


@router.post("/conversations/{conversation_id}/feedback", status_code=204)
async def feedback(caller: Owner, body: Score, request: Request) -> None:
    """Keeps the customer's opinion."""
    await services_of(request).talk.feedback(
        conversation_id=caller.conversation_id, score=body.score, comment=body.comment
    )
