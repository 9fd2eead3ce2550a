"""Telegram: webhook updates in, sendMessage with inline keyboards out (Bot API)."""

from __future__ import annotations

import hmac
import re
from typing import Any

import aiohttp
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway import words
from gateway.api.customers import services_of
from gateway.channels.base import DeliveryFailed, Incoming, Parts, pieces, receive
from gateway.problems import Problem
from gateway.routes import Route
from gateway.services import Services

router = APIRouter(route_class=Route, tags=["channels"])
LONGEST = 4096  # UTF-16 units


def units(text: str) -> int:
    """Returns the length of a text as Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Telegram:
    """Sends to chats. Buttons become an inline keyboard: a token as callback data (64 bytes at most), links as links."""

    name, merges = "telegram", False

    def __init__(self, services: Services) -> None:
        self.services, self.parts = services, Parts()

    async def call(self, method: str, body: dict[str, Any]) -> None:
        """Calls one method of the Bot API; raises DeliveryFailed with Telegram's own words."""
        settings = self.services.settings
        try:
            url = f"{settings.telegram_api}/bot{settings.telegram_token}/{method}"
            async with self.services.session.post(
                url, json=body, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=10)
            ) as answer:
                found = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise DeliveryFailed("telegram unreachable") from None
        if not isinstance(found, dict) or not found.get("ok"):
            found = found if isinstance(found, dict) else {}
            code, after = found.get("error_code"), (found.get("parameters") or {}).get("retry_after")
            raise DeliveryFailed(
                f"telegram {code}: {found.get('description', '')}", permanent=code in (400, 403, 404), retry_after=after
            )

    async def deliver(self, *, address: str, messages: list[dict[str, Any]], language: str) -> None:  # noqa: ARG002
        """Sends one message."""
        for message in messages:
            rows = []
            for button in message["buttons"]:
                target = (
                    {"callback_data": button["token"]}
                    if "token" in button
                    else {"url": button["link"]}
                    if "link" in button
                    else None
                )
                if target:
                    rows.append([{"text": button["title"][:64], **target}])
            bodies: list[dict[str, Any]] = [
                {"chat_id": int(address), "text": piece}
                for piece in pieces(message["text"] or "…", most=LONGEST, size=units)
            ]
            if rows:
                bodies[-1]["reply_markup"] = {"inline_keyboard": rows}
            await self.parts.send(message["id"], bodies, lambda body: self.call("sendMessage", body))


def incoming_of(update: Any) -> Incoming | None:
    """Returns what an update says; None for what is not for us (groups, edits, other bots)."""
    if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
        return None
    press = update.get("callback_query")
    message = press.get("message") if isinstance(press, dict) else update.get("message")
    if not isinstance(message, dict) or not isinstance(chat := message.get("chat"), dict):
        return None
    if (
        chat.get("type") != "private"
        or not isinstance(chat.get("id"), int)
        or isinstance(chat["id"], bool)
        or abs(chat["id"]) >= 2**53
    ):
        return None
    sender = (press if isinstance(press, dict) else message).get("from")
    spoken = str(sender.get("language_code") or "") if isinstance(sender, dict) else ""
    common: dict[str, Any] = {
        "channel": "telegram",
        "address": str(chat["id"]),
        "key": f"telegram:{update['update_id']}",
        "language": "en" if spoken and not spoken.startswith("zh") else "zh",
    }
    if isinstance(press, dict):
        return Incoming(**common, button=str(press.get("data") or ""))
    text = message.get("text")
    if isinstance(text, str) and re.match(r"/start(@\w+)?(\s|$)", text):
        return Incoming(**common, begin=True)
    return Incoming(**common, text=text if isinstance(text, str) else "")


@router.post("/channels/telegram")
async def webhook(request: Request) -> Response:
    """Takes an update in; the secret token proves that Telegram sent it."""
    services = services_of(request)
    settings = services.settings
    if not settings.telegram_token or not settings.telegram_secret:
        raise Problem("not_found")
    shown = request.headers.get("x-telegram-bot-api-secret-token", "")
    if not hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), settings.telegram_secret.encode()):
        raise Problem("unauthenticated")
    update = await request.json()
    incoming = incoming_of(update)
    if incoming is not None:
        try:
            await receive(services, incoming)
        except Problem as problem:
            if problem.status != 429:
                raise
            # Too fast: said on the spot. An error would be delivered again and again, and hold up everybody else's updates.
            said = words.one("too_many_requests", incoming.language)
            return JSONResponse({"method": "sendMessage", "chat_id": int(incoming.address), "text": said})
        press = update.get("callback_query")
        if (
            isinstance(press, dict)
            and isinstance(press.get("id"), str)
            and isinstance(adapter := services.courier.adapters["telegram"], Telegram)
        ):
            services.background(adapter.call("answerCallbackQuery", {"callback_query_id": press["id"]}))
    return Response(status_code=200)
