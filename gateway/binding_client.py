"""Asks binding in a customer's name, with a customer token that the gateway signs itself."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from gateway.identity.customer_token import CustomerTokens
from gateway.problems import Problem
from telemetry import tracing


class BindingRefused(Exception):
    """Binding's answer is a problem; `code` and `body` are its own."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(str(body.get("code")))
        self.code, self.body = str(body.get("code")), body


class BindingClient:
    """Keeps no state of its own. Every call raises the problem `binding_unavailable` when there is no answer."""

    def __init__(self, *, url: str, token: str, session: aiohttp.ClientSession, tokens: CustomerTokens) -> None:
        self._url, self._token, self._session, self._tokens = url, token, session, tokens

    async def items(
        self, path: str, *, account: str, conversation: str, agent: str | None = None
    ) -> list[dict[str, Any]]:
        """Returns the first page of a list (`cards`, `operations?open=true`, …)."""
        status, body = await self._ask("GET", path, account=account, conversation=conversation, agent=agent)
        if status != 200 or not isinstance(body.get("items"), list):
            raise Problem("binding_unavailable", headers={"Retry-After": "3"})
        return body["items"]

    async def verify(
        self, *, account: str, conversation: str, operation: dict[str, Any], code: str, key: str
    ) -> dict[str, Any]:
        """Submits a code to the operation's open challenge; returns the operation; raises BindingRefused."""
        path = f"challenges/{operation['challenge']['id']}/verify?wait=3"
        body = {"code": code, "effects_version": operation["effects_version"]}
        for _ in range(5):
            status, found = await self._ask(
                "POST", path, account=account, conversation=conversation, body=body, key=key
            )
            if status in (200, 202):
                return found
            if found.get("code") != "request_in_progress":
                break
            await asyncio.sleep(1)
        if status >= 500:
            raise Problem("binding_unavailable", headers={"Retry-After": "3"})
        raise BindingRefused(found)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        account: str,
        conversation: str,
        agent: str | None = None,
        body: Any = None,
        key: str | None = None,
    ) -> tuple[int, dict[str, Any]]:
        token, _ = self._tokens.issue(account=account, conversation=conversation, agent=agent)
        headers = {"Authorization": "Bearer " + self._token, "X-Customer-Token": token}
        headers |= {"Idempotency-Key": key} if key else {}
        route = path.partition("?")[0].split("/")
        with tracing.span(f"binding {method} /v1/{route[0]}", kind="client", conversation=conversation) as current:
            try:
                async with self._session.request(
                    method,
                    f"{self._url}/v1/{path}",
                    json=body,
                    headers=headers | tracing.headers(),
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=10),
                ) as answer:
                    tracing.mark(current, status=answer.status)
                    found = await answer.json(content_type=None)
            except (aiohttp.ClientError, TimeoutError, ValueError):
                raise Problem("binding_unavailable", headers={"Retry-After": "3"}) from None
        if not isinstance(found, dict):
            raise Problem("binding_unavailable", headers={"Retry-After": "3"})
        return answer.status, found
