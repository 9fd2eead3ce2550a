"""Standard Webhooks: events to the gateway are signed, callbacks of the bank are checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import structlog
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from binding.clock import real_now
from binding.ports import http
from binding.settings import settings

log = structlog.get_logger("webhooks")


def deliver(*, event_id: str, kind: str, created: str, data: dict[str, Any]) -> bool:
    """Deliver one event to the gateway; returns whether it answered 2xx."""
    body = json.dumps({"type": kind, "timestamp": created, "data": data}, ensure_ascii=False)
    url = f"{settings().gateway_internal_url}/internal/v1/events"
    headers = signed(settings().events_secret, event_id, body)
    if settings().gateway_internal_token:
        headers["Authorization"] = f"Bearer {settings().gateway_internal_token}"
    try:
        answer = http.call("POST", url, peer="gateway", body=body.encode(), headers=headers, timeout=(1, 5))
    except http.NoAnswer as error:
        log.warning("the gateway did not take an event", event_id=event_id, error=type(error).__name__)
        return False
    if answer.status >= 300:
        log.warning("the gateway refused an event", event_id=event_id, http_status=answer.status)
    return answer.status < 300


def signed(secret: str, message_id: str, body: str) -> dict[str, str]:
    """Return the headers that sign a body."""
    moment = real_now()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": hook(secret).sign(message_id, moment, body),
        "content-type": "application/json",
    }


def checked(secret: str, headers: Mapping[str, str], body: bytes, *, older: str = "") -> dict[str, Any] | None:
    """Return the body of a signed message, or None when the signature or its time is wrong; signed with either secret."""
    for known in filter(None, (secret, older)):
        try:
            found = hook(known).verify(body, dict(headers))
        except (WebhookVerificationError, ValueError, RecursionError):  # ValueError: also of bytes that are no text
            continue
        return found if isinstance(found, dict) else None
    return None


def hook(secret: str) -> Webhook:
    """Make the signer for a secret: `whsec_…` or `…` as base64, any other text as its bytes."""
    if secret.startswith("whsec_"):
        return Webhook(secret)
    return Webhook(secret.encode())
