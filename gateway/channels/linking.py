"""Signing in from a messaging app: a link of 15 minutes, the host site's sign-in, and the talk goes on in the app.

A link that somebody passes on would tie the victim's account to the sender's chat. So after the host's sign-in a link of WeChat's goes by
WeChat's own page (OAuth, `snsapi_base`): whose browser signed in must be who talks in that chat. It comes last, since whatever is proven
before the sign-in can be passed on too. Where no such proof exists, the host's page has to ask (docs/threat-model.md).
"""

from __future__ import annotations

import hashlib
import hmac
import html
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway import conversations, ids
from gateway.api.customers import CustomerToken, address_of, services_of
from gateway.channels.base import link_ticket, open_link
from gateway.channels.wechat import WeChat
from gateway.identity.customer_jwt import TokenInvalid
from gateway.problems import Problem
from gateway.routes import Route
from gateway.services import Services
from gateway.talk import bind

router = APIRouter(route_class=Route, tags=["channels"])
PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>登录 / Sign in</title><body><h1>登录 / Sign in</h1>
<form method="post"><label>账户 / Account <input name="account" required maxlength="128" autocomplete="username"></label> <button>登录 / Sign in</button></form>{said}</body></html>"""
PAGE_DONE = """<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>登录 / Sign in</title>
<body><h1>✓ 登录成功 / Signed in</h1><p>请回到聊天继续。 / Go back to the chat to carry on.</p>"""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


def _wechat(services: Services) -> WeChat | None:
    """Returns the adapter when WeChat can say who opens a link."""
    adapter = services.courier.adapters.get("wechat")
    return adapter if isinstance(adapter, WeChat) and services.settings.wechat_open else None


@router.get("/channels/link/{ticket}", include_in_schema=False)
async def page(ticket: str, request: Request) -> Response:
    """Sends the customer to the host site's sign-in; in the sandbox, asks for the account."""
    settings = services_of(request).settings
    open_link(services_of(request), ticket=ticket)
    if settings.host_sign_in_url:
        separator = "&" if "?" in settings.host_sign_in_url else "?"
        return RedirectResponse(f"{settings.host_sign_in_url}{separator}ticket={ticket}", 303, HEADERS)
    if not settings.sandbox:
        raise Problem("not_found")
    return HTMLResponse(PAGE.format(said=""), headers=HEADERS)


async def _link(request: Request, *, ticket: str, token: str) -> str | None:
    """Binds the ticket's conversation to the token's account; returns None, or the address where the browser has to show first that it is who talks there."""
    services = services_of(request)
    conversation_id, _ = open_link(services, ticket=ticket)
    await services.limits.take("sign_in", address_of(request) if not services.settings.sandbox else None)
    try:
        account = await services.host_tokens.account(token)
    except TokenInvalid:
        raise Problem("customer_token_invalid") from None
    found = await services.database.read(conversations.get, conversation_id=conversation_id)
    if found is not None and found.channel == "wechat" and _wechat(services) is not None:
        proof = link_ticket(services, conversation_id=conversation_id, account=account)
        return f"{services.settings.public_url}/channels/link/{proof}/wechat"
    await _bind(services, conversation_id=conversation_id, account=account, ticket=ticket)
    return None


async def _bind(services: Services, *, conversation_id: str, account: str, ticket: str) -> None:
    """Makes the conversation the account's and lets the assistant go on: once for a ticket, however often the host site tells."""
    await services.database.write(bind, conversation_id=conversation_id, account=account)
    await services.database.write(
        conversations.accept,
        conversation_id=conversation_id,
        kind="signed_in",
        request={"command": {"name": "signed_in"}},
        key=conversations.client_key("link:" + ticket),
        turn_id=ids.fresh("msg"),
    )
    services.turns.later(conversation_id)


@router.post("/channels/link/{ticket}/confirm")
async def confirm(ticket: str, body: CustomerToken, request: Request) -> dict[str, Any]:
    """Takes the host site's customer JWT for the ticket, after its sign-in. With `next` in the answer the browser is to be sent there."""
    onward = await _link(request, ticket=ticket, token=body.customer_token)
    return {"ok": True} if onward is None else {"ok": False, "next": onward}


@router.get("/channels/link/{ticket}/wechat", include_in_schema=False)
async def by_wechat(
    ticket: str,
    request: Request,
    code: Annotated[str, Query(max_length=200)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Sends the signed-in browser to WeChat's page and takes it back: binds when it is who talks in the ticket's chat."""
    services = services_of(request)
    settings = services.settings
    conversation_id, account = open_link(services, ticket=ticket, use="prove")
    adapter = _wechat(services)
    if adapter is None:
        raise Problem("not_found")
    expected = hmac.new(settings.seal_key, ticket.encode(), hashlib.sha256).hexdigest()[:32]
    if not code:
        asked = {
            "appid": settings.wechat_app_id or "",
            "redirect_uri": f"{settings.public_url}/channels/link/{ticket}/wechat",
            "response_type": "code",
            "scope": "snsapi_base",
            "state": expected,
        }
        url = f"{settings.wechat_open}/connect/oauth2/authorize?{urlencode(asked)}#wechat_redirect"
        return RedirectResponse(url, 303, HEADERS)
    if not hmac.compare_digest(state.encode("utf-8", "replace"), expected.encode()):
        raise Problem("not_found")
    found = await services.database.read(conversations.get, conversation_id=conversation_id)
    if found is None or await adapter.openid(code) != found.address:
        raise Problem("link_of_another")
    await _bind(services, conversation_id=conversation_id, account=account, ticket=ticket)
    return HTMLResponse(PAGE_DONE, headers=HEADERS)


@router.post("/channels/link/{ticket}", include_in_schema=False)
async def sandbox_form(ticket: str, request: Request) -> Response:
    """Signs the sandbox customer in."""
    services = services_of(request)
    if not services.settings.sandbox or services.settings.host_sign_in_url:
        raise Problem("not_found")
    await request.body()  # bounded here; the form is then read from what was kept
    account = str((await request.form()).get("account", ""))[:128]
    onward = await _link(request, ticket=ticket, token=services.host_tokens.issue(account=account))
    if onward is not None:
        return RedirectResponse(onward, 303, HEADERS)
    return HTMLResponse(
        PAGE.format(said=f"<p>✓ {html.escape(account)} · 请回到聊天 / Go back to the chat</p>"), headers=HEADERS
    )
