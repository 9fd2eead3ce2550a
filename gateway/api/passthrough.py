"""What the gateway passes on to binding: the secure page, the bank's callbacks, and the sandbox with its sign-in."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import quote

import aiohttp
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from gateway.api.customers import address_of, bearer_of, services_of
from gateway.identity.customer_jwt import TokenInvalid
from gateway.problems import Problem
from gateway.routes import Route, bounded_body
from gateway.services import Services
from telemetry import tracing

# Routes of the first are never counted by path nor logged: a ticket is a secret.
secure = APIRouter(tags=["secure page"])
bank = APIRouter(prefix="/bank", route_class=Route, tags=["bank"])
sandbox = APIRouter(prefix="/sandbox", route_class=Route, tags=["sandbox"])
LARGEST = 256 * 1024
# What a ticket of binding's looks like. Anything else (a path above all: `../v1/cards`) would reach its other doors with our service token.
TICKET = re.compile(r"[A-Za-z0-9_-]{1,200}")
KEPT = {
    "content-type",
    "content-security-policy",
    "x-frame-options",
    "x-content-type-options",
    "referrer-policy",
    "cache-control",
    "location",
    "set-cookie",
    "retry-after",
    "permissions-policy",
    "cross-origin-opener-policy",
    "content-language",
    "etag",
    "vary",
}
SENT = {
    "content-type",
    "accept",
    "accept-language",
    "cookie",
    "idempotency-key",
    "origin",
    "sec-fetch-site",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
}


async def _pass(request: Request, path: str, *, extra: dict[str, str]) -> Response:
    """Passes the request on with our service token; answers what binding answers, word for word."""
    services = services_of(request)
    if any(part in (".", "..") for part in path.split("/")):
        raise Problem("not_found")  # an HTTP client would walk them
    body = await bounded_body(request, most=LARGEST)
    headers = {name: value for name, value in request.headers.items() if name in SENT}
    headers |= {
        "Authorization": "Bearer " + services.settings.binding_token,
        "X-Request-Id": request.scope.get("request_id", ""),
        **extra,
        **tracing.headers(),
    }
    try:
        async with services.session.request(
            request.method,
            services.settings.binding_url + path,
            params=list(request.query_params.multi_items()),
            data=body or None,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=20),
        ) as answer:
            response = Response(await answer.read(), answer.status)
            for name, value in answer.headers.items():
                if name.lower() in KEPT:
                    response.headers.append(name, value)
            return response
    except (aiohttp.ClientError, TimeoutError):
        raise Problem("binding_unavailable", headers={"Retry-After": "3"}) from None


async def _identity(services: Services, shown: str) -> dict[str, str]:
    """Returns the customer token for a fresh conversation bearer or a host JWT; nothing for an unknown one."""
    if not shown:
        return {}
    conversation = None
    if shown.startswith("jbc_"):
        caller = await services.talk.caller(shown)
        if not caller.fresh:
            raise Problem("sign_in_again")
        account, conversation = caller.account, caller.conversation_id
    else:
        try:
            account = await services.host_tokens.account(shown)
        except TokenInvalid:
            raise Problem("customer_token_invalid") from None
    return (
        {"X-Customer-Token": services.customer_tokens.issue(account=account, conversation=conversation)[0]}
        if account
        else {}
    )


@secure.api_route("/secure/{ticket:path}", methods=["GET", "POST"], include_in_schema=False)
async def secure_page(ticket: str, request: Request) -> Response:
    """Passes the secure page on; a bearer of ours or the host's becomes binding's customer token. What is no ticket is `not_found`."""
    services = services_of(request)
    await services.limits.take("address", address_of(request))
    if not TICKET.fullmatch(ticket):
        raise Problem("not_found")
    return await _pass(request, "/secure/" + ticket, extra=await _identity(services, bearer_of(request)))


@bank.post("/callbacks", status_code=202)
async def bank_callback(request: Request) -> Response:
    """Passes the bank's word on, since binding has no door of its own to the world: binding checks the signature, and asks the bank back."""
    await services_of(request).limits.take("address", address_of(request))
    return await _pass(request, "/bank/callbacks", extra={})


class Login(BaseModel):
    """The account of a sandbox sign-in."""

    account: Annotated[str, Field(min_length=1, max_length=128)]


async def only_sandbox(request: Request) -> None:
    """Hides the sandbox where it is not on."""
    if not services_of(request).settings.sandbox:
        raise Problem("not_found")


@sandbox.post("/login", dependencies=[Depends(only_sandbox, scope="function")])
async def login(body: Login, request: Request) -> dict[str, Any]:
    """Signs a sandbox customer in as the host site would: a customer JWT of 15 minutes."""
    services = services_of(request)
    headers = {"Authorization": "Bearer " + services.settings.binding_token}
    try:
        if body.account in (".", ".."):
            raise Problem("not_found", "There is no such account.")
        url = f"{services.settings.binding_url}/sandbox/accounts/{quote(body.account, safe='')}"
        async with services.session.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=10)) as answer:
            if answer.status == 404:
                raise Problem("not_found", "There is no such account.")
            if answer.status != 200:
                raise Problem("binding_unavailable")
    except (aiohttp.ClientError, TimeoutError):
        raise Problem("binding_unavailable", headers={"Retry-After": "3"}) from None
    try:
        return {"token": services.host_tokens.issue(account=body.account), "expires_in": 900}
    except TokenInvalid:
        raise Problem("conflict", "The sandbox signs in with HOST_JWT_KEY, which is not set.") from None


@sandbox.api_route(
    "/{path:path}", methods=["GET", "POST", "PUT", "DELETE"], dependencies=[Depends(only_sandbox, scope="function")]
)
async def rest(path: str, request: Request) -> Response:
    """Passes everything else of the sandbox on to binding."""
    return await _pass(request, "/sandbox/" + quote(path, safe="/"), extra={})
