"""The phone company: SMS and push over HTTP; the message id is the idempotency key."""

from __future__ import annotations

from typing import Literal

import structlog

from binding.ports import http
from binding.settings import settings

log = structlog.get_logger("phone")


Sent = Literal["taken", "refused", "unknown"]


def send(*, message_id: str, channel: str, to: str, account_id: str, text: str, purpose: str, tries: int = 1) -> Sent:
    """Send a message; returns what is known of it, never raises. `purpose`: code | notice.

    `taken`: the phone company has it. `refused`: it surely has not (an answer of 4xx, or nobody was reached). `unknown`: it
    may have gone out, as after a request without an answer; a later try that is refused does not undo an earlier one.
    """
    outcome: Sent = "refused"
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
            if answer.status < 300:
                return "taken"
            if answer.status >= 500:
                outcome = "unknown"
            log.warning("a message was refused", message=message_id, http_status=answer.status)
        except http.NoAnswer as error:
            if not http.never_arrived(error):
                outcome = "unknown"
            log.warning("a message got no answer", message=message_id, error=type(error).__name__)
    return outcome
