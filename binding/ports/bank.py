"""The bank, over HTTP. The operation's id is the idempotency key; no answer is an answer of its own: unknown."""

from __future__ import annotations

import time
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from binding.ports import http
from binding.ports.answers import Checked, Outcome, Refused
from binding.settings import settings

log = structlog.get_logger("bank")
UNKNOWN = {"state": "unknown"}
_OUTCOME: TypeAdapter[Any] = TypeAdapter(Outcome)
_CHECK: TypeAdapter[Any] = TypeAdapter(Checked | Refused)


def submit(*, operation_id: str, account_id: str, request: dict[str, Any]) -> dict[str, Any]:
    """Send an operation to the bank, or send it again: the bank does it once. Returns an `Outcome`'s fields or unknown, never raises."""
    body = {"account": account_id} | {k: v for k, v in request.items() if k not in ("action", "cards", "reserved_phone")}
    return _call("POST", f"/bank/v1/{request['action']}", operation_id, json=body)


def ask(*, operation_id: str) -> dict[str, Any]:
    """Ask what became of an operation; `{"state": "missing"}` when the bank never heard of it."""
    return _call("GET", f"/bank/v1/requests/{operation_id}", operation_id)


def tokenise(*, key: str, details: dict[str, str]) -> dict[str, Any]:
    """Let the bank check a new card's details; returns {"state": "checked", "card_token", "tail", "card_type", "bank"}, a refusal, or unknown.

    `key` belongs to these details alone: the bank answers a key that it knows as before, whatever comes with it.
    """
    return _call("POST", "/bank/v1/card-tokens", key, json=details, shape=_CHECK)


def list_requests(*, cursor: str | None = None) -> dict[str, Any]:
    """List what the bank has done for us, for the reconciliation; raises when the bank does not answer."""
    answer = http.call(
        "GET", f"{settings().bank_url}/bank/v1/requests", peer="bank", fields={"cursor": cursor} if cursor else {},
        headers=_headers(None), timeout=(2, 10),
    )  # fmt: skip
    if answer.status >= 300:
        raise http.NoAnswer(f"the bank answered {answer.status}")
    return answer.json()  # type: ignore[no-any-return]


def _headers(key: str | None) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {settings().bank_token}"}
    return headers | {"Idempotency-Key": key} if key else headers


def _call(
    method: str, path: str, key: str, json: dict[str, Any] | None = None, shape: TypeAdapter[Any] = _OUTCOME
) -> dict[str, Any]:
    """Call the bank; returns the fields of its answer that the shape names, or unknown: also for what does not fit the shape."""
    try:
        answer = http.call(
            method, f"{settings().bank_url}{path}", peer="bank", json=json, headers=_headers(key),
            timeout=(1.0, settings().bank_timeout_s),
        )  # fmt: skip
        if answer.status == 404 and method == "GET":
            return {"state": "missing"}
        body = answer.json() if answer.status < 500 else None
    except (http.NoAnswer, ValueError, RecursionError) as error:
        log.warning("the bank did not answer", operation=key, error=type(error).__name__)
        return UNKNOWN
    try:
        return shape.validate_python(body).model_dump(exclude_none=True)  # type: ignore[no-any-return]
    except ValidationError as error:
        wrong = sorted({".".join(map(str, fault["loc"])) for fault in error.errors(include_input=False)})
        log.warning("the bank's answer is not usable", operation=key, http_status=answer.status, fields=wrong)
        return UNKNOWN


def register(*, agreements: list[dict[str, Any]], pending: list[dict[str, Any]], tries: int) -> bool:
    """Sandbox: make agreements and waiting requests known to the stand-in, with patience while it starts."""
    for attempt in range(tries):
        try:
            answer = http.call(
                "PUT", f"{settings().bank_url}/control/agreements", peer="bank", headers=_headers(None), timeout=(1, 5),
                json={"agreements": agreements, "pending": pending},
            )  # fmt: skip
            if answer.status < 300:
                return True
        except http.NoAnswer:
            pass
        if attempt + 1 < tries:
            time.sleep(0.5)
    return False
