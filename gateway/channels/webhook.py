"""A signed webhook for other systems (mobile app, IVR, another desk): Standard Webhooks in both directions.

In: `POST /channels/webhook/{client}` `{address, text | button | begin, language?, customer_token?}`; `webhook-id` makes it once.
Out: `POST <configured address>` `{type: "message", timestamp, data: {address, conversation, message}}`; 2xx ends the delivery.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import aiohttp
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StrictBool, StrictStr, ValidationError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from gateway.api.customers import services_of
from gateway.channels.base import DeliveryFailed, Incoming, receive
from gateway.channels.missed import FOR_GOOD
from gateway.identity.customer_jwt import TokenInvalid
from gateway.problems import Problem
from gateway.routes import Route
from gateway.services import Services

router = APIRouter(route_class=Route, tags=["channels"])


class Body(BaseModel):
    """What a system sends in for one of its customers."""

    address: Annotated[StrictStr, Field(min_length=1, max_length=150, pattern=r"^[\x21-\x7e]+$")]
    text: StrictStr | None = None
    button: Annotated[StrictStr, Field(max_length=200)] | None = None
    begin: StrictBool = False
    language: Literal["zh", "en"] = "zh"
    customer_token: Annotated[StrictStr, Field(max_length=8192)] | None = None


class Hook:
    """Sends messages to the systems' configured addresses; no address ever comes from a request."""

    name, merges = "webhook", False

    def __init__(self, services: Services) -> None:
        self.services = services

    async def deliver(self, *, address: str, messages: list[dict[str, Any]], language: str) -> None:
        """Sends each message, signed."""
        name, _, whom = address.partition("|")
        client = self.services.settings.webhook_clients.get(name)
        if client is None:
            raise DeliveryFailed(FOR_GOOD + "unknown webhook client", permanent=True)
        secret, url = client
        for message in messages:
            at = datetime.now(UTC)
            body = {
                "type": "message",
                "timestamp": at.isoformat(),
                "data": {"address": whom, "language": language, "message": message},
            }
            raw = json.dumps(body, ensure_ascii=False)
            headers = {
                "webhook-id": message["id"],
                "webhook-timestamp": str(int(at.timestamp())),
                "Content-Type": "application/json",
                "webhook-signature": Webhook(secret).sign(message["id"], at, raw),
            }
            try:
                async with self.services.session.post(
                    url,
                    data=raw.encode(),
                    headers=headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=10),
                ) as answer:
                    if answer.status == 410:
                        raise DeliveryFailed(FOR_GOOD + "the other side answered 410", permanent=True)
                    if answer.status // 100 != 2:
                        raise DeliveryFailed(f"the other side answered {answer.status}")
            except (aiohttp.ClientError, TimeoutError):
                raise DeliveryFailed("the other side is unreachable") from None


@router.post("/channels/webhook/{client}", status_code=202)
async def webhook(client: str, request: Request) -> dict[str, str]:
    """Takes a signed message in; the answer goes to the configured address."""
    services = services_of(request)
    known = services.settings.webhook_clients.get(client)
    if known is None:
        raise Problem("not_found")
    try:
        Webhook(known[0]).verify(await request.body(), dict(request.headers))
    except RecursionError:  # it is well signed, and read to see so
        raise Problem("malformed_json") from None
    except (WebhookVerificationError, ValueError, OverflowError):
        raise Problem("signature_invalid") from None
    try:
        body = Body.model_validate(await request.json())
    except ValidationError:
        raise Problem("invalid_request") from None
    if sum((body.text is not None, body.button is not None, body.begin)) != 1:
        raise Problem("invalid_request", "Exactly one of text, button and begin.")
    account = None
    if body.customer_token:
        try:
            account = await services.host_tokens.account(body.customer_token)
        except TokenInvalid:
            raise Problem("customer_token_invalid") from None
    incoming = Incoming(
        channel="webhook",
        address=f"{client}|{body.address}",
        key=f"webhook:{client}:{request.headers['webhook-id']}",
        text=body.text,
        button=body.button,
        begin=body.begin,
        language=body.language,
        account=account,
    )
    return {"conversation": await receive(services, incoming)}
