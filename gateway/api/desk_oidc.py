"""`/api/desk/v1/oidc`: the browser's way to the identity provider and back."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from gateway.api.customers import address_of, services_of
from gateway.api.desk_session import let_in
from gateway.desk import people
from gateway.desk.settings import current
from gateway.problems import Problem
from gateway.routes import Route
from gateway.services import Services

if TYPE_CHECKING:
    from gateway.desk.oidc import Issuer

router = APIRouter(route_class=Route)
COOKIE, PATH = "jiebang_desk_flow", "/api/desk/v1/oidc"
PAGE = "/desk"
FLOW_S = 600
_issuers: dict[str, Issuer] = {}


def _issuer(services: Services) -> Issuer:
    """Returns the configured issuer; its libraries are only loaded where there is one."""
    desk = current()
    if desk.oidc is None:
        raise Problem("not_found")
    from gateway.desk.oidc import Issuer

    callback = services.settings.public_url + PATH + "/callback"
    return _issuers.setdefault(callback, Issuer(desk.oidc, callback=callback))


def _key(services: Services) -> bytes:
    return hmac.new(services.settings.seal_key, b"desk sign-on", hashlib.sha256).digest()


@router.get("/oidc/start", response_class=RedirectResponse)
async def start(request: Request) -> RedirectResponse:
    """Sends the browser to the identity provider."""
    services = services_of(request)
    await services.limits.take("sign_in", f"desk:{address_of(request)}" if not services.settings.sandbox else None)
    url, flow = await _issuer(services).way_out()
    from gateway.desk import oidc

    answer = RedirectResponse(url, 303)
    secure = services.settings.public_url.startswith("https://")
    # Lax: the way back is a navigation from the provider's page.
    answer.set_cookie(
        COOKIE,
        oidc.seal(flow, _key(services)),
        max_age=FLOW_S,
        path=PATH,
        secure=secure,
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/oidc/callback", response_class=RedirectResponse)
async def callback(
    request: Request,
    code: Annotated[str, Query(max_length=4000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
) -> RedirectResponse:
    """Takes who comes back in, and sends them to the desk's page; what went wrong is told there (`?sign_in=failed`)."""
    services = services_of(request)
    issuer = _issuer(services)
    from gateway.desk import oidc

    try:
        flow = oidc.unseal(request.cookies.get(COOKIE, ""), _key(services))
        claims = await issuer.way_back(code=code, state=state, flow=flow)
        role = oidc.role_of(claims, issuer.oidc)
        agent_id = await services.database.write(oidc.person, claims=claims, role=role, issuer=issuer.oidc.issuer)
    except Problem as problem:
        reason = "unavailable" if problem.status == 503 else "no_role" if "role" in problem.detail else "failed"
        answer = RedirectResponse(f"{PAGE}?sign_in={reason}", 303)
        answer.delete_cookie(COOKIE, path=PATH)
        return answer
    token = await services.database.write(people.begin, agent_id=agent_id, sandbox=services.settings.sandbox)
    assert token is not None
    answer = RedirectResponse(PAGE, 303)
    answer.delete_cookie(COOKIE, path=PATH)
    let_in(answer, token=token, secure=services.settings.public_url.startswith("https://"))
    return answer
