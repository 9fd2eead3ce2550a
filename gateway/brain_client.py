"""Asks Rasa for one turn at its gateway channel; sticky to one of several Rasas by conversation."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import aiohttp

from gateway import metrics
from gateway.breaker import Breaker
from gateway.log import log
from telemetry import tracing

MOST_DOUBTFUL = 2048


class BrainUnavailable(Exception):
    """The turn got no answer. `unknown` is True when Rasa may have run it: the same turn id is then safe to ask again."""

    def __init__(self, reason: str, *, unknown: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.unknown = reason, unknown


class BrainClient:
    """Keeps connections to Rasa, a time limit for a turn, and a breaker for each address."""

    def __init__(
        self, *, urls: tuple[str, ...], token: str, session: aiohttp.ClientSession, timeout: float = 15.0
    ) -> None:
        self._urls, self._token, self._session, self._timeout = urls, token, session, timeout
        self.breakers = {url: Breaker() for url in urls}
        # Turns that a Rasa may still be running although nobody waits for it any more.
        self._doubtful: OrderedDict[str, str] = OrderedDict()

    @staticmethod
    def order(urls: Sequence[str], conversation: str) -> list[str]:
        """Ranks the addresses for a conversation (rendezvous hashing): each keeps its own, and a fallback."""
        return sorted(urls, key=lambda url: hashlib.sha256(f"{url}|{conversation}".encode()).digest())

    async def turn(self, body: dict[str, Any]) -> dict[str, Any]:
        """Returns Rasa's answer to one turn; raises BrainUnavailable after the time limit, an error, or an open breaker.

        A turn that was asked before without an answer goes back to where it may still run, and only from there elsewhere.
        """
        deadline = time.monotonic() + self._timeout
        reason = "breaker_open"
        before = self._doubtful.pop(body["turn_id"], None)
        for url in sorted(self.order(self._urls, body["conversation_id"]), key=lambda one: one != before):
            breaker = self.breakers[url]
            if url != before and not breaker.allows():
                continue
            try:
                with tracing.span("rasa turn", kind="client", conversation=body["conversation_id"]) as current:
                    try:
                        answer = await self._ask(url, body, deadline)
                    except BrainUnavailable as error:
                        tracing.mark(current, outcome=error.reason)
                        raise
            except BrainUnavailable as error:
                # A turn that failed inside Rasa says nothing against Rasa: one bad message must not silence everybody.
                if error.reason in ("status_500", "status_400"):
                    breaker.ok()
                else:
                    breaker.failed()
                metrics.brain_failures.labels(error.reason).inc()
                log.warning(
                    "brain_failed", reason=error.reason, conversation=body["conversation_id"], turn=body["turn_id"]
                )
                if error.unknown:
                    self._doubt(body["turn_id"], url)
                # Only where the turn surely did not run may another be asked at once.
                if error.unknown or error.reason not in ("connect", "status_503"):
                    raise
                reason = error.reason
                continue
            except BaseException:
                breaker.left()
                raise
            breaker.ok()
            return answer
        raise BrainUnavailable(reason)

    def _doubt(self, turn_id: str, url: str) -> None:
        self._doubtful[turn_id] = url
        while len(self._doubtful) > MOST_DOUBTFUL:
            self._doubtful.popitem(last=False)

    async def _ask(self, url: str, body: dict[str, Any], deadline: float) -> dict[str, Any]:
        pause = 0.05
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise BrainUnavailable("timeout", unknown=True)
            try:
                async with self._session.post(
                    url + "/webhooks/gateway/turn",
                    json=body,
                    headers={
                        "Authorization": "Bearer " + self._token,
                        "X-Request-Id": body["turn_id"],
                        **tracing.headers(),
                    },
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=left, connect=min(2.0, left)),
                ) as answer:
                    if answer.status == 200:
                        return _checked(await answer.json())
                    if answer.status != 409:
                        raise BrainUnavailable(f"status_{answer.status}", unknown=False)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
                raise BrainUnavailable("connect") from None
            except TimeoutError:
                raise BrainUnavailable("timeout", unknown=True) from None
            except (aiohttp.ClientError, ValueError):
                raise BrainUnavailable("broken_answer", unknown=True) from None
            # 409 turn_running: this very turn is still being worked on (asked before a restart of ours).
            await asyncio.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(pause * 2, 1.0)

    async def ready(self) -> dict[str, Any]:
        """Returns `{"ok": bool, "model"?: …, "away"?: count}`: one Rasa that is ready is enough, since conversations move to it."""
        found: dict[str, Any] = {}
        away = 0
        for url in self._urls:
            try:
                async with self._session.get(
                    url + "/webhooks/gateway/readyz", timeout=aiohttp.ClientTimeout(total=2)
                ) as answer:
                    body = await answer.json(content_type=None)
                    found |= {
                        key: body[key]
                        for key in ("model", "degraded", "checks")
                        if isinstance(body, dict) and key in body
                    }
                    away += answer.status != 200
            except (aiohttp.ClientError, TimeoutError, ValueError):
                away += 1
        return {"ok": away < len(self._urls)} | found | ({"away": away} if away else {})


def _checked(answer: Any) -> dict[str, Any]:
    """Holds the answer against docs/interfaces.md, so that a broken one is a failed turn and not a broken page."""
    if not isinstance(answer, dict) or not isinstance(answer.get("replies"), list):
        raise BrainUnavailable("broken_answer", unknown=True)
    for reply in answer["replies"]:
        if (
            not isinstance(reply, dict)
            or not isinstance(reply.get("text") or "", str)
            or not isinstance(reply.get("buttons") or [], list)
        ):
            raise BrainUnavailable("broken_answer", unknown=True)
    return answer
