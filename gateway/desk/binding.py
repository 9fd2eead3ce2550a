"""Binding as the desk asks it: in a customer's name with the agent as the actor, and for callers whom nobody has verified yet."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import aiohttp

from gateway.desk import names
from gateway.desk.problems import DeskProblem
from gateway.problems import Problem
from gateway.services import Services
from telemetry import tracing

PASSED_ON = ("detail", "attempts_left", "retry_after", "effects", "effects_version", "operation_id", "operation_status")


def key_of(*parts: str) -> str:
    """Derives an idempotency key: the same press of the same agent at the same place is one request."""
    return "desk-" + hashlib.sha256("|".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


class DeskBinding:
    """Every call returns binding's answer, or raises its problem with the desk's words; no answer is `binding_unavailable`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def get(self, path: str, *, account: str, place: str, agent: str) -> Any:
        """Reads something of the customer's."""
        return await self._ask("GET", path, headers=self._customer(account, place, agent))

    async def items(self, path: str, *, account: str, place: str, agent: str) -> list[dict[str, Any]]:
        """Reads the first page of a list."""
        found = await self.get(path, account=account, place=place, agent=agent)
        return found["items"] if isinstance(found.get("items"), list) else []

    async def post(self, path: str, body: Any, *, account: str, place: str, agent: str, key: str) -> Any:
        """Does something in the customer's name, once per `key`."""
        return await self._ask("POST", path, body=body, key=key, headers=self._customer(account, place, agent))

    async def caller(self, path: str, body: Any, *, agent: str, key: str) -> Any:
        """Asks about a caller: `` opens, `/{ref}/challenges` sends, `/{ref}/verify` checks."""
        return await self._ask("POST", "callers" + path, body=body, key=key, headers={"X-Agent": agent})

    def _customer(self, account: str, place: str, agent: str) -> dict[str, str]:
        token, _ = self._services.customer_tokens.issue(account=account, conversation=place, agent=agent)
        return {"X-Customer-Token": token}

    async def _ask(
        self, method: str, path: str, *, headers: dict[str, str], body: Any = None, key: str | None = None
    ) -> Any:
        sent = {"Authorization": "Bearer " + self._services.settings.binding_token} | headers
        sent |= {"Idempotency-Key": key} if key else {}
        for pause in (0.3, 0.6, 1.0, 2.0, None):
            status, found = await self._once(method, path, sent, body)
            if found.get("code") != "request_in_progress" or pause is None:
                break
            await asyncio.sleep(pause)
        if status < 400:
            return found
        if status in (401, 404) and found.get("code") == "unauthenticated":
            raise Problem("binding_unavailable", "Binding does not know this gateway.")
        if status >= 500 and found.get("code") != "sms_not_sent":
            raise Problem("binding_unavailable", headers={"Retry-After": "3"})
        raise self._refusal(status, found)

    async def _once(self, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, Any]]:
        url = f"{self._services.settings.binding_url}/v1/{path}"
        with tracing.span(f"binding {method} /v1/{path.partition('?')[0].split('/')[0]}", kind="client") as current:
            try:
                async with self._services.session.request(
                    method,
                    url,
                    json=body,
                    headers=headers | tracing.headers(),
                    timeout=aiohttp.ClientTimeout(total=10),
                ) as answer:
                    tracing.mark(current, status=answer.status)
                    found = await answer.json(content_type=None)
            except (aiohttp.ClientError, TimeoutError, ValueError):
                raise Problem("binding_unavailable", headers={"Retry-After": "3"}) from None
        if not isinstance(found, dict):
            raise Problem("binding_unavailable", headers={"Retry-After": "3"})
        return answer.status, found

    @staticmethod
    def _refusal(status: int, found: dict[str, Any]) -> Problem:
        extra: dict[str, Any] = {name: found[name] for name in PASSED_ON if name in found}
        detail = str(extra.pop("detail", ""))
        if blockers := found.get("blockers"):
            extra["blockers"] = [
                one
                | {"title": names.word("blockers", one.get("code"), money=names.money(one.get("amount"), one.get("currency")))}
                for one in blockers
            ]  # fmt: skip
        if isinstance(found.get("operation"), dict):
            extra["operation"] = found["operation"]
        return DeskProblem(str(found.get("code") or "invalid_request"), detail, status=status, **extra)
