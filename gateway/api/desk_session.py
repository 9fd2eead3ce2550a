"""Signing in at the desk: session cookie (HttpOnly, SameSite=Strict) and an anti-forgery header on every change."""

from __future__ import annotations

import asyncio
import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StrictStr

from gateway.api.customers import address_of, services_of
from gateway.desk import audit, people, presence
from gateway.desk.people import Person
from gateway.desk.settings import current
from gateway.problems import Problem
from gateway.routes import Route

router = APIRouter(prefix="/api/desk/v1", route_class=Route, tags=["desk"])
COOKIE = "jiebang_desk"
SIGN_INS_AT_ONCE = asyncio.Semaphore(2)  # argon2id takes 64 MB and a core for a moment


class SignIn(BaseModel):
    """Name and password of an agent."""

    username: Annotated[StrictStr, Field(max_length=80)]
    password: Annotated[StrictStr, Field(max_length=200)]


async def person(request: Request) -> Person:
    """Returns who is signed in; 401 without a session, 403 `csrf_failed` for a change without the header."""
    services = services_of(request)
    token = request.cookies.get(COOKIE, "")
    found = await services.database.read(people.find, token=token, sandbox=services.settings.sandbox) if token else None
    if found is None:
        raise Problem("unauthenticated")
    who, stale = found
    if request.method not in ("GET", "HEAD"):
        shown = request.headers.get("x-csrf-token", "")
        if not hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), who.csrf.encode()):
            raise Problem("csrf_failed")
    if stale:
        await services.database.write(people.touch, token=token)
    return who


Who = Annotated[Person, Depends(person, scope="function")]


@router.get("/sign-in")
async def ways(request: Request) -> dict[str, Any]:
    """Says how one can sign in here."""
    desk = current()
    sso = {"name": desk.oidc.name, "url": "/api/desk/v1/oidc/start"} if desk.oidc else None
    return {"password": desk.password, "oidc": sso, "sandbox": services_of(request).settings.sandbox}


@router.post("/session")
async def sign_in(body: SignIn, request: Request) -> JSONResponse:
    """Signs an agent in; five wrong passwords lock the name for 15 minutes."""
    services = services_of(request)
    if not current().password:
        raise Problem("forbidden", "Sign in by single sign-on.")
    await services.limits.take("sign_in", f"desk:{address_of(request)}" if not services.settings.sandbox else None)
    known = await services.database.read(people.known, username=body.username)
    if known is None and services.settings.sandbox and body.username in people.ROLES:
        await services.database.write(people.seed_sandbox)
        known = await services.database.read(people.known, username=body.username)
    async with SIGN_INS_AT_ONCE:
        right = await asyncio.to_thread(people.fits, stored=known[1] if known else None, password=body.password)
    token = (
        await services.database.write(people.begin, agent_id=known[0], sandbox=services.settings.sandbox)
        if known and right
        else None
    )
    if token is None:
        if known and not right:
            await services.database.write(people.failed, agent_id=known[0])
        raise Problem("unauthenticated", "Name or password is wrong.")
    found = await services.database.read(people.find, token=token, sandbox=services.settings.sandbox)
    assert found is not None
    await services.database.write(audit.write, agent=found[0].username, action="sign_in")
    answer = JSONResponse(await services.database.read(presence.me, person=found[0]))
    let_in(answer, token=token, secure=services.settings.public_url.startswith("https://"))
    return answer


def let_in(answer: Response, *, token: str, secure: bool) -> None:
    """Sets the session's cookie."""
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(people.LONGEST.total_seconds()),
        path="/api/desk",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


@router.get("/session")
async def me(who: Who, request: Request) -> dict[str, Any]:
    """Says who is signed in, and the anti-forgery token."""
    return await services_of(request).database.read(presence.me, person=who)


@router.delete("/session", status_code=204)
async def sign_out(who: Who, request: Request) -> Response:
    """Signs out."""
    services = services_of(request)
    await services.database.write(people.end, token=request.cookies[COOKIE])
    await services.database.write(audit.write, agent=who.username, action="sign_out")
    await services.hub.nudge("desk", "session")
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/api/desk")
    return answer
