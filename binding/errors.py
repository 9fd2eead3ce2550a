"""Errors as RFC 9457 problems: a stable code, a status, and what the caller needs to go on."""

from __future__ import annotations

from typing import Any

TITLES = {
    "unauthenticated": "The caller or the customer is not known",
    "not_found": "No such object",
    "invalid_request": "The request is not well-formed",
    "invalid_target": "This kind of operation has no such target",
    "idempotency_key_missing": "An Idempotency-Key is needed",
    "idempotency_key_reused": "This Idempotency-Key was used with another body",
    "request_in_progress": "The same request is being worked on",
    "blocked": "Something stands in the way",
    "operation_in_progress": "An operation on this target is open",
    "already_done": "This is already so",
    "effects_changed": "The effects have changed: ask the customer again",
    "operation_closed": "The operation takes no further steps",
    "send_too_soon": "A code was sent a moment ago",
    "daily_send_limit": "No more codes can be sent today",
    "challenges_locked": "Too many failures: verification is locked for a while",
    "method_not_allowed": "This way to verify is not available here",
    "sms_not_sent": "The code could not be sent",
    "code_wrong": "The code is wrong",
    "code_expired": "The code has expired",
    "code_used": "The code was used",
    "code_replaced": "A newer code was sent",
    "call_closed": "The call takes no further steps",
    "forbidden": "This caller may not do that",
    "too_many_requests": "Too many requests",
    "service_unavailable": "Try again in a moment",
}


class Problem(Exception):
    """An answer other than success. What the transaction wrote before it was raised is kept."""

    def __init__(self, status: int, code: str, detail: str | None = None, **extra: Any) -> None:
        super().__init__(code)
        self.status, self.code, self.detail, self.extra = status, code, detail, extra

    def body(self) -> dict[str, Any]:
        """Return the RFC 9457 body."""
        title = TITLES.get(self.code, self.code.replace("_", " ").capitalize())
        return {
            "type": f"urn:jiebang:problem:{self.code}",
            "title": title,
            "status": self.status,
            "detail": self.detail or title,
            "code": self.code,
            **self.extra,
        }


def not_found() -> Problem:
    """Build the answer for what does not exist or belongs to somebody else."""
    return Problem(404, "not_found")


def unauthenticated(detail: str) -> Problem:
    """Build the answer for a missing or bad token."""
    return Problem(401, "unauthenticated", detail)
