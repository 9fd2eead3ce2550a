"""Asks Rasa what a line means and what the assistant would say; the door `suggest` of brain/channel.py, which touches no conversation."""

from __future__ import annotations

from typing import Any

import aiohttp

from gateway.problems import Problem
from gateway.services import Services
from telemetry import tracing

PATIENCE_S = 3.0


async def suggest(services: Services, *, text: str, language: str) -> dict[str, Any]:
    """Returns `{language, parse, answers, always, mood}`; raises `assistant_unavailable` when no Rasa answers in time."""
    body = {"text": text, "language": language}
    headers = {"Authorization": "Bearer " + services.settings.rasa_token}
    with tracing.span("rasa suggest", kind="client"):
        for url in services.settings.rasa_urls:
            try:
                async with services.session.post(
                    url + "/webhooks/gateway/suggest",
                    json=body,
                    headers=headers | tracing.headers(),
                    timeout=aiohttp.ClientTimeout(total=PATIENCE_S, connect=1.0),
                ) as answer:
                    found = await answer.json(content_type=None)
            except (aiohttp.ClientError, TimeoutError, ValueError):
                continue
            if answer.status == 200 and isinstance(found, dict) and isinstance(found.get("answers"), list):
                return found
    raise Problem("assistant_unavailable", headers={"Retry-After": "3"}, retry_after=3)
