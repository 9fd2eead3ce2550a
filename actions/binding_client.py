"""The typed client of binding's `/v1`. Shapes: docs/interfaces.md; checked against binding's OpenAPI by tests/actions/test_binding_client.py."""
from __future__ import annotations

from typing import Any, Literal, TypedDict, cast

from actions.http import call
from actions.settings import settings


class Card(TypedDict):
    """A bank card; `tail` is all that is known of its number."""

    id: str
    bank: str
    type: Literal["debit", "credit"]
    tail: str
    quick_pay: bool
    repayment: bool
    state: str
    reserved_phone_masked: str | None


class Wallet(TypedDict):
    """A digital wallet."""

    id: str
    kind: str
    state: str


class Agreement(TypedDict):
    """An automatic deduction; `amount` in minor units."""

    id: str
    merchant: str
    kind: str
    card_id: str | None
    amount: int | None
    currency: str | None
    state: str


class Operation(TypedDict, total=False):
    """One operation with its effects, verification and outcome."""

    id: str
    kind: str
    status: str
    target: str
    target_summary: dict[str, Any]
    conversation: str | None
    reason_code: str | None
    reference: str
    effects: list[dict[str, Any]]
    effects_version: str
    verification: dict[str, list[str]]
    challenge: dict[str, Any] | None
    attempts_left: int
    eta: str | None
    finished_at: str | None


class Binding:
    """Binding as one customer sees it."""

    def __init__(self, *, token: str) -> None:
        self._headers = {"Authorization": f"Bearer {settings().binding_service_token}", "X-Customer-Token": token}

    async def _get(self, path: str, **params: Any) -> dict[str, Any]:
        return await call("GET", f"{settings().binding_url}/v1/{path}", headers=self._headers, params=params)

    async def _post(self, path: str, *, key: str, body: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        return await call("POST", f"{settings().binding_url}/v1/{path}", headers={**self._headers, "Idempotency-Key": key}, body=body or {}, params=params)

    async def _all(self, path: str, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self._get(path, limit=100, **params, **({"cursor": cursor} if cursor else {}))
            found += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found

    async def cards(self) -> list[Card]:
        """Lists the bound cards."""
        return cast(list[Card], await self._all("cards"))

    async def wallets(self) -> list[Wallet]:
        """Lists the bound wallets."""
        return cast(list[Wallet], await self._all("wallets"))

    async def agreements(self, *, card_id: str | None = None) -> list[Agreement]:
        """Lists the active automatic deductions, of one card when named."""
        return cast(list[Agreement], await self._all("agreements", **({"card_id": card_id} if card_id else {})))

    async def operations(self, *, limit: int = 5) -> list[Operation]:
        """Lists the newest operations."""
        return cast(list[Operation], (await self._get("operations", limit=limit))["items"])

    async def operation(self, *, operation_id: str) -> Operation:
        """Gets one operation; asking about it also ties it to this conversation."""
        return cast(Operation, await self._get(f"operations/{operation_id}"))

    async def create_operation(self, *, kind: str, target: str, key: str) -> Operation:
        """Creates an operation that waits for verification; raises Refused `blocked`, `operation_in_progress`, `already_done`, `not_found`."""
        return cast(Operation, await self._post("operations", key=key, body={"kind": kind, "target": target}))

    async def create_challenge(self, *, operation_id: str, method: str, effects_version: str, key: str) -> dict[str, Any]:
        """Sends a code, or makes a secure page; raises Refused `effects_changed`, `send_too_soon`, `daily_send_limit`, `challenges_locked`."""
        return await self._post(f"operations/{operation_id}/challenges", key=key, body={"method": method, "effects_version": effects_version})

    async def verify(self, *, challenge_id: str, code: str, effects_version: str, key: str) -> Operation:
        """Verifies a code, which starts the operation; raises Refused `code_wrong`, `code_expired`, …"""
        body = {"code": code, "effects_version": effects_version}
        return cast(Operation, await self._post(f"challenges/{challenge_id}/verify", key=key, body=body, wait=settings().verify_wait_s))

    async def cancel(self, *, operation_id: str, key: str) -> Operation:
        """Cancels an operation that still waits for verification."""
        return cast(Operation, await self._post(f"operations/{operation_id}/cancel", key=key))
