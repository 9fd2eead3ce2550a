"""The phone company: SMS and push over HTTP; the message id is the idempotency key."""

from __future__ import annotations

import requests
import structlog

from binding.ports import http
from binding.settings import settings

log = structlog.get_logger("phone")


def send(*, message_id: str, channel: str, to: str, account_id: str, text: str, purpose: str, tries: int = 1) -> bool:
    """Send a message; returns whether the phone company has it. `purpose`: code | notice."""
    for _ in range(tries):
        try:
            answer = http.call(
                "POST",
                f"{settings().sms_url}/{channel}/v1/messages",
                peer="phone",
                json={"to": to, "customer": account_id, "text": text, "purpose": purpose},
                headers={"Authorization": f"Bearer {settings().sms_token}", "Idempotency-Key": message_id},
                timeout=(1, 3),
            )
            if answer.status_code < 300:
                return True
            log.warning("a message was refused", message=message_id, http_status=answer.status_code)
        except requests.RequestException as error:
            log.warning("a message was not sent", message=message_id, error=type(error).__name__)
    return False
