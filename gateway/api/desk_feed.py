"""`/api/desk/v1/feed`: a speech recogniser's way in. Its token belongs to one call, ends with it, and reads nothing."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from gateway.api.customers import services_of
from gateway.api.desk_calls import Spoken
from gateway.api.desk_session import Who
from gateway.desk import calls, line
from gateway.desk.people import Person
from gateway.desk.settings import current
from gateway.models import Call
from gateway.problems import Problem
from gateway.routes import Route, scrub
from gateway.services import Services

router = APIRouter(route_class=Route)
PREFIX = "/api/desk/v1"
LARGEST_FRAME, PATIENCE_S = 16 * 1024, 600


@router.post("/calls/{call_id}/feed")
async def feed(call_id: str, who: Who, request: Request) -> dict[str, Any]:
    """Gives out what a recogniser needs to send lines of this call; a token given out before ends."""
    services, token = services_of(request), "jbf_" + secrets.token_urlsafe(32)
    await services.database.write(calls.feed, person=who, call_id=call_id, token=token)
    base = services.settings.public_url + PREFIX + "/feed"
    return {
        "token": token,
        "expires_in": current().feed_for,
        "url": base + "/lines",
        "socket": "ws" + base.removeprefix("http") + "/socket",
    }


async def _call(services: Services, token: str) -> Call:
    if not token.startswith("jbf_"):
        raise Problem("unauthenticated")
    return await services.database.read(calls.fed, token=token)


async def _heard(services: Services, call: Call, body: Spoken) -> dict[str, Any]:
    await services.limits.take("conversation", call.id)
    kept = await line.take(services, call=call, speaker=body.speaker, text=body.text, client_id=body.client_id)
    await services.hub.nudge("desk", "call", call=call.id)
    if body.speaker == "caller" and kept.parse is None:
        # What it was understood as is kept also when no page asks for help.
        agent = Person(id="", username=call.agent, name=call.agent, role="agent", csrf="")
        services.background(line.helped(services, call=call, person=agent, kept=kept))
    return {"line": calls.line_of(kept)}


@router.post("/feed/lines", status_code=201)
async def heard(
    body: Spoken, request: Request, authorization: Annotated[str, Header(max_length=200)] = ""
) -> dict[str, Any]:
    """Takes one line from a recogniser."""
    services = services_of(request)
    scheme, _, token = authorization.partition(" ")
    call = await _call(services, token.strip() if scheme.lower() == "bearer" else "")
    return await _heard(services, call, body)


@router.websocket("/feed/socket")
async def socket(websocket: WebSocket) -> None:
    """Takes lines from a recogniser: the first frame is `{token}`, then one line a frame; each is answered."""
    services: Services = websocket.app.state.services
    await websocket.accept()
    try:
        token = str((await _frame(websocket)).get("token", ""))
        await _call(services, token)
        await websocket.send_json({"ready": True})
        while True:
            frame = await _frame(websocket)
            try:
                # Looked up for every line: the call may have ended, or another token been given out.
                call = await _call(services, token)
                await websocket.send_json(await _heard(services, call, Spoken.model_validate(frame)))
            except ValidationError:
                await websocket.send_json(Problem("invalid_request").body())
            except Problem as problem:
                if problem.status == 401:
                    raise
                await websocket.send_json(problem.body())
    except Problem as problem:
        await websocket.send_json(problem.body())
        await websocket.close(4000 + problem.status)
    except TimeoutError:
        await websocket.close(4408)
    except WebSocketDisconnect:
        return


async def _frame(websocket: WebSocket) -> dict[str, Any]:
    text = await asyncio.wait_for(websocket.receive_text(), PATIENCE_S)
    if len(text) > LARGEST_FRAME:
        raise Problem("body_too_large")
    try:
        found = scrub(json.loads(text))
    except (ValueError, RecursionError):
        raise Problem("malformed_json") from None
    if not isinstance(found, dict):
        raise Problem("invalid_request")
    return found
